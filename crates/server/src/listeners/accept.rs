//! Taking ports and accepting connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caps::Caps;
use super::connection::{Answer, Patience, say_farewell, serve_connection};
use super::refusal::Refusal;

/// How often a free port is looked for that every address has free.
const FREE_PORT_TRIES: usize = 16;
const SHORTEST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Why no port could be taken.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another program has it.
    #[error("port {} on {} is taken by another program (perhaps another MegaRouter)", .0.port(), .0.ip())]
    Taken(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {address}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// None of the addresses exists here.
    #[error("none of the configured addresses exists on this machine")]
    NoAddress,
}

/// A taken address.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// The address, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Takes one port on every address; 0 takes one that is free on all. An address that this machine
/// does not have (IPv6 may be off) is left out.
///
/// # Errors
/// When the port is taken, or no address exists.
pub async fn bind(hosts: &[IpAddr], port: u16) -> Result<Vec<Listener>, BindError> {
    let mut tries = if port == 0 { FREE_PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_all(hosts, port).await {
            Err(BindError::Taken(_)) if tries > 0 => {}
            outcome => return outcome,
        }
    }
}

async fn bind_all(hosts: &[IpAddr], mut port: u16) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::new();
    for host in hosts {
        let wanted = SocketAddr::new(*host, port);
        let bound = async {
            let socket = TcpListener::bind(wanted).await?;
            let address = socket.local_addr()?;
            Ok(Listener { socket, address })
        };
        match bound.await {
            Ok(listener) => {
                port = listener.address.port();
                listeners.push(listener);
            }
            Err(error) => leave_out(wanted, error)?,
        }
    }
    if listeners.is_empty() { Err(BindError::NoAddress) } else { Ok(listeners) }
}

fn leave_out(address: SocketAddr, source: io::Error) -> Result<(), BindError> {
    match source.kind() {
        io::ErrorKind::AddrInUse => Err(BindError::Taken(address)),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported => {
            tracing::warn!(%address, "this machine does not have the address; it is left out");
            Ok(())
        }
        _ => Err(BindError::Refused { address, source }),
    }
}

/// Accepts connections until `stop.closing`; each is served as a task of `stop.tasks`.
pub async fn serve_tcp<A: Answer>(listener: Listener, answer: A, caps: Arc<Caps>, patience: Patience, stop: Stop) {
    let mut rest = SHORTEST_REST;
    loop {
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            () = stop.closing.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                rest = SHORTEST_REST;
                welcome(stream, peer, answer.clone(), &caps, patience, &stop);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of files or memory: what is open must end before more can be accepted.
                tracing::warn!(%error, "no connection can be accepted at the moment");
                tokio::time::sleep(rest).await;
                rest = LONGEST_REST.min(rest * 2);
            }
        }
    }
}

/// How a listener and its connections are ended.
#[derive(Clone, Default)]
pub struct Stop {
    /// Nothing new is accepted; requests under way go on.
    pub closing: CancellationToken,
    /// What still goes on ends: streams are told, then everything is dropped.
    pub cut: CancellationToken,
    /// The connections.
    pub tasks: TaskTracker,
}

impl Stop {
    /// Ends gracefully: true when every request came to its end within `grace`.
    pub async fn end(&self, grace: Duration) -> bool {
        self.closing.cancel();
        self.tasks.close();
        let is_done = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        self.cut.cancel();
        self.tasks.wait().await;
        is_done
    }
}

fn welcome<A: Answer>(
    stream: TcpStream,
    peer: SocketAddr,
    answer: A,
    caps: &Arc<Caps>,
    patience: Patience,
    stop: &Stop,
) {
    // Small pieces of a stream must not wait for more; a socket that refuses still works.
    let _ = stream.set_nodelay(true);
    let place = caps.take(peer.ip());
    let ending = stop.clone();
    stop.tasks.spawn(async move {
        match place {
            Some(_place) => serve_connection(stream, Some(peer.ip()), answer, patience, ending).await,
            None => say_farewell(stream, Refusal::Overloaded).await,
        }
    });
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
