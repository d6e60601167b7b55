//! A device written by hand, byte by byte: what the real client would never send.

use chrono::{DateTime, Utc};
use domain::follow_up::{FollowUp, FollowUpFile};
use domain::wire::{
    Base, DeviceReport, EnrolAnswer, EnrolRequest, NonceAnswer, NonceRequest, Operation, OperationKind,
    PROTOCOL, PushRequest, SCHEMA, TokenAnswer, TokenRequest, nonce_bytes,
};
use ed25519_dalek::SigningKey;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// A device without a store.
pub struct RawDevice {
    /// Address of the endpoint.
    pub url: String,
    /// What the enrolment gave.
    pub enrolled: EnrolAnswer,
    /// Its key.
    pub key: SigningKey,
    /// Its token.
    pub token: String,
    http: reqwest::Client,
}

/// An answer: status, kind, JSON.
#[derive(Debug)]
pub struct Said {
    /// Status.
    pub status: StatusCode,
    /// `Content-Type`.
    pub kind: String,
    /// Body.
    pub body: Value,
    /// Body, byte for byte.
    pub bytes: Vec<u8>,
}

impl Said {
    /// Reads an answer whole.
    pub async fn read(answer: Response) -> Said {
        let status = answer.status();
        let kind =
            answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.to_owned();
        let bytes = answer.bytes().await.expect("a body").to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Said { status, kind, body, bytes }
    }

    /// Asserts that it is a problem of a code, as RFC 9457 wants it.
    pub fn problem(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.kind, "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert!(self.body["type"].is_string() && self.body["title"].is_string());
    }
}

/// Asks for an enrolment.
pub async fn enrol(url: &str, code: &str, key: &SigningKey) -> Said {
    let request = EnrolRequest {
        code: code.to_owned(),
        public_key: hex::encode(key.verifying_key().as_bytes()),
        device_name: "Equipo a mano".into(),
        app_version: "0.0.0".into(),
        protocol: PROTOCOL,
    };
    let answer = reqwest::Client::new().post(format!("{url}/api/v1/enrol")).json(&request).send().await;
    Said::read(answer.expect("an answer")).await
}

impl RawDevice {
    /// Enrols and signs in.
    pub async fn enrol(url: &str, code: &str) -> RawDevice {
        let mut seed = [0u8; 32];
        seed[..16].copy_from_slice(Uuid::now_v7().as_bytes());
        let key = SigningKey::from_bytes(&seed);
        let said = enrol(url, code, &key).await;
        assert_eq!(said.status, 200, "{said:?}");
        let enrolled: EnrolAnswer = serde_json::from_value(said.body).expect("an answer to an enrolment");
        let mut device = RawDevice {
            url: url.into(),
            enrolled,
            key,
            token: String::new(),
            // The endpoint is killed between two requests: no connection is kept.
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client"),
        };
        let said = device.sign_in().await;
        let token: TokenAnswer = serde_json::from_value(said.body).expect("a token");
        device.token = token.token;
        device
    }

    /// Signs a nonce.
    pub async fn sign_in(&self) -> Said {
        let device_id = self.enrolled.device_id;
        let said = self.post("auth/nonce", &json!(NonceRequest { device_id })).await;
        let NonceAnswer { nonce } = serde_json::from_value(said.body).expect("a nonce");
        let signature = domain::receipt::sign(&nonce_bytes(device_id, &nonce), &self.key);
        self.post("auth/token", &json!(TokenRequest { device_id, nonce, signature })).await
    }

    /// Posts JSON.
    pub async fn post(&self, route: &str, body: &Value) -> Said {
        self.post_bytes(route, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    /// Posts anything.
    pub async fn post_bytes(&self, route: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Said {
        let mut request =
            self.http.post(format!("{}/api/v1/{route}", self.url)).bearer_auth(&self.token).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Said::read(request.send().await.expect("an answer")).await
    }

    /// Puts anything.
    pub async fn put_bytes(&self, route: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Said {
        let mut request =
            self.http.put(format!("{}/api/v1/{route}", self.url)).bearer_auth(&self.token).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Said::read(request.send().await.expect("an answer")).await
    }

    /// Gets.
    pub async fn get(&self, route: &str) -> Said {
        let request = self.http.get(format!("{}/api/v1/{route}", self.url)).bearer_auth(&self.token);
        Said::read(request.send().await.expect("an answer")).await
    }

    /// A follow-up as an operation.
    pub fn operation(&self, client_seq: u64, project: &str, content: &Value) -> Operation {
        let content: FollowUpFile = serde_json::from_value(content.clone()).expect("a follow-up file");
        let follow_up = FollowUp {
            id: Uuid::now_v7(),
            project: project.into(),
            ocid: format!("{}-{project}", self.enrolled.municipality.prefix),
            form: None,
            content,
            evidence: Vec::new(),
        };
        Operation {
            op_id: Uuid::now_v7(),
            client_seq,
            kind: OperationKind::FollowUp,
            record_id: follow_up.id,
            base: Base { server_version: 1, after: Vec::new(), epoch: Some(self.enrolled.server_epoch) },
            salt: domain::receipt::new_salt(),
            body: serde_json::to_value(&follow_up).expect("JSON"),
            captured_at: "2026-03-12T18:00:00Z".parse::<DateTime<Utc>>().expect("a time"),
            tz_offset_minutes: -360,
            clock_offset_ms: 0,
            schema: SCHEMA,
            evidence: Vec::new(),
        }
    }

    /// A push of operations.
    pub fn batch(&self, operations: Vec<Operation>) -> Value {
        json!(PushRequest {
            protocol: PROTOCOL,
            server_epoch: self.enrolled.server_epoch,
            report: DeviceReport::default(),
            operations,
        })
    }

    /// Pushes operations.
    pub async fn push(&self, operations: Vec<Operation>) -> Said {
        self.post("sync/push", &self.batch(operations)).await
    }
}
