//! Attribution: what an app says about a request for the books, in headers.
//!
//! `x-megarouter-tags: ticket=OPS-12, env=prod` counts the request under those tags, beside its key's
//! owner and project. `x-megarouter-session` names the session it belongs to, so that an agent that runs
//! away can be stopped without stopping others; where it is missing, the session is read from what
//! clients say of their own accord (headers of coding agents, and the metadata of Claude Code).

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use megarouter_domain::code::Code;
use megarouter_domain::tag::{self, Tag};

use crate::render::Failure;

/// Tags, as `name=value, name=value`.
pub const TAGS: &str = "x-megarouter-tags";
/// The session, as the app names it.
pub const SESSION: &str = "x-megarouter-session";
/// The longest name of a session, in characters.
pub const LONGEST_SESSION: usize = 100;

/// The longest header of tags: as many and as long ones as there may be, with their punctuation.
const LONGEST_TAGS: usize = tag::MOST_TAGS * (tag::LONGEST_NAME + tag::LONGEST_VALUE + 4);

/// Where clients name their sessions, the most exact first: Claude Code
/// (code.claude.com/docs/en/llm-gateway-protocol), Codex, opencode; read 2026-11-22.
const SESSION_HEADERS: [&str; 5] =
    ["x-claude-code-session-id", "session_id", "session-id", "x-session-id", "x-opencode-session"];

/// What an app said about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// Its tags, in a fixed order.
    pub tags: Vec<Tag>,
    /// Its session.
    pub session: Option<Arc<str>>,
}

/// Reads what the headers say.
///
/// # Errors
/// When one of our own headers cannot be understood. What others say is taken as far as it goes.
pub fn read(headers: &HeaderMap) -> Result<Attribution, Failure> {
    Ok(Attribution { tags: tags(headers)?, session: session(headers)? })
}

/// A client's own name of its session, from a header or a body; `None` where it is none to use.
pub fn named(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    let is_name = !text.is_empty() && text.chars().count() <= LONGEST_SESSION && !text.chars().any(char::is_control);
    is_name.then(|| text.into())
}

fn tags(headers: &HeaderMap) -> Result<Vec<Tag>, Failure> {
    let mut values = headers.get_all(TAGS).iter();
    let Some(first) = values.next() else { return Ok(vec![]) };
    if values.next().is_some() {
        return Err(invalid(TAGS, "came twice; send one with all tags"));
    }
    let text = text(TAGS, first, LONGEST_TAGS)?;
    Tag::parse_list(text).map_err(|error| invalid(TAGS, &format!("cannot be read: {error}")))
}

fn session(headers: &HeaderMap) -> Result<Option<Arc<str>>, Failure> {
    if let Some(value) = headers.get(SESSION) {
        let session = named(text(SESSION, value, 4 * LONGEST_SESSION)?);
        let wrong = || invalid(SESSION, &format!("must be 1 to {LONGEST_SESSION} visible characters"));
        return session.ok_or_else(wrong).map(Some);
    }
    let said = SESSION_HEADERS.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    Ok(said.and_then(named))
}

fn text<'a>(name: &str, value: &'a HeaderValue, longest: usize) -> Result<&'a str, Failure> {
    if value.len() > longest {
        return Err(invalid(name, &format!("is longer than {longest} bytes")));
    }
    std::str::from_utf8(value.as_bytes()).map_err(|_| invalid(name, "must be written in UTF-8"))
}

fn invalid(name: &str, problem: &str) -> Failure {
    let message = format!("The header `{name}` {problem}.");
    Failure { param: Some(name.to_owned()), ..Failure::new(Code::RequestInvalid, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(headers: &[(&'static str, &str)]) -> Result<Attribution, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        read(&map).map_err(|failure| failure.param.unwrap())
    }

    #[test]
    fn tags_and_sessions_are_read() {
        let read = from(&[(TAGS, "ticket=OPS-12, env=prod, who=Jürgen"), (SESSION, "night run")]).unwrap();
        let names: Vec<_> = read.tags.iter().map(|tag| (&*tag.name, &*tag.value)).collect();
        assert_eq!(names, [("env", "prod"), ("ticket", "OPS-12"), ("who", "Jürgen")]);
        assert_eq!(read.session.as_deref(), Some("night run"));
        assert_eq!(from(&[]), Ok(Attribution::default()));
    }

    #[test]
    fn a_clients_own_session_serves_where_the_app_names_none() {
        let session = |headers: &[(&'static str, &str)]| from(headers).unwrap().session;
        assert_eq!(session(&[("x-claude-code-session-id", "57a1"), ("session_id", "x")]).as_deref(), Some("57a1"));
        assert_eq!(session(&[("x-session-id", "ses_1"), (SESSION, "mine")]).as_deref(), Some("mine"));
        let too_long = "x".repeat(LONGEST_SESSION + 1);
        assert_eq!(session(&[("x-session-id", &too_long)]), None);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert_eq!(from(&[(TAGS, "ticket")]).unwrap_err(), TAGS);
        assert_eq!(from(&[(TAGS, "a=1"), (TAGS, "b=2")]).unwrap_err(), TAGS);
        assert_eq!(from(&[(TAGS, &"a=1,".repeat(400))]).unwrap_err(), TAGS);
        assert_eq!(from(&[(SESSION, "")]).unwrap_err(), SESSION);
        assert_eq!(from(&[(SESSION, &"x".repeat(LONGEST_SESSION + 1))]).unwrap_err(), SESSION);
    }
}
