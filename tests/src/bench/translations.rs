//! What translating a stream costs: clients of one dialect on upstreams of another, beside the same
//! upstreams without a translation, in the same round.

use std::time::Duration;

use serde_json::{Value, json};

use super::rounds::Measured;
use crate::load::{Pace, Plan};

/// Words of a stream, each an event of its own.
const WORDS: u32 = 64;
const CONNECTIONS: u32 = 32;

/// A client dialect on an upstream dialect.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Its name in the table.
    pub name: &'static str,
    /// The pair with the same upstream and no translation; `None` when this is one.
    pub compared_with: Option<&'static str>,
    /// The path and query to call.
    pub path: &'static str,
    body: fn(&str) -> Value,
    end_mark: &'static str,
}

/// What one pair did in one round.
#[derive(Clone, Copy, Debug)]
pub struct Translation {
    /// Which.
    pub pair: Pair,
    /// MegaRouter.
    pub ours: Measured,
}

/// Every pair.
pub const ALL: [Pair; 4] = [
    Pair {
        name: "chat on chat",
        compared_with: None,
        path: "/v1/chat/completions",
        body: chat,
        end_mark: "data: [DONE]",
    },
    Pair {
        name: "Anthropic on chat",
        compared_with: Some("chat on chat"),
        path: "/v1/messages",
        body: |prompt| messages(prompt, "up-chat"),
        end_mark: "message_stop",
    },
    Pair {
        name: "Anthropic on Anthropic",
        compared_with: None,
        path: "/v1/messages",
        body: |prompt| messages(prompt, "up-anthropic"),
        end_mark: "message_stop",
    },
    Pair {
        name: "Gemini on Anthropic",
        compared_with: Some("Anthropic on Anthropic"),
        path: "/v1beta/models/up-anthropic:streamGenerateContent?alt=sse",
        body: |prompt| json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]}),
        end_mark: "finishReason",
    },
];

fn chat(prompt: &str) -> Value {
    json!({
        "model": "up-chat", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": prompt}],
    })
}

fn messages(prompt: &str, model: &str) -> Value {
    json!({"model": model, "max_tokens": 1_000, "stream": true, "messages": [{"role": "user", "content": prompt}]})
}

impl Pair {
    /// The plan of this load against one address.
    pub fn plan(&self, url: http::Uri, key: &str, duration: Duration, watched: u32) -> Plan {
        let story = "The quick brown fox asks the lazy dog for advice. ".repeat(6);
        // Without cached tokens: the ledger is compared at one price for all input.
        let wish = json!({"words": WORDS, "usage": {"input": 90, "cached": 0, "output": WORDS}});
        Plan {
            url,
            key: key.to_owned(),
            body: (self.body)(&format!("{story}[mock {wish}]")).to_string().into(),
            headers: Vec::new(),
            first_mark: "word0 ",
            end_mark: self.end_mark,
            pace: Pace::Closed { connections: CONNECTIONS },
            warm_up: Duration::from_secs(1),
            duration,
            watched: vec![watched],
        }
    }
}
