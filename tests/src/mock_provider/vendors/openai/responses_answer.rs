//! Writes responses and their streams of events.

use serde_json::{Map, Value, json};

use super::responses_request::wants_encrypted;
use crate::mock_provider::answer::CREATED;
use crate::mock_provider::vendors::check::seal;
use crate::mock_provider::vendors::directive::Figures;
use crate::mock_provider::vendors::play::{Call, End, Reply};
use crate::mock_provider::vendors::seen::Seen;
use crate::mock_provider::vendors::write::{Stream, Written, pieces};

/// Members that an answer repeats of its request, and what they are without it.
fn repeated(body: &Map<String, Value>) -> Map<String, Value> {
    let defaults = json!({
        "instructions": null, "max_output_tokens": null, "metadata": {}, "parallel_tool_calls": true,
        "previous_response_id": null, "reasoning": {"effort": null, "summary": null}, "store": true, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
        "user": null,
    });
    let Value::Object(mut repeated) = defaults else { return Map::new() };
    for (name, value) in &mut repeated {
        if let Some(given) = body.get(name).filter(|given| !given.is_null()) {
            *value = given.clone();
        }
    }
    repeated
}

/// Writes an answer the way the request asked for it.
pub(super) fn write(seen: &Seen, body: &Map<String, Value>, reply: &Reply, number: usize) -> Written {
    let writer =
        Writer { number, model: &seen.model, repeated: repeated(body), is_encrypted: wants_encrypted(body), reply };
    if seen.is_streaming {
        return Written::Stream(writer.stream());
    }
    Written::Whole(writer.response(&writer.items(), true), reply.usage)
}

struct Writer<'a> {
    number: usize,
    model: &'a str,
    repeated: Map<String, Value>,
    is_encrypted: bool,
    reply: &'a Reply,
}

impl Writer<'_> {
    fn response(&self, output: &[Value], is_over: bool) -> Value {
        let incomplete = match self.reply.end {
            End::Length => json!({"reason": "max_output_tokens"}),
            End::Filter => json!({"reason": "content_filter"}),
            End::Stop | End::Calls | End::Refusal => Value::Null,
        };
        let status = match (is_over, incomplete.is_null()) {
            (false, _) => "in_progress",
            (true, true) => "completed",
            (true, false) => "incomplete",
        };
        let mut response = json!({
            "id": format!("resp_mock{}", self.number), "object": "response", "created_at": CREATED, "status": status,
            "background": false, "error": null, "incomplete_details": if is_over { incomplete } else { Value::Null },
            "model": self.model, "output": output, "service_tier": "default",
            "usage": if is_over { self.reply.usage.map(usage) } else { None },
        });
        if let Value::Object(members) = &mut response {
            members.extend(self.repeated.clone());
        }
        response
    }

    fn items(&self) -> Vec<Value> {
        let mut items = Vec::new();
        if let Some(thought) = &self.reply.thought {
            items.push(self.thought(&[summary(thought)]));
        }
        if let Some(part) = self.part() {
            items.push(self.message(&[part], "completed"));
        }
        let calls = self.reply.calls.iter().enumerate();
        items.extend(calls.map(|(index, call)| self.call(index, call, &call.text(), "completed")));
        items
    }

    fn thought(&self, summary: &[Value]) -> Value {
        let mut item = json!({"id": format!("rs_mock{}", self.number), "type": "reasoning", "summary": summary});
        if self.is_encrypted {
            item["encrypted_content"] = json!(seal("thought"));
        }
        item
    }

    fn message(&self, content: &[Value], status: &str) -> Value {
        json!({"id": self.message_id(), "type": "message", "status": status, "role": "assistant", "content": content})
    }

    fn message_id(&self) -> String {
        format!("msg_mock{}", self.number)
    }

    /// The whole text or refusal.
    fn part(&self) -> Option<Value> {
        match self.reply.refusal {
            Some(refusal) => Some(json!({"type": "refusal", "refusal": refusal})),
            None if self.reply.text.is_empty() => None,
            None => Some(output_text(&self.reply.text.concat())),
        }
    }

    fn call(&self, index: usize, call: &Call, arguments: &str, status: &str) -> Value {
        let (kind, prefix, field) =
            if call.is_custom { ("custom_tool_call", "ctc", "input") } else { ("function_call", "fc", "arguments") };
        json!({
            "id": format!("{prefix}_mock{}x{index}", self.number), "type": kind, "status": status,
            "call_id": format!("call_mock{}x{index}", self.number), "name": call.name, field: arguments,
        })
    }

    fn stream(&self) -> Stream {
        let mut failed = self.response(&[], false);
        failed["status"] = json!("failed");
        failed["error"] =
            json!({"code": "server_error", "message": "The server had an error while processing your request."});
        let error = json!({"type": "response.failed", "sequence_number": 9_999, "response": failed});
        let error = format!("event: response.failed\ndata: {error}\n\n").into_bytes();
        let mut events = Events { stream: Stream::new(self.reply.usage, self.reply.mid_error, error), number: 0 };
        events.push("response.created", json!({"response": self.response(&[], false)}));
        events.push("response.in_progress", json!({"response": self.response(&[], false)}));
        let mut place = 0;
        if let Some(thought) = &self.reply.thought {
            self.stream_thought(&mut events, thought);
            place += 1;
        }
        if let Some(part) = self.part() {
            self.stream_message(&mut events, place, &part);
            place += 1;
        }
        for (index, call) in self.reply.calls.iter().enumerate() {
            self.stream_call(&mut events, place, index, call);
            place += 1;
        }
        let last = self.response(&self.items(), true);
        let name = if last["status"] == "completed" { "response.completed" } else { "response.incomplete" };
        events.push(name, json!({"response": last}));
        events.stream
    }

    fn stream_thought(&self, events: &mut Events, thought: &str) {
        let id = format!("rs_mock{}", self.number);
        let part = |extra: Value| with(json!({"item_id": id, "output_index": 0, "summary_index": 0}), extra);
        events.push("response.output_item.added", json!({"output_index": 0, "item": self.thought(&[])}));
        events.push("response.reasoning_summary_part.added", part(json!({"part": summary("")})));
        for piece in pieces(thought) {
            events.push("response.reasoning_summary_text.delta", part(json!({"delta": piece})));
        }
        events.push("response.reasoning_summary_text.done", part(json!({"text": thought})));
        events.push("response.reasoning_summary_part.done", part(json!({"part": summary(thought)})));
        events.push("response.output_item.done", json!({"output_index": 0, "item": self.thought(&[summary(thought)])}));
    }

    fn stream_message(&self, events: &mut Events, place: usize, part: &Value) {
        let at = |extra: Value| {
            with(json!({"item_id": self.message_id(), "output_index": place, "content_index": 0}), extra)
        };
        events.push(
            "response.output_item.added",
            json!({"output_index": place, "item": self.message(&[], "in_progress")}),
        );
        if let Some(refusal) = self.reply.refusal {
            events.push("response.content_part.added", at(json!({"part": {"type": "refusal", "refusal": ""}})));
            for piece in pieces(refusal) {
                events.word("response.refusal.delta", at(json!({"delta": piece})));
            }
            events.push("response.refusal.done", at(json!({"refusal": refusal})));
        } else {
            events.push("response.content_part.added", at(json!({"part": output_text("")})));
            for piece in &self.reply.text {
                events.word(
                    "response.output_text.delta",
                    at(json!({"delta": piece, "logprobs": [], "obfuscation": "x"})),
                );
            }
            events.push("response.output_text.done", at(json!({"text": self.reply.text.concat(), "logprobs": []})));
        }
        events.push("response.content_part.done", at(json!({"part": part})));
        let item = self.message(std::slice::from_ref(part), "completed");
        events.push("response.output_item.done", json!({"output_index": place, "item": item}));
    }

    fn stream_call(&self, events: &mut Events, place: usize, index: usize, call: &Call) {
        let item = self.call(index, call, "", "in_progress");
        let at = |extra: Value| with(json!({"item_id": item["id"], "output_index": place}), extra);
        let (name, field) =
            if call.is_custom { ("custom_tool_call_input", "input") } else { ("function_call_arguments", "arguments") };
        let text = call.text();
        events.push("response.output_item.added", json!({"output_index": place, "item": item}));
        for piece in pieces(&text) {
            events.word(&format!("response.{name}.delta"), at(json!({"delta": piece})));
        }
        events.push(&format!("response.{name}.done"), at(json!({field: text, "name": call.name})));
        let done = self.call(index, call, &text, "completed");
        events.push("response.output_item.done", json!({"output_index": place, "item": done}));
    }
}

/// The events so far, numbered.
struct Events {
    stream: Stream,
    number: u32,
}

impl Events {
    fn push(&mut self, name: &str, members: Value) {
        self.event(name, members, false);
    }

    fn word(&mut self, name: &str, members: Value) {
        self.event(name, members, true);
    }

    fn event(&mut self, name: &str, members: Value, is_word: bool) {
        let event = with(json!({"type": name, "sequence_number": self.number}), members);
        self.number += 1;
        self.stream.push(format!("event: {name}\ndata: {event}\n\n").into_bytes(), is_word);
    }
}

fn with(mut object: Value, extra: Value) -> Value {
    if let (Value::Object(object), Value::Object(extra)) = (&mut object, extra) {
        object.extend(extra);
    }
    object
}

fn summary(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

fn usage(figures: Figures) -> Value {
    json!({
        "input_tokens": figures.input, "input_tokens_details": {"cached_tokens": figures.cached},
        "output_tokens": figures.output, "output_tokens_details": {"reasoning_tokens": figures.reasoning},
        "total_tokens": figures.input + figures.output,
    })
}
