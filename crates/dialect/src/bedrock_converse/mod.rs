//! Amazon Bedrock's `Converse` and `ConverseStream`: one form for the models of many makers.
//!
//! For providers only: no client speaks it to us. [`mod@write`] makes requests, [`answer`] and
//! [`decode`] read what comes back, [`error`] what goes wrong. The model's id is in the path and says
//! who made it; what `Converse` has no field for goes to some makers' models in
//! `additionalModelRequestFields` (see `write::family`). Field names, limits and words are those of
//! the service description in botocore 1.44.5, read 2026-11-22.

pub mod answer;
pub mod decode;
pub mod error;
mod finish;
mod frame;
mod usage;
pub mod write;

/// The kind of opaque content that proves a thought.
pub const SIGNATURE: &str = "signature";

/// The kind of opaque content that is an encrypted thought, in base64.
pub const REDACTED: &str = "redactedContent";
