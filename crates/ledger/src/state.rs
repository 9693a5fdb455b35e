//! What the entries so far add up to: open holds, unfinished requests, the latest instant.
//!
//! One fold for everybody: the engine applies what it decides, the store applies what it writes, and
//! verification applies what it reads. Applying an entry again changes nothing. An entry that does
//! not fit is applied as far as it makes sense and reported, so that one bad entry hides no other.

use std::collections::HashMap;
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::usage::{Usage, UsageSource};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::entry::{Checkpoint, Entry, Epoch, Fact, HoldFact, Lsn, PinnedPrice, Resolution};

/// A call whose request has not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAttempt {
    /// The entry that made the hold.
    pub lsn: Lsn,
    /// The run that made it.
    pub epoch: Epoch,
    /// When it was made.
    pub at: Timestamp,
    /// The hold.
    pub hold: Arc<HoldFact>,
    /// How much more was set aside since.
    #[serde(default)]
    pub extended: NanoUsd,
    /// How many more tokens.
    #[serde(default)]
    pub extended_tokens: u64,
    /// The last progress: when, and the tokens by then.
    pub progress: Option<(Timestamp, Usage)>,
    /// How the hold ended; `None` while it is open.
    pub resolution: Option<Resolution>,
    /// True when its request finished before its hold did, which a sound program never does.
    pub is_left_behind: bool,
}

/// The attempts of one request, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Tokens over all attempts, by class.
    pub usage: Usage,
    /// The least certain source among them; unknown when no attempt used anything.
    pub source: UsageSource,
    /// What they cost together; not billable when there was no call.
    pub cost: Cost,
    /// What is charged to budgets: the sum of the known costs, also when another one is unknown.
    pub amount: NanoUsd,
    /// The tokens that count against limits.
    pub tokens: u64,
    /// How many attempts ended.
    pub attempts: u64,
}

/// A fold over a journal's entries from the first on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    last: Lsn,
    epoch: Epoch,
    instant: Timestamp,
    attempts: HashMap<AttemptId, OpenAttempt>,
    /// The attempts of each unfinished request, in the order of their holds.
    requests: HashMap<RequestId, Vec<AttemptId>>,
    open_holds: usize,
}

/// An entry that does not follow from those before it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "each message says it")]
pub enum Inconsistency {
    #[error("entry {found} follows entry {last}")]
    Gap { last: u64, found: u64 },
    #[error("entry {lsn} is of run {found}, but run {current} had begun")]
    WrongEpoch { lsn: u64, current: u64, found: u64 },
    #[error("entry {lsn} holds for attempt {attempt_id} a second time")]
    HeldTwice { lsn: u64, attempt_id: AttemptId },
    #[error("entry {lsn} sets less than nothing aside for attempt {attempt_id}")]
    Negative { lsn: u64, attempt_id: AttemptId },
    #[error("entry {lsn} is about attempt {attempt_id}, which has no open hold")]
    NoOpenHold { lsn: u64, attempt_id: AttemptId },
    #[error("entry {lsn} charges attempt {attempt_id} something else than its usage at its price")]
    WrongCost { lsn: u64, attempt_id: AttemptId },
    #[error("entry {lsn} finishes request {request_id} while attempt {attempt_id} is open")]
    FinishedEarly { lsn: u64, request_id: RequestId, attempt_id: AttemptId },
    #[error("entry {lsn} sums the attempts of request {request_id} up wrongly")]
    WrongTotal { lsn: u64, request_id: RequestId },
    #[error("entry {lsn} is a checkpoint that says something else than the entries before it")]
    WrongCheckpoint { lsn: u64 },
}

impl State {
    /// Puts together what a store remembers, so that old entries need not be read again.
    pub fn restore(last: Lsn, epoch: Epoch, instant: Timestamp, open: impl IntoIterator<Item = OpenAttempt>) -> Self {
        let mut state = Self { last, epoch, instant, ..Self::default() };
        state.open(open);
        state
    }

    fn open(&mut self, open: impl IntoIterator<Item = OpenAttempt>) {
        let mut open: Vec<OpenAttempt> = open.into_iter().collect();
        open.sort_by_key(|attempt| attempt.lsn);
        for attempt in open {
            if !attempt.is_left_behind {
                self.requests.entry(attempt.hold.request_id).or_default().push(attempt.hold.attempt_id);
            }
            self.open_holds += usize::from(attempt.resolution.is_none());
            self.attempts.insert(attempt.hold.attempt_id, attempt);
        }
    }

    /// The last entry applied; 0 for none.
    pub fn last(&self) -> Lsn {
        self.last
    }

    /// The run of the last entry; 0 for none.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The latest admission instant: no later request belongs to an earlier one.
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// What a checkpoint at this place says.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut attempts: Vec<OpenAttempt> = self.attempts.values().cloned().collect();
        attempts.sort_by_key(|attempt| attempt.lsn);
        Checkpoint { instant: self.instant, attempts }
    }

    /// Requests that have an attempt and have not finished, in no order.
    pub fn requests_under_way(&self) -> impl Iterator<Item = RequestId> {
        self.requests.keys().copied()
    }

    /// True when the request has an attempt and has not finished.
    pub fn is_under_way(&self, request: RequestId) -> bool {
        self.requests.contains_key(&request)
    }

    /// An attempt of an unfinished request.
    pub fn attempt(&self, id: AttemptId) -> Option<&OpenAttempt> {
        self.attempts.get(&id)
    }

    /// The attempts of unfinished requests, resolved or not, in no order.
    pub fn attempts(&self) -> impl Iterator<Item = &OpenAttempt> {
        self.attempts.values()
    }

    /// How many holds are open.
    pub fn open_holds(&self) -> usize {
        self.open_holds
    }

    /// The attempts of an unfinished request, in the order of their holds.
    pub fn attempts_of(&self, request: RequestId) -> impl Iterator<Item = &OpenAttempt> {
        self.requests.get(&request).into_iter().flatten().filter_map(|id| self.attempts.get(id))
    }

    /// What the attempts of an unfinished request used and cost so far.
    pub fn totals(&self, request: RequestId) -> Totals {
        let resolutions = self.attempts_of(request).filter_map(|attempt| attempt.resolution.as_ref());
        Totals::of(resolutions)
    }

    /// Adds an entry; one that was applied before changes nothing.
    ///
    /// # Errors
    /// When the entry does not follow from those before it. It is applied as far as it makes sense.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Inconsistency> {
        if entry.lsn <= self.last {
            return Ok(());
        }
        if let (Lsn(0), Fact::Checkpoint(checkpoint)) = (self.last, &entry.fact) {
            *self = Self::restore(entry.lsn, entry.epoch, checkpoint.instant, checkpoint.attempts.iter().cloned());
            return Ok(());
        }
        let sequence = self.advance(entry);
        let content = match &entry.fact {
            Fact::Started { .. } | Fact::Adjust(_) | Fact::Changed(_) | Fact::Granted { .. } => Ok(()),
            Fact::Hold(hold) => self.apply_hold(entry, hold),
            Fact::Extend { attempt_id, amount, tokens } => self.apply_extension(entry, *attempt_id, *amount, *tokens),
            Fact::Progress { attempt_id, usage, cost } => self.apply_progress(entry, *attempt_id, *usage, *cost),
            Fact::Resolve { attempt_id, resolution } => self.apply_resolution(entry.lsn, *attempt_id, resolution),
            Fact::Finished(record) => {
                let totals = self.totals(record.request_id);
                let is_summed = totals.cost == record.cost && totals.usage == record.usage;
                let finished = self.apply_finish(entry.lsn, record.request_id);
                let wrong = Inconsistency::WrongTotal { lsn: entry.lsn.0, request_id: record.request_id };
                self.instant = self.instant.max(record.started_at);
                finished.and(if is_summed { Ok(()) } else { Err(wrong) })
            }
            Fact::Checkpoint(checkpoint) if **checkpoint == self.checkpoint() => Ok(()),
            Fact::Checkpoint(_) => Err(Inconsistency::WrongCheckpoint { lsn: entry.lsn.0 }),
        };
        sequence.and(content)
    }

    fn advance(&mut self, entry: &Entry) -> Result<(), Inconsistency> {
        let (last, current) = (self.last, self.epoch);
        self.last = entry.lsn;
        self.epoch = current.max(entry.epoch);
        if entry.lsn != last.next() {
            return Err(Inconsistency::Gap { last: last.0, found: entry.lsn.0 });
        }
        let expected = if matches!(entry.fact, Fact::Started { .. }) { Epoch(current.0 + 1) } else { current };
        if entry.epoch != expected {
            return Err(Inconsistency::WrongEpoch { lsn: entry.lsn.0, current: current.0, found: entry.epoch.0 });
        }
        Ok(())
    }

    fn apply_hold(&mut self, entry: &Entry, hold: &Arc<HoldFact>) -> Result<(), Inconsistency> {
        if self.attempts.contains_key(&hold.attempt_id) {
            return Err(Inconsistency::HeldTwice { lsn: entry.lsn.0, attempt_id: hold.attempt_id });
        }
        self.instant = self.instant.max(hold.started_at);
        self.requests.entry(hold.request_id).or_default().push(hold.attempt_id);
        let is_negative = hold.amount < NanoUsd::ZERO;
        let attempt = OpenAttempt {
            lsn: entry.lsn,
            epoch: entry.epoch,
            at: entry.at,
            hold: Arc::clone(hold),
            extended: NanoUsd::ZERO,
            extended_tokens: 0,
            progress: None,
            resolution: None,
            is_left_behind: false,
        };
        let negative = Inconsistency::Negative { lsn: entry.lsn.0, attempt_id: hold.attempt_id };
        self.attempts.insert(attempt.hold.attempt_id, attempt);
        self.open_holds += 1;
        if is_negative { Err(negative) } else { Ok(()) }
    }

    fn apply_extension(
        &mut self,
        entry: &Entry,
        id: AttemptId,
        amount: NanoUsd,
        tokens: u64,
    ) -> Result<(), Inconsistency> {
        let open = self.attempts.get_mut(&id).filter(|attempt| attempt.resolution.is_none());
        let attempt = open.ok_or(Inconsistency::NoOpenHold { lsn: entry.lsn.0, attempt_id: id })?;
        attempt.extended += amount;
        attempt.extended_tokens = attempt.extended_tokens.saturating_add(tokens);
        let negative = Inconsistency::Negative { lsn: entry.lsn.0, attempt_id: id };
        if amount < NanoUsd::ZERO { Err(negative) } else { Ok(()) }
    }

    fn apply_progress(&mut self, entry: &Entry, id: AttemptId, usage: Usage, cost: Cost) -> Result<(), Inconsistency> {
        let lsn = entry.lsn.0;
        let open = self.attempts.get_mut(&id).filter(|attempt| attempt.resolution.is_none());
        let attempt = open.ok_or(Inconsistency::NoOpenHold { lsn, attempt_id: id })?;
        attempt.progress = Some((entry.at, usage));
        let expected = PinnedPrice::cost(attempt.hold.price.as_ref(), &usage, UsageSource::Estimated);
        if cost == expected { Ok(()) } else { Err(Inconsistency::WrongCost { lsn, attempt_id: id }) }
    }

    fn apply_resolution(&mut self, lsn: Lsn, id: AttemptId, resolution: &Resolution) -> Result<(), Inconsistency> {
        let open = self.attempts.get_mut(&id).filter(|attempt| attempt.resolution.is_none());
        let attempt = open.ok_or(Inconsistency::NoOpenHold { lsn: lsn.0, attempt_id: id })?;
        attempt.resolution = Some(*resolution);
        self.open_holds -= 1;
        let is_priced = attempt.priced(*resolution) == *resolution;
        if attempt.is_left_behind {
            self.attempts.remove(&id);
        }
        if is_priced { Ok(()) } else { Err(Inconsistency::WrongCost { lsn: lsn.0, attempt_id: id }) }
    }

    fn apply_finish(&mut self, lsn: Lsn, request_id: RequestId) -> Result<(), Inconsistency> {
        let mut outcome = Ok(());
        for attempt_id in self.requests.remove(&request_id).unwrap_or_default() {
            let Some(attempt) = self.attempts.get_mut(&attempt_id) else { continue };
            if attempt.resolution.is_some() {
                self.attempts.remove(&attempt_id);
            } else {
                attempt.is_left_behind = true;
                outcome = Err(Inconsistency::FinishedEarly { lsn: lsn.0, request_id, attempt_id });
            }
        }
        outcome
    }
}

impl OpenAttempt {
    /// All that is or was set aside for it.
    pub fn held(&self) -> NanoUsd {
        self.hold.amount + self.extended
    }

    /// The same for tokens.
    pub fn held_tokens(&self) -> u64 {
        self.hold.tokens.saturating_add(self.extended_tokens)
    }

    /// An ending with the cost that the pinned price gives, and what of it goes beyond the hold.
    #[must_use]
    pub fn priced(&self, resolution: Resolution) -> Resolution {
        resolution.priced(self.hold.price.as_ref(), self.held())
    }
}

impl Totals {
    /// Adds the resolutions of a request's attempts up.
    pub fn of<'a>(resolutions: impl Iterator<Item = &'a Resolution>) -> Self {
        let nothing = Self {
            usage: Usage::UNREPORTED,
            source: UsageSource::Reported,
            cost: Cost::NotBillable,
            amount: NanoUsd::ZERO,
            tokens: 0,
            attempts: 0,
        };
        let mut is_used = false;
        let mut totals = resolutions.fold(nothing, |totals, resolution| {
            is_used |= resolution.source().is_some();
            Self {
                usage: sum(totals.usage, resolution.usage()),
                source: resolution.source().map_or(totals.source, |source| least_certain(totals.source, source)),
                cost: totals.cost.and(resolution.cost()),
                amount: totals.amount + resolution.cost().amount(),
                tokens: totals.tokens.saturating_add(resolution.tokens()),
                attempts: totals.attempts + 1,
            }
        });
        if !is_used {
            totals.source = UsageSource::Unknown;
        }
        totals
    }
}

fn least_certain(one: UsageSource, other: UsageSource) -> UsageSource {
    match (one, other) {
        (UsageSource::Unknown, _) | (_, UsageSource::Unknown) => UsageSource::Unknown,
        (UsageSource::Estimated, _) | (_, UsageSource::Estimated) => UsageSource::Estimated,
        (UsageSource::Reported, UsageSource::Reported) => UsageSource::Reported,
    }
}

/// Class by class; a class is unreported only when neither side reports it.
fn sum(one: Usage, other: Usage) -> Usage {
    let add = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    };
    Usage {
        input: add(one.input, other.input),
        cached_read: add(one.cached_read, other.cached_read),
        cache_write: add(one.cache_write, other.cache_write),
        output: add(one.output, other.output),
        reasoning: add(one.reasoning, other.reasoning),
        cache_write_1h: add(one.cache_write_1h, other.cache_write_1h),
        audio_input: add(one.audio_input, other.audio_input),
        audio_output: add(one.audio_output, other.audio_output),
        image_input: add(one.image_input, other.image_input),
        image_output: add(one.image_output, other.image_output),
        images: add(one.images, other.images),
        audio_ms: add(one.audio_ms, other.audio_ms),
        characters: add(one.characters, other.characters),
        searches: add(one.searches, other.searches),
        // Of several attempts the last one served.
        service_tier: other.service_tier.or(one.service_tier),
    }
}
