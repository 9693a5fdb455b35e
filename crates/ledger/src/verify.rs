//! Checks a journal by folding it from its first entry, or from a checkpoint.
//!
//! Pure: the caller streams the stored bytes and links in; comparing the outcome with stored
//! projections is the `store`'s part.

use megarouter_domain::money::NanoUsd;

use crate::chain::{self, GENESIS, Link};
use crate::entry::{Entry, Fact, Lsn};
use crate::state::State;

/// The most findings a report spells out; the rest are only counted.
const MOST_FINDINGS: usize = 100;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries read.
    pub entries: u64,
    /// Runs of the program.
    pub runs: u64,
    /// Holds made.
    pub attempts: u64,
    /// Requests finished.
    pub requests: u64,
    /// Corrections made by admins.
    pub adjustments: u64,
    /// Changes of the configuration that were noted.
    pub changes: u64,
    /// Holds that are open; all of the current run.
    pub open_holds: u64,
    /// The sum of all resolutions and corrections.
    pub posted: NanoUsd,
    /// How much of that went beyond its hold.
    pub overage: NanoUsd,
    /// Resolutions whose cost is not known.
    pub unknown_costs: u64,
    /// How many things do not add up; 0 in a sound ledger.
    pub findings: u64,
    /// The first of them, each in one line for a person.
    pub unexplained: Vec<String>,
}

/// A verification under way.
#[derive(Debug)]
pub struct Verifier {
    state: State,
    link: Link,
    report: Report,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { state: State::default(), link: GENESIS, report: Report::default() }
    }
}

impl Verifier {
    /// Begins after entries that were deleted, the last of which had this link. The next entry must be
    /// a checkpoint.
    pub fn after(link: Link) -> Self {
        Self { link, ..Self::default() }
    }

    /// Adds the next stored entry, after showing it to `watch` with the state before it. An entry
    /// that cannot be read is a finding and is not shown.
    pub fn read(&mut self, lsn: Lsn, encoded: &str, stored: &Link, watch: impl FnOnce(&State, &Entry)) {
        self.report.entries += 1;
        self.link = chain::hash(&self.link, encoded.as_bytes());
        if self.link != *stored {
            self.report.add(format!("entry {} does not match the hash chain: it was changed", lsn.0));
            // One finding for one edit: the links after it are judged by what is stored.
            self.link = *stored;
        }
        match chain::decode(encoded) {
            Ok(entry) => {
                watch(&self.state, &entry);
                self.fold(lsn, &entry);
            }
            Err(error) => self.report.add(format!("entry {} cannot be read: {error}", lsn.0)),
        }
    }

    /// What the entries read so far add up to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Ends the verification.
    pub fn finish(mut self) -> (State, Report) {
        for attempt in self.state.attempts().filter(|attempt| attempt.resolution.is_none()) {
            self.report.open_holds += 1;
            if attempt.epoch < self.state.epoch() {
                let (id, epoch) = (attempt.hold.attempt_id, attempt.epoch.0);
                self.report.add(format!("the hold of attempt {id} is still open although run {epoch} is over"));
            }
        }
        (self.state, self.report)
    }

    fn fold(&mut self, stored: Lsn, entry: &Entry) {
        if entry.lsn != stored {
            self.report.add(format!("entry {} says it is entry {}", stored.0, entry.lsn.0));
        }
        if entry.lsn <= self.state.last() {
            self.report.add(format!("entry {} comes after entry {}", entry.lsn.0, self.state.last().0));
        }
        if let Err(inconsistency) = self.state.apply(entry) {
            self.report.add(inconsistency.to_string());
        }
        match &entry.fact {
            Fact::Started { .. } => self.report.runs += 1,
            Fact::Hold(_) => self.report.attempts += 1,
            Fact::Extend { .. } | Fact::Progress { .. } | Fact::Granted { .. } | Fact::Checkpoint(_) => {}
            Fact::Resolve { resolution, .. } => self.report.count(resolution),
            Fact::Finished(_) => self.report.requests += 1,
            Fact::Adjust(adjustment) => {
                self.report.adjustments += 1;
                self.report.posted += adjustment.amount;
            }
            Fact::Changed(_) => self.report.changes += 1,
        }
    }
}

impl Report {
    /// True when everything adds up.
    pub fn is_sound(&self) -> bool {
        self.findings == 0
    }

    /// Notes something that does not add up.
    pub fn add(&mut self, finding: String) {
        self.findings += 1;
        if self.unexplained.len() < MOST_FINDINGS {
            self.unexplained.push(finding);
        }
    }

    fn count(&mut self, resolution: &crate::entry::Resolution) {
        use crate::entry::Resolution;
        use megarouter_domain::price::Cost;

        self.posted += resolution.cost().amount();
        if let Resolution::Settled { overage, .. } = resolution {
            self.overage += *overage;
        }
        if resolution.cost() == Cost::Unknown {
            self.unknown_costs += 1;
        }
    }
}
