//! Reading the tools and the choice among them.

use megarouter_domain::dialect::Dialect;
use serde_json::{Map, Value};

use crate::canonical::{BuiltinKind, FunctionTool, Tool, ToolChoice, ToolKind};
use crate::openai_responses::names::Names;

/// The tools of a request.
#[derive(Debug, Default)]
pub struct Tools {
    /// In order, those within a namespace under their canonical names.
    pub known: Vec<Tool>,
    /// What the client calls them.
    pub names: Names,
    /// What was not understood.
    pub unread: Vec<String>,
}

impl Tools {
    /// Reads `tools`, and those that items of the input add.
    pub fn read(body: &Map<String, Value>) -> Self {
        let mut found = Self::default();
        found.add_all(None, body.get("tools"));
        let items = body.get("input").and_then(Value::as_array).into_iter().flatten();
        for item in items.filter(|item| item["type"] == "additional_tools") {
            found.add_all(None, item.get("tools"));
        }
        found
    }

    fn add_all(&mut self, namespace: Option<&str>, tools: Option<&Value>) {
        for tool in tools.and_then(Value::as_array).into_iter().flatten() {
            self.add(namespace, tool);
        }
    }

    fn add(&mut self, namespace: Option<&str>, tool: &Value) {
        let name = tool["name"].as_str().unwrap_or_default();
        let description = tool["description"].as_str().map(str::to_owned);
        let read = match tool["type"].as_str().unwrap_or_default() {
            "function" => Tool::Function(FunctionTool {
                name: self.names.add(namespace, name, ToolKind::Function),
                description,
                parameters: tool["parameters"].clone(),
                is_strict: tool["strict"].as_bool(),
                cache: None,
            }),
            "custom" => Tool::Custom {
                name: self.names.add(namespace, name, ToolKind::Custom),
                description,
                format: tool.get("format").filter(|format| !format.is_null()).cloned(),
            },
            "namespace" => return self.add_namespace(name, tool),
            other => Tool::Builtin {
                dialect: Dialect::OpenAiResponses,
                kind: builtin_kind(other),
                name: if other.is_empty() { "unnamed".to_owned() } else { other.to_owned() },
                raw: tool.clone(),
            },
        };
        if let Tool::Function(_) | Tool::Custom { .. } = read {
            let unread = ["output_schema", "defer_loading", "allowed_callers"];
            let is_set = |field: &&str| !matches!(tool.get(*field), None | Some(Value::Null | Value::Bool(false)));
            self.unread.extend(unread.iter().filter(|field| is_set(field)).map(|field| format!("tools.{field}")));
        }
        self.known.push(read);
    }

    fn add_namespace(&mut self, name: &str, namespace: &Value) {
        let is_described = namespace["description"].as_str().is_some_and(|text| !text.is_empty());
        let unread = "tools.namespace.description";
        if is_described && !self.unread.iter().any(|known| known == unread) {
            self.unread.push(unread.to_owned());
        }
        self.add_all(Some(name), namespace.get("tools"));
    }

    /// Reads `tool_choice`.
    pub fn choice(&self, body: &Map<String, Value>, unread: &mut Vec<String>) -> Option<ToolChoice> {
        let choice = body.get("tool_choice").filter(|choice| !choice.is_null())?;
        let read = match choice.as_str().or_else(|| choice["type"].as_str()) {
            Some("auto") => Some(ToolChoice::Auto),
            Some("none") => Some(ToolChoice::None),
            Some("required") => Some(ToolChoice::Required),
            Some("function" | "custom") => self.called(choice).map(ToolChoice::Named),
            Some("allowed_tools") => Some(self.allowed(choice, unread)),
            _ => None,
        };
        if read.is_none() {
            unread.push("tool_choice".to_owned());
        }
        read
    }

    fn allowed(&self, choice: &Value, unread: &mut Vec<String>) -> ToolChoice {
        let tools = choice["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<String> = tools.iter().filter_map(|tool| self.called(tool)).collect();
        if names.len() < tools.len() {
            unread.push("tool_choice.tools".to_owned());
        }
        ToolChoice::Allowed { names, is_required: choice["mode"] == "required" }
    }

    /// The canonical name of a tool that the client names.
    fn called(&self, tool: &Value) -> Option<String> {
        Some(self.names.find(tool["namespace"].as_str(), tool["name"].as_str()?))
    }
}

/// Versions have their date in the name (`web_search_preview_2025_03_11`).
fn builtin_kind(kind: &str) -> BuiltinKind {
    match kind {
        _ if kind.starts_with("web_search") => BuiltinKind::WebSearch,
        "code_interpreter" => BuiltinKind::CodeExecution,
        _ => BuiltinKind::Other,
    }
}
