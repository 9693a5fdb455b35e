//! Operations beside chat, one file each.

pub mod embeddings;
