//! Reports as tables and charts, and their renderings.
//!
//! A report asks the ledger one question and turns the answer into a [`document::Document`]: a table
//! with typed columns and a chart that says the same. Rendering knows nothing of any particular
//! report. Nothing here writes a file: who asked for the bytes decides where they go. Start at
//! [`catalog`], one file for each report; [`make`] does the whole way.

pub mod catalog;
pub mod document;
pub mod render;
pub mod table;
mod words;

use megarouter_domain::clock::Timestamp;
use megarouter_store::ledger::Ledger;
use thiserror::Error;

use catalog::Report;
use render::Format;

/// What a report covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// From this time on; a report may widen it to whole days.
    pub from: Timestamp,
    /// Until this time.
    pub to: Timestamp,
    /// When the figures are read, as the report says.
    pub as_of: Timestamp,
}

/// Why a report could not be made.
#[derive(Debug, Error)]
pub enum Error {
    /// The ledger did not answer.
    #[error("the ledger did not answer")]
    Ledger(#[from] megarouter_store::error::Error),
    /// The chart could not be drawn.
    #[error("the chart could not be drawn: {0}")]
    Drawing(String),
}

/// Makes a report over a range as a file's bytes.
///
/// # Errors
/// When the ledger does not answer, the range is one it refuses, or drawing fails.
pub async fn make(report: &Report, ledger: &Ledger, range: Range, format: Format) -> Result<Vec<u8>, Error> {
    let document = (report.ask)(ledger, range).await?;
    render::render(&document, format)
}
