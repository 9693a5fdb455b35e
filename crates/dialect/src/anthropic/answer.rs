//! An answer that came whole: inspected when it is passed on as it is, read and written when it is
//! translated.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::blocks::{self, Block, Out};
use super::events::{self, Said};
use super::{error, usage};
use crate::answer::{AnswerError, AnswerFacts, id_base, told};
use crate::canonical::{Answer, Choice, Part, ToolCall};
use crate::request::Echo;

/// What a client that wants thoughts is known by in [`Echo::include`].
pub(super) const THINKING: &str = "thinking";

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<Vec<Block<'a>>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Cow<'a, str>>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Serialize)]
struct Written<'a> {
    id: String,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Out<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    usage: Value,
}

/// Inspects an answer that goes to the client as it is.
///
/// # Errors
/// When it is an error in disguise, or no message.
pub fn inspect(body: &[u8]) -> Result<AnswerFacts, AnswerError> {
    let message = message(body)?;
    let usage = message.usage.as_ref().and_then(usage::from_wire);
    let content = message.content.unwrap_or_default();
    let output_bytes = if usage.is_some() { 0 } else { content.iter().map(generated_bytes).sum() };
    Ok(AnswerFacts {
        usage,
        model: message.model.map(Cow::into_owned),
        id: message.id.map(Cow::into_owned),
        output_bytes,
    })
}

/// Reads an answer. Blocks of tools that the provider ran are left out: no other dialect has them.
///
/// # Errors
/// When it is an error in disguise, or no message.
pub fn read(body: &[u8]) -> Result<Answer, AnswerError> {
    let message = message(body)?;
    let finish = message.stop_reason.map(|reason| events::finish(&reason, message.stop_sequence));
    let parts = message.content.unwrap_or_default().into_iter().filter_map(Block::said).collect();
    let tier = message.usage.as_ref().and_then(|figures| figures["service_tier"].as_str()).map(str::to_owned);
    Ok(Answer {
        id: message.id.map(Cow::into_owned),
        model: message.model.map(Cow::into_owned),
        created: None,
        choices: vec![Choice { parts, finish, logprobs: None }],
        usage: message.usage.as_ref().and_then(usage::from_wire),
        service_tier: tier,
    })
}

/// Writes an answer: its first choice, for Anthropic has no more.
pub fn write(answer: Answer, echo: &Echo) -> Bytes {
    let choice = answer.choices.into_iter().next().unwrap_or_default();
    let said = Said {
        calls: choice.parts.iter().any(|part| matches!(part, Part::ToolCall(_))),
        refusal: choice.parts.iter().any(|part| matches!(part, Part::Refusal(_))),
    };
    let finish = choice.finish.as_ref();
    let written = Written {
        id: id(answer.id.as_deref(), echo),
        r#type: "message",
        role: "assistant",
        model: answer.model.as_deref().unwrap_or(&echo.model),
        content: content(&choice.parts, echo),
        stop_reason: events::stop_reason(finish, said),
        stop_sequence: events::stop_sequence(finish).filter(|_| !said.calls),
        usage: figures(answer.usage.unwrap_or_default(), answer.service_tier.as_deref()),
    };
    serde_json::to_vec(&written).expect("strings, numbers and checked JSON always serialise").into()
}

/// The id of a message: the provider's own behind the prefix that clients know messages by.
pub(super) fn id(own: Option<&str>, echo: &Echo) -> String {
    let own = own.map(id_base).filter(|own| !own.is_empty());
    format!("msg_{}", own.as_deref().unwrap_or(&echo.id))
}

/// The `usage` of an answer. An unreported figure is 0: the field is not optional.
pub(super) fn figures(usage: megarouter_domain::usage::Usage, service_tier: Option<&str>) -> Value {
    let mut figures = usage::to_wire(&usage);
    let tier = usage.service_tier.map(megarouter_domain::usage::ServiceTier::as_str).or(service_tier);
    if let Some(word) = tier.and_then(usage::tier_word) {
        figures["service_tier"] = word.into();
    }
    figures
}

fn message(body: &[u8]) -> Result<Message<'_>, AnswerError> {
    let message: Message<'_> = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    if message.error.as_ref().is_some_and(|error| !error.is_null()) {
        return Err(error::parse(body).map_or(AnswerError::Malformed, AnswerError::Upstream));
    }
    if message.content.is_none() { Err(AnswerError::Malformed) } else { Ok(message) }
}

fn generated_bytes(block: &Block<'_>) -> u64 {
    let texts = [&block.text, &block.thinking].into_iter().flatten().map(|text| text.len());
    let input = block.input.map_or(0, |input| input.get().len());
    (texts.sum::<usize>() + input) as u64
}

fn content<'a>(parts: &'a [Part], echo: &Echo) -> Vec<Out<'a>> {
    let wants_thoughts = echo.include.iter().any(|wanted| wanted == THINKING);
    let mut content = vec![];
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(said) if said.text.is_empty() => {}
            Part::Text(said) => content.push(Out::Text {
                text: said.text.as_str().into(),
                citations: said.citations.iter().filter(|citation| blocks::is_own_citation(citation)).collect(),
                cache_control: None,
            }),
            Part::Refusal(said) if said.is_empty() => {}
            Part::Refusal(said) => content.push(Out::text(said)),
            Part::Reasoning(thought) if thought.text.is_empty() && thought.signature.is_none() => {}
            Part::Reasoning(thought) if wants_thoughts => {
                content.push(blocks::thought(&thought.text, thought.signature.as_ref(), thought.id.as_deref()));
            }
            Part::ToolCall(call) => {
                content.extend(blocks::call_signature(call.signature.as_ref()).filter(|_| wants_thoughts));
                content.push(call_block(call, index, echo));
            }
            // The model of this dialect neither draws nor speaks.
            Part::Media(media) => {
                let text = told(media).into();
                content.push(Out::Text { text, citations: vec![], cache_control: None });
            }
            // Results come from clients.
            Part::Reasoning(_) | Part::ToolResult(_) => {}
        }
    }
    content
}

fn call_block<'a>(call: &'a ToolCall, index: usize, echo: &Echo) -> Out<'a> {
    let (input, _) = blocks::input(&call.arguments, call.kind);
    Out::ToolUse { id: call_id(&call.id, index, echo), name: &call.name, input, cache_control: None }
}

/// The id of a call; one of ours where the provider gave none.
pub(super) fn call_id<'a>(id: &'a str, index: usize, echo: &Echo) -> Cow<'a, str> {
    if id.is_empty() { format!("toolu_{}_{index}", echo.id).into() } else { id.into() }
}
