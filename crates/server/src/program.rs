//! What the control API asks about the running program.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use megarouter_api::context::{About, ConfiguredPort, Host, Listening, SignInError};
use megarouter_api::status::Mode;
use megarouter_domain::secret::Secret;

use crate::config::{Config, Ports};
use crate::listeners::BindError;
use crate::sessions::Sessions;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The running program.
pub struct Program {
    about: About,
    listening: ArcSwap<Listening>,
    sessions: Option<Arc<Sessions>>,
}

impl Program {
    /// A program that does not listen yet. Without `sessions` nobody can sign in from a browser.
    pub fn new(config: &Config, mode: Mode, sessions: Option<Arc<Sessions>>) -> Self {
        let about = About {
            version: VERSION.to_owned(),
            mode,
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            data_dir: config.data_dir.display().to_string(),
        };
        let configured_port =
            config.ports.proxy.map_or(ConfiguredPort::Default(Ports::DEFAULT_PROXY), ConfiguredPort::Fixed);
        let listening = ArcSwap::from_pointee(Listening { configured_port, ..Listening::default() });
        Self { about, listening, sessions }
    }

    /// Notes where the proxy listens.
    pub fn listens(&self, addresses: &[SocketAddr]) {
        let port = addresses.first().map(SocketAddr::port);
        let base_url =
            addresses.first().map(|address| format!("http://{}/v1", reachable(*address))).unwrap_or_default();
        self.listening.store(Arc::new(Listening {
            configured_port: self.listening.load().configured_port,
            addresses: addresses.iter().map(ToString::to_string).collect(),
            port,
            base_url,
            error: None,
        }));
    }

    /// Notes why the proxy does not listen.
    pub fn does_not_listen(&self, error: &BindError) {
        self.listening.store(Arc::new(Listening {
            configured_port: self.listening.load().configured_port,
            error: Some(format!("{error}. Stop that program, or choose another port.")),
            ..Listening::default()
        }));
    }
}

impl Host for Program {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn listening(&self) -> Listening {
        self.listening.load().as_ref().clone()
    }

    fn sign_in(&self, token: &Secret) -> Result<Secret, SignInError> {
        let sessions = self.sessions.as_ref().ok_or(SignInError::NotServed)?;
        sessions.exchange(token.expose()).ok_or(SignInError::Refused)
    }
}

/// An address that a program on this machine can call.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}
