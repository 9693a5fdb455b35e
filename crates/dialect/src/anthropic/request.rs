//! A client's request, read in place: the body is checked and spliced, never rebuilt.
//!
//! Fields that are not named here pass through untouched, whatever they mean: a beta header and its
//! body field travel together, and only the provider knows all of them.
//!
//! One thing is taken out of a body that goes to Anthropic: thoughts of other providers, which the
//! client got with a mark of ours and sends back (see `carry`). Anthropic answers 400 to them.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::THINKING;
use super::blocks::Block;
use super::{carry, glance, read, session};
use crate::canonical::Conversation;
use crate::estimate::{self, MESSAGE_TOKENS};
use crate::fields::Fields;
use crate::glance::Glance;
use crate::json;
use crate::request::{ClientRequest, Echo, PathFacts, RequestError, RequestFacts, Splice};
use crate::splice;

/// A checked request, with the places where it may be spliced.
#[derive(Clone, Debug)]
pub struct AnthropicRequest {
    body: Bytes,
    facts: RequestFacts,
    model_span: Range<usize>,
    /// The model with its name and one comma, to leave it out.
    model_member: Range<usize>,
    /// Just after the opening brace: where members are added.
    insert_at: usize,
    /// The names of all members.
    names: Vec<String>,
    wants_thoughts: bool,
    /// Thoughts of other providers, to leave out.
    foreign_thoughts: Vec<Range<usize>>,
}

#[derive(Deserialize)]
struct ThinkingField<'a> {
    r#type: &'a str,
    #[serde(default)]
    display: Option<&'a str>,
}

/// A message, as far as thoughts are looked for.
#[derive(Deserialize)]
struct MessageField<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
}

/// Where the content of an image or document is, as far as it is counted.
#[derive(Deserialize)]
struct SourceField<'a> {
    r#type: &'a str,
    #[serde(default)]
    data: Option<&'a str>,
}

/// Fields beside the messages whose text the model reads.
const READ_FIELDS: [&str; 4] = ["system", "tools", "output_config", "output_format"];

impl AnthropicRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, has no model, messages or bound, or names a host.
    pub fn parse(_path: &PathFacts<'_>, body: Bytes) -> Result<Self, RequestError> {
        let request = Self::parse_count(body)?;
        match request.facts.output_bound {
            Some(_) => Ok(request),
            None => Err(RequestError::Missing("max_tokens")),
        }
    }

    /// Checks a body that need not bound its output.
    pub(super) fn parse_count(body: Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(&body)?;
        let (model, model_span) = fields.model()?;
        let messages = fields.required("messages")?;
        let facts = RequestFacts {
            model,
            is_streaming: fields.flag("stream")?,
            wants_usage: true,
            output_bound: bound(&fields)?,
            choices: 1,
            counted_input: counted_input(&fields, messages_of(messages.value)?),
            service_tier: fields.present("service_tier").and_then(|tier| serde_json::from_str(tier.value).ok()),
            session: session::session(&fields),
        };
        let model_member = fields.range_of(fields.required("model")?);
        let insert_at = fields.insert_at();
        let wants_thoughts = wants_thoughts(&fields)?;
        let text = std::str::from_utf8(&body).map_err(|_| RequestError::NotUtf8)?;
        let names = fields.names().map(str::to_owned).collect();
        let foreign_thoughts = foreign_thoughts(text, messages.value);
        Ok(Self { facts, model_span, model_member, insert_at, names, wants_thoughts, foreign_thoughts, body })
    }
}

impl ClientRequest for AnthropicRequest {
    fn facts(&self) -> &RequestFacts {
        &self.facts
    }

    fn splice(&self, splice: &Splice<'_>) -> Bytes {
        let mut edits: Vec<splice::Edit> =
            self.foreign_thoughts.iter().map(|range| (range.clone(), Vec::new())).collect();
        if !splice.model_is_in_body {
            edits.push((self.model_member.clone(), Vec::new()));
        } else if splice.upstream_model != self.facts.model {
            edits.push((self.model_span.clone(), splice::quoted(splice.upstream_model)));
        }
        let mut added = String::new();
        if let Some((field, tokens)) = splice.output_bound
            && self.facts.output_bound.is_none()
            && !self.has(field)
        {
            added.extend(["\"", field, "\":", &tokens.to_string(), ","]);
        }
        for (name, value) in splice.added.iter().filter(|(name, _)| !self.has(name)) {
            added.extend(["\"", name, "\":", value, ","]);
        }
        if !added.is_empty() {
            edits.push((self.insert_at..self.insert_at, added.into_bytes()));
        }
        splice::apply(&self.body, edits)
    }

    fn read(&self) -> Result<Conversation, RequestError> {
        read::conversation(&json::mended(&self.body))
    }

    fn echo(&self) -> Echo {
        let include = if self.wants_thoughts { vec![THINKING.to_owned()] } else { vec![] };
        Echo { wants_usage: true, include, ..Echo::default() }
    }

    fn glance(&self) -> Glance {
        // It was read as JSON before.
        std::str::from_utf8(&self.body).map(glance::glance).unwrap_or_default()
    }
}

impl AnthropicRequest {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

/// The output bound. Zero is allowed: it fills the prompt cache without an answer.
fn bound(fields: &Fields<'_>) -> Result<Option<u64>, RequestError> {
    let Some(member) = fields.present("max_tokens") else { return Ok(None) };
    let invalid = RequestError::Invalid { field: "max_tokens", problem: "must be a whole number, 0 or above" };
    member.value.parse().map(Some).map_err(|_| invalid)
}

fn messages_of(messages: &str) -> Result<&str, RequestError> {
    let invalid = |problem| RequestError::Invalid { field: "messages", problem };
    let inner = messages.strip_prefix('[').ok_or_else(|| invalid("must be an array"))?;
    if inner.trim_start() == "]" {
        return Err(invalid("must hold at least one message"));
    }
    Ok(messages)
}

/// Whether the client asked to see thoughts: with thinking off a client expects text first.
fn wants_thoughts(fields: &Fields<'_>) -> Result<bool, RequestError> {
    let Some(member) = fields.present("thinking") else { return Ok(false) };
    let invalid = RequestError::Invalid { field: "thinking", problem: "must be an object with a `type`" };
    let thinking: ThinkingField<'_> = serde_json::from_str(member.value).map_err(|_| invalid)?;
    Ok(thinking.r#type != "disabled" && thinking.display != Some("omitted"))
}

fn counted_input(fields: &Fields<'_>, messages: &str) -> u64 {
    let mut content = estimate::content(messages);
    let media = media(messages);
    content.text_bytes = content.text_bytes.saturating_sub(media.text_bytes);
    content.media = content.media.saturating_add(media.media);
    let count = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(messages).map_or(1, |all| all.len() as u64);
    for field in READ_FIELDS {
        let bytes = fields.present(field).map_or(0, |member| member.value.len() as u64);
        content.text_bytes = content.text_bytes.saturating_add(bytes);
    }
    content.tokens().saturating_add(count.saturating_mul(MESSAGE_TOKENS))
}

/// Images and documents that are not text, and how many bytes they have in base64. Only where
/// Anthropic reads them: in blocks of messages and of tool results, at these depths.
fn media(messages: &str) -> estimate::Content {
    let mut found = estimate::Content::default();
    let text = messages.as_bytes();
    json::walk(text, |key| {
        if !matches!((key.depth, key.name), (4 | 6, b"source")) {
            return;
        }
        let value = &text[key.value_start..json::value_end(text, key.value_start)];
        let Ok(source) = serde_json::from_slice::<SourceField<'_>>(value) else { return };
        match source.r#type {
            "base64" => {
                found.media += 1;
                found.text_bytes += source.data.map_or(0, str::len) as u64;
            }
            "url" | "file" => found.media += 1,
            _ => {}
        }
    });
    found
}

/// Where thoughts of other providers lie; a turn that would be left empty goes with them.
fn foreign_thoughts(text: &str, messages: &str) -> Vec<Range<usize>> {
    if memmem::find(messages.as_bytes(), carry::MARK.as_bytes()).is_none() {
        return vec![];
    }
    let Ok(messages) = serde_json::from_str::<Vec<&RawValue>>(messages) else { return vec![] };
    let mut ranges = vec![];
    let mut emptied = Vec::with_capacity(messages.len());
    for message in &messages {
        let blocks = blocks_of(message);
        let foreign: Vec<bool> = blocks.iter().map(|block| is_foreign_thought(block)).collect();
        let is_emptied = !foreign.is_empty() && foreign.iter().all(|foreign| *foreign);
        if !is_emptied {
            ranges.extend(cuts(text, &blocks, &foreign));
        }
        emptied.push(is_emptied);
    }
    ranges.extend(cuts(text, &messages, &emptied));
    ranges
}

/// The blocks of a message; none where its content is a text.
fn blocks_of<'a>(message: &'a RawValue) -> Vec<&'a RawValue> {
    let message = serde_json::from_str::<MessageField<'a>>(message.get());
    message.and_then(|message| serde_json::from_str(message.content.get())).unwrap_or_default()
}

fn is_foreign_thought(block: &RawValue) -> bool {
    let block: Block<'_> = serde_json::from_str(block.get()).unwrap_or_default();
    block.r#type == "thinking" && block.signature.is_some_and(|signature| signature.starts_with(carry::MARK))
}

/// The ranges to cut so that some elements of an array disappear with their commas.
fn cuts(text: &str, elements: &[&RawValue], gone: &[bool]) -> Vec<Range<usize>> {
    let start = |index: usize| elements[index].get().as_ptr().addr() - text.as_ptr().addr();
    let end = |index: usize| start(index) + elements[index].get().len();
    let mut ranges = vec![];
    let mut index = 0;
    while index < elements.len() {
        let run = gone[index..].iter().take_while(|gone| **gone).count();
        if run > 0 {
            let (next, last) = (index + run, index + run - 1);
            ranges.push(match index {
                _ if next < elements.len() => start(index)..start(next),
                0 => start(0)..end(last),
                _ => end(index - 1)..end(last),
            });
        }
        index += run.max(1);
    }
    ranges
}
