//! The settings, on a real file and on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod catalogue;
mod configuration;
mod learning;
mod mirror;
mod organization;
mod policies;
#[path = "../../../../tests/src/postgres.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod postgres;
mod sharing;
mod world;
