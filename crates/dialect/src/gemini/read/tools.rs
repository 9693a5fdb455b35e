//! Reading `tools` and `toolConfig` (ai.google.dev/api/caching#Tool, read 2026-11-22).

use megarouter_domain::dialect::Dialect;
use serde_json::{Map, Value};

use crate::canonical::{BuiltinKind, Conversation, FunctionTool, Tool, ToolChoice};
use crate::gemini::schema;
use crate::gemini::wire::{keyword, list, member, note_unknown, owned, same_name, texts};

/// Reads the tools and the choice among them.
pub fn read(body: &Value, found: &mut Conversation) {
    for tool in list(body, "tools") {
        for (name, value) in tool.as_object().into_iter().flatten() {
            if same_name(name, "functionDeclarations") {
                let declared = list(tool, "functionDeclarations").iter();
                found.tools.extend(declared.map(|function| read_function(function, &mut found.unread)));
            } else if !value.is_null() {
                found.tools.push(read_builtin(name, value));
            }
        }
    }
    let Some(config) = member(body, "toolConfig") else { return };
    note_unknown(config, "toolConfig.", &["functionCallingConfig"], &mut found.unread);
    found.tool_choice = member(config, "functionCallingConfig").and_then(|config| choice(config, &mut found.unread));
}

fn read_function(function: &Value, unread: &mut Vec<String>) -> Tool {
    const KNOWN: [&str; 4] = ["name", "description", "parameters", "parametersJsonSchema"];
    note_unknown(function, "functionDeclarations.", &KNOWN, unread);
    let standard = member(function, "parametersJsonSchema").cloned();
    let parameters = standard.or_else(|| member(function, "parameters").map(schema::from_openapi));
    Tool::Function(FunctionTool {
        name: owned(function, "name").unwrap_or_default(),
        description: owned(function, "description"),
        parameters: parameters.unwrap_or(Value::Null),
        is_strict: None,
        cache: None,
    })
}

fn read_builtin(name: &str, value: &Value) -> Tool {
    let is = |camel: &str| same_name(name, camel);
    let kind = if is("googleSearch") || is("googleSearchRetrieval") || is("enterpriseWebSearch") {
        BuiltinKind::WebSearch
    } else if is("codeExecution") {
        BuiltinKind::CodeExecution
    } else {
        BuiltinKind::Other
    };
    let raw = Map::from_iter([(name.to_owned(), value.clone())]);
    Tool::Builtin { dialect: Dialect::Gemini, kind, name: name.to_owned(), raw: raw.into() }
}

/// `VALIDATED` leaves the choice to the model and makes its calls fit their schemas, which no other
/// dialect can say for all tools at once.
fn choice(config: &Value, unread: &mut Vec<String>) -> Option<ToolChoice> {
    let mut names = texts(config, "allowedFunctionNames");
    match keyword(config, "mode")?.as_str() {
        "AUTO" => Some(ToolChoice::Auto),
        "NONE" => Some(ToolChoice::None),
        "ANY" if names.len() == 1 => names.pop().map(ToolChoice::Named),
        "ANY" if names.is_empty() => Some(ToolChoice::Required),
        "ANY" => Some(ToolChoice::Allowed { names, is_required: true }),
        "VALIDATED" => {
            unread.push("toolConfig.functionCallingConfig.mode".to_owned());
            Some(if names.is_empty() { ToolChoice::Auto } else { ToolChoice::Allowed { names, is_required: false } })
        }
        _ => None,
    }
}
