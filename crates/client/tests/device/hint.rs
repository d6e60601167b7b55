//! The endpoint asks to be looked at less often.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use client::Client;
use domain::clock::Clock as _;

use crate::endpoint::Endpoint;
use crate::{FOLIO, TestClock, enrolled, open_at, progress};

/// When the scheduler looks next, once it knows.
async fn next(client: &Client) -> DateTime<Utc> {
    let known = async {
        loop {
            if let Some(next) = client.status().unwrap().next_attempt {
                return next;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), known).await.unwrap()
}

#[tokio::test]
async fn who_only_looks_looks_as_seldom_as_it_is_asked_and_what_waits_goes_at_once() {
    for (hint, seconds) in
        [(Some("interval=300"), 300), (Some("interval=5"), 30), (Some("soon"), 30), (None, 30)]
    {
        let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::start().await);
        drop(enrolled(dir.path(), &endpoint).await);
        endpoint.data().hint = hint;
        let clock = TestClock::default();
        let client = open_at(dir.path(), &clock);
        let mut events = client.events();
        client.start_background();
        assert_eq!(next(&client).await - clock.now(), TimeDelta::seconds(seconds), "{hint:?}");
        client.capture_file(FOLIO, progress(1), &[]).unwrap();
        let sent = async {
            while client.status().unwrap().received == 0 {
                events.recv().await.ok();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), sent).await.unwrap();
    }
}
