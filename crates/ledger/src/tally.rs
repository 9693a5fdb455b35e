//! What was used of one account, and what is set aside.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use megarouter_domain::budget::Measure;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::period::slot_start;

use crate::limits::Line;

/// Used and set aside, in the unit of a measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub posted: i128,
    pub held: i128,
}

/// What one fact brings, in the units of all measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// Nano-dollars.
    pub cost: i128,
    pub tokens: i128,
    /// Calls: what providers and models count.
    pub calls: i128,
    /// Requests: what everything else counts.
    pub requests: i128,
}

/// A change of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub posted: Amounts,
    pub held: Amounts,
}

/// One account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Of the whole window; of a rolling one, of all slots that are kept.
    total: Tally,
    /// By the beginning of the slot, in rising order; empty when the window does not roll.
    slots: VecDeque<(Timestamp, Tally)>,
    /// When it was last used.
    pub used_at: Timestamp,
    /// What the hub granted to this node.
    pub granted: u64,
    /// What the hub still had to give then.
    pub left: u64,
}

impl Tally {
    /// Used and set aside together.
    pub fn sum(self) -> i128 {
        self.posted + self.held
    }

    fn add(&mut self, other: Self) {
        self.posted += other.posted;
        self.held += other.held;
    }

    fn is_zero(self) -> bool {
        self == Self::default()
    }
}

impl Amounts {
    /// The part that a limit counts.
    pub fn of(&self, line: &Line) -> i128 {
        match line.budget.measure {
            Measure::Cost => self.cost,
            Measure::Tokens => self.tokens,
            Measure::Requests | Measure::Concurrent if line.counts_calls => self.calls,
            Measure::Requests | Measure::Concurrent => self.requests,
        }
    }

    /// The same, taken back.
    pub fn negated(self) -> Self {
        Self { cost: -self.cost, tokens: -self.tokens, calls: -self.calls, requests: -self.requests }
    }
}

impl Change {
    /// The part that a limit counts. Requests under way are only set aside.
    pub fn of(&self, line: &Line) -> Tally {
        let posted = if line.budget.measure == Measure::Concurrent { 0 } else { self.posted.of(line) };
        Tally { posted, held: self.held.of(line) }
    }
}

impl Balance {
    /// Adds a change that belongs to the instant `at`.
    pub fn add(&mut self, slot: Option<Duration>, at: Timestamp, change: Tally) {
        self.used_at = self.used_at.max(at);
        self.total.add(change);
        let Some(slot) = slot else { return };
        let start = slot_start(at, slot);
        // Nearly always the last one.
        let place = self.slots.iter().rposition(|(other, _)| *other <= start);
        match place {
            Some(place) if self.slots[place].0 == start => self.slots[place].1.add(change),
            _ => self.slots.insert(place.map_or(0, |place| place + 1), (start, change)),
        }
    }

    /// Forgets the slots before a time that nothing is set aside in.
    pub fn forget_before(&mut self, time: Timestamp) {
        while let Some((_, tally)) = self.slots.front().filter(|(start, tally)| *start < time && tally.held == 0) {
            self.total.posted -= tally.posted;
            self.slots.pop_front();
        }
    }

    /// What counts within a window that rolls; all of it in one that does not.
    pub fn within(&self, window: Option<&Range<Timestamp>>) -> Tally {
        let Some(window) = window else { return self.total };
        let mut tally = Tally::default();
        for (_, slot) in self.slots.iter().filter(|(start, _)| window.contains(start)) {
            tally.add(*slot);
        }
        tally
    }

    /// The first slot that, once it and those before it have left the window, leaves at most `most`.
    pub fn leaves(&self, window: &Range<Timestamp>, most: i128) -> Option<Timestamp> {
        let mut rest = self.within(Some(window)).sum();
        self.slots.iter().filter(|(start, _)| window.contains(start)).find_map(|(start, tally)| {
            rest -= tally.sum();
            (rest <= most).then_some(*start)
        })
    }

    /// True when nothing was used and nothing is set aside or granted.
    pub fn is_unused(&self) -> bool {
        self.total.is_zero() && self.slots.is_empty() && self.granted == 0
    }
}

/// A sum as others see it. Corrections may take back more than was posted.
pub(crate) fn count(amount: i128) -> u64 {
    u64::try_from(amount.max(0)).unwrap_or(u64::MAX)
}
