//! The accept loop and everything a connection has to pass before a request is answered.
//!
//! In order: the caps on connections, the framing of the request head ([`framing`], enforced by
//! `gate` with the time limits), then the guard on host and origin, and only then the answer of
//! the gateway, the web UI or the control API. The limits are the same on every listener.

mod accept;
mod caps;
mod connection;
pub mod framing;
mod gate;
mod gathering;
mod patient_body;
mod refusal;
mod watched;

pub use accept::{BindError, Listener, Stop, bind, serve_tcp};
pub use caps::Caps;
pub use connection::{Answer, Patience, say_farewell, serve_connection};
pub use patient_body::PatientBody;
pub use refusal::{Refusal, refuse};
