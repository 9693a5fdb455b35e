//! Writing `tools` and `toolConfig` (ai.google.dev/api/caching#Tool, read 2026-11-22).

use megarouter_domain::dialect::Dialect;
use serde_json::{Map, Value, json};

use crate::canonical::{BuiltinKind, Conversation, FunctionTool, Tool, ToolChoice};
use crate::gemini::{part, schema};
use crate::losses::Losses;

/// Tools on the wire.
#[derive(Debug, Default)]
pub struct Tools {
    /// The value of `tools`.
    pub wire: Vec<Value>,
    /// Whether functions are among them.
    pub has_functions: bool,
    /// Whether the client wants calls that fit their schemas for certain.
    is_strict: bool,
}

/// Writes the tools.
///
/// Google's own tools and functions stand together only where the client takes part in the calls of
/// both (`includeServerSideToolInvocations`), which clients of other dialects do not: functions win.
pub fn write(conversation: &Conversation, losses: &mut Losses) -> Tools {
    let mut declarations = vec![];
    let mut builtins = vec![];
    let mut is_strict = false;
    for tool in &conversation.tools {
        match tool {
            Tool::Function(function) => {
                is_strict |= function.is_strict == Some(true);
                declarations.push(declare(function, losses));
            }
            Tool::Custom { name, description, format } => {
                losses.approximated("tools.custom");
                if format.as_ref().is_some_and(|format| format["type"] != "text") {
                    losses.unsupported("tools.custom.format");
                }
                declarations.push(declare_custom(name, description.as_deref()));
            }
            Tool::Builtin { dialect, kind, name, raw } => match builtin(*dialect, *kind, raw) {
                Some(own) => builtins.push((name, own, *dialect == Dialect::Gemini)),
                None => losses.unsupported(&format!("tools.{name}")),
            },
        }
    }
    let has_functions = !declarations.is_empty();
    let mut wire = vec![];
    if has_functions {
        wire.push(json!({"functionDeclarations": declarations}));
    }
    for (name, builtin, is_same) in builtins {
        if has_functions {
            losses.unsupported(&format!("tools.{name}"));
            continue;
        }
        if !is_same {
            // Another engine, without what the client said of domains and places.
            losses.approximated(&format!("tools.{name}"));
        }
        if !wire.contains(&builtin) {
            wire.push(builtin);
        }
    }
    Tools { wire, has_functions, is_strict }
}

/// Writes the choice among functions; Google's own tools have none. Strict functions are called with
/// arguments that fit in the mode `VALIDATED`, as they are in `ANY`
/// (ai.google.dev/gemini-api/docs/function-calling#function_calling_modes, read 2026-11-22).
pub fn choice(conversation: &Conversation, tools: &Tools) -> Option<Value> {
    if !tools.has_functions {
        return None;
    }
    let free = if tools.is_strict { "VALIDATED" } else { "AUTO" };
    let (mode, names) = match conversation.tool_choice.as_ref() {
        None if tools.is_strict => (free, None),
        None => return None,
        Some(ToolChoice::Auto) => (free, None),
        Some(ToolChoice::None) => ("NONE", None),
        Some(ToolChoice::Required) => ("ANY", None),
        Some(ToolChoice::Named(name)) => ("ANY", Some(std::slice::from_ref(name))),
        Some(ToolChoice::Allowed { names, is_required }) => {
            (if *is_required { "ANY" } else { "VALIDATED" }, Some(names.as_slice()))
        }
    };
    let mut config = Map::from_iter([("mode".to_owned(), mode.into())]);
    if let Some(names) = names {
        config.insert("allowedFunctionNames".to_owned(), names.into());
    }
    Some(json!({"functionCallingConfig": config}))
}

fn declare(function: &FunctionTool, losses: &mut Losses) -> Value {
    if function.cache.is_some() {
        losses.unsupported("cache_control");
    }
    let mut declared = named(&function.name, function.description.as_deref());
    let (mut parameters, ignored) = schema::for_google(&function.parameters);
    if function.is_strict == Some(true) {
        for keyword in ignored {
            losses.approximated(&format!("tools.parameters.{keyword}"));
        }
    }
    // A function without parameters has no schema; an empty one is refused, and it must be an object's.
    if let Some(members) = parameters.as_object_mut().filter(|members| !members.is_empty()) {
        if members.contains_key("properties") {
            members.entry("type").or_insert_with(|| "object".into());
        }
        declared.insert("parametersJsonSchema".to_owned(), parameters);
    }
    declared.into()
}

fn declare_custom(name: &str, description: Option<&str>) -> Value {
    let mut declared = named(name, description);
    let parameters =
        json!({"type": "object", "properties": {part::INPUT: {"type": "string"}}, "required": [part::INPUT]});
    declared.insert("parametersJsonSchema".to_owned(), parameters);
    declared.into()
}

fn named(name: &str, description: Option<&str>) -> Map<String, Value> {
    let mut declared = Map::from_iter([("name".to_owned(), name.into())]);
    if let Some(description) = description {
        declared.insert("description".to_owned(), description.into());
    }
    declared
}

fn builtin(dialect: Dialect, kind: BuiltinKind, raw: &Value) -> Option<Value> {
    match kind {
        _ if dialect == Dialect::Gemini => Some(raw.clone()),
        BuiltinKind::WebSearch => Some(json!({"googleSearch": {}})),
        BuiltinKind::CodeExecution => Some(json!({"codeExecution": {}})),
        BuiltinKind::Other => None,
    }
}
