//! Writing a conversation as a `Converse` request.
//!
//! The model and whether to stream are in the path; the body is the same for both.

mod blocks;
mod family;
mod messages;
mod thinking;
mod tools;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::family::Family;
use crate::canonical::{CacheMark, Conversation, Format, Modality, Sampling};
use crate::losses::Losses;
use crate::request::Target;

/// Writes a request for a provider of this dialect.
pub fn write(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Bytes {
    let family = Family::of(target.model);
    let mut writer = Writer { body: Map::new(), additional: Map::new(), output: Map::new(), family, target, losses };
    writer.conversation(conversation);
    let body = serde_json::to_vec(&writer.body).expect("a JSON value always serialises");
    Bytes::from(body)
}

/// The most pairs of metadata, and the most bytes of a name or value.
const MAX_METADATA: (usize, usize) = (16, 256);

struct Writer<'a> {
    body: Map<String, Value>,
    /// `additionalModelRequestFields`.
    additional: Map<String, Value>,
    /// `outputConfig`.
    output: Map<String, Value>,
    family: Family,
    target: &'a Target<'a>,
    losses: &'a mut Losses,
}

impl Writer<'_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.body.insert(name.to_owned(), value.into());
    }

    fn put_object(&mut self, name: &str, object: Map<String, Value>) {
        if !object.is_empty() {
            self.put(name, object);
        }
    }

    fn conversation(&mut self, conversation: &Conversation) {
        let instruction = self.format(&conversation.format);
        let messages = messages::write(conversation, self.family, self.losses);
        self.put("messages", messages);
        let system = self.system(conversation, instruction);
        if !system.is_empty() {
            self.put("system", system);
        }
        let tools = tools::write(conversation, self.family, self.losses);
        let is_forced = tools.is_forced;
        self.put_object("toolConfig", tools.config);
        let budget = self.thinking(conversation, is_forced);
        self.inference(conversation, budget);
        self.account(conversation);
        self.refuse(conversation);
        let (output, additional) = (std::mem::take(&mut self.output), std::mem::take(&mut self.additional));
        self.put_object("outputConfig", output);
        self.put_object("additionalModelRequestFields", additional);
        self.added();
    }

    fn system(&mut self, conversation: &Conversation, instruction: Option<String>) -> Vec<Value> {
        let mut system = vec![];
        for text in &conversation.system {
            if !text.text.trim().is_empty() {
                system.push(json!({"text": text.text}));
            }
            system.extend(cache_point(text.cache.as_ref(), self.family, self.losses));
        }
        system.extend(instruction.map(|text| json!({"text": text})));
        system
    }

    /// Writes the format; returns what the model is told of it where there is no field for it.
    fn format(&mut self, format: &Format) -> Option<String> {
        match format {
            Format::Text => None,
            Format::JsonObject => {
                self.losses.approximated("response_format.json_object");
                Some("Answer with one JSON object and nothing else.".to_owned())
            }
            Format::JsonSchema { schema, .. } if !self.target.has_json_schema => {
                self.losses.approximated("response_format.json_schema");
                Some(format!("Answer with one JSON object that fits this JSON schema, and nothing else:\n{schema}"))
            }
            Format::JsonSchema { name, description, schema, .. } => {
                let mut asked = Map::new();
                asked.insert("schema".to_owned(), schema.to_string().into());
                if !name.is_empty() {
                    asked.insert("name".to_owned(), name.as_str().into());
                }
                if let Some(description) = description {
                    asked.insert("description".to_owned(), description.as_str().into());
                }
                let format = json!({"type": "json_schema", "structure": {"jsonSchema": asked}});
                self.output.insert("textFormat".to_owned(), format);
                None
            }
        }
    }

    fn thinking(&mut self, conversation: &Conversation, is_forced: bool) -> Option<u64> {
        let Some(asked) = &conversation.reasoning else { return None };
        let plan = thinking::plan(asked, conversation, is_forced, self.family, self.target, self.losses);
        self.additional.extend(plan.thinking.map(|thinking| ("thinking".to_owned(), thinking)));
        self.output.extend(plan.effort.map(|effort| ("effort".to_owned(), effort.into())));
        plan.budget
    }

    /// The fields that all models have. A model that thinks by a budget samples as it likes, and its
    /// bound is above the budget.
    fn inference(&mut self, conversation: &Conversation, budget: Option<u64>) {
        let mut inference = Map::new();
        if let Some(asked) = conversation.max_output_tokens {
            let tokens = asked.min(self.target.max_output_tokens.unwrap_or(u64::MAX));
            if tokens != asked {
                self.losses.approximated("max_tokens");
            }
            inference.insert("maxTokens".to_owned(), tokens.into());
        }
        self.sampling(&conversation.sampling, budget.is_some(), &mut inference);
        let stop: Vec<&String> = conversation.stop.iter().filter(|text| !text.trim().is_empty()).collect();
        if stop.len() < conversation.stop.len() {
            self.losses.approximated("stop");
        }
        if !stop.is_empty() {
            inference.insert("stopSequences".to_owned(), json!(stop));
        }
        self.put_object("inferenceConfig", inference);
    }

    fn sampling(&mut self, sampling: &Sampling, is_thinking: bool, inference: &mut Map<String, Value>) {
        let (mut temperature, mut top_p, mut top_k) = (sampling.temperature, sampling.top_p, sampling.top_k);
        if is_thinking {
            for (field, is_set) in
                [("temperature", temperature.is_some()), ("top_p", top_p.is_some()), ("top_k", top_k.is_some())]
            {
                if is_set {
                    self.losses.unsupported(field);
                }
            }
            (temperature, top_p, top_k) = (None, None, None);
        }
        if let Some(asked) = temperature {
            if asked > 1.0 {
                self.losses.approximated("temperature");
            }
            inference.insert("temperature".to_owned(), asked.min(1.0).into());
        }
        if let Some(asked) = top_p {
            // Claude takes one of the two (Anthropic's notes on Claude 4.5, read 2026-11-22).
            if self.family == Family::Claude && temperature.is_some() {
                self.losses.unsupported("top_p");
            } else {
                inference.insert("topP".to_owned(), asked.into());
            }
        }
        if let Some(asked) = top_k {
            match self.family.top_k(asked) {
                Some((name, value)) => _ = self.additional.insert(name.to_owned(), value),
                None => self.losses.unsupported("top_k"),
            }
        }
        for (field, is_set) in [
            ("frequency_penalty", sampling.frequency_penalty.is_some()),
            ("presence_penalty", sampling.presence_penalty.is_some()),
            ("seed", sampling.seed.is_some()),
            ("logit_bias", sampling.logit_bias.is_some()),
        ] {
            if is_set {
                self.losses.unsupported(field);
            }
        }
    }

    fn account(&mut self, conversation: &Conversation) {
        match conversation.service_tier.as_deref() {
            Some(tier @ ("priority" | "flex" | "default" | "reserved")) => {
                self.put("serviceTier", json!({"type": tier}));
            }
            None | Some("auto" | "standard_only" | "standard") => {}
            Some(_) => self.losses.unsupported("service_tier"),
        }
        let metadata: Map<String, Value> =
            conversation.metadata.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let is_legal = metadata.len() <= MAX_METADATA.0
            && conversation.metadata.iter().all(|(name, value)| is_metadata(name) && is_metadata(value));
        if is_legal {
            self.put_object("requestMetadata", metadata);
        } else {
            self.losses.unsupported("metadata");
        }
    }

    /// Notes what there is no field for.
    fn refuse(&mut self, conversation: &Conversation) {
        let speaks = conversation.modalities.iter().any(|modality| *modality != Modality::Text);
        for (field, is_set) in [
            ("n", conversation.choices > 1),
            ("logprobs", conversation.logprobs.is_some()),
            ("verbosity", conversation.verbosity.is_some()),
            ("modalities", speaks),
            ("audio", conversation.audio.is_some()),
            ("user", conversation.end_user.is_some()),
            ("prompt_cache_key", conversation.cache_key.is_some()),
            ("prompt_cache_retention", conversation.cache_retention.is_some()),
        ] {
            if is_set {
                self.losses.unsupported(field);
            }
        }
        for name in &conversation.unread {
            self.losses.unread(name);
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

fn is_metadata(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter.is_ascii_whitespace();
    text.len() <= MAX_METADATA.1 && text.chars().all(|letter| is_plain(letter) || ":_@$#=/+,-.".contains(letter))
}

/// The block that marks the end of what is to be cached, for models that have a cache to mark
/// (Amazon Bedrock user guide, "Prompt caching", read 2026-11-22).
fn cache_point(mark: Option<&CacheMark>, family: Family, losses: &mut Losses) -> Option<Value> {
    let mark = mark?;
    if !family.has_cache_points() {
        losses.unsupported("cache_control");
        return None;
    }
    let mut point = json!({"type": "default"});
    if let Some(ttl @ ("5m" | "1h")) = mark.ttl.as_deref() {
        point["ttl"] = ttl.into();
    }
    Some(json!({"cachePoint": point}))
}

#[cfg(test)]
mod tests;
