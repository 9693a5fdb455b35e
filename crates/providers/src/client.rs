//! The HTTP client: one call to one provider.
//!
//! It follows no redirects, unpacks nothing, keeps no cookies and uses no proxy unless told to.
//! Dropping an answer, or the future of a call, closes its connection at once: that is how a client
//! that leaves stops its provider.

mod download;
mod way_out;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::Body as _;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::provider::{RateLimits, Target};
use reqwest::redirect;
use thiserror::Error;
use tracing::warn;
use url::Url;

pub use self::download::Download;
pub use self::way_out::{OutgoingProxy, OutgoingProxyError};
use crate::address::{BaseUrl, BaseUrlError, Checked};
use crate::auth::google::{Exchange, Granted, Refused, Tokens};
use crate::auth::{self, Auth, Outgoing};
use crate::catalog::{self, Endpoint};
use crate::errors::{self, CallError};
use crate::{headers, rate_limits, resolver};

/// How many idle connections are kept to one provider.
const IDLE_CONNECTIONS: usize = 256;

/// How long a silent connection goes unasked whether its other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long fetching a token for a service account may take.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// The most that is read of a token's answer. A token is near 1 kB.
const TOKEN_LIMIT: usize = 64 << 10;

/// What Amazon Bedrock's streams are.
const AMAZON_EVENTS: &str = "application/vnd.amazon.eventstream";

/// How connections are made.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// How long making a connection may take, name resolution and TLS included.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// A proxy for calls beyond this machine; `None` for none, whatever the environment says.
    pub proxy: Option<OutgoingProxy>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(3), idle_timeout: Duration::from_secs(90), proxy: None }
    }
}

/// The client could not be set up.
#[derive(Debug, Error)]
#[error("the HTTP client could not be set up")]
pub struct SetupError(#[source] reqwest::Error);

/// The client of all providers. Cheap to clone; clones share their connections and tokens.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    tokens: Arc<Tokens>,
    addresses: Arc<Checked>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// `POST` with a body, `GET` without.
    pub method: Method,
    /// The path with its leading slash, e.g. `/chat/completions`; may hold a query.
    pub path: &'a str,
    /// A query to add to the path's own, without the question mark.
    pub query: Option<&'a str>,
    /// Whether the path begins at the origin and not below the base URL.
    pub at_root: bool,
    /// The body; empty for none.
    pub body: Bytes,
    /// What the body is.
    pub content_type: HeaderValue,
    /// The client's headers; only those that a provider of the dialect may see are sent.
    pub client_headers: &'a HeaderMap,
    /// The dialect of the conversation; `None` for other operations.
    pub dialect: Option<Dialect>,
    /// How the credential is sent; `None` for the way that the provider's record says.
    pub auth: Option<Auth>,
    /// Whether a stream is expected, for `Accept`.
    pub is_streaming: bool,
    /// How long the answer's first line may take, from the call on.
    pub first_byte_timeout: Duration,
}

/// A provider's answer whose body has not been read.
#[derive(Debug)]
pub struct UpstreamResponse {
    /// The status; redirects are not followed.
    pub status: StatusCode,
    /// The headers that a client may see.
    pub headers: HeaderMap,
    /// The provider's own id of the call.
    pub request_id: Option<String>,
    /// How long the provider asks to wait before another call.
    pub retry_after: Option<Duration>,
    /// What it says is left of the credential's limits.
    pub limits: RateLimits,
    /// The body.
    pub body: UpstreamBody,
}

/// The body of an answer: a stream of bytes as they arrive. Dropping it closes the connection
/// unless the end was reached.
#[derive(Debug)]
pub struct UpstreamBody {
    inner: reqwest::Body,
}

impl Client {
    /// Sets a client up.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(options: &ClientOptions) -> Result<Self, SetupError> {
        // Fails only when a provider is installed already, which then is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = match builder(options)?.build() {
            Ok(http) => http,
            Err(error) => {
                // A machine without root certificates can still serve its own models.
                warn!(%error, "no secure connections: the system's root certificates cannot be read");
                builder(options)?.tls_certs_only([]).build().map_err(SetupError)?
            }
        };
        Ok(Self { http, tokens: Arc::default(), addresses: Arc::default() })
    }

    /// Makes a call and waits for the answer's head. `now` is the wall clock, for signatures, tokens
    /// and `Retry-After`.
    ///
    /// # Errors
    /// When nothing was sent, or no answer came; an answer with an error status is an answer.
    pub async fn call(&self, target: &Target, call: Call<'_>, now: Timestamp) -> Result<UpstreamResponse, CallError> {
        let base = self.addresses.parse(&target.provider.base_url)?;
        let timeout = call.first_byte_timeout;
        let kind = catalog::kind(&target.provider.kind);
        let auth = call.auth.or_else(|| kind.map(|kind| kind.auth)).unwrap_or(Auth::Bearer);
        let mut outgoing = call.outgoing(&base)?;
        for (name, value) in kind.map_or(&[][..], |kind| kind.headers) {
            outgoing.headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
        }
        if let Some(secret) = auth::secret_for(target, &base, &outgoing.url)? {
            if auth == Auth::GoogleServiceAccount {
                let fetch = |exchange| self.exchange(exchange);
                let token = self.tokens.token(secret, &base, now, fetch).await?;
                auth::attach(auth, &token, &mut outgoing, now)?;
            } else {
                auth::attach(auth, secret, &mut outgoing, now)?;
            }
        }
        self.send(outgoing, timeout, now).await
    }

    /// Reads a public page at the root of an origin, without any credential.
    pub(crate) async fn look(
        &self,
        base: &BaseUrl,
        path: &str,
        timeout: Duration,
    ) -> Result<UpstreamResponse, CallError> {
        let none = HeaderMap::new();
        let outgoing = Call { at_root: true, ..Call::get(path, &none, timeout) }.outgoing(base)?;
        self.send(outgoing, timeout, Timestamp::from_micros(0)).await
    }

    /// Exchanges an assertion for a token. Nothing of the call itself was sent yet, so whatever goes
    /// wrong here is a fault of the credential or of the way to Google.
    async fn exchange(&self, exchange: Exchange) -> Result<Granted, CallError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = Bytes::copy_from_slice(exchange.form.as_bytes());
        let outgoing = Outgoing { method: Method::POST, url: exchange.url, headers, body };
        let failed = |what: &str| CallError::CredentialUnavailable(format!("Google's token service {what}"));
        let answer = match self.send(outgoing, TOKEN_TIMEOUT, Timestamp::from_micros(0)).await {
            Ok(answer) => answer,
            Err(error) if error.may_have_run() => return Err(failed("did not answer")),
            Err(error) => return Err(error),
        };
        let is_granted = answer.status.is_success();
        let body = answer.body.read_all(TOKEN_LIMIT).await.map_err(|_| failed("did not finish its answer"))?;
        if is_granted {
            return serde_json::from_slice(&body).map_err(|_| failed("sent no token"));
        }
        let refused = serde_json::from_slice::<Refused>(&body);
        Err(refused
            .map_or_else(|_| failed("is out of order"), |said| CallError::CredentialUnavailable(said.in_words())))
    }

    async fn send(&self, outgoing: Outgoing, timeout: Duration, now: Timestamp) -> Result<UpstreamResponse, CallError> {
        let mut request = self.http.request(outgoing.method, outgoing.url).headers(outgoing.headers);
        if !outgoing.body.is_empty() {
            request = request.body(outgoing.body);
        }
        match tokio::time::timeout(timeout, request.send()).await {
            Err(_) => Err(CallError::FirstByteTimeout),
            Ok(Err(error)) => Err(errors::of_http(&error)),
            Ok(Ok(response)) => UpstreamResponse::of(response, now),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    /// A `POST` of JSON below the base URL, for an operation that is no conversation.
    pub const fn post(
        path: &'a str,
        body: Bytes,
        client_headers: &'a HeaderMap,
        is_streaming: bool,
        first_byte_timeout: Duration,
    ) -> Self {
        Self {
            method: Method::POST,
            path,
            query: None,
            at_root: false,
            body,
            content_type: HeaderValue::from_static("application/json"),
            client_headers,
            dialect: None,
            auth: None,
            is_streaming,
            first_byte_timeout,
        }
    }

    /// A `GET` below the base URL.
    pub fn get(path: &'a str, client_headers: &'a HeaderMap, first_byte_timeout: Duration) -> Self {
        Self { method: Method::GET, ..Self::post(path, Bytes::new(), client_headers, false, first_byte_timeout) }
    }

    /// The call to an endpoint of a record. The path is the one that [`Endpoint::path_for`] gave.
    #[must_use]
    pub fn to_endpoint(self, endpoint: &Endpoint) -> Self {
        Self { at_root: endpoint.at_root, dialect: endpoint.dialect(), auth: endpoint.auth, ..self }
    }

    fn url(&self, base: &BaseUrl) -> Result<Url, BaseUrlError> {
        let url = if self.at_root { base.at_root(self.path) } else { base.join(self.path) };
        let mut url = url.ok_or(BaseUrlError::Malformed)?;
        if let Some(query) = self.query.filter(|query| !query.is_empty()) {
            let all = url.query().map_or_else(|| query.to_owned(), |own| format!("{own}&{query}"));
            url.set_query(Some(&all));
        }
        Ok(url)
    }

    fn accept(&self) -> HeaderValue {
        HeaderValue::from_static(match (self.dialect, self.is_streaming) {
            (Some(Dialect::BedrockConverse), true) => AMAZON_EVENTS,
            (_, true) => "text/event-stream",
            (Some(_), false) => "application/json",
            // Speech comes as sound, and an image may.
            (None, false) => "*/*",
        })
    }

    fn outgoing(self, base: &BaseUrl) -> Result<Outgoing, CallError> {
        let url = self.url(base)?;
        let mut headers = headers::from_client(self.client_headers, self.dialect);
        headers.insert(ACCEPT, self.accept());
        if !self.body.is_empty() {
            headers.insert(CONTENT_TYPE, self.content_type);
        }
        Ok(Outgoing { method: self.method, url, headers, body: self.body })
    }
}

impl UpstreamResponse {
    fn of(response: reqwest::Response, now: Timestamp) -> Result<Self, CallError> {
        let (head, inner) = http::Response::<reqwest::Body>::from(response).into_parts();
        // Nobody asked for a packed body, and an unpacked one could be of any size.
        if head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(CallError::Unacceptable("it is packed although that was not asked for".to_owned()));
        }
        Ok(Self {
            status: head.status,
            headers: headers::from_provider(&head.headers),
            request_id: headers::request_id(&head.headers),
            retry_after: errors::retry_after(&head.headers, now),
            limits: rate_limits::read(&head.headers, now),
            body: UpstreamBody { inner },
        })
    }

    /// True when the answer says it is a stream of events: of text, or in Amazon's frames.
    pub fn is_event_stream(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.trim_start().to_ascii_lowercase();
        kind.starts_with("text/event-stream") || kind.starts_with(AMAZON_EVENTS)
    }
}

impl UpstreamBody {
    /// A body that was read already.
    pub fn whole(bytes: Bytes) -> Self {
        Self { inner: bytes.into() }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await.transpose()
    }

    /// Reads to the end, up to a limit in bytes.
    ///
    /// # Errors
    /// When the connection broke, or there is more than the limit.
    pub async fn read_all(mut self, limit: usize) -> Result<Bytes, CallError> {
        let mut first = None;
        let mut all = BytesMut::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + first.as_ref().map_or(0, Bytes::len) + bytes.len() > limit {
                return Err(CallError::Unacceptable(format!("it is larger than {limit} bytes")));
            }
            // One piece is the usual case and needs no copy.
            if all.is_empty() && first.is_none() {
                first = Some(bytes);
                continue;
            }
            if let Some(first) = first.take() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&bytes);
        }
        Ok(first.unwrap_or_else(|| all.freeze()))
    }
}

impl Stream for UpstreamBody {
    type Item = Result<Bytes, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                None => None,
                Some(Err(error)) => Some(Err(errors::of_http(&error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => Some(Ok(bytes)),
                    // Trailers, which nobody reads.
                    Ok(_) | Err(_) => continue,
                },
            });
        }
    }
}

fn builder(options: &ClientOptions) -> Result<reqwest::ClientBuilder, SetupError> {
    let builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .http1_only()
        .tcp_nodelay(true)
        .dns_resolver(resolver::SystemResolver)
        .user_agent(concat!("MegaRouter/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .tcp_keepalive(KEEPALIVE)
        .pool_idle_timeout(options.idle_timeout)
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    let Some(proxy) = &options.proxy else { return Ok(builder.no_proxy()) };
    Ok(builder.proxy(proxy.rule().map_err(SetupError)?))
}

#[cfg(test)]
mod tests;
