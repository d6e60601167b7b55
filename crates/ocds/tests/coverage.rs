//! Which fields are filled: counted by hand, and against a plain count.

use std::collections::BTreeMap;

use ocds::coverage::{Coverage, Field};
use ocds::schema;
use serde_json::{Map, Value, json};

fn over(releases: &[Value]) -> Coverage {
    let mut coverage = Coverage::default();
    releases.iter().for_each(|release| coverage.add(release));
    coverage
}

fn counts(report: &[Field], path: &str) -> (u64, u64) {
    let found: Vec<_> = report.iter().filter(|field| field.path == path).collect();
    assert_eq!(found.len(), 1, "{path}");
    (found[0].possible, found[0].filled)
}

fn releases() -> Vec<Value> {
    vec![
        json!({
            "ocid": "ocds-abc123-1", "language": "", "title": "Banquetas",
            "planning": {},
            "tender": {
                "id": "t", "title": null, "title_en": "Pavements", "status": "active",
                "items": [
                    {"id": "1", "description": "Concreto", "quantity": 0, "unit": {"name": "m²"}},
                    {"id": "2", "description": "", "unit": {"name": null, "escala": "x"}},
                    {}
                ],
                "hasEnquiries": false
            },
            "folio": "107", "interno": {"area": {"clave": 1}, "notas": []}
        }),
        json!({
            "ocid": "ocds-abc123-2", "tender": "por definir", "awards": [], "contracts": [
                {"id": "C", "implementation": {"metrics": [
                    {"id": "m", "observations": [{"id": "o", "dimensions": {"turno": "noche"}}, {"id": "p"}]}
                ]}},
                "x", null
            ],
            "interno": [{"area": {}}, {"area": {"clave": null}}, 7]
        }),
        json!(null),
        json!([{"ocid": "ocds-abc123-3"}]),
    ]
}

#[test]
fn fields_are_counted_in_the_objects_they_belong_to() {
    let report = over(&releases()).report();
    for (path, expected) in [
        ("ocid", (2, 2)),
        ("language", (2, 0)),
        ("title", (2, 1)),
        ("tender/title_en", (1, 1)),
        ("planning", (2, 0)),
        ("planning/rationale", (0, 0)),
        ("tender", (2, 2)),
        ("tender/id", (1, 1)),
        ("tender/title", (1, 0)),
        ("tender/hasEnquiries", (1, 1)),
        ("tender/value", (1, 0)),
        ("tender/value/amount", (0, 0)),
        ("tender/items", (1, 1)),
        ("tender/items/id", (3, 2)),
        ("tender/items/description", (3, 1)),
        ("tender/items/quantity", (3, 1)),
        ("tender/items/unit", (3, 2)),
        ("tender/items/unit/name", (2, 1)),
        ("tender/items/unit/escala", (2, 1)),
        ("awards", (2, 0)),
        ("awards/id", (0, 0)),
        ("contracts", (2, 1)),
        ("contracts/id", (1, 1)),
        ("contracts/implementation/metrics/observations/id", (2, 2)),
        ("contracts/implementation/metrics/observations/dimensions", (2, 1)),
        ("contracts/implementation/metrics/observations/dimensions/turno", (1, 1)),
        ("folio", (2, 1)),
        ("interno", (2, 2)),
        ("interno/area", (3, 2)),
        ("interno/area/clave", (2, 1)),
        ("interno/notas", (3, 0)),
    ] {
        assert_eq!(counts(&report, path), expected, "{path}");
    }
    let field = |path: &str| report.iter().find(|field| field.path == path).expect("a field");
    assert!(
        field("tender/title_en").known
            && field("contracts/implementation/metrics/observations/dimensions/turno").known
    );
    assert_eq!(
        (field("tender/items/description").title_es, field("tender/items/description").title_en),
        (
            schema::release()["definitions"]["Item"]["properties"]["description"]["title_es"].as_str(),
            schema::release()["definitions"]["Item"]["properties"]["description"]["title_en"].as_str()
        )
    );
    assert!(field("tender/items/description").title_es.is_some());
}

#[test]
fn the_order_is_that_of_the_schema_and_then_the_alphabet() {
    let report = over(&releases()).report();
    let paths: Vec<&str> = report.iter().map(|field| field.path.as_str()).collect();
    let at = |path: &str| paths.iter().position(|one| *one == path).expect("a field");
    assert_eq!(at("ocid"), 0);
    assert!(at("parties") < at("parties/name") && at("parties/name") < at("tender"));
    assert!(
        at("tender/items/id") < at("tender/items/description")
            && at("tender/items/description") < at("awards")
    );
    assert_eq!(at("tender/title_en"), at("tender/title") + 1);
    let unknown: Vec<&str> =
        report.iter().filter(|field| !field.known).map(|field| field.path.as_str()).collect();
    assert_eq!(
        unknown,
        [
            "folio",
            "interno",
            "interno/area",
            "interno/area/clave",
            "interno/notas",
            "tender/items/unit/escala"
        ]
    );
    assert_eq!(paths[paths.len() - unknown.len()..], unknown);
    let empty = Coverage::default().report();
    assert!(empty.iter().all(|field| field.known && field.possible == 0 && field.filled == 0));
    // Every definition of the schema that a release reaches, with all its fields.
    assert_eq!(empty.len(), fields_of(schema::release()));
}

/// How many fields there are from a place of the schema down.
fn fields_of(schema: &Value) -> usize {
    let follow = |schema: &'_ Value| -> Value {
        match schema["$ref"].as_str() {
            Some(reference) => schema::release().pointer(&reference[1..]).expect("a definition").clone(),
            None => schema.clone(),
        }
    };
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let inside = |declared: &Value| {
        let held = follow(declared);
        fields_of(&held.get("items").map_or(held.clone(), follow))
    };
    properties.values().map(|declared| 1 + inside(declared)).sum()
}

#[test]
fn counts_of_threads_add_up() {
    let all = releases();
    let mut halves = over(&all[..1]);
    halves.merge(over(&all[1..]));
    assert_eq!(halves.report(), over(&all).report());
    let mut other_way = over(&all[1..]);
    other_way.merge(over(&all[..1]));
    other_way.merge(Coverage::default());
    assert_eq!(other_way.report(), over(&all).report());
}

#[test]
fn memory_is_bounded() {
    let many = |from: usize| -> Value {
        (from..from + 6_000)
            .map(|at| (format!("campo-{at:05}"), json!(1)))
            .collect::<Map<String, Value>>()
            .into()
    };
    let mut first = over(&[many(0), json!({"x".repeat(300): {"y": 1}, "nada".repeat(100): null})]);
    assert_eq!(first.others(), 1);
    let second = over(&[many(6_000)]);
    let whole = over(&[many(0), many(6_000)]);
    assert_eq!(whole.others(), 2_000);
    first.merge(second);
    assert_eq!(first.others(), 2_001);
    assert_eq!(first.report().iter().filter(|field| !field.known).count(), 10_000);

    let mut deep = json!(1);
    for _ in 0..1_000 {
        deep = json!({"a": deep});
    }
    let report = over(&[json!({"hondo": deep})]).report();
    let unknown: Vec<&Field> = report.iter().filter(|field| !field.known).collect();
    assert!(unknown.len() < 50 && unknown.iter().all(|field| (field.possible, field.filled) == (1, 1)));
    let escaped = over(&[json!({"a/b": {"~": 1}})]).report();
    assert_eq!(counts(&escaped, "a~1b/~0"), (1, 1));
}

/// The same by the definition: for each path, the objects above it and those of them that have it.
#[test]
fn a_plain_count_says_the_same() {
    let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ocds/examples");
    let path = shared.join("pp-release-package-es.json");
    let releases = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str::<Value>(&text).expect("JSON")["releases"].as_array().cloned(),
        Err(_) => {
            println!("not here: the examples; our own releases are counted");
            None
        }
    };
    let releases = releases.unwrap_or_else(releases_of_our_own);
    let mut plain: BTreeMap<String, u64> = BTreeMap::new();
    releases.iter().for_each(|release| count(release, "", &mut plain));
    for field in over(&releases).report() {
        assert_eq!(plain.get(&field.path).copied().unwrap_or_default(), field.filled, "{}", field.path);
        assert!(field.filled <= field.possible, "{}", field.path);
    }
}

fn releases_of_our_own() -> Vec<Value> {
    releases()[..2].to_vec()
}

fn count(value: &Value, path: &str, plain: &mut BTreeMap<String, u64>) {
    let Some(fields) = value.as_object() else { return };
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        let nothing = [json!(null), json!(""), json!([]), json!({})];
        *plain.entry(path.clone()).or_default() += u64::from(!nothing.contains(value));
        match value {
            Value::Array(items) => items.iter().for_each(|item| count(item, &path, plain)),
            other => count(other, &path, plain),
        }
    }
}

#[test]
fn a_field_without_a_name_is_a_field() {
    let release = json!({"": [{"buyer": "x"}, {"buyer": "y"}, {}], "folio": 1});
    let mut coverage = over(std::slice::from_ref(&release));
    for expected in [1, 2] {
        let report = coverage.report();
        assert_eq!(counts(&report, ""), (expected, expected));
        assert_eq!(counts(&report, "/buyer"), (3 * expected, 2 * expected));
        coverage.merge(over(std::slice::from_ref(&release)));
    }
}
