//! Learns from what is said of answers, and puts what was learnt in force.
//!
//! What people and programs say is written down first, as an outcome with a number. What is learnt is a
//! fold over all outcomes in the order of their numbers, made on each node for itself; so all nodes of a
//! hub know the same, and a restart changes nothing. It is kept from time to time, so that a start
//! need not begin with the first outcome.

mod fold;
mod outcome;

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_api::events::Tag;
use megarouter_gateway::feedback::Signalled;
use megarouter_routing::learnt::Learnt;
use megarouter_store::error::Error;
use megarouter_store::settings::Mirror;
use megarouter_store::settings::outcomes::{LearntState, Outcome};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// How long statements are gathered before they are written down: most are on requests that the ledger is
/// just writing.
const TOGETHER: Duration = Duration::from_millis(300);
/// Statements written down at once.
const MOST_TOGETHER: usize = 256;
/// Statements that wait while the settings do not answer; the newest are lost beyond that.
const MOST_WAITING: usize = 10_000;
/// How often outcomes of other nodes are looked for.
const LOOK: Duration = Duration::from_secs(5);
/// How often what was learnt is kept.
const KEEP: Duration = Duration::from_secs(60);
/// Outcomes read at once.
const PAGE: u32 = 1_000;

/// Statements on answers that wait at the same time.
pub const MOST_SIGNALS: usize = 1_024;

/// What this node has learnt.
#[derive(Debug, Default)]
struct Learner {
    /// Never refreshed: what it says would depend on when.
    folded: Learnt,
    upto: u64,
    generation: u64,
    /// How far the stored state goes.
    kept: u64,
}

/// Works until `ending`, and then writes down what waits.
pub async fn run(
    context: Arc<Context>,
    mut signals: mpsc::Receiver<Signalled>,
    mirror: Option<Arc<Mirror>>,
    ending: CancellationToken,
) {
    let mut learner = Learner::begin(mirror.as_deref(), &context).await;
    let mut waiting: Vec<Outcome> = Vec::new();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keep_at = Instant::now() + KEEP;
    loop {
        tokio::select! {
            Some(first) = signals.recv() => {
                waiting.extend(gather(&context, first, &mut signals).await);
                waiting.truncate(MOST_WAITING);
            }
            _ = look.tick() => {}
            () = context.learnt_replaced.notified() => {}
            () = ending.cancelled() => break,
        }
        write_down(&context, &mut waiting).await;
        learner.follow(&context).await;
        if Instant::now() >= keep_at {
            learner.keep(&context, mirror.as_deref()).await;
            keep_at = Instant::now() + KEEP;
        }
    }
    while let Ok(signalled) = signals.try_recv() {
        waiting.extend(outcome::of(&context, signalled).await);
    }
    write_down(&context, &mut waiting).await;
    learner.follow(&context).await;
    learner.keep(&context, mirror.as_deref()).await;
}

/// The outcomes of a statement and of those that come right after it.
async fn gather(context: &Context, first: Signalled, signals: &mut mpsc::Receiver<Signalled>) -> Vec<Outcome> {
    sleep(TOGETHER).await;
    let mut gathered = vec![first];
    while gathered.len() < MOST_TOGETHER
        && let Ok(signalled) = signals.try_recv()
    {
        gathered.push(signalled);
    }
    let mut outcomes = Vec::with_capacity(gathered.len());
    for signalled in gathered {
        outcomes.extend(outcome::of(context, signalled).await);
    }
    outcomes
}

/// Stores what waits; it goes on waiting when that fails.
async fn write_down(context: &Context, waiting: &mut Vec<Outcome>) {
    if waiting.is_empty() {
        return;
    }
    match context.settings.add_outcomes(waiting).await {
        Ok(_) => {
            waiting.clear();
            context.changed(&[Tag::Feedback]);
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "what was said of answers is not written yet");
        }
    }
}

impl Learner {
    /// What is stored; nothing while the settings do not answer and there is no copy.
    async fn begin(mirror: Option<&Mirror>, context: &Context) -> Self {
        let stored = match (context.settings.learnt().await, mirror) {
            (Err(_), Some(mirror)) => mirror.learnt().await,
            (stored, _) => stored,
        };
        let learner = stored.map(|stored| Self::of(&stored)).unwrap_or_default();
        learner.put_in_force(context);
        learner
    }

    /// What a stored state says. One that cannot be read is of another version: everything is learnt again.
    fn of(stored: &LearntState) -> Self {
        let LearntState { state, upto, generation, .. } = stored;
        match state.as_deref().map(Learnt::from_bytes) {
            None => Self { upto: *upto, generation: *generation, kept: *upto, ..Self::default() },
            Some(Ok(folded)) => Self { folded, upto: *upto, generation: *generation, kept: *upto },
            Some(Err(error)) => {
                tracing::warn!(%error, "what was learnt cannot be read; learning again from all outcomes");
                Self { generation: *generation, kept: *upto, ..Self::default() }
            }
        }
    }

    /// Learns what is new, and puts it in force.
    async fn follow(&mut self, context: &Context) {
        match self.learn(context).await {
            Ok(true) => self.put_in_force(context),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "outcomes cannot be read"),
        }
    }

    /// Folds outcomes in that are not folded yet; true when anything changed.
    async fn learn(&mut self, context: &Context) -> Result<bool, Error> {
        let news = context.settings.outcome_news().await?;
        let mut is_changed = false;
        if news.generation != self.generation || news.last < self.upto {
            *self = Self::of(&context.settings.learnt().await?);
            is_changed = true;
        }
        while self.upto < news.last {
            let page = context.settings.outcomes_after(self.upto, PAGE).await?;
            let Some(last) = page.last() else { break };
            self.upto = last.number;
            fold::fold(&mut self.folded, &page);
            is_changed = true;
        }
        Ok(is_changed)
    }

    fn put_in_force(&self, context: &Context) {
        let mut learnt = self.folded.clone();
        learnt.refresh();
        context.gateway.set_learnt(Arc::new(learnt));
        context.changed(&[Tag::Feedback]);
    }

    /// Stores the state, where it says more than the stored one.
    async fn keep(&mut self, context: &Context, mirror: Option<&Mirror>) {
        if self.upto <= self.kept {
            return;
        }
        let state = LearntState {
            state: Some(self.folded.to_bytes()),
            upto: self.upto,
            generation: self.generation,
            changed_at: Some(context.now()),
        };
        let kept = async {
            context.settings.keep_learnt(&state).await?;
            if let Some(mirror) = mirror {
                mirror.keep_learnt(&state).await?;
            }
            Ok::<_, Error>(())
        };
        match kept.await {
            Ok(()) => self.kept = self.upto,
            Err(error) => tracing::debug!(%error, "what was learnt is not kept yet"),
        }
    }
}
