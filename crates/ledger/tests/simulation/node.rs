//! One node: the real engine, its journal on a simulated disk, its line to the hub.

use std::collections::VecDeque;
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::period::Period;
use megarouter_ledger::account::{Account, GrantView, Sharing};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Fact, Lsn};
use megarouter_ledger::limits::Limits;

use crate::naive::Naive;
use crate::parts::{Disk, Question, SECOND, Time};

/// A node stops admitting this long after its last beat began, by a clock that knows no jumps.
const FENCED_AFTER: Time = 55 * SECOND;

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "what it is in the middle of")]
pub struct Node {
    /// `None` while it is down.
    pub engine: Option<Engine>,
    /// Which start of it this is; what concerns an earlier one is void.
    pub run: u32,
    pub disk: Disk,
    /// Entries to be written, in order.
    pub queue: Vec<Entry>,
    pub is_flushing: bool,
    /// How far its wall clock is off, in microseconds.
    pub offset: i64,
    pub paused_until: Time,
    /// Questions to the hub, one after the other.
    pub line: VecDeque<Question>,
    pub asked: Option<u64>,
    pub session: u64,
    pub has_session: bool,
    pub has_rejoined: bool,
    /// When the last beat that was answered began.
    pub beat_at: Option<Time>,
    pub shipped: Lsn,
    /// Whether its disk failed since it started: then entries may wait long.
    pub had_failure: bool,
    /// What it had of shared accounts when it stopped.
    pub last_grants: Vec<GrantView>,
    /// The latest instant that is on the disk.
    pub instant: Timestamp,
}

impl Node {
    pub fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    pub fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("the node is up")
    }

    /// What its wall clock shows.
    pub fn wall(&self, base: Timestamp, now: Time) -> Timestamp {
        Timestamp::from_micros(base.as_micros() + i64::try_from(now).expect("runs are short") + self.offset)
    }

    /// Begins a run on what the disk has. The start is durable before anything else happens.
    pub fn start(&mut self, naive: &Naive, limits: &Arc<Limits>, now: Timestamp) {
        let state = self.disk.fold();
        let instant = state.instant();
        assert!(instant >= self.instant, "no durable instant is forgotten");
        let oldest = state.attempts().map(|attempt| attempt.hold.started_at).min().unwrap_or(instant.max(now));
        let oldest = oldest.min(Timestamp::from_micros(instant.max(now).as_micros() - 3_600_000_000));
        let history = history(naive, &self.disk.synced);
        let openings = history.openings(&limits.openings(oldest, instant.max(now)), state.last());
        let (mut engine, entries) = Engine::start(state, Arc::clone(limits), &openings, "simulated", now);
        assert_eq!(engine.open_holds(), 0, "after recovery no hold of a dead run is open");
        engine.share(Sharing::Leased { live_nodes: 1 });
        engine.fence(true);
        self.disk.begin(entries);
        assert!(self.disk.sync(), "a node starts only on a disk that works");
        *self = Self {
            engine: Some(engine),
            run: self.run + 1,
            disk: std::mem::take(&mut self.disk),
            offset: self.offset,
            session: self.session,
            shipped: self.shipped,
            instant,
            ..Self::default()
        };
    }

    /// Brings the fence up to date: by a clock that does not jump, and only after rejoining.
    pub fn fence(&mut self, now: Time) {
        let is_fenced = !self.has_rejoined || self.beat_at.is_none_or(|beat| now - beat > FENCED_AFTER);
        self.engine().fence(is_fenced);
    }

    /// Derives all accounts anew from what the disk has and what the engine knows since: nothing may
    /// change by that.
    pub fn derive_again(&mut self, naive: &Naive, limits: &Arc<Limits>, now: Timestamp) {
        let history = history(naive, &self.disk.synced);
        let as_of = self.disk.last();
        let engine = self.engine();
        let present = engine.latest_instant().max(now);
        let before = (engine.accounts(present), engine.grants());
        let openings = history.openings(&limits.openings(engine.oldest(present), present), as_of);
        if engine.set_limits(Arc::clone(limits), &openings, as_of).is_err() {
            return;
        }
        let after = (engine.accounts(present), engine.grants());
        assert!(!before.0.is_empty(), "there are limits");
        let oldest = engine.oldest(present);
        let sort = |(accounts, grants): (Vec<Account>, Vec<GrantView>)| {
            // A part that gave everything back is not opened again, nor is a window long over; when
            // an account was last used is not derived.
            let is_in_use = |account: &Account| account.key.subject.is_none() || account.posted + account.held > 0;
            let mut accounts: Vec<_> = accounts.into_iter().filter(is_in_use).collect();
            accounts.sort_by(|one, other| one.key.cmp(&other.key));
            let grants = grants.into_iter().filter(|grant| grant.window.end > oldest);
            let mut grants: Vec<_> = grants.map(|grant| (grant.key, grant.granted, grant.used)).collect();
            grants.sort();
            (accounts, grants)
        };
        assert_eq!(sort(before), sort(after), "accounts derived anew are the same");
    }
}

/// What happened according to a journal.
pub fn history(naive: &Naive, journal: &[Entry]) -> Naive {
    let mut history = Naive { budgets: naive.budgets.clone(), ..Naive::default() };
    for entry in journal {
        history.note(entry);
    }
    history
}

/// Whether an entry makes a response wait.
pub fn is_hold(entry: &Entry) -> bool {
    matches!(entry.fact, Fact::Hold(_))
}

/// Whether nodes have to share a period out by grants.
pub fn is_fixed(period: Period) -> bool {
    !matches!(period, Period::Rolling { .. })
}
