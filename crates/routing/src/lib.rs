//! Which deployments to try for a request, and in what order.
//!
//! Pure: no clock, no randomness, no I/O. Times and random fractions come in as parameters, so every
//! decision can be replayed. Start at [`decide::decide`], which names its steps; [`table::Table`] is what it
//! chooses from, [`question::Question`] what it is asked, [`strategies::ALL`] how candidates are put in order,
//! [`predictor::Predictor`] what a prompt asks of a model, [`plan::Plan`] what is tried next when a choice fails.

#![deny(clippy::float_arithmetic)]

pub mod affinity;
mod bounds;
pub mod candidate;
pub mod check;
pub mod decide;
pub mod features;
mod filters;
pub mod health;
#[cfg(test)]
mod kit;
pub mod learnt;
pub mod matching;
pub mod mix;
pub mod plan;
pub mod predictor;
pub mod question;
pub mod strategies;
pub mod table;

pub use affinity::Affinity;
pub use check::check;
pub use decide::{Decided, NoCandidate, decide};
pub use health::Health;
pub use question::{Question, Surroundings};
pub use table::Table;
