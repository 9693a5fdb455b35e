//! The system's name resolution, with an error of its own type, so that a name that does not
//! resolve can be told from a host that does not answer.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// A host name that did not resolve.
#[derive(Debug, Error)]
#[error("the host name did not resolve")]
pub struct ResolveError(#[source] std::io::Error);

/// Asks the operating system.
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(ResolveError)?;
            let addresses: Vec<SocketAddr> = found.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
