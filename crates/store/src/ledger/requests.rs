//! Finished requests, newest first, and one of them in detail. Owns the table `requests`.

use std::fmt;
use std::str::FromStr;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, KeyId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::record::{Outcome, UsageRecord};
use megarouter_ledger::entry::{PinnedPrice, Resolution};

/// The most rows of one page.
pub const MOST_ROWS: u32 = 200;

/// The longest search text, in characters; the rest is ignored.
pub const LONGEST_SEARCH: usize = 100;

/// Which requests; everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Arrived at or after.
    pub from: Option<Timestamp>,
    /// Arrived before.
    pub to: Option<Timestamp>,
    /// Came with this key.
    pub key_id: Option<KeyId>,
    /// Was resolved to this public model.
    pub model: Option<String>,
    /// Was served by the provider of this name.
    pub provider: Option<String>,
    /// Ended like this.
    pub outcome: Option<Outcome>,
    /// Has this in a model's or a provider's name, or is the request with this id.
    pub search: Option<String>,
}

/// Where a page ends: the next one begins after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the last request of the page arrived.
    pub started_at: Timestamp,
    /// Its id, for requests of the same microsecond.
    pub request_id: RequestId,
}

/// A page of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<UsageRecord>,
    /// Where to go on; `None` on the last page.
    pub next: Option<Cursor>,
}

/// A request with what the ledger knows about each of its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The request.
    pub record: UsageRecord,
    /// Its attempts' entries, in the order of their holds. Joined with `record.attempts` by the id;
    /// an attempt that was given up before its call is only here.
    pub attempts: Vec<AttemptEntry>,
}

/// What the ledger knows about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEntry {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// What was set aside.
    pub hold: NanoUsd,
    /// The price that applied; `None` when unknown.
    pub price: Option<PinnedPrice>,
    /// How the hold ended; `None` while it is open.
    pub resolution: Option<Resolution>,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this program gave; leave it out to begin at the first page")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.started_at.as_micros(), self.request_id)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (micros, id) = text.split_once('_').ok_or(BadCursor)?;
        let started_at = Timestamp::from_micros(micros.parse().map_err(|_| BadCursor)?);
        Ok(Self { started_at, request_id: id.parse().map_err(|_| BadCursor)? })
    }
}
