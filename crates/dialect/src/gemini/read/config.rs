//! Reading a `generationConfig` (ai.google.dev/api/generate-content#GenerationConfig, read
//! 2026-11-22).

use serde_json::Value;

use super::is_set;
use crate::canonical::{AudioRequest, Conversation, Effort, Format, Modality, ReasoningRequest, Sampling};
use crate::gemini::schema;
use crate::gemini::wire::{count, keyword, list, member, note_unknown, number, owned, text, texts, whole};

const KNOWN: [&str; 20] = [
    "temperature",
    "topP",
    "topK",
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "responseLogprobs",
    "logprobs",
    "presencePenalty",
    "frequencyPenalty",
    "seed",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    // Its name while it was a preview.
    "_responseJsonSchema",
    "responseModalities",
    "speechConfig",
    "mediaResolution",
    "thinkingConfig",
    "responseFormat",
];

/// Reads the configuration into the conversation; returns OpenAI's `detail` for all pictures.
pub fn read(body: &Value, found: &mut Conversation) -> Option<String> {
    let config = member(body, "generationConfig")?;
    note_unknown(config, "generationConfig.", &KNOWN, &mut found.unread);
    found.sampling = sampling(config);
    found.max_output_tokens = count(config, "maxOutputTokens");
    found.choices = count(config, "candidateCount").unwrap_or(1).max(1);
    found.stop = texts(config, "stopSequences");
    found.logprobs = logprobs(config);
    found.format = format(config, &mut found.unread);
    found.reasoning = member(config, "thinkingConfig").and_then(reasoning);
    found.modalities = modalities(config);
    found.audio = member(config, "speechConfig").and_then(|speech| audio(speech, &mut found.unread));
    let resolution = keyword(config, "mediaResolution")?;
    let detail = detail(&resolution);
    if detail.is_none() && !resolution.ends_with("UNSPECIFIED") {
        found.unread.push("generationConfig.mediaResolution".to_owned());
    }
    detail.map(str::to_owned)
}

/// OpenAI's `detail` for a resolution; none for those in the middle.
pub fn detail(resolution: &str) -> Option<&'static str> {
    match resolution {
        "MEDIA_RESOLUTION_LOW" => Some("low"),
        "MEDIA_RESOLUTION_HIGH" | "MEDIA_RESOLUTION_ULTRA_HIGH" => Some("high"),
        _ => None,
    }
}

fn sampling(config: &Value) -> Sampling {
    Sampling {
        temperature: number(config, "temperature"),
        top_p: number(config, "topP"),
        // A number with a fraction in the SDKs, a count by its meaning.
        top_k: count(config, "topK"),
        frequency_penalty: number(config, "frequencyPenalty"),
        presence_penalty: number(config, "presencePenalty"),
        seed: whole(config, "seed"),
        logit_bias: None,
    }
}

fn logprobs(config: &Value) -> Option<u64> {
    is_set(config, "responseLogprobs").then(|| count(config, "logprobs").unwrap_or(0))
}

fn format(config: &Value, unread: &mut Vec<String>) -> Format {
    if member(config, "responseFormat").is_some() {
        return newer_format(config, unread);
    }
    let schema = member(config, "responseJsonSchema")
        .or_else(|| member(config, "_responseJsonSchema"))
        .cloned()
        .or_else(|| member(config, "responseSchema").map(schema::from_openapi));
    format_of(text(config, "responseMimeType"), schema, unread)
}

/// The field that takes the place of `responseMimeType` and the schemas: a list of formats, one of
/// which may be `{text: {mimeType, schema}}` (google-genai 2.34.0, `GenerationConfig.response_format`).
fn newer_format(config: &Value, unread: &mut Vec<String>) -> Format {
    let mut format = Format::Text;
    for wanted in list(config, "responseFormat") {
        match member(wanted, "text") {
            Some(of_text) => format = format_of(text(of_text, "mimeType"), member(of_text, "schema").cloned(), unread),
            None => unread.push("generationConfig.responseFormat".to_owned()),
        }
    }
    format
}

fn format_of(mime: Option<&str>, schema: Option<Value>, unread: &mut Vec<String>) -> Format {
    let is_json = |mime: &str| mime.eq_ignore_ascii_case("application/json") || mime == "APPLICATION_JSON";
    match (mime, schema) {
        (None, None) => Format::Text,
        (Some(mime), None) if mime.eq_ignore_ascii_case("text/plain") => Format::Text,
        (Some(mime), None) if is_json(mime) => Format::JsonObject,
        (mime, Some(schema)) if mime.is_none_or(is_json) => {
            Format::JsonSchema { name: String::new(), description: None, schema, is_strict: None }
        }
        _ => {
            unread.push("generationConfig.responseMimeType".to_owned());
            Format::Text
        }
    }
}

fn reasoning(thinking: &Value) -> Option<ReasoningRequest> {
    let budget = whole(thinking, "thinkingBudget");
    let request = ReasoningRequest {
        effort: keyword(thinking, "thinkingLevel").as_deref().and_then(effort),
        budget_tokens: budget.and_then(|tokens| u64::try_from(tokens).ok()),
        is_adaptive: budget.is_some_and(|tokens| tokens < 0),
        summary: is_set(thinking, "includeThoughts").then(|| "auto".to_owned()),
    };
    (request != ReasoningRequest::default()).then_some(request)
}

fn effort(level: &str) -> Option<Effort> {
    match level {
        "MINIMAL" => Some(Effort::Minimal),
        "LOW" => Some(Effort::Low),
        "MEDIUM" => Some(Effort::Medium),
        "HIGH" => Some(Effort::High),
        _ => None,
    }
}

/// Text alone is no wish.
fn modalities(config: &Value) -> Vec<Modality> {
    let wanted: Vec<Modality> = list(config, "responseModalities")
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|modality| match modality.to_ascii_uppercase().as_str() {
            "TEXT" => Some(Modality::Text),
            "AUDIO" => Some(Modality::Audio),
            "IMAGE" => Some(Modality::Image),
            _ => None,
        })
        .collect();
    if wanted == [Modality::Text] { vec![] } else { wanted }
}

fn audio(speech: &Value, unread: &mut Vec<String>) -> Option<AudioRequest> {
    note_unknown(speech, "generationConfig.speechConfig.", &["voiceConfig"], unread);
    let voice = member(speech, "voiceConfig")?;
    let prebuilt = member(voice, "prebuiltVoiceConfig").and_then(|prebuilt| owned(prebuilt, "voiceName"));
    let name = prebuilt.or_else(|| owned(voice, "voice"));
    if name.is_none() {
        unread.push("generationConfig.speechConfig.voiceConfig".to_owned());
    }
    name.map(|voice| AudioRequest { voice: Some(voice), format: None })
}
