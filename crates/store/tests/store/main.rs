//! The stores on real files.

mod catalogue;
mod interleaving;
mod journal;
mod questions;
mod settings;
mod traffic;
