use std::sync::mpsc;
use std::time::{Duration, Instant};

use axum::routing::{get, post};
use axum::{Json, Router};
use domain::clock::{Clock as _, SystemClock};
use ed25519_dalek::SigningKey;
use serde_json::json;

use super::*;
use crate::Client;

/// How long another transaction has the database.
const BUSY: Duration = Duration::from_millis(500);

/// Begins a transaction on a thread of its own that keeps the writer for a while.
fn keep_writer(store: &Arc<Store>) {
    let (began, begun) = mpsc::channel();
    let store = Arc::clone(store);
    std::thread::spawn(move || {
        store.write(|_| {
            began.send(()).ok();
            std::thread::sleep(BUSY);
            Ok(())
        })
    });
    begun.recv().unwrap();
}

fn clock_minus(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    SystemClock.now() - chrono::TimeDelta::seconds(seconds)
}

/// An endpoint on a thread of its own whose answers come while the database is busy, each from another clock, so that
/// the offset is written every time. A push is taken, or answered with a problem.
fn endpoint(store: &Arc<Store>, revoked: bool) -> String {
    let (tokens, pushes) = (Arc::clone(store), Arc::clone(store));
    let token = move || async move {
        keep_writer(&tokens);
        let now = clock_minus(0);
        Json(json!({"token": "t", "now": now, "expiresAt": now + chrono::TimeDelta::minutes(15)}))
    };
    let push = move || async move {
        keep_writer(&pushes);
        let body = if revoked {
            serde_json::to_value(Problem::new(Code::DeviceRevoked)).unwrap()
        } else {
            json!({"serverEpoch": Uuid::nil(), "now": clock_minus(60), "results": []})
        };
        let (status, kind) =
            if revoked { (401, "application/problem+json") } else { (200, "application/json") };
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        (status, [("content-type", kind)], body.to_string())
    };
    let pull = || async {
        Json(
            json!({"serverEpoch": Uuid::nil(), "now": clock_minus(0), "person": person(), "scope": [], "changes": [],
            "heads": {}, "cursor": "0", "hasMore": false}),
        )
    };
    let health = || async {
        Json(json!({"service": domain::wire::SERVICE, "version": "0", "protocol": 1, "now": clock_minus(0)}))
    };
    let nonce = || async { Json(json!({"nonce": "abcd"})) };
    let router = Router::new()
        .route("/api/v1/health", get(health))
        .route("/api/v1/auth/nonce", post(nonce))
        .route("/api/v1/auth/token", post(token))
        .route("/api/v1/sync/push", post(push))
        .route("/api/v1/sync/pull", get(pull));
    let (sender, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await
        })
    });
    format!("http://{}", address.recv().unwrap())
}

fn person() -> serde_json::Value {
    json!({"id": "p1", "name": "Persona Uno", "role": "enlace", "area": "Obras", "trained": true})
}

/// A cycle, and the longest that the only thread of the runtime stood still meanwhile.
async fn longest_pause(revoked: bool) -> (Result<(), Error>, Duration) {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::open(dir.path(), Arc::new(SystemClock)).unwrap();
    client.unlock(Some("una frase de paso")).unwrap();
    let store = client.inner.store().unwrap();
    let identity = json!({"device_id": Uuid::from_u128(7), "device": "d", "server": endpoint(&store, revoked),
        "server_key": "", "person": person(), "municipality": {"id": "m", "name": "M", "prefix": "ocds-000000",
        "prefixRegistered": false, "currency": "MXN", "offsetMinutes": -360, "publicUrl": "http://127.0.0.1/p"}});
    let key = hex::encode(SigningKey::from_bytes(&[1; 32]).to_bytes());
    store
        .write(|tx| {
            meta::set(tx, meta::IDENTITY, &identity)?;
            meta::set(tx, meta::DEVICE_KEY, &key)?;
            meta::set(tx, meta::CLOCK_OFFSET, &1_000_000)
        })
        .unwrap();
    let cycle = run(&client.inner);
    tokio::pin!(cycle);
    let mut longest = Duration::ZERO;
    let mut last = Instant::now();
    loop {
        tokio::select! {
            biased;
            result = &mut cycle => return (result, longest.max(last.elapsed())),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
}

#[tokio::test]
async fn threads_that_wait_for_the_network_never_wait_for_the_disk() {
    for revoked in [false, true] {
        let (result, longest) = longest_pause(revoked).await;
        let code = result.err().map(|error| Problem::from(error).code);
        assert_eq!(code, revoked.then_some(Code::DeviceRevoked));
        assert!(longest < BUSY / 2, "{revoked}: {longest:?}");
    }
}
