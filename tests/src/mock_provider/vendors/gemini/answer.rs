//! Writes generated content and its streams.

use serde_json::{Value, json};

use crate::mock_provider::vendors::check::{Illegal, seal};
use crate::mock_provider::vendors::directive::Figures;
use crate::mock_provider::vendors::play::{Call, End, Reply};
use crate::mock_provider::vendors::seen::Seen;
use crate::mock_provider::vendors::write::{Stream, Written, pieces};

/// Writes an answer the way the request asked for it.
pub(super) fn write(seen: &Seen, reply: &Reply, is_sse: bool, number: usize) -> Written {
    let writer = Writer { seen, reply, number };
    match (seen.is_streaming, is_sse) {
        (false, _) => writer.whole(),
        (true, true) => Written::Stream(writer.stream(|chunk, _| format!("data: {}\r\n\r\n", one_line(chunk)), "")),
        (true, false) => {
            let array =
                |chunk: &Value, is_first: bool| if is_first { format!("[{chunk}") } else { format!(",\r\n{chunk}") };
            Written::Stream(writer.stream(array, "]").json())
        }
    }
}

/// A chunk without the characters that Google escapes, and at which its Python SDK breaks lines.
fn one_line(chunk: &Value) -> String {
    chunk.to_string().replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

struct Writer<'a> {
    seen: &'a Seen,
    reply: &'a Reply,
    number: usize,
}

impl Writer<'_> {
    fn whole(&self) -> Written {
        if self.reply.is_blocked {
            return Written::Whole(self.blocked(), self.reply.usage);
        }
        let mut parts = Vec::new();
        parts.extend(self.reply.thought.as_ref().map(|thought| json!({"text": thought, "thought": true})));
        let text = self.text().concat();
        if !text.is_empty() {
            parts.push(signed(json!({"text": text}), self.seen.thinks));
        }
        parts.extend(self.reply.calls.iter().enumerate().map(|(index, call)| self.call(call, index)));
        let candidate = |index: u64| {
            let mut candidate =
                json!({"content": {"parts": parts, "role": "model"}, "finishReason": self.finish(), "index": index});
            if self.seen.wants_logprobs {
                candidate["avgLogprobs"] = json!(-0.25);
                candidate["logprobsResult"] =
                    json!({"chosenCandidates": [{"token": text, "logProbability": -0.25}], "topCandidates": []});
            }
            candidate
        };
        let candidates: Vec<Value> = (0..self.seen.choices).map(candidate).collect();
        let mut body = self.frame(&json!(candidates));
        body["usageMetadata"] = self.reply.usage.map_or(json!({}), usage);
        Written::Whole(body, self.reply.usage)
    }

    /// What is left of an answer to a prompt that was blocked.
    fn blocked(&self) -> Value {
        json!({
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": self.seen.model,
            "usageMetadata": self.reply.usage.map(usage),
        })
    }

    fn frame(&self, candidates: &Value) -> Value {
        json!({"candidates": candidates, "modelVersion": self.seen.model, "responseId": format!("mock{}", self.number)})
    }

    /// The text, in pieces; a refusal has none.
    fn text(&self) -> &[String] {
        &self.reply.text
    }

    const fn finish(&self) -> &'static str {
        match self.reply.end {
            End::Stop | End::Calls => "STOP",
            End::Length => "MAX_TOKENS",
            End::Refusal | End::Filter => "SAFETY",
        }
    }

    fn is_new(&self) -> bool {
        self.seen.model.starts_with("gemini-3")
    }

    /// A call; the newer models give it an id, and the first one of a step a signature.
    fn call(&self, call: &Call, index: usize) -> Value {
        let mut inner = json!({"name": call.name, "args": call.arguments});
        if self.is_new() {
            inner["id"] = json!(format!("mock{}x{index}", self.number));
        }
        signed(json!({"functionCall": inner}), index == 0 && (self.is_new() || self.seen.thinks))
    }

    fn stream(&self, frame: impl Fn(&Value, bool) -> String, end: &str) -> Stream {
        let error =
            super::error(&Illegal { status: 503, ..Illegal::new("The model is overloaded. Please try again later.") });
        let mut stream = Stream::new(self.reply.usage, self.reply.mid_error, frame(&error, false).into_bytes());
        if self.reply.is_blocked {
            stream.push(frame(&self.blocked(), true).into_bytes(), true);
            stream.push(end.as_bytes().to_vec(), false);
            return stream;
        }
        let mut is_first = true;
        let so_far = self
            .reply
            .usage
            .map(|figures| json!({"promptTokenCount": figures.input, "totalTokenCount": figures.input}));
        let mut push = |part: Value, finish: Option<&str>, is_word: bool| {
            let mut candidate = json!({"content": {"parts": [part], "role": "model"}, "index": 0});
            let mut chunk_usage = so_far.clone();
            if let Some(finish) = finish {
                candidate["finishReason"] = json!(finish);
                chunk_usage = self.reply.usage.map(usage);
            }
            let mut chunk = self.frame(&json!([candidate]));
            chunk["usageMetadata"] = chunk_usage.unwrap_or(json!({}));
            stream.push(frame(&chunk, is_first).into_bytes(), is_word);
            is_first = false;
        };
        for piece in pieces(self.reply.thought.as_deref().unwrap_or_default()) {
            push(json!({"text": piece, "thought": true}), None, false);
        }
        for piece in self.text() {
            push(json!({"text": piece}), None, true);
        }
        for (index, call) in self.reply.calls.iter().enumerate() {
            push(self.call(call, index), None, true);
        }
        // The signature of a text comes last, in a part without text.
        let is_signed = self.seen.thinks && self.reply.calls.is_empty();
        push(signed(json!({"text": ""}), is_signed), Some(self.finish()), false);
        stream.push(end.as_bytes().to_vec(), false);
        stream
    }
}

/// Google's classes: the thoughts are not part of the candidates' tokens.
fn usage(figures: Figures) -> Value {
    let mut usage = json!({
        "promptTokenCount": figures.input, "candidatesTokenCount": figures.output - figures.reasoning,
        "totalTokenCount": figures.input + figures.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": figures.input}],
    });
    if figures.cached > 0 {
        usage["cachedContentTokenCount"] = json!(figures.cached);
    }
    if figures.reasoning > 0 {
        usage["thoughtsTokenCount"] = json!(figures.reasoning);
    }
    usage
}

fn signed(mut part: Value, is_signed: bool) -> Value {
    if is_signed {
        part["thoughtSignature"] = json!(seal("thought"));
    }
    part
}
