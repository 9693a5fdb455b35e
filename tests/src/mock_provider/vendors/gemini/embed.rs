//! Embeddings, one and many.

use serde_json::{Map, Value, json};

use super::fields::{member, only, text};
use crate::mock_provider::answer::{Answer, vector, whole};
use crate::mock_provider::vendors::check::{Checked, Illegal, ensure};
use crate::mock_provider::vendors::directive::Directive;

/// `embedContent`.
pub(super) fn one(body: &Map<String, Value>) -> Checked<(Directive, Answer)> {
    let embedding = json!({"embedding": {"values": values(body)?}});
    Ok((Directive::default(), whole(200, &embedding, None)))
}

/// `batchEmbedContents`.
pub(super) fn batch(body: &Map<String, Value>) -> Checked<(Directive, Answer)> {
    only(body, &["requests", "model"], "")?;
    let requests = member(body, "requests").and_then(Value::as_array).cloned().unwrap_or_default();
    ensure(!requests.is_empty(), || {
        "* BatchEmbedContentsRequest.requests: at least one request is required".to_owned()
    })?;
    let embeddings = requests
        .iter()
        .map(|request| {
            let request = request.as_object().ok_or_else(|| Illegal::new("Invalid value at 'requests'"))?;
            let named = member(request, "model").and_then(Value::as_str).unwrap_or_default();
            ensure(named.starts_with("models/"), || {
                "* BatchEmbedContentsRequest.requests[0].model: unexpected model name format".to_owned()
            })?;
            Ok(json!({"values": values(request)?}))
        })
        .collect::<Checked<Vec<Value>>>()?;
    Ok((Directive::default(), whole(200, &json!({"embeddings": embeddings}), None)))
}

fn values(request: &Map<String, Value>) -> Checked<Value> {
    only(request, &["model", "content", "taskType", "title", "outputDimensionality", "autoTruncate"], "")?;
    let content = member(request, "content")
        .ok_or_else(|| Illegal::new("* EmbedContentRequest.content: contents is not specified"))?;
    let parts = super::fields::get(content, "parts").and_then(Value::as_array).cloned().unwrap_or_default();
    let joined: String = parts.iter().map(|part| text(part, "text")).collect();
    ensure(!joined.is_empty(), || "* EmbedContentRequest.content: contents is not specified".to_owned())?;
    Ok(vector(&joined, false))
}
