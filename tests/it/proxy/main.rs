//! The proxy as an app meets it: answers, streams, errors, fallback, keys, and who is let in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod errors;
mod fallback;
mod guard;
mod idempotency;
mod keys;
mod streams;
