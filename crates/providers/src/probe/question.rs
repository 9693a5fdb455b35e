//! The smallest conversation of each dialect.

use megarouter_domain::dialect::Dialect;
use serde_json::{Map, Value, json};

use crate::catalog::Endpoint;

/// The most tokens to ask for: OpenAI's responses take no bound below 16
/// (developers.openai.com/api/reference, read 2026-11-22).
const FEW: u64 = 16;

/// A conversation that asks for a word or two.
pub(super) fn smallest(dialect: Dialect, endpoint: &Endpoint, model: &str, bound: &str) -> Vec<u8> {
    let message = json!([{"role": "user", "content": "Hi"}]);
    let mut body = match dialect {
        Dialect::OpenAiChat => json!({"messages": message, bound: FEW}),
        Dialect::OpenAiResponses => json!({"input": "Hi", "max_output_tokens": FEW, "store": false}),
        Dialect::Anthropic => json!({"messages": message, "max_tokens": FEW}),
        Dialect::Gemini => json!({
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "generationConfig": {"maxOutputTokens": FEW},
        }),
        Dialect::BedrockConverse => json!({
            "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
            "inferenceConfig": {"maxTokens": FEW},
        }),
    };
    if let Some(members) = body.as_object_mut() {
        complete(members, endpoint, model);
    }
    body.to_string().into_bytes()
}

fn complete(members: &mut Map<String, Value>, endpoint: &Endpoint, model: &str) {
    if endpoint.model_is_in_body {
        members.insert("model".to_owned(), model.into());
    }
    for (name, value) in endpoint.added {
        members.insert((*name).to_owned(), serde_json::from_str(value).unwrap_or_default());
    }
}
