//! Enrolment codes and tokens under a clock that a test moves.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use central::auth;
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use chrono::{DateTime, Duration, Utc};
use domain::clock::Clock;
use domain::person::Role;
use domain::problem::Code;
use domain::wire::{EnrolRequest, PROTOCOL, TokenRequest, nonce_bytes};
use ed25519_dalek::SigningKey;

#[derive(Default)]
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::minutes(self.0.load(Ordering::SeqCst))
    }
}

fn endpoint(folder: &std::path::Path, clock: &Arc<Moved>) -> Endpoint {
    let options = Options { data: Some(folder.to_owned()), ..Options::default() };
    Endpoint::open(Config::load(&options).unwrap(), clock.clone()).unwrap()
}

fn code(endpoint: &Endpoint) -> String {
    let tx = endpoint.store.begin().unwrap();
    let made = auth::add_person(
        &*tx,
        "Persona de muestra",
        Role::Enlace,
        "Obras",
        true,
        endpoint.now(),
        Duration::hours(24),
    );
    tx.commit().unwrap();
    made.unwrap().1
}

fn request(code: &str, key: &SigningKey) -> EnrolRequest {
    EnrolRequest {
        code: code.into(),
        public_key: hex::encode(key.verifying_key().as_bytes()),
        device_name: String::new(),
        app_version: String::new(),
        protocol: PROTOCOL,
    }
}

#[test]
fn a_code_expires_unused_and_its_answer_outlives_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Moved::default());
    let endpoint = endpoint(folder.path(), &clock);
    let (late, in_time) = (code(&endpoint), code(&endpoint));
    let key = SigningKey::from_bytes(&[3; 32]);
    let first = auth::enrol(&endpoint, &request(&in_time, &key)).unwrap();
    clock.0.store(24 * 60 + 1, Ordering::SeqCst);
    let refused = auth::enrol(&endpoint, &request(&late, &key)).unwrap_err().0;
    assert_eq!(refused.code, Code::CodeExpired);
    assert!(refused.params.contains_key("expiredAt"));
    // The reply to the first was lost; it is asked for again the next day, with the same key.
    assert_eq!(auth::enrol(&endpoint, &request(&in_time, &key)).unwrap(), first);
    let mut not_a_key = request(&in_time, &key);
    not_a_key.public_key = "zz".into();
    assert_eq!(auth::enrol(&endpoint, &not_a_key).unwrap_err().0.code, Code::MalformedRequest);
    assert_eq!(endpoint.store.read().unwrap().devices().unwrap().len(), 1);
}

#[test]
fn a_nonce_is_good_once_and_five_minutes_and_a_token_fifteen() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Moved::default());
    let endpoint = endpoint(folder.path(), &clock);
    let key = SigningKey::from_bytes(&[4; 32]);
    let device_id = auth::enrol(&endpoint, &request(&code(&endpoint), &key)).unwrap().device_id;
    let signed = |nonce: String| TokenRequest {
        device_id,
        signature: domain::receipt::sign(&nonce_bytes(device_id, &nonce), &key),
        nonce,
    };
    let request = signed(auth::nonce(&endpoint, device_id).unwrap().nonce);
    let token = auth::token(&endpoint, &request).unwrap();
    assert_eq!(auth::token(&endpoint, &request).unwrap_err().0.code, Code::Unauthenticated);
    assert_eq!(auth::actor(&endpoint, &token.token).unwrap().device_id, device_id);
    let stale = signed(auth::nonce(&endpoint, device_id).unwrap().nonce);
    clock.0.store(6, Ordering::SeqCst);
    assert_eq!(auth::token(&endpoint, &stale).unwrap_err().0.code, Code::Unauthenticated);
    clock.0.store(16, Ordering::SeqCst);
    assert_eq!(auth::actor(&endpoint, &token.token).unwrap_err().0.code, Code::Unauthenticated);
    // A signature of another device's key is no signature.
    let nonce = auth::nonce(&endpoint, device_id).unwrap().nonce;
    let other = SigningKey::from_bytes(&[5; 32]);
    let forged = TokenRequest {
        device_id,
        signature: domain::receipt::sign(&nonce_bytes(device_id, &nonce), &other),
        nonce,
    };
    assert_eq!(auth::token(&endpoint, &forged).unwrap_err().0.code, Code::Unauthenticated);
}
