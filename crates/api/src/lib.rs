//! The control API behind the window, the browser and the command line.
//!
//! One axum router answers the window's IPC, the control socket and the web UI's listener; who may
//! reach it, and over what, is the `server`'s business. Nothing here serves an app's AI requests:
//! that is the `gateway`, which only the playground calls from here, in process.
//!
//! Start at [`router`]: one line per operation, each with the permission it needs. An operation is
//! a file `<resource>/<verb>.rs` that reads from top to bottom: errors, request, documentation,
//! handler. What it works on is in [`context::Context`].

pub mod access;
pub mod attempts;
pub mod budgets;
pub mod catalog;
pub mod configuration;
pub mod context;
pub mod counterfactual;
pub mod error;
pub mod events;
pub mod extract;
pub mod feedback;
pub mod keys;
pub mod learnt;
pub mod ledger;
pub mod models;
pub mod nodes;
pub mod openapi;
pub mod organization;
pub mod overview;
pub mod playground;
pub mod policies;
pub mod provider_kinds;
pub mod providers;
pub mod proxy;
pub mod radar;
pub mod replays;
pub mod reports;
pub mod requests;
pub mod route;
pub mod router;
pub mod session;
pub mod settings;
pub mod shape;
pub mod status;
pub mod strategies;
pub mod units;
pub mod upkeep;
pub mod usage;

mod audit;
mod limits;
mod mirror;
