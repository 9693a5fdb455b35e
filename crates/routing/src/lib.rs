//! Which deployments to try for a request, and in what order.
//!
//! Pure: no clock, no randomness, no I/O. Times and random fractions come in as parameters, so every
//! decision can be replayed. Start at [`plan::Plan`] for the order, at [`predictor::Predictor`] for what a prompt
//! asks of a model.

#![deny(clippy::float_arithmetic)]

pub mod features;
pub mod learnt;
pub mod plan;
pub mod predictor;
