//! Budgets from outside: how far they hold, what they refuse, and how a client is told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod exact;
mod lies;
mod refusals;
mod windows;
