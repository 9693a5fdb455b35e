//! Embeddings: `embedContent` and `batchEmbedContents` (ai.google.dev/api/embeddings, read
//! 2026-11-22), and their translation from and to OpenAI's.
//!
//! [`EmbedRequest`] is what a client of Google's sends; [`openai::Batch`] is what a client of OpenAI's
//! sends, for a provider of Google's.

pub mod openai;
mod vectors;

use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use self::vectors::Vector;
use super::request::{bare, field, model};
use super::wire::{count, list, member, owned, text};
use super::{error, usage};
use crate::answer::{AnswerError, AnswerFacts};
use crate::estimate;
use crate::fields::{Fields, RequestError};
use crate::losses::Losses;
use crate::request::PathFacts;
use crate::splice::{self, Edit};

/// A checked request for embeddings.
#[derive(Clone, Debug)]
pub struct EmbedRequest {
    body: Bytes,
    model: String,
    /// Whether it is `batchEmbedContents`, whose answer is a list.
    is_batch: bool,
    /// Where the body names the model too: Google wants it in each request of a batch.
    model_spans: Vec<Range<usize>>,
    counted_input: u64,
}

/// OpenAI's request.
#[derive(Serialize)]
struct OpenAiRequest<'a> {
    model: &'a str,
    input: Vec<String>,
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u64>,
}

/// One embedding on Google's wire.
#[derive(Serialize)]
struct Embedding {
    values: Vector,
}

impl EmbedRequest {
    /// Checks a body of `batchEmbedContents` if `is_batch`, else of `embedContent`.
    ///
    /// # Errors
    /// When it is no JSON object, names no model in path or body, or has nothing to embed.
    pub fn parse(path: &PathFacts<'_>, is_batch: bool, body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let named = field(&fields, "model")?;
        let mut model_spans: Vec<Range<usize>> = named.iter().map(|named| named.span.clone()).collect();
        let mut first = None;
        let content = if is_batch {
            let requests = field(&fields, "requests")?.filter(|requests| requests.value != "null");
            let requests = requests.ok_or(RequestError::Missing("requests"))?;
            for (start, request) in items(requests.value)? {
                let inner = Fields::read(request.as_bytes())?;
                field(&inner, "content")?.ok_or(RequestError::Missing("requests[].content"))?;
                if let Some(named) = field(&inner, "model")? {
                    let start = requests.span.start + start;
                    model_spans.push(start + named.span.start..start + named.span.end);
                    first = first.or(serde_json::from_str::<String>(named.value).ok());
                }
            }
            requests.value
        } else {
            field(&fields, "content")?.ok_or(RequestError::Missing("content"))?.value
        };
        let facts = PathFacts { model: path.model.or(first.as_deref()), ..*path };
        Ok(Self {
            model: model(&facts, named)?,
            counted_input: estimate::content(content).tokens(),
            is_batch,
            model_spans,
            body,
        })
    }

    /// The model as the client named it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Input tokens, estimated from the text.
    pub const fn counted_input(&self) -> u64 {
        self.counted_input
    }

    /// The body for a provider of the same dialect: the client's, but for the model's name.
    pub fn splice(&self, upstream_model: &str) -> Bytes {
        let edits: Vec<Edit> = self
            .model_spans
            .iter()
            .filter(|span| {
                let named: Option<String> = serde_json::from_slice(&self.body[(*span).clone()]).ok();
                named.is_none_or(|named| bare(&named) != upstream_model)
            })
            .map(|span| (span.clone(), splice::quoted(&format!("models/{upstream_model}"))))
            .collect();
        splice::apply(&self.body, edits)
    }

    /// Whether it asks for several at once.
    pub const fn is_batch(&self) -> bool {
        self.is_batch
    }

    /// A single request as a batch of one, for a provider of the same dialect.
    pub fn splice_batch(&self, upstream_model: &str) -> Bytes {
        let body = self.splice(upstream_model);
        let body = body.trim_ascii_start();
        let mut batch = Vec::with_capacity(body.len() + upstream_model.len() + 40);
        batch.extend_from_slice(br#"{"requests":[{"#);
        // Google wants the model in each request of a batch.
        if self.model_spans.is_empty() {
            batch.extend_from_slice(br#""model":"#);
            batch.extend_from_slice(&splice::quoted(&format!("models/{upstream_model}")));
            batch.push(b',');
        }
        batch.extend_from_slice(body.strip_prefix(b"{").unwrap_or(body));
        batch.extend_from_slice(b"]}");
        batch.into()
    }

    /// The body for a provider of OpenAI's dialect. OpenAI has one size for a whole batch: the first
    /// that is named.
    ///
    /// # Errors
    /// When there is something to embed that is no text.
    pub fn write_openai(&self, upstream_model: &str, losses: &mut Losses) -> Result<Bytes, RequestError> {
        let body: Value = serde_json::from_slice(&self.body)
            .map_err(|cause| RequestError::Malformed { line: cause.line(), column: cause.column() })?;
        let requests = if self.is_batch { list(&body, "requests") } else { std::slice::from_ref(&body) };
        let mut input = vec![];
        let mut dimensions = None;
        for request in requests {
            input.push(said(request)?);
            let own = size(request);
            if !input.is_empty() && dimensions.is_some() && own != dimensions {
                losses.approximated("outputDimensionality");
            }
            dimensions = dimensions.or(own);
            for name in ["taskType", "title"] {
                if setting(request, name).is_some() {
                    losses.unsupported(name);
                }
            }
        }
        let written = OpenAiRequest { model: upstream_model, input, encoding_format: "float", dimensions };
        Ok(serde_json::to_vec(&written).expect("texts and numbers always serialise").into())
    }

    /// The answer for the client from one of OpenAI's.
    ///
    /// # Errors
    /// When that is an error in disguise, or no list of embeddings.
    pub fn read_openai(&self, answer: &[u8]) -> Result<Bytes, AnswerError> {
        let mut embeddings: Vec<Embedding> =
            vectors::of_openai(answer)?.into_iter().map(|values| Embedding { values }).collect();
        let written = if self.is_batch {
            serde_json::to_vec(&json_of("embeddings", &embeddings))
        } else {
            let first = embeddings.drain(..).next().ok_or(AnswerError::Malformed)?;
            serde_json::to_vec(&json_of("embedding", &first))
        };
        Ok(written.expect("numbers always serialise").into())
    }
}

/// Reads what an answer of Google's says about itself; the answer itself goes to the client as it is.
///
/// # Errors
/// When it is an error in disguise, or holds no embeddings.
pub fn inspect(body: &[u8]) -> Result<AnswerFacts, AnswerError> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    if let Some(said) = error::from_value(&answer) {
        return Err(AnswerError::Upstream(said));
    }
    if member(&answer, "embedding").is_none() && member(&answer, "embeddings").is_none() {
        return Err(AnswerError::Malformed);
    }
    let usage = member(&answer, "usageMetadata").and_then(usage::from_wire);
    Ok(AnswerFacts { usage, model: owned(&answer, "modelVersion"), ..AnswerFacts::default() })
}

fn json_of<'a, T: Serialize>(name: &'static str, value: &'a T) -> std::collections::BTreeMap<&'static str, &'a T> {
    std::collections::BTreeMap::from([(name, value)])
}

/// The elements of an array, and where in it they begin.
fn items(array: &str) -> Result<Vec<(usize, &str)>, RequestError> {
    let invalid = |problem| RequestError::Invalid { field: "requests", problem };
    let items: Vec<&serde_json::value::RawValue> =
        serde_json::from_str(array).map_err(|_| invalid("must be an array"))?;
    if items.is_empty() {
        return Err(invalid("must not be empty"));
    }
    Ok(items.into_iter().map(|item| (item.get().as_ptr().addr() - array.as_ptr().addr(), item.get())).collect())
}

/// The text of one request.
fn said(request: &Value) -> Result<String, RequestError> {
    let refused = || RequestError::Invalid { field: "content", problem: "must hold text alone for this model" };
    let content = member(request, "content").ok_or(RequestError::Missing("content"))?;
    if let Some(text) = content.as_str() {
        return Ok(text.to_owned());
    }
    let texts: Option<Vec<&str>> = list(content, "parts").iter().map(|part| text(part, "text")).collect();
    texts.map(|texts| texts.join("\n")).filter(|text| !text.is_empty()).ok_or_else(refused)
}

/// A setting, which newer clients put into a configuration.
fn setting<'a>(request: &'a Value, camel: &str) -> Option<&'a Value> {
    let config = ["embedContentConfig", "config"].into_iter().find_map(|name| member(request, name));
    member(request, camel).or_else(|| member(config?, camel))
}

fn size(request: &Value) -> Option<u64> {
    setting(request, "outputDimensionality").and_then(|size| count(&json!({"size": size}), "size"))
}

#[cfg(test)]
mod tests;
