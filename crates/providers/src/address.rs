//! Which base URLs may be dialled.
//!
//! A base URL comes from the configuration only. `https` is asked for, except on this machine and
//! in private networks, where local model servers rarely have a certificate.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;
use url::{Host, Url};

/// A checked base URL: origin and path, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    text: String,
}

/// Why a text cannot be a base URL.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BaseUrlError {
    /// No URL at all.
    #[error("this is not a web address; it should look like https://api.example.com/v1")]
    Malformed,
    /// Neither `https` nor `http`.
    #[error("the address must begin with https:// (or http:// for a server on this machine)")]
    Scheme,
    /// A name or password inside.
    #[error("the address must not hold a name or password; store the key as the provider's credential")]
    Credentials,
    /// A query or fragment.
    #[error("the address must end before any `?` or `#`")]
    Query,
    /// Plain HTTP to a public host.
    #[error("http:// would send the key and the text unprotected; use https:// for hosts outside your own network")]
    Insecure,
    /// An address of a cloud's metadata service or the like.
    #[error("addresses of this range are not called: cloud machines keep their own credentials there")]
    LinkLocal,
}

impl BaseUrl {
    /// Checks a base URL.
    ///
    /// # Errors
    /// When it is no URL, or one that may not be dialled.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| BaseUrlError::Malformed)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(BaseUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        let host = url.host().ok_or(BaseUrlError::Malformed)?;
        if matches!(&host, Host::Domain(name) if !is_host_name(name)) {
            return Err(BaseUrlError::Malformed);
        }
        match reach(&host) {
            Reach::LinkLocal => return Err(BaseUrlError::LinkLocal),
            Reach::Public if url.scheme() == "http" => return Err(BaseUrlError::Insecure),
            Reach::ThisMachine | Reach::Private | Reach::Public => {}
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The URL as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True when it is on this machine.
    pub fn is_on_this_machine(&self) -> bool {
        self.url.host().is_some_and(|host| matches!(reach(&host), Reach::ThisMachine))
    }

    /// True when a URL has the same scheme, host and port.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.url.origin()
    }

    /// The URL of a path below; the path begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Option<Url> {
        if !path.starts_with('/') {
            return None;
        }
        Url::parse(&format!("{}{path}", self.text)).ok().filter(|url| self.owns(url))
    }

    /// The URL of a path at the root of the same origin; the path begins with a slash.
    pub(crate) fn at_root(&self, path: &str) -> Option<Url> {
        self.url.join(path).ok().filter(|url| self.owns(url))
    }
}

/// Base URLs that were checked, so that a call does not read its provider's again.
#[derive(Debug, Default)]
pub(crate) struct Checked(RwLock<HashMap<String, Arc<BaseUrl>>>);

impl Checked {
    /// With more than this, all are forgotten: they come from the configuration, and few are in use.
    const MOST: usize = 1_024;

    /// The base URL of a text.
    ///
    /// # Errors
    /// As [`BaseUrl::parse`].
    pub(crate) fn parse(&self, text: &str) -> Result<Arc<BaseUrl>, BaseUrlError> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Ok(Arc::clone(known));
        }
        let base = Arc::new(BaseUrl::parse(text)?);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(text.to_owned(), Arc::clone(&base));
        Ok(base)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The lengths that name resolution allows (RFC 1035, section 2.3.4).
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Where a host is, as far as its name or address tells.
enum Reach {
    ThisMachine,
    Private,
    LinkLocal,
    Public,
}

/// Endings of names that never leave a private network (RFC 6762, RFC 8375, ICANN's `.internal`).
const PRIVATE_SUFFIXES: [&str; 4] = [".local", ".internal", ".lan", ".home.arpa"];

fn reach(host: &Host<&str>) -> Reach {
    match host {
        Host::Domain(name) => reach_of_name(&name.to_ascii_lowercase()),
        Host::Ipv4(address) => reach_of_ipv4(*address),
        Host::Ipv6(address) => reach_of_ipv6(*address),
    }
}

fn reach_of_name(name: &str) -> Reach {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name == "localhost" || name.ends_with(".localhost") {
        return Reach::ThisMachine;
    }
    // A name without a dot is a host of the local network, such as a container's.
    let is_private = !name.contains('.') || PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    if is_private { Reach::Private } else { Reach::Public }
}

fn reach_of_ipv4(address: Ipv4Addr) -> Reach {
    let [first, second, ..] = address.octets();
    // 100.64.0.0/10 is shared address space (RFC 6598), which overlay networks use.
    let is_shared = first == 100 && (64..128).contains(&second);
    match address {
        _ if address.is_loopback() => Reach::ThisMachine,
        _ if address.is_link_local() || address.is_unspecified() => Reach::LinkLocal,
        _ if address.is_private() || is_shared => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_of_ipv6(address: Ipv6Addr) -> Reach {
    match address.to_canonical() {
        IpAddr::V4(mapped) => reach_of_ipv4(mapped),
        IpAddr::V6(_) if address.is_loopback() => Reach::ThisMachine,
        IpAddr::V6(_) if address.is_unicast_link_local() || address.is_unspecified() => Reach::LinkLocal,
        IpAddr::V6(_) if address.is_unique_local() => Reach::Private,
        IpAddr::V6(_) => Reach::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_hosts_need_https() {
        assert!(BaseUrl::parse("https://api.openai.com/v1").is_ok());
        for insecure in ["http://api.openai.com/v1", "http://8.8.8.8/v1", "http://[2001:db8::1]/v1"] {
            assert_eq!(BaseUrl::parse(insecure), Err(BaseUrlError::Insecure), "{insecure}");
        }
    }

    #[test]
    fn own_machines_may_do_without() {
        for own in [
            "http://127.0.0.1:11434/v1",
            "http://localhost:1234/v1",
            "http://[::1]:8000/v1",
            "http://192.168.1.5:8000",
            "http://100.100.1.1/v1",
            "http://ollama:11434/v1",
            "http://box.local/v1",
            "http://[fd00::1]/v1",
        ] {
            assert!(BaseUrl::parse(own).is_ok(), "{own}");
        }
        assert!(BaseUrl::parse("http://localhost:1/v1").unwrap().is_on_this_machine());
        assert!(!BaseUrl::parse("http://192.168.1.5/v1").unwrap().is_on_this_machine());
    }

    #[test]
    fn what_could_leak_or_mislead_is_refused() {
        for (text, error) in [
            ("https://key@api.openai.com/v1", BaseUrlError::Credentials),
            ("https://a:b@api.openai.com", BaseUrlError::Credentials),
            ("https://api.openai.com/v1?key=x", BaseUrlError::Query),
            ("https://api.openai.com/v1#x", BaseUrlError::Query),
            ("http://169.254.169.254/latest", BaseUrlError::LinkLocal),
            ("http://[::ffff:169.254.169.254]/", BaseUrlError::LinkLocal),
            ("https://[fe80::1]/v1", BaseUrlError::LinkLocal),
            ("http://0.0.0.0:80/", BaseUrlError::LinkLocal),
            ("file:///etc/passwd", BaseUrlError::Scheme),
            ("api.openai.com", BaseUrlError::Malformed),
            ("https://a..example/v1", BaseUrlError::Malformed),
            ("", BaseUrlError::Malformed),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_path_cannot_leave_the_origin() {
        let base = BaseUrl::parse("https://api.example.com/v1/").unwrap();
        assert_eq!(base.as_str(), "https://api.example.com/v1");
        assert_eq!(base.join("/chat/completions").unwrap().as_str(), "https://api.example.com/v1/chat/completions");
        assert_eq!(base.join("@evil.example/"), None);
        assert_eq!(base.join(".evil.example/"), None);
        assert_eq!(base.at_root("//evil.example/"), None);
        assert_eq!(base.at_root("/health").unwrap().as_str(), "https://api.example.com/health");
    }
}
