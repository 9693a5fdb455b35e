//! Wire formats and their usage figures, sans I/O.
//!
//! Bytes in, bytes and facts out: nothing here opens a socket, reads a clock or waits. A body is
//! never rebuilt: a request is spliced ([`openai_chat::request`]), a stream is scanned
//! ([`openai_chat::stream`]), an answer is inspected ([`openai_chat::response`]). What the wire
//! counts in overlapping figures becomes disjoint classes in one place ([`openai_chat::usage`]).
//!
//! A dialect is a folder; operations that every dialect's vendor shapes alike (embeddings) are in
//! [`operations`]. Start reading at [`openai_chat`].

mod estimate;
mod fields;
mod json;
pub mod openai_chat;
pub mod operations;
mod splice;
mod sse;

pub use json::{MAX_DEPTH, names_a_host};
pub use sse::MAX_EVENT_BYTES;
