//! Writes messages and their streams of events.

use serde_json::{Value, json};

use crate::mock_provider::vendors::check::{Illegal, seal};
use crate::mock_provider::vendors::directive::Figures;
use crate::mock_provider::vendors::play::{Call, End, Reply};
use crate::mock_provider::vendors::seen::Seen;
use crate::mock_provider::vendors::write::{Stream, Written, pieces};

/// Writes an answer the way the request asked for it.
pub(super) fn write(seen: &Seen, reply: &Reply, number: usize) -> Written {
    if seen.is_streaming {
        Written::Stream(stream(seen, reply, number))
    } else {
        Written::Whole(whole(seen, reply, number), reply.usage)
    }
}

fn whole(seen: &Seen, reply: &Reply, number: usize) -> Value {
    let mut content = Vec::new();
    if let Some(thought) = &reply.thought {
        content.push(json!({"type": "thinking", "thinking": thought, "signature": seal(thought)}));
    }
    let text = said(reply).concat();
    if !text.is_empty() {
        content.push(json!({"type": "text", "text": text}));
    }
    content.extend(reply.calls.iter().enumerate().map(|(index, call)| tool_use(call, number, index, &call.arguments)));
    let mut message = message(seen, number, &content);
    message["stop_reason"] = json!(stop_reason(reply.end));
    message["usage"] = reply.usage.map_or(json!({"input_tokens": 0, "output_tokens": 0}), usage);
    message
}

/// The text, in pieces; a refusal is text too.
fn said(reply: &Reply) -> Vec<String> {
    reply.refusal.map_or_else(|| reply.text.clone(), pieces)
}

fn message(seen: &Seen, number: usize, content: &[Value]) -> Value {
    json!({
        "id": format!("msg_mock{number}"), "type": "message", "role": "assistant", "model": seen.model, "content": content,
        "stop_reason": null, "stop_sequence": null,
    })
}

fn tool_use(call: &Call, number: usize, index: usize, input: &Value) -> Value {
    json!({"type": "tool_use", "id": format!("toolu_mock{number}x{index}"), "name": call.name, "input": input})
}

const fn stop_reason(end: End) -> &'static str {
    match end {
        End::Stop => "end_turn",
        End::Length => "max_tokens",
        End::Calls => "tool_use",
        End::Refusal | End::Filter => "refusal",
    }
}

/// Anthropic's classes: the cached input is not part of `input_tokens`.
fn usage(figures: Figures) -> Value {
    json!({
        "input_tokens": figures.input - figures.cached - figures.written,
        "cache_creation_input_tokens": figures.written, "cache_read_input_tokens": figures.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": figures.written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": figures.output, "output_tokens_details": {"thinking_tokens": figures.reasoning},
        "service_tier": "standard",
    })
}

fn stream(seen: &Seen, reply: &Reply, number: usize) -> Stream {
    let overloaded = super::error(&Illegal { status: 529, ..Illegal::new("Overloaded") }, number);
    let mut events = Events(Stream::new(reply.usage, reply.mid_error, event("error", &overloaded)));
    let mut start = message(seen, number, &[]);
    let figures = reply.usage.unwrap_or(Figures { input: 0, cached: 0, output: 0, ..Figures::default() });
    start["usage"] = usage(Figures { output: 1.min(figures.output), ..figures });
    events.push(&json!({"type": "message_start", "message": start}));
    events.push(&json!({"type": "ping"}));
    let mut index = 0;
    if let Some(thought) = &reply.thought {
        let mut deltas: Vec<Value> =
            pieces(thought).into_iter().map(|piece| json!({"type": "thinking_delta", "thinking": piece})).collect();
        deltas.push(json!({"type": "signature_delta", "signature": seal(thought)}));
        events.block(&mut index, &json!({"type": "thinking", "thinking": "", "signature": ""}), deltas, false);
    }
    let text = said(reply);
    if !text.is_empty() {
        let deltas = text.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
        events.block(&mut index, &json!({"type": "text", "text": ""}), deltas, true);
    }
    for (place, call) in reply.calls.iter().enumerate() {
        // The first delta is empty, as Anthropic sends it.
        let mut deltas = vec![json!({"type": "input_json_delta", "partial_json": ""})];
        deltas.extend(
            pieces(&call.text()).into_iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece})),
        );
        events.block(&mut index, &tool_use(call, number, place, &json!({})), deltas, true);
    }
    let mut last =
        json!({"type": "message_delta", "delta": {"stop_reason": stop_reason(reply.end), "stop_sequence": null}});
    last["usage"] = if reply.usage.is_some() { usage(figures) } else { json!({"output_tokens": 0}) };
    events.push(&last);
    events.push(&json!({"type": "message_stop"}));
    events.0
}

struct Events(Stream);

impl Events {
    fn push(&mut self, payload: &Value) {
        self.event(payload, false);
    }

    fn event(&mut self, payload: &Value, is_word: bool) {
        self.0.push(event(payload["type"].as_str().unwrap_or_default(), payload), is_word);
    }

    fn block(&mut self, index: &mut usize, opening: &Value, deltas: Vec<Value>, is_word: bool) {
        self.push(&json!({"type": "content_block_start", "index": *index, "content_block": opening}));
        for delta in deltas {
            self.event(&json!({"type": "content_block_delta", "index": *index, "delta": delta}), is_word);
        }
        self.push(&json!({"type": "content_block_stop", "index": *index}));
        *index += 1;
    }
}

fn event(name: &str, payload: &Value) -> Vec<u8> {
    format!("event: {name}\ndata: {payload}\n\n").into_bytes()
}
