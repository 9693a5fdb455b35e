//! The budget engine: holds over scopes, their resolutions, and the entries that record both.
//!
//! Pure and synchronous: [`engine::Engine`] decides in memory and returns the [`entry::Entry`] that
//! says so; writing it down is the `store`'s work. It reads no clock. Whoever wants to know what a
//! journal means folds it with [`state::State`]; whoever doubts it asks [`verify`]. Start at [`engine`].

#![deny(clippy::float_arithmetic)]

pub mod chain;
pub mod engine;
pub mod entry;
mod recover;
pub mod state;
pub mod verify;
