//! `POST /playground/chat`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
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

/// Sends a conversation through the proxy with the built-in playground key.
///
/// The answer is the proxy's own: OpenAI chunks, then `[DONE]`, errors in OpenAI's shape, and the
/// request's id in `x-request-id`.
#[utoipa::path(post, path = "/playground/chat", operation_id = "chat_in_playground", tag = "playground",
    request_body = PlaygroundChat,
    responses((status = 200, description = "The answer as it comes", body = String, content_type = "text/event-stream")))]
pub async fn chat_in_playground(
    State(_context): State<Arc<Context>>,
    Body(_request): Body<PlaygroundChat>,
) -> Result<Response, ApiError> {
    unimplemented!()
}
