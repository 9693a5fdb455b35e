//! What the "model" says to a request.

use serde_json::{Map, Value, json};

use super::directive::{Directive, Figures, Step};
use super::seen::{Choice, Seen, Tool};

const THOUGHT: &str = "The question is easy. I know the answer – it needs no search.";
const SENTENCE: &str = "The capital of France is Paris.";
const REFUSAL: &str = "I cannot help with that.";
/// Characters of a piece of a streamed text.
const PIECE: usize = 7;

/// What the model says.
#[derive(Debug)]
pub(super) struct Reply {
    pub thought: Option<String>,
    /// The text, in the pieces in which it is streamed; none when there is no text.
    pub text: Vec<String>,
    pub calls: Vec<Call>,
    pub refusal: Option<&'static str>,
    /// Whether the prompt was blocked, where the vendor tells that from a refusal.
    pub is_blocked: bool,
    pub end: End,
    /// What it took; `None` when it is not told.
    pub usage: Option<Figures>,
    pub mid_error: Option<u32>,
}

/// A tool call.
#[derive(Debug)]
pub(super) struct Call {
    pub name: String,
    /// A JSON object; the input text of a custom tool.
    pub arguments: Value,
    pub is_custom: bool,
}

impl Call {
    /// The arguments as text.
    pub(super) fn text(&self) -> String {
        match &self.arguments {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Stop,
    Length,
    Calls,
    Refusal,
    Filter,
}

/// Decides what to say.
pub(super) fn play(seen: &Seen, directive: &Directive) -> Reply {
    let calls = calls(seen, directive);
    let thought = seen.thinks.then(|| THOUGHT.to_owned());
    let refusal = (directive.refusal || directive.blocked).then_some(REFUSAL);
    let mut text = if refusal.is_some() { Vec::new() } else { text(seen, directive, !calls.is_empty()) };
    let mut end = match directive.finish.as_deref() {
        _ if refusal.is_some() => End::Refusal,
        Some("length") => End::Length,
        Some("filter") => End::Filter,
        _ if calls.is_empty() => End::Stop,
        _ => End::Calls,
    };
    let mut figures = directive.usage.unwrap_or_default();
    if thought.is_none() {
        figures.reasoning = 0;
    }
    let bound = seen.max_tokens.unwrap_or(u64::MAX);
    let is_bounded = calls.is_empty() && seen.schema.is_none() && !directive.echo && directive.say.is_none();
    if is_bounded && u64::try_from(text.len()).unwrap_or(u64::MAX) > bound {
        text.truncate(usize::try_from(bound).unwrap_or(usize::MAX));
        figures.output = bound + figures.reasoning;
        end = End::Length;
    }
    let usage = (!directive.no_usage).then_some(figures);
    Reply { thought, text, calls, refusal, is_blocked: directive.blocked, end, usage, mid_error: directive.mid_error }
}

fn calls(seen: &Seen, directive: &Directive) -> Vec<Call> {
    let call = |tool: &Tool, arguments: Option<&Value>| Call {
        name: tool.name.clone(),
        arguments: arguments.cloned().unwrap_or_else(|| made_up(tool)),
        is_custom: tool.is_custom,
    };
    let named = |name: &str| seen.tools.iter().find(|tool| tool.name == name);
    let steps = directive.steps.get(seen.steps_done()).map(Vec::as_slice).unwrap_or_default();
    let mut calls: Vec<Call> = steps
        .iter()
        .filter_map(|step| {
            let arguments = if let Step::Given { args, .. } = step { Some(args) } else { None };
            named(step.name()).map(|tool| call(tool, arguments))
        })
        .collect();
    match &seen.choice {
        Choice::None => calls.clear(),
        Choice::Required if calls.is_empty() => calls.extend(seen.tools.first().map(|tool| call(tool, None))),
        Choice::Auto | Choice::Required => {}
        Choice::Named(name) => {
            calls.retain(|call| call.name == *name);
            if calls.is_empty() {
                calls.extend(named(name).map(|tool| call(tool, None)));
            }
        }
    }
    if seen.is_serial {
        calls.truncate(1);
    }
    calls
}

fn text(seen: &Seen, directive: &Directive, has_calls: bool) -> Vec<String> {
    let results = seen.results();
    let said = if let Some(text) = &directive.say {
        text.clone()
    } else if has_calls {
        return Vec::new();
    } else if directive.echo {
        seen.echo().to_string()
    } else if let Some(schema) = &seen.schema {
        fitting(schema, schema, 0).to_string()
    } else if seen.wants_json {
        json!({"city": "Paris"}).to_string()
    } else if let Some(words) = directive.words {
        return (0..words).map(|index| format!("word{index} ")).collect();
    } else if !results.is_empty() {
        results.iter().map(|(name, text)| format!("{name} said {text}.")).collect::<Vec<_>>().join(" ")
    } else {
        SENTENCE.to_owned()
    };
    let letters: Vec<char> = said.chars().collect();
    letters.chunks(PIECE).map(|piece| piece.iter().collect()).collect()
}

fn made_up(tool: &Tool) -> Value {
    if tool.is_custom {
        return json!("print(\"Grüße, 世界\")\n");
    }
    match fitting(&tool.schema, &tool.schema, 0) {
        Value::Object(arguments) => Value::Object(arguments),
        _ => json!({}),
    }
}

/// A value that fits a JSON schema, as far as tools' schemas go.
fn fitting(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > 12 {
        return Value::Null;
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|name| root.pointer(name.trim_start_matches('#'))) {
        return fitting(target, root, depth + 1);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[several].as_array().and_then(|values| values.first()) {
            return fitting(first, root, depth + 1);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or("string").to_owned(),
        kind => kind.as_str().unwrap_or("object").to_owned(),
    };
    match kind.to_ascii_lowercase().as_str() {
        "string" => json!("Zürich \"☂\" 東京"),
        "integer" => json!(3),
        "number" => json!(21.5),
        "boolean" => json!(true),
        "null" => Value::Null,
        "array" => json!([fitting(&schema["items"], root, depth + 1)]),
        _ => {
            let mut object = Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                object.insert(name.clone(), fitting(property, root, depth + 1));
            }
            Value::Object(object)
        }
    }
}
