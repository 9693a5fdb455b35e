//! Google's `generateContent`, as Gemini speaks it on AI Studio and Vertex AI.
//!
//! [`request`] checks, splices and reads a client's body; [`mod@write`] writes one for a provider. [`answer`] is about answers that came whole, [`scan`] watches a stream
//! of the same dialect, [`decode`] and [`encode`] translate one. [`count`] and [`embed`] are the
//! operations beside the conversation. The model is in the path; fields are known by their
//! `camelCase` and `snake_case` names alike.

pub mod answer;
pub mod count;
pub mod decode;
pub mod embed;
pub mod encode;
pub mod error;
mod finish;
mod framing;
mod glance;
mod logprobs;
pub mod models;
mod one_line;
mod part;
mod read;
pub mod request;
pub mod scan;
mod schema;
pub mod usage;
mod wire;
pub mod write;

#[cfg(test)]
mod tests;
