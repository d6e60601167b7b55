//! Reports in words: what the person said of the program, and what became of it.

use std::process::ExitCode;

use client::Client;
use domain::command::{OpinionNew, OpinionRow, OpinionWord, Opinions, Sent};
use domain::opinion::{OpinionImpact, OpinionStanding, OpinionTopic};
use domain::problem::Problem;
use serde_json::json;

use crate::args::{Impact, Topic};
use crate::prose::{self, Language, instant};
use crate::rules;
use crate::run::{ask, print_json};
use crate::{say, warn};

/// Queues a report, and prints its folio alone.
pub(crate) async fn report(
    client: &Client,
    language: Language,
    (kind, impact): (Topic, Option<Impact>),
    diagnosed: bool,
    text: String,
) -> Result<ExitCode, Problem> {
    let diagnostics = if diagnosed {
        let text = diagnostics(client)?;
        // Before it is kept: the person sees what goes along.
        warn(&text);
        Some(text)
    } else {
        None
    };
    let request = OpinionNew {
        topic: match kind {
            Topic::Problem => OpinionTopic::Problem,
            Topic::Opinion => OpinionTopic::Opinion,
            Topic::Suggestion => OpinionTopic::Suggestion,
        },
        impact: impact.map(|impact| match impact {
            Impact::Blocks => OpinionImpact::Blocks,
            Impact::Hinders => OpinionImpact::Hinders,
            Impact::Detail => OpinionImpact::Detail,
        }),
        text,
        screen: "avance-device".into(),
        diagnostics,
    };
    let sent: Sent = ask(client, "opinion_send", json!(request)).await?;
    say(&sent.folio);
    warn(language.pick(
        "Guardado en este equipo; se envía solo con lo demás. Su estado: avance-device reports",
        "Kept on this equipment; it goes by itself with the rest. Its state: avance-device reports",
    ));
    Ok(ExitCode::SUCCESS)
}

/// Versions and counts: no name, no folio, no content.
fn diagnostics(client: &Client) -> Result<String, Problem> {
    let status = client.status()?;
    let mut lines = vec![
        "Avance Abierto".to_owned(),
        format!("version: {}", client::VERSION),
        format!("system: {} {}", std::env::consts::OS, std::env::consts::ARCH),
        format!("counts: {}", json!(status.counts)),
        format!("received: {}/{}", status.received, status.marked),
        format!("files: {}/{}", status.files_received, status.files),
        format!("clockOffsetMs: {}", status.clock_offset_ms),
    ];
    lines.extend(status.problem.map(|problem| format!("lastProblem: {}", problem.code.as_str())));
    lines.extend(status.last_pull.map(|at| format!("lastPull: {}", instant(Some(at)))));
    lines.extend(status.free_bytes.map(|bytes| format!("freeBytes: {bytes}")));
    Ok(lines.join("\n"))
}

/// Lists what the person said.
pub(crate) async fn list(client: &Client, language: Language, as_json: bool) -> Result<ExitCode, Problem> {
    let said: Opinions = ask(client, "opinions", json!({})).await?;
    if as_json {
        print_json(&said.rows);
    } else {
        for line in said.rows.iter().flat_map(|row| lines(language, row)) {
            say(&line);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(language: Language, row: &OpinionRow) -> Vec<String> {
    let topic = match row.topic {
        OpinionTopic::Problem => language.pick("problema", "problem"),
        OpinionTopic::Opinion => language.pick("opinión", "opinion"),
        OpinionTopic::Suggestion => language.pick("sugerencia", "suggestion"),
    };
    let impact = row.impact.map(|impact| match impact {
        OpinionImpact::Blocks => language.pick("impide trabajar", "keeps me from working"),
        OpinionImpact::Hinders => language.pick("estorba", "is in the way"),
        OpinionImpact::Detail => language.pick("detalle", "a detail"),
    });
    let word = match row.word {
        OpinionWord::Waiting => language.pick("por enviar", "to be sent"),
        OpinionWord::Received => language.pick("recibido", "received"),
        OpinionWord::Analysing => language.pick("en análisis", "being looked at"),
        OpinionWord::Applied => language.pick("aplicado", "applied"),
        OpinionWord::Declined => language.pick("no procede", "declined"),
        OpinionWord::Refused => language.pick("no se pudo leer", "could not be read"),
    };
    let topic = impact.map_or_else(|| topic.to_owned(), |impact| format!("{topic} ({impact})"));
    let elsewhere = language.pick("(escrito en otro equipo)", "(written on another equipment)");
    let text = row.text.as_deref().unwrap_or(elsewhere);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines = vec![format!("{}\t{word}\t{topic}\t{}\t{text}", row.folio, instant(Some(row.at)))];
    for step in &row.steps {
        let said = match step.standing {
            OpinionStanding::Received => language.pick("Recibido", "Received"),
            OpinionStanding::Analysing => language.pick("En análisis", "Being looked at"),
            OpinionStanding::Applied => language.pick("Aplicado en la versión", "Applied in version"),
            OpinionStanding::Declined => language.pick("No procede", "Declined"),
        };
        let version = step.version.iter().map(|version| format!(" {version}")).collect::<String>();
        let reason = step.reason.iter().map(|reason| format!("\t{reason}")).collect::<String>();
        lines.push(format!("  {said}{version}\t{}{reason}", instant(Some(step.at))));
    }
    lines.extend(row.findings.iter().map(|finding| format!("  {}", rules::finding(language, finding))));
    lines.extend(row.problem.iter().map(|problem| format!("  {}", prose::problem(language, problem))));
    lines
}
