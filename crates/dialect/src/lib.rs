//! Wire formats and their usage figures, sans I/O.
//!
//! Bytes in, bytes and facts out: nothing here opens a socket, reads a clock or waits.
//!
//! Between a client and a provider of one dialect nothing is rebuilt: the request is spliced
//! ([`request::ClientRequest::splice`]), the stream is watched ([`stream::Scan`]), the answer is
//! inspected. Between different dialects the request is read into a [`canonical::Conversation`] and
//! written anew, and the answer comes back through [`canonical::Event`]s ([`stream::Translation`]);
//! what the target cannot carry is in the [`losses::Losses`].
//!
//! A dialect is a folder with the same files in each; [`dialects`] is the list of them. Operations
//! that are not conversations (embeddings, images...) are in [`operations`]. Start reading at
//! [`canonical`].

pub mod answer;
pub mod anthropic;
pub mod bedrock_converse;
pub mod canonical;
mod count;
pub mod dialects;
pub mod errors;
mod estimate;
mod fields;
pub mod flaws;
pub mod gemini;
pub mod glance;
mod json;
pub mod losses;
pub mod models;
pub mod openai_chat;
pub mod openai_responses;
pub mod operations;
pub mod request;
mod splice;
mod sse;
pub mod stream;

pub use json::{MAX_DEPTH, names_a_host};
pub use sse::MAX_EVENT_BYTES;
