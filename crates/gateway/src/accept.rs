//! Accept: which operation a request's method and path mean, and in which dialect.

use std::sync::Arc;
use std::time::Duration;

use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::id::{Entropy, RequestId};
use megarouter_domain::record::Operation;
use percent_encoding::percent_decode_str;

use crate::render::Failure;

/// When and as what a request came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its id, also in `x-request-id`.
    pub request_id: RequestId,
    /// The wall clock, which here never goes back: what the request's windows are chosen by.
    pub at: Timestamp,
    /// The measuring clock.
    pub monotonic: Duration,
    /// The client's program.
    pub user_agent: Option<Arc<str>>,
    /// The dialect that the client expects answers and errors in.
    pub dialect: Dialect,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Is the process alive?
    Health,
    /// Can it serve?
    Ready,
    /// Which models may this key use?
    Models,
    /// What is this model?
    Model(String),
    /// A call to a model.
    Call(Asked),
    /// An answer that was to be kept (OpenAI's `GET` and `DELETE /v1/responses/{id}`).
    KeptAnswer(String),
    /// A word on an earlier answer.
    Feedback,
    /// Something else that a provider does: its name, and the path below its base URL.
    PassThrough {
        /// The provider's name.
        provider: String,
        /// The path with its leading slash.
        path: String,
    },
}

/// What the path says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What for.
    pub operation: Operation,
    /// The model, where the path names it.
    pub model: Option<String>,
    /// Whether the path asks for a stream.
    pub is_streaming: bool,
    /// Whether that stream is to be server-sent events.
    pub is_sse: bool,
    /// Whether one path stands for several calls in one (Gemini's `batchEmbedContents`).
    pub is_batch: bool,
}

impl Asked {
    const fn of(operation: Operation) -> Self {
        Self { operation, model: None, is_streaming: false, is_sse: false, is_batch: false }
    }
}

/// The first stage: a request whose purpose is known, and nothing else.
pub struct Incoming<B> {
    /// When and as what it came in.
    pub arrival: Arrival,
    /// What it is for.
    pub route: Route,
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its query, without the question mark; empty for none.
    pub query: String,
    /// Its body, unread.
    pub body: B,
}

/// Notes the arrival of a request.
pub fn arrive(head: &Parts, at: Timestamp, monotonic: Duration, entropy: Entropy) -> Arrival {
    let user_agent = head.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|text| text.chars().take(200).collect::<String>().into());
    let dialect = dialect(head.uri.path(), &head.headers);
    Arrival { request_id: RequestId::new(at, entropy), at, monotonic, user_agent, dialect }
}

/// Reads what a request is for from its method and path.
///
/// # Errors
/// When the path does not exist, or not for that method.
pub fn accept<B>(arrival: Arrival, head: Parts, body: B) -> Result<Incoming<B>, Failure> {
    let query = head.uri.query().unwrap_or_default().to_owned();
    let route = route(&head.method, head.uri.path(), &query)?;
    refuse_overrides(&head)?;
    Ok(Incoming { arrival, route, method: head.method, headers: head.headers, query, body })
}

/// The dialect of a path. OpenAI's and Anthropic's model lists share one; their headers tell.
fn dialect(path: &str, headers: &HeaderMap) -> Dialect {
    let is_below =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_below("/v1/messages") {
        return Dialect::Anthropic;
    }
    if is_below("/v1/responses") {
        return Dialect::OpenAiResponses;
    }
    let is_gemini_call = path.strip_prefix("/v1/models/").is_some_and(|rest| gemini_verb(rest).is_some());
    if path.starts_with("/v1beta") || path.starts_with("/v1alpha/") || is_gemini_call {
        return Dialect::Gemini;
    }
    if is_below("/v1/models") {
        return match () {
            () if headers.contains_key("anthropic-version") => Dialect::Anthropic,
            () if headers.contains_key("x-goog-api-key") => Dialect::Gemini,
            () => Dialect::OpenAiChat,
        };
    }
    Dialect::OpenAiChat
}

/// Paths that mean one thing, with the method they answer to.
const FIXED: [(&str, Operation); 14] = [
    ("/v1/chat/completions", Operation::ChatCompletions),
    ("/v1/responses", Operation::Responses),
    ("/v1/responses/input_tokens", Operation::CountTokens),
    ("/v1/messages", Operation::Messages),
    ("/v1/messages/count_tokens", Operation::CountTokens),
    ("/v1/completions", Operation::Completions),
    ("/v1/embeddings", Operation::Embeddings),
    ("/v1/images/generations", Operation::Images),
    ("/v1/audio/speech", Operation::Speech),
    ("/v1/audio/transcriptions", Operation::Transcriptions),
    ("/v1/moderations", Operation::Moderations),
    ("/v1/rerank", Operation::Rerank),
    ("/v2/rerank", Operation::Rerank),
    ("/rerank", Operation::Rerank),
];

fn route(method: &Method, path: &str, query: &str) -> Result<Route, Failure> {
    if let Some((_, operation)) = FIXED.iter().find(|(fixed, _)| *fixed == path) {
        return only(&[Method::POST], method, path, Route::Call(Asked::of(*operation)));
    }
    match path {
        // Some clients look whether anybody is there before they call.
        "/" | "/healthz" => return only(&[Method::GET], method, path, Route::Health),
        "/readyz" => return only(&[Method::GET], method, path, Route::Ready),
        "/v1/feedback" => return only(&[Method::POST], method, path, Route::Feedback),
        "/v1/models" | "/v1beta/models" => return only(&[Method::GET], method, path, Route::Models),
        _ => {}
    }
    if let Some(rest) = path.strip_prefix("/passthrough/") {
        return pass_through(rest).ok_or_else(|| unknown_path(method, path));
    }
    if let Some(id) = path.strip_prefix("/v1/responses/").filter(|id| !id.is_empty() && !id.contains('/')) {
        return only(&[Method::GET, Method::DELETE], method, path, Route::KeptAnswer(id.to_owned()));
    }
    let below = ["/v1/models/", "/v1beta/models/", "/v1alpha/models/", "/v1beta1/models/"];
    let Some(rest) = below.iter().find_map(|prefix| path.strip_prefix(prefix)).filter(|rest| !rest.is_empty()) else {
        return Err(unknown_path(method, path));
    };
    let Some((name, verb)) = gemini_verb(rest) else {
        return only(&[Method::GET], method, path, Route::Model(decoded(rest)));
    };
    let asked = gemini_call(decoded(name), verb, query).ok_or_else(|| unknown_path(method, path))?;
    only(&[Method::POST], method, path, Route::Call(asked))
}

/// Splits `MODEL:verb`. A name of a model may hold a colon too (`gemma3:4b`), so only verbs count.
fn gemini_verb(rest: &str) -> Option<(&str, &str)> {
    const VERBS: [&str; 5] =
        ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"];
    rest.rsplit_once(':').filter(|(name, verb)| !name.is_empty() && VERBS.contains(verb))
}

fn gemini_call(model: String, verb: &str, query: &str) -> Option<Asked> {
    let (operation, is_streaming, is_batch) = match verb {
        "generateContent" => (Operation::GenerateContent, false, false),
        "streamGenerateContent" => (Operation::GenerateContent, true, false),
        "countTokens" => (Operation::CountTokens, false, false),
        "embedContent" => (Operation::Embeddings, false, false),
        "batchEmbedContents" => (Operation::Embeddings, false, true),
        _ => return None,
    };
    let is_sse = parameter(query, "alt") == Some("sse");
    Some(Asked { operation, model: Some(model), is_streaming, is_sse, is_batch })
}

fn pass_through(rest: &str) -> Option<Route> {
    let (provider, path) = rest.split_once('/').filter(|(provider, path)| !provider.is_empty() && !path.is_empty())?;
    // What leaves the base URL, however it is written, is another API.
    let is_plain = |segment: &str| !matches!(decoded(segment).as_str(), "." | "..") && !decoded(segment).contains('\\');
    path.split('/').all(is_plain).then(|| Route::PassThrough { provider: decoded(provider), path: format!("/{path}") })
}

/// The value of a query parameter, as written.
pub fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn only(allowed: &[Method], method: &Method, path: &str, route: Route) -> Result<Route, Failure> {
    let is_head = *method == Method::HEAD && allowed.contains(&Method::GET);
    if allowed.contains(method) || is_head {
        return Ok(route);
    }
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    let message = format!("{path} answers to {}, not to {method}.", names.join(" and "));
    Err(Failure { allow: allowed.first().cloned(), ..Failure::new(Code::MethodNotAllowed, message) })
}

/// Where a call goes is the configuration's business. A header or parameter that other proxies take
/// as an override is refused, so that nobody believes it worked.
fn refuse_overrides(head: &Parts) -> Result<(), Failure> {
    let parameters = head.uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
    let mut names = head.headers.keys().map(HeaderName::as_str).chain(parameters);
    let Some(name) = names.find(|name| megarouter_dialect::names_a_host(name)) else { return Ok(()) };
    let message =
        format!("`{name}` would choose a provider's address or credential. Set them in MegaRouter, and leave it out.");
    Err(Failure { param: Some(name.to_owned()), ..Failure::new(Code::RequestUnsupported, message) })
}

fn unknown_path(method: &Method, path: &str) -> Failure {
    let hint = match path {
        path if FIXED.iter().any(|(fixed, _)| fixed.strip_prefix("/v1") == Some(path)) || path == "/models" => {
            " The base URL ends in /v1: check the setting of your app."
        }
        path if path.starts_with("/v1/v1") => " The base URL is without /v1 here: check the setting of your app.",
        path if path.starts_with("/v1/") => {
            " What only one provider does is at /passthrough/PROVIDER/PATH, below that provider's base URL."
        }
        _ => "",
    };
    Failure::new(Code::PathNotFound, format!("There is no {method} {path} here.{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_may_hold_slashes_and_escapes() {
        let name = |path: &str| route(&Method::GET, path, "").unwrap();
        assert_eq!(name("/v1/models/openai/gpt-5"), Route::Model("openai/gpt-5".to_owned()));
        assert_eq!(name("/v1/models/openai%2Fgpt%2"), Route::Model("openai/gpt%2".to_owned()));
        assert_eq!(name("/v1/models/gemma3:4b"), Route::Model("gemma3:4b".to_owned()));
    }

    #[test]
    fn geminis_verbs_name_the_model() {
        let call = |path: &str, query: &str| match route(&Method::POST, path, query) {
            Ok(Route::Call(asked)) => (asked.operation, asked.model.unwrap(), asked.is_streaming, asked.is_sse),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            call("/v1beta/models/gemma3:4b:streamGenerateContent", "key=x&alt=sse"),
            (Operation::GenerateContent, "gemma3:4b".to_owned(), true, true)
        );
        assert_eq!(call("/v1/models/a%2Fb:countTokens", ""), (Operation::CountTokens, "a/b".to_owned(), false, false));
        assert_eq!(route(&Method::POST, "/v1beta/models/m:tuneModel", "").unwrap_err().code, Code::MethodNotAllowed);
    }

    #[test]
    fn tells_a_wrong_method_from_a_wrong_path() {
        let code = |method: Method, path: &str| route(&method, path, "").unwrap_err().code;
        assert_eq!(code(Method::GET, "/v1/chat/completions"), Code::MethodNotAllowed);
        assert_eq!(code(Method::POST, "/chat/completions"), Code::PathNotFound);
        assert_eq!(code(Method::GET, "/v1/models/"), Code::PathNotFound);
        assert_eq!(code(Method::POST, "/v1/responses/resp_1"), Code::MethodNotAllowed);
    }

    #[test]
    fn a_passed_on_path_stays_below_the_base_url() {
        let path = |path: &str| route(&Method::GET, path, "").ok();
        let expected = Route::PassThrough { provider: "openai".to_owned(), path: "/files/a%20b".to_owned() };
        assert_eq!(path("/passthrough/openai/files/a%20b"), Some(expected));
        for refused in [
            "/passthrough/openai",
            "/passthrough/openai/",
            "/passthrough/o/../x",
            "/passthrough/o/%2e%2E/x",
            "/passthrough/o/a%5C..%5Cx",
        ] {
            assert_eq!(path(refused), None, "{refused}");
        }
    }

    #[test]
    fn errors_come_in_the_dialect_of_the_path() {
        let mut headers = HeaderMap::new();
        assert_eq!(dialect("/v1/messages/nothing", &headers), Dialect::Anthropic);
        assert_eq!(dialect("/v1/models/m:generateContent", &headers), Dialect::Gemini);
        assert_eq!(dialect("/v1/models/gemma3:4b", &headers), Dialect::OpenAiChat);
        assert_eq!(dialect("/nothing", &headers), Dialect::OpenAiChat);
        headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
        assert_eq!(dialect("/v1/models", &headers), Dialect::Anthropic);
    }
}
