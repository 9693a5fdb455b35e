//! What all chunks of a stream have in common.

use bytes::{BufMut, BytesMut};
use serde_json::Value;

use crate::request::Echo;

/// The members round the choices.
#[derive(Debug)]
pub struct Frame {
    id: String,
    model: String,
    created: i64,
    tier: Option<String>,
    /// The members before the choices, as JSON; made anew when one of them changes.
    head: String,
    /// What follows the choices.
    tail: &'static str,
}

impl Frame {
    /// A frame of what the request says.
    pub fn new(echo: &Echo) -> Self {
        let id = format!("chatcmpl-{}", echo.id);
        let tail = if echo.wants_usage { "],\"usage\":null}\n\n" } else { "]}\n\n" };
        let (model, created) = (echo.model.clone(), echo.created);
        Self { id, model, created, tier: None, head: String::new(), tail }.with_head()
    }

    /// Takes what the provider says of its answer.
    pub fn start(&mut self, id: Option<String>, model: Option<String>, created: Option<i64>) {
        self.id = id.unwrap_or(std::mem::take(&mut self.id));
        self.model = model.unwrap_or(std::mem::take(&mut self.model));
        self.created = created.unwrap_or(self.created);
        self.head = self.make_head();
    }

    /// Takes the class of service.
    pub fn tier(&mut self, tier: String) {
        self.tier = Some(tier);
        self.head = self.make_head();
    }

    fn with_head(mut self) -> Self {
        self.head = self.make_head();
        self
    }

    fn make_head(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let (id, created, model) = (text(&self.id), self.created, text(&self.model));
        let tier = self.tier.as_deref().map(|tier| format!("\"service_tier\":{},", text(tier))).unwrap_or_default();
        format!(
            "data: {{\"id\":{id},\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":{model},{tier}\"choices\":["
        )
    }

    /// A chunk of one choice, with the members of its delta as JSON.
    pub fn delta(&self, choice: u32, members: &str, out: &mut BytesMut) {
        self.chunk(choice, &[members.as_bytes()], None, None, out);
    }

    /// A chunk of one choice with one text in its delta.
    pub fn text(&self, choice: u32, name: &str, text: &str, out: &mut BytesMut) {
        self.begin(choice, out);
        out.put_u8(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        put_string(text, out);
        self.finish(None, None, out);
    }

    /// A chunk of one choice with a piece of a call's arguments, or of its input.
    pub fn arguments(&self, choice: u32, call: usize, is_custom: bool, text: &str, out: &mut BytesMut) {
        self.begin(choice, out);
        let (kind, name) = if is_custom { ("custom", "input") } else { ("function", "arguments") };
        out.extend_from_slice(format!("\"tool_calls\":[{{\"index\":{call},\"{kind}\":{{\"{name}\":").as_bytes());
        put_string(text, out);
        out.extend_from_slice(b"}}]");
        self.finish(None, None, out);
    }

    /// A chunk of one choice without content: probabilities, or the reason of its end.
    pub fn without_content(&self, choice: u32, logprobs: Option<&Value>, reason: Option<&str>, out: &mut BytesMut) {
        self.chunk(choice, &[], logprobs, reason, out);
    }

    /// The extra chunk with the figures.
    pub fn usage(&self, figures: &Value, out: &mut BytesMut) {
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(format!("],\"usage\":{figures}}}\n\n").as_bytes());
    }

    fn chunk(
        &self,
        choice: u32,
        members: &[&[u8]],
        logprobs: Option<&Value>,
        reason: Option<&str>,
        out: &mut BytesMut,
    ) {
        self.begin(choice, out);
        for member in members {
            out.extend_from_slice(member);
        }
        self.finish(logprobs, reason, out);
    }

    fn begin(&self, choice: u32, out: &mut BytesMut) {
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(format!("{{\"index\":{choice},\"delta\":{{").as_bytes());
    }

    fn finish(&self, logprobs: Option<&Value>, reason: Option<&str>, out: &mut BytesMut) {
        match logprobs {
            Some(logprobs) => out.extend_from_slice(format!("}},\"logprobs\":{logprobs}").as_bytes()),
            None => out.extend_from_slice(b"},\"logprobs\":null"),
        }
        match reason {
            Some(reason) => out.extend_from_slice(format!(",\"finish_reason\":\"{reason}\"}}").as_bytes()),
            None => out.extend_from_slice(b",\"finish_reason\":null}"),
        }
        out.extend_from_slice(self.tail.as_bytes());
    }
}

fn put_string(text: &str, out: &mut BytesMut) {
    serde_json::to_writer(out.writer(), text).expect("a string always serialises");
}
