//! Every route on one page, each with its permission: what is not here does not exist.
//!
//! | route | who |
//! |---|---|
//! | `GET /api/v1/health` | anybody |
//! | `POST /api/v1/enrol` | whoever has a code |
//! | `POST /api/v1/auth/nonce`, `POST /api/v1/auth/token` | whoever has the device's key |
//! | `POST /api/v1/sync/push` | `Action::Push` |
//! | `GET /api/v1/sync/pull` | `Action::Pull` |
//! | `GET /api/v1/sync/snapshot/{sha256}/{n}` | `Action::Pull`, streams in scope only |
//! | `/api/v1/evidence…` | `Action::SendEvidence`, own follow-ups only |
//! | `/api/v1/relay…` | whoever carries what an enrolled device signed |
//! | `GET /api/v1/devices` | `Action::SeeDevices` |
//! | everything else | the public files, to anybody |

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::routing::{get, post, put};
use domain::evidence::CHUNK_BYTES;
use domain::problem::Code;
use domain::wire::MAX_COMPRESSED;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::endpoint::Endpoint;
use crate::http;
use crate::problem::Failure;

/// The whole service.
pub fn router(endpoint: Arc<Endpoint>) -> Router {
    let evidence = Router::new()
        .route("/", post(http::offer_evidence))
        .route("/{upload_id}", get(http::evidence_status))
        .route("/{upload_id}/{n}", put(http::put_chunk))
        .route("/{upload_id}/complete", post(http::complete_evidence))
        .layer(DefaultBodyLimit::max(CHUNK_BYTES + 1024));
    let relay = Router::new()
        .route("/", post(http::offer_relay))
        .route("/{upload_id}/{n}", put(http::put_relay_chunk))
        .route("/{upload_id}/complete", post(http::complete_relay))
        .layer(DefaultBodyLimit::max(CHUNK_BYTES + 1024));
    let api = Router::new()
        .route("/health", get(http::health))
        .route("/enrol", post(http::enrol))
        .route("/auth/nonce", post(http::nonce))
        .route("/auth/token", post(http::token))
        .route("/sync/push", post(http::push))
        .route("/sync/pull", get(http::pull))
        .route("/sync/snapshot/{sha256}/{n}", get(http::snapshot))
        .route("/devices", get(http::devices))
        .nest("/evidence", evidence)
        .nest("/relay", relay)
        .fallback(|| async { Failure::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { Failure::from(Code::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(MAX_COMPRESSED))
        .layer(axum::middleware::map_response(http::sealed))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ));
    Router::new()
        .nest("/api/v1", api)
        .fallback_service(public(&endpoint))
        .with_state(endpoint)
        .layer(CatchPanicLayer::custom(http::panicked))
}

/// The published files, as any web server would serve them: open to other sites, never sniffed, pages without scripts of others.
fn public(endpoint: &Endpoint) -> Router {
    Router::new()
        .fallback_service(ServeDir::new(endpoint.config.public()).append_index_html_on_directories(true))
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([axum::http::Method::GET, axum::http::Method::HEAD]),
        )
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ))
}

/// What a public page may load: nothing of anybody else's. Scripts are ours, files of the site: one searches the list, one
/// verifies a receipt; every page is whole without them.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
