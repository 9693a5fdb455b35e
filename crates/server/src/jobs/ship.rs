//! Ships this node's entries to the hub, in their order.
//!
//! The local ledger is what counts; the hub's copy is for the figures of all nodes, and for the day
//! when this machine is gone. Where to begin is asked of the hub itself each time the way there was
//! broken, so a hub that was turned back to an older state gets everything again.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_ledger::entry::Lsn;
use megarouter_store::error::Error;
use megarouter_store::hub::{HubError, HubPool};
use megarouter_store::ledger::Ledger;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::fleet::Fleet;

/// Entries in one transaction.
const BATCH: u32 = 512;
/// What arrives within this time goes together.
const LINGER: Duration = Duration::from_millis(250);
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(10);
/// How long a batch may take before the way there counts as broken.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the end of the program waits for the hub to take the rest.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// The hub's copy of the ledger and what is known of it.
struct Shipping {
    context: Arc<Context>,
    fleet: Arc<Fleet>,
    pool: HubPool,
    /// The last entry that the hub had, by its own word.
    shipped: Option<Lsn>,
}

/// Ships until `ending`, and then what is left, as far as the hub takes it in time.
pub async fn run(context: Arc<Context>, fleet: Arc<Fleet>, pool: HubPool, ending: CancellationToken) {
    let mut shipping = Shipping { context, fleet, pool, shipped: None };
    let mut rest = FIRST_REST;
    while !ending.is_cancelled() {
        let failed = tokio::select! {
            failed = shipping.keep_shipping() => failed,
            () = ending.cancelled() => break,
        };
        if shipping.shipped.is_some() {
            rest = FIRST_REST;
        }
        tracing::warn!(error = &failed as &dyn std::error::Error, "entries cannot be shipped to the hub");
        shipping.note_lag();
        tokio::select! {
            () = sleep(rest) => rest = LONGEST_REST.min(rest * 2),
            () = ending.cancelled() => {}
        }
    }
    match timeout(LAST_PATIENCE, shipping.ship_from_the_start()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last entries are shipped at the next start");
        }
        Err(_) => tracing::warn!("the hub did not take the last entries in time; they are shipped at the next start"),
    }
}

impl Shipping {
    /// Ships whatever becomes durable; ends only by a failure.
    async fn keep_shipping(&mut self) -> Failure {
        let mut progress = self.context.gateway.books().progress();
        let (hub, mut shipped) = match self.ship_from_the_start().await {
            Ok(reached) => reached,
            Err(failure) => return failure,
        };
        loop {
            // The sender lives in the books, which outlive this task.
            let _ = progress.wait_for(|durable| durable.lsn > shipped).await;
            sleep(LINGER).await;
            shipped = match self.ship(&hub, shipped).await {
                Ok(shipped) => shipped,
                Err(failure) => return failure,
            };
        }
    }

    /// Asks the hub what it has, and ships the rest. A hub that has less than it had was turned back to
    /// an older state, and its grants with it.
    async fn ship_from_the_start(&mut self) -> Result<(Arc<Ledger>, Lsn), Failure> {
        let hub = in_time(self.open()).await?;
        let there = in_time(async { Ok(hub.durable().await?) }).await?;
        if self.shipped.is_some_and(|before| there < before) {
            tracing::warn!(there = there.0, "the hub has less than it had; what it has lost is shipped again");
            self.fleet.doubt();
        }
        let shipped = self.ship(&hub, there).await?;
        Ok((hub, shipped))
    }

    /// The hub's copy of the ledger, which opens when the hub is reached for the first time.
    async fn open(&self) -> Result<Arc<Ledger>, Failure> {
        if let Some(hub) = self.context.fleet_ledger.get() {
            return Ok(Arc::clone(hub));
        }
        let number = Box::pin(self.fleet.join()).await?;
        let open = || Arc::new(Ledger::on_hub(&self.pool, number.0, self.fleet.ledger()));
        Ok(Arc::clone(self.context.fleet_ledger.get_or_init(open)))
    }

    /// Ships everything after an entry that is durable here.
    async fn ship(&mut self, hub: &Ledger, mut shipped: Lsn) -> Result<Lsn, Failure> {
        loop {
            self.shipped = Some(shipped);
            self.note_lag();
            let shipment = self.context.ledger.after(shipped, BATCH).await?;
            if shipment.entries.is_empty() {
                return Ok(shipped);
            }
            shipped = in_time(async { Ok(hub.append_shipment(&shipment).await?) }).await?;
        }
    }

    /// Shows how far the hub is behind.
    fn note_lag(&self) {
        let durable = self.context.gateway.books().durability().lsn;
        let shipped = self.shipped.unwrap_or_default();
        self.context.upkeep.send_if_modified(|upkeep| {
            let node = upkeep.node.get_or_insert_default();
            let lag = durable.0.saturating_sub(shipped.0);
            let is_other = (node.shipped, node.lag) != (shipped, lag);
            (node.shipped, node.lag) = (shipped, lag);
            is_other
        });
    }
}

/// Why shipping stopped.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error("the hub did not answer in time")]
    TooSlow,
}

async fn in_time<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(PATIENCE, call).await.map_err(|_| Failure::TooSlow)?
}
