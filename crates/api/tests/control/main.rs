//! The control API from outside, over real stores.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod kit;

mod access;
mod audit;
mod budgets;
mod catalog;
mod catalog_refresh;
mod keys;
mod ledger;
mod models;
mod policies;
mod providers;
mod routing;
mod system;
mod traffic;
mod units;
mod usage;
mod wording;
