//! The ledger, on a real file and on a real PostgreSQL.

mod both;
mod interleaving;
mod journal;
#[path = "../../../../tests/src/postgres.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod postgres;
mod questions;
mod traffic;
mod upgrade;
