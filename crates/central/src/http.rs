//! Handlers: thin. They read what came, call a decision on a blocking thread, and write what it gave.

use std::any::Any;
use std::io::Read;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::person::Action;
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::relay::{RelayAnswer, RelayOffer};
use domain::seeded::{self, Bug};
use domain::wire::{
    BODY_SHA256, DeviceRow, EnrolRequest, EvidenceAnswer, EvidenceOffer, Health, MAX_COMPRESSED, MAX_RAW,
    NonceRequest, PROTOCOL, SERVICE, SYNC_HINT, TokenRequest, sync_hint,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::auth::{self, Actor};
use crate::endpoint::Endpoint;
use crate::problem::{Answer, Failure};
use crate::relay;
use crate::strict;
use crate::sync::{evidence, pull as pulling, push as pushing, snapshot};

type Central = State<Arc<Endpoint>>;

/// Runs a decision where it may wait for the disk.
async fn blocking<T: Send + 'static>(
    endpoint: Arc<Endpoint>,
    work: impl FnOnce(&Endpoint) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    if endpoint.inline {
        return work(&endpoint);
    }
    match tokio::task::spawn_blocking(move || work(&endpoint)).await {
        Ok(answer) => answer,
        Err(error) => Err(fault(&error)),
    }
}

fn fault(error: &dyn std::fmt::Display) -> Failure {
    let report = domain::receipt::new_salt()[..8].to_owned();
    tracing::error!(report, %error, "fault");
    Problem::new(Code::Fault).with("reportId", report).into()
}

/// What a panic leaves as: a fault with a report id. It is a defect, and it does not take the endpoint down.
pub fn panicked(error: Box<dyn Any + Send + 'static>) -> Response {
    let text = error
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| error.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    fault(&text.unwrap_or_else(|| "panic".into())).into_response()
}

/// The signed-in person of a request.
pub struct SignedIn(Actor);

impl FromRequestParts<Arc<Endpoint>> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, endpoint: &Arc<Endpoint>) -> Result<SignedIn, Failure> {
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer =
            bearer.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Code::Unauthenticated)?.to_owned();
        blocking(endpoint.clone(), move |endpoint| auth::actor(endpoint, &bearer)).await.map(SignedIn)
    }
}

/// A body, decompressed within its limit and read strictly.
fn body<T: DeserializeOwned>(headers: &HeaderMap, bytes: Result<Bytes, BytesRejection>) -> Answer<T> {
    let bytes = bytes.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::TooLarge).with("limitBytes", MAX_COMPRESSED),
        _ => Problem::new(Code::MalformedRequest).with("detail", "the body did not arrive whole"),
    })?;
    let digest = headers.get(BODY_SHA256).map(|value| value.as_bytes());
    if digest.is_some_and(|digest| digest != sha256_hex(&bytes).as_bytes()) {
        return Err(Code::BodyDamaged.into());
    }
    let encoding =
        headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    let raw = match encoding {
        "identity" => bytes.to_vec(),
        "zstd" => decompress(&bytes)?,
        other => {
            let problem = Problem::new(Code::BrokenCompression).with("encoding", other);
            return Err(problem.into());
        }
    };
    let malformed =
        |error: serde_json::Error| Problem::new(Code::MalformedRequest).with("detail", error.to_string());
    let value = strict::parse(&raw).map_err(malformed)?;
    Ok(serde_json::from_value(value).map_err(malformed)?)
}

/// The limit is enforced on what comes out of the decoder, while it comes out.
pub(crate) fn decompress(bytes: &[u8]) -> Answer<Vec<u8>> {
    let broken = |_| Failure::from(Code::BrokenCompression);
    let mut decoder = zstd::stream::read::Decoder::new(bytes).map_err(broken)?;
    decoder.window_log_max(23).map_err(broken)?;
    let mut raw = Vec::new();
    let most = if seeded::is(Bug::UnboundedBody) { usize::MAX } else { MAX_RAW };
    decoder.take((most as u64).saturating_add(1)).read_to_end(&mut raw).map_err(broken)?;
    if raw.len() > most {
        return Err(Problem::new(Code::TooLarge).with("limitBytes", MAX_RAW).into());
    }
    Ok(raw)
}

/// Gives every answer the digest of its bytes, so that a device tells an answer that was damaged on the way.
pub async fn sealed(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // What the handlers above give is in memory already, and far below this.
    let bytes = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(error) => return fault(&error).into_response(),
    };
    if let Ok(digest) = header::HeaderValue::from_str(&sha256_hex(&bytes)) {
        parts.headers.insert(BODY_SHA256, digest);
    }
    Response::from_parts(parts, bytes.into())
}

/// JSON, compressed when the device says that it can read it.
fn json<T: Serialize>(headers: &HeaderMap, value: &T) -> Response {
    let accepts =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = match serde_json::to_vec(value) {
        Ok(text) => text,
        Err(error) => return fault(&error).into_response(),
    };
    let kind = (header::CONTENT_TYPE, "application/json");
    if text.len() > 512
        && accepts.split(',').any(|name| name.trim().starts_with("zstd"))
        && let Ok(small) = zstd::stream::encode_all(text.as_slice(), 3)
    {
        return ([kind, (header::CONTENT_ENCODING, "zstd")], small).into_response();
    }
    ([kind], text).into_response()
}

pub async fn health(State(endpoint): Central) -> Json<Health> {
    Json(Health {
        service: SERVICE.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        protocol: PROTOCOL,
        now: endpoint.now(),
    })
}

pub async fn enrol(
    State(endpoint): Central,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<Response> {
    let request: EnrolRequest = body(&headers, bytes)?;
    let answer = blocking(endpoint, move |endpoint| auth::enrol(endpoint, &request)).await?;
    Ok(json(&headers, &answer))
}

pub async fn nonce(
    State(endpoint): Central,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<Response> {
    let request: NonceRequest = body(&headers, bytes)?;
    let answer = blocking(endpoint, move |endpoint| auth::nonce(endpoint, request.device_id)).await?;
    Ok(json(&headers, &answer))
}

pub async fn token(
    State(endpoint): Central,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<Response> {
    let request: TokenRequest = body(&headers, bytes)?;
    let answer = blocking(endpoint, move |endpoint| auth::token(endpoint, &request)).await?;
    Ok(json(&headers, &answer))
}

pub async fn push(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<Response> {
    let hint = endpoint.config.sync_interval;
    // Reading two hundred follow-ups and writing their answers takes longer than a thread of the network may be kept.
    let answer = blocking(endpoint, move |endpoint| {
        let request = body(&headers, bytes)?;
        Ok(json(&headers, &pushing::push(endpoint, &actor, request)?))
    });
    Ok(hinted(answer.await?, hint))
}

/// The answer with what devices are asked to wait between two looks.
fn hinted(mut response: Response, seconds: Option<u64>) -> Response {
    if let Some(value) = seconds.and_then(|seconds| sync_hint(seconds).parse().ok()) {
        response.headers_mut().insert(SYNC_HINT, value);
    }
    response
}

#[derive(Deserialize)]
pub struct PullQuery {
    #[serde(default)]
    cursor: String,
    #[serde(default)]
    snapshots: bool,
    #[serde(default)]
    forms: bool,
    #[serde(default)]
    opinions: bool,
}

pub async fn pull(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
    query: Result<Query<PullQuery>, QueryRejection>,
) -> Answer<Response> {
    let Query(query) =
        query.map_err(|error| Problem::new(Code::MalformedRequest).with("detail", error.to_string()))?;
    let hint = endpoint.config.sync_interval;
    let PullQuery { snapshots, forms, opinions, .. } = query;
    let understands = pulling::Understands { snapshots, forms, opinions };
    let answer =
        blocking(endpoint, move |endpoint| pulling::pull(endpoint, &actor, &query.cursor, understands))
            .await?;
    Ok(hinted(json(&headers, &answer), hint))
}

pub async fn snapshot(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    Path((sha256, n)): Path<(String, String)>,
) -> Answer<Response> {
    let n = n.parse().map_err(|_| Code::NotFound)?;
    let piece = blocking(endpoint, move |endpoint| snapshot::piece(endpoint, &actor, &sha256, n)).await?;
    // Not `Content-Encoding: zstd`: whoever stands between would be free to decompress what is hashed.
    Ok(([(header::CONTENT_TYPE, "application/zstd")], piece).into_response())
}

pub async fn devices(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
) -> Answer<Response> {
    let rows: Vec<DeviceRow> = blocking(endpoint, move |endpoint| {
        actor.may(Action::SeeDevices)?;
        Ok(endpoint.store.read()?.devices()?)
    })
    .await?;
    Ok(json(&headers, &rows))
}

pub async fn offer_evidence(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<Json<EvidenceAnswer>> {
    let offer: EvidenceOffer = body(&headers, bytes)?;
    blocking(endpoint, move |endpoint| evidence::offer(endpoint, &actor, &offer)).await.map(Json)
}

pub async fn evidence_status(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    Path(upload_id): Path<String>,
) -> Answer<Json<EvidenceAnswer>> {
    blocking(endpoint, move |endpoint| evidence::status(endpoint, &actor, &upload_id)).await.map(Json)
}

pub async fn put_chunk(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    Path((upload_id, n)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<StatusCode> {
    let bytes =
        bytes.map_err(|_| Problem::new(Code::TooLarge).with("limitBytes", domain::evidence::CHUNK_BYTES))?;
    let n = n.parse().map_err(|_| Code::NotFound)?;
    let digest =
        headers.get("x-chunk-sha256").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    blocking(endpoint, move |endpoint| evidence::chunk(endpoint, &actor, &upload_id, n, &digest, &bytes))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn complete_evidence(
    State(endpoint): Central,
    SignedIn(actor): SignedIn,
    Path(upload_id): Path<String>,
) -> Answer<StatusCode> {
    blocking(endpoint, move |endpoint| evidence::complete(endpoint, &actor, &upload_id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn offer_relay(
    State(endpoint): Central,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<Json<RelayAnswer>> {
    let offer: RelayOffer = body(&headers, bytes)?;
    blocking(endpoint, move |endpoint| relay::offer(endpoint, &offer)).await.map(Json)
}

pub async fn put_relay_chunk(
    State(endpoint): Central,
    Path((upload_id, n)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Answer<StatusCode> {
    let bytes =
        bytes.map_err(|_| Problem::new(Code::TooLarge).with("limitBytes", domain::evidence::CHUNK_BYTES))?;
    let n = n.parse().map_err(|_| Code::NotFound)?;
    let digest =
        headers.get("x-chunk-sha256").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    blocking(endpoint, move |endpoint| relay::chunk(endpoint, &upload_id, n, &digest, &bytes)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn complete_relay(State(endpoint): Central, Path(upload_id): Path<String>) -> Answer<Response> {
    let reply = blocking(endpoint, move |endpoint| relay::complete(endpoint, &upload_id)).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], reply).into_response())
}
