//! The nouns and rules of MegaRouter, without I/O.
//!
//! Every other crate speaks these words. Nothing here reads a clock, draws randomness, or touches a
//! disk or a network: times and entropy come in as parameters. Start at [`snapshot::Snapshot`],
//! the immutable picture of the configuration that a request is decided on.

#![deny(clippy::float_arithmetic)]

pub mod access;
pub mod budget;
pub mod catalog;
pub mod clock;
pub mod code;
pub mod decision;
pub mod dialect;
pub mod facts;
pub mod feedback;
pub mod id;
pub mod key;
pub mod loss;
pub mod model;
pub mod money;
pub mod period;
pub mod permille;
pub mod policy;
pub mod price;
pub mod provider;
pub mod record;
pub mod scope;
pub mod secret;
pub mod snapshot;
pub mod tag;
pub mod task;
pub mod unit;
pub mod usage;
