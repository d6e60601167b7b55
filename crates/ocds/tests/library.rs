//! Tags, identifiers, packages.

use ocds::ident::{IdentError, Ocid, ReleaseId, is_prefix};
use ocds::merge::{MergeError, Rules, compiled};
use ocds::package::{self, Publication};
use ocds::value::{Money, decimal};
use ocds::{check, schema, tag};
use serde_json::{Value, json};

fn derived(release: Value, before: Option<Value>) -> Vec<String> {
    tag::derive(&release, before.as_ref())
}

#[test]
fn a_section_is_new_once_and_then_updated() {
    let planning = json!({"planning": {"rationale": "x"}});
    assert_eq!(derived(planning.clone(), None), ["planning"]);
    assert_eq!(derived(planning.clone(), Some(planning.clone())), ["planningUpdate"]);
    let tender = json!({"planning": {"rationale": "y"}, "tender": {"id": "1"}});
    assert_eq!(derived(tender, Some(planning)), ["planningUpdate", "tender"]);
}

#[test]
fn a_release_without_sections_is_planning() {
    assert_eq!(derived(json!({"title": "x"}), None), ["planning"]);
    assert_eq!(derived(json!({"title": "x"}), Some(json!({"title": "y"}))), ["planningUpdate"]);
    assert_eq!(derived(json!({"planning": {}, "awards": [], "contracts": null}), None), ["planning"]);
}

#[test]
fn a_contract_that_only_carries_its_implementation_is_implementation() {
    let before = json!({"awards": [{"id": "1"}], "contracts": [{"id": "c", "awardID": "1", "title": "x"}]});
    let partial =
        json!({"contracts": [{"id": "c", "awardID": "1", "implementation": {"status": "ongoing"}}]});
    assert_eq!(derived(partial.clone(), Some(before.clone())), ["implementation"]);
    let mut after = before;
    after["contracts"][0]["implementation"] = json!({"status": "ongoing"});
    assert_eq!(derived(partial, Some(after.clone())), ["implementationUpdate"]);
    let both = json!({"contracts": [{"id": "c", "awardID": "1", "title": "y", "implementation": {"status": "concluded"}}]});
    assert_eq!(derived(both, Some(after)), ["contractUpdate", "implementationUpdate"]);
}

#[test]
fn amendments_cancellations_and_endings_come_from_the_values() {
    let before = json!({
        "tender": {"id": "t", "status": "active"}, "awards": [{"id": "1", "status": "active"}],
        "contracts": [{"id": "c", "awardID": "1", "status": "active", "amendments": [{"id": "a1"}]}]
    });
    let contract = |fields: Value| json!({"contracts": [fields]});
    let again = contract(json!({"id": "c", "awardID": "1", "title": "x", "amendments": [{"id": "a1"}]}));
    assert_eq!(derived(again, Some(before.clone())), ["contractUpdate"]);
    let amended = contract(json!({"id": "c", "awardID": "1", "amendments": [{"id": "a2"}]}));
    assert_eq!(derived(amended, Some(before.clone())), ["contractAmendment"]);
    // Nothing is amended that nobody knew.
    let at_once = contract(json!({"id": "c", "awardID": "1", "title": "x", "amendments": [{"id": "a1"}]}));
    assert_eq!(derived(at_once, Some(json!({"awards": [{"id": "1"}]}))), ["contract"]);
    let ended = contract(json!({"id": "c", "awardID": "1", "status": "terminated"}));
    assert_eq!(derived(ended.clone(), Some(before.clone())), ["contractTermination"]);
    assert_eq!(derived(ended.clone(), Some(ended)), ["contractUpdate"]);
    let cancelled =
        json!({"tender": {"status": "cancelled"}, "awards": [{"id": "1", "status": "cancelled"}]});
    assert_eq!(derived(cancelled, Some(before.clone())), ["tenderCancellation", "awardCancellation"]);
    let amendment = json!({"tender": {"id": "t", "amendments": [{"id": "1"}]}});
    assert_eq!(derived(amendment, Some(before)), ["tenderAmendment"]);
}

#[test]
fn identifiers() {
    let ocid: Ocid = "ocds-abc123-PP-2026-0107".parse().expect("an ocid");
    assert_eq!(
        (ocid.prefix(), ocid.local(), ocid.as_str()),
        ("ocds-abc123", "PP-2026-0107", "ocds-abc123-PP-2026-0107")
    );
    assert_eq!(Ocid::new("ocds-abc123", "PP-2026-0107"), Ok(ocid));
    for text in ["", "ocds", "ocds-ABC123-1", "ocds-abc12-1", "ocds-abcñ23-1", "OCDS-abc123-1"] {
        assert!(matches!(text.parse::<Ocid>(), Err(IdentError::Prefix(_))), "{text}");
    }
    for text in [
        "ocds-abc123",
        "ocds-abc123-",
        "ocds-abc1234-1",
        "ocds-abc123-a b",
        "ocds-abc123-a#b",
        "ocds-abc123-a/b",
    ] {
        assert!(text.parse::<Ocid>().is_err(), "{text}");
    }
    assert!(is_prefix("ocds-0zz9aa") && !is_prefix("ocds-0zz9aa-"));
    let id = ReleaseId::content_addressed("ocds-abc123-1", 7, "0123456789ABCDEF0123");
    assert_eq!(id, "ocds-abc123-1-7-0123456789ab");
}

#[test]
fn money_is_exact() {
    let money = Money::read(&json!({"amount": 0.1, "currency": "MXN"})).expect("money");
    assert_eq!((money.amount + money.amount + money.amount).to_string(), "0.3");
    assert_eq!(decimal(&json!(1e6)).map(|number| number.normalize().to_string()), Some("1000000".to_owned()));
    assert_eq!(decimal(&json!(1e300)), None);
    assert_eq!(decimal(&json!("1")), None);
    assert_eq!(Money::read(&json!({"amount": 1})), None);
}

fn publication() -> Publication {
    Publication {
        publisher_name: "Municipio de Ejemplo".to_owned(),
        publisher_scheme: Some("MX-RFC".to_owned()),
        publisher_uid: Some("MEJ8201019A1".to_owned()),
        publisher_uri: Some("https://ejemplo.example.org".to_owned()),
        license: Some("https://creativecommons.org/licenses/by/4.0/".to_owned()),
        publication_policy: Some("https://ejemplo.example.org/politica-de-publicacion/".to_owned()),
    }
}

fn releases() -> Vec<Value> {
    let release = |sequence: u64, date: &str, tag: &str, planning: Value| {
        json!({"ocid": "ocds-abc123-1", "id": ReleaseId::content_addressed("ocds-abc123-1", sequence, "00000000000000"),
            "date": date, "tag": [tag], "initiationType": "tender", "language": "es",
            "parties": [{"id": "MX-EJ", "name": "Municipio de Ejemplo", "roles": ["buyer"]}],
            "buyer": {"id": "MX-EJ", "name": "Municipio de Ejemplo"}, "planning": planning})
    };
    vec![
        release(
            1,
            "2026-01-05T16:00:00.000Z",
            "planning",
            json!({"project": {"id": "P"}, "budget": {"amount": {"amount": 5, "currency": "MXN"}}}),
        ),
        release(
            2,
            "2026-01-06T16:00:00.000Z",
            "planningUpdate",
            json!({"rationale": "Lo pidieron los vecinos"}),
        ),
    ]
}

#[test]
fn what_is_packaged_passes_its_own_check() {
    let now = "2026-02-01T00:00:00Z".parse().expect("a date");
    let package =
        package::releases(&publication(), "https://ejemplo.example.org/ocds/1.json", now, releases());
    assert_eq!(check::package(&package, Some("ocds-abc123"), now), []);
    assert_eq!(package["extensions"], json!(schema::extensions()));
    assert_eq!(package["publishedDate"], "2026-02-01T00:00:00Z");

    let mut reversed = releases();
    reversed.reverse();
    let record = package::record(Rules::profile(), &reversed, true).expect("merges");
    assert_eq!(record["releases"], json!(releases()));
    assert_eq!(record["compiledRelease"], compiled(Rules::profile(), &releases()).expect("merges").value);
    assert_eq!(record["versionedRelease"]["planning"]["rationale"][0]["value"], "Lo pidieron los vecinos");
    let package =
        package::records(&publication(), "https://ejemplo.example.org/ocds/2.json", now, vec![record]);
    assert_eq!(check::package(&package, Some("ocds-abc123"), now), []);
}

#[test]
fn a_record_is_of_one_process() {
    assert_eq!(package::record(Rules::profile(), &[], false), Err(MergeError::Empty));
    let mut mixed = releases();
    mixed[1]["ocid"] = json!("ocds-abc123-2");
    let expected =
        MergeError::MixedOcids { first: "ocds-abc123-1".to_owned(), other: "ocds-abc123-2".to_owned() };
    assert_eq!(package::record(Rules::profile(), &mixed, false), Err(expected));
}

#[test]
fn a_package_without_optional_fields_says_so() {
    let now = "2026-02-01T00:00:00Z".parse().expect("a date");
    let publication = Publication { publisher_name: "M".to_owned(), ..Publication::default() };
    let package = package::releases(&publication, "https://ejemplo.example.org/1.json", now, releases());
    let missing: Vec<Value> = check::package(&package, None, now)
        .into_iter()
        .map(|finding| finding.params["field"].clone())
        .collect();
    assert_eq!(missing, ["license", "publicationPolicy"]);
}
