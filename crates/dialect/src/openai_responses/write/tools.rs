//! Writing the tools and the choice among them.

use megarouter_domain::dialect::Dialect;
use serde_json::{Value, json};

use crate::canonical::{BuiltinKind, Conversation, FunctionTool, Tool, ToolChoice};
use crate::losses::Losses;

/// Writes `tools`, `tool_choice` and `parallel_tool_calls`.
pub fn write(conversation: &Conversation, losses: &mut Losses, set: &mut impl FnMut(&str, Value)) {
    let tools: Vec<Value> = conversation.tools.iter().filter_map(|tool| write_tool(tool, losses)).collect();
    let has_tools = !tools.is_empty();
    if has_tools {
        set("tools", tools.into());
    }
    if let Some(choice) = &conversation.tool_choice {
        // A choice among no tools is refused, and says nothing.
        if has_tools {
            set("tool_choice", write_choice(choice, &conversation.tools));
        } else if !matches!(choice, ToolChoice::Auto | ToolChoice::None) {
            losses.unsupported("tool_choice");
        }
    }
    if let Some(is_parallel) = conversation.parallel_tool_calls.filter(|_| has_tools) {
        set("parallel_tool_calls", is_parallel.into());
    }
}

fn write_tool(tool: &Tool, losses: &mut Losses) -> Option<Value> {
    match tool {
        Tool::Function(function) => Some(write_function(function)),
        Tool::Custom { name, description, format } => {
            let mut tool = json!({"type": "custom", "name": name});
            if let Some(description) = description {
                tool["description"] = description.as_str().into();
            }
            if let Some(format) = format {
                tool["format"] = format.clone();
            }
            Some(tool)
        }
        Tool::Builtin { dialect: Dialect::OpenAiResponses, raw, .. } => Some(raw.clone()),
        Tool::Builtin { kind, name, .. } => {
            let near = match kind {
                BuiltinKind::WebSearch => json!({"type": "web_search"}),
                BuiltinKind::CodeExecution => json!({"type": "code_interpreter", "container": {"type": "auto"}}),
                BuiltinKind::Other => {
                    losses.unsupported(&format!("tools.{name}"));
                    return None;
                }
            };
            losses.approximated(&format!("tools.{name}"));
            Some(near)
        }
    }
}

/// `strict` is always said: this dialect's own default is to enforce the schema, and refuses most
/// schemas that others write.
fn write_function(function: &FunctionTool) -> Value {
    let parameters = match &function.parameters {
        Value::Object(schema) => Value::Object(schema.clone()),
        _ => json!({"type": "object", "properties": {}}),
    };
    let mut tool = json!({
        "type": "function", "name": function.name, "parameters": parameters,
        "strict": function.is_strict.unwrap_or(false),
    });
    if let Some(description) = &function.description {
        tool["description"] = description.as_str().into();
    }
    tool
}

fn write_choice(choice: &ToolChoice, tools: &[Tool]) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => named(name, tools),
        // A choice among none is refused; others mean any by it.
        ToolChoice::Allowed { names, is_required } if names.is_empty() => {
            json!(if *is_required { "required" } else { "auto" })
        }
        ToolChoice::Allowed { names, is_required } => json!({
            "type": "allowed_tools",
            "mode": if *is_required { "required" } else { "auto" },
            "tools": names.iter().map(|name| named(name, tools)).collect::<Vec<_>>(),
        }),
    }
}

fn named(name: &str, tools: &[Tool]) -> Value {
    let is_custom = tools.iter().any(|tool| matches!(tool, Tool::Custom { name: own, .. } if own == name));
    json!({"type": if is_custom { "custom" } else { "function" }, "name": name})
}
