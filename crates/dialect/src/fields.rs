//! The fields of a request that is read in place, and the reasons to refuse one.
//!
//! What operations share lives here; what only one of them has is in its own module.

use std::ops::Range;

use megarouter_domain::code::Code;
use thiserror::Error;

use crate::json::{self, Member};

/// Why a request cannot be sent on. The messages never quote what the client wrote, but for the
/// names of fields.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// Not UTF-8.
    #[error("the body is not valid UTF-8; send JSON as UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("the body is not valid JSON: it breaks at line {line}, column {column}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// JSON, and not an object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// Nested beyond [`json::MAX_DEPTH`].
    #[error("the body nests deeper than 64 levels")]
    TooDeep,
    /// A field that is there twice, of which servers would pick different ones.
    #[error("`{0}` is there twice; send it once")]
    Duplicate(String),
    /// A field that must be there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field with a value that cannot be.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it, as the rest of a sentence.
        problem: &'static str,
    },
    /// A field that would choose the host or the credential of the call.
    #[error("`{0}` is not accepted: which server is called, and with which credential, is set up in MegaRouter")]
    NamesHost(String),
    /// Something that MegaRouter does not do.
    #[error("`{field}` is not supported here: {instead}")]
    Unsupported {
        /// The field.
        field: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

impl RequestError {
    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::NotUtf8 | Self::Malformed { .. } | Self::NotAnObject | Self::TooDeep => Code::RequestMalformed,
            Self::Duplicate(_) | Self::Missing(_) | Self::Invalid { .. } | Self::NamesHost(_) => Code::RequestInvalid,
            Self::Unsupported { .. } => Code::RequestUnsupported,
        }
    }

    /// The field at fault, for the error body's `param`.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Duplicate(field) | Self::NamesHost(field) => Some(field),
            Self::Missing(field) | Self::Invalid { field, .. } | Self::Unsupported { field, .. } => Some(field),
            Self::NotUtf8 | Self::Malformed { .. } | Self::NotAnObject | Self::TooDeep => None,
        }
    }
}

/// The top-level members of a request.
pub struct Fields<'a> {
    text: &'a str,
    members: Vec<Member<'a>>,
}

impl<'a> Fields<'a> {
    /// Reads a body; refuses fields that would choose the host or the credential of the call.
    pub fn read(body: &'a [u8]) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(body).map_err(|_| RequestError::NotUtf8)?;
        let members = json::object_members(text)?;
        match members.iter().find(|member| json::names_a_host(&member.name)) {
            Some(member) => Err(RequestError::NamesHost(member.name.as_ref().to_owned())),
            None => Ok(Self { text, members }),
        }
    }

    /// The names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_ref())
    }

    /// A field, null or not.
    pub fn get(&self, name: &str) -> Option<&Member<'a>> {
        self.members.iter().find(|member| member.name == name)
    }

    /// A field that is there and not null.
    pub fn present(&self, name: &str) -> Option<&Member<'a>> {
        self.get(name).filter(|member| member.value != "null")
    }

    /// A field that has to be there.
    pub fn required(&self, name: &'static str) -> Result<&Member<'a>, RequestError> {
        self.present(name).ok_or(RequestError::Missing(name))
    }

    /// The model's name, and where it is written.
    pub fn model(&self) -> Result<(String, Range<usize>), RequestError> {
        let member = self.required("model")?;
        let invalid = |problem| RequestError::Invalid { field: "model", problem };
        let model: String = serde_json::from_str(member.value).map_err(|_| invalid("must be a string"))?;
        if model.trim().is_empty() {
            return Err(invalid("must not be empty"));
        }
        Ok((model, member.span.clone()))
    }

    /// A boolean; absent and null are false.
    pub fn flag(&self, field: &'static str) -> Result<bool, RequestError> {
        match self.get(field).map(|member| member.value) {
            Some("true") => Ok(true),
            None | Some("false" | "null") => Ok(false),
            Some(_) => Err(RequestError::Invalid { field, problem: "must be true or false" }),
        }
    }

    /// A count above zero.
    pub fn positive(&self, field: &'static str) -> Result<Option<u64>, RequestError> {
        let Some(member) = self.present(field) else { return Ok(None) };
        match member.value.parse::<u64>() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(RequestError::Invalid { field, problem: "must be a whole number above 0" }),
        }
    }

    /// Where a member is added: just after the opening brace.
    pub fn insert_at(&self) -> usize {
        self.text.find('{').map_or(0, |brace| brace + 1)
    }

    /// The range of a member with its name and one comma, to leave it out.
    pub fn range_of(&self, member: &Member<'a>) -> Range<usize> {
        // The name is the last string before the value; nothing but a colon and space is between.
        let name_end = self.text[..member.span.start].rfind('"').unwrap_or_default();
        let name_start = self.text[..name_end].rfind('"').unwrap_or_default();
        json::member_range(self.text.as_bytes(), name_start, member.span.start)
    }
}
