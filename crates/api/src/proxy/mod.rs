//! Pausing the data plane.

pub mod pause;
pub mod resume;
