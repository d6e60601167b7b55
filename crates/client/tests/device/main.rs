//! The client as a whole, through its public door, against a small endpoint that misbehaves on command.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod again;
mod capture;
mod choose;
mod cli;
mod desk;
mod drafts;
mod endpoint;
mod events;
mod folder;
mod hint;
mod opinion;
mod people;
mod photo;
mod profiles;
mod rescue;
mod review;
mod scope;
mod snapshot;
mod sync;

use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use client::Client;
use domain::clock::Clock;
use domain::follow_up::FollowUpFile;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;

pub const PASSPHRASE: &str = "una frase de paso";
pub const FOLIO: &str = "d1_p1";

/// A clock that the test moves.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl Default for TestClock {
    fn default() -> TestClock {
        TestClock(Arc::new(Mutex::new("2026-11-22T18:00:00Z".parse().unwrap())))
    }
}

impl TestClock {
    pub fn forward(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// Opens a folder with the passphrase of these tests.
pub fn open(dir: &Path) -> Client {
    open_at(dir, &TestClock::default())
}

pub fn open_at(dir: &Path, clock: &TestClock) -> Client {
    let client = Client::open(dir, Arc::new(clock.clone())).unwrap();
    client.unlock(Some(PASSPHRASE)).unwrap();
    client
}

/// An enrolled client with its projects.
pub async fn enrolled(dir: &Path, endpoint: &Endpoint) -> Client {
    let client = open(dir);
    let request = json!({"server": endpoint.url(), "code": "ABCDE-12345", "device": "Portátil 1"});
    let state = client.call("enrol", request).await.unwrap();
    assert_eq!(state["stage"], "ready", "{state}");
    client
}

/// A follow-up file with progress.
pub fn progress(physical: u32) -> FollowUpFile {
    serde_json::from_value(json!({"stage": "implementation", "visitedOn": "2026-11-20",
        "progress": {"physical": {"planned": 50, "actual": physical}}}))
    .unwrap()
}

/// A photograph.
pub fn photo(shade: u8) -> Vec<u8> {
    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(64, 48, |x, y| Rgb([shade, x as u8, y as u8]));
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

pub async fn call(client: &Client, name: &str, payload: Value) -> Value {
    client.call(name, payload).await.unwrap()
}
