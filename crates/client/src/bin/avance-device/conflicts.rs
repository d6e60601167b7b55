//! Conflicts in words: both values, who, when, and what was chosen.

use domain::command::ConflictRow;
use domain::conflict::{Author, Resolution};
use domain::follow_up::State;
use domain::person::Role;
use serde_json::Value;

use crate::prose::{self, Language, fill, instant};
use crate::rules;

/// One conflict, line by line.
pub(crate) fn lines(language: Language, row: &ConflictRow) -> Vec<String> {
    let conflict = &row.conflict;
    let state = prose::state(language, row.state.as_str());
    let since = instant(Some(conflict.since));
    let mut lines = vec![format!("{}\t{}\t{}\t{state}\t{since}", row.folio, row.project, row.title)];
    let captured = |author: &Author| {
        let who = who(language, name(row, author), author.role, &author.area);
        format!("{}\t{who}\t{}", author.folio, instant(Some(author.captured_at)))
    };
    lines.push(format!("  {}\t{}", language.pick("Propuesto", "Offered"), captured(&conflict.held)));
    for standing in &conflict.standing {
        let who = match &standing.author {
            Some(author) => captured(author),
            None => language.pick("Lista base", "Base list").to_owned(),
        };
        let version =
            fill(language.pick("versión {version}, {at}", "version {version}, {at}"), |name| match name {
                "version" => standing.version.to_string(),
                _ => instant(Some(standing.accepted_at)),
            });
        lines.push(format!("  {}\t{who}\t{version}", language.pick("Vigente", "Stands")));
    }
    for overlap in &conflict.overlaps {
        let es = "  {path}: vigente {standing}, propuesto {offered}";
        let en = "  {path}: stands {standing}, offered {offered}";
        lines.push(fill(language.pick(es, en), |name| match name {
            "path" => overlap.path.clone(),
            "standing" => value(&overlap.standing),
            _ => value(&overlap.offered),
        }));
    }
    if let Some(chosen) = &conflict.chosen {
        let words = match (chosen.choice.resolution, chosen.by_author) {
            (Resolution::Apply, _) => language.pick("Se aplicó lo propuesto", "What was offered was applied"),
            (Resolution::Keep, true) => {
                language.pick("Lo retiró quien lo capturó", "Withdrawn by its author")
            }
            (Resolution::Keep, false) => language.pick("Se quedó lo vigente", "What stands was kept"),
        };
        let name = row.names.get(&chosen.op_id).map(String::as_str);
        let who = who(language, name, chosen.role, &chosen.area);
        lines.push(format!("  {words}\t{who}\t{}\t{}", instant(Some(chosen.at)), chosen.choice.reason));
    }
    if let Some(own) = &row.own {
        let words = match own.resolution {
            Resolution::Apply => language.pick("Tu elección: aplicar", "Your choice: apply"),
            Resolution::Keep => {
                language.pick("Tu elección: dejar lo vigente", "Your choice: keep what stands")
            }
        };
        // The words of a follow-up that waits, is recorded or is refused say the same of a choice.
        let state = prose::state(language, own.state.as_str());
        lines.push(format!("  {words}\t{state}\t{}\t{}", instant(Some(own.at)), own.reason));
        let refused = own.findings.iter().filter(|_| own.state == State::Rejected);
        lines.extend(refused.map(|finding| format!("    {}", rules::finding(language, finding))));
        lines.extend(own.problem.iter().map(|problem| format!("    {}", prose::problem(language, problem))));
    }
    lines
}

fn name<'r>(row: &'r ConflictRow, author: &Author) -> Option<&'r str> {
    row.names.get(&author.op_id).map(String::as_str)
}

fn who(language: Language, name: Option<&str>, role: Role, area: &str) -> String {
    let role = match role {
        Role::Enlace => language.pick("enlace", "liaison"),
        Role::Campo => language.pick("campo", "field staff"),
        Role::Coordinacion => language.pick("coordinación", "coordination"),
        Role::Administracion => language.pick("administración", "administration"),
        Role::Auditoria => language.pick("auditoría", "audit"),
    };
    match name {
        Some(name) => format!("{name} ({role}, {area})"),
        None => format!("{role}, {area}"),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("«{text}»"),
        other => other.to_string(),
    }
}
