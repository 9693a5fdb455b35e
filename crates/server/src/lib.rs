//! A running MegaRouter: configuration, listeners, jobs and the command line.

pub mod clock;
pub mod config;
pub mod control_socket;
pub mod listeners;
pub mod process;
mod redact;
pub mod sessions;
pub mod telemetry;
