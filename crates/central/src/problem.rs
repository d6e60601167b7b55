//! From errors to problems: the only place of this crate that classifies, and how a problem leaves as HTTP (RFC 9457).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::problem::{Code, Problem};
use serde_json::json;

use crate::store::StoreError;

/// A problem on its way out.
#[derive(Debug)]
pub struct Failure(pub Problem);

/// Result of a handler.
pub type Answer<T> = Result<T, Failure>;

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure(problem)
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Failure {
        Failure(Problem::new(code))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure(classify(&error))
    }
}

/// A database error is a 503 with nothing recorded; its detail stays in the log under a report id.
pub fn classify(error: &StoreError) -> Problem {
    let report = &domain::receipt::new_salt()[..8];
    tracing::error!(report, %error, "store");
    match error {
        StoreError::Corrupt(_) | StoreError::Bytes(_) => Problem::new(Code::Fault).with("reportId", report),
        StoreError::Database(_) | StoreError::File(_) | StoreError::Full | StoreError::ReadOnly => {
            Problem::new(Code::Unavailable).with("reportId", report)
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(problem) = self;
        let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({
            "type": format!("urn:avance-abierto:problem:{}", problem.code.as_str()),
            "title": problem.code.as_str(),
            "status": status.as_u16(),
            "code": problem.code,
            "params": problem.params,
            "retry": problem.retry,
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        if matches!(problem.code, Code::Unavailable | Code::TooManyRequests) {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}
