//! What the operations work on.

/// Everything an operation may use.
#[derive(Debug)]
pub struct Context {}
