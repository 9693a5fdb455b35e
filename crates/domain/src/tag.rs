//! Tags: what an app says about a request, for attribution.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most tags of one request.
pub const MOST_TAGS: usize = 8;
/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 40;
/// The longest value, in bytes.
pub const LONGEST_VALUE: usize = 100;

/// A name with a value, e.g. `ticket=OPS-12`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag {
    /// Lower-case letters, digits, `_`, `-` and `.`.
    pub name: Arc<str>,
    /// Any visible text.
    pub value: Arc<str>,
}

/// Why a text is no tag.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TagError {
    /// No `=`.
    #[error("a tag is written name=value")]
    NoValue,
    /// A name that cannot be one.
    #[error("a tag's name has 1 to {LONGEST_NAME} lower-case letters, digits, `_`, `-` or `.`")]
    Name,
    /// A value that cannot be one.
    #[error("a tag's value has 1 to {LONGEST_VALUE} visible characters")]
    Value,
    /// Too many.
    #[error("a request has at most {MOST_TAGS} tags, each name once")]
    TooMany,
}

impl Tag {
    /// Checks and makes a tag; upper-case letters of the name become lower-case.
    ///
    /// # Errors
    /// When name or value are not what they may be.
    pub fn new(name: &str, value: &str) -> Result<Self, TagError> {
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim();
        let is_named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_named) {
            return Err(TagError::Name);
        }
        if value.is_empty() || value.len() > LONGEST_VALUE || value.chars().any(char::is_control) {
            return Err(TagError::Value);
        }
        Ok(Self { name: name.into(), value: value.into() })
    }

    /// Reads `name=value, name=value`, as the header `x-megarouter-tags` has it.
    ///
    /// # Errors
    /// When one of them is no tag, a name comes twice, or there are too many.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, TagError> {
        let mut tags = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(TagError::NoValue)?;
            tags.push(Self::new(name, value)?);
        }
        tags.sort();
        let is_twice = tags.windows(2).any(|pair| pair[0].name == pair[1].name);
        if tags.len() > MOST_TAGS || is_twice { Err(TagError::TooMany) } else { Ok(tags) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_list_in_a_fixed_order() {
        let tags = Tag::parse_list("Ticket=OPS-12 , env=prod,").unwrap();
        assert_eq!(tags, [Tag::new("env", "prod").unwrap(), Tag::new("ticket", "OPS-12").unwrap()]);
        assert_eq!(Tag::parse_list(""), Ok(vec![]));
    }

    #[test]
    fn refuses_what_is_no_tag() {
        assert_eq!(Tag::parse_list("ticket"), Err(TagError::NoValue));
        assert_eq!(Tag::parse_list("a b=c"), Err(TagError::Name));
        assert_eq!(Tag::parse_list("a="), Err(TagError::Value));
        assert_eq!(Tag::parse_list("a=1,A=2"), Err(TagError::TooMany));
        assert_eq!(Tag::parse_list("a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1"), Err(TagError::TooMany));
    }
}
