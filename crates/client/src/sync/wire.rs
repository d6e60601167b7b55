//! One request and its answer, as bytes: what stands between this equipment and the endpoint. [`Http`] is the real one;
//! a simulation passes in its own, and everything that is judged ([`super::transport`]) is judged above both.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url, redirect};

use super::transport::is_loopback;
use crate::error::Error;

/// A connection must be there within this time.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest time without a byte moving in either direction.
const STALL: Duration = Duration::from_secs(20);
/// Fewest bytes of an answer in that time, if it is not at its end: less than the slowest line carries.
const LEAST: usize = 1024;
/// Largest answer as it travels.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// Bytes of a body handed over at a time; each one moving is progress.
const SLICE: usize = 16 * 1024;

/// A request on its way out.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method.
    pub method: Method,
    /// Address.
    pub url: Url,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, whole.
    pub body: Vec<u8>,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nothing listens there.
    Refused(String),
    /// The connection could not be made, or broke.
    Lost(String),
    /// Nothing moved for that long.
    Stalled(Duration),
    /// More came than any answer of the endpoint has.
    TooLong,
}

/// The answer that is waited for.
pub type Exchange<'w> = Pin<Box<dyn Future<Output = Result<Answered, Broken>> + Send + 'w>>;

/// Carries one request and brings its answer.
pub trait Wire: Send + Sync + 'static {
    /// Sends a request and waits for the whole answer.
    fn exchange(&self, asked: Asked) -> Exchange<'_>;
}

/// HTTP, with the system's proxy and certificates.
pub(crate) struct Http {
    http: reqwest::Client,
    pub(crate) stall: Duration,
}

impl Http {
    /// Prepares a client for one address.
    pub(crate) fn new(base: &Url) -> Result<Http, Error> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            // A login page redirects; the endpoint never does, and a token must not follow a redirect.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("avance-device/", env!("CARGO_PKG_VERSION")));
        if is_loopback(base) {
            // What talks to this very machine has no business with a proxy.
            builder = builder.no_proxy();
        }
        if base.scheme() == "http" {
            // No TLS, so a system without certificates is no obstacle.
            builder = builder.tls_certs_only([]);
        }
        Ok(Http { http: builder.build()?, stall: stall() })
    }

    /// Waits for an answer as long as bytes of the request move. A total time would cut a slow upload that is doing
    /// fine; no time at all would wait for ever on a half-open connection.
    async fn unless_stalled(
        &self,
        moved: &AtomicU64,
        sending: impl Future<Output = reqwest::Result<Response>>,
    ) -> Result<Response, Broken> {
        tokio::pin!(sending);
        let mut before = moved.load(Ordering::Relaxed);
        loop {
            match tokio::time::timeout(self.stall, &mut sending).await {
                Ok(answer) => return answer.map_err(|error| broken(&error)),
                Err(_) => {
                    let now = moved.load(Ordering::Relaxed);
                    if now == before {
                        return Err(Broken::Stalled(self.stall));
                    }
                    before = now;
                }
            }
        }
    }

    async fn read(&self, mut response: Response) -> Result<Answered, Broken> {
        let mut body = Vec::new();
        let (mut since, mut came) = (tokio::time::Instant::now(), 0);
        loop {
            let next = tokio::time::timeout(self.stall, response.chunk()).await;
            let next = next.map_err(|_| Broken::Stalled(self.stall))?;
            if since.elapsed() > self.stall {
                // An answer that comes in drops would hold the queue for hours without ever standing still.
                if body.len() < came + LEAST {
                    return Err(Broken::Stalled(self.stall));
                }
                (since, came) = (tokio::time::Instant::now(), body.len());
            }
            match next.map_err(|error| broken(&error))? {
                Some(piece) if body.len() + piece.len() > MAX_ANSWER => return Err(Broken::TooLong),
                Some(piece) => body.extend_from_slice(&piece),
                None => break,
            }
        }
        Ok(Answered { status: response.status(), headers: response.headers().clone(), body })
    }
}

impl Wire for Http {
    fn exchange(&self, asked: Asked) -> Exchange<'_> {
        Box::pin(async move {
            let moved = Arc::new(AtomicU64::new(0));
            let request = self.http.request(asked.method, asked.url).headers(asked.headers);
            let request = if asked.body.is_empty() { request } else { flowing(request, asked.body, &moved) };
            let response = self.unless_stalled(&moved, request.send()).await?;
            self.read(response).await
        })
    }
}

/// [`STALL`]; in builds with debug assertions `AVANCE_STALL_MS` shortens it, so that a journey need not wait.
fn stall() -> Duration {
    #[cfg(debug_assertions)]
    if let Some(ms) = std::env::var("AVANCE_STALL_MS").ok().and_then(|text| text.parse().ok()) {
        return Duration::from_millis(ms);
    }
    STALL
}

fn broken(error: &reqwest::Error) -> Broken {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let refused = cause
        .downcast_ref::<std::io::Error>()
        .is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
    if refused { Broken::Refused(cause.to_string()) } else { Broken::Lost(cause.to_string()) }
}

/// A body handed over in slices, so that it can be seen to move.
fn flowing(request: RequestBuilder, bytes: Vec<u8>, moved: &Arc<AtomicU64>) -> RequestBuilder {
    let length = bytes.len();
    let moved = Arc::clone(moved);
    let slices = stream::iter((0..length).step_by(SLICE).map(move |start| {
        let slice = bytes.get(start..(start + SLICE).min(length)).unwrap_or_default().to_vec();
        moved.fetch_add(slice.len() as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(slice)
    }));
    request.header(CONTENT_LENGTH, length).body(Body::wrap_stream(slices))
}
