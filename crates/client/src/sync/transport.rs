//! What is asked of the central endpoint and how its answers are judged: limits on every body, and every answer that is
//! not the endpoint's told apart from the endpoint's own problems. [`super::wire`] carries the bytes.

use std::io::Read as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::relay::{RelayAnswer, RelayOffer};
use domain::wire::{
    BODY_SHA256, DeviceRow, EnrolAnswer, EnrolRequest, EvidenceAnswer, EvidenceOffer, Health, NonceAnswer,
    NonceRequest, PullAnswer, PushAnswer, SERVICE, SYNC_HINT, TokenAnswer, TokenRequest, read_sync_hint,
};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName,
    HeaderValue, RETRY_AFTER,
};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::{Answered, Asked, Broken, Http, Wire};
use crate::error::Error;

/// Largest answer after decompression.
const MAX_ANSWER_RAW: u64 = 64 * 1024 * 1024;

/// The endpoint at one address.
#[derive(Clone)]
pub(crate) struct Transport {
    wire: Arc<dyn Wire>,
    base: Url,
    address: String,
    /// Seconds between two looks that the endpoint asked for last; 0 when it asked for nothing.
    hint: Arc<AtomicU64>,
}

/// What a request carries.
enum Content {
    Nothing,
    Json(Vec<u8>),
    Zstd(Vec<u8>),
    Chunk(Vec<u8>, String),
}

impl Transport {
    /// Checks an address and prepares what carries requests there: what is passed in, or HTTP.
    pub(crate) fn new(server: &str, wire: Option<Arc<dyn Wire>>) -> Result<Transport, Error> {
        let (base, address) = parse(server)?;
        let wire: Arc<dyn Wire> = match wire {
            Some(wire) => wire,
            None => Arc::new(Http::new(&base)?),
        };
        Ok(Transport { wire, base, address, hint: Arc::default() })
    }

    /// The address as it is stored and shown.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How long the endpoint asked to be left alone between two looks when nothing waits here.
    pub(crate) fn hint(&self) -> Option<Duration> {
        Some(self.hint.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    /// Whether the endpoint answers, and is ours.
    pub(crate) async fn health(&self) -> Result<Health, Problem> {
        let health: Health = self.ask(Method::GET, "health", None, Content::Nothing).await?;
        if health.service != SERVICE {
            return Err(self.not_ours());
        }
        Ok(health)
    }

    pub(crate) async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolAnswer, Problem> {
        self.ask(Method::POST, "enrol", None, json(request)?).await
    }

    pub(crate) async fn nonce(&self, request: &NonceRequest) -> Result<NonceAnswer, Problem> {
        self.ask(Method::POST, "auth/nonce", None, json(request)?).await
    }

    pub(crate) async fn token(&self, request: &TokenRequest) -> Result<TokenAnswer, Problem> {
        self.ask(Method::POST, "auth/token", None, json(request)?).await
    }

    /// Offers a batch that [`crate::sync::plan`] made and compressed.
    pub(crate) async fn push(&self, token: &str, compressed: Vec<u8>) -> Result<PushAnswer, Problem> {
        self.ask(Method::POST, "sync/push", Some(token), Content::Zstd(compressed)).await
    }

    pub(crate) async fn pull(
        &self,
        token: &str,
        cursor: &str,
        snapshots: bool,
    ) -> Result<PullAnswer, Problem> {
        // Whoever does not ask any more is not heeded any more.
        self.hint.store(0, Ordering::Relaxed);
        let mut url = self.url("sync/pull")?;
        url.query_pairs_mut()
            .append_pair("cursor", cursor)
            .append_pair("forms", "true")
            .append_pair("opinions", "true");
        if snapshots {
            url.query_pairs_mut().append_pair("snapshots", "true");
        }
        self.ask_at(Method::GET, url, Some(token), Content::Nothing).await
    }

    /// Piece `n` of a snapshot.
    pub(crate) async fn piece(&self, token: &str, sha256: &str, n: u64) -> Result<Vec<u8>, Problem> {
        let url = self.url(&format!("sync/snapshot/{}/{n}", self.segment(sha256)?))?;
        Ok(self.send(Method::GET, url, Some(token), Content::Nothing).await?.0)
    }

    pub(crate) async fn offer(&self, token: &str, offer: &EvidenceOffer) -> Result<EvidenceAnswer, Problem> {
        self.ask(Method::POST, "evidence", Some(token), json(offer)?).await
    }

    pub(crate) async fn chunk(
        &self,
        token: &str,
        upload: &str,
        n: u64,
        bytes: Vec<u8>,
        sha256: &str,
    ) -> Result<(), Problem> {
        let path = format!("evidence/{}/{n}", self.segment(upload)?);
        self.done(Method::PUT, &path, token, Content::Chunk(bytes, sha256.to_owned())).await
    }

    pub(crate) async fn complete(&self, token: &str, upload: &str) -> Result<(), Problem> {
        self.done(
            Method::POST,
            &format!("evidence/{}/complete", self.segment(upload)?),
            token,
            Content::Nothing,
        )
        .await
    }

    pub(crate) async fn devices(&self, token: &str) -> Result<Vec<DeviceRow>, Problem> {
        self.ask(Method::GET, "devices", Some(token), Content::Nothing).await
    }

    /// Offers a relay. Nobody has to be signed in: it says itself who made it.
    pub(crate) async fn offer_relay(&self, offer: &RelayOffer) -> Result<RelayAnswer, Problem> {
        self.ask(Method::POST, "relay", None, json(offer)?).await
    }

    pub(crate) async fn relay_chunk(
        &self,
        upload: &str,
        n: u64,
        bytes: Vec<u8>,
        sha256: &str,
    ) -> Result<(), Problem> {
        let url = self.url(&format!("relay/{}/{n}", self.segment(upload)?))?;
        let content = Content::Chunk(bytes, sha256.to_owned());
        let (answer, sealed) = self.send(Method::PUT, url, None, content).await?;
        if answer.is_empty() && sealed { Ok(()) } else { Err(self.not_ours()) }
    }

    /// The sealed reply to a relay.
    pub(crate) async fn complete_relay(&self, upload: &str) -> Result<Vec<u8>, Problem> {
        let url = self.url(&format!("relay/{}/complete", self.segment(upload)?))?;
        let (answer, sealed) = self.send(Method::POST, url, None, Content::Nothing).await?;
        if sealed && !answer.is_empty() { Ok(answer) } else { Err(self.not_ours()) }
    }

    /// The name of an upload comes from outside and becomes part of an address.
    fn segment<'u>(&self, upload: &'u str) -> Result<&'u str, Problem> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !upload.is_empty() && upload.len() <= 200 && upload.bytes().all(plain) {
            Ok(upload)
        } else {
            Err(self.not_ours())
        }
    }

    fn url(&self, path: &str) -> Result<Url, Problem> {
        self.base
            .join(&format!("api/v1/{path}"))
            .map_err(|_| Problem::new(Code::ServerAddressInvalid).with("server", self.address.clone()))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        content: Content,
    ) -> Result<T, Problem> {
        let url = self.url(path)?;
        self.ask_at(method, url, token, content).await
    }

    async fn ask_at<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        token: Option<&str>,
        content: Content,
    ) -> Result<T, Problem> {
        let (answer, _) = self.send(method, url, token, content).await?;
        // A page that says 200 to everything (a hotel, a firewall) is not JSON of ours.
        serde_json::from_slice(&answer).map_err(|error| self.not_ours().with("detail", error.to_string()))
    }

    async fn done(&self, method: Method, path: &str, token: &str, content: Content) -> Result<(), Problem> {
        let url = self.url(path)?;
        let (answer, sealed) = self.send(method, url, Some(token), content).await?;
        // Without a body there is nothing of ours to recognise but its digest. A portal that says an empty 200 or 204 to
        // everything must not be believed that a file arrived.
        if answer.is_empty() && sealed { Ok(()) } else { Err(self.not_ours()) }
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        token: Option<&str>,
        content: Content,
    ) -> Result<(Vec<u8>, bool), Problem> {
        let (mut headers, body) = content.into_parts();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, application/problem+json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("zstd"));
        if let Some(token) = token {
            // A token with anything else in it is not the endpoint's.
            let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| self.not_ours())?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let answer = self.wire.exchange(Asked { method, url, headers, body }).await;
        self.judge(answer.map_err(|broken| self.broken(broken))?)
    }

    /// The body of a good answer, and whether it came with its digest.
    fn judge(&self, answer: Answered) -> Result<(Vec<u8>, bool), Problem> {
        let Answered { status, headers, mut body } = answer;
        let digest = header(&headers, BODY_SHA256);
        if digest.is_some_and(|digest| digest != sha256_hex(&body)) {
            return Err(Problem::new(Code::BodyDamaged));
        }
        let sealed = digest.is_some();
        if header(&headers, CONTENT_ENCODING.as_str()) == Some("zstd") {
            body = decompress(&body).ok_or_else(|| self.not_ours())?;
        }
        if status.is_success() {
            if let Some(seconds) = header(&headers, SYNC_HINT).and_then(read_sync_hint) {
                self.hint.store(seconds, Ordering::Relaxed);
            }
            let html =
                header(&headers, CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("text/html"));
            return if html { Err(self.not_ours()) } else { Ok((body, sealed)) };
        }
        Err(self.problem_of(status, &headers, &body))
    }

    /// The endpoint's own problem, or what stands between us and it.
    fn problem_of(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Problem {
        let retry_after = header(headers, RETRY_AFTER.as_str()).and_then(|text| seconds(text, headers));
        let kind = header(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let mut problem = match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if kind.starts_with("application/problem+json") => problem,
            // Proxies speak for themselves with these; anything else is not the endpoint.
            _ => match status.as_u16() {
                413 => Problem::new(Code::TooLarge),
                429 => Problem::new(Code::TooManyRequests),
                500..=599 => self.unreachable_because(format!("HTTP {}", status.as_u16())),
                _ => self.not_ours().with("status", status.as_u16()),
            },
        };
        if let Some(seconds) = retry_after {
            problem = problem.with("retryAfterSeconds", seconds);
        }
        problem
    }

    fn not_ours(&self) -> Problem {
        Problem::new(Code::ServerNotOurs).with("server", self.address.clone())
    }

    fn unreachable_because(&self, detail: impl Into<String>) -> Problem {
        Problem::new(Code::ServerUnreachable)
            .with("server", self.address.clone())
            .with("detail", detail.into())
    }

    fn broken(&self, broken: Broken) -> Problem {
        match broken {
            // On an office network the endpoint's machine is often merely off: trying again soon is cheap there.
            Broken::Refused(detail) => self.unreachable_because(detail).with("refused", true),
            Broken::Lost(detail) => self.unreachable_because(detail),
            Broken::Stalled(time) => self.unreachable_because(format!("no byte in {} ms", time.as_millis())),
            Broken::TooLong => self.not_ours(),
        }
    }
}

/// `Retry-After` in its two forms. A date is read against the answer's own `Date`: the clock here may be wrong.
fn seconds(text: &str, headers: &HeaderMap) -> Option<u64> {
    let date = |text: &str| chrono::DateTime::parse_from_rfc2822(text.trim()).ok();
    text.trim().parse().ok().or_else(|| {
        let wait = date(text)? - date(header(headers, DATE.as_str())?)?;
        u64::try_from(wait.num_seconds()).ok()
    })
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn json<T: Serialize>(value: &T) -> Result<Content, Problem> {
    serde_json::to_vec(value).map(Content::Json).map_err(|error| Problem::from(Error::from(error)))
}

impl Content {
    fn into_parts(self) -> (HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        let mut say = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        let body = match self {
            Content::Nothing => Vec::new(),
            Content::Json(bytes) => {
                say(CONTENT_TYPE, "application/json");
                say(HeaderName::from_static(BODY_SHA256), &sha256_hex(&bytes));
                bytes
            }
            Content::Zstd(bytes) => {
                say(CONTENT_TYPE, "application/json");
                say(CONTENT_ENCODING, "zstd");
                say(HeaderName::from_static(BODY_SHA256), &sha256_hex(&bytes));
                bytes
            }
            Content::Chunk(bytes, sha256) => {
                say(CONTENT_TYPE, "application/octet-stream");
                say(HeaderName::from_static("x-chunk-sha256"), &sha256);
                bytes
            }
        };
        (headers, body)
    }
}

fn decompress(body: &[u8]) -> Option<Vec<u8>> {
    let mut raw = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(body).ok()?;
    decoder.take(MAX_ANSWER_RAW + 1).read_to_end(&mut raw).ok()?;
    (raw.len() as u64 <= MAX_ANSWER_RAW).then_some(raw)
}

/// An address as people type it: the scheme may be missing. Without TLS only this machine is spoken to, unless the
/// administration says otherwise (`AVANCE_PLAIN_HTTP=yes`, for a pilot on a closed network).
fn parse(server: &str) -> Result<(Url, String), Error> {
    let invalid = || Problem::new(Code::ServerAddressInvalid).with("server", server.trim());
    let text = server.trim().trim_end_matches('/');
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&format!("{text}/")).map_err(|_| invalid())?;
    let plain = url.cannot_be_a_base()
        || url.host_str().is_none()
        || !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if plain {
        return Err(invalid().into());
    }
    match url.scheme() {
        "https" => {}
        "http"
            if is_loopback(&url) || std::env::var("AVANCE_PLAIN_HTTP").is_ok_and(|value| value == "yes") => {}
        "http" => return Err(invalid().with("reason", "https_needed").into()),
        _ => return Err(invalid().into()),
    }
    Ok((url, text))
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_type_them() {
        for (typed, stored) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("avance.ejemplo.gob.mx", "https://avance.ejemplo.gob.mx"),
            (" https://ejemplo.gob.mx/avance/ ", "https://ejemplo.gob.mx/avance"),
        ] {
            assert_eq!(
                Transport::new(typed, None).map(|t| t.address).ok().as_deref(),
                Some(stored),
                "{typed}"
            );
        }
        for bad in [
            "",
            "ftp://x",
            "https://u:p@x",
            "http://ejemplo.gob.mx",
            "https://x?y",
            "http://127.0.0.1.evil.mx",
        ] {
            assert!(Transport::new(bad, None).is_err(), "{bad}");
        }
        let url = Transport::new("https://ejemplo.gob.mx/avance", None)
            .unwrap_or_else(|_| panic!())
            .url("health")
            .unwrap();
        assert_eq!(url.as_str(), "https://ejemplo.gob.mx/avance/api/v1/health");
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let bomb = zstd::encode_all(std::io::repeat(0).take(MAX_ANSWER_RAW + 2), 1).unwrap();
        assert!(bomb.len() < 1_000_000);
        assert!(decompress(&bomb).is_none());
        assert_eq!(decompress(&zstd::encode_all(&b"{}"[..], 1).unwrap()).unwrap(), b"{}");
    }

    #[tokio::test]
    async fn an_answer_in_drops_does_not_hold_the_queue() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await.unwrap();
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        let (base, _) = parse(&server).unwrap_or_else(|_| panic!());
        let mut http = Http::new(&base).unwrap_or_else(|_| panic!());
        http.stall = std::time::Duration::from_millis(400);
        let transport = Transport::new(&server, Some(Arc::new(http))).unwrap_or_else(|_| panic!());
        assert_eq!(transport.health().await.unwrap_err().code, Code::ServerUnreachable);
    }

    #[test]
    fn an_empty_answer_of_somebody_else_is_not_believed() {
        struct Portal(Option<String>);
        impl Wire for Portal {
            fn exchange(&self, _: Asked) -> super::super::wire::Exchange<'_> {
                let mut headers = HeaderMap::new();
                if let Some(digest) = &self.0 {
                    headers.insert(BODY_SHA256, digest.parse().unwrap());
                }
                let answer = Answered { status: StatusCode::NO_CONTENT, headers, body: Vec::new() };
                Box::pin(async { Ok(answer) })
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let complete = |digest| {
            let wire: Arc<dyn Wire> = Arc::new(Portal(digest));
            let transport = Transport::new("https://ejemplo.gob.mx", Some(wire)).unwrap_or_else(|_| panic!());
            runtime.block_on(transport.complete("t", "u")).map_err(|problem| problem.code)
        };
        assert_eq!(complete(None), Err(Code::ServerNotOurs));
        assert_eq!(complete(Some(sha256_hex(b"x"))), Err(Code::BodyDamaged));
        assert_eq!(complete(Some(sha256_hex(b""))), Ok(()));
    }

    #[test]
    fn both_forms_of_retry_after() {
        let mut headers = HeaderMap::new();
        assert_eq!(seconds("120", &headers), Some(120));
        assert_eq!(seconds("Sun, 22 Nov 2026 18:01:30 GMT", &headers), None);
        headers.insert(DATE, "Sun, 22 Nov 2026 18:00:00 GMT".parse().unwrap());
        assert_eq!(seconds("Sun, 22 Nov 2026 18:01:30 GMT", &headers), Some(90));
        assert_eq!(seconds("Sun, 22 Nov 2026 17:00:00 GMT", &headers), None);
        assert_eq!(seconds("soon", &headers), None);
    }

    #[test]
    fn what_is_not_the_endpoint_is_told_apart() {
        let transport = Transport::new("http://127.0.0.1:1", None).unwrap_or_else(|_| panic!());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "text/html".parse().unwrap());
        let code = |status, body: &str, headers: &HeaderMap| {
            transport.problem_of(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes()).code
        };
        assert_eq!(code(302, "<html>", &headers), Code::ServerNotOurs);
        assert_eq!(code(404, "<html>", &headers), Code::ServerNotOurs);
        assert_eq!(code(502, "<html>", &headers), Code::ServerUnreachable);
        headers.insert(CONTENT_TYPE, "application/problem+json".parse().unwrap());
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        let body = serde_json::to_string(&Problem::new(Code::DeviceRevoked)).unwrap();
        let problem = transport.problem_of(StatusCode::UNAUTHORIZED, &headers, body.as_bytes());
        assert_eq!(
            (problem.code, problem.params["retryAfterSeconds"].as_u64()),
            (Code::DeviceRevoked, Some(7))
        );
    }
}
