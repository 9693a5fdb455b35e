//! A request, read into a conversation.
//!
//! What no canonical field holds is named in [`Conversation::unread`]: blocks of tools that the
//! provider runs, beta fields, a document's context.

use std::borrow::Cow;

use megarouter_domain::dialect::Dialect;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::blocks::{Block, CacheControl};
use super::{carry, effort};
use crate::canonical::{
    BuiltinKind, CacheMark, Conversation, Effort, Format, FunctionTool, Media, MediaKind, MediaSource, Opaque, Part,
    ReasoningRequest, Role, Text, Tool, ToolCall, ToolChoice, ToolResult, Turn,
};
use crate::json::{self, Member};
use crate::request::RequestError;

/// Reads a body.
///
/// # Errors
/// When a field does not have the shape that Anthropic documents.
pub fn conversation(body: &[u8]) -> Result<Conversation, RequestError> {
    let text = std::str::from_utf8(body).map_err(|_| RequestError::NotUtf8)?;
    let conversation = Conversation { choices: 1, ..Conversation::default() };
    let mut reader = Reader { conversation, cache: None, call_signature: None };
    for member in json::object_members(text)?.iter().filter(|member| member.value != "null") {
        reader.member(member)?;
    }
    Ok(reader.finish())
}

struct Reader {
    conversation: Conversation,
    /// The mark of the whole request, for its last block.
    cache: Option<CacheMark>,
    /// The signature of the next call, which came in an empty thought.
    call_signature: Option<Opaque>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    file_id: Option<String>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Thinking {
    r#type: String,
    #[serde(default)]
    budget_tokens: Option<u64>,
    #[serde(default)]
    display: Option<String>,
}

#[derive(Deserialize)]
struct Choice {
    r#type: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    disable_parallel_tool_use: Option<bool>,
}

impl Reader {
    fn member(&mut self, member: &Member<'_>) -> Result<(), RequestError> {
        let conversation = &mut self.conversation;
        match &*member.name {
            "model" => {}
            "messages" => self.messages(member.value)?,
            "system" => conversation.system = system(member.value)?,
            "max_tokens" => conversation.max_output_tokens = bound(member.value)?,
            "stop_sequences" => conversation.stop = value(member.value, "stop_sequences")?,
            "stream" => conversation.is_streaming = value(member.value, "stream")?,
            "temperature" => conversation.sampling.temperature = value(member.value, "temperature")?,
            "top_p" => conversation.sampling.top_p = value(member.value, "top_p")?,
            "top_k" => conversation.sampling.top_k = value(member.value, "top_k")?,
            "service_tier" => conversation.service_tier = value(member.value, "service_tier")?,
            "metadata" => self.metadata(value(member.value, "metadata")?),
            "tools" => self.tools(value(member.value, "tools")?),
            "tool_choice" => self.tool_choice(value(member.value, "tool_choice")?)?,
            "thinking" => self.thinking(&value(member.value, "thinking")?),
            "output_config" => self.output_config(&value(member.value, "output_config")?),
            "output_format" => self.output_format(value(member.value, "output_format")?),
            "cache_control" => {
                let control: CacheControl = value(member.value, "cache_control")?;
                self.cache = Some(control.into());
            }
            other => self.unread(other),
        }
        Ok(())
    }

    fn unread(&mut self, name: &str) {
        if !self.conversation.unread.iter().any(|known| known == name) {
            self.conversation.unread.push(name.to_owned());
        }
    }

    fn finish(mut self) -> Conversation {
        let last = self.conversation.turns.last_mut().and_then(|turn| turn.parts.last_mut());
        if let (Some(mark), Some(slot)) = (self.cache, last.and_then(cache_of)) {
            slot.get_or_insert(mark);
        }
        self.conversation
    }

    fn messages(&mut self, messages: &str) -> Result<(), RequestError> {
        for message in value::<Vec<Message<'_>>>(messages, "messages")? {
            let role = match &*message.role {
                "user" => Role::User,
                "assistant" => Role::Assistant,
                "system" => Role::System,
                _ => return Err(shape("messages")),
            };
            let parts = self.content(message.content)?;
            self.conversation.turns.push(Turn { role, name: None, parts });
        }
        Ok(())
    }

    /// A text, or blocks.
    fn content(&mut self, content: &RawValue) -> Result<Vec<Part>, RequestError> {
        if content.get().starts_with('"') {
            let text = value(content.get(), "messages")?;
            return Ok(vec![Part::Text(Text { text, ..Text::default() })]);
        }
        let mut parts = vec![];
        for block in value::<Vec<Block<'_>>>(content.get(), "messages")? {
            self.block(block, &mut parts)?;
        }
        Ok(parts)
    }

    fn block(&mut self, mut block: Block<'_>, parts: &mut Vec<Part>) -> Result<(), RequestError> {
        if let Some(signature) = block.signature.as_deref().and_then(carry::call_signature) {
            self.call_signature = Some(signature);
            return Ok(());
        }
        match &*block.r#type {
            "image" => {
                if block.transformations.is_some() {
                    self.unread("messages.image.transformations");
                }
                self.medium(MediaKind::Image, block, parts)?;
            }
            "document" => {
                if block.context.is_some() {
                    self.unread("messages.document.context");
                }
                if block.citations.as_ref().is_some_and(|citations| citations["enabled"] == true) {
                    self.unread("messages.document.citations");
                }
                self.medium(MediaKind::Document, block, parts)?;
            }
            "tool_result" => {
                let cache = block.cache();
                let content = block.content.map(|content| self.content(content)).transpose()?;
                parts.push(Part::ToolResult(ToolResult {
                    call_id: block.tool_use_id.map(Cow::into_owned).unwrap_or_default(),
                    name: None,
                    parts: content.unwrap_or_default(),
                    is_error: block.is_error.unwrap_or_default(),
                    cache,
                }));
            }
            "search_result" => {
                // Its text is carried, its source and title are not.
                self.unread("messages.search_result");
                if let Some(content) = block.content {
                    parts.extend(self.content(content)?);
                }
            }
            kind => {
                let name = format!("messages.{kind}");
                match block.said() {
                    Some(Part::ToolCall(call)) => {
                        parts.push(Part::ToolCall(ToolCall { signature: self.call_signature.take(), ..call }));
                    }
                    Some(part) => parts.push(part),
                    None => self.unread(&name),
                }
            }
        }
        Ok(())
    }

    fn medium(&mut self, kind: MediaKind, mut block: Block<'_>, parts: &mut Vec<Part>) -> Result<(), RequestError> {
        let cache = block.cache();
        let name = block.title.map(Cow::into_owned);
        let source: Source<'_> = value(block.source.ok_or_else(|| shape("messages"))?.get(), "messages")?;
        let data = || source.data.clone().ok_or_else(|| shape("messages"));
        let content = match &*source.r#type {
            "base64" => MediaSource::Base64(data()?),
            "text" => MediaSource::Text(data()?),
            "url" => MediaSource::Url(source.url.ok_or_else(|| shape("messages"))?),
            "file" => MediaSource::FileId(source.file_id.ok_or_else(|| shape("messages"))?),
            // A document made of blocks: they stand for themselves.
            "content" => {
                let blocks = source.content.map(|content| self.content(content)).transpose()?;
                parts.extend(blocks.unwrap_or_default());
                return Ok(());
            }
            other => {
                self.unread(&format!("messages.source.{other}"));
                return Ok(());
            }
        };
        parts.push(Part::Media(Media { kind, mime: source.media_type, source: content, name, detail: None, cache }));
        Ok(())
    }

    fn metadata(&mut self, metadata: serde_json::Map<String, Value>) {
        for (name, value) in metadata {
            match (name.as_str(), value) {
                ("user_id", Value::String(user)) => self.conversation.end_user = Some(user),
                ("user_id", _) => {}
                (_, Value::String(value)) => self.conversation.metadata.push((name, value)),
                (_, value) => self.conversation.metadata.push((name, value.to_string())),
            }
        }
    }

    fn tools(&mut self, tools: Vec<Value>) {
        for tool in tools {
            let read = match tool["type"].as_str() {
                None | Some("custom") => self.function(tool),
                Some(kind) => builtin(kind.to_owned(), tool),
            };
            self.conversation.tools.push(read);
        }
    }

    fn function(&mut self, mut tool: Value) -> Tool {
        for field in ["allowed_callers", "defer_loading", "eager_input_streaming", "input_examples"] {
            if tool.get(field).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))) {
                self.unread(&format!("tools.{field}"));
            }
        }
        let text = |name: &str| tool[name].as_str().map(str::to_owned);
        Tool::Function(FunctionTool {
            name: text("name").unwrap_or_default(),
            description: text("description"),
            is_strict: tool["strict"].as_bool(),
            cache: CacheControl::deserialize(&tool["cache_control"]).ok().map(CacheMark::from),
            parameters: tool.get_mut("input_schema").map(Value::take).unwrap_or_default(),
        })
    }

    fn tool_choice(&mut self, choice: Choice) -> Result<(), RequestError> {
        self.conversation.parallel_tool_calls = choice.disable_parallel_tool_use.map(|disabled| !disabled);
        self.conversation.tool_choice = Some(match (choice.r#type.as_str(), choice.name) {
            ("auto", _) => ToolChoice::Auto,
            ("none", _) => ToolChoice::None,
            ("any", _) => ToolChoice::Required,
            ("tool", Some(name)) => ToolChoice::Named(name),
            _ => return Err(shape("tool_choice")),
        });
        Ok(())
    }

    fn reasoning(&mut self) -> &mut ReasoningRequest {
        self.conversation.reasoning.get_or_insert_default()
    }

    fn thinking(&mut self, thinking: &Thinking) {
        let display = thinking.display.as_deref();
        let reasoning = self.reasoning();
        match thinking.r#type.as_str() {
            "enabled" => {
                reasoning.budget_tokens = thinking.budget_tokens;
                // Shown unless the client says otherwise; with `adaptive` it depends on the model.
                reasoning.summary = (display != Some("omitted")).then(|| "auto".to_owned());
            }
            "adaptive" => {
                reasoning.is_adaptive = true;
                reasoning.summary = (display == Some("summarized")).then(|| "auto".to_owned());
            }
            "disabled" => reasoning.effort = Some(Effort::None),
            other => {
                reasoning.is_adaptive = true;
                let name = format!("thinking.{other}");
                self.unread(&name);
            }
        }
    }

    fn output_config(&mut self, config: &Value) {
        let effort = config["effort"].as_str().and_then(effort::from_word);
        // An effort beside thinking that is off bounds the answer, not the thoughts.
        if let Some(effort) = effort
            && self.reasoning().effort != Some(Effort::None)
        {
            self.reasoning().effort = Some(effort);
        }
        if !config["format"].is_null() {
            self.output_format(config["format"].clone());
        }
        for name in config.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !matches!(name.as_str(), "effort" | "format") {
                self.unread(&format!("output_config.{name}"));
            }
        }
    }

    fn output_format(&mut self, mut format: Value) {
        if format["type"] != "json_schema" {
            self.unread("output_config.format");
            return;
        }
        let schema = format.get_mut("schema").map(Value::take).unwrap_or_default();
        let is_strict = Some(true);
        self.conversation.format = Format::JsonSchema { name: String::new(), description: None, schema, is_strict };
    }
}

/// A tool that Anthropic defines; its type ends with the date of its version.
fn builtin(name: String, raw: Value) -> Tool {
    let kind = match name.as_str() {
        search if search.starts_with("web_search_") => BuiltinKind::WebSearch,
        code if code.starts_with("code_execution_") => BuiltinKind::CodeExecution,
        _ => BuiltinKind::Other,
    };
    Tool::Builtin { dialect: Dialect::Anthropic, kind, name, raw }
}

/// A text, or blocks of text; entries stay separate.
fn system(system: &str) -> Result<Vec<Text>, RequestError> {
    if system.starts_with('"') {
        return Ok(vec![Text { text: value(system, "system")?, ..Text::default() }]);
    }
    let blocks: Vec<Block<'_>> = value(system, "system")?;
    let texts = blocks.into_iter().map(|block| match block.said() {
        Some(Part::Text(text)) => Ok(text),
        _ => Err(shape("system")),
    });
    texts.collect()
}

/// The output bound. To fill Anthropic's cache without an answer is not what another provider does.
fn bound(max_tokens: &str) -> Result<Option<u64>, RequestError> {
    match value(max_tokens, "max_tokens")? {
        0 => Err(RequestError::Invalid {
            field: "max_tokens",
            problem: "may be 0, to fill the prompt cache, only with a provider that speaks Anthropic's API",
        }),
        tokens => Ok(Some(tokens)),
    }
}

/// Where a part says what is cached.
fn cache_of(part: &mut Part) -> Option<&mut Option<CacheMark>> {
    match part {
        Part::Text(text) => Some(&mut text.cache),
        Part::Media(media) => Some(&mut media.cache),
        Part::ToolCall(call) => Some(&mut call.cache),
        Part::ToolResult(result) => Some(&mut result.cache),
        Part::Reasoning(_) | Part::Refusal(_) => None,
    }
}

fn value<'a, T: Deserialize<'a>>(json: &'a str, field: &'static str) -> Result<T, RequestError> {
    serde_json::from_str(json).map_err(|_| shape(field))
}

fn shape(field: &'static str) -> RequestError {
    RequestError::Invalid { field, problem: "does not have the shape that Anthropic's Messages API documents" }
}
