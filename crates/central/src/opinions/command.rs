//! `avance-central opinions`: what people said of the program, for whoever answers for it.

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use domain::opinion::{OpinionImpact, OpinionStanding, OpinionStep, OpinionTopic, StepFault};
use domain::person::Role;
use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::opinions::{Decided, Decision, Whom, decide};
use crate::store::{StoredOpinion, Tx};
use crate::words::say;

/// What to do with opinions.
#[derive(Subcommand)]
pub enum OpinionsVerb {
    /// Lists them in the order in which they arrived. Internal: with names, and with what each person wrote.
    List {
        /// As JSON, with diagnostics and every decision.
        #[arg(long)]
        json: bool,
        /// Only those that stand there: received, analysing, applied or declined.
        #[arg(long, value_name = "STATE", value_parser = standing)]
        state: Option<OpinionStanding>,
    },
    /// Decides one: its author is told at their next contact. The same twice changes nothing.
    Set {
        /// Its folio (`R-…`).
        folio: String,
        /// received, analysing, applied or declined.
        #[arg(value_name = "STATE", value_parser = standing)]
        state: OpinionStanding,
        /// Version of the program that has what it asks for; with `applied`.
        #[arg(long = "version", value_name = "X")]
        applied_in: Option<String>,
        /// Why, or more about it, as its author will read it; needed with `declined`.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Name of who decides, as registered. Its author is told the role and the área, never the name.
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
}

fn standing(text: &str) -> std::result::Result<OpinionStanding, String> {
    let words = OpinionStanding::ALL.map(OpinionStanding::as_str).join(", ");
    OpinionStanding::parse(text.trim()).ok_or_else(|| {
        say(
            format!("«{text}» no es un estado; estados: {words}"),
            format!("«{text}» is not a state; states: {words}"),
        )
    })
}

/// Does it; gives the lines to print.
///
/// # Errors
/// What cannot be done, as a sentence; the database.
pub fn run(endpoint: &Endpoint, verb: OpinionsVerb) -> Result<Vec<String>> {
    match verb {
        OpinionsVerb::List { json, state } => list(&*endpoint.store.read()?, json, state),
        OpinionsVerb::Set { folio, state, applied_in, reason, by } => {
            let decision = Decision {
                folio: &folio,
                standing: state,
                version: applied_in.as_deref(),
                reason: reason.as_deref(),
                by: by.as_deref(),
            };
            set(endpoint, &decision).map(|line| vec![line])
        }
    }
}

fn set(endpoint: &Endpoint, decision: &Decision<'_>) -> Result<String> {
    let (folio, state) = (decision.folio.trim().to_uppercase(), word(decision.standing));
    let unfit =
        |es: &str, en: &str| say(format!("{es} No se cambió nada."), format!("{en} Nothing was changed."));
    let name = decision.by.unwrap_or_default();
    Ok(match decide(endpoint, decision)? {
        Decided::New => say(
            format!("{folio}: {state}. Quien lo escribió lo verá en su próximo contacto."),
            format!("{folio}: {state}. Its author sees it at their next contact."),
        ),
        Decided::Same => say(
            format!("{folio} ya estaba así: nada cambió."),
            format!("{folio} stood there already: nothing changed."),
        ),
        Decided::Unknown => bail!(
            "{}",
            say(
                format!(
                    "no hay un reporte con el folio «{folio}»; los folios están en: avance-central opinions list"
                ),
                format!(
                    "there is no report with the folio «{folio}»; folios are in: avance-central opinions list"
                ),
            )
        ),
        Decided::Unfit(StepFault::VersionNeeded) => bail!(
            "{}",
            unfit(
                "«applied» dice en qué versión: agrega --version X (hasta 40 caracteres).",
                "«applied» says in which version: add --version X (up to 40 characters).",
            )
        ),
        Decided::Unfit(StepFault::VersionUnfit) => {
            bail!("{}", unfit("--version sólo va con «applied».", "--version only goes with «applied»."))
        }
        Decided::Unfit(StepFault::ReasonNeeded) => bail!(
            "{}",
            unfit(
                "A quien se le dice que no procede se le dice por qué: escribe --reason TEXTO, y que no vaya en blanco.",
                "Whoever is told no is told why: write --reason TEXT, and not a blank one.",
            )
        ),
        Decided::Unfit(StepFault::ReasonTooLong) => {
            bail!("{}", unfit("El motivo pasa de 1,000 caracteres.", "The reason is over 1,000 characters."))
        }
        Decided::Who(Whom::Nobody) => bail!(
            "{}",
            say(
                format!(
                    "no hay nadie registrado con el nombre «{name}»; los nombres están en: avance-central people list"
                ),
                format!(
                    "nobody is registered by the name «{name}»; names are in: avance-central people list"
                ),
            )
        ),
        Decided::Who(Whom::NotAllowed) => bail!(
            "{}",
            say(
                format!("«{name}» no decide reportes: sólo coordinación y administración"),
                format!("«{name}» does not decide reports: only coordination and administration do"),
            )
        ),
        Decided::Who(Whom::Several) => bail!(
            "{}",
            say(
                format!("hay varias personas «{name}» que podrían decidirlo; repite sin --by"),
                format!("several people called «{name}» could decide it; repeat without --by"),
            )
        ),
    })
}

/// An opinion as whoever answers for the program sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    folio: String,
    state: OpinionStanding,
    topic: OpinionTopic,
    impact: Option<OpinionImpact>,
    text: String,
    screen: String,
    diagnostics: Option<String>,
    app_version: String,
    person: String,
    role: Option<Role>,
    area: String,
    captured_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    steps: Vec<RowStep>,
}

#[derive(Serialize)]
struct RowStep {
    #[serde(flatten)]
    step: OpinionStep,
    /// Who decided, where it is known.
    person: Option<String>,
}

fn list(tx: &dyn Tx, json: bool, state: Option<OpinionStanding>) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for stored in tx.opinions()? {
        if state.is_none_or(|state| state == stored.standing()) {
            rows.push(row(tx, stored)?);
        }
    }
    if json {
        return Ok(vec![serde_json::to_string_pretty(&rows)?]);
    }
    Ok(rows.iter().map(line).collect())
}

fn row(tx: &dyn Tx, stored: StoredOpinion) -> Result<Row> {
    let author = tx.person(&stored.person_id)?.map(|person| person.card);
    let area = tx.area_name(&stored.area_id)?.unwrap_or_else(|| stored.area_id.clone());
    let (folio, state) = (stored.opinion.folio(), stored.standing());
    let mut steps = Vec::with_capacity(stored.steps.len());
    for decided in stored.steps {
        let person = decided.person_id.map(|id| tx.person(&id)).transpose()?.flatten();
        steps.push(RowStep { step: decided.step, person: person.map(|person| person.card.name) });
    }
    let opinion = stored.opinion;
    Ok(Row {
        folio,
        state,
        topic: opinion.topic,
        impact: opinion.impact,
        text: opinion.text,
        screen: opinion.screen,
        diagnostics: opinion.diagnostics,
        app_version: stored.app_version,
        role: author.as_ref().map(|card| card.role),
        person: author.map_or(stored.person_id, |card| card.name),
        area,
        captured_at: stored.captured_at,
        recorded_at: stored.recorded_at,
        steps,
    })
}

/// One row in one line: what was written has its line ends taken out.
fn line(row: &Row) -> String {
    let what = match row.impact {
        Some(impact) => format!("{} ({})", row.topic.as_str(), impact.as_str()),
        None => row.topic.as_str().to_owned(),
    };
    let text = row.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let at = row.recorded_at.format("%Y-%m-%d %H:%M");
    let last = row.steps.last().map(|last| {
        let version = last.step.version.iter().map(String::as_str);
        version.chain(last.step.reason.iter().map(String::as_str)).collect::<Vec<_>>().join(" · ")
    });
    format!(
        "{}\t{}\t{what}\t{at}\t{}\t{}\t{}\t{text}\t{}",
        row.folio,
        row.state.as_str(),
        row.area,
        row.person,
        row.screen,
        last.unwrap_or_default(),
    )
}

/// The state as its author reads it.
fn word(standing: OpinionStanding) -> String {
    match standing {
        OpinionStanding::Received => say("recibido", "received"),
        OpinionStanding::Analysing => say("en análisis", "being looked at"),
        OpinionStanding::Applied => say("aplicado", "applied"),
        OpinionStanding::Declined => say("no procede", "declined"),
    }
}
