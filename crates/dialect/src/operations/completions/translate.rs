//! A completion by way of a chat.

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};

use crate::canonical::{Answer, Conversation, Delta, Event, Finish, Opening, Part, Role, Text, Turn};
use crate::errors::ErrorNote;
use crate::fields::RequestError;
use crate::openai_chat::{error, finish, read, usage};
use crate::request::Echo;
use crate::stream::Encode;

/// Fields of completions that chat has not, or has with another meaning.
const OWN_FIELDS: [&str; 3] = ["suffix", "echo", "best_of"];

/// Reads the prompt as a message and the other fields as chat's.
pub fn conversation(body: &[u8]) -> Result<Conversation, RequestError> {
    let mut members: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|cause| RequestError::Malformed { line: cause.line(), column: cause.column() })?;
    let prompt = prompt(members.remove("prompt").unwrap_or_default())?;
    let logprobs = members.remove("logprobs").and_then(|others| others.as_u64());
    let own = OWN_FIELDS.map(|field| (field, members.remove(field)));
    members.insert("messages".to_owned(), json!([{"role": "user", "content": ""}]));
    let mut conversation = read::conversation(Value::Object(members).to_string().as_bytes())?;
    let text = Part::Text(Text { text: prompt, ..Text::default() });
    conversation.turns = vec![Turn { role: Role::User, name: None, parts: vec![text] }];
    conversation.logprobs = logprobs;
    let asks = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null() && *value != json!(false));
    let asked =
        own.into_iter().filter(|(field, value)| asks(value) && !(*field == "best_of" && *value == Some(json!(1))));
    conversation.unread.extend(asked.map(|(field, _)| field.to_owned()));
    Ok(conversation)
}

fn prompt(prompt: Value) -> Result<String, RequestError> {
    match prompt {
        Value::String(text) => Ok(text),
        Value::Array(texts) => match <[Value; 1]>::try_from(texts) {
            Ok([Value::String(text)]) => Ok(text),
            _ => Err(read::invalid("prompt", "must be one text for a model that only chats")),
        },
        _ => Err(read::invalid("prompt", "must be a text")),
    }
}

/// Writes an answer as a completion: what was said, without thoughts and calls.
pub fn write(answer: &Answer, echo: &Echo) -> Bytes {
    let choices = answer.choices.iter().enumerate().map(|(index, said)| {
        let text: String = said.parts.iter().filter_map(spoken).collect();
        let finish = finish::write(said.finish.as_ref().unwrap_or(&Finish::Stop), false);
        json!({"text": text, "index": index, "logprobs": null, "finish_reason": reason(finish)})
    });
    let mut written = head(answer.id.as_deref(), answer.created, answer.model.as_deref(), echo);
    written.insert("choices".to_owned(), choices.collect());
    if let Some(figures) = &answer.usage {
        written.insert("usage".to_owned(), usage::to_wire(figures));
    }
    Value::Object(written).to_string().into()
}

fn spoken(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(&text.text),
        Part::Refusal(text) => Some(text),
        Part::Media(_) | Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => None,
    }
}

/// Completions know no tools.
fn reason(chat: &str) -> &str {
    if chat == "tool_calls" { "stop" } else { chat }
}

fn head(id: Option<&str>, created: Option<i64>, model: Option<&str>, echo: &Echo) -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("id".to_owned(), id.map_or_else(|| format!("cmpl-{}", echo.id), str::to_owned).into());
    head.insert("object".to_owned(), "text_completion".into());
    head.insert("created".to_owned(), created.unwrap_or(echo.created).into());
    head.insert("model".to_owned(), model.unwrap_or(&echo.model).into());
    head
}

/// Writes events as a stream of completions.
#[derive(Debug)]
pub struct Encoder {
    echo: Echo,
    head: Map<String, Value>,
    /// The open parts whose text is written.
    spoken: Vec<(u32, u32)>,
    finishes: Vec<(u32, Finish)>,
    usage: Option<Value>,
    is_over: bool,
}

impl Encoder {
    /// A writer of a stream that has not begun.
    pub fn new(echo: Echo) -> Self {
        let head = head(None, None, None, &echo);
        Self { echo, head, spoken: vec![], finishes: vec![], usage: None, is_over: false }
    }

    fn chunk(&self, choices: &Value, usage: Option<&Value>, out: &mut BytesMut) {
        let mut chunk = self.head.clone();
        chunk.insert("choices".to_owned(), choices.clone());
        if self.echo.wants_usage {
            chunk.insert("usage".to_owned(), usage.cloned().unwrap_or_default());
        }
        out.extend_from_slice(format!("data: {}\n\n", Value::Object(chunk)).as_bytes());
    }

    fn text(&self, choice: u32, text: &str, finish: Option<&str>, out: &mut BytesMut) {
        let choice = json!([{"text": text, "index": choice, "logprobs": null, "finish_reason": finish}]);
        self.chunk(&choice, None, out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        let mut finishes = std::mem::take(&mut self.finishes);
        if finishes.is_empty() {
            finishes.push((0, Finish::Stop));
        }
        for (choice, finish) in finishes {
            self.text(choice, "", Some(reason(finish::write(&finish, false))), out);
        }
        if let Some(usage) = self.usage.take().filter(|_| self.echo.wants_usage) {
            self.chunk(&json!([]), Some(&usage), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.is_over = true;
    }
}

impl Encode for Encoder {
    fn write(&mut self, event: Event, out: &mut BytesMut) {
        if self.is_over {
            return;
        }
        match event {
            Event::Start { id, model, created } => {
                self.head = head(id.as_deref(), created, model.as_deref(), &self.echo);
            }
            Event::Open { choice, part, opening: Opening::Text | Opening::Refusal } => self.spoken.push((choice, part)),
            Event::Delta { choice, part, delta: Delta::Text(text) } if self.spoken.contains(&(choice, part)) => {
                self.text(choice, &text, None, out);
            }
            Event::Close { choice, part } => self.spoken.retain(|open| *open != (choice, part)),
            Event::Finish { choice, finish } => self.finishes.push((choice, finish)),
            Event::Usage(figures) => self.usage = Some(usage::to_wire(&figures)),
            Event::Done => self.end(out),
            Event::Open { .. } | Event::Delta { .. } | Event::ServiceTier(_) | Event::Failed(_) => {}
        }
    }

    fn fail(&mut self, note: &ErrorNote<'_>, out: &mut BytesMut) {
        self.is_over = true;
        out.extend_from_slice(&error::render_event(note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Choice, Reasoning};
    use megarouter_domain::usage::Usage;

    fn answer() -> Answer {
        let thought = Part::Reasoning(Reasoning { text: "hm".to_owned(), ..Reasoning::default() });
        let text = Part::Text(Text { text: "and so on".to_owned(), ..Text::default() });
        let choice = Choice { parts: vec![thought, text], finish: Some(Finish::Length), logprobs: None };
        let usage = Some(Usage { input: Some(1), output: Some(2), ..Usage::UNREPORTED });
        Answer { choices: vec![choice], usage, ..Answer::default() }
    }

    fn echo() -> Echo {
        Echo { id: "7".to_owned(), model: "m".to_owned(), created: 3, wants_usage: true, ..Echo::default() }
    }

    #[test]
    fn a_prompt_is_a_message_and_the_rest_is_as_in_chat() {
        let body = br#"{"model":"m","prompt":["once"],"max_tokens":5,"logprobs":2,"stop":"x","echo":true,"best_of":1,"suffix":null}"#;
        let read = conversation(body).unwrap();
        assert_eq!((read.max_output_tokens, read.logprobs, read.stop), (Some(5), Some(2), vec!["x".to_owned()]));
        assert!(matches!(&read.turns[0].parts[..], [Part::Text(text)] if text.text == "once"));
        assert_eq!(read.unread, ["echo"]);
        for several in [r#"{"prompt":["a","b"]}"#, r#"{"prompt":[1,2]}"#, r#"{"prompt":[[1]]}"#] {
            assert_eq!(conversation(several.as_bytes()).unwrap_err().param(), Some("prompt"));
        }
    }

    #[test]
    fn an_answer_is_a_completion() {
        let expected = json!({
            "id": "cmpl-7", "object": "text_completion", "created": 3, "model": "m",
            "choices": [{"text": "and so on", "index": 0, "logprobs": null, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        });
        assert_eq!(serde_json::from_slice::<Value>(&write(&answer(), &echo())).unwrap(), expected);
    }

    #[test]
    fn a_stream_is_one_of_completions() {
        let mut encoder = Encoder::new(echo());
        let mut out = BytesMut::new();
        for event in answer().events() {
            encoder.write(event, &mut out);
        }
        insta::assert_snapshot!(String::from_utf8(out.to_vec()).unwrap());
    }
}
