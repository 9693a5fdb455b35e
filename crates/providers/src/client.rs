//! The HTTP client: one call to one provider.
//!
//! It follows no redirects, unpacks nothing, keeps no cookies and uses no proxy unless told to.
//! Dropping an answer, or the future of a call, closes its connection at once: that is how a client
//! that leaves stops its provider.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::Body as _;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::provider::Target;
use reqwest::redirect;
use thiserror::Error;
use tracing::warn;
use url::Url;

use crate::address::BaseUrl;
use crate::errors::{self, CallError};
use crate::{auth, headers, resolver};

/// How many idle connections are kept to one provider.
const IDLE_CONNECTIONS: usize = 256;

/// How long a silent connection goes unasked whether its other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How connections are made.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// How long making a connection may take, name resolution and TLS included.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// A proxy for calls beyond this machine; `None` for none, whatever the environment says.
    pub proxy: Option<Url>,
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

/// The client of all providers. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// `POST` with a body, `GET` without.
    pub method: Method,
    /// The path below the base URL, with its leading slash, e.g. `/chat/completions`.
    pub path: &'a str,
    /// The body, JSON; empty for none.
    pub body: Bytes,
    /// The client's headers; only those that a provider may see are sent.
    pub client_headers: &'a HeaderMap,
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
        Ok(Self { http })
    }

    /// Makes a call and waits for the answer's head. `now` is the wall clock, for `Retry-After`.
    ///
    /// # Errors
    /// When nothing was sent, or no answer came; an answer with an error status is an answer.
    pub async fn call(&self, target: &Target, call: Call<'_>, now: Timestamp) -> Result<UpstreamResponse, CallError> {
        let base = BaseUrl::parse(&target.provider.base_url)?;
        let url = base.join(call.path).ok_or(crate::address::BaseUrlError::Malformed)?;
        let credential = auth::header(target, &base, &url)?;
        self.send(url, credential, call, now).await
    }

    /// Reads a public page at the root of an origin, without any credential.
    pub(crate) async fn look(
        &self,
        base: &BaseUrl,
        path: &str,
        timeout: Duration,
    ) -> Result<UpstreamResponse, CallError> {
        let url = base.at_root(path).ok_or(crate::address::BaseUrlError::Malformed)?;
        let none = HeaderMap::new();
        let call = Call::get(path, &none, timeout);
        self.send(url, None, call, Timestamp::from_micros(0)).await
    }

    async fn send(
        &self,
        url: Url,
        credential: Option<HeaderValue>,
        call: Call<'_>,
        now: Timestamp,
    ) -> Result<UpstreamResponse, CallError> {
        let timeout = call.first_byte_timeout;
        let mut sent = headers::from_client(call.client_headers);
        let accept = if call.is_streaming { "text/event-stream" } else { "application/json" };
        sent.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Some(credential) = credential {
            sent.insert(AUTHORIZATION, credential);
        }
        let mut request = self.http.request(call.method, url);
        if !call.body.is_empty() {
            sent.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(call.body);
        }
        match tokio::time::timeout(timeout, request.headers(sent).send()).await {
            Err(_) => Err(CallError::FirstByteTimeout),
            Ok(Err(error)) => Err(errors::of_http(&error)),
            Ok(Ok(response)) => UpstreamResponse::of(response, now),
        }
    }
}

impl<'a> Call<'a> {
    /// A `POST` of a body.
    pub const fn post(
        path: &'a str,
        body: Bytes,
        client_headers: &'a HeaderMap,
        is_streaming: bool,
        first_byte_timeout: Duration,
    ) -> Self {
        Self { method: Method::POST, path, body, client_headers, is_streaming, first_byte_timeout }
    }

    /// A `GET`.
    pub const fn get(path: &'a str, client_headers: &'a HeaderMap, first_byte_timeout: Duration) -> Self {
        let body = Bytes::new();
        Self { method: Method::GET, path, body, client_headers, is_streaming: false, first_byte_timeout }
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
            body: UpstreamBody { inner },
        })
    }

    /// True when the answer says it is a stream of events.
    pub fn is_event_stream(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
    }
}

impl UpstreamBody {
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
    Ok(builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(SetupError)?.no_proxy(own_machine())))
}

/// What a configured proxy is never asked for.
fn own_machine() -> Option<reqwest::NoProxy> {
    reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1")
}

#[cfg(test)]
mod tests;
