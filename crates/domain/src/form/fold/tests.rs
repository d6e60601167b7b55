use super::*;
use crate::form::{for_stage, shipped};

const COMPILED: &str = r#"{"buyer": {"id": "M", "name": "Municipio"}, "parties": []}"#;

fn fold(values: &[(&str, &str)], compiled: &Value) -> Folded {
    let basis = Basis {
        prefix: "ocds-000000",
        ocid: "ocds-000000-d1_p1",
        compiled,
        earlier: std::slice::from_ref(compiled),
        offset_minutes: -360,
        public_url: "http://127.0.0.1:8780",
    };
    let values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let form = for_stage(Stage::Implementation).unwrap();
    form.fold(&values, &basis, "MXN", NaiveDate::from_ymd_opt(2026, 11, 22).unwrap())
}

#[test]
fn every_shipped_form_is_whole() {
    for form in shipped() {
        for field in form.fields() {
            assert!(!field.title.es.is_empty() && !field.help.en.is_empty(), "{}", field.id);
            assert!(field.kind != Kind::Code || !field.choices.is_empty(), "{}", field.id);
            assert_eq!(field.class == Class::Internal, field.path.starts_with("/internal"), "{}", field.id);
        }
    }
}

#[test]
fn a_whole_capture_makes_parties_award_contract_and_payment() {
    let compiled: Value = serde_json::from_str(COMPILED).unwrap();
    let folded = fold(
        &[
            ("visitedOn", "ayer"),
            ("physicalPlanned", "40 %"),
            ("physicalActual", "35,5"),
            ("contractId", "OP-2026-031"),
            ("contractAmount", "$1,234.50 MXN"),
            ("supplierName", "Constructora de muestra"),
            ("supplierRfc", "CMU-010203-AB1"),
            ("contractSigned", "12/3/2026"),
            ("paymentId", "1"),
            ("paymentAmount", "500"),
            ("paymentDate", "hoy"),
            ("notes", "sólo para nosotros"),
        ],
        &compiled,
    );
    assert!(folded.findings.is_empty(), "{:?}", folded.findings);
    let release = Value::Object(folded.content.release.clone());
    assert_eq!(release["contracts"][0]["awardID"], release["awards"][0]["id"]);
    assert_eq!(release["contracts"][0]["value"], json!({"amount": 1234.5, "currency": "MXN"}));
    assert_eq!(release["awards"][0]["suppliers"][0]["id"], release["parties"][0]["id"]);
    assert_eq!(release["contracts"][0]["dateSigned"], "2026-03-12T00:00:00-06:00");
    assert_eq!(folded.content.internal.notes, "sólo para nosotros");
    assert!(!release.to_string().contains("sólo para nosotros"));
    assert_eq!(folded.field_at("/release/contracts/0/value/amount"), Some("contractAmount"));
    assert_eq!(folded.field_at("/release/contracts/0/value"), Some("contractAmount"));
}

#[test]
fn what_cannot_be_read_is_a_finding_at_its_field() {
    let compiled: Value = serde_json::from_str(COMPILED).unwrap();
    let folded = fold(
        &[
            ("visitedOn", "31/02/2026"),
            ("physicalActual", "mucho"),
            ("contractAmount", "-5"),
            ("supplierRfc", "X"),
        ],
        &compiled,
    );
    let at = |field: &str| -> Vec<&str> {
        let found = folded.findings.iter().filter(|f| folded.field_at(&f.pointer) == Some(field));
        found.map(|f| f.rule.as_str()).collect()
    };
    assert_eq!(at("visitedOn"), ["date-format"]);
    assert_eq!(at("physicalActual"), ["percent-format"]);
    assert_eq!(at("contractAmount"), ["amount-negative"]);
    assert_eq!(at("supplierRfc"), ["rfc-format"]);
    assert_eq!(at("contractId"), ["field-required"]);
}

#[test]
fn a_payment_needs_a_contract_and_takes_the_only_active_one() {
    let none: Value = serde_json::from_str(COMPILED).unwrap();
    let payment = [
        ("visitedOn", "hoy"),
        ("physicalActual", "10"),
        ("paymentId", "1"),
        ("paymentAmount", "5"),
        ("paymentDate", "hoy"),
    ];
    let folded = fold(&payment, &none);
    assert!(folded.findings.iter().any(|f| f.rule == "contract-needed"), "{:?}", folded.findings);
    let one = json!({"contracts": [{"id": "C1", "awardID": "A1", "status": "active"}, {"id": "C0", "awardID": "A0", "status": "terminated"}]});
    let folded = fold(&payment, &one);
    assert!(folded.findings.is_empty(), "{:?}", folded.findings);
    assert_eq!(folded.content.release["contracts"][0]["id"], "C1");
    assert_eq!(folded.content.release["contracts"][0]["awardID"], "A1");
}

#[test]
fn the_rfc_of_a_natural_person_stays_inside() {
    let compiled: Value = serde_json::from_str(COMPILED).unwrap();
    let folded = fold(
        &[
            ("visitedOn", "hoy"),
            ("physicalActual", "1"),
            ("contractId", "1"),
            ("contractAmount", "5"),
            ("supplierName", "Persona de muestra"),
            ("supplierRfc", "PEMU010203AB1"),
            ("contractSigned", "hoy"),
        ],
        &compiled,
    );
    assert!(!Value::Object(folded.content.release.clone()).to_string().contains("PEMU010203AB1"));
    assert_eq!(folded.content.internal.fields["supplierRfc"], "PEMU010203AB1");
    assert_eq!(rfc_person("GOM8503019"), None);
}
