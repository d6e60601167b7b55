//! Findings in words: place, rule, value, and what the rule asks.

use domain::{Finding, Severity};

use crate::prose::{Language, fill, text};

/// A finding in one line: `pointer rule value: sentence`.
pub(crate) fn finding(language: Language, finding: &Finding) -> String {
    let pointer = if finding.pointer.is_empty() { "/" } else { &finding.pointer };
    let mark = match finding.severity {
        Severity::Error => "",
        Severity::Warning => language.pick(" (aviso)", " (warning)"),
    };
    let value = match text(finding.params.get("value")) {
        value if value.is_empty() => String::new(),
        value => format!(" «{value}»"),
    };
    let (es, en) = sentence(&finding.rule).unwrap_or(("no se cumple esta regla", "this rule does not hold"));
    let words = fill(language.pick(es, en), |name| text(finding.params.get(name)));
    let reason = match text(finding.params.get("reason")) {
        reason if reason.is_empty() => String::new(),
        reason => format!(" [{reason}]"),
    };
    format!("{pointer} {}{mark}{value}: {words}{reason}", finding.rule)
}

/// What a rule asks: Spanish, English.
fn sentence(rule: &str) -> Option<(&'static str, &'static str)> {
    Some(match rule {
        "percent-range" => ("un porcentaje va de 0 a 100", "a percentage is from 0 to 100"),
        "visit-date-needed" => {
            ("el avance necesita el día de la visita", "progress needs the day of the visit")
        }
        "visit-in-future" => {
            ("la visita no puede ser después de hoy ({today})", "the visit cannot be after today ({today})")
        }
        "visit-too-old" => ("la visita no puede ser anterior a 1990", "the visit cannot be before 1990"),
        "nothing-captured" => {
            ("no hay avance ni datos que enviar", "there is neither progress nor data to send")
        }
        "reserved-field" => (
            "«{field}» lo escribe la Coordinación; quítalo",
            "“{field}” is written by the central endpoint; take it out",
        ),
        "contract-ambiguous" => (
            "hay varios contratos ({known}); escribe en «contract» cuál es",
            "there are several contracts ({known}); write in `contract` which one",
        ),
        "contract-unknown" => (
            "ese contrato no existe; los conocidos son: {known}",
            "that contract does not exist; those known are: {known}",
        ),
        "correction-unknown" => (
            "no hay un seguimiento de este proyecto con ese folio",
            "there is no follow-up of this project with that folio",
        ),
        "possible-duplicate" => (
            "ya hay un seguimiento de ese día en este proyecto: {folio}; si es otra visita, sigue adelante",
            "this project already has a follow-up of that day: {folio}; if this is another visit, go on",
        ),
        "form-unknown" => (
            "la Coordinación no tiene el formulario «{form}» {version} con que se capturó; lo capturado está completo",
            "the central endpoint does not have the form “{form}” {version} it was captured with; what was captured is whole",
        ),
        "field-required" => ("falta este dato", "this value is missing"),
        "percent-format" => ("escribe un número de 0 a 100", "write a number from 0 to 100"),
        "number-format" => ("escribe un número, como 12.5", "write a number, like 12.5"),
        "amount-format" => ("escribe un monto, como 1,234.56", "write an amount, like 1,234.56"),
        "amount-negative" => ("un monto no puede ser negativo", "an amount cannot be negative"),
        "date-format" => {
            ("escribe una fecha que exista, como 12/03/2026", "write a date that exists, like 2026-03-12")
        }
        "place-format" => (
            "escribe latitud y longitud, como 25.6579, -100.4023",
            "write latitude and longitude, like 25.6579, -100.4023",
        ),
        "place-swapped" => (
            "latitud y longitud parecen estar al revés; quizá es {proposed}",
            "latitude and longitude seem to be the wrong way round; perhaps it is {proposed}",
        ),
        "place-outside" => (
            "{value} está fuera del municipio; revisa que sea el lugar",
            "{value} is outside of the municipality; check that it is the place",
        ),
        "code-unknown" => ("no es una opción de la lista", "it is not a choice of the list"),
        "rfc-format" => (
            "un RFC tiene 12 o 13 caracteres, con una fecha que exista",
            "an RFC has 12 or 13 characters, with a date that exists",
        ),
        "text-too-long" => ("pasa de {limit} caracteres", "it has more than {limit} characters"),
        "contract-needed" => ("un pago necesita un contrato activo", "a payment needs an active contract"),
        "schema-enum" => ("no es uno de los valores permitidos", "it is not one of the values allowed"),
        "schema-format" => {
            ("no tiene el formato que pide el estándar", "it does not have the format the standard asks")
        }
        "schema-min-items" => ("la lista no puede estar vacía", "the list cannot be empty"),
        "schema-min-length" => ("el texto no puede estar vacío", "the text cannot be empty"),
        "schema-min-properties" => ("el objeto no puede estar vacío", "the object cannot be empty"),
        "schema-one-of" => {
            ("no corresponde a ninguna de las formas permitidas", "it matches none of the forms allowed")
        }
        "schema-other" => ("no cumple el esquema del estándar", "it does not meet the standard's schema"),
        "schema-pattern" => {
            ("no tiene la forma que pide el estándar", "it does not have the shape the standard asks")
        }
        "schema-required" => {
            ("falta un dato que el estándar exige", "a value that the standard requires is missing")
        }
        "schema-type" => {
            ("es de otro tipo que el que pide el estándar", "it is of another type than the standard asks")
        }
        "schema-unique-items" => ("la lista repite un elemento", "the list repeats an item"),
        "json" => ("el texto no se lee igual en todos los programas", "programs read the text differently"),
        "ocid-prefix" => (
            "el identificador del proceso no lleva el prefijo registrado",
            "the identifier of the process lacks the registered prefix",
        ),
        "release-id-unique" => ("esa entrega ya existe", "that release already exists"),
        "release-date-increasing" => {
            ("su fecha debe ser posterior a la anterior", "its date must be after the one before")
        }
        "tag-matches-sections" => {
            ("las etiquetas no corresponden a su contenido", "its tags do not match its content")
        }
        "party-resolves" => (
            "la organización no está, o no coincide, en «parties»",
            "the organization is not, or not equally, in `parties`",
        ),
        "award-resolves" => (
            "el contrato nombra una adjudicación que no existe o no está activa",
            "the contract names an award that does not exist or is not active",
        ),
        "closed-codelist" => (
            "ese código no está en la lista cerrada del estándar",
            "that code is not in the standard's closed list",
        ),
        "ids" => (
            "el identificador falta, se repite, varía o no es texto",
            "the identifier is missing, repeated, varied or not text",
        ),
        "no-placeholder" => (
            "es relleno; si no hay dato, quita el campo",
            "it is filler; if there is no value, take the field out",
        ),
        "dates" => ("las fechas no concuerdan", "the dates do not agree"),
        "amounts" => ("los montos no concuerdan", "the amounts do not agree"),
        "documents" => (
            "al documento le falta título o dirección válida",
            "the document lacks a title or a valid address",
        ),
        "declared-fields" => (
            "el estándar y las extensiones declaradas no tienen este campo",
            "neither the standard nor the declared extensions have this field",
        ),
        "package" => {
            ("el paquete no está completo o no concuerda", "the package is not whole or does not agree")
        }
        "no-personal-data" => (
            "parece un dato personal y no se puede publicar",
            "it looks like personal data and cannot be published",
        ),
        "open-codelist" => {
            ("ese código no está en la lista abierta conocida", "that code is not in the known open list")
        }
        "deprecated-field" => {
            ("el estándar recomienda ya no usar este campo", "the standard advises against this field")
        }
        "profile-required" => {
            ("este municipio pide también este dato", "this municipality also asks for this value")
        }
        "timeline" => (
            "las fechas de licitación, adjudicación, contrato y pagos no van en orden",
            "the dates of tender, award, contract and payments are not in order",
        ),
        "status-coherence" => (
            "el estatus no va con lo que hay en el proceso",
            "the status does not fit what is in the process",
        ),
        "counts" => ("el número no es el de los elementos", "the number is not that of the items"),
        "commensurate" => (
            "el monto se aparta mucho de aquel del que viene; revisa los ceros",
            "the amount is far from the one it comes from; check the zeros",
        ),
        "text" => (
            "no tiene la forma que esperan quienes leen los datos",
            "it does not have the form that readers of the data expect",
        ),
        "follow-up-unreadable" => (
            "la Coordinación no pudo leer el seguimiento; actualiza el programa y captúralo otra vez",
            "the central endpoint could not read the follow-up; update the program and capture it again",
        ),
        "follow-up-repeated" => (
            "ya hay un seguimiento con este identificador; captúralo de nuevo",
            "there is a follow-up with this identifier already; capture it again",
        ),
        "project-unknown" => (
            "la Coordinación no tiene ese proyecto; revisa el folio",
            "the central endpoint does not have that project; check its folio",
        ),
        "project-outside-area" => (
            "ese proyecto es de otra área; pide a la Coordinación que lo asigne a la tuya",
            "that project belongs to another área; ask the coordination to assign it to yours",
        ),
        "process-unknown" => {
            ("ese proceso no es de este proyecto", "that process does not belong to this project")
        }
        "evidence-not-publishable" => (
            "el archivo no se puede convertir en una copia pública; adjúntalo en otro formato",
            "the file cannot be turned into a public copy; attach it in another format",
        ),
        "choice-unreadable" => (
            "la Coordinación no pudo leer esta elección; actualiza el programa y elige otra vez",
            "the central endpoint could not read this choice; update the program and choose again",
        ),
        "choice-unknown" => {
            ("la Coordinación no tiene ese seguimiento", "the central endpoint does not have that follow-up")
        }
        "choice-not-allowed" => (
            "elige la Coordinación; quien lo capturó sólo puede retirarlo",
            "the coordination chooses; its author can only withdraw it",
        ),
        "choice-closed" => (
            "ya no está en conflicto: alguien eligió antes o dejó de haber diferencia",
            "it is no longer in conflict: somebody chose before, or there is no difference any more",
        ),
        "choice-outdated" => (
            "el proceso cambió (ahora es la versión {version}); mira los valores nuevos y elige otra vez",
            "the process changed (it is version {version} now); see the new values and choose again",
        ),
        "conflict-kept" => {
            ("se eligió dejar lo vigente: {reason}", "it was chosen to keep what stands: {reason}")
        }
        "review-unreadable" => (
            "la Coordinación no pudo leer esta revisión; actualiza el programa y hazla otra vez",
            "the central endpoint could not read this review; update the program and review again",
        ),
        "opinion-unreadable" => (
            "la Coordinación no pudo leer este reporte; actualiza el programa y escríbelo otra vez",
            "the central endpoint could not read this report; update the program and write it again",
        ),
        "opinion-repeated" => (
            "la Coordinación ya tiene otro reporte con este folio; escríbelo otra vez",
            "the central endpoint has another report with this folio; write it again",
        ),
        "review-unknown" => {
            ("la Coordinación no tiene ese seguimiento", "the central endpoint does not have that follow-up")
        }
        "review-not-allowed" => (
            "revisa la Coordinación; a una observación responde quien lo capturó",
            "the coordination reviews; an observation is answered by its author",
        ),
        "review-own" => (
            "nadie revisa lo que capturó: lo decide otra persona de la Coordinación",
            "nobody reviews their own capture: somebody else of the coordination decides it",
        ),
        "review-closed" => (
            "ya no está en un estado que se pueda decidir así; mira su historia",
            "it can no longer be decided like this; see its history",
        ),
        "review-outdated" => (
            "alguien decidió o respondió antes (van {version}); mira lo que dijo y decide otra vez",
            "somebody decided or answered before (there are {version}); see what they said and decide again",
        ),
        "review-observed" => ("la Coordinación observa: {text}", "the coordination observes: {text}"),
        "review-rejected" => {
            ("la Coordinación no lo aceptó: {reason}", "the coordination rejected it: {reason}")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_sentence() {
        let rules = ocds::check::RULES
            .iter()
            .chain(domain::follow_up::RULES)
            .chain(domain::follow_up::CENTRAL_RULES)
            .chain(domain::form::RULES);
        for rule in rules {
            assert!(sentence(rule).is_some(), "{rule}");
        }
    }
}
