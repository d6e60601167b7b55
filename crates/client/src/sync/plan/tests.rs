use domain::follow_up::folio;
use domain::receipt::{ReceiptBody, Verdict, key_id};
use domain::wire::{Base, OperationKind};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn operation(seq: u64) -> Operation {
    Operation {
        op_id: Uuid::from_u128(u128::from(seq)),
        client_seq: seq,
        kind: OperationKind::FollowUp,
        record_id: Uuid::from_u128(u128::from(seq) + 1_000),
        base: Base::default(),
        salt: "0a".repeat(16),
        body: json!({"n": seq}),
        captured_at: DateTime::UNIX_EPOCH,
        tz_offset_minutes: 0,
        clock_offset_ms: 0,
        schema: 1,
        evidence: vec!["ab".repeat(32)],
    }
}

fn key() -> (SigningKey, String) {
    let key = SigningKey::from_bytes(&[3; 32]);
    let public = hex::encode(key.verifying_key().as_bytes());
    (key, public)
}

fn recorded(operation: &Operation, key: &SigningKey) -> PushResult {
    let body = ReceiptBody {
        op_id: operation.op_id,
        folio: folio(operation.record_id),
        body_hash: body_hash(&operation.salt, &operation.body).unwrap(),
        evidence: operation.evidence.clone(),
        stream: "common".into(),
        seq: 1,
        chain: "00".repeat(32),
        recorded_at: DateTime::UNIX_EPOCH,
        key_id: key_id(&key.verifying_key()),
        verdict: Verdict::Received,
    };
    let receipt = Box::new(Receipt::sign(body, key).unwrap());
    PushResult::Recorded { op_id: operation.op_id, receipt, findings: Vec::new() }
}

#[test]
fn a_receipt_counts_only_if_it_is_the_endpoints_and_names_these_bytes_and_files() {
    let (key, public) = key();
    let operation = operation(1);
    let good = recorded(&operation, &key);
    assert!(matches!(judge(&operation, &good, &public), Outcome::Recorded(..)));

    let refused = |operation: &Operation, result: &PushResult, key: &str| matches!(judge(operation, result, key), Outcome::Stays(problem) if problem.code == Code::ReceiptInvalid);
    let other = SigningKey::from_bytes(&[4; 32]);
    assert!(refused(&operation, &recorded(&operation, &other), &public));
    for tamper in [
        |o: &mut Operation| o.body = json!({"n": 2}),
        |o: &mut Operation| o.salt = "0b".repeat(16),
        |o: &mut Operation| o.evidence.clear(),
        |o: &mut Operation| o.record_id = Uuid::from_u128(9),
        |o: &mut Operation| o.op_id = Uuid::from_u128(9),
    ] {
        let mut here = operation.clone();
        tamper(&mut here);
        assert!(refused(&here, &good, &public), "{here:?}");
    }
    // A placeholder's answer is no receipt.
    assert!(refused(&operation, &PushResult::Placed { op_id: operation.op_id }, &public));
}

#[test]
fn a_batch_is_contiguous_and_fits() {
    let fit = |operations, limit| {
        let batch = batch(operations, limit, Uuid::nil(), &DeviceReport::default()).unwrap();
        batch.operations.iter().map(|operation| operation.client_seq).collect::<Vec<_>>()
    };
    assert_eq!(fit(vec![operation(3), operation(4), operation(6)], 200), [3, 4]);
    assert_eq!(fit((1..=300).map(operation).collect(), 200).len(), 200);
    assert_eq!(fit((1..=300).map(operation).collect(), 3), [1, 2, 3]);
    assert!(fit(Vec::new(), 200).is_empty());
    let large = |seq: u64| {
        // Text that does not compress, so that the limit after compression is the one that cuts.
        let noise: String = (0..20_000u64)
            .map(|i| format!("{:x}", (i + seq * 31).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 8))
            .collect();
        Operation { body: json!({ "noise": noise }), ..operation(seq) }
    };
    let sent = fit((1..=40).map(large).collect(), 200);
    assert!(!sent.is_empty() && sent.len() < 40, "{sent:?}");
}

#[test]
fn a_failed_push_never_deletes_and_says_what_next() {
    let of = |code, size| remedy(&Problem::new(code), size);
    assert_eq!(remedy(&Problem::new(Code::Gap).with("last", 7), 3), Remedy::ResendAfter(7));
    assert_eq!(of(Code::Unavailable, 8), Remedy::Halve);
    assert_eq!(of(Code::Unavailable, 1), Remedy::SuspectOne);
    assert_eq!(of(Code::Unavailable, 0), Remedy::Wait);
    for code in [
        Code::Forbidden,
        Code::UpgradeRequired,
        Code::TooManyRequests,
        Code::ServerUnreachable,
        Code::ServerNotOurs,
    ] {
        assert_eq!(of(code, 5), Remedy::Wait, "{code:?}");
    }
    assert_eq!(of(Code::DeviceForked, 5), Remedy::Stop);
}

#[test]
fn what_somebody_must_mend_does_not_hold_the_rest() {
    let forbidden = Problem::new(Code::Forbidden);
    assert!(steps_aside(&forbidden, 1, true));
    assert!(!steps_aside(&forbidden, 1, false));
    let later = Problem::new(Code::Unavailable);
    assert!(!steps_aside(&later, 1, true));
    assert!(steps_aside(&later, PATIENCE, true));
    assert!(!steps_aside(&Problem::new(Code::Gap), 99, true));
    assert!(!steps_aside(&Problem::new(Code::UpgradeRequired), 99, true));
}

#[test]
fn what_is_another_areas_now_steps_aside_with_its_own_alone() {
    let problem = Problem::new(Code::OutOfScope).with("folio", "p1");
    assert!(steps_aside(&problem, 1, false) && steps_aside(&problem, 1, true));
    let of = |project: &str| Operation { body: json!({"project": project}), ..operation(2) };
    assert!(shares(&problem, &of("p1")));
    assert!(!shares(&problem, &of("p2")));
    assert!(!shares(&problem, &operation(2)));
    assert!(!shares(&Problem::new(Code::OutOfScope), &operation(2)));
    assert!(!shares(&Problem::new(Code::Forbidden).with("folio", "p1"), &of("p1")));
}

#[test]
fn delays_follow_the_outlook() {
    let quiet = Outlook::default();
    assert_eq!(delay(quiet, 0.5), QUIET);
    assert_eq!(delay(Outlook { waiting: true, ..quiet }, 0.5), WAITING);
    assert_eq!(delay(Outlook { failures: 1, ..quiet }, 1.0), BASE);
    assert_eq!(delay(Outlook { failures: 3, ..quiet }, 0.5), Duration::from_secs(4));
    assert_eq!(delay(Outlook { failures: 60, ..quiet }, 1.0), CAP);
    assert_eq!(delay(Outlook { failures: 60, waiting: true, refused: true, ..quiet }, 1.0), CAP_REFUSED);
    let cut = Outlook { failures: 1, moved: true, waiting: true, ..quiet };
    assert_eq!((delay(cut, 1.0), delay(cut, 0.0)), (CUT, CUT / 20));
    assert_eq!(delay(Outlook { refused: true, ..cut }, 1.0), BASE);
    assert_eq!(delay(Outlook { waiting: false, ..cut }, 1.0), BASE);
    let hinted = |seconds| Outlook { hint: Some(Duration::from_secs(seconds)), ..quiet };
    assert_eq!(delay(hinted(120), 0.5), Duration::from_secs(120));
    assert_eq!((delay(hinted(1), 0.5), delay(hinted(u64::MAX), 0.5)), (QUIET, CAP));
    assert_eq!(delay(Outlook { waiting: true, ..hinted(600) }, 0.5), WAITING);
    assert_eq!(delay(Outlook { failures: 1, ..hinted(600) }, 1.0), BASE);
    let asked = Outlook { failures: 1, retry_after: Some(Duration::from_secs(90)), ..quiet };
    assert_eq!(delay(asked, 0.0), Duration::from_secs(90));
}

proptest! {
    #[test]
    fn the_timer_always_arms_again_and_stays_under_its_cap(
        failures in 0u32.., moved: bool, waiting: bool, refused: bool, seconds in proptest::option::of(0u64..),
        hint in proptest::option::of(0u64..), jitter in -1.0f64..2.0,
    ) {
        let [retry_after, hint] = [seconds, hint].map(|seconds| seconds.map(Duration::from_secs));
        let outlook = Outlook { failures, moved, waiting, refused, retry_after, hint };
        let delay = delay(outlook, jitter);
        prop_assert!(delay > Duration::ZERO && delay <= CAP);
        prop_assert_eq!(delay, super::delay(outlook, jitter));
    }

    #[test]
    fn parked_operations_always_get_another_time(attempts: u32) {
        let now = DateTime::UNIX_EPOCH;
        let at = retry_at(now, attempts);
        prop_assert!(at > now && at <= now + TimeDelta::hours(6));
    }
}
