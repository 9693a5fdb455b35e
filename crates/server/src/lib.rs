//! A running MegaRouter: configuration, listeners, jobs and the command line.
//!
//! [`instance::Instance`] is the whole of it; `serve` and the desktop window each start one, and a
//! verb of the command line starts one without listeners when none is running. Nothing here decides
//! on a request: that is the gateway. Start at [`instance`].

pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod control_socket;
pub mod instance;
pub mod jobs;
mod ledger_file;
pub mod listeners;
pub mod process;
pub mod program;
pub mod proxy;
mod redact;
pub mod sessions;
pub mod setup;
mod stores;
pub mod telemetry;
pub mod web;
