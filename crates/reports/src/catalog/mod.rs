//! The reports there are: one file each, and one line in [`ALL`].

mod spend_by_day;

use futures_util::future::BoxFuture;
use megarouter_store::ledger::Ledger;

use crate::document::Document;
use crate::{Error, Range};

/// One report.
#[derive(Debug)]
pub struct Report {
    /// The stable id, as in file names and on the command line.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What it answers.
    pub description: &'static str,
    /// Asks the ledger and puts the answer together.
    pub ask: for<'a> fn(&'a Ledger, Range) -> BoxFuture<'a, Result<Document, Error>>,
}

/// Every report.
pub static ALL: &[&Report] = &[&spend_by_day::REPORT];

/// The report with this id.
pub fn find(id: &str) -> Option<&'static Report> {
    ALL.iter().find(|report| report.id == id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_is_found_by_its_own_stable_id() {
        for report in ALL {
            assert!(report.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", report.id);
            assert!(std::ptr::eq(find(report.id).unwrap(), *report), "two reports are called {}", report.id);
            assert!(!report.title.is_empty() && report.description.ends_with('.'), "{}", report.id);
        }
    }
}
