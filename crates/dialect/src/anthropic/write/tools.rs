//! Tools and the choice among them.

use megarouter_domain::dialect::Dialect;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::blocks::CacheControl;
use super::schema;
use crate::canonical::{BuiltinKind, Conversation, FunctionTool, Part, Tool, ToolChoice};
use crate::losses::Losses;

/// The tools and the choice, as they go.
pub struct Written<'a> {
    pub tools: Vec<WrittenTool<'a>>,
    pub choice: Option<Value>,
}

/// A tool as it goes.
#[derive(Serialize)]
#[serde(untagged)]
pub enum WrittenTool<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Value,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        strict: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Builtin(Value),
}

impl WrittenTool<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Function { name, .. } => name,
            Self::Builtin(raw) => raw["name"].as_str().unwrap_or_default(),
        }
    }

    /// Where the tool says what is cached.
    pub const fn cache_control(&mut self) -> Option<&mut Option<CacheControl>> {
        match self {
            Self::Function { cache_control, .. } => Some(cache_control),
            Self::Builtin(_) => None,
        }
    }
}

/// Writes them.
pub fn write<'a>(conversation: &'a Conversation, losses: &mut Losses) -> Written<'a> {
    let allowed = match &conversation.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => {
            losses.approximated("tool_choice.allowed_tools");
            Some(names)
        }
        _ => None,
    };
    let is_allowed = |tool: &&Tool| allowed.is_none_or(|names| names.iter().any(|name| name == name_of(tool)));
    let mut tools: Vec<WrittenTool<'_>> = vec![];
    for tool in conversation.tools.iter().filter(is_allowed) {
        let Some(written) = tool_of(tool, losses) else { continue };
        // Names are unique. The client's own tool goes first, because its program waits for the calls.
        match tools.iter().position(|known| known.name() == written.name()) {
            None => tools.push(written),
            Some(known) => {
                losses.unsupported(&format!("tools.{}", written.name()));
                if matches!((&tools[known], &written), (WrittenTool::Builtin(_), WrittenTool::Function { .. })) {
                    tools[known] = written;
                }
            }
        }
    }
    if tools.is_empty() {
        return without_tools(conversation, losses);
    }
    Written { tools, choice: choice(conversation) }
}

/// The API refuses calls in the history without tools, and a choice without tools: the tools that
/// were called are named, and not to be called again.
fn without_tools<'a>(conversation: &'a Conversation, losses: &mut Losses) -> Written<'a> {
    if matches!(conversation.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
        losses.unsupported("tool_choice");
    }
    let mut names: Vec<&str> = vec![];
    for part in conversation.turns.iter().flat_map(|turn| &turn.parts) {
        if let Part::ToolCall(call) = part
            && !names.contains(&call.name.as_str())
        {
            names.push(&call.name);
        }
    }
    let choice = (!names.is_empty()).then(|| json!({ "type": "none" }));
    let bare = |name| WrittenTool::Function {
        name,
        description: None,
        input_schema: json!({ "type": "object" }),
        strict: false,
        cache_control: None,
    };
    Written { tools: names.into_iter().map(bare).collect(), choice }
}

fn name_of(tool: &Tool) -> &str {
    match tool {
        Tool::Function(function) => &function.name,
        Tool::Custom { name, .. } | Tool::Builtin { name, .. } => name,
    }
}

fn tool_of<'a>(tool: &'a Tool, losses: &mut Losses) -> Option<WrittenTool<'a>> {
    match tool {
        Tool::Function(function) => Some(function_of(function, losses)),
        Tool::Custom { name, description, format } => {
            losses.approximated("tools.custom");
            if format.as_ref().is_some_and(|format| format["type"] != "text") {
                losses.unsupported("tools.custom.format");
            }
            Some(WrittenTool::Function {
                name,
                description: description.as_deref(),
                input_schema: json!({
                    "type": "object",
                    "properties": { "input": { "type": "string" } },
                    "required": ["input"],
                    "additionalProperties": false,
                }),
                strict: false,
                cache_control: None,
            })
        }
        Tool::Builtin { dialect: Dialect::Anthropic, raw, .. } => Some(WrittenTool::Builtin(raw.clone())),
        Tool::Builtin { kind: BuiltinKind::WebSearch, name, raw, .. } => {
            losses.approximated(&format!("tools.{name}"));
            Some(web_search(raw))
        }
        Tool::Builtin { kind: BuiltinKind::CodeExecution, name, .. } => {
            // Files and containers of one provider are not those of another.
            losses.approximated(&format!("tools.{name}"));
            Some(WrittenTool::Builtin(json!({ "type": "code_execution_20250825", "name": "code_execution" })))
        }
        Tool::Builtin { kind: BuiltinKind::Other, name, .. } => {
            losses.unsupported(&format!("tools.{name}"));
            None
        }
    }
}

fn function_of<'a>(function: &'a FunctionTool, losses: &mut Losses) -> WrittenTool<'a> {
    let strict = function.is_strict == Some(true);
    let (input_schema, is_same) =
        if strict { schema::enforceable(&function.parameters) } else { schema::described(&function.parameters) };
    if !is_same {
        losses.approximated("tools.parameters");
    }
    WrittenTool::Function {
        name: &function.name,
        description: function.description.as_deref(),
        input_schema,
        strict,
        cache_control: function.cache.as_ref().map(CacheControl::from),
    }
}

/// A search of the web. Domains and the place of the user have the same form with OpenAI; chat
/// completions wrap the place once more.
fn web_search<'a>(raw: &Value) -> WrittenTool<'a> {
    let mut tool = Map::new();
    tool.insert("type".to_owned(), "web_search_20250305".into());
    tool.insert("name".to_owned(), "web_search".into());
    let domains = &raw["filters"]["allowed_domains"];
    if domains.as_array().is_some_and(|domains| !domains.is_empty()) {
        tool.insert("allowed_domains".to_owned(), domains.clone());
    }
    let place = &raw["user_location"];
    if let Some(place) = place["approximate"].as_object().or_else(|| place.as_object()) {
        let mut place: Map<String, Value> = place
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        place.insert("type".to_owned(), "approximate".into());
        tool.insert("user_location".to_owned(), place.into());
    }
    WrittenTool::Builtin(Value::Object(tool))
}

fn choice(conversation: &Conversation) -> Option<Value> {
    let is_single = conversation.parallel_tool_calls == Some(false);
    let mut choice = match &conversation.tool_choice {
        None | Some(ToolChoice::Allowed { is_required: false, .. }) if !is_single => return None,
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { is_required: false, .. }) => json!({ "type": "auto" }),
        Some(ToolChoice::None) => return Some(json!({ "type": "none" })),
        Some(ToolChoice::Required | ToolChoice::Allowed { is_required: true, .. }) => json!({ "type": "any" }),
        Some(ToolChoice::Named(name)) => json!({ "type": "tool", "name": name }),
    };
    if is_single {
        choice["disable_parallel_tool_use"] = true.into();
    }
    Some(choice)
}
