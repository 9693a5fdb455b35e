//! The Debian package, when there is one: what is in it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
