//! Content blocks as they lie on the wire: [`Block`] is any block that comes, [`Out`] one that goes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::carry;
use crate::canonical::{CacheMark, Opaque, Part, Reasoning, Text, ToolCall, ToolKind};

/// A block as it comes, in a request or an answer: the fields of all types side by side.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Block<'a> {
    #[serde(borrow)]
    pub r#type: Cow<'a, str>,
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    pub citations: Option<Value>,
    pub cache_control: Option<CacheControl>,
    #[serde(borrow)]
    pub source: Option<&'a RawValue>,
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub tool_use_id: Option<Cow<'a, str>>,
    pub is_error: Option<bool>,
    #[serde(borrow)]
    pub title: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub context: Option<Cow<'a, str>>,
    pub transformations: Option<Value>,
}

/// "Cache everything up to here", as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheControl {
    r#type: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
}

/// A block as it goes.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Out<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Image {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Out<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: &'a str,
    },
}

/// Where the content of an image or document is.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
    Text { media_type: &'static str, data: Cow<'a, str> },
}

impl From<&CacheMark> for CacheControl {
    fn from(mark: &CacheMark) -> Self {
        Self { r#type: Cow::Borrowed("ephemeral"), ttl: mark.ttl.clone() }
    }
}

impl From<CacheControl> for CacheMark {
    fn from(control: CacheControl) -> Self {
        Self { ttl: control.ttl }
    }
}

impl<'a> Out<'a> {
    /// A text without anything else.
    pub const fn text(text: &'a str) -> Self {
        Self::Text { text: Cow::Borrowed(text), citations: vec![], cache_control: None }
    }

    /// Where the block says what is cached; `None` for thoughts, which cannot say it.
    pub const fn cache_control(&mut self) -> Option<&mut Option<CacheControl>> {
        match self {
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::Document { cache_control, .. }
            | Self::ToolUse { cache_control, .. }
            | Self::ToolResult { cache_control, .. } => Some(cache_control),
            Self::Thinking { .. } | Self::RedactedThinking { .. } => None,
        }
    }
}

impl Block<'_> {
    /// Where the block says what is cached.
    pub fn cache(&mut self) -> Option<CacheMark> {
        self.cache_control.take().map(CacheMark::from)
    }

    /// A part of an answer or of the model's turn; `None` for blocks that no other dialect knows.
    pub fn said(mut self) -> Option<Part> {
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned).unwrap_or_default();
        match &*self.r#type {
            "text" => {
                let cache = self.cache();
                let citations = match self.citations {
                    Some(Value::Array(citations)) => citations,
                    _ => vec![],
                };
                Some(Part::Text(Text { text: owned(self.text), cache, citations, signature: None }))
            }
            "thinking" => {
                let signature = self.signature.unwrap_or_default();
                Some(Part::Reasoning(carry::thought(owned(self.thinking), &signature)))
            }
            "redacted_thinking" => {
                let data = carry::opaque(carry::REDACTED, owned(self.data));
                Some(Part::Reasoning(Reasoning { signature: Some(data), ..Reasoning::default() }))
            }
            "tool_use" => {
                let cache = self.cache();
                let arguments = self.input.map_or("{}", RawValue::get).to_owned();
                let (id, name) = (owned(self.id), owned(self.name));
                let kind = ToolKind::Function;
                Some(Part::ToolCall(ToolCall { id, name, arguments, kind, signature: None, cache }))
            }
            _ => None,
        }
    }
}

/// A thought of the model's as a block for a client.
pub fn thought<'a>(text: &'a str, signature: Option<&'a Opaque>, id: Option<&str>) -> Out<'a> {
    match carry::own(signature, carry::REDACTED) {
        Some(data) => Out::RedactedThinking { data },
        None => Out::Thinking { thinking: text, signature: carry::signature(signature, id).into() },
    }
}

/// An empty thought that carries the signature of the call behind it.
pub fn call_signature<'a>(signature: Option<&Opaque>) -> Option<Out<'a>> {
    let signature = carry::of_call(signature)?.into();
    Some(Out::Thinking { thinking: "", signature })
}

/// True for a citation that Anthropic wrote; those of other dialects look different.
pub fn is_own_citation(citation: &Value) -> bool {
    const KINDS: [&str; 5] = [
        "char_location",
        "page_location",
        "content_block_location",
        "web_search_result_location",
        "search_result_location",
    ];
    citation["type"].as_str().is_some_and(|kind| KINDS.contains(&kind))
}

/// A call's arguments as the JSON object that Anthropic wants, and whether they were one.
pub fn input(arguments: &str, kind: ToolKind) -> (Box<RawValue>, bool) {
    if kind == ToolKind::Custom {
        return (object_of(arguments), true);
    }
    let arguments = arguments.trim();
    if arguments.is_empty() {
        return (raw("{}".to_owned()), true);
    }
    match RawValue::from_string(arguments.to_owned()) {
        Ok(object) if arguments.starts_with('{') => (object, true),
        Ok(_) | Err(_) => (object_of(arguments), false),
    }
}

/// Free text as the one argument that a custom tool has where there are only functions.
fn object_of(text: &str) -> Box<RawValue> {
    raw(serde_json::json!({ "input": text }).to_string())
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("what was serialised is JSON")
}
