//! The ledger as a request sees it: decide in memory, queue the entry, learn when it is durable.
//!
//! One mutex covers the engine and the queue, so entries are queued in the order they were decided.
//! Nothing waits inside it. The other end of the queue, [`JournalFeed`], belongs to the one task
//! that writes entries down; it takes them in groups, because a commit costs far more than an entry.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use megarouter_domain::clock::Clock;
use megarouter_domain::code::Code;
use megarouter_domain::id::AttemptId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::UsageRecord;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::engine::{Engine, Refusal};
use megarouter_ledger::entry::{Entry, HoldFact, Lsn, Resolution};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// How long a hold may linger in the queue while nobody waits for it.
const HOLD_LINGER: Duration = Duration::from_millis(10);
/// How long any other entry may linger.
const LINGER: Duration = Duration::from_millis(50);
/// A queue this long is written at once.
const FULL_BATCH: usize = 256;
/// With this many entries unwritten, new holds are refused: the journal is not keeping up.
const MAX_QUEUED: usize = 65_536;
/// How long an answer waits for its hold to become durable.
const DURABLE_WITHIN: Duration = Duration::from_secs(10);

/// The engine and the queue of entries to write.
pub struct Books {
    state: Mutex<State>,
    wake: Notify,
    durable: watch::Sender<Durability>,
    clock: Arc<dyn Clock>,
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
    pub const fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) => Code::LedgerUnavailable,
            Self::Refused(_) => Code::BudgetExceeded,
        }
    }
}

impl Books {
    /// Opens the books over a recovered engine. `first` are entries that recovery made and that are
    /// still to be written.
    pub fn open(engine: Engine, first: Vec<Entry>, durable: Lsn, clock: Arc<dyn Clock>) -> (Arc<Self>, JournalFeed) {
        let due = (!first.is_empty()).then(Instant::now);
        let state = Mutex::new(State { engine, queue: first, due });
        let durable = watch::Sender::new(Durability { lsn: durable, failure: None });
        let books = Arc::new(Self { state, wake: Notify::new(), durable, clock });
        (Arc::clone(&books), JournalFeed { books })
    }

    /// Sets an amount aside over all scopes of the request, or none.
    ///
    /// # Errors
    /// When a budget refuses, or the journal cannot take entries.
    pub fn hold(self: &Arc<Self>, fact: HoldFact) -> Result<Hold, HoldError> {
        if let Some(failure) = &self.durable.borrow().failure {
            return Err(HoldError::Unavailable(Arc::clone(failure)));
        }
        let (attempt_id, counted_input) = (fact.attempt_id, fact.counted_input);
        let mut state = self.lock();
        if state.queue.len() >= MAX_QUEUED {
            return Err(HoldError::Unavailable("too many entries wait to be written".into()));
        }
        let entry = state.engine.hold(fact, self.clock.now())?;
        let lsn = entry.lsn;
        self.enqueue(state, entry, HOLD_LINGER);
        let books = Arc::clone(self);
        Ok(Hold { books, attempt_id, lsn, counted_input, is_dispatched: false, is_resolved: false })
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

    /// Entries that wait to be written.
    pub fn queued(&self) -> usize {
        self.lock().queue.len()
    }

    /// Amounts set aside that are not resolved.
    pub fn open_holds(&self) -> usize {
        self.lock().engine.open_holds()
    }

    async fn until_durable(&self, lsn: Lsn) -> Result<(), HoldError> {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside cannot leave the engine half-changed: it validates before it changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's end of the books.
pub struct JournalFeed {
    books: Arc<Books>,
}

impl JournalFeed {
    /// Waits until there is something to write and it is time to, then gives all of it.
    pub async fn next_batch(&mut self) -> Vec<Entry> {
        loop {
            let due = self.books.lock().due;
            match due {
                None => self.books.wake.notified().await,
                Some(due) if due <= Instant::now() => return self.take(),
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.books.wake.notified() => {}
                },
            }
        }
    }

    /// Gives all there is, at once; for the end of the program.
    pub fn take(&mut self) -> Vec<Entry> {
        let mut state = self.books.lock();
        state.due = None;
        std::mem::take(&mut state.queue)
    }

    /// Says that every entry up to `lsn` is durable.
    pub fn committed(&self, lsn: Lsn) {
        self.books.durable.send_replace(Durability { lsn, failure: None });
    }

    /// Says that entries cannot be written at present. New holds are refused until
    /// [`JournalFeed::committed`] is called again; the writer keeps the batch it could not write.
    pub fn failed(&self, why: &str) {
        self.books.durable.send_modify(|durable| durable.failure = Some(why.into()));
    }
}

/// An amount set aside for one attempt. It ends exactly once: settled, voided or uncertain.
///
/// Dropped unresolved (the client left while we waited), it voids itself if nothing was sent to the
/// provider, and else becomes uncertain at the counted input.
#[must_use]
pub struct Hold {
    books: Arc<Books>,
    attempt_id: AttemptId,
    lsn: Lsn,
    counted_input: u64,
    is_dispatched: bool,
    is_resolved: bool,
}

impl Hold {
    /// The attempt it is for.
    pub fn attempt_id(&self) -> AttemptId {
        self.attempt_id
    }

    /// Input tokens counted before the call.
    pub fn counted_input(&self) -> u64 {
        self.counted_input
    }

    /// Notes that the provider is being called: from here on it may generate.
    pub fn dispatch(&mut self) {
        self.is_dispatched = true;
    }

    /// Waits until the hold would survive a loss of power: before the first byte to the client.
    ///
    /// # Errors
    /// When the journal cannot write it in time.
    pub async fn until_durable(&self) -> Result<(), HoldError> {
        self.books.until_durable(self.lsn).await
    }

    /// Notes how much a long stream has used so far.
    pub fn progress(&self, usage: Usage) {
        let mut state = self.books.lock();
        if let Some(entry) = state.engine.progress(self.attempt_id, usage, self.books.clock.now()) {
            self.books.enqueue(state, entry, LINGER);
        }
    }

    /// Replaces the hold by what was used.
    pub fn settle(mut self, usage: Usage, source: UsageSource) {
        // The engine prices the ending at the pinned price; cost and overage here are not read.
        self.resolve(&Resolution::Settled { usage, source, cost: Cost::Unknown, overage: NanoUsd::ZERO });
    }

    /// Gives the hold back: nothing was generated.
    pub fn void(mut self) {
        self.resolve(&Resolution::Voided);
    }

    /// Replaces the hold by the counted input: generation may have run, and nobody says how much.
    pub fn uncertain(mut self) {
        self.resolve_uncertain();
    }

    fn resolve_uncertain(&mut self) {
        let usage = Usage { input: Some(self.counted_input), ..Usage::UNREPORTED };
        self.resolve(&Resolution::Uncertain { usage, cost: Cost::Unknown });
    }

    fn resolve(&mut self, resolution: &Resolution) {
        self.is_resolved = true;
        let mut state = self.books.lock();
        if let Some(entry) = state.engine.resolve(self.attempt_id, *resolution, self.books.clock.now()) {
            self.books.enqueue(state, entry, LINGER);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.is_resolved {
            return;
        }
        if self.is_dispatched {
            self.resolve_uncertain();
        } else {
            self.resolve(&Resolution::Voided);
        }
    }
}
