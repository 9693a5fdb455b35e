//! The proxy that calls beyond this machine go through, where a network has one.
//!
//! It comes from the configuration alone: the variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`, and the system's settings, are never read. Servers on this machine are never asked for
//! through it.

use std::fmt;

use thiserror::Error;
use url::Url;

/// What a proxy is never asked for: all that `BaseUrl` takes for this machine.
const THIS_MACHINE: &str = "localhost,localhost.,127.0.0.0/8,::1,::ffff:127.0.0.0/104";

/// The address of a proxy, with the name and password that it may ask for. Only the host and port are
/// ever printed.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingProxy {
    url: Url,
}

/// Why a text is no address of a proxy. The texts never hold the address, which may hold a password.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OutgoingProxyError {
    /// No URL at all.
    #[error(
        "write it like http://proxy.example.com:3128; in a name or password, write %40 for @, %3A for :, %2F for / and \
         %23 for #"
    )]
    Malformed,
    /// Another way to speak to it than HTTP.
    #[error("it must begin with http://, also for providers with https://")]
    Scheme,
    /// More than scheme, name, password, host and port.
    #[error("it must end after the port")]
    Path,
}

impl OutgoingProxy {
    /// Checks an address such as `http://name:password@proxy.example.com:3128`. The port is 80 when none
    /// is named.
    ///
    /// # Errors
    /// When it is no address of an HTTP proxy.
    pub fn parse(text: &str) -> Result<Self, OutgoingProxyError> {
        let text = text.trim();
        if !text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://")) {
            return Err(OutgoingProxyError::Scheme);
        }
        let url = Url::parse(text).map_err(|_| OutgoingProxyError::Malformed)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OutgoingProxyError::Path);
        }
        Ok(Self { url })
    }

    /// How the HTTP client is told.
    pub(super) fn rule(&self) -> reqwest::Result<reqwest::Proxy> {
        Ok(reqwest::Proxy::all(self.url.clone())?.no_proxy(reqwest::NoProxy::from_string(THIS_MACHINE)))
    }
}

/// Host and port.
impl fmt::Display for OutgoingProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(formatter, "{host}:{}", self.url.port_or_known_default().unwrap_or_default())
    }
}

impl fmt::Debug for OutgoingProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OutgoingProxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use megarouter_domain::clock::Timestamp;

    use super::*;
    use crate::client::{Call, Client, ClientOptions};
    use crate::errors::CallError;
    use crate::scripted::{Act, Scripted, json, target};

    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
    /// `name:hunter2/x` as Basic authentication sends it (RFC 7617).
    const AUTHORIZATION: &str = "proxy-authorization: basic bmftztpodw50zxiyl3g=";

    fn through(proxy: &Scripted, user: &str) -> Client {
        let proxy = OutgoingProxy::parse(&format!("http://{user}127.0.0.1:{}", proxy.port)).unwrap();
        Client::new(&ClientOptions { proxy: Some(proxy), ..ClientOptions::default() }).unwrap()
    }

    async fn ask(client: &Client, base_url: &str) -> Result<(), CallError> {
        let target = target(base_url);
        let none = HeaderMap::new();
        client.call(&target, Call::get("/models", &none, PATIENCE), Timestamp::from_micros(0)).await.map(|_| ())
    }

    #[tokio::test]
    async fn a_name_and_password_open_the_proxy_and_never_reach_the_provider() {
        let refused = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        let acts = vec![Act::AnswerAndClose(json("200 OK", "{}")), Act::AnswerAndClose(refused.to_owned())];
        let mut proxy = Scripted::start(acts).await;
        let client = through(&proxy, "name:hunter2%2Fx@");
        ask(&client, "http://models.internal/v1").await.unwrap();
        let plain = proxy.next_request().await.to_ascii_lowercase();
        assert!(plain.starts_with("get http://models.internal/v1/models") && plain.contains(AUTHORIZATION), "{plain}");
        let error = ask(&client, "https://models.example/v1").await.unwrap_err();
        assert!(!error.may_have_run(), "{error}");
        let tunnel = proxy.next_request().await.to_ascii_lowercase();
        assert!(tunnel.starts_with("connect models.example:443") && tunnel.contains(AUTHORIZATION), "{tunnel}");
        assert!(!tunnel.contains("canary"), "the credential is for the provider: {tunnel}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }

    #[tokio::test]
    async fn servers_on_this_machine_are_called_without_it() {
        let mut proxy = Scripted::start(vec![]).await;
        let client = through(&proxy, "");
        for host in ["127.0.0.1", "127.8.9.1", "localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]"] {
            // Nothing listens there, and the answer would not matter.
            let _ = ask(&client, &format!("http://{host}:9/v1")).await;
            assert_eq!(proxy.so_far(), [], "{host}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for (text, error) in [
            ("proxy.example:3128", OutgoingProxyError::Scheme),
            ("socks5://proxy.example:1080", OutgoingProxyError::Scheme),
            ("", OutgoingProxyError::Scheme),
            ("http://", OutgoingProxyError::Malformed),
            ("http://name:a:b/c@proxy.example:3128", OutgoingProxyError::Malformed),
            ("http://proxy.example:99999", OutgoingProxyError::Malformed),
            ("http://proxy.example:3128/path", OutgoingProxyError::Path),
            ("http://proxy.example:3128?x", OutgoingProxyError::Path),
        ] {
            assert_eq!(OutgoingProxy::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn only_host_and_port_are_printed() {
        let proxy = OutgoingProxy::parse(" HTTP://name:hunter2@proxy.example:3128/ ").unwrap();
        assert_eq!(format!("{proxy} {proxy:?}"), "proxy.example:3128 OutgoingProxy(proxy.example:3128)");
        assert_eq!(OutgoingProxy::parse("http://[::1]").unwrap().to_string(), "[::1]:80");
    }
}
