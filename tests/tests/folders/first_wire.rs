//! The first version of the wire against the endpoint of today.
//!
//! `tests/fixtures/first-wire` has the snapshots of the commit that first kept them, copied and never made again: what a
//! program of then wrote and read. Its requests go out as they are written there, with the headers of then (no digest of
//! the body, no word of snapshots, a base without epoch); only what names this endpoint, this device and these
//! operations is put in their place. Every answer must have all that the snapshot of then has, of the same kind and in
//! the words known then: such a program passed over what it did not know, and could not do without what it did.
//!
//! It shows that the endpoint still understands those requests and that its answers can still be read. What that program
//! went on to do with them it cannot show: the program itself would have to be compiled here, from an old commit, for
//! minutes.

use domain::history::{Change, Head};
use domain::receipt::Receipt;
use domain::wire::nonce_bytes;
use ed25519_dalek::SigningKey;
use journeys::{Central, root, wait_until, with_contract};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{LIMIT, code, status};

/// What the program of then could do without.
const OPTIONAL: [&str; 10] =
    ["place", "progress", "url", "held", "releaseId", "title", "physical", "financial", "planned", "actual"];
/// Names in the snapshots that stand for others.
const EPOCH: &str = "01900000-0000-7000-8000-000000000006";
const DEVICE: &str = "01900000-0000-7000-8000-000000000005";
const OPERATION: &str = "01900000-0000-7000-8000-000000000003";

fn first(name: &str) -> String {
    std::fs::read_to_string(root().join(format!("tests/fixtures/first-wire/{name}.json"))).unwrap()
}

/// Asserts that an answer has all of what an answer of then had.
fn reads(name: &str, answer: &Value) {
    like(name, &serde_json::from_str(&first(name)).unwrap(), answer);
}

fn like(place: &str, then: &Value, now: &Value) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (name, then) in then {
                let place = format!("{place}/{name}");
                match now.get(name) {
                    // What a sentence is told is each rule's own.
                    _ if name == "params" => {}
                    Some(now) => like(&place, then, now),
                    None => assert!(OPTIONAL.contains(&name.as_str()), "{place} is missing"),
                }
            }
        }
        (Value::Array(then), Value::Array(now)) => {
            for (index, item) in now.iter().enumerate() {
                let place = format!("{place}/{index}");
                // Of several kinds, one that is of the same.
                let kind = |item: &Value| {
                    ["outcome", "kind"].iter().find_map(|name| item.get(name)).cloned().unwrap_or_default()
                };
                let Some(example) = then.iter().find(|then| kind(then) == kind(item)) else {
                    assert!(then.is_empty(), "{place}: {item} is of a kind that was not known");
                    continue;
                };
                like(&place, example, item);
            }
        }
        (Value::Null, _) => {}
        _ => assert_eq!(
            std::mem::discriminant(then),
            std::mem::discriminant(now),
            "{place}: {now} is not as {then} was"
        ),
    }
}

async fn ask(request: RequestBuilder) -> Value {
    let answer = request.header("accept", "application/json, application/problem+json").send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn the_first_version_of_the_wire_is_understood_and_can_read_what_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let central = Central::ready(&folder.path().join("central"));
    let url = |path: &str| format!("{}/api/v1/{path}", central.url());
    let http = reqwest::Client::new();
    let post =
        |path: &str, body: String| http.post(url(path)).header("content-type", "application/json").body(body);

    reads("health", &ask(http.get(url("health"))).await);
    let key = SigningKey::from_bytes(&[11; 32]);
    let public = hex::encode(key.verifying_key().as_bytes());
    let request =
        first("enrol-request").replace("ABCDE12345", &code(&central)).replace(&"1".repeat(64), &public);
    let enrolled = ask(post("enrol", request)).await;
    reads("enrol-answer", &enrolled);
    let device = enrolled["deviceId"].as_str().unwrap();
    let nonce = ask(post("auth/nonce", first("nonce-request").replace(DEVICE, device))).await;
    reads("nonce-answer", &nonce);
    let nonce = nonce["nonce"].as_str().unwrap();
    let signature = domain::receipt::sign(&nonce_bytes(device.parse().unwrap(), nonce), &key);
    let request = first("token-request").replace(DEVICE, device);
    let request = request.replace(&"3".repeat(32), nonce).replace(&"4".repeat(128), &signature);
    let token = ask(post("auth/token", request)).await;
    reads("token-answer", &token);
    let token = token["token"].as_str().unwrap();

    // Both operations of the snapshot have the same name and number: each gets its own.
    let epoch = enrolled["serverEpoch"].as_str().unwrap();
    let (follow_up, placeholder) = (Uuid::now_v7(), Uuid::now_v7());
    let text = first("push-request").replace(EPOCH, epoch);
    let text = text.replacen(OPERATION, &follow_up.to_string(), 1);
    let text = text.replacen(OPERATION, &placeholder.to_string(), 1);
    let (before, after) = text.rsplit_once("\"clientSeq\": 1,").unwrap();
    let sent = format!("{before}\"clientSeq\": 2,{after}");
    let push = |body: String| post("sync/push", body).bearer_auth(token);
    let said = ask(push(sent.clone())).await;
    reads("push-answer", &said);
    let results = &said["results"];
    // It corrects one that nobody knows: recorded, with the reason.
    assert_eq!(results[0]["outcome"], "recorded", "{said}");
    assert_eq!(results[0]["findings"][0]["rule"], "correction-unknown", "{said}");
    let receipt: Receipt = serde_json::from_value(results[0]["receipt"].clone()).unwrap();
    receipt.verify(enrolled["serverKey"].as_str().unwrap()).unwrap();
    assert_eq!(results[1], json!({"outcome": "placed", "opId": placeholder}), "{said}");
    assert_eq!(ask(push(sent.clone())).await["results"], *results, "offered again, answered the same");

    // Another of the same shape, about something that is there.
    let mut request: Value = serde_json::from_str(&sent).unwrap();
    request["operations"].as_array_mut().unwrap().truncate(1);
    let operation = &mut request["operations"][0];
    let id = json!(Uuid::now_v7());
    operation["opId"] = json!(Uuid::now_v7());
    operation["clientSeq"] = json!(3);
    operation["base"]["after"] = json!([]);
    operation["recordId"].clone_from(&id);
    operation["evidence"] = json!([]);
    operation["body"]["id"] = id.clone();
    operation["body"]["evidence"] = json!([]);
    operation["body"]["content"] = with_contract("C-1", 1_000, 10);
    let said = ask(push(request.to_string())).await;
    reads("push-answer", &said);
    assert_eq!(said["results"][0]["receipt"]["verdict"], "received", "{said}");
    wait_until("it is published", LIMIT, || {
        status(&central)["followUps"] == json!({"published": 1, "rejected": 1})
    });

    // Everything from the start, page by page, and its history fits.
    let mut heads = std::collections::BTreeMap::<String, Head>::new();
    let mut cursor = String::new();
    let mut states = Vec::new();
    loop {
        // A cursor has only letters that an address may have.
        let page = ask(http.get(url(&format!("sync/pull?cursor={cursor}"))).bearer_auth(token)).await;
        reads("pull-answer", &page);
        for change in page["changes"].as_array().unwrap() {
            let state = &change["state"];
            match change["kind"].as_str() {
                Some("project") => reads("project-state", state),
                Some("follow_up") if state["held"].is_object() => reads("follow-up-state-held", state),
                Some("follow_up") if state["state"] != "rejected" => {
                    reads("follow-up-state-published", state)
                }
                _ => {}
            }
            if let Some(word) = state["state"].as_str() {
                assert!(first("states").contains(&format!("\"{word}\"")), "{word} was not known");
                states.push((state["id"].clone(), word.to_owned()));
            }
            let change: Change = serde_json::from_value(change.clone()).unwrap();
            heads.entry(change.stream.clone()).or_default().take(&change).unwrap();
        }
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["hasMore"] == false {
            for (stream, head) in heads {
                assert_eq!(json!(head), page["heads"][&stream], "{stream}");
            }
            break;
        }
    }
    let mine = states.iter().rev().find(|(one, _)| *one == id);
    assert_eq!(mine.map(|(_, word)| word.as_str()), Some("published"), "{states:?}");
}
