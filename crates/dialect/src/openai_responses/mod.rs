//! OpenAI's responses.
