//! OpenAI's chat completions: what most providers and most clients speak.
//!
//! [`request`] reads a client's body and splices the upstream's, [`stream`] scans the answer as it
//! flows, [`answer`] inspects an answer that came whole, [`usage`] owns the arithmetic of token
//! figures, [`error`] and [`models`] render what a client sees when no provider answers.

pub mod answer;
pub mod error;
pub mod models;
pub mod request;
pub mod stream;
pub mod usage;
