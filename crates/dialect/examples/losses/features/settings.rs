//! What is asked of the answer, and what concerns the account.

use megarouter_dialect::canonical::{AudioRequest, CacheMark, Conversation, Format, Modality, Part, Text};
use serde_json::json;

use super::Feature;

fn schema(conversation: &mut Conversation, is_strict: Option<bool>) {
    conversation.format = Format::JsonSchema {
        name: "weather".to_owned(),
        description: Some("The weather.".to_owned()),
        schema: json!({
            "type": "object", "properties": {"sun": {"type": "boolean"}},
            "required": ["sun"], "additionalProperties": false,
        }),
        is_strict,
    };
}

fn with_pattern(conversation: &mut Conversation) {
    conversation.format = Format::JsonSchema {
        name: String::new(),
        description: None,
        schema: json!({
            "type": "object", "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$", "minLength": 5}},
            "required": ["zip"], "additionalProperties": false,
        }),
        is_strict: None,
    };
}

/// The schema. Names and descriptions may be within it; enforcement is for the target to give.
fn format(conversation: &Conversation) -> String {
    let Format::JsonSchema { schema, .. } = &conversation.format else {
        return format!("{:?}", conversation.format);
    };
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.remove("title");
        members.remove("description");
    }
    schema.to_string()
}

/// What the answer looks like.
pub const FORM: &[Feature] = &[
    Feature {
        title: "stream",
        ask: |conversation| conversation.is_streaming = true,
        seen: |conversation| conversation.is_streaming.to_string(),
    },
    Feature {
        title: "bound of the output",
        ask: |conversation| conversation.max_output_tokens = Some(4_321),
        seen: |conversation| format!("{:?}", conversation.max_output_tokens),
    },
    Feature {
        title: "bound of the output: 1",
        ask: |conversation| conversation.max_output_tokens = Some(1),
        seen: |conversation| format!("{:?}", conversation.max_output_tokens),
    },
    Feature {
        title: "stop text",
        ask: |conversation| conversation.stop = vec!["END".to_owned()],
        seen: |conversation| format!("{:?}", conversation.stop),
    },
    Feature {
        title: "stop text: a line break",
        ask: |conversation| conversation.stop = vec!["\n".to_owned()],
        seen: |conversation| format!("{:?}", conversation.stop),
    },
    Feature {
        title: "six stop texts",
        ask: |conversation| conversation.stop = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec(),
        seen: |conversation| format!("{:?}", conversation.stop),
    },
    Feature {
        title: "several answers (n)",
        ask: |conversation| conversation.choices = 3,
        seen: |conversation| conversation.choices.to_string(),
    },
    Feature { title: "some JSON object", ask: |conversation| conversation.format = Format::JsonObject, seen: format },
    Feature { title: "JSON by a schema", ask: |conversation| schema(conversation, None), seen: format },
    Feature { title: "JSON by a strict schema", ask: |conversation| schema(conversation, Some(true)), seen: format },
    Feature { title: "JSON by a schema with patterns", ask: with_pattern, seen: format },
    Feature {
        title: "probabilities of the tokens",
        ask: |conversation| conversation.logprobs = Some(0),
        seen: |conversation| format!("{:?}", conversation.logprobs),
    },
    Feature {
        title: "probabilities of other tokens",
        ask: |conversation| conversation.logprobs = Some(5),
        seen: |conversation| format!("{:?}", conversation.logprobs),
    },
    Feature {
        title: "verbosity",
        ask: |conversation| conversation.verbosity = Some("low".to_owned()),
        seen: |conversation| format!("{:?}", conversation.verbosity),
    },
    Feature {
        title: "speech",
        ask: |conversation| {
            conversation.modalities = vec![Modality::Text, Modality::Audio];
            let (voice, format) = (Some("alloy".to_owned()), Some("mp3".to_owned()));
            conversation.audio = Some(AudioRequest { voice, format });
        },
        seen: |conversation| format!("{:?} {:?}", conversation.modalities, conversation.audio),
    },
    Feature {
        title: "pictures",
        ask: |conversation| conversation.modalities = vec![Modality::Text, Modality::Image],
        seen: |conversation| format!("{:?}", conversation.modalities),
    },
];

/// How to choose the tokens.
pub const SAMPLING: &[Feature] = &[
    Feature {
        title: "temperature up to 1",
        ask: |conversation| conversation.sampling.temperature = Some(0.25),
        seen: |conversation| format!("{:?}", conversation.sampling.temperature),
    },
    Feature {
        title: "temperature above 1",
        ask: |conversation| conversation.sampling.temperature = Some(1.5),
        seen: |conversation| format!("{:?}", conversation.sampling.temperature),
    },
    Feature {
        title: "top-p",
        ask: |conversation| conversation.sampling.top_p = Some(0.75),
        seen: |conversation| format!("{:?}", conversation.sampling.top_p),
    },
    Feature {
        title: "temperature and top-p",
        ask: |conversation| {
            conversation.sampling.temperature = Some(0.25);
            conversation.sampling.top_p = Some(0.75);
        },
        seen: |conversation| format!("{:?} {:?}", conversation.sampling.temperature, conversation.sampling.top_p),
    },
    Feature {
        title: "top-k",
        ask: |conversation| conversation.sampling.top_k = Some(17),
        seen: |conversation| format!("{:?}", conversation.sampling.top_k),
    },
    Feature {
        title: "frequency penalty",
        ask: |conversation| conversation.sampling.frequency_penalty = Some(0.5),
        seen: |conversation| format!("{:?}", conversation.sampling.frequency_penalty),
    },
    Feature {
        title: "presence penalty",
        ask: |conversation| conversation.sampling.presence_penalty = Some(0.5),
        seen: |conversation| format!("{:?}", conversation.sampling.presence_penalty),
    },
    Feature {
        title: "seed",
        ask: |conversation| conversation.sampling.seed = Some(4_711),
        seen: |conversation| format!("{:?}", conversation.sampling.seed),
    },
    Feature {
        title: "seed of 64 bits",
        ask: |conversation| conversation.sampling.seed = Some(1 << 40),
        seen: |conversation| format!("{:?}", conversation.sampling.seed),
    },
    Feature {
        title: "bias of tokens",
        ask: |conversation| conversation.sampling.logit_bias = Some(json!({"50256": -100})),
        seen: |conversation| format!("{:?}", conversation.sampling.logit_bias),
    },
];

fn marked(conversation: &mut Conversation, ttl: Option<&str>) {
    let cache = Some(CacheMark { ttl: ttl.map(str::to_owned) });
    conversation.system = vec![Text { text: "Be brief.".to_owned(), cache, ..Text::default() }];
}

/// The words of the classes of service that mean the same.
fn tier(conversation: &Conversation) -> String {
    let word = conversation.service_tier.as_deref().unwrap_or("auto");
    if matches!(word, "standard" | "standard_only") { "default".to_owned() } else { word.to_owned() }
}

/// What concerns the account and the cache.
pub const ACCOUNT: &[Feature] = &[
    Feature {
        title: "class of service: auto",
        ask: |conversation| conversation.service_tier = Some("auto".to_owned()),
        seen: tier,
    },
    Feature {
        title: "class of service: default",
        ask: |conversation| conversation.service_tier = Some("default".to_owned()),
        seen: tier,
    },
    Feature {
        title: "class of service: flex",
        ask: |conversation| conversation.service_tier = Some("flex".to_owned()),
        seen: tier,
    },
    Feature {
        title: "class of service: priority",
        ask: |conversation| conversation.service_tier = Some("priority".to_owned()),
        seen: tier,
    },
    Feature {
        title: "metadata",
        ask: |conversation| conversation.metadata = vec![("case".to_owned(), "42".to_owned())],
        seen: |conversation| format!("{:?}", conversation.metadata),
    },
    Feature {
        title: "end user",
        ask: |conversation| conversation.end_user = Some("u-42".to_owned()),
        seen: |conversation| format!("{:?}", conversation.end_user),
    },
    Feature {
        title: "cache mark on instructions",
        ask: |conversation| marked(conversation, None),
        seen: |conversation| format!("{:?}", conversation.system),
    },
    Feature {
        title: "cache mark for an hour",
        ask: |conversation| marked(conversation, Some("1h")),
        seen: |conversation| format!("{:?}", conversation.system),
    },
    Feature {
        title: "cache mark on a text",
        ask: |conversation| {
            if let Some(Part::Text(text)) = conversation.turns[0].parts.first_mut() {
                text.cache = Some(CacheMark::default());
            }
        },
        seen: |conversation| format!("{:?}", conversation.turns[0].parts),
    },
    Feature {
        title: "key of the cache",
        ask: |conversation| conversation.cache_key = Some("session-42".to_owned()),
        seen: |conversation| format!("{:?}", conversation.cache_key),
    },
    Feature {
        title: "retention of the cache",
        ask: |conversation| conversation.cache_retention = Some("24h".to_owned()),
        seen: |conversation| format!("{:?}", conversation.cache_retention),
    },
    Feature {
        title: "a field that is not known here",
        ask: |conversation| conversation.unread = vec!["zebra".to_owned()],
        seen: |conversation| format!("{:?}", conversation.unread),
    },
];
