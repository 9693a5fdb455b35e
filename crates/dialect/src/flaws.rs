//! What can be seen to be wrong with an answer without understanding it.
//!
//! Cheap checks on a whole answer against what was asked for: is anything there, did it end by itself, is
//! it what was asked for in form. They say nothing about whether it is right.

use serde_json::{Map, Value};

use crate::canonical::{
    Answer, Choice, Collector, Conversation, Event, Finish, Format, Part, Tool, ToolCall, ToolKind,
};
use crate::dialects;
use megarouter_domain::dialect::Dialect;

/// Something wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing is there: no text, no call, no medium.
    Empty,
    /// It was cut at its bound, or held back by the provider.
    CutShort,
    /// The model declined.
    Refusal,
    /// It does not keep to the schema that was asked for.
    BrokeSchema,
    /// It calls a tool that there is not, or with what is no JSON object.
    BrokeTool,
}

/// The longest text that is taken for nothing but a refusal, in bytes.
const LONGEST_REFUSAL: usize = 600;

/// How refusals begin, in lower case.
const REFUSALS: [&str; 10] = [
    "i'm sorry, but i can",
    "i\u{2019}m sorry, but i can",
    "i am sorry, but i can",
    "sorry, but i can",
    "sorry, i can",
    "i cannot help with",
    "i can't help with",
    "i can't assist with",
    "i cannot assist with",
    "as an ai language model, i can",
];

/// How deep a schema is followed.
const DEEPEST: usize = 16;

impl Flaw {
    /// Every flaw.
    pub const ALL: &[Self] = &[Self::Empty, Self::CutShort, Self::Refusal, Self::BrokeSchema, Self::BrokeTool];

    /// What is wrong, as the rest of a sentence on an answer.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Empty => "was empty",
            Self::CutShort => "was cut short",
            Self::Refusal => "was a refusal",
            Self::BrokeSchema => "did not keep to the schema that was asked for",
            Self::BrokeTool => "called a tool that there is not, or with what is no JSON object",
        }
    }
}

/// An answer as the client gets it: whole, or all that was streamed.
pub fn read(dialect: Dialect, body: &[u8], is_stream: bool) -> Option<Answer> {
    if !is_stream {
        return dialects::read_answer(dialect, body).ok();
    }
    let mut decoder = dialects::decoder(dialect);
    let (mut events, mut collector) = (vec![], Collector::default());
    decoder.push(body.to_vec().into(), &mut events).ok()?;
    decoder.finish(&mut events);
    for event in events {
        if let Event::Failed(_) = event {
            return None;
        }
        collector.push(event);
    }
    Some(collector.finish())
}

/// What is wrong with an answer, among the flaws that are looked for.
pub fn find(answer: &Answer, asked: &Conversation, looked_for: impl Fn(Flaw) -> bool) -> Option<Flaw> {
    if answer.choices.is_empty() {
        return looked_for(Flaw::Empty).then_some(Flaw::Empty);
    }
    let has = |flaw: &Flaw| looked_for(*flaw) && answer.choices.iter().any(|choice| choice.has(*flaw, asked));
    Flaw::ALL.iter().copied().find(has)
}

impl Choice {
    fn has(&self, flaw: Flaw, asked: &Conversation) -> bool {
        match flaw {
            Flaw::Empty => !self.parts.iter().any(is_something),
            Flaw::CutShort => {
                matches!(self.finish, Some(Finish::Length | Finish::ContentFilter | Finish::ContextLength) | None)
            }
            Flaw::Refusal => self.is_refusal(),
            Flaw::BrokeSchema => self.breaks_schema(&asked.format),
            Flaw::BrokeTool => {
                self.finish == Some(Finish::MalformedCall) || self.calls().any(|call| is_broken(call, &asked.tools))
            }
        }
    }

    fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    fn is_refusal(&self) -> bool {
        let says_so = self.finish == Some(Finish::Refusal);
        if says_so || self.parts.iter().any(|part| matches!(part, Part::Refusal(_))) {
            return true;
        }
        let text = self.text();
        let text = text.trim();
        if text.len() > LONGEST_REFUSAL || self.calls().next().is_some() {
            return false;
        }
        let beginning: String = text.chars().take(60).flat_map(char::to_lowercase).collect();
        REFUSALS.iter().any(|refusal| beginning.starts_with(refusal))
    }

    /// An answer that calls a tool first has its form to come.
    fn breaks_schema(&self, format: &Format) -> bool {
        if *format == Format::Text || self.calls().next().is_some() {
            return false;
        }
        let Ok(value) = serde_json::from_str::<Value>(self.text().trim()) else { return true };
        match format {
            Format::JsonSchema { schema, .. } => !keeps_to(&value, schema, DEEPEST),
            Format::JsonObject | Format::Text => !value.is_object(),
        }
    }
}

fn is_something(part: &Part) -> bool {
    match part {
        Part::Text(text) => !text.text.trim().is_empty(),
        Part::Refusal(text) => !text.trim().is_empty(),
        Part::Media(_) | Part::ToolCall(_) => true,
        Part::ToolResult(_) | Part::Reasoning(_) => false,
    }
}

fn is_broken(call: &ToolCall, tools: &[Tool]) -> bool {
    let is_it = |tool: &Tool| match tool {
        Tool::Function(function) => function.name == call.name,
        Tool::Custom { name, .. } | Tool::Builtin { name, .. } => *name == call.name,
    };
    let is_read = call.kind == ToolKind::Custom
        || call.arguments.trim().is_empty()
        || serde_json::from_str::<Map<String, Value>>(&call.arguments).is_ok();
    !is_read || !tools.iter().any(is_it)
}

/// Whether a value keeps to a schema, as far as types, names, choices and nesting go. What is not
/// understood of a schema is taken to be kept.
fn keeps_to(value: &Value, schema: &Value, depth: usize) -> bool {
    let Some(rules) = schema.as_object().filter(|_| depth > 0) else { return true };
    if let Some(kinds) = rules.get("type") {
        let kinds = kinds.as_array().map_or(std::slice::from_ref(kinds), Vec::as_slice);
        if !kinds.iter().filter_map(Value::as_str).any(|kind| is_of(value, kind)) {
            return false;
        }
    }
    if rules.get("const").is_some_and(|only| only != value) {
        return false;
    }
    if rules.get("enum").and_then(Value::as_array).is_some_and(|all| !all.contains(value)) {
        return false;
    }
    match value {
        Value::Object(members) => object_keeps_to(members, rules, depth),
        Value::Array(items) => {
            rules.get("items").is_none_or(|schema| items.iter().all(|item| keeps_to(item, schema, depth - 1)))
        }
        _ => true,
    }
}

fn object_keeps_to(members: &Map<String, Value>, rules: &Map<String, Value>, depth: usize) -> bool {
    let required = rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let has_all = required.into_iter().all(|name| members.contains_key(name));
    let Some(known) = rules.get("properties").and_then(Value::as_object) else { return has_all };
    let is_closed =
        rules.get("additionalProperties") == Some(&Value::Bool(false)) && !rules.contains_key("patternProperties");
    has_all
        && members.iter().all(|(name, value)| match known.get(name) {
            Some(schema) => keeps_to(value, schema, depth - 1),
            None => !is_closed,
        })
}

/// Gemini writes types in capitals.
fn is_of(value: &Value, kind: &str) -> bool {
    match kind.to_ascii_lowercase().as_str() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{FunctionTool, Text};
    use serde_json::json;

    fn answer(parts: Vec<Part>, finish: Finish) -> Answer {
        Answer { choices: vec![Choice { parts, finish: Some(finish), logprobs: None }], ..Answer::default() }
    }

    fn says(text: &str) -> Vec<Part> {
        vec![Part::Text(Text { text: text.to_owned(), ..Text::default() })]
    }

    fn calls(name: &str, arguments: &str) -> Vec<Part> {
        let (id, name, arguments) = (String::new(), name.to_owned(), arguments.to_owned());
        vec![Part::ToolCall(ToolCall { id, name, arguments, kind: ToolKind::Function, signature: None, cache: None })]
    }

    fn asked() -> Conversation {
        let schema = json!({
            "type": "object", "required": ["kind", "parts"], "additionalProperties": false,
            "properties": { "kind": {"enum": ["a", "b"]}, "parts": {"type": "ARRAY", "items": {"type": ["integer", "null"]}} }
        });
        let format = Format::JsonSchema { name: String::new(), description: None, schema, is_strict: None };
        let tool = Tool::Function(FunctionTool { name: "read".to_owned(), ..FunctionTool::default() });
        Conversation { format, tools: vec![tool], ..Conversation::default() }
    }

    #[test]
    fn what_is_wrong_is_seen() {
        let plain = Conversation::default();
        let all = |answer: &Answer, asked: &Conversation| find(answer, asked, |_| true);
        assert_eq!(all(&answer(says("Fine."), Finish::Stop), &plain), None);
        assert_eq!(all(&Answer::default(), &plain), Some(Flaw::Empty));
        assert_eq!(all(&answer(says(" \n"), Finish::Stop), &plain), Some(Flaw::Empty));
        assert_eq!(all(&answer(says("Fi"), Finish::Length), &plain), Some(Flaw::CutShort));
        assert_eq!(all(&answer(says("I'm sorry, but I can't do that."), Finish::Stop), &plain), Some(Flaw::Refusal));
        assert_eq!(all(&answer(vec![Part::Refusal("No.".to_owned())], Finish::Stop), &plain), Some(Flaw::Refusal));
        for (said, flaw) in [
            (r#"{"kind":"a","parts":[1,null]}"#, None),
            (r#"{"kind":"c","parts":[]}"#, Some(Flaw::BrokeSchema)),
            (r#"{"kind":"a"}"#, Some(Flaw::BrokeSchema)),
            (r#"{"kind":"a","parts":[1.5]}"#, Some(Flaw::BrokeSchema)),
            (r#"{"kind":"a","parts":[],"more":1}"#, Some(Flaw::BrokeSchema)),
            ("Here it is: {}", Some(Flaw::BrokeSchema)),
        ] {
            assert_eq!(all(&answer(says(said), Finish::Stop), &asked()), flaw, "{said}");
        }
        for (name, arguments, flaw) in [
            ("read", r#"{"path":"a"}"#, None),
            ("read", "", None),
            ("read", r#"{"path":"#, Some(Flaw::BrokeTool)),
            ("write", "{}", Some(Flaw::BrokeTool)),
        ] {
            assert_eq!(all(&answer(calls(name, arguments), Finish::ToolCalls), &asked()), flaw, "{name} {arguments}");
        }
        let only_tools = find(&answer(says(""), Finish::Length), &plain, |flaw| flaw == Flaw::BrokeTool);
        assert_eq!(only_tools, None, "only what is looked for");
    }

    #[test]
    fn streams_are_read_in_every_dialect() {
        for (dialect, stream) in [
            (Dialect::OpenAiChat, &include_bytes!("fixtures/openai_chat/openai.sse")[..]),
            (Dialect::OpenAiResponses, include_bytes!("fixtures/openai_responses/text.sse")),
            (Dialect::Anthropic, include_bytes!("fixtures/anthropic/text.sse")),
            (Dialect::Gemini, include_bytes!("fixtures/gemini/text.sse")),
        ] {
            let answer = read(dialect, stream, true).unwrap();
            assert_eq!(find(&answer, &Conversation::default(), |_| true), None, "{dialect:?}");
        }
        assert!(read(Dialect::Anthropic, include_bytes!("fixtures/anthropic/error.sse"), true).is_none());
    }
}
