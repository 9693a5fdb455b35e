//! Signing in from a browser.

pub mod open;
