//! What a refused call is answered with.
//!
//! A message says what happened, what it means and what to do; programs match on the code, and a
//! form finds its field by `field`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// A stable code, e.g. `provider.name_taken`.
    pub code: String,
    /// What happened, what it means and what to do, for a person.
    pub message: String,
    /// The field of the request that is to blame, when one is.
    pub field: Option<String>,
}

/// A refusal, on its way to becoming a response.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// What happened, what it means and what to do.
    pub message: String,
    /// The field to blame.
    pub field: Option<String>,
}

impl ApiError {
    /// A refusal with a status, a code and a message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None }
    }

    /// The same refusal, blaming a field.
    #[must_use]
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = ErrorDetail { code: self.code.to_owned(), message: self.message, field: self.field };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}
