//! Writing a conversation as a chat request.
//!
//! What is written is legal for OpenAI and plain enough for the servers that speak its dialect: one
//! system message, texts as strings, results of tools just after their calls, no field that a server
//! would refuse because it does not know it. Fields that only OpenAI itself takes are written where
//! the target knows its `developer` role. Sources: the OpenAI API reference, "Create chat
//! completion", read 2026-11-22.

mod ids;
mod media;
mod messages;
mod tools;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::canonical::{Conversation, Effort, Format, Modality, ReasoningRequest, Sampling};
use crate::losses::Losses;
use crate::request::{Target, Thinking};

pub(crate) use self::ids::Pending;
pub(crate) use self::media::answer_image;
pub(crate) use self::messages::wire_call;
pub(crate) use self::tools::CUSTOM_INPUT;

/// The longest text of an id field (`user`, `prompt_cache_key`).
const MAX_ID_BYTES: usize = 64;

/// The most stop texts.
const MAX_STOPS: usize = 4;

/// The smallest bound for a model that thinks: with less some answer by an error, as the probes of
/// some clients (`max_tokens: 1`) then find.
const MIN_THINKING_BOUND: u64 = 16;

/// Writes a request for a provider of this dialect.
pub fn write(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Bytes {
    let mut writer = Writer { body: Map::new(), target, losses };
    writer.conversation(conversation);
    let body = serde_json::to_vec(&writer.body).expect("a JSON value always serialises");
    Bytes::from(body)
}

struct Writer<'a> {
    body: Map<String, Value>,
    target: &'a Target<'a>,
    losses: &'a mut Losses,
}

impl Writer<'_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.body.insert(name.to_owned(), value.into());
    }

    fn put_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// True for OpenAI itself: other servers know neither the `developer` role nor what came with it.
    const fn is_openai(&self) -> bool {
        self.target.has_developer_role
    }

    fn conversation(&mut self, conversation: &Conversation) {
        if self.target.model_is_in_body {
            self.put("model", self.target.model);
        }
        let format = self.format(&conversation.format);
        let messages = messages::write(conversation, format.instruction.as_deref(), self.target, self.losses);
        self.put("messages", messages);
        self.tools(conversation);
        self.put_some("response_format", format.field);
        self.reasoning(conversation.reasoning.as_ref());
        self.sampling(&conversation.sampling);
        self.bound(conversation.max_output_tokens);
        self.stop(&conversation.stop);
        if conversation.choices > 1 {
            self.put("n", conversation.choices);
        }
        self.logprobs(conversation.logprobs);
        self.output(conversation);
        self.account(conversation);
        if conversation.is_streaming {
            self.put("stream", true);
            if self.target.asks_usage {
                self.put("stream_options", json!({"include_usage": true}));
            }
        }
        for name in &conversation.unread {
            self.losses.unread(name);
        }
        self.added();
    }

    fn tools(&mut self, conversation: &Conversation) {
        let written = tools::write(conversation, self.target, self.losses);
        self.put_some("web_search_options", written.search);
        if written.tools.is_empty() {
            return;
        }
        self.put("tools", written.tools);
        self.put_some("tool_choice", written.choice);
        self.put_some("parallel_tool_calls", conversation.parallel_tool_calls);
    }

    fn format(&mut self, format: &Format) -> WrittenFormat {
        match format {
            Format::Text => WrittenFormat::default(),
            Format::JsonObject => WrittenFormat { field: Some(json!({"type": "json_object"})), instruction: None },
            Format::JsonSchema { name, description, schema, is_strict } if self.target.has_json_schema => {
                let mut asked = Map::new();
                asked.insert("name".to_owned(), schema_name(name).into());
                insert_some(&mut asked, "description", description.as_deref());
                asked.insert("schema".to_owned(), schema.clone());
                insert_some(&mut asked, "strict", *is_strict);
                WrittenFormat { field: Some(json!({"type": "json_schema", "json_schema": asked})), instruction: None }
            }
            Format::JsonSchema { schema, .. } => {
                self.losses.approximated("response_format.json_schema");
                let instruction = format!("Answer with one JSON object that fits this JSON schema:\n{schema}");
                WrittenFormat { field: Some(json!({"type": "json_object"})), instruction: Some(instruction) }
            }
        }
    }

    /// The words are OpenAI's. A budget becomes the word of [`word_of_budget`]; to a model of which
    /// it is not known that it can stop thinking, nothing is said about that.
    fn reasoning(&mut self, reasoning: Option<&ReasoningRequest>) {
        let Some(asked) = reasoning else { return };
        let is_off = asked.effort == Some(Effort::None) || asked.budget_tokens == Some(0);
        if asked.summary.is_some() && !is_off {
            self.losses.unsupported("reasoning.summary");
        }
        match self.target.thinking {
            Thinking::None if is_off => return,
            Thinking::None => return self.losses.unsupported("reasoning_effort"),
            Thinking::Unknown if is_off => return self.losses.unsupported("reasoning_effort.none"),
            Thinking::Unknown | Thinking::Effort | Thinking::Budget | Thinking::Adaptive => {}
        }
        if is_off {
            return self.put("reasoning_effort", "none");
        }
        let effort = asked.effort.or_else(|| {
            let budget = asked.budget_tokens?;
            self.losses.approximated("reasoning.budget_tokens");
            Some(word_of_budget(budget))
        });
        if effort == Some(Effort::Max) {
            self.losses.approximated("reasoning_effort");
        }
        if effort.is_none() && asked.is_adaptive {
            // The provider's own default is the nearest to the model's.
            self.losses.approximated("thinking");
        }
        self.put_some("reasoning_effort", effort.map(effort_word));
    }

    fn sampling(&mut self, sampling: &Sampling) {
        self.put_some("temperature", sampling.temperature);
        self.put_some("top_p", sampling.top_p);
        self.put_some("frequency_penalty", sampling.frequency_penalty);
        self.put_some("presence_penalty", sampling.presence_penalty);
        self.put_some("seed", sampling.seed);
        self.put_some("logit_bias", sampling.logit_bias.clone());
        if sampling.top_k.is_some() {
            self.losses.unsupported("top_k");
        }
    }

    fn bound(&mut self, bound: Option<u64>) {
        let Some(asked) = bound else { return };
        let thinks = !matches!(self.target.thinking, Thinking::Unknown | Thinking::None);
        let least = if thinks { MIN_THINKING_BOUND } else { 1 };
        let most = self.target.max_output_tokens.unwrap_or(u64::MAX).max(least);
        let tokens = asked.clamp(least, most);
        if tokens != asked {
            self.losses.approximated("max_tokens");
        }
        self.put(self.target.output_bound_field, tokens);
    }

    fn stop(&mut self, stop: &[String]) {
        if stop.len() > MAX_STOPS {
            self.losses.approximated("stop");
        }
        if !stop.is_empty() {
            self.put("stop", &stop[..stop.len().min(MAX_STOPS)]);
        }
    }

    fn logprobs(&mut self, logprobs: Option<u64>) {
        let Some(others) = logprobs else { return };
        self.put("logprobs", true);
        if others > 0 {
            self.put("top_logprobs", others);
        }
    }

    fn output(&mut self, conversation: &Conversation) {
        if let Some(verbosity) = &conversation.verbosity {
            if self.is_openai() {
                self.put("verbosity", verbosity.as_str());
            } else {
                self.losses.unsupported("verbosity");
            }
        }
        let modalities = &conversation.modalities;
        if modalities.iter().any(|modality| *modality != Modality::Text) {
            self.put("modalities", modalities.iter().copied().map(modality_word).collect::<Vec<_>>());
        }
        if let Some(audio) = &conversation.audio {
            let format = audio.format.as_deref().unwrap_or("wav");
            self.put("audio", json!({"voice": audio.voice.as_deref().unwrap_or("alloy"), "format": format}));
        }
    }

    /// What concerns the provider's account and caches rather than the answer.
    fn account(&mut self, conversation: &Conversation) {
        if let Some(tier) = &conversation.service_tier {
            // Anthropic's name for OpenAI's `default`.
            self.put("service_tier", if tier == "standard_only" { "default" } else { tier });
        }
        if !conversation.metadata.is_empty() {
            // OpenAI takes it only with `store`, which would make it keep the conversation.
            self.losses.unsupported("metadata");
        }
        self.id_field("user", conversation.end_user.as_deref());
        self.id_field("prompt_cache_key", conversation.cache_key.as_deref());
        self.id_field("prompt_cache_retention", conversation.cache_retention.as_deref());
    }

    fn id_field(&mut self, name: &str, id: Option<&str>) {
        let Some(id) = id else { return };
        if self.is_openai() && id.len() <= MAX_ID_BYTES {
            self.put(name, id);
        } else {
            self.losses.unsupported(name);
        }
    }

    fn added(&mut self) {
        for (name, value) in self.target.added {
            if !self.body.contains_key(*name)
                && let Ok(value) = serde_json::from_str::<Value>(value)
            {
                self.put(name, value);
            }
        }
    }
}

/// The response format, and what the model is told of it where the target cannot enforce it.
#[derive(Default)]
struct WrittenFormat {
    field: Option<Value>,
    instruction: Option<String>,
}

/// Inserts a member that is there.
fn insert_some(object: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

/// A name that OpenAI takes: letters, digits, `_` and `-`, at most 64.
fn schema_name(name: &str) -> String {
    let legal = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    let legal: String = legal.take(MAX_ID_BYTES).collect();
    if legal.is_empty() { "answer".to_owned() } else { legal }
}

/// The effort that Google's table equates a budget with (1,024 low, 8,192 medium, 24,576 high;
/// ai.google.dev/gemini-api/docs/openai, read 2026-11-22): the nearest one.
const fn word_of_budget(budget: u64) -> Effort {
    match budget {
        0..4_608 => Effort::Low,
        4_608..16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

/// `high` is the most that every thinking model knows; only some know `xhigh`.
const fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::Max => "high",
    }
}

const fn modality_word(modality: Modality) -> &'static str {
    match modality {
        Modality::Text => "text",
        Modality::Audio => "audio",
        Modality::Image => "image",
    }
}

#[cfg(test)]
mod tests;
