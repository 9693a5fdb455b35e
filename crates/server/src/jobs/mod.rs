//! What runs beside the requests.

pub mod journal_writer;
