//! The four dialects as templates: a stream's events and a whole answer, with the figures as told.

use serde_json::{Value, json};

use super::play::{Figures, Play};

/// A wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Messages,
    /// Google's generated content.
    Gemini,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::Chat, Self::Responses, Self::Messages, Self::Gemini];

    /// The dialect that is spoken at a path.
    pub(super) fn of_path(path: &str) -> Self {
        match path {
            path if path.contains("/messages") => Self::Messages,
            path if path.contains("/responses") => Self::Responses,
            path if path.contains("enerateContent") => Self::Gemini,
            _ => Self::Chat,
        }
    }

    /// The model that the setup of [`super::setup`] serves by it, as clients name it.
    pub const fn model(self) -> &'static str {
        match self {
            Self::Chat => "evil-chat",
            Self::Responses => "evil-responses",
            Self::Messages => "evil-messages",
            Self::Gemini => "evil-gemini",
        }
    }

    /// The path at which a client calls `model` in this dialect.
    pub fn path(self, model: &str, is_streaming: bool) -> String {
        match (self, is_streaming) {
            (Self::Chat, _) => "/v1/chat/completions".to_owned(),
            (Self::Responses, _) => "/v1/responses".to_owned(),
            (Self::Messages, _) => "/v1/messages".to_owned(),
            (Self::Gemini, true) => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            (Self::Gemini, false) => format!("/v1beta/models/{model}:generateContent"),
        }
    }

    /// A request that names the play `name`.
    pub fn request(self, model: &str, name: &str, is_streaming: bool) -> Value {
        let prompt = format!("Say a few words. {}", super::mark(name));
        match self {
            Self::Responses => {
                json!({"model": model, "stream": is_streaming, "max_output_tokens": 1_000, "input": prompt})
            }
            Self::Chat | Self::Messages => json!({
                "model": model, "stream": is_streaming, "max_tokens": 1_000,
                "messages": [{"role": "user", "content": prompt}],
            }),
            Self::Gemini => json!({
                "contents": [{"role": "user", "parts": [{"text": prompt}]}],
                "generationConfig": {"maxOutputTokens": 1_000},
            }),
        }
    }

    /// What only a stream that ended well has in it.
    pub const fn end_mark(self) -> &'static str {
        match self {
            Self::Chat => "data: [DONE]",
            Self::Responses => "\"response.completed\"",
            Self::Messages => "\"message_stop\"",
            Self::Gemini => "\"finishReason\"",
        }
    }

    /// Whether `text`, a client's stream in this dialect, tells of an error.
    pub fn tells_error(self, text: &str) -> bool {
        let mut payloads = text.lines().filter_map(|line| line.strip_prefix("data:"));
        payloads.any(|payload| {
            let Ok(event) = serde_json::from_str::<Value>(payload.trim()) else { return false };
            event["error"].is_object() || matches!(event["type"].as_str(), Some("error" | "response.failed"))
        })
    }

    /// The byte of the usual stream at which the event of its `index`th word begins.
    pub fn before_word(self, index: u32) -> usize {
        let stream = self.stream(&Play::default());
        let text = String::from_utf8_lossy(&stream);
        let word = text.find(&format!("word{index} ")).unwrap_or(text.len());
        text[..word].rfind("\n\n").map_or(0, |end| end + 2)
    }

    /// The stream that a play is about.
    pub fn stream(self, play: &Play) -> Vec<u8> {
        let mut events = self.beginning(play);
        for index in 0..play.words {
            let is_last = index + 1 == play.words;
            let told = usize::try_from(index).ok().and_then(|index| play.figures.get(index));
            // The last figures come with the end.
            let told = told.filter(|_| !is_last && usize::try_from(index + 1).is_ok_and(|it| it < play.figures.len()));
            events.push(self.word(&format!("word{index} "), told));
        }
        events.extend(self.end(play));
        events.concat().into_bytes()
    }

    /// The event of a word.
    pub(super) fn word(self, text: &str, told: Option<&Figures>) -> String {
        match self {
            Self::Chat => {
                let mut chunk = chat_chunk(&json!([{"index": 0, "delta": {"content": text}, "finish_reason": null}]));
                told.inspect(|told| chunk["usage"] = chat_usage(told));
                unnamed(&chunk)
            }
            Self::Responses => named(&json!({
                "type": "response.output_text.delta", "sequence_number": 4, "item_id": "msg_evil", "output_index": 0,
                "content_index": 0, "delta": text, "logprobs": [],
            })),
            Self::Messages => {
                let delta =
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
                let usage = told.map(|told| named(&message_delta(&Value::Null, Some(told)))).unwrap_or_default();
                format!("{}{usage}", named(&delta))
            }
            Self::Gemini => unnamed(&gemini_chunk(text, None, told)),
        }
    }

    fn beginning(self, play: &Play) -> Vec<String> {
        match self {
            Self::Chat => vec![unnamed(&chat_chunk(
                &json!([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]),
            ))],
            Self::Responses => vec![
                named(&json!({"type": "response.created", "sequence_number": 0, "response": response(play, false)})),
                named(&json!({
                    "type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
                    "item": message_item("", "in_progress"),
                })),
                named(&json!({
                    "type": "response.content_part.added", "sequence_number": 2, "item_id": "msg_evil",
                    "output_index": 0, "content_index": 0, "part": output_text(""),
                })),
            ],
            Self::Messages => {
                let mut message = message(&json!([]), &Value::Null);
                if let Some(first) = play.figures.first() {
                    message["usage"] = json!({"input_tokens": first.input, "output_tokens": 1});
                }
                vec![
                    named(&json!({"type": "message_start", "message": message})),
                    named(&json!({
                        "type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""},
                    })),
                ]
            }
            Self::Gemini => Vec::new(),
        }
    }

    fn end(self, play: &Play) -> Vec<String> {
        let last = play.figures.last();
        match self {
            Self::Chat => {
                let stop = chat_chunk(&json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]));
                let mut usage = chat_chunk(&json!([]));
                last.inspect(|told| usage["usage"] = chat_usage(told));
                let usage = last.map(|_| unnamed(&usage)).unwrap_or_default();
                vec![unnamed(&stop), usage, "data: [DONE]\n\n".to_owned()]
            }
            Self::Responses => {
                let text = words(play);
                vec![
                    named(&json!({
                        "type": "response.output_text.done", "sequence_number": 5, "item_id": "msg_evil",
                        "output_index": 0, "content_index": 0, "text": text, "logprobs": [],
                    })),
                    named(&json!({
                        "type": "response.output_item.done", "sequence_number": 6, "output_index": 0,
                        "item": message_item(&text, "completed"),
                    })),
                    named(&json!({
                        "type": "response.completed", "sequence_number": 7, "response": response(play, true),
                    })),
                ]
            }
            Self::Messages => vec![
                named(&json!({"type": "content_block_stop", "index": 0})),
                named(&message_delta(&json!("end_turn"), last)),
                named(&json!({"type": "message_stop"})),
            ],
            Self::Gemini => vec![unnamed(&gemini_chunk("", Some("STOP"), last))],
        }
    }

    /// The whole answer that a play is about.
    pub fn whole(self, play: &Play) -> Vec<u8> {
        let (text, told) = (words(play), play.figures.last());
        let body = match self {
            Self::Chat => {
                let mut body = chat_chunk(&json!([{
                    "index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop",
                }]));
                body["object"] = json!("chat.completion");
                told.inspect(|told| body["usage"] = chat_usage(told));
                body
            }
            Self::Responses => response(play, true),
            Self::Messages => {
                let mut body = message(&json!([{"type": "text", "text": text}]), &json!("end_turn"));
                body["usage"] = told.map(messages_usage).unwrap_or_default();
                body
            }
            Self::Gemini => gemini_chunk(&text, Some("STOP"), told),
        };
        body.to_string().into_bytes()
    }
}

fn words(play: &Play) -> String {
    (0..play.words).map(|index| format!("word{index} ")).collect()
}

fn unnamed(event: &Value) -> String {
    format!("data: {event}\n\n")
}

fn named(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}

fn chat_chunk(choices: &Value) -> Value {
    json!({
        "id": "chatcmpl-evil", "object": "chat.completion.chunk", "created": 1_793_491_200, "model": "evil",
        "choices": choices,
    })
}

fn chat_usage(told: &Figures) -> Value {
    let sum = told.input.as_i64().unwrap_or(0).saturating_add(told.output.as_i64().unwrap_or(0));
    json!({"prompt_tokens": told.input, "completion_tokens": told.output, "total_tokens": sum})
}

fn message(content: &Value, stop_reason: &Value) -> Value {
    json!({
        "id": "msg_evil", "type": "message", "role": "assistant", "model": "evil", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null,
    })
}

fn messages_usage(told: &Figures) -> Value {
    json!({"input_tokens": told.input, "output_tokens": told.output})
}

fn message_delta(stop_reason: &Value, told: Option<&Figures>) -> Value {
    let mut event = json!({"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null}});
    told.inspect(|told| event["usage"] = messages_usage(told));
    event
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

fn message_item(text: &str, status: &str) -> Value {
    let content = if status == "completed" { json!([output_text(text)]) } else { json!([]) };
    json!({"id": "msg_evil", "type": "message", "status": status, "role": "assistant", "content": content})
}

fn response(play: &Play, is_over: bool) -> Value {
    let output = if is_over { json!([message_item(&words(play), "completed")]) } else { json!([]) };
    let usage = play.figures.last().filter(|_| is_over).map(|told| {
        let sum = told.input.as_i64().unwrap_or(0).saturating_add(told.output.as_i64().unwrap_or(0));
        json!({
            "input_tokens": told.input, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": told.output,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": sum,
        })
    });
    json!({
        "id": "resp_evil", "object": "response", "created_at": 1_793_491_200, "model": "evil", "output": output,
        "status": if is_over { "completed" } else { "in_progress" }, "error": null, "incomplete_details": null,
        "usage": usage,
    })
}

fn gemini_chunk(text: &str, finish: Option<&str>, told: Option<&Figures>) -> Value {
    let mut candidate = json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    finish.inspect(|finish| candidate["finishReason"] = json!(finish));
    let mut chunk = json!({"candidates": [candidate], "modelVersion": "evil", "responseId": "evil"});
    told.inspect(|told| {
        chunk["usageMetadata"] = json!({"promptTokenCount": told.input, "candidatesTokenCount": told.output});
    });
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_ends_in_its_mark_and_says_all_words() {
        for dialect in Dialect::ALL {
            let text = String::from_utf8(dialect.stream(&Play::default())).unwrap();
            let place = text.rfind(dialect.end_mark()).unwrap();
            assert!(place > text.find("word7 ").unwrap(), "{text}");
            assert!(!dialect.tells_error(&text));
        }
    }

    #[test]
    fn figures_are_told_one_after_another_and_the_last_with_the_end() {
        let play = Play::claiming([Figures::of(1, 50), Figures::of(1, 20), Figures::of(1, 9)]);
        let text = String::from_utf8(Dialect::Gemini.stream(&play)).unwrap();
        let told: Vec<&str> =
            text.match_indices("\"candidatesTokenCount\":").map(|(at, it)| &text[at + it.len()..][..2]).collect();
        assert_eq!(told, ["50", "20", "9}"]);
        assert!(!String::from_utf8(Dialect::Chat.stream(&Play::claiming([]))).unwrap().contains("usage"));
    }
}
