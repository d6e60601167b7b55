//! What a window is told while something is on its way.

use std::collections::BTreeMap;
use std::time::Instant;

use domain::command::{Event, Step};
use domain::problem::Code;
use serde_json::json;
use tokio::sync::broadcast::Receiver;

use crate::endpoint::Endpoint;
use crate::{FOLIO, call, enrolled, photo, progress};

/// Steps of each operation by folio, and of files: hash, bytes sent, of how many.
type Told = (BTreeMap<String, Vec<Step>>, Vec<(String, u64, u64)>);

/// The steps of each operation by its folio, and what was told of files, so far.
fn told(events: &mut Receiver<Event>) -> Told {
    let (mut steps, mut files): (BTreeMap<String, Vec<Step>>, Vec<_>) = Default::default();
    while let Ok(event) = events.try_recv() {
        match event {
            Event::Operation { folio, step, .. } => steps.entry(folio).or_default().push(step),
            Event::FileProgress { sha256, sent, size } => files.push((sha256, sent, size)),
            Event::Status { .. } | Event::Changed | Event::RelayProgress { .. } => {}
        }
    }
    (steps, files)
}

#[tokio::test]
async fn every_operation_and_every_file_says_where_it_is() {
    use Step::{Parked, Received, Refused, Sending, Waiting};
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
    let client = enrolled(dir.path(), &endpoint).await;
    let path = dir.path().join("a.jpg");
    std::fs::write(&path, photo(3)).unwrap();
    let one = client.capture_file(FOLIO, progress(1), &[(path, "illustration".into())]).unwrap().folio;
    let two = client.capture_file(FOLIO, progress(2), &[]).unwrap().folio;
    let mut events = client.events();

    // The batch comes to nothing; then one is not taken and holds the other.
    endpoint.data().faults.push = Some(Code::Forbidden);
    client.sync_once().await.unwrap_err();
    let both =
        |steps: &[Step]| BTreeMap::from([(one.clone(), steps.to_vec()), (two.clone(), steps.to_vec())]);
    assert_eq!(told(&mut events), (both(&[Sending, Waiting]), Vec::new()));
    endpoint.data().faults.push = None;
    let tray = call(&client, "tray", json!({})).await;
    let row =
        |folio: &str| tray["rows"].as_array().unwrap().iter().find(|row| row["folio"] == folio).cloned();
    let id = |folio: &str| row(folio).unwrap()["id"].as_str().unwrap().parse().unwrap();
    endpoint.data().faults.refuse = Some((id(&two), Code::Forbidden));
    let begun = Instant::now();
    client.sync_once().await.unwrap_err();
    let (steps, files) = told(&mut events);
    assert_eq!(
        steps,
        BTreeMap::from([(one, vec![Sending, Received]), (two.clone(), vec![Sending, Refused])])
    );

    // The file: from its beginning to its end, in between not more often than four times a second.
    let size = photo(3).len() as u64;
    assert_eq!(files.first().map(|(_, sent, of)| (*sent, *of)), Some((0, size)));
    assert_eq!(files.last().map(|(_, sent, of)| (*sent, *of)), Some((size, size)));
    assert!(files.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1), "{files:?}");
    assert!(endpoint.data().chunk_requests > 2, "it had more chunks than words");
    assert!(files.len() as u128 <= 2 + begun.elapsed().as_millis() / 250, "{files:?}");

    // With something behind it, it is set apart.
    let three = client.capture_file(FOLIO, progress(3), &[]).unwrap().folio;
    client.sync_once().await.unwrap();
    let (steps, _) = told(&mut events);
    // Behind it the third had no chance in the first batch, and went in the second.
    let expected = [(two, vec![Sending, Parked]), (three, vec![Sending, Waiting, Sending, Received])];
    assert_eq!(steps, BTreeMap::from(expected));
}
