//! OpenAI's chat completions: what most providers and most clients speak.
//!
//! [`request`] reads a client's body and splices the upstream's, [`stream`] scans the answer as it
//! flows, [`answer`] inspects an answer that came whole. Between this dialect and others
//! `read` and [`mod@write`] translate requests, [`answer`] whole answers, [`decode`] and [`encode`] streams.
//! [`usage`] owns the arithmetic of token figures, [`error`] and [`models`] render what a client sees
//! when no provider answers.

pub mod answer;
mod client_tools;
pub mod decode;
pub mod encode;
pub mod error;
pub(crate) mod finish;
mod glance;
pub mod models;
pub(crate) mod read;
pub mod request;
pub mod stream;
pub mod usage;
pub mod write;
