//! The dialects of OpenAI, Anthropic and Google as their own servers speak them.
//!
//! Each vendor's module reads a request as strictly as that vendor does and refuses what it would
//! refuse, in its own words; then [`play`] decides what the "model" says, and the module writes that
//! in the vendor's wire form, whole or streamed. What the model says is asked for in the prompt, by a
//! [`directive`]. Nothing here draws on chance: the same request gets the same bytes.
//!
//! Rules are after the vendors' public API references and error messages, read in November 2026.

mod anthropic;
mod check;
mod directive;
mod gemini;
mod openai;
mod operations;
mod play;
mod report;
mod seen;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

pub(super) use report::report;

use super::answer::{Answer, whole};
use super::request::Request;
use super::script::{Cut, CutBy, Script};
use super::{DEFAULT_MODEL, State};
use check::Illegal;
use directive::Directive;
use seen::Seen;
use write::Written;

/// The credential that the vendors' paths insist on, unless the mock was given another one.
pub const VENDOR_CREDENTIAL: &str = "mock-credential";

/// A call on a vendor's own path.
struct Asked<'a> {
    request: &'a Request,
    /// The path without its query.
    path: &'a str,
    /// The query, without `?`.
    query: &'a str,
    number: usize,
}

/// Whose error shape to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    OpenAi,
    Anthropic,
    Gemini,
}

/// Answers a call on a vendor's path; `None` for calls that the plain scripts answer.
pub(super) fn answer(state: &State, request: &Request, number: usize) -> Option<(Script, Answer)> {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let asked = Asked { request, path, query, number };
    let vendor = vendor_of(state, &asked)?;
    let outcome = check_credential(state, vendor, &asked).and_then(|()| match vendor {
        Vendor::OpenAi => openai::serve(&asked),
        Vendor::Anthropic => anthropic::serve(&asked),
        Vendor::Gemini => gemini::serve(&asked),
    });
    let (directive, answer) =
        outcome.unwrap_or_else(|illegal| (Directive::default(), refuse(vendor, &illegal, number)));
    Some((script(&directive, &answer, vendor, number), answer))
}

/// The model that a path names (Gemini); other vendors name it in the body.
pub(super) fn model_in_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v1beta/models/")?;
    Some(rest.split([':', '?']).next().unwrap_or(rest))
}

fn vendor_of(state: &State, asked: &Asked<'_>) -> Option<Vendor> {
    if asked.path.starts_with("/v1beta/") {
        return Some(Vendor::Gemini);
    }
    let is_anthropic = asked.request.header("anthropic-version").is_some();
    if asked.path.starts_with("/v1/messages") || (is_anthropic && asked.path.starts_with("/v1/models")) {
        return Some(Vendor::Anthropic);
    }
    let model = asked.request.asked().unwrap_or_default().model;
    let is_scripted = model == DEFAULT_MODEL || state.has_model(&model);
    match (asked.request.method.as_str(), asked.path) {
        ("POST", "/v1/chat/completions" | "/v1/embeddings") => {
            (!is_scripted && openai::has_model(&model)).then_some(Vendor::OpenAi)
        }
        ("POST", path) if path.starts_with("/v1/") => Some(Vendor::OpenAi),
        ("GET" | "DELETE", path) if path.starts_with("/v1/responses/") => Some(Vendor::OpenAi),
        _ => None,
    }
}

fn check_credential(state: &State, vendor: Vendor, asked: &Asked<'_>) -> Result<(), Illegal> {
    let wanted = state.credential().unwrap_or_else(|| VENDOR_CREDENTIAL.to_owned());
    let header = |name| asked.request.header(name).map(str::to_owned);
    let bearer = || header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    let in_query = || asked.query.split('&').find_map(|pair| pair.strip_prefix("key=")).map(str::to_owned);
    let given = match vendor {
        Vendor::OpenAi => bearer(),
        Vendor::Anthropic => header("x-api-key").or_else(bearer),
        Vendor::Gemini => header("x-goog-api-key").or_else(in_query),
    };
    let (status, code, message) = match (vendor, given) {
        (_, Some(given)) if given == wanted => return Ok(()),
        (Vendor::OpenAi, None) => (401, None, "You didn't provide an API key."),
        (Vendor::OpenAi, Some(_)) => (401, Some("invalid_api_key"), "Incorrect API key provided."),
        (Vendor::Anthropic, None) => (401, None, "x-api-key header is required"),
        (Vendor::Anthropic, Some(_)) => (401, None, "invalid x-api-key"),
        (Vendor::Gemini, None) => (
            403,
            None,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
        ),
        // Google answers 400 here, not 401.
        (Vendor::Gemini, Some(_)) => (400, Some("API_KEY_INVALID"), "API key not valid. Please pass a valid API key."),
    };
    Err(Illegal { status, code, ..Illegal::new(message) })
}

fn refuse(vendor: Vendor, illegal: &Illegal, number: usize) -> Answer {
    let body = match vendor {
        Vendor::OpenAi => openai::error(illegal),
        Vendor::Anthropic => anthropic::error(illegal, number),
        Vendor::Gemini => gemini::error(illegal),
    };
    whole(illegal.status, &body, None)
}

/// The answer to a request that was found legal.
fn answer_to(
    seen: &Seen,
    vendor: Vendor,
    asked: &Asked<'_>,
    write: impl FnOnce(&play::Reply) -> Written,
) -> (Directive, Answer) {
    let directive = seen.directive();
    if let Some(illegal) = directive.error_for(vendor) {
        return (directive, refuse(vendor, &illegal, asked.number));
    }
    let answer = write(&play::play(seen, &directive)).into_answer(&directive);
    (directive, answer)
}

/// How the connection writes the answer.
fn script(directive: &Directive, answer: &Answer, vendor: Vendor, number: usize) -> Script {
    let mut headers: BTreeMap<String, String> = directive.headers.clone();
    if vendor == Vendor::Anthropic {
        headers.insert("request-id".to_owned(), format!("req_mock_{number}"));
    }
    let cut = directive.cut.map(|words| Cut {
        at_byte: answer.pieces.iter().take_while(|piece| piece.words <= words).map(|piece| piece.bytes.len()).sum(),
        by: CutBy::Fin,
    });
    Script {
        first_byte_ms: directive.first_ms,
        gap_ms: directive.gap_ms,
        silent_after: directive.silent,
        headers,
        cut,
        ..Script::default()
    }
}
