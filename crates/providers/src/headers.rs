//! Which headers pass between a client and a provider. Both lists name what may pass; all else
//! stays behind, so that neither side can set cookies, redirects or policies for the other.

use http::{HeaderMap, HeaderName};

/// What a client may say to a provider, beside the body.
const FROM_CLIENT: [HeaderName; 3] = [
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("http-referer"),
    HeaderName::from_static("x-title"),
];

/// What a provider may say to a client, beside the body. `retry-after` is not among them: the
/// gateway decides on it.
const FROM_PROVIDER: [HeaderName; 3] = [
    HeaderName::from_static("content-type"),
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
];

/// How providers begin the names of their rate-limit headers.
const RATE_LIMIT_PREFIX: &str = "x-ratelimit-";

/// Where providers put their own id of a call, most usual first.
const REQUEST_IDS: [&str; 3] = ["x-request-id", "request-id", "x-generation-id"];

/// The client's headers that go to the provider.
pub fn from_client(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| FROM_CLIENT.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The provider's headers that go to the client.
pub fn from_provider(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| FROM_PROVIDER.contains(name) || name.as_str().starts_with(RATE_LIMIT_PREFIX))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
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
        headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_provider_cannot_set_policies_for_the_client() {
        let sent = map(&[
            ("content-type", "application/json"),
            ("x-ratelimit-remaining-requests", "9"),
            ("set-cookie", "a=b"),
            ("strict-transport-security", "max-age=1"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h3"),
            ("location", "https://evil.example"),
            ("retry-after", "86400"),
            ("x-request-id", "theirs"),
        ]);
        let passed = from_provider(&sent);
        let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "x-ratelimit-remaining-requests"]);
        assert_eq!(request_id(&sent).as_deref(), Some("theirs"));
    }

    #[test]
    fn a_clients_credentials_and_identity_stay_behind() {
        let sent = map(&[
            ("authorization", "Bearer mr-x"),
            ("x-api-key", "mr-x"),
            ("cookie", "a=b"),
            ("host", "localhost"),
            ("openai-organization", "org"),
            ("x-forwarded-for", "10.0.0.1"),
            ("openai-beta", "x=v1"),
        ]);
        assert_eq!(from_client(&sent).len(), 1);
    }
}
