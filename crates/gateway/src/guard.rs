//! The outermost check of every listener: which host a request names, and which web page sends it.
//!
//! It runs before authentication, for every path and method, also for those that do not exist. It
//! keeps out web pages that point a name of their own at this machine (DNS rebinding) and pages
//! that send requests from a browser (cross-site requests). It knows nothing about keys.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use megarouter_domain::code::Code;

/// The names a listener answers to and the web pages that may call it.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
    has_pages: bool,
}

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on; the answer gets these headers when the request came from an allowed page.
    Pass(Option<HeaderValue>),
    /// Answer an allowed page's preflight, and nothing else.
    Preflight(HeaderValue),
    /// Answer with this status and code, and nothing else.
    Refuse(StatusCode, Code),
}

impl Guard {
    /// Answers to the loopback names at `port`, and to `hosts` as written (`name` or `name:port`).
    /// `origins` are the web pages that may call, as `scheme://host[:port]`.
    pub fn new(port: u16, hosts: &[String], origins: &[String]) -> Self {
        let loopback = ["127.0.0.1", "localhost", "[::1]"].into_iter();
        let mut allowed: Vec<_> = loopback.clone().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            allowed.extend(loopback.map(str::to_owned));
        }
        allowed.extend_from_slice(hosts);
        Self { hosts: allowed, origins: origins.to_vec(), has_pages: false }
    }

    /// The same for a listener that serves a web page of its own: the page itself may be opened from
    /// anywhere, and may call back.
    #[must_use]
    pub fn with_own_pages(mut self) -> Self {
        let own = self.hosts.iter().flat_map(|host| [format!("http://{host}"), format!("https://{host}")]);
        self.origins.extend(own.collect::<Vec<_>>());
        self.has_pages = true;
        self
    }

    /// Judges a request by its head alone.
    pub fn judge(&self, head: &Parts) -> Verdict {
        if !self.names_us(head) {
            return Verdict::Refuse(StatusCode::MISDIRECTED_REQUEST, Code::HostRefused);
        }
        let mut origins = head.headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return self.judge_without_origin(head) };
        let is_allowed = |allowed: &String| allowed.as_bytes() == origin.as_bytes();
        if origins.next().is_some() || !self.origins.iter().any(is_allowed) {
            return Verdict::Refuse(StatusCode::FORBIDDEN, Code::OriginRefused);
        }
        if head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return Verdict::Preflight(origin.clone());
        }
        Verdict::Pass(Some(origin.clone()))
    }

    fn names_us(&self, head: &Parts) -> bool {
        let mut hosts = head.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let is_ours = self.hosts.iter().any(|allowed| allowed.as_bytes() == host.as_bytes());
        let agrees = head.uri.authority().is_none_or(|authority| authority.as_str().as_bytes() == host.as_bytes());
        is_ours && agrees
    }

    /// Without an `Origin`, a browser still says where a request comes from; programs say nothing.
    fn judge_without_origin(&self, head: &Parts) -> Verdict {
        let text = |name: &str| head.headers.get(name).map(HeaderValue::as_bytes);
        let is_navigation = self.has_pages
            && head.method == Method::GET
            && !head.uri.path().starts_with("/api/")
            && text("sec-fetch-mode") == Some(b"navigate")
            && text("sec-fetch-dest") == Some(b"document");
        match text("sec-fetch-site") {
            None | Some(b"none" | b"same-origin") => Verdict::Pass(None),
            Some(_) if is_navigation => Verdict::Pass(None),
            Some(_) => Verdict::Refuse(StatusCode::FORBIDDEN, Code::OriginRefused),
        }
    }
}

/// Adds what an allowed page's browser needs to read the answer.
pub fn allow_page(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed = "x-request-id, retry-after, x-megarouter-route, x-megarouter-model, x-megarouter-provider, x-megarouter-budget-name, x-megarouter-budget-measure, \
                   x-megarouter-budget-limit, x-megarouter-budget-remaining, x-megarouter-budget-reset";
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    headers.append(VARY, HeaderValue::from_static("origin"));
}

/// Adds what an allowed page's browser asks for before the real request.
pub fn allow_preflight(headers: &mut HeaderMap, origin: HeaderValue) {
    allow_page(headers, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, x-api-key, openai-organization, openai-project, idempotency-key, \
             x-megarouter-tags, x-megarouter-session",
        ),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn judge(guard: &Guard, uri: &str, headers: &[(&str, &str)]) -> Verdict {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        guard.judge(&request.body(()).unwrap().into_parts().0)
    }

    fn status(verdict: &Verdict) -> u16 {
        match verdict {
            Verdict::Pass(_) => 200,
            Verdict::Preflight(_) => 204,
            Verdict::Refuse(status, _) => status.as_u16(),
        }
    }

    #[test]
    fn answers_only_to_its_own_names() {
        let guard = Guard::new(4180, &["router.lan:4180".to_owned()], &[]);
        let host = |name: &str| status(&judge(&guard, "/v1/models", &[("host", name)]));
        for name in ["127.0.0.1:4180", "localhost:4180", "[::1]:4180", "router.lan:4180"] {
            assert_eq!(host(name), 200, "{name}");
        }
        let foreign = ["evil.example", "127.0.0.1.nip.io:4180", "localhost.evil.example:4180", "LOCALHOST:4180"];
        for name in foreign.into_iter().chain(["localhost.:4180", "localhost", "127.0.0.1:4181", ""]) {
            assert_eq!(host(name), 421, "{name}");
        }
        assert_eq!(status(&judge(&guard, "/", &[])), 421);
        assert_eq!(status(&judge(&guard, "/", &[("host", "localhost:4180"), ("host", "localhost:4180")])), 421);
        assert_eq!(status(&judge(&guard, "http://evil.example/", &[("host", "localhost:4180")])), 421);
        assert_eq!(status(&judge(&guard, "http://localhost:4180/", &[("host", "localhost:4180")])), 200);
    }

    #[test]
    fn refuses_web_pages_that_are_not_on_the_list() {
        let guard = Guard::new(4180, &[], &["https://app.example".to_owned()]);
        let from = |name: &str, value: &str| status(&judge(&guard, "/", &[("host", "localhost:4180"), (name, value)]));
        assert_eq!(from("origin", "https://evil.example"), 403);
        assert_eq!(from("origin", "null"), 403);
        assert_eq!(from("origin", "http://localhost:4180"), 403);
        assert_eq!(from("sec-fetch-site", "cross-site"), 403);
        assert_eq!(from("sec-fetch-site", "same-site"), 403);
        assert_eq!(from("sec-fetch-site", "none"), 200);
        assert_eq!(from("origin", "https://app.example"), 200);
    }

    #[test]
    fn a_listener_with_pages_lets_them_be_opened_but_not_their_api() {
        let guard = Guard::new(4181, &[], &[]).with_own_pages();
        let open = |path: &str| {
            let headers = [
                ("host", "localhost:4181"),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ];
            status(&judge(&guard, path, &headers))
        };
        assert_eq!(open("/"), 200);
        assert_eq!(open("/api/v1/status"), 403);
        let own = [("host", "localhost:4181"), ("origin", "http://localhost:4181")];
        assert_eq!(status(&judge(&guard, "/api/v1/status", &own)), 200);
    }
}
