//! Removes single requests and their entries when they are old enough, in small batches.
//!
//! Sums stay. Nothing goes that exists only here: with a hub, entries that it has not got; alone, with
//! backups switched on, entries that no backup holds.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_domain::clock::Timestamp;
use megarouter_ledger::entry::Lsn;
use megarouter_store::ledger::Ledger;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// What a start has to do goes first.
const FIRST_REST: Duration = Duration::from_secs(5 * 60);
/// Entries in one transaction: requests that wait for the journal meanwhile wait some milliseconds.
const BATCH: u32 = 2_000;
/// Lets the journal's own groups through between two batches.
const PAUSE: Duration = Duration::from_millis(50);

/// Removes what is older than `age`, once an hour, until `ending`.
pub async fn run(context: Arc<Context>, age: Duration, has_backups: bool, ending: CancellationToken) {
    let work = async {
        sleep(FIRST_REST).await;
        let mut checkpoint_due = context.now();
        loop {
            // What goes, goes up to a checkpoint: the journal then begins there.
            if context.now() >= checkpoint_due {
                context.gateway.books().checkpoint();
                checkpoint_due = context.now().plus(DAY);
            }
            retire(&context, age, has_backups).await;
            sleep(HOUR).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}

async fn retire(context: &Context, age: Duration, has_backups: bool) {
    let before = context.now().minus(age);
    let archived = archived(context, has_backups);
    if !retire_from(&context.ledger, before, archived).await {
        return;
    }
    // Of the hub's copy each node removes what is its own.
    if let Some(hub) = context.fleet_ledger.get() {
        retire_from(hub, before, archived).await;
    }
    let now = context.now();
    context.upkeep.send_modify(|upkeep| upkeep.last_retention = Some(now));
}

/// Removes all that is old enough; false when that failed.
async fn retire_from(ledger: &Ledger, before: Timestamp, archived: Lsn) -> bool {
    let mut removed = 0;
    loop {
        match ledger.retire(before, archived, BATCH).await {
            Ok(0) => break,
            Ok(more) => removed += more,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "old entries were not removed");
                return false;
            }
        }
        sleep(PAUSE).await;
    }
    if removed > 0 {
        tracing::info!(removed, "old entries were removed");
    }
    true
}

/// The last entry that exists somewhere else, too.
fn archived(context: &Context, has_backups: bool) -> Lsn {
    let upkeep = context.upkeep.borrow();
    match &upkeep.node {
        Some(node) => node.shipped,
        None if has_backups => upkeep.last_backup.as_ref().map_or(Lsn::default(), |done| done.lsn),
        None => context.gateway.books().durability().lsn,
    }
}
