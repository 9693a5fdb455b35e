//! `POST /session`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::{Context, SignInError};
use crate::error::ApiError;
use crate::extract::{Body, SecretText};

/// The token of a one-time link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// The text after `#signin=`.
    pub token: SecretText,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedSession {
    /// What later calls send as `Authorization: Bearer`.
    pub session_token: String,
}

/// Exchanges the token of a one-time link for a session.
#[utoipa::path(post, path = "/session", operation_id = "open_session", tag = "system", request_body = OpenSession,
    responses((status = 200, description = "The session", body = OpenedSession)))]
pub async fn open_session(
    State(context): State<Arc<Context>>,
    Body(request): Body<OpenSession>,
) -> Result<Json<OpenedSession>, ApiError> {
    let session = context.host.sign_in(&request.token.0).map_err(refused)?;
    Ok(Json(OpenedSession { session_token: session.expose().to_owned() }))
}

fn refused(error: SignInError) -> ApiError {
    match error {
        SignInError::NotServed => {
            let message = "This MegaRouter has no web page to sign in to. It is used in its own window. Start \
                           `megarouter-server serve` for a web page.";
            ApiError::new(StatusCode::NOT_FOUND, "session.not_served", message)
        }
        SignInError::Refused => {
            let message = "The link is not valid any more. You are not signed in. A link works once and for a short time: \
                           `megarouter-server signin-link` prints a new one.";
            ApiError::new(StatusCode::UNAUTHORIZED, "session.link_invalid", message).about("token")
        }
    }
}
