//! Reading a chat request as a conversation.
//!
//! What other providers of this dialect added to it is read too, each where it is handled; fields
//! that mean nothing here are listed in [`Conversation::unread`]. Sources: the OpenAI API reference,
//! "Create chat completion", and each provider's own, read 2026-11-22.

mod messages;
mod parts;
mod reasoning;
mod tools;

use serde_json::{Map, Value};

pub use self::parts::{Unread, answer_parts, details_text, read_parts};
use crate::canonical::{AudioRequest, Conversation, Format, Modality, Sampling};
use crate::fields::RequestError;

/// The members of a request that nobody has read yet.
pub struct Members(Map<String, Value>);

impl Members {
    /// Takes a member; none if it is null.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take).filter(|value| !value.is_null())
    }

    fn take_text(&mut self, name: &'static str) -> Result<Option<String>, RequestError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, "must be a string")),
        }
    }

    fn take_number(&mut self, name: &'static str) -> Result<Option<f64>, RequestError> {
        self.take(name).map(|value| value.as_f64().ok_or(invalid(name, "must be a number"))).transpose()
    }

    fn take_count(&mut self, name: &'static str) -> Result<Option<u64>, RequestError> {
        self.take(name).map(|value| count(&value).ok_or(invalid(name, "must be a whole number"))).transpose()
    }

    fn take_flag(&mut self, name: &'static str) -> Result<Option<bool>, RequestError> {
        self.take(name).map(|value| value.as_bool().ok_or(invalid(name, "must be true or false"))).transpose()
    }

    /// The names of what is left, but for what asks for nothing.
    fn rest(self) -> impl Iterator<Item = String> {
        let asks = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        self.0.into_iter().filter(move |(_, value)| asks(value)).map(|(name, _)| name)
    }
}

/// Reads a whole request.
///
/// # Errors
/// When a field that a translation cannot do without has a value that cannot be.
pub fn conversation(body: &[u8]) -> Result<Conversation, RequestError> {
    let members = serde_json::from_slice(body)
        .map_err(|cause| RequestError::Malformed { line: cause.line(), column: cause.column() })?;
    let mut members = Members(members);
    for consumed in ["model", "stream_options"] {
        members.take(consumed);
    }
    let mut unread = Unread::default();
    let (system, turns) = messages::read(members.take("messages").unwrap_or_default(), &mut unread)?;
    let (tools, tool_choice) = tools::read(&mut members)?;
    let conversation = Conversation {
        system,
        turns,
        tools,
        tool_choice,
        parallel_tool_calls: members.take_flag("parallel_tool_calls")?,
        format: format(&mut members)?,
        reasoning: reasoning::read(&mut members)?,
        sampling: sampling(&mut members)?,
        max_output_tokens: bound(&mut members)?,
        stop: stop(&mut members)?,
        choices: members.take_count("n")?.unwrap_or(1),
        logprobs: logprobs(&mut members)?,
        verbosity: members.take_text("verbosity")?,
        modalities: modalities(&mut members),
        audio: audio(&mut members),
        service_tier: members.take_text("service_tier")?,
        metadata: metadata(&mut members)?,
        end_user: end_user(&mut members)?,
        cache_key: members.take_text("prompt_cache_key")?,
        cache_retention: members.take_text("prompt_cache_retention")?,
        is_streaming: members.take_flag("stream")?.unwrap_or_default(),
        unread: vec![],
    };
    Ok(Conversation { unread: unread.into_names().chain(members.rest()).collect(), ..conversation })
}

fn bound(members: &mut Members) -> Result<Option<u64>, RequestError> {
    let current = members.take_count("max_completion_tokens")?;
    Ok(current.max(members.take_count("max_tokens")?))
}

fn sampling(members: &mut Members) -> Result<Sampling, RequestError> {
    let seed = members.take("seed").map(|seed| seed.as_i64().ok_or(invalid("seed", "must be a whole number")));
    Ok(Sampling {
        temperature: members.take_number("temperature")?,
        top_p: members.take_number("top_p")?,
        top_k: top_k(members),
        frequency_penalty: members.take_number("frequency_penalty")?,
        presence_penalty: members.take_number("presence_penalty")?,
        seed: seed.transpose()?,
        logit_bias: members.take("logit_bias").filter(|bias| bias.as_object().is_some_and(|bias| !bias.is_empty())),
    })
}

/// No field of OpenAI's, but of most servers of open models, some of which write -1 for "all".
fn top_k(members: &mut Members) -> Option<u64> {
    members.take("top_k")?.as_u64().filter(|limit| *limit > 0)
}

/// The probabilities of the chosen tokens, and perhaps of so many others.
fn logprobs(members: &mut Members) -> Result<Option<u64>, RequestError> {
    let others = members.take_count("top_logprobs")?;
    Ok(members.take_flag("logprobs")?.unwrap_or_default().then(|| others.unwrap_or_default()))
}

fn stop(members: &mut Members) -> Result<Vec<String>, RequestError> {
    let problem = invalid("stop", "must be a string or strings");
    match members.take("stop") {
        None => Ok(vec![]),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(texts)) => texts.into_iter().map(string).collect::<Option<_>>().ok_or(problem),
        Some(_) => Err(problem),
    }
}

fn format(members: &mut Members) -> Result<Format, RequestError> {
    let Some(mut format) = members.take("response_format") else { return Ok(Format::Text) };
    match format["type"].as_str() {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::JsonObject),
        Some("json_schema") => {
            let mut asked = take(&mut format, "json_schema");
            Ok(Format::JsonSchema {
                name: asked["name"].as_str().unwrap_or_default().to_owned(),
                description: string(take(&mut asked, "description")),
                schema: take(&mut asked, "schema"),
                is_strict: asked["strict"].as_bool(),
            })
        }
        _ => Err(invalid("response_format", "must have a `type` of `text`, `json_object` or `json_schema`")),
    }
}

fn modalities(members: &mut Members) -> Vec<Modality> {
    let wanted = members.take("modalities");
    let names = wanted.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    names
        .filter_map(|name| match name {
            "text" => Some(Modality::Text),
            "audio" => Some(Modality::Audio),
            "image" => Some(Modality::Image),
            _ => None,
        })
        .collect()
}

fn audio(members: &mut Members) -> Option<AudioRequest> {
    let mut audio = members.take("audio")?;
    // A voice of the caller's own is an object with an id.
    let voice = if audio["voice"].is_object() { take(&mut audio["voice"], "id") } else { take(&mut audio, "voice") };
    Some(AudioRequest { voice: string(voice), format: string(take(&mut audio, "format")) })
}

fn metadata(members: &mut Members) -> Result<Vec<(String, String)>, RequestError> {
    match members.take("metadata") {
        None => Ok(vec![]),
        Some(Value::Object(pairs)) => Ok(pairs.into_iter().map(|(name, value)| (name, as_text(value))).collect()),
        Some(_) => Err(invalid("metadata", "must be an object")),
    }
}

/// `safety_identifier` is what `user` was for (OpenAI API reference, read 2026-11-22).
fn end_user(members: &mut Members) -> Result<Option<String>, RequestError> {
    let user = members.take_text("user")?;
    Ok(members.take_text("safety_identifier")?.or(user))
}

/// A refusal of one field.
pub const fn invalid(field: &'static str, problem: &'static str) -> RequestError {
    RequestError::Invalid { field, problem }
}

/// Takes a member of what may be an object.
pub fn take(holder: &mut Value, name: &str) -> Value {
    holder.get_mut(name).map(Value::take).unwrap_or_default()
}

/// The text of a string.
pub fn string(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// A string's text, or anything else as JSON.
pub fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A whole number, also where it was written with a point (`16.0`).
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number))?;
        format!("{number:.0}").parse().ok()
    })
}

#[cfg(test)]
mod tests;
