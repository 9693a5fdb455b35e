//! Asks the hub for this node's parts of shared budgets, and gives back what it does not need.
//!
//! A request waits for an answer only when its node's part is used up; parts that run short are raised
//! before that happens. A grant is lowered here first and at the hub then, and raised in the other
//! order, so the hub never knows of less than this node may use.

mod plan;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_gateway::{Books, LeaseAnswer, LeaseAsk};
use megarouter_ledger::account::{AccountKey, GrantView};
use megarouter_ledger::lease::{Grant, NotEnough};
use megarouter_ledger::refusal::LeaseNeed;
use megarouter_store::hub::{Ask, HubError, Use};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::fleet::Fleet;
use plan::{Memory, idle, overdrawn, together};

/// Requests whose needs go to the hub together.
const MOST_TOGETHER: usize = 256;
/// How often grants are looked through for what is short, idle or overdrawn.
const LOOK: Duration = Duration::from_secs(1);
/// After a failure nobody is made to wait for so long.
const REST: Duration = Duration::from_secs(1);
/// For so long after a refusal nothing more is asked of the account: a budget that is used up does not
/// cost the hub a call for each request.
const REFUSED_FOR: Duration = Duration::from_millis(500);
/// How long the end of the program waits for the hub to take everything back.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// Somebody who must know that the grants here are those of the hub; true when they are.
pub type Compared = oneshot::Sender<bool>;

/// This node's dealings with the hub about grants.
pub struct Leases {
    context: Arc<Context>,
    fleet: Arc<Fleet>,
    memory: Memory,
    /// What was lowered here and not yet at the hub, as far as is known.
    owed: HashMap<AccountKey, u64>,
    /// What the hub had left of accounts when it refused, and until when that counts.
    refused: HashMap<AccountKey, (u64, Instant)>,
    /// Until when the hub counts as away.
    away_until: Option<Instant>,
}

/// Why the hub gave nothing.
enum Refused {
    NotEnough(NotEnough),
    Unavailable,
}

impl Leases {
    /// Nothing is granted yet.
    pub fn new(context: Arc<Context>, fleet: Arc<Fleet>) -> Self {
        let (memory, owed, refused) = (Memory::default(), HashMap::new(), HashMap::new());
        Self { context, fleet, memory, owed, refused, away_until: None }
    }

    /// Answers and looks after grants until `ending`, and then gives everything back.
    pub async fn run(
        mut self,
        mut asks: mpsc::Receiver<LeaseAsk>,
        mut doubts: mpsc::Receiver<Compared>,
        ending: CancellationToken,
    ) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(first) = asks.recv() => {
                    let mut waiting = vec![first];
                    while waiting.len() < MOST_TOGETHER && let Ok(next) = asks.try_recv() {
                        waiting.push(next);
                    }
                    self.answer(waiting).await;
                }
                Some(compared) = doubts.recv() => {
                    // Nobody waits any more only when the program ends.
                    let _ = compared.send(self.compare().await.is_ok());
                }
                _ = looks.tick() => self.look().await,
                () = ending.cancelled() => break,
            }
        }
        let views = self.books().grants();
        self.lower(views.iter().filter(|view| view.granted > view.used));
        let _ = timeout(LAST_PATIENCE, self.give_back()).await;
        if !self.owed.is_empty() {
            tracing::warn!("the hub did not take back what this node was granted; it does after the next start");
        }
    }

    fn books(&self) -> Arc<Books> {
        Arc::clone(self.context.gateway.books())
    }

    /// Asks for everything that the waiting need, in one call; if that is more than there is, for each
    /// by itself, in the order they came.
    async fn answer(&mut self, waiting: Vec<LeaseAsk>) {
        let needs = self.renewed(waiting.iter().flat_map(|ask| &ask.needs));
        if needs.iter().all(|need| need.granted >= need.need) {
            return reply(waiting, &LeaseAnswer::Granted);
        }
        match self.lease(&needs).await {
            Ok(()) => reply(waiting, &LeaseAnswer::Granted),
            Err(Refused::NotEnough(_)) if waiting.len() > 1 => {
                for ask in waiting {
                    let needs = self.renewed(&ask.needs);
                    let answer = self.lease(&needs).await.map_or_else(Refused::answer, |()| LeaseAnswer::Granted);
                    reply([ask], &answer);
                }
            }
            Err(refused) => reply(waiting, &refused.answer()),
        }
    }

    /// What is needed together, on top of what is used by now: others may have used what was there when
    /// the hold was refused.
    fn renewed<'a>(&self, needs: impl IntoIterator<Item = &'a LeaseNeed>) -> Vec<LeaseNeed> {
        let books = self.books();
        let renewed: Vec<LeaseNeed> = needs.into_iter().map(|need| books.renewed(need)).collect();
        together(&renewed)
    }

    /// Asks the hub, for all or none.
    async fn lease(&mut self, needs: &[LeaseNeed]) -> Result<(), Refused> {
        if self.is_resting() {
            return Err(Refused::Unavailable);
        }
        if let Some(short) = self.known_short(needs) {
            return Err(Refused::NotEnough(short));
        }
        let asks: Vec<Ask> = needs.iter().map(Ask::from).collect();
        let granted = match self.call(async |fleet| fleet.lease(&asks).await).await {
            Ok(granted) => granted,
            Err(HubError::NotEnough(short)) => {
                self.refused.insert(short.key.clone(), (short.left, Instant::now() + REFUSED_FOR));
                return Err(Refused::NotEnough(short));
            }
            Err(_) => return Err(Refused::Unavailable),
        };
        for Grant { key, granted, left } in granted {
            self.owed.remove(&key);
            self.refused.remove(&key);
            self.books().set_grant(key.clone(), granted, left);
            if let Some(need) = needs.iter().find(|need| need.key == key) {
                self.memory.granted(need, granted);
            }
        }
        Ok(())
    }

    /// The account that the hub had not enough left of a moment ago.
    fn known_short(&mut self, needs: &[LeaseNeed]) -> Option<NotEnough> {
        let now = Instant::now();
        self.refused.retain(|_, (_, until)| now < *until);
        let is_short = |need: &&LeaseNeed| {
            self.refused.get(&need.key).is_some_and(|(left, _)| need.need.saturating_sub(need.granted) > *left)
        };
        let need = needs.iter().find(is_short)?;
        let (left, _) = self.refused.get(&need.key)?;
        Some(NotEnough { key: need.key.clone(), left: *left })
    }

    /// Reports what was overdrawn, raises what is short, gives back what is idle.
    async fn look(&mut self) {
        if self.fleet.number().is_none() || self.is_resting() {
            return;
        }
        let views = self.books().grants();
        let now = self.context.now();
        self.memory.prune(&views);
        if self.report(&overdrawn(&views)).await.is_err() {
            return;
        }
        for need in self.memory.short(&views, now) {
            // When there is not enough, the request that needs it hears of it.
            let _ = self.lease(std::slice::from_ref(&need)).await;
        }
        let keys = idle(&views, now);
        self.lower(views.iter().filter(|view| keys.contains(&view.key)));
        self.give_back().await;
    }

    /// Says what was used beyond what was granted. The hub's number becomes the same then.
    async fn report(&mut self, views: &[&GrantView]) -> Result<(), HubError> {
        if views.is_empty() {
            return Ok(());
        }
        let uses: Vec<Use> = views.iter().map(|view| Use::from(*view)).collect();
        self.call(async |fleet| fleet.report(&uses).await).await?;
        for Use { key, used, .. } in uses {
            self.owed.remove(&key);
            self.books().set_grant(key, used, 0);
        }
        Ok(())
    }

    fn lower<'a>(&mut self, views: impl Iterator<Item = &'a GrantView>) {
        for view in views {
            let used = self.books().lower_grant(&view.key);
            self.owed.insert(view.key.clone(), used);
        }
    }

    async fn give_back(&mut self) {
        let owed: Vec<_> = self.owed.iter().map(|(key, used)| (key.clone(), *used)).collect();
        if !owed.is_empty() && self.call(async |fleet| fleet.give_back(&owed).await).await.is_ok() {
            self.owed.clear();
        }
    }

    /// Makes the grants here and at the hub the same, whatever happened since it was last heard: each
    /// becomes what is used.
    async fn compare(&mut self) -> Result<(), HubError> {
        self.away_until = None;
        let books = self.books();
        let mut views = books.grants();
        for view in &mut views {
            view.used = books.lower_grant(&view.key);
        }
        let uses: Vec<Use> = views.iter().map(Use::from).collect();
        self.call(async |fleet| fleet.rejoin(&uses).await).await?;
        for Use { key, used, .. } in uses {
            books.set_grant(key, used, 0);
        }
        self.owed.clear();
        Ok(())
    }

    async fn recover(&self, error: &HubError) {
        match error {
            HubError::Released => self.fleet.doubt(),
            // Two processes with one ledger would take the session from each other for ever.
            HubError::Superseded => {}
            _ => self.fleet.renew().await,
        }
    }

    fn is_resting(&self) -> bool {
        self.away_until.is_some_and(|until| Instant::now() < until)
    }

    /// Calls the hub. What it does with a call that gets no answer is not known, so the next one comes
    /// from a new session, and the old session's calls change nothing any more.
    async fn call<T>(&mut self, call: impl AsyncFnOnce(&Fleet) -> Result<T, HubError>) -> Result<T, HubError> {
        let answer = call(&self.fleet).await;
        match &answer {
            Ok(_) | Err(HubError::NotEnough(_)) => self.away_until = None,
            Err(error) => {
                if self.away_until.is_none() {
                    tracing::warn!(%error, "the hub gives no answer about grants");
                }
                self.away_until = Some(Instant::now() + REST);
                self.recover(error).await;
            }
        }
        answer
    }
}

impl Refused {
    fn answer(self) -> LeaseAnswer {
        match self {
            Self::NotEnough(NotEnough { key, left }) => LeaseAnswer::NotEnough { key, left },
            Self::Unavailable => LeaseAnswer::Unavailable,
        }
    }
}

fn reply(waiting: impl IntoIterator<Item = LeaseAsk>, answer: &LeaseAnswer) {
    for ask in waiting {
        // A stream that wants more asks without waiting.
        let _ = ask.answer.send(answer.clone());
    }
}
