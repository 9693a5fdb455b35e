//! What runs beside the requests.

pub mod catalogue;
pub mod journal_writer;
