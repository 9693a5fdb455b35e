//! Which headers pass between a client and a provider. The lists name what may pass; all else
//! stays behind, so that neither side can set cookies, redirects or policies for the other.

use http::{HeaderMap, HeaderName, HeaderValue};
use megarouter_domain::dialect::Dialect;

/// What a client may say to a provider of OpenAI's dialects, beside the body. Which organisation and
/// project pay (`openai-organization`, `openai-project`) is not among them: the client means its own
/// account with OpenAI, and the call is made with ours.
const FROM_OPENAI_CLIENT: [HeaderName; 3] = [
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("http-referer"),
    HeaderName::from_static("x-title"),
];

/// How Anthropic begins the names of its headers. What they may say is an open list: a beta's header
/// and its members in the body travel together.
const ANTHROPIC_PREFIX: &str = "anthropic-";

const ANTHROPIC_VERSION: &str = "anthropic-version";

/// The version that is spoken when the client names none, the only one since 2023
/// (platform.claude.com/docs/en/api/versioning, read 2026-11-22).
const USUAL_VERSION: &str = "2023-06-01";

/// What a provider may say to a client, beside the body. `retry-after` is not among them: the
/// gateway decides on it.
const FROM_PROVIDER: [HeaderName; 4] = [
    HeaderName::from_static("content-type"),
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
    HeaderName::from_static("request-id"),
];

/// How providers begin the names of their rate-limit headers.
const RATE_LIMIT_PREFIXES: [&str; 2] = ["x-ratelimit-", "anthropic-ratelimit-"];

/// Where providers put their own id of a call, most usual first.
const REQUEST_IDS: [&str; 6] =
    ["x-request-id", "request-id", "x-generation-id", "x-amzn-requestid", "apim-request-id", "cf-ray"];

/// The headers of a call in a dialect: what the client said, as far as it may pass, and what the
/// dialect cannot do without. Operations that are no conversation pass what OpenAI's dialects do.
pub fn from_client(headers: &HeaderMap, dialect: Option<Dialect>) -> HeaderMap {
    let may_pass = |name: &HeaderName| match dialect {
        Some(Dialect::Anthropic) => name.as_str().starts_with(ANTHROPIC_PREFIX),
        Some(Dialect::Gemini | Dialect::BedrockConverse) => false,
        Some(Dialect::OpenAiChat | Dialect::OpenAiResponses) | None => FROM_OPENAI_CLIENT.contains(name),
    };
    let passing = headers.iter().filter(|(name, _)| may_pass(name));
    let mut sent = HeaderMap::new();
    for (name, value) in passing {
        // A header may come more than once, as betas do.
        sent.append(name.clone(), value.clone());
    }
    if dialect == Some(Dialect::Anthropic) && !sent.contains_key(ANTHROPIC_VERSION) {
        sent.insert(ANTHROPIC_VERSION, HeaderValue::from_static(USUAL_VERSION));
    }
    sent
}

/// The provider's headers that go to the client.
pub fn from_provider(headers: &HeaderMap) -> HeaderMap {
    let may_pass = |name: &HeaderName| {
        FROM_PROVIDER.contains(name) || RATE_LIMIT_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
    };
    headers.iter().filter(|(name, _)| may_pass(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The provider's own id of a call, cut to 200 characters.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = REQUEST_IDS.iter().find_map(|name| headers.get(*name)?.to_str().ok())?;
    Some(value.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_provider_cannot_set_policies_for_the_client() {
        let sent = map(&[
            ("content-type", "application/json"),
            ("x-ratelimit-remaining-requests", "9"),
            ("anthropic-ratelimit-tokens-remaining", "9"),
            ("anthropic-organization-id", "ours"),
            ("request-id", "req_1"),
            ("set-cookie", "a=b"),
            ("strict-transport-security", "max-age=1"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h3"),
            ("location", "https://evil.example"),
            ("retry-after", "86400"),
            ("x-request-id", "theirs"),
        ]);
        let passed = from_provider(&sent);
        assert_eq!(
            names(&passed),
            ["anthropic-ratelimit-tokens-remaining", "content-type", "request-id", "x-ratelimit-remaining-requests"]
        );
        assert_eq!(request_id(&sent).as_deref(), Some("theirs"));
    }

    #[test]
    fn a_clients_credentials_and_identity_stay_behind() {
        let sent = map(&[
            ("authorization", "Bearer mr-x"),
            ("x-api-key", "mr-x"),
            ("x-goog-api-key", "mr-x"),
            ("cookie", "a=b"),
            ("host", "localhost"),
            ("openai-organization", "org"),
            ("x-forwarded-for", "10.0.0.1"),
            ("openai-beta", "x=v1"),
            ("anthropic-beta", "a"),
        ]);
        assert_eq!(names(&from_client(&sent, Some(Dialect::OpenAiChat))), ["openai-beta"]);
        assert_eq!(names(&from_client(&sent, None)), ["openai-beta"]);
        assert_eq!(names(&from_client(&sent, Some(Dialect::Anthropic))), ["anthropic-beta", "anthropic-version"]);
        assert!(from_client(&sent, Some(Dialect::Gemini)).is_empty());
        assert!(from_client(&sent, Some(Dialect::BedrockConverse)).is_empty());
    }

    #[test]
    fn betas_pass_whatever_they_are_called_and_a_version_is_there_once() {
        let sent = map(&[("anthropic-beta", "a-1"), ("anthropic-beta", "b-2"), ("anthropic-new", "c")]);
        let passed = from_client(&sent, Some(Dialect::Anthropic));
        let betas: Vec<_> = passed.get_all("anthropic-beta").iter().collect();
        assert_eq!(betas, ["a-1", "b-2"]);
        assert_eq!(passed["anthropic-new"], "c");
        assert_eq!(passed["anthropic-version"], USUAL_VERSION);
        let dated = map(&[("anthropic-version", "2030-01-01")]);
        let passed = from_client(&dated, Some(Dialect::Anthropic));
        assert_eq!(passed.get_all("anthropic-version").iter().collect::<Vec<_>>(), ["2030-01-01"]);
    }
}
