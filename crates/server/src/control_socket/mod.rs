//! The control API for programs of the same user: a socket in the data folder.
//!
//! Who may connect is the operating system's decision (the socket's mode, and the peer's user id is
//! checked again), so there is no token. The command line and scripts use it; browsers cannot.

mod client;
mod place;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use client::{Client, ConnectError};
#[cfg(unix)]
pub use unix::Socket;
#[cfg(windows)]
pub use windows::Socket;
