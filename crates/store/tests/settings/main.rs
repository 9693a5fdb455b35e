//! The settings, on a real file and on a real PostgreSQL.

mod catalogue;
mod configuration;
mod mirror;
mod organization;
#[path = "../../../../tests/src/postgres.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod postgres;
mod sharing;
mod world;
