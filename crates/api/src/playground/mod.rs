//! Trying a model from the window.

pub mod chat;
