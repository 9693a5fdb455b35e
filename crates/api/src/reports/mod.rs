//! Reports as files.

pub mod list;
pub mod render;
