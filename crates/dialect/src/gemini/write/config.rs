//! Writing a `generationConfig` (ai.google.dev/api/generate-content#GenerationConfig, read
//! 2026-11-22).

use serde_json::{Map, Value, json};

use super::Generation;
use crate::canonical::{Conversation, Effort, Format, MediaKind, Modality, Part, ReasoningRequest};
use crate::gemini::schema;
use crate::losses::Losses;
use crate::request::{Target, Thinking};

/// The most answers at once.
const MAX_CHOICES: u64 = 8;
/// The most texts that end an answer.
const MAX_STOPS: usize = 5;
/// The most likely tokens that are reported.
const MAX_LOGPROBS: u64 = 20;
/// The smallest budget to think with that every model takes
/// (ai.google.dev/gemini-api/docs/thinking#set-budget, read 2026-11-22).
const LEAST_BUDGET: u64 = 128;

/// Writes the configuration; empty when there is nothing to say.
pub fn write(
    conversation: &Conversation,
    target: &Target<'_>,
    model: Generation,
    has_functions: bool,
    losses: &mut Losses,
) -> Map<String, Value> {
    let mut config = Config(Map::new());
    config.sampling(conversation, losses);
    let bound = conversation.max_output_tokens;
    let most = target.max_output_tokens.unwrap_or(u64::MAX);
    // More than the model can give is refused.
    let bound = bound.map(|bound| capped(bound, most, "max_tokens", losses));
    config.put("maxOutputTokens", bound);
    config.format(&conversation.format, model.is_before_3() && has_functions, losses);
    config.output(conversation, losses);
    if let Some(wanted) = &conversation.reasoning {
        let thinking = thinking(wanted, target.thinking, model, bound, losses);
        config.put("thinkingConfig", thinking);
    }
    config.0
}

struct Config(Map<String, Value>);

impl Config {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    fn sampling(&mut self, conversation: &Conversation, losses: &mut Losses) {
        let sampling = &conversation.sampling;
        self.put("temperature", sampling.temperature);
        self.put("topP", sampling.top_p);
        self.put("topK", sampling.top_k);
        self.put("frequencyPenalty", sampling.frequency_penalty);
        self.put("presencePenalty", sampling.presence_penalty);
        self.put("seed", sampling.seed.and_then(|seed| noted(i32::try_from(seed).ok(), "seed", losses)));
        if conversation.choices > 1 {
            self.put("candidateCount", Some(capped(conversation.choices, MAX_CHOICES, "n", losses)));
        }
        if !conversation.stop.is_empty() {
            if conversation.stop.len() > MAX_STOPS {
                losses.approximated("stop");
            }
            self.put("stopSequences", Some(conversation.stop[..conversation.stop.len().min(MAX_STOPS)].to_vec()));
        }
        if let Some(likely) = conversation.logprobs {
            self.put("responseLogprobs", Some(true));
            let likely = (likely > 0).then(|| capped(likely, MAX_LOGPROBS, "top_logprobs", losses));
            self.put("logprobs", likely);
        }
    }

    /// Before Gemini 3 an answer cannot be bound to JSON where functions are declared: "Function
    /// calling with a response mime type: 'application/json' is unsupported".
    fn format(&mut self, format: &Format, is_refused: bool, losses: &mut Losses) {
        let (wanted, description) = match format {
            Format::Text => return,
            _ if is_refused => return losses.unsupported("response_format"),
            Format::JsonObject => (None, None),
            Format::JsonSchema { schema, description, .. } => (Some(schema), description.as_deref()),
        };
        self.put("responseMimeType", Some("application/json"));
        let Some(wanted) = wanted else { return };
        let (mut schema, ignored) = schema::for_google(wanted);
        for keyword in ignored {
            losses.approximated(&format!("response_format.{keyword}"));
        }
        if let (Some(description), Some(members)) = (description, schema.as_object_mut()) {
            members.entry("description").or_insert_with(|| description.into());
        }
        self.put("responseJsonSchema", Some(schema));
    }

    fn output(&mut self, conversation: &Conversation, losses: &mut Losses) {
        if !conversation.modalities.is_empty() {
            let names: Vec<&str> = conversation.modalities.iter().map(|modality| name(*modality)).collect();
            self.put("responseModalities", Some(names));
        }
        if let Some(audio) = &conversation.audio {
            // Google's voices have names of people and stars, OpenAI's are in small letters.
            let is_own = |voice: &&String| voice.starts_with(|letter: char| letter.is_ascii_uppercase());
            match audio.voice.as_ref().filter(is_own) {
                Some(voice) => {
                    let speech = json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}});
                    self.put("speechConfig", Some(speech));
                }
                None if audio.voice.is_some() => losses.unsupported("audio.voice"),
                None => {}
            }
            // Google speaks raw samples only.
            if audio.format.as_deref().is_some_and(|format| !matches!(format, "pcm16" | "pcm")) {
                losses.unsupported("audio.format");
            }
        }
        self.put("mediaResolution", resolution(conversation, losses));
    }
}

/// One resolution for all pictures, where those that name one agree.
fn resolution(conversation: &Conversation, losses: &mut Losses) -> Option<&'static str> {
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let pictures = parts.filter_map(|part| match part {
        Part::Media(media) if media.kind == MediaKind::Image => Some(media.detail.as_deref()),
        _ => None,
    });
    let wanted: Vec<Option<&str>> = pictures.map(|detail| detail.filter(|detail| *detail != "auto")).collect();
    let first = *wanted.iter().find(|detail| detail.is_some())?;
    let found = match first {
        Some("low") if wanted.iter().all(|detail| *detail == first) => Some("MEDIA_RESOLUTION_LOW"),
        Some("high") if wanted.iter().all(|detail| *detail == first) => Some("MEDIA_RESOLUTION_HIGH"),
        _ => None,
    };
    noted(found, "image_url.detail", losses)
}

const fn name(modality: Modality) -> &'static str {
    match modality {
        Modality::Text => "TEXT",
        Modality::Audio => "AUDIO",
        Modality::Image => "IMAGE",
    }
}

/// A value, or nothing with a note that it was lost.
fn noted<T>(value: Option<T>, what: &str, losses: &mut Losses) -> Option<T> {
    if value.is_none() {
        losses.unsupported(what);
    }
    value
}

fn capped(count: u64, most: u64, what: &str, losses: &mut Losses) -> u64 {
    if count > most {
        losses.approximated(what);
    }
    count.min(most)
}

/// How a `thinkingConfig` is written: Gemini 3 takes a level, those before it a budget.
enum Form {
    Level,
    Budget,
}

fn thinking(
    wanted: &ReasoningRequest,
    known: Thinking,
    model: Generation,
    bound: Option<u64>,
    losses: &mut Losses,
) -> Option<Value> {
    let form = match known {
        Thinking::None => {
            // Nothing is lost where thinking was to be off.
            let is_off = wanted.effort == Some(Effort::None) || wanted.budget_tokens == Some(0);
            if !is_off {
                losses.unsupported("reasoning");
            }
            return None;
        }
        Thinking::Budget => Form::Budget,
        // A budget is taken by all of them, a level by Gemini 3 alone.
        Thinking::Unknown if model.is_before_3() || wanted.budget_tokens.is_some() => Form::Budget,
        Thinking::Effort | Thinking::Adaptive | Thinking::Unknown => Form::Level,
    };
    let mut config = Map::new();
    match form {
        Form::Level => {
            if let Some(level) = level(wanted, model, losses) {
                config.insert("thinkingLevel".to_owned(), level.into());
            }
        }
        Form::Budget => {
            if let Some(budget) = budget(wanted, bound, losses) {
                config.insert("thinkingBudget".to_owned(), budget.into());
            }
        }
    }
    if let Some(summary) = &wanted.summary {
        if summary != "auto" {
            losses.approximated("reasoning.summary");
        }
        config.insert("includeThoughts".to_owned(), true.into());
    }
    (!config.is_empty()).then(|| config.into())
}

/// The level nearest to what was asked for. Gemini 3 cannot be kept from thinking, has no level
/// above `HIGH`, and its Pro models none below `LOW` (ai.google.dev/gemini-api/docs/thinking#thinking-levels, read 2026-11-22).
fn level(wanted: &ReasoningRequest, model: Generation, losses: &mut Losses) -> Option<&'static str> {
    let effort = match (wanted.effort, wanted.budget_tokens) {
        (Some(effort), _) => effort,
        (None, Some(tokens)) => {
            losses.approximated("reasoning.budget_tokens");
            effort_of(tokens)
        }
        (None, None) => return None,
    };
    let has_minimal = !model.is_pro;
    if matches!(effort, Effort::None | Effort::Max) || (effort == Effort::Minimal && !has_minimal) {
        losses.approximated("reasoning_effort");
    }
    Some(match effort {
        Effort::None | Effort::Minimal if has_minimal => "MINIMAL",
        Effort::None | Effort::Minimal | Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::Max => "HIGH",
    })
}

/// The budget for an effort, as Google's own OpenAI endpoint sets it: 1,024, 8,192 and 24,576 tokens
/// (ai.google.dev/gemini-api/docs/openai#thinking, read 2026-11-22).
const fn budget_of(effort: Effort) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High | Effort::Max => 24_576,
    }
}

/// The effort that a budget stands for, by the same table.
const fn effort_of(tokens: u64) -> Effort {
    match tokens {
        0 => Effort::None,
        1..=1_024 => Effort::Low,
        1_025..=8_192 => Effort::Medium,
        _ => Effort::High,
    }
}

/// The budget, -1 for the model's own choice. Thoughts count against the bound of the answer, so a
/// budget that would use it up becomes half of it, and is dropped where that is too little to ask for.
fn budget(wanted: &ReasoningRequest, bound: Option<u64>, losses: &mut Losses) -> Option<i64> {
    let asked = match (wanted.budget_tokens, wanted.effort) {
        (Some(tokens), _) => tokens,
        (None, Some(effort)) => {
            if effort != Effort::None {
                losses.approximated("reasoning_effort");
            }
            budget_of(effort)
        }
        (None, None) => return wanted.is_adaptive.then_some(-1),
    };
    let most = bound.map_or(u64::MAX, |bound| bound / 2);
    if asked == 0 || asked < bound.unwrap_or(u64::MAX) {
        return i64::try_from(asked).ok();
    }
    losses.approximated("reasoning.budget_tokens");
    (most >= LEAST_BUDGET).then(|| i64::try_from(most).unwrap_or(i64::MAX))
}
