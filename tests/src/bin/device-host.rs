//! The client's commands over HTTP on loopback, with the page of `ui/dist`: the second host of the front end, for
//! browsers and tests. It is not part of the product: it has no door of its own against other programs of the machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use client::People;
use domain::clock::SystemClock;
use domain::problem::Problem;
use serde_json::Value;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Serves the client's commands and the page.
#[derive(Parser)]
struct Cli {
    /// Folder of the device.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the built page.
    #[arg(long)]
    ui: Option<PathBuf>,
    /// Address to listen on; the one in force is printed.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let people = People::open(&cli.data, Arc::new(SystemClock))?;
    if let Ok(passphrase) = std::env::var("AVANCE_PASSPHRASE") {
        people.unlock(Some(&passphrase))?;
    }
    people.start_background();
    // The policy of the window, as far as it applies to a page that speaks HTTP.
    let policy =
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'";
    let mut router = Router::new().route("/call/{name}", post(call)).route("/events", get(events));
    if let Some(ui) = cli.ui {
        router = router.fallback_service(ServeDir::new(ui));
    }
    let router = router
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy),
        ))
        .layer(axum::extract::DefaultBodyLimit::max(64 * 1024 * 1024))
        .with_state(people);
    let listener = tokio::net::TcpListener::bind(cli.listen).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn call(
    State(people): State<People>,
    Path(name): Path<String>,
    Json(payload): Json<Value>,
) -> Response {
    match people.call(&name, payload).await {
        Ok(value) => Json(value).into_response(),
        Err(problem) => refused(&problem),
    }
}

fn refused(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/problem+json")], serde_json::json!(problem).to_string())
        .into_response()
}

async fn events(
    State(people): State<People>,
) -> axum::response::Sse<impl Stream<Item = Result<Sse, Infallible>>> {
    let events = BroadcastStream::new(people.events()).filter_map(|event| {
        let event = event.ok()?;
        Some(Ok(Sse::default().data(serde_json::to_string(&event).ok()?)))
    });
    axum::response::Sse::new(events).keep_alive(KeepAlive::default())
}
