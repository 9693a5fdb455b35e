//! The budget engine: holds over scopes, their resolutions, and the entries that record both.
//!
//! Pure and synchronous: [`engine::Engine`] decides in memory and returns the [`entry::Entry`] that
//! says so; writing it down is the `store`'s work. It reads no clock. Entries say what happened to
//! which scopes; only [`limits`] know what that means to a budget, so that budgets can change and
//! history cannot. Whoever wants to know what a journal means folds it with [`state::State`]; whoever
//! doubts it asks [`verify`]. Nodes that share budgets do it by the rules of [`lease`]. Start at
//! [`engine`].

#![deny(clippy::float_arithmetic)]

pub mod account;
mod accounts;
pub mod chain;
pub mod engine;
pub mod entry;
pub mod lease;
pub mod limits;
mod recent;
mod recover;
pub mod refusal;
pub mod state;
mod tally;
mod thresholds;
pub mod verify;
