//! Tools and the choice among them.

use megarouter_domain::dialect::Dialect;
use serde_json::{Map, Value, json};

use super::insert_some;
use crate::canonical::{Conversation, FunctionTool, Tool, ToolChoice};
use crate::losses::Losses;
use crate::request::Target;

/// What became of the tools.
#[derive(Default)]
pub struct Written {
    /// The `tools`; without any there is no choice either.
    pub tools: Vec<Value>,
    /// The `tool_choice`.
    pub choice: Option<Value>,
    /// The `web_search_options`.
    pub search: Option<Value>,
}

/// The one argument of a function that stands for a tool that takes free text.
pub const CUSTOM_INPUT: &str = "input";

/// Writes the tools.
pub fn write(conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Written {
    let mut written = Written::default();
    // Without the newer form of the choice, tools that are not allowed are not shown.
    let (allowed, choice) = match &conversation.tool_choice {
        Some(ToolChoice::Allowed { names, is_required }) if !target.has_developer_role => {
            losses.approximated("tool_choice.allowed_tools");
            (Some(names), Some(if *is_required { ToolChoice::Required } else { ToolChoice::Auto }))
        }
        choice => (None, choice.clone()),
    };
    for tool in &conversation.tools {
        if allowed.is_some_and(|names| !name(tool).is_some_and(|name| names.iter().any(|known| known == name))) {
            continue;
        }
        push(tool, &mut written, target, losses);
    }
    written.choice = choice.and_then(|choice| write_choice(&choice, &written.tools, losses));
    written
}

fn name(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Function(function) => Some(&function.name),
        Tool::Custom { name, .. } => Some(name),
        Tool::Builtin { .. } => None,
    }
}

fn push(tool: &Tool, written: &mut Written, target: &Target<'_>, losses: &mut Losses) {
    match tool {
        Tool::Function(function) => written.tools.push(write_function(function, losses)),
        Tool::Custom { name, description, format } => {
            written.tools.push(write_custom(name, description.as_deref(), format.as_ref(), target, losses));
        }
        Tool::Builtin { dialect: Dialect::OpenAiChat, name, raw, .. } if name == "web_search_options" => {
            written.search = Some(raw.clone());
        }
        Tool::Builtin { dialect: Dialect::OpenAiChat, raw, .. } => written.tools.push(raw.clone()),
        Tool::Builtin { name, .. } => losses.unsupported(&format!("tools.{name}")),
    }
}

fn write_function(function: &FunctionTool, losses: &mut Losses) -> Value {
    if function.cache.is_some() {
        losses.approximated("cache_control");
    }
    let mut written = Map::new();
    written.insert("name".to_owned(), function.name.as_str().into());
    insert_some(&mut written, "description", function.description.as_deref());
    written.insert("parameters".to_owned(), parameters(&function.parameters));
    insert_some(&mut written, "strict", function.is_strict);
    json!({"type": "function", "function": written})
}

/// The schema of the arguments. Providers want an object's, also where there are no arguments.
fn parameters(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return json!({"type": "object", "properties": {}}) };
    let mut members = members.clone();
    members.entry("type").or_insert_with(|| "object".into());
    if members["type"] == "object" {
        members.entry("properties").or_insert_with(|| json!({}));
    }
    members.into()
}

fn write_custom(
    name: &str,
    description: Option<&str>,
    format: Option<&Value>,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Value {
    let mut written = Map::new();
    written.insert("name".to_owned(), name.into());
    insert_some(&mut written, "description", description);
    if target.has_developer_role {
        insert_some(&mut written, "format", format.map(nested_grammar));
        return json!({"type": "custom", "custom": written});
    }
    losses.approximated("tools.custom");
    let input = format.and_then(|format| format["definition"].as_str()).map_or_else(
        || json!({"type": "string"}),
        |grammar| json!({"type": "string", "description": format!("Text by this grammar:\n{grammar}")}),
    );
    let schema = json!({"type": "object", "properties": {CUSTOM_INPUT: input}, "required": [CUSTOM_INPUT]});
    written.insert("parameters".to_owned(), schema);
    json!({"type": "function", "function": written})
}

/// Chat nests a grammar that OpenAI's responses have flat.
fn nested_grammar(format: &Value) -> Value {
    if format["type"] != "grammar" || format["grammar"].is_object() {
        return format.clone();
    }
    json!({"type": "grammar", "grammar": {"syntax": format["syntax"], "definition": format["definition"]}})
}

fn write_choice(choice: &ToolChoice, tools: &[Value], losses: &mut Losses) -> Option<Value> {
    match choice {
        ToolChoice::Auto => Some("auto".into()),
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::Named(name) => {
            let found = by_name(name, tools);
            if found.is_none() {
                losses.unsupported("tool_choice");
            }
            found
        }
        ToolChoice::Allowed { names, is_required } => {
            let allowed: Vec<Value> = names.iter().filter_map(|name| by_name(name, tools)).collect();
            let mode = if *is_required { "required" } else { "auto" };
            Some(json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}))
        }
    }
}

/// The reference to a tool that was written.
fn by_name(name: &str, tools: &[Value]) -> Option<Value> {
    ["function", "custom"].into_iter().find_map(|kind| {
        let is_there = tools.iter().any(|tool| tool[kind]["name"] == name);
        is_there.then(|| json!({"type": kind, kind: {"name": name}}))
    })
}
