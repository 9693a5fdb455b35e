//! The last postings, so that sums from the store can be brought up to date.
//!
//! The store adds up what it has written, and the engine has decided more by then. A request is in
//! the store's sums from the entry that finished it, a call from the entry that resolved it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::AttemptId;

use crate::accounts::{Accounts, Concern, Which};
use crate::entry::{HoldFact, Lsn};
use crate::tally::{Amounts, Change};

/// The most postings that are remembered.
const MOST: usize = 65_536;
/// How long a posting is remembered. Whoever adds sums up for longer has to ask again.
const KEPT_FOR: Duration = Duration::from_secs(10 * 60);

/// What one attempt was charged, or a correction of it.
#[derive(Debug)]
struct Posting {
    hold: Arc<HoldFact>,
    posted: Amounts,
    /// The entry since which the sums by call have it.
    resolved: Lsn,
    /// The entry since which the sums by request have it.
    finished: Lsn,
    at: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    postings: VecDeque<Posting>,
    /// When the attempts of unfinished requests were resolved.
    resolved: HashMap<AttemptId, Lsn>,
    /// Of what came after this entry nothing is missing.
    complete_after: Lsn,
}

impl Recent {
    /// Begins after an entry.
    pub fn after(last: Lsn) -> Self {
        Self { complete_after: last, ..Self::default() }
    }

    /// Whether sums as of an entry can be brought up to date.
    pub fn reaches(&self, as_of: Lsn) -> bool {
        as_of >= self.complete_after
    }

    /// Notes the end of an attempt.
    pub fn resolve(&mut self, id: AttemptId, lsn: Lsn) {
        self.resolved.insert(id, lsn);
    }

    /// Whether an attempt of an unfinished request was resolved after an entry.
    pub fn is_resolved_after(&self, id: AttemptId, as_of: Lsn) -> bool {
        self.resolved.get(&id).is_some_and(|resolved| *resolved > as_of)
    }

    /// Remembers an attempt whose request finished.
    pub fn finish(&mut self, hold: Arc<HoldFact>, posted: Amounts, lsn: Lsn, now: Timestamp) {
        let resolved = self.resolved.remove(&hold.attempt_id).unwrap_or_default();
        self.push(Posting { hold, posted, resolved, finished: lsn, at: now });
    }

    /// Remembers a correction.
    pub fn adjust(&mut self, hold: Arc<HoldFact>, posted: Amounts, lsn: Lsn, now: Timestamp) {
        self.push(Posting { hold, posted, resolved: lsn, finished: lsn, at: now });
    }

    /// Adds to accounts whatever sums as of an entry do not have.
    pub fn replay(&self, as_of: Lsn, accounts: &mut Accounts) {
        for posting in self.postings.iter().rev().take_while(|posting| posting.finished > as_of) {
            let change = Change { posted: posting.posted, held: Amounts::default() };
            let which = if posting.resolved > as_of { Which::All } else { Which::Requests };
            accounts.add(Concern::of(&posting.hold), &change, which);
        }
    }

    fn push(&mut self, posting: Posting) {
        let now = posting.at;
        self.postings.push_back(posting);
        while let Some(oldest) = self.postings.front() {
            if self.postings.len() <= MOST && now.since(oldest.at) <= KEPT_FOR {
                return;
            }
            self.complete_after = oldest.finished;
            self.postings.pop_front();
        }
    }
}
