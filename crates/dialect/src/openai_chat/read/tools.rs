//! Tools and the choice among them.

use megarouter_domain::dialect::Dialect;
use serde_json::{Value, json};

use super::{Members, invalid, string, take};
use crate::canonical::{BuiltinKind, CacheMark, FunctionTool, Tool, ToolChoice};
use crate::fields::RequestError;

/// Reads `tools`, the older `functions`, `web_search_options` and the choice among them.
pub fn read(members: &mut Members) -> Result<(Vec<Tool>, Option<ToolChoice>), RequestError> {
    let mut tools = vec![];
    for tool in array(members, "tools")? {
        tools.push(read_tool(tool)?);
    }
    for function in array(members, "functions")? {
        tools.push(Tool::Function(read_function(function, None)?));
    }
    if let Some(options) = members.take("web_search_options") {
        let (kind, name) = (BuiltinKind::WebSearch, "web_search_options".to_owned());
        tools.push(Tool::Builtin { dialect: Dialect::OpenAiChat, kind, name, raw: options });
    }
    let choice = members.take("tool_choice").map(|choice| read_choice(&choice)).transpose()?;
    let legacy = members.take("function_call").map(|choice| read_legacy_choice(&choice)).transpose()?;
    Ok((tools, choice.or(legacy)))
}

fn array(members: &mut Members, name: &'static str) -> Result<Vec<Value>, RequestError> {
    match members.take(name) {
        None => Ok(vec![]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(invalid(name, "must be an array")),
    }
}

fn read_tool(mut tool: Value) -> Result<Tool, RequestError> {
    let cache = cache_mark(&tool);
    match tool["type"].as_str() {
        // Some clients leave the type out.
        Some("function") | None => Ok(Tool::Function(read_function(take(&mut tool, "function"), cache)?)),
        Some("custom") => {
            let mut custom = take(&mut tool, "custom");
            Ok(Tool::Custom {
                name: string(take(&mut custom, "name"))
                    .ok_or(invalid("tools", "has a custom tool without a `name`"))?,
                description: string(take(&mut custom, "description")),
                format: grammar(take(&mut custom, "format")),
            })
        }
        Some(name) => {
            let name = name.to_owned();
            Ok(Tool::Builtin { dialect: Dialect::OpenAiChat, kind: builtin_kind(&name), name, raw: tool })
        }
    }
}

/// The format of a custom tool in the flat form of OpenAI's responses: chat nests the grammar.
fn grammar(mut format: Value) -> Option<Value> {
    if format.is_null() {
        return None;
    }
    if format["grammar"].is_object() {
        let mut nested = take(&mut format, "grammar");
        return Some(json!({
            "type": "grammar", "syntax": take(&mut nested, "syntax"), "definition": take(&mut nested, "definition"),
        }));
    }
    Some(format)
}

fn builtin_kind(name: &str) -> BuiltinKind {
    if name.contains("web_search") || name == "browser_search" {
        BuiltinKind::WebSearch
    } else if name.contains("code_interpreter") || name.contains("code_execution") {
        BuiltinKind::CodeExecution
    } else {
        BuiltinKind::Other
    }
}

fn read_function(mut function: Value, cache: Option<CacheMark>) -> Result<FunctionTool, RequestError> {
    Ok(FunctionTool {
        name: string(take(&mut function, "name")).ok_or(invalid("tools", "has a function without a `name`"))?,
        description: string(take(&mut function, "description")),
        parameters: take(&mut function, "parameters"),
        is_strict: function["strict"].as_bool(),
        cache,
    })
}

fn read_choice(choice: &Value) -> Result<ToolChoice, RequestError> {
    if let Some(word) = choice.as_str() {
        return read_word(word).ok_or(invalid("tool_choice", "must be `none`, `auto`, `required` or an object"));
    }
    if choice["type"] == "allowed_tools" {
        let allowed = &choice["allowed_tools"];
        let names = allowed["tools"].as_array().into_iter().flatten().filter_map(named).collect();
        return Ok(ToolChoice::Allowed { names, is_required: allowed["mode"] == "required" });
    }
    named(choice).map(ToolChoice::Named).ok_or(invalid("tool_choice", "must name a tool"))
}

fn named(choice: &Value) -> Option<String> {
    let name = ["function", "custom"].iter().find_map(|kind| choice[kind]["name"].as_str());
    name.or_else(|| choice["name"].as_str()).map(str::to_owned)
}

fn read_word(word: &str) -> Option<ToolChoice> {
    match word {
        "none" => Some(ToolChoice::None),
        "auto" => Some(ToolChoice::Auto),
        // `any` is Mistral's word (docs.mistral.ai/capabilities/function_calling, read 2026-11-22).
        "required" | "any" => Some(ToolChoice::Required),
        _ => None,
    }
}

fn read_legacy_choice(choice: &Value) -> Result<ToolChoice, RequestError> {
    let problem = invalid("function_call", "must be `none`, `auto` or an object with a `name`");
    match choice.as_str() {
        Some(word) => read_word(word).ok_or(problem),
        None => named(choice).map(ToolChoice::Named).ok_or(problem),
    }
}

/// Anthropic's mark, which OpenRouter and others take on parts and tools of this dialect too
/// (openrouter.ai/docs/features/prompt-caching, read 2026-11-22).
pub fn cache_mark(holder: &Value) -> Option<CacheMark> {
    let mark = holder.get("cache_control")?.as_object()?;
    Some(CacheMark { ttl: mark.get("ttl").and_then(Value::as_str).map(str::to_owned) })
}
