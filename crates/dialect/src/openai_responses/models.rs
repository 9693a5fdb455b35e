//! The model list: OpenAI has one for all of its dialects.

pub use crate::openai_chat::models::{list, one};
