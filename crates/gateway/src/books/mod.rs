//! The ledger as a request sees it: decide in memory, queue the entry, learn when it is durable.
//!
//! One mutex covers the engine and the queue, so entries are queued in the order they were decided.
//! Nothing waits inside it. The other end of the queue, [`JournalFeed`], belongs to the one task
//! that writes entries down; it takes them in groups, because a commit costs far more than an entry.
//!
//! [`Books::hold`] is where a request meets its budgets; `worst_case` says how much is set aside,
//! `lender` how a shared budget is asked for more. The rest of the books is for whoever runs the
//! program (`upkeep`): limits, grants, thresholds, corrections.

mod calibration;
mod feed;
mod hold;
mod lender;
mod upkeep;
mod worst_case;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use megarouter_domain::budget::Measure;
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::code::Code;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::UsageRecord;
use megarouter_domain::usage::UsageSource;
use megarouter_ledger::account::Terms;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Fact, HoldFact, Lsn, Resolution};
use megarouter_ledger::limits::Limits;
use megarouter_ledger::refusal::{LeaseNeed, Refusal};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use self::calibration::Calibration;
pub use self::feed::JournalFeed;
pub use self::hold::Hold;
pub use self::lender::{LeaseAnswer, LeaseAsk};
use self::lender::{Lender, PATIENCE};
pub use self::worst_case::{Output, WorstCase};

/// How long a hold may linger in the queue while nobody waits for it.
const HOLD_LINGER: Duration = Duration::from_millis(25);
/// How long any other entry may linger.
const LINGER: Duration = Duration::from_millis(50);
/// A queue this long is written at once.
const FULL_BATCH: usize = 256;
/// With this many entries unwritten, new holds are refused: the journal is not keeping up.
const MAX_QUEUED: usize = 65_536;
/// How long an answer waits for its hold to become durable.
const DURABLE_WITHIN: Duration = Duration::from_secs(10);
/// How often a hold is tried: for all of it, for what the hub has left, and with what it granted.
const TRIES: usize = 3;

/// The engine and the queue of entries to write.
pub struct Books {
    state: Mutex<State>,
    wake: Notify,
    durable: watch::Sender<Durability>,
    clock: Arc<dyn Clock>,
    /// The latest instant at which a request arrived, in microseconds since the epoch.
    instant: AtomicI64,
    /// Whether any budget is in force: without one nobody asks for more than the hold.
    has_limits: AtomicBool,
    lender: Lender,
    /// Until when shared budgets may be spent, in microseconds of the monotonic clock. Compared at every
    /// hold: a process that was stopped may make one before any timer of its own runs.
    trusted_until: AtomicU64,
}

/// How far the journal has come, and whether it can go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durability {
    /// Every entry up to this one would survive a loss of power.
    pub lsn: Lsn,
    /// Why entries cannot be written at present.
    pub failure: Option<Arc<str>>,
}

struct State {
    engine: Engine,
    queue: Vec<Entry>,
    /// When the queue must be written at the latest.
    due: Option<Instant>,
    calibration: Calibration,
}

/// Why an amount could not be set aside.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The journal cannot take entries.
    #[error("the ledger cannot take entries: {0}")]
    Unavailable(Arc<str>),
    /// A budget refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl HoldError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) => Code::LedgerUnavailable,
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

impl Books {
    /// Opens the books over a recovered engine. `first` are entries that recovery made and that are
    /// still to be written.
    pub fn open(
        mut engine: Engine,
        first: Vec<Entry>,
        durable: Lsn,
        clock: Arc<dyn Clock>,
    ) -> (Arc<Self>, JournalFeed) {
        let due = (!first.is_empty()).then(Instant::now);
        let instant = AtomicI64::new(engine.instant(clock.now()).as_micros());
        let has_limits = AtomicBool::new(engine.has_limits());
        let state = Mutex::new(State { engine, queue: first, due, calibration: Calibration::default() });
        let durable = watch::Sender::new(Durability { lsn: durable, failure: None });
        let (lender, trusted_until) = (Lender::default(), AtomicU64::new(u64::MAX));
        let wake = Notify::new();
        let books = Arc::new(Self { state, wake, durable, clock, instant, has_limits, lender, trusted_until });
        (Arc::clone(&books), JournalFeed { books })
    }

    /// The instant that a request belongs to which arrives now: the wall clock, which here never goes
    /// back, so that nobody gets a window's budget twice.
    pub fn instant(&self) -> Timestamp {
        let now = self.clock.now().as_micros();
        Timestamp::from_micros(self.instant.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// Sets aside what a call may cost, over all scopes of the request or none. The amount and the
    /// tokens of `fact` are those of `worst`, or of as much of it as the budgets can pay
    /// ([`Hold::bound`]).
    ///
    /// It waits only where this node's part of a shared budget is short, and 250 ms at most.
    ///
    /// # Errors
    /// When a budget refuses, or the journal cannot take entries.
    pub async fn hold(self: &Arc<Self>, fact: HoldFact, worst: &WorstCase) -> Result<Hold, HoldError> {
        if let Some(failure) = &self.durable.borrow().failure {
            return Err(HoldError::Unavailable(Arc::clone(failure)));
        }
        if !self.lender.is_there() {
            return self.try_hold(fact, worst, None);
        }
        // Boxed, as it is rare: the future of every request would be as large.
        Box::pin(self.borrow_and_hold(fact, worst)).await
    }

    async fn borrow_and_hold(self: &Arc<Self>, fact: HoldFact, worst: &WorstCase) -> Result<Hold, HoldError> {
        let deadline = Instant::now() + PATIENCE;
        let mut within = None;
        for _ in 1..TRIES {
            let needs = match self.try_hold(fact.clone(), worst, within) {
                Err(HoldError::Refused(Refusal::LeaseShort(needs))) => needs,
                decided => return decided,
            };
            match self.lender.ask(needs.clone(), deadline).await {
                LeaseAnswer::Granted => {}
                LeaseAnswer::NotEnough { key, left } => {
                    let Some(need) = needs.iter().find(|need| need.key == key) else {
                        return Err(Refusal::LeaseShort(needs).into());
                    };
                    if within.is_some() || need.measure != Measure::Cost || !worst.may_be_bounded() {
                        return Err(need.refused(left).into());
                    }
                    within = Some(affordable(need, left));
                }
                LeaseAnswer::Unavailable => return Err(Refusal::LeaseShort(needs).into()),
            }
        }
        self.try_hold(fact, worst, within)
    }

    /// One decision, without waiting. `within` is what the hub has for the request, where that is known.
    fn try_hold(
        self: &Arc<Self>,
        mut fact: HoldFact,
        worst: &WorstCase,
        within: Option<NanoUsd>,
    ) -> Result<Hold, HoldError> {
        let has_limits = self.has_limits();
        let mut state = self.lock();
        if state.queue.len() >= MAX_QUEUED {
            return Err(HoldError::Unavailable("too many entries wait to be written".into()));
        }
        let terms = if has_limits { state.terms(&fact, within) } else { None };
        let fit = match &terms {
            Some(terms) => {
                let input = state.calibration.hold(fact.deployment_id, fact.counted_input);
                worst.within(terms, input, fact.price.as_ref())
            }
            None => worst.whole(fact.price.as_ref()),
        };
        (fact.amount, fact.tokens) = (fit.amount, fit.tokens());
        state.engine.fence(self.is_fenced());
        let entry = state.engine.hold(fact, self.clock.now())?;
        let Fact::Hold(fact) = &entry.fact else { unreachable!("a hold's entry is a hold") };
        let hold = Hold {
            books: Arc::clone(self),
            fact: Arc::clone(fact),
            lsn: entry.lsn,
            worst: Box::new(*worst),
            bound: fit.bound,
            amount: fact.amount,
            tokens: fact.tokens,
            terms,
            has_asked: false,
            refusal: None,
            is_dispatched: false,
            is_resolved: false,
        };
        self.enqueue(state, entry, HOLD_LINGER);
        Ok(hold)
    }

    /// Records a finished request, after all its holds were resolved, with what they add up to.
    pub fn finish(&self, mut record: Box<UsageRecord>) -> Cost {
        let mut state = self.lock();
        let totals = state.engine.totals(record.request_id);
        (record.usage, record.usage_source, record.cost) = (totals.usage, totals.source, totals.cost);
        let entry = state.engine.finish(Arc::from(record), self.clock.now());
        self.enqueue(state, entry, LINGER);
        totals.cost
    }

    /// How far the journal has come.
    pub fn durability(&self) -> Durability {
        self.durable.borrow().clone()
    }

    /// The same, for whoever waits for the next one.
    pub fn progress(&self) -> watch::Receiver<Durability> {
        self.durable.subscribe()
    }

    /// Entries that wait to be written.
    pub fn queued(&self) -> usize {
        self.lock().queue.len()
    }

    /// Amounts set aside that are not resolved.
    pub fn open_holds(&self) -> usize {
        self.lock().engine.open_holds()
    }

    /// Since when the oldest amount that is not resolved is set aside; `None` when there is none.
    pub fn oldest_hold(&self) -> Option<Timestamp> {
        self.lock().held_since().min()
    }

    /// Amounts that were set aside before a time and are not resolved.
    pub fn holds_before(&self, at: Timestamp) -> usize {
        self.lock().held_since().filter(|since| *since < at).count()
    }

    /// Says what all entries so far add up to, so that older ones can be deleted.
    pub fn checkpoint(&self) -> Lsn {
        let mut state = self.lock();
        let entry = state.engine.checkpoint(self.clock.now());
        let lsn = entry.lsn;
        self.enqueue(state, entry, LINGER);
        lsn
    }

    /// The earliest instant that a hold may still be made for: what the openings of limits ask for.
    pub fn oldest(&self) -> Timestamp {
        let now = self.clock.now();
        self.lock().engine.oldest(now)
    }

    /// The limits in force.
    pub fn limits(&self) -> Arc<Limits> {
        Arc::clone(self.lock().engine.limits())
    }

    /// Waits until an entry would survive a loss of power.
    ///
    /// # Errors
    /// When the journal cannot write it in time.
    pub async fn until_durable(&self, lsn: Lsn) -> Result<(), HoldError> {
        if self.durable.borrow().lsn >= lsn {
            return Ok(());
        }
        self.hurry();
        let mut progress = self.durable.subscribe();
        let is_written = timeout(DURABLE_WITHIN, progress.wait_for(|durable| durable.lsn >= lsn)).await;
        if matches!(is_written, Ok(Ok(_))) {
            return Ok(());
        }
        let failure = self.durable.borrow().failure.clone();
        Err(HoldError::Unavailable(failure.unwrap_or_else(|| "an entry was not written in time".into())))
    }

    fn hurry(&self) {
        let mut state = self.lock();
        if state.due.is_some() {
            state.due = Some(Instant::now());
            drop(state);
            self.wake.notify_one();
        }
    }

    fn enqueue(&self, mut state: MutexGuard<'_, State>, entry: Entry, linger: Duration) {
        state.queue.push(entry);
        let is_full = state.queue.len() == FULL_BATCH;
        let due = Instant::now() + if is_full { Duration::ZERO } else { linger };
        let is_sooner = state.due.is_none_or(|current| due < current);
        if is_sooner {
            state.due = Some(due);
        }
        drop(state);
        if is_sooner {
            self.wake.notify_one();
        }
    }

    /// Whether any budget is in force.
    pub fn has_limits(&self) -> bool {
        self.has_limits.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside cannot leave the engine half-changed: it validates before it changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Since when each amount that is not resolved is set aside.
    fn held_since(&self) -> impl Iterator<Item = Timestamp> {
        let open = self.engine.state().attempts().filter(|attempt| attempt.resolution.is_none());
        open.map(|attempt| attempt.hold.started_at)
    }

    /// What the budgets over a call leave it; `within` is what the hub has for it, where that is known.
    fn terms(&self, fact: &HoldFact, within: Option<NanoUsd>) -> Option<Terms> {
        let terms = self.engine.terms(&fact.scopes, fact.session.as_deref(), fact.started_at)?;
        Some(Terms { left: within.map_or(terms.left, |within| within.min(terms.left)), ..terms })
    }

    /// What a provider reports teaches what our counts are worth.
    fn learn(&mut self, fact: &HoldFact, resolution: &Resolution) {
        let Resolution::Settled { usage, source: UsageSource::Reported, .. } = resolution else { return };
        if let Some(reported) = usage.total_input() {
            self.calibration.learn(fact.deployment_id, fact.counted_input, reported);
        }
    }
}

/// What this node could set aside when the hub gives all it has left.
fn affordable(need: &LeaseNeed, left: u64) -> NanoUsd {
    let held = need.need.saturating_sub(need.asked);
    let most = need.granted.saturating_sub(held).saturating_add(left);
    NanoUsd(i64::try_from(most).unwrap_or(i64::MAX))
}
