//! `POST /playground/chat`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::Full;
use megarouter_domain::access::Principal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;

/// A conversation to continue.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaygroundChat {
    /// The public model, an alias, or `provider/model`.
    pub model: String,
    /// The conversation so far.
    #[schema(min_items = 1)]
    pub messages: Vec<ChatMessage>,
    /// How freely to choose words.
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    /// The most tokens the answer may have.
    #[schema(minimum = 1)]
    pub max_tokens: Option<u64>,
}

/// One message of a conversation.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    /// Who says it.
    pub role: ChatRole,
    /// What is said.
    pub content: String,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChatRole {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// The request that an app would send.
#[derive(Serialize)]
struct ChatCompletion<'a> {
    model: &'a str,
    messages: &'a [ChatMessage],
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
}

/// Sends a conversation through the proxy with the built-in playground key.
///
/// The answer is the proxy's own: OpenAI chunks, then `[DONE]`, errors in OpenAI's shape, and the
/// request's id in `x-request-id`.
#[utoipa::path(post, path = "/playground/chat", operation_id = "chat_in_playground", tag = "playground",
    request_body = PlaygroundChat,
    responses((status = 200, description = "The answer as it comes", body = String, content_type = "text/event-stream")))]
pub async fn chat_in_playground(
    State(context): State<Arc<Context>>,
    Body(request): Body<PlaygroundChat>,
) -> Result<Response, ApiError> {
    let everything = context.everything().await?;
    let snapshot = context.gateway.snapshot();
    let key = snapshot.key(everything.playground_key).map(Arc::clone).ok_or_else(no_key)?;
    let answer = context.gateway.serve_as(Principal { key }, chat_request(&request)?).await;
    Ok(answer.map(axum::body::Body::new))
}

fn chat_request(chat: &PlaygroundChat) -> Result<Request<Full<Bytes>>, ApiError> {
    let PlaygroundChat { model, messages, temperature, max_tokens } = chat;
    let (temperature, max_tokens) = (*temperature, *max_tokens);
    let body = serde_json::to_vec(&ChatCompletion { model, messages, stream: true, temperature, max_tokens });
    let request = Request::post("/v1/chat/completions")
        .header(CONTENT_TYPE, "application/json")
        .header("user-agent", "MegaRouter playground");
    let body = body.map_err(|_| not_sent())?;
    request.body(Full::new(body.into())).map_err(|_| not_sent())
}

fn not_sent() -> ApiError {
    let message =
        "The conversation could not be written as a request. Nothing was sent. Change the text and try again.";
    ApiError::invalid("request.invalid", message).about("messages")
}

fn no_key() -> ApiError {
    let message = "The playground's own key is not in force. Nothing was sent. Restart MegaRouter.";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "settings.unavailable", message)
}
