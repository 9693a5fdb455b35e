//! Which deployments to try for a request, and in what order.
//!
//! Pure: no clock, no randomness, no I/O. Times and random fractions come in as parameters, so every
//! decision can be replayed. Start at [`plan::Plan`].

#![deny(clippy::float_arithmetic)]

pub mod plan;
