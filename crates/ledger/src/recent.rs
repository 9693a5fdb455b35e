//! The last postings, so that sums from the store can be brought up to date.
//!
//! The store adds up what it has written, and the engine has decided more by then. A request is in
//! the store's sums from the entry that finished it, a call from the entry that resolved it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::AttemptId;
use megarouter_domain::scope::Scope;

use crate::accounts::{Accounts, Concern, Which};
use crate::entry::{HoldFact, Lsn};
use crate::tally::{Amounts, Change};

/// The most postings that are remembered.
const MOST: usize = 65_536;
/// How long a posting is remembered. Whoever adds sums up for longer has to ask again.
const KEPT_FOR: Duration = Duration::from_secs(10 * 60);
/// With more sets of scopes than this, all are forgotten: apps choose tags.
const MOST_SCOPES: usize = 1_024;

/// What one attempt was charged, or a correction of it. Of the hold only what it concerns: there are many.
#[derive(Debug)]
struct Posting {
    scopes: Arc<[Scope]>,
    session: Option<Arc<str>>,
    started_at: Timestamp,
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
    /// Those of the postings, each once: requests of a key have the same.
    scopes: HashSet<Arc<[Scope]>>,
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
    pub fn finish(&mut self, hold: &HoldFact, posted: Amounts, lsn: Lsn, now: Timestamp) {
        let resolved = self.resolved.remove(&hold.attempt_id).unwrap_or_default();
        self.push(hold, posted, (resolved, lsn), now);
    }

    /// Remembers a correction.
    pub fn adjust(&mut self, hold: &HoldFact, posted: Amounts, lsn: Lsn, now: Timestamp) {
        self.push(hold, posted, (lsn, lsn), now);
    }

    /// Adds to accounts whatever sums as of an entry do not have.
    pub fn replay(&self, as_of: Lsn, accounts: &mut Accounts) {
        for posting in self.postings.iter().rev().take_while(|posting| posting.finished > as_of) {
            let change = Change { posted: posting.posted, held: Amounts::default() };
            let which = if posting.resolved > as_of { Which::All } else { Which::Requests };
            let Posting { scopes, session, started_at, .. } = posting;
            accounts.add(Concern { scopes, session: session.as_ref(), at: *started_at }, &change, which);
        }
    }

    fn push(&mut self, hold: &HoldFact, posted: Amounts, (resolved, finished): (Lsn, Lsn), now: Timestamp) {
        while let Some(oldest) = self.postings.front() {
            if self.postings.len() < MOST && now.since(oldest.at) <= KEPT_FOR {
                break;
            }
            self.complete_after = oldest.finished;
            self.postings.pop_front();
        }
        let (scopes, session) = (self.shared(&hold.scopes), hold.session.clone());
        let started_at = hold.started_at;
        self.postings.push_back(Posting { scopes, session, started_at, posted, resolved, finished, at: now });
    }

    /// The scopes that other postings have, when they have the same.
    fn shared(&mut self, scopes: &[Scope]) -> Arc<[Scope]> {
        if let Some(known) = self.scopes.get(scopes) {
            return Arc::clone(known);
        }
        if self.scopes.len() >= MOST_SCOPES {
            self.scopes.clear();
        }
        let new: Arc<[Scope]> = scopes.into();
        self.scopes.insert(Arc::clone(&new));
        new
    }
}
