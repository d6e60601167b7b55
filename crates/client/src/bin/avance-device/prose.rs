//! Sentences of the command line, in Spanish and English: what happened, why, what to do, what was not lost.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::Finding;
use domain::command::{FieldFinding, FollowUpRow, ProjectRow, ReceiptView, Status};
use domain::follow_up::{Percent, State};
use domain::person::PersonCard;
use domain::problem::Problem;
use domain::receipt::Verdict;
use domain::wire::DeviceRow;
use serde_json::Value;

use crate::problems::sentence;
use crate::rules;

/// Language of the sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Spanish,
    English,
}

impl Language {
    /// `LC_ALL`, `LC_MESSAGES` or `LANG`, the first that is set; Spanish unless it begins with `en`.
    pub(crate) fn of_environment() -> Language {
        let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        Language::of(
            &set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG")).unwrap_or_default(),
        )
    }

    fn of(locale: &str) -> Language {
        if locale.to_lowercase().starts_with("en") { Language::English } else { Language::Spanish }
    }

    /// The sentence of this language.
    pub(crate) fn pick<'t>(self, es: &'t str, en: &'t str) -> &'t str {
        match self {
            Language::Spanish => es,
            Language::English => en,
        }
    }
}

/// A value of a problem or finding as text.
pub(crate) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().map(|item| text(Some(item))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

/// Puts values in the places `{name}` of a sentence. A value that is missing leaves `–`.
pub(crate) fn fill(sentence: &str, value: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let value = value(name);
        filled.push_str(if value.is_empty() { "–" } else { &value });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A problem in words; its findings, one per line, below.
pub(crate) fn problem(language: Language, problem: &Problem) -> String {
    let (es, en) = sentence(problem.code);
    let mut words = fill(language.pick(es, en), |name| match name {
        "limitMegabytes" => megabytes(problem.params.get("limitBytes")),
        "megabytes" => megabytes(problem.params.get("bytes")),
        "freeMegabytes" => megabytes(problem.params.get("freeBytes")),
        "neededMegabytes" => megabytes(problem.params.get("neededBytes")),
        "found" => found(language, &text(problem.params.get("found"))).to_owned(),
        name => text(problem.params.get(name)),
    });
    let findings = problem.params.get("findings").cloned().unwrap_or_default();
    if let Ok(findings) = serde_json::from_value::<Vec<FieldFinding>>(findings.clone()) {
        findings.iter().for_each(|found| add_finding(&mut words, language, &found.finding));
    } else if let Ok(findings) = serde_json::from_value::<Vec<Finding>>(findings) {
        findings.iter().for_each(|found| add_finding(&mut words, language, found));
    }
    words
}

fn add_finding(words: &mut String, language: Language, finding: &Finding) {
    words.push_str("\n  ");
    words.push_str(&rules::finding(language, finding));
}

fn megabytes(value: Option<&Value>) -> String {
    value.and_then(Value::as_f64).map(|bytes| format!("{:.1}", bytes / 1_048_576.0)).unwrap_or_default()
}

fn found(language: Language, word: &str) -> &'static str {
    let (es, en) = match word {
        "empty" => ("está vacío", "it is empty"),
        "broken_image" => ("la imagen está incompleta o dañada", "the picture is cut or damaged"),
        "too_many_pixels" => {
            ("la imagen tiene más de 25 megapíxeles", "the picture has more than 25 megapixels")
        }
        _ => (
            "su contenido es de otra clase, diga lo que diga su nombre",
            "its content is of another kind, whatever its name says",
        ),
    };
    match language {
        Language::Spanish => es,
        Language::English => en,
    }
}

/// A recovery code was made.
pub(crate) fn recovery_made(language: Language) -> &'static str {
    language.pick(
        "Guarda este código en papel, lejos de este equipo: abre el perfil sin la frase. El anterior, si había, ya no sirve.",
        "Keep this code on paper, away from this equipment: it opens the profile without the passphrase. One made before is no longer good.",
    )
}

/// The passphrase is another now.
pub(crate) fn passphrase_changed(language: Language) -> &'static str {
    language.pick(
        "La frase cambió. Nada de lo guardado se movió y el código de recuperación sigue siendo el mismo.",
        "The passphrase changed. Nothing that is stored moved, and the recovery code is still the same.",
    )
}

/// No folder was given.
pub(crate) fn no_folder(language: Language) -> &'static str {
    match language {
        Language::Spanish => "falta la carpeta: --data CARPETA o AVANCE_DATA",
        Language::English => "the folder is missing: --data DIR or AVANCE_DATA",
    }
}

/// The equipment was activated.
pub(crate) fn enrolled(
    language: Language,
    person: &PersonCard,
    municipality: &str,
    device: &str,
    projects: usize,
) -> String {
    let es = "Equipo «{device}» activado para {person} ({area}), {municipality}. Proyectos: {projects}.";
    let en = "Equipment “{device}” activated for {person} ({area}), {municipality}. Projects: {projects}.";
    fill(language.pick(es, en), |name| match name {
        "device" => device.to_owned(),
        "person" => person.name.clone(),
        "area" => person.area.clone(),
        "municipality" => municipality.to_owned(),
        _ => projects.to_string(),
    })
}

/// A follow-up was queued.
pub(crate) fn queued(language: Language) -> &'static str {
    match language {
        Language::Spanish => "Listo para enviar: guardado en este equipo.",
        Language::English => "Ready to send: stored on this equipment.",
    }
}

/// A project in the list.
pub(crate) fn project(language: Language, row: &ProjectRow) -> String {
    let percent = |figure: &Option<Percent>| {
        figure.and_then(|f| f.actual).map_or("–".to_owned(), |v| format!("{} %", v.normalize()))
    };
    let progress = language.pick("físico", "physical");
    let visited = row.visited_on.as_deref().unwrap_or("–");
    format!("{}\t{}\t{progress} {}\t{visited}", row.folio, row.title, percent(&row.physical))
}

/// Everything was sent.
pub(crate) fn sent(language: Language, status: &Status) -> String {
    let es = "{received} de {marked} seguimientos y {files_received} de {files} archivos recibidos por la Coordinación.";
    let en = "{received} of {marked} follow-ups and {files_received} of {files} files received by the central endpoint.";
    fill(language.pick(es, en), |name| match name {
        "received" => status.received.to_string(),
        "marked" => status.marked.to_string(),
        "files_received" => status.files_received.to_string(),
        _ => status.files.to_string(),
    })
}

/// How far sending is; the file under way, if there is one: bytes sent, of how many.
pub(crate) fn sending(language: Language, status: &Status, file: Option<(u64, u64)>) -> String {
    let es = "{received} de {marked} seguimientos, {files_received} de {files} archivos";
    let en = "{received} of {marked} follow-ups, {files_received} of {files} files";
    let mut line = fill(language.pick(es, en), |name| match name {
        "received" => status.received.to_string(),
        "marked" => status.marked.to_string(),
        "files_received" => status.files_received.to_string(),
        _ => status.files.to_string(),
    });
    if let Some((sent, size)) = file {
        let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1_048_576.0);
        line.push_str(&format!(" · {} / {} MB", megabytes(sent), megabytes(size)));
    }
    line
}

/// A follow-up that is only here, and why.
pub(crate) fn unsent(language: Language, row: &FollowUpRow) -> String {
    let state = state(language, row.state.as_str());
    let files = fill(language.pick("{n} archivos", "{n} files"), |_| row.files.to_string());
    let mut line = format!("{}\t{}\t{state}\t{files}", row.folio, row.project);
    if let Some(reason) = &row.problem {
        line.push('\t');
        line.push_str(&problem(language, reason).replace('\n', " "));
    }
    line
}

/// Where the copies of what is only here were written.
pub(crate) fn copied(language: Language, count: usize, folder: &str) -> String {
    let es = "{count} seguimientos copiados en {folder}. Llevan las notas internas, sin cifrar: bórralos cuando ya no sirvan. Lo de este equipo sigue igual.";
    let en = "{count} follow-ups copied to {folder}. They hold the internal notes, unencrypted: delete them when they are no longer needed. What is on this equipment is as it was.";
    fill(language.pick(es, en), |name| if name == "count" { count.to_string() } else { folder.to_owned() })
}

/// What is left here after a send that ended.
pub(crate) fn still_here(language: Language, follow_ups: u32, files: u32) -> String {
    let es = "En este equipo, guardados: {follow_ups} seguimientos y {files} archivos por enviar.";
    let en = "On this equipment, stored: {follow_ups} follow-ups and {files} files to send.";
    fill(
        language.pick(es, en),
        |name| {
            if name == "files" { files.to_string() } else { follow_ups.to_string() }
        },
    )
}

/// The word of a state.
pub(crate) fn state(language: Language, word: &str) -> String {
    let Some(state) = State::parse(word) else {
        return word.to_owned();
    };
    let (es, en) = match state {
        State::Draft => ("Borrador", "Draft"),
        State::Ready => ("Listo para enviar", "Ready to send"),
        State::Sending => ("Enviando", "Sending"),
        State::Received => ("Recibido", "Received"),
        State::Accepted => ("Aceptado", "Accepted"),
        State::Published => ("Publicado", "Published"),
        State::Observed => ("Con observaciones", "Observed"),
        State::Rejected => ("Rechazado", "Rejected"),
        State::Conflict => ("En conflicto", "In conflict"),
        State::Parked => ("Apartado", "Set apart"),
        State::Withdrawn => ("Retirado", "Withdrawn"),
        State::Superseded => ("Sustituido", "Superseded"),
    };
    language.pick(es, en).to_owned()
}

/// The queue, line by line.
pub(crate) fn status(language: Language, status: &Status) -> Vec<String> {
    let mut lines: Vec<String> =
        status.counts.iter().map(|(word, count)| format!("{}\t{count}", state(language, word))).collect();
    let mut line =
        |es: &str, en: &str, value: String| lines.push(format!("{}\t{value}", language.pick(es, en)));
    line("Sólo en este equipo", "Only on this equipment", status.here.to_string());
    line("Archivos recibidos", "Files received", format!("{}/{}", status.files_received, status.files));
    if status.bytes_waiting > 0 {
        let waiting = status.files.saturating_sub(status.files_received);
        let size = megabytes(Some(&status.bytes_waiting.into()));
        line("Archivos por enviar", "Files to send", format!("{waiting} ({size} MB)"));
    }
    if status.text_only {
        line("Conexión limitada", "Metered connection", language.pick("sólo texto", "text only").to_owned());
    }
    line("Último acuse", "Last receipt", instant(status.last_receipt));
    line("Última consulta", "Last fetch", instant(status.last_pull));
    lines.extend(clock(language, status.clock_offset_ms));
    if let Some(reason) = &status.problem {
        lines.push(problem(language, reason));
    }
    lines
}

/// What to do about a clock that is wrong by more than people notice; the window says the same.
fn clock(language: Language, offset_ms: i64) -> Option<String> {
    /// Minutes that nobody has to act upon.
    const LIMIT: u64 = 5;
    let minutes = (offset_ms / 60_000).unsigned_abs();
    if minutes < LIMIT {
        return None;
    }
    let length = match (minutes, minutes / 60) {
        (_, hours @ 48..) => format!("{} d", hours / 24),
        (120.., hours) => format!("{hours} h"),
        _ => format!("{minutes} min"),
    };
    let (es, en) = match offset_ms > 0 {
        true => ("adelantado", "fast"),
        false => ("atrasado", "slow"),
    };
    let es = format!(
        "El reloj de este equipo va {length} {es}. Lo capturado se conserva y se guarda también la hora de recepción. Ajusta la hora en la configuración del sistema."
    );
    let en = format!(
        "The clock of this equipment is {length} {en}. What was captured is kept and the time of reception is saved too. Set the time in the settings of the system."
    );
    Some(language.pick(&es, &en).to_owned())
}

/// An instant, UTC, to the second.
pub(crate) fn instant(at: Option<DateTime<Utc>>) -> String {
    at.map_or("–".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A receipt in one line.
pub(crate) fn receipt(language: Language, folio: &str, project: &str, view: &ReceiptView) -> String {
    let verdict =
        if view.valid { language.pick("válido", "valid") } else { language.pick("NO VÁLIDO", "NOT VALID") };
    let Some(receipt) = &view.receipt else {
        return format!("{folio}\t{project}\t{verdict}");
    };
    let body = &receipt.body;
    let word = match body.verdict {
        Verdict::Received => state(language, "received"),
        Verdict::Rejected => state(language, "rejected"),
    };
    let at = instant(Some(body.recorded_at));
    format!("{folio}\t{project}\t{word}\t{at}\t{} #{}\t{}\t{verdict}", body.stream, body.seq, body.body_hash)
}

/// A receipt that does not verify.
pub(crate) fn receipt_failed(language: Language, folio: &str) -> String {
    let es = "El acuse de {folio} no se puede comprobar: la firma o los datos no coinciden con lo que hay en este equipo.";
    let en = "The receipt of {folio} does not verify: its signature or its data are not those of what is on this equipment.";
    fill(language.pick(es, en), |_| folio.to_owned())
}

/// A page that was there before.
pub(crate) fn kept(language: Language, path: &str) -> String {
    format!("{path}\t{}", language.pick("ya estaba", "it was there already"))
}

/// An equipment in one line.
pub(crate) fn device(language: Language, row: &DeviceRow) -> String {
    let contact = instant(row.last_contact);
    let folios: Vec<String> = row
        .waiting
        .iter()
        .map(|waiting| format!("{} ({})", waiting.folio, state(language, waiting.state.as_str())))
        .collect();
    let revoked = if row.revoked { language.pick("\trevocado", "\trevoked") } else { "" };
    format!("{}\t{}\t{}\t{contact}\t{}{revoked}", row.device, row.person, row.area, folios.join(", "))
}

#[cfg(test)]
mod tests {
    use domain::problem::Code;

    use super::*;

    #[test]
    fn the_line_of_a_terminal_says_how_far_sending_is() {
        let status = Status {
            connection: domain::command::Connection::Working,
            problem: None,
            next_attempt: None,
            counts: Default::default(),
            here: 2,
            received: 3,
            marked: 5,
            files_received: 1,
            files: 4,
            bytes_waiting: 0,
            last_receipt: None,
            last_pull: None,
            clock_offset_ms: 0,
            free_bytes: None,
            room: domain::command::Room::Enough,
            text_only: false,
            rescue: Default::default(),
        };
        let line = |language, file| sending(language, &status, file);
        assert_eq!(line(Language::Spanish, None), "3 de 5 seguimientos, 1 de 4 archivos");
        assert_eq!(
            line(Language::English, Some((1_572_864, 4_194_304))),
            "3 of 5 follow-ups, 1 of 4 files · 1.5 / 4.0 MB"
        );
    }

    #[test]
    fn p6_a_wrong_clock_is_told_with_what_to_do() {
        let said = |language, ms| clock(language, ms).unwrap_or_default();
        assert_eq!(clock(Language::Spanish, 4 * 60_000), None);
        assert!(said(Language::Spanish, 5 * 60_000).contains("va 5 min adelantado"));
        assert!(said(Language::English, -3 * 3_600_000).contains("is 3 h slow"));
        let years = said(Language::Spanish, -7 * 365 * 86_400_000);
        assert!(years.contains("va 2555 d atrasado") && years.contains("Ajusta la hora"), "{years}");
    }

    #[test]
    fn every_code_has_its_sentence_and_every_place_can_be_filled() {
        for code in Code::ALL {
            for language in [Language::Spanish, Language::English] {
                let bare = problem(language, &Problem::new(*code));
                assert!(bare.len() > 40 && !bare.contains('{') && !bare.contains('}'), "{bare}");
                assert!(!bare.contains('!'), "{bare}");
            }
        }
        let (es, en) = sentence(Code::ServerUnreachable);
        assert_ne!(es, en);
    }

    #[test]
    fn values_and_findings_are_in_the_sentence() {
        let finding = serde_json::json!([{"field": null, "finding": {"pointer": "/visitedOn", "rule": "visit-in-future",
            "severity": "error", "params": {"value": "2031-01-01", "today": "2026-11-22"}}}]);
        let words = problem(Language::Spanish, &Problem::new(Code::HasErrors).with("findings", finding));
        assert!(words.contains("\n  /visitedOn visit-in-future") && words.contains("2031-01-01"), "{words}");
        let words = problem(Language::English, &Problem::new(Code::ProjectUnknown).with("folio", "d1_p9"));
        assert!(words.contains("“d1_p9”"));
    }

    #[test]
    fn spanish_unless_the_locale_is_english() {
        for (locale, language) in [
            ("en_US.UTF-8", Language::English),
            ("es_MX.UTF-8", Language::Spanish),
            ("C", Language::Spanish),
            ("POSIX", Language::Spanish),
            ("", Language::Spanish),
        ] {
            assert_eq!(Language::of(locale), language, "{locale}");
        }
    }
}
