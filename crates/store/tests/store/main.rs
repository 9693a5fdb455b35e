//! The ledger, on a real file and on a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test stops at what is wrong")]

mod bodies;
mod both;
mod copies;
mod faults;
mod interleaving;
mod journal;
mod openings;
mod pivots;
#[path = "../../../../tests/src/postgres.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod postgres;
mod questions;
mod retention;
mod traffic;
mod upgrade;
