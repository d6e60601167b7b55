//! What a clock that was wrong, or a project that went to another área, leaves behind.

use std::path::Path;
use std::sync::{Arc, Mutex};

use central::base::Loader;
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::load::BaseRow;
use central::store::{JobKind, StoredFollowUp};
use chrono::{DateTime, Duration, Utc};
use domain::clock::Clock;
use domain::follow_up::{FollowUp, FollowUpFile, State};
use domain::history::ChangeKind;
use domain::wire::Base;
use serde_json::json;
use uuid::Uuid;

#[derive(Clone)]
struct Hands(Arc<Mutex<DateTime<Utc>>>);

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("one thread")
    }
}

fn endpoint(data: &Path) -> (Endpoint, Hands) {
    let hands = Hands(Arc::new(Mutex::new("2026-03-20T15:00:00Z".parse().expect("a time"))));
    let options = Options { data: Some(data.to_owned()), ..Options::default() };
    let config = Config::load(&options).expect("a configuration");
    (Endpoint::open(config, Arc::new(hands.clone())).expect("an endpoint"), hands)
}

fn assign(endpoint: &Endpoint, area: Option<&str>) {
    let row = BaseRow {
        row: 2,
        folio: "p1".into(),
        title: "Obra".into(),
        description: None,
        place: None,
        area: area.map(str::to_owned),
        amount: None,
        currency: None,
        url: None,
        date: None,
    };
    let tx = endpoint.store.begin().expect("a transaction");
    let mut loader = Loader::new(endpoint, &*tx);
    loader.put(&row).expect("a row");
    loader.finish().expect("all rows");
    tx.commit().expect("a commit");
}

#[test]
fn a_job_that_a_clock_ahead_put_off_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, hands) = endpoint(folder.path());
    let right = hands.now();
    let queue = |key: &str, at| {
        let tx = endpoint.store.begin().expect("a transaction");
        tx.queue(JobKind::Accept, key, at).expect("queued");
        tx.commit().expect("a commit");
    };
    queue("of a clock two days ahead", right + Duration::days(2));
    queue("of a failure", right + Duration::minutes(50));
    queue("now", right);
    let jobs = endpoint.store.read().expect("a read").jobs(JobKind::Accept, right, 10).expect("jobs");
    let keys: Vec<&str> = jobs.iter().map(|job| job.key.as_str()).collect();
    assert_eq!(keys, ["now", "of a clock two days ahead"]);
}

#[test]
fn a_project_that_goes_to_another_area_leaves_no_copies_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (endpoint, _) = endpoint(folder.path());
    assign(&endpoint, Some("Obras"));
    let content: FollowUpFile =
        serde_json::from_value(json!({"stage": "implementation", "visitedOn": "2026-03-12"}))
            .expect("a file");
    let stored = |id: u128, area: &str| StoredFollowUp {
        follow_up: FollowUp {
            id: Uuid::from_u128(id),
            project: "p1".into(),
            ocid: "ocds-000000-p1".into(),
            form: None,
            content: content.clone(),
            evidence: Vec::new(),
        },
        op_id: Uuid::from_u128(id + 100),
        device_id: Uuid::from_u128(id + 200),
        person_id: "quien".into(),
        area_id: area.into(),
        state: State::Received,
        held: None,
        base: Base::default(),
        captured_at: endpoint.now(),
        recorded_at: endpoint.now(),
        decided_at: None,
        findings: Vec::new(),
        conflict: None,
        review: None,
        release_id: None,
    };
    let tx = endpoint.store.begin().expect("a transaction");
    for follow_up in [stored(1, "obras"), stored(2, "presidencia")] {
        tx.add_follow_up(&follow_up).expect("a follow-up");
    }
    tx.commit().expect("a commit");
    assign(&endpoint, Some("Parques"));
    let tx = endpoint.store.read().expect("a read");
    let gone: Vec<String> = tx
        .changes("area:obras", 0, 100)
        .expect("changes")
        .into_iter()
        .filter(|change| change.kind == ChangeKind::Tombstone)
        .map(|change| change.record_id)
        .collect();
    // Its author's área still hears of the first one; of the other it would have kept what it was for ever.
    assert_eq!(gone, ["p1".to_owned(), Uuid::from_u128(2).to_string()]);
}
