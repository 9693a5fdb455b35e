//! Writes chat completions and their streams.

use serde_json::{Map, Value, json};

use crate::mock_provider::answer::CREATED;
use crate::mock_provider::vendors::check::Illegal;
use crate::mock_provider::vendors::directive::Figures;
use crate::mock_provider::vendors::play::{Call, End, Reply};
use crate::mock_provider::vendors::seen::Seen;
use crate::mock_provider::vendors::write::{Stream, Written, pieces};

/// Writes an answer the way the request asked for it.
pub(super) fn write(seen: &Seen, reply: &Reply, number: usize) -> Written {
    if seen.is_streaming { Written::Stream(stream(seen, reply, number)) } else { whole(seen, reply, number) }
}

fn whole(seen: &Seen, reply: &Reply, number: usize) -> Written {
    let choice = |index: u64| json!({"index": index, "message": message(seen, reply, number), "logprobs": logprobs(seen, &reply.text.concat()), "finish_reason": finish(reply.end)});
    let choices: Vec<Value> = (0..seen.choices.max(1)).map(choice).collect();
    let mut body = json!({
        "id": format!("chatcmpl-mock-{number}"), "object": "chat.completion", "created": CREATED, "model": seen.model,
        "choices": choices, "service_tier": "default", "system_fingerprint": "fp_mock",
    });
    if let Some(figures) = reply.usage {
        body["usage"] = usage(figures);
    }
    Written::Whole(body, reply.usage)
}

fn message(seen: &Seen, reply: &Reply, number: usize) -> Value {
    let text = (!reply.text.is_empty()).then(|| reply.text.concat());
    let mut message = json!({"role": "assistant", "content": text, "refusal": reply.refusal, "annotations": []});
    if let Some(thought) = shown_thought(seen, reply) {
        message["reasoning_content"] = json!(thought);
    }
    if !reply.calls.is_empty() {
        let calls = reply.calls.iter().enumerate();
        message["tool_calls"] = calls.map(|(index, call)| call_json(call, &id(number, index))).collect();
    }
    message
}

/// OpenAI keeps thoughts to itself here; servers of open models show them in a field of their own.
fn shown_thought<'a>(seen: &Seen, reply: &'a Reply) -> Option<&'a str> {
    reply.thought.as_deref().filter(|_| !seen.model.starts_with("gpt-"))
}

fn id(number: usize, index: usize) -> String {
    format!("call_mock{number}x{index}")
}

fn call_json(call: &Call, id: &str) -> Value {
    if call.is_custom {
        return json!({"id": id, "type": "custom", "custom": {"name": call.name, "input": call.text()}});
    }
    json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": call.text()}})
}

const fn finish(end: End) -> &'static str {
    match end {
        End::Stop | End::Refusal => "stop",
        End::Length => "length",
        End::Calls => "tool_calls",
        End::Filter => "content_filter",
    }
}

fn logprobs(seen: &Seen, text: &str) -> Value {
    if !seen.wants_logprobs {
        return Value::Null;
    }
    json!({"content": [{"token": text, "logprob": -0.25, "bytes": text.as_bytes(), "top_logprobs": []}], "refusal": null})
}

fn usage(figures: Figures) -> Value {
    json!({
        "prompt_tokens": figures.input, "completion_tokens": figures.output, "total_tokens": figures.input + figures.output,
        "prompt_tokens_details": {"cached_tokens": figures.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": figures.reasoning, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

fn stream(seen: &Seen, reply: &Reply, number: usize) -> Stream {
    let error = super::error(&Illegal {
        status: 500,
        ..Illegal::new("The server had an error while processing your request.")
    });
    let mut writer = Writer {
        stream: Stream::new(
            reply.usage.filter(|_| seen.wants_usage),
            reply.mid_error,
            format!("data: {error}\n\n").into_bytes(),
        ),
        model: &seen.model,
        number,
        names_usage: seen.wants_usage,
    };
    for choice in 0..seen.choices.max(1) {
        writer.choice(seen, reply, choice);
    }
    for choice in 0..seen.choices.max(1) {
        writer.event(
            json!([{"index": choice, "delta": {}, "logprobs": null, "finish_reason": finish(reply.end)}]),
            false,
        );
    }
    if let (true, Some(figures)) = (seen.wants_usage, reply.usage) {
        writer.last(figures);
    }
    writer.stream.push(b"data: [DONE]\n\n".to_vec(), false);
    writer.stream
}

struct Writer<'a> {
    stream: Stream,
    model: &'a str,
    number: usize,
    names_usage: bool,
}

impl Writer<'_> {
    fn choice(&mut self, seen: &Seen, reply: &Reply, choice: u64) {
        self.delta(choice, &json!({"role": "assistant", "content": if reply.calls.is_empty() { json!("") } else { Value::Null }, "refusal": null}), false);
        for piece in pieces(shown_thought(seen, reply).unwrap_or_default()) {
            self.delta(choice, &json!({"reasoning_content": piece}), false);
        }
        for piece in &reply.text {
            let choices = json!([{"index": choice, "delta": {"content": piece}, "logprobs": logprobs(seen, piece), "finish_reason": null}]);
            self.event(choices, true);
        }
        for piece in pieces(reply.refusal.unwrap_or_default()) {
            self.delta(choice, &json!({"refusal": piece}), true);
        }
        // Parallel calls one after another, each beginning with its name.
        for (index, call) in reply.calls.iter().enumerate() {
            let mut opening = call_json(call, &id(self.number, index));
            opening["index"] = json!(index);
            let (kind, field) = if call.is_custom { ("custom", "input") } else { ("function", "arguments") };
            opening[kind][field] = json!("");
            self.delta(choice, &json!({"tool_calls": [opening]}), true);
            for piece in pieces(&call.text()) {
                self.delta(choice, &json!({"tool_calls": [{"index": index, kind: {field: piece}}]}), true);
            }
        }
    }

    fn delta(&mut self, choice: u64, delta: &Value, is_word: bool) {
        self.event(json!([{"index": choice, "delta": delta, "logprobs": null, "finish_reason": null}]), is_word);
    }

    fn event(&mut self, choices: Value, is_word: bool) {
        let mut chunk = self.chunk(choices);
        if self.names_usage {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        self.push(chunk, is_word);
    }

    fn last(&mut self, figures: Figures) {
        let mut chunk = self.chunk(json!([]));
        chunk.insert("usage".to_owned(), usage(figures));
        self.push(chunk, false);
    }

    fn chunk(&self, choices: Value) -> Map<String, Value> {
        let mut chunk = Map::new();
        chunk.insert("id".to_owned(), json!(format!("chatcmpl-mock-{}", self.number)));
        chunk.insert("object".to_owned(), json!("chat.completion.chunk"));
        chunk.insert("created".to_owned(), json!(CREATED));
        chunk.insert("model".to_owned(), json!(self.model));
        chunk.insert("service_tier".to_owned(), json!("default"));
        chunk.insert("system_fingerprint".to_owned(), json!("fp_mock"));
        chunk.insert("choices".to_owned(), choices);
        chunk
    }

    fn push(&mut self, chunk: Map<String, Value>, is_word: bool) {
        self.stream.push(format!("data: {}\n\n", Value::Object(chunk)).into_bytes(), is_word);
    }
}
