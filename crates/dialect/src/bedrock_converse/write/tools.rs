//! Tools and the choice among them.

use serde_json::{Map, Value, json};

use super::cache_point;
use super::family::Family;
use crate::canonical::{Conversation, FunctionTool, Part, Tool, ToolChoice};
use crate::losses::Losses;
use crate::openai_chat::write::CUSTOM_INPUT;

/// What became of the tools.
#[derive(Default)]
pub struct Written {
    /// `toolConfig`; empty when there are none.
    pub config: Map<String, Value>,
    /// Whether the model must call one.
    pub is_forced: bool,
}

/// Writes the tools.
pub fn write(conversation: &Conversation, family: Family, losses: &mut Losses) -> Written {
    if conversation.parallel_tool_calls == Some(false) {
        losses.unsupported("parallel_tool_calls");
    }
    let allowed = match &conversation.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => {
            losses.approximated("tool_choice.allowed_tools");
            Some(names)
        }
        _ => None,
    };
    let mut tools = vec![];
    for tool in &conversation.tools {
        if let Some((name, spec)) = write_tool(tool, losses)
            && allowed.is_none_or(|names| names.iter().any(|known| known == name))
        {
            tools.push(json!({"toolSpec": spec}));
            if let Tool::Function(FunctionTool { cache, .. }) = tool {
                tools.extend(cache_point(cache.as_ref(), family, losses));
            }
        }
    }
    let called = names_called(conversation);
    if conversation.tool_choice == Some(ToolChoice::None) && called.is_empty() {
        return Written::default();
    }
    if tools.is_empty() && !called.is_empty() {
        // A history with calls is refused without any tools.
        losses.approximated("tools");
        tools.extend(called.into_iter().map(|name| json!({"toolSpec": spec(name, None, &json!({"type": "object"}))})));
    }
    if tools.is_empty() {
        return Written::default();
    }
    let choice = conversation.tool_choice.as_ref().and_then(|choice| write_choice(choice, &tools, losses));
    let is_forced = choice.as_ref().is_some_and(|choice| choice.get("auto").is_none());
    let mut config = Map::new();
    config.insert("tools".to_owned(), tools.into());
    config.extend(choice.map(|choice| ("toolChoice".to_owned(), choice)));
    Written { config, is_forced }
}

fn write_tool<'a>(tool: &'a Tool, losses: &mut Losses) -> Option<(&'a str, Value)> {
    match tool {
        Tool::Function(function) => {
            let mut written = spec(&function.name, function.description.as_deref(), &schema(&function.parameters));
            if function.is_strict == Some(true) {
                written["strict"] = true.into();
            }
            Some((&function.name, written))
        }
        Tool::Custom { name, description, format } => {
            losses.approximated("tools.custom");
            if format.as_ref().is_some_and(|format| format["type"] != "text") {
                losses.unsupported("tools.custom.format");
            }
            let input =
                json!({"type": "object", "properties": {CUSTOM_INPUT: {"type": "string"}}, "required": [CUSTOM_INPUT]});
            Some((name, spec(name, description.as_deref(), &input)))
        }
        Tool::Builtin { name, .. } => {
            losses.unsupported(&format!("tools.{name}"));
            None
        }
    }
}

fn spec(name: &str, description: Option<&str>, schema: &Value) -> Value {
    let mut written = json!({"name": name});
    if let Some(description) = description.filter(|text| !text.is_empty()) {
        written["description"] = description.into();
    }
    written["inputSchema"] = json!({"json": schema});
    written
}

fn schema(parameters: &Value) -> Value {
    let mut members = parameters.as_object().cloned().unwrap_or_default();
    members.entry("type").or_insert_with(|| "object".into());
    members.into()
}

/// The tools that the history calls, each once.
fn names_called(conversation: &Conversation) -> Vec<&str> {
    let mut names = vec![];
    for part in conversation.turns.iter().flat_map(|turn| &turn.parts) {
        if let Part::ToolCall(call) = part
            && !names.contains(&call.name.as_str())
        {
            names.push(&call.name);
        }
    }
    names
}

fn write_choice(choice: &ToolChoice, tools: &[Value], losses: &mut Losses) -> Option<Value> {
    match choice {
        ToolChoice::Auto | ToolChoice::Allowed { is_required: false, .. } => Some(json!({"auto": {}})),
        ToolChoice::Required | ToolChoice::Allowed { is_required: true, .. } => Some(json!({"any": {}})),
        ToolChoice::Named(name) if tools.iter().any(|tool| tool["toolSpec"]["name"] == *name) => {
            Some(json!({"tool": {"name": name}}))
        }
        ToolChoice::Named(_) => {
            losses.unsupported("tool_choice");
            None
        }
        ToolChoice::None => {
            losses.unsupported("tool_choice.none");
            None
        }
    }
}
