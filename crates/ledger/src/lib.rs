//! The budget engine: holds over scopes, their resolutions, and the entries that record both.
//!
//! Pure and synchronous: [`engine::Engine`] decides in memory and returns the [`entry::Entry`] that
//! says so; writing it down is the `store`'s work. It reads no clock. Start at [`engine`].

#![deny(clippy::float_arithmetic)]

pub mod entry;
