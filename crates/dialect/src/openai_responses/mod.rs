//! OpenAI's responses: what Codex and newer OpenAI programs speak.
//!
//! [`request`] checks a client's body and splices the upstream's, [`scan`] watches a stream of the
//! same dialect. Between dialects `read` and [`mod@write`] are for requests, [`decode`] and
//! [`encode`] for streams, [`answer`] for whole answers. [`count`] is `/v1/responses/input_tokens`.
//! Nothing is stored: what needs a stored answer is refused.

pub mod answer;
mod carried;
pub mod count;
pub mod decode;
pub mod encode;
pub mod error;
mod event;
mod glance;
mod media;
pub mod models;
mod names;
mod read;
pub mod request;
pub mod scan;
pub mod usage;
pub mod write;

#[cfg(test)]
mod others;
#[cfg(test)]
mod testing;
