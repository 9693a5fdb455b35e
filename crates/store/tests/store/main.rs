//! The stores on real files.

mod interleaving;
mod journal;
mod questions;
mod traffic;
