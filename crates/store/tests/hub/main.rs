//! The hub on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod concurrency;
mod faults;
mod leases;
mod nodes;
#[path = "../../../../tests/src/postgres.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod postgres;
mod rights;
mod rules;
mod seeds;
#[path = "../store/traffic.rs"]
mod traffic;
mod world;
