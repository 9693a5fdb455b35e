//! Routing from outside: what `auto` makes of providers that are slow, dying and dear, and what it says of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod drive;
