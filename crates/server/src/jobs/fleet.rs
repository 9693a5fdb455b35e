//! This node's membership in a hub, and the heartbeat that keeps it.
//!
//! The hub counts a node as alive for 60 s after a heartbeat, by the database's clock. The node itself
//! stops spending grants 55 s after it began its last good one, by a clock that goes on while the
//! machine sleeps, and compares that clock at every single hold.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_domain::id::LedgerId;
use megarouter_ledger::account::{AccountKey, Sharing};
use megarouter_ledger::lease::Grant;
use megarouter_store::hub::{Ask, Beat, Hub, HubError, Node, NodeNumber, Use};
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::lease::Compared;
use crate::program::VERSION;
use crate::proxy::Readiness;

/// From one heartbeat to the next.
const EVERY: Duration = Duration::from_secs(15);
/// From one that failed to the next.
const AGAIN: Duration = Duration::from_secs(1);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long grants may be spent after the beginning of a good heartbeat.
const TRUST: Duration = Duration::from_secs(55);

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Accounts that are removed in one transaction.
const BATCH: u32 = 500;

/// This node's membership in a hub.
pub struct Fleet {
    hub: Arc<Hub>,
    name: String,
    ledger: LedgerId,
    number: OnceLock<NodeNumber>,
    /// Who this node is to the hub; `None` when the next call begins a new session.
    session: Mutex<Option<Node>>,
    has_doubts: AtomicBool,
    doubted: Notify,
}

impl Fleet {
    /// A node that has not reached its hub yet.
    pub fn new(hub: Arc<Hub>, name: String, ledger: LedgerId) -> Self {
        let (number, session) = (OnceLock::new(), Mutex::default());
        Self { hub, name, ledger, number, session, has_doubts: AtomicBool::new(false), doubted: Notify::new() }
    }

    /// The hub.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// This node's own ledger.
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// This node's number, which the hub gave to its ledger for good; `None` until the hub was reached
    /// in this run.
    pub fn number(&self) -> Option<NodeNumber> {
        self.number.get().copied()
    }

    /// Reaches the hub and gives this node's number.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub async fn join(&self) -> Result<NodeNumber, HubError> {
        Ok(self.node().await?.number)
    }

    /// Begins a new session with the next call: what earlier calls may still do is void then.
    pub(super) async fn renew(&self) {
        *self.session.lock().await = None;
    }

    /// Says that the hub may have forgotten what it knew; until it was told again, no grant is spent.
    pub fn doubt(&self) {
        self.has_doubts.store(true, Ordering::Release);
        self.doubted.notify_one();
    }

    pub(super) async fn lease(&self, asks: &[Ask]) -> Result<Vec<Grant>, HubError> {
        self.hub.lease(self.node().await?, asks).await
    }

    pub(super) async fn report(&self, uses: &[Use]) -> Result<(), HubError> {
        self.hub.report(self.node().await?, uses).await
    }

    pub(super) async fn give_back(&self, owed: &[(AccountKey, u64)]) -> Result<(), HubError> {
        self.hub.give_back(self.node().await?, owed).await
    }

    pub(super) async fn rejoin(&self, uses: &[Use]) -> Result<(), HubError> {
        self.hub.rejoin(self.node().await?, uses).await
    }

    async fn beat(&self) -> Result<Beat, HubError> {
        self.hub.beat(self.node().await?).await
    }

    async fn node(&self) -> Result<Node, HubError> {
        let mut session = self.session.lock().await;
        if let Some(node) = *session {
            return Ok(node);
        }
        let node = self.hub.register(self.ledger, &self.name, VERSION).await?;
        if *self.number.get_or_init(|| node.number) != node.number {
            tracing::error!(
                "the hub knows nothing of this node any more and gave it another number; restart this node"
            );
            return Err(HubError::NoNode);
        }
        *session = Some(node);
        Ok(node)
    }
}

/// Keeps the node alive at the hub until `ending`.
pub async fn keep_alive(
    context: Arc<Context>,
    fleet: Arc<Fleet>,
    readiness: Arc<Readiness>,
    doubts: mpsc::Sender<Compared>,
    ending: CancellationToken,
) {
    let mut last_good = None;
    loop {
        let started = context.clock.monotonic();
        let beaten = timeout(PATIENCE, fleet.beat()).await;
        let rest = match beaten {
            Ok(Ok(beat)) => {
                let is_recent = last_good.is_some_and(|good| started.saturating_sub(good) < TRUST);
                // Without settings nobody knows what is used of which budget.
                let is_sure = is_recent && !beat.is_released;
                if readiness.is_configured() && trusts(&context, &fleet, &doubts, is_sure).await {
                    context.gateway.books().fence_after(started + TRUST);
                    last_good = Some(started);
                }
                note_contact(&context, &fleet, beat);
                EVERY.saturating_sub(context.clock.monotonic().saturating_sub(started))
            }
            Ok(Err(error)) => note_silence(&context, &fleet, last_good, &error.to_string()),
            Err(_) => note_silence(&context, &fleet, last_good, "the hub does not answer"),
        };
        tokio::select! {
            () = sleep(rest) => {}
            () = fleet.doubted.notified() => {
                context.gateway.books().fence_after(Duration::ZERO);
                fleet.renew().await;
                last_good = None;
            }
            () = ending.cancelled() => return,
        }
    }
}

/// Whether grants may be spent: after a silence that was too long, or when the hub may have forgotten
/// something, they are compared first.
async fn trusts(context: &Context, fleet: &Fleet, doubts: &mpsc::Sender<Compared>, is_sure: bool) -> bool {
    let has_doubts = fleet.has_doubts.swap(false, Ordering::AcqRel);
    if is_sure && !has_doubts {
        return true;
    }
    context.gateway.books().fence_after(Duration::ZERO);
    let (compared, answer) = oneshot::channel();
    let is_same = doubts.send(compared).await.is_ok() && answer.await.unwrap_or(false);
    if !is_same {
        fleet.has_doubts.store(true, Ordering::Release);
    }
    is_same
}

/// Removes accounts of windows that are long over from the hub, once an hour, until `ending`. Any node
/// may; what another one removes at the same time is passed over.
pub async fn clear_accounts(fleet: Arc<Fleet>, ending: CancellationToken) {
    let work = async {
        loop {
            sleep(HOUR).await;
            while let Ok(1..) = fleet.hub.retire_accounts(BATCH).await {}
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}

fn note_contact(context: &Context, fleet: &Fleet, beat: Beat) {
    context.gateway.books().share(Sharing::Leased { live_nodes: beat.live_nodes });
    let now = context.now();
    let mut was_silent = false;
    context.upkeep.send_modify(|upkeep| {
        let node = upkeep.node.get_or_insert_default();
        was_silent = node.failure.is_some() || node.number.is_none();
        node.number = fleet.number().map(|number| number.0);
        node.name.clone_from(&fleet.name);
        node.live_nodes = beat.live_nodes;
        node.last_contact = Some(now);
        node.is_fenced = false;
        node.failure = None;
    });
    if was_silent {
        tracing::info!(live_nodes = beat.live_nodes, "the hub answers");
        context.status_changed();
    }
}

/// Shows that the hub is silent; gives how long to wait until the next try.
fn note_silence(context: &Context, fleet: &Fleet, last_good: Option<Duration>, failure: &str) -> Duration {
    let now = context.clock.monotonic();
    let is_fenced = last_good.is_none_or(|good| now >= good + TRUST);
    let is_news = context.upkeep.send_if_modified(|upkeep| {
        let node = upkeep.node.get_or_insert_default();
        let is_news = node.is_fenced != is_fenced || node.failure.is_none();
        node.name.clone_from(&fleet.name);
        node.is_fenced = is_fenced;
        node.failure = Some(failure.to_owned());
        is_news
    });
    if is_news {
        tracing::warn!(failure, is_fenced, "the hub is silent");
        context.status_changed();
    }
    AGAIN
}
