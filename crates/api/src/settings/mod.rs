//! The installation's settings.

pub mod change;
pub mod show;

use serde::Serialize;
use utoipa::ToSchema;

/// The installation's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Settings {
    /// The port apps connect to; 0 lets the system choose.
    pub proxy_port: u16,
    /// The port in use; `null` when the proxy does not listen.
    pub proxy_port_in_use: Option<u16>,
    /// Whether the proxy goes on when the window is closed; `null` when nobody was asked yet.
    pub keep_running_on_close: Option<bool>,
    /// True when a changed setting waits for the next start.
    pub needs_restart: bool,
}
