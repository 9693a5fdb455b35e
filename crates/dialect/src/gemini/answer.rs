//! Answers that came whole: `GenerateContentResponse` (ai.google.dev/api/generate-content, read
//! 2026-11-22).

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::wire::{count, keyword, list, member, owned, text};
use super::{error, finish, logprobs, part, usage};
use crate::answer::{AnswerError, AnswerFacts};
use crate::canonical::{Answer, Choice, Finish, Part, Text};
use crate::request::Echo;
use megarouter_domain::usage::{ServiceTier, Usage};

/// Reads what an answer says about itself.
///
/// # Errors
/// When it is an error in disguise, or no answer.
pub fn inspect(body: &[u8]) -> Result<AnswerFacts, AnswerError> {
    let answer = parse(body)?;
    let usage = figures(&answer);
    let output_bytes = if usage.is_some() { 0 } else { generated_bytes(&answer) };
    Ok(AnswerFacts { usage, model: owned(&answer, "modelVersion"), id: owned(&answer, "responseId"), output_bytes })
}

/// Reads an answer.
///
/// # Errors
/// When it is an error in disguise, or no answer.
pub fn read(body: &[u8]) -> Result<Answer, AnswerError> {
    let answer = parse(body)?;
    let mut ids = CallIds::of(text(&answer, "responseId"), body);
    let mut choices = vec![];
    for candidate in list(&answer, "candidates") {
        let index = usize::try_from(count(candidate, "index").unwrap_or(choices.len() as u64)).unwrap_or(choices.len());
        if choices.len() <= index {
            choices.resize_with((index + 1).min(choices.len() + list(&answer, "candidates").len()), Choice::default);
        }
        if let Some(choice) = choices.get_mut(index) {
            *choice = read_choice(candidate, &mut ids);
        }
    }
    if choices.is_empty() && is_blocked(&answer) {
        choices.push(Choice { finish: Some(Finish::ContentFilter), ..Choice::default() });
    }
    Ok(Answer {
        id: owned(&answer, "responseId"),
        model: owned(&answer, "modelVersion"),
        created: None,
        choices,
        usage: figures(&answer),
        service_tier: tier(&answer),
    })
}

/// Writes an answer.
pub fn write(answer: Answer, echo: &Echo) -> Bytes {
    let candidates: Vec<Value> =
        answer.choices.into_iter().enumerate().map(|(index, choice)| write_choice(index, choice)).collect();
    let mut body = Map::new();
    body.insert("candidates".to_owned(), candidates.into());
    if let Some(usage) = answer.usage {
        body.insert("usageMetadata".to_owned(), write_figures(&usage, answer.service_tier.as_deref()));
    }
    body.insert("modelVersion".to_owned(), answer.model.unwrap_or_else(|| echo.model.clone()).into());
    body.insert("responseId".to_owned(), answer.id.unwrap_or_else(|| echo.id.clone()).into());
    Value::Object(body).to_string().into()
}

/// Whether Google refused to answer the prompt: no candidates then, but a reason.
pub(super) fn is_blocked(answer: &Value) -> bool {
    member(answer, "promptFeedback").is_some_and(|feedback| member(feedback, "blockReason").is_some())
}

/// The figures of an answer, searches among them.
pub(super) fn figures(answer: &Value) -> Option<Usage> {
    let usage = member(answer, "usageMetadata").and_then(usage::from_wire);
    let searches = usage::searches(answer);
    usage.map(|usage| Usage { searches, ..usage })
}

/// The figures as they are written, with the class of service where one is known.
pub(super) fn write_figures(usage: &Usage, service_tier: Option<&str>) -> Value {
    let mut figures = usage::to_wire(usage);
    let tier = usage.service_tier.map(ServiceTier::as_str).or(service_tier);
    if let Some(word) = tier.and_then(usage::tier_word) {
        figures["serviceTier"] = word.into();
    }
    figures
}

/// The class of service given, where the answer names one.
pub(super) fn tier(answer: &Value) -> Option<String> {
    member(answer, "usageMetadata").and_then(|usage| owned(usage, "serviceTier")).map(|tier| tier.to_ascii_lowercase())
}

/// Where an answer's text came from: Google's grounding and the passages it recites, each kept under
/// its name on the wire.
pub(super) fn citations(candidate: &Value) -> Vec<Value> {
    ["groundingMetadata", "citationMetadata", "urlContextMetadata"]
        .into_iter()
        .filter_map(|name| member(candidate, name).map(|found| json!({name: found})))
        .collect()
}

/// Puts citations back under their names. Those of other dialects that name a page become chunks of
/// `groundingMetadata`.
pub(super) fn write_citations(citations: Vec<Value>, candidate: &mut Map<String, Value>) {
    let mut chunks = vec![];
    for citation in citations {
        match &citation {
            Value::Object(own) if own.len() == 1 && own.keys().all(|name| name.ends_with("Metadata")) => {
                candidate.extend(own.clone());
            }
            other => chunks.extend(web_chunk(other)),
        }
    }
    if !chunks.is_empty() {
        candidate.entry("groundingMetadata").or_insert_with(|| json!({"groundingChunks": chunks}));
    }
}

fn web_chunk(citation: &Value) -> Option<Value> {
    let page = member(citation, "urlCitation").unwrap_or(citation);
    let mut web = Map::from_iter([("uri".to_owned(), text(page, "url")?.into())]);
    if let Some(title) = text(page, "title") {
        web.insert("title".to_owned(), title.into());
    }
    Some(json!({"web": web}))
}

/// Ids for the calls of one answer, for Google gives none. They differ from those of other answers,
/// because a client keeps them all in one conversation, and are legal in every dialect.
#[derive(Debug)]
pub(super) struct CallIds {
    answer: String,
    made: usize,
}

impl CallIds {
    /// From the answer's id, or where it has none from its content.
    pub fn of(id: Option<&str>, content: &[u8]) -> Self {
        let is_legal = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        let answer: String = id.unwrap_or_default().chars().filter(is_legal).take(28).collect();
        if !answer.is_empty() {
            return Self { answer, made: 0 };
        }
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Self { answer: format!("{:016x}", hasher.finish()), made: 0 }
    }

    /// The next id.
    pub fn next(&mut self) -> String {
        let id = format!("call_{}_{}", self.answer, self.made);
        self.made += 1;
        id
    }
}

fn parse(body: &[u8]) -> Result<Value, AnswerError> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    if let Some(said) = error::from_value(&answer) {
        return Err(AnswerError::Upstream(said));
    }
    // Every field may be missing, but not all that make it an answer.
    let is_answer = member(&answer, "candidates").is_some_and(Value::is_array) || is_blocked(&answer);
    let is_empty = member(&answer, "candidates").is_none() && member(&answer, "usageMetadata").is_some();
    if is_answer || is_empty { Ok(answer) } else { Err(AnswerError::Malformed) }
}

fn read_choice(candidate: &Value, ids: &mut CallIds) -> Choice {
    let mut parts: Vec<Part> = member(candidate, "content")
        .map(|content| list(content, "parts").iter().filter_map(part::read).collect())
        .unwrap_or_default();
    for part in &mut parts {
        if let Part::ToolCall(call) = part
            && call.id.is_empty()
        {
            call.id = ids.next();
        }
    }
    let cited = citations(candidate);
    if !cited.is_empty() {
        match parts.iter_mut().rev().find_map(|part| if let Part::Text(text) = part { Some(text) } else { None }) {
            Some(text) => text.citations = cited,
            None => parts.push(Part::Text(Text { citations: cited, ..Text::default() })),
        }
    }
    let has_calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    Choice {
        finish: keyword(candidate, "finishReason").map(|reason| finish::read(&reason, has_calls)),
        logprobs: member(candidate, "logprobsResult").and_then(logprobs::read),
        parts,
    }
}

fn write_choice(index: usize, choice: Choice) -> Value {
    let mut candidate = Map::new();
    let mut parts = vec![];
    let mut cited = vec![];
    for part in choice.parts {
        match part {
            Part::Text(text) => {
                cited.extend(text.citations);
                let signature = part::own_signature(text.signature.as_ref());
                if !text.text.is_empty() || signature.is_some() {
                    parts.push(part::write_text(&text.text, signature));
                }
            }
            Part::Refusal(text) => parts.push(part::write_text(&text, None)),
            Part::Reasoning(thought) => {
                let signature = part::own_signature(thought.signature.as_ref());
                if !thought.text.is_empty() || signature.is_some() {
                    parts.push(part::write_thought(&thought.text, signature));
                }
            }
            Part::ToolCall(call) => parts.push(part::write_call(&call, part::own_signature(call.signature.as_ref()))),
            Part::Media(media) => parts.extend(part::write_media(&media)),
            // An answer holds none.
            Part::ToolResult(_) => {}
        }
    }
    if parts.is_empty() {
        // The SDKs drop a whole turn from their history where a content has no parts.
        parts.push(part::write_text("", None));
    }
    candidate.insert("content".to_owned(), json!({"parts": parts, "role": "model"}));
    let reason = choice.finish.as_ref().map_or("STOP", finish::write);
    candidate.insert("finishReason".to_owned(), reason.into());
    candidate.insert("index".to_owned(), index.into());
    write_citations(cited, &mut candidate);
    if let Some(logprobs) = choice.logprobs.as_ref().and_then(logprobs::write) {
        candidate.insert("logprobsResult".to_owned(), logprobs);
    }
    candidate.into()
}

fn generated_bytes(answer: &Value) -> u64 {
    let contents = list(answer, "candidates").iter().filter_map(|candidate| member(candidate, "content"));
    let parts = contents.flat_map(|content| list(content, "parts"));
    parts
        .map(|part| match part::read(part) {
            Some(Part::Text(text)) => text.text.len(),
            Some(Part::Reasoning(thought)) => thought.text.len(),
            Some(Part::ToolCall(call)) => call.name.len() + call.arguments.len(),
            _ => 0,
        })
        .map(|bytes| bytes as u64)
        .sum()
}

#[cfg(test)]
mod tests;
