//! Writes the ledger's entries down, in groups, in their order.
//!
//! A batch that could not be written is kept and tried again until it is: entries that were decided
//! are facts. While that goes on the gateway refuses new requests, so the batch does not grow.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_gateway::JournalFeed;
use megarouter_ledger::entry::{Entry, Fact, Lsn};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(2);
/// How often the last batch is tried when the program ends.
const LAST_TRIES: u32 = 20;

/// Writes until `ending`, and then what is left.
pub async fn run(mut feed: JournalFeed, context: Arc<Context>, ending: CancellationToken) {
    loop {
        let batch = tokio::select! {
            batch = feed.next_batch() => batch,
            () = ending.cancelled() => break,
        };
        write(&feed, &context, batch, &ending).await;
    }
    let rest = feed.take();
    write(&feed, &context, rest, &ending).await;
}

async fn write(feed: &JournalFeed, context: &Context, batch: Vec<Entry>, ending: &CancellationToken) {
    if batch.is_empty() {
        return;
    }
    let Some(durable) = append(feed, context, &batch, ending).await else { return };
    feed.committed(durable);
    for entry in batch {
        if let Fact::Finished(record) = entry.fact {
            context.request_finished(&record);
        }
    }
}

/// `None` when the program ends and the batch still cannot be written.
async fn append(feed: &JournalFeed, context: &Context, batch: &[Entry], ending: &CancellationToken) -> Option<Lsn> {
    let (mut rest, mut last_tries) = (FIRST_REST, 0);
    let mut has_failed = false;
    loop {
        match context.ledger.append(batch).await {
            Ok(durable) => {
                if has_failed {
                    tracing::info!("the ledger takes entries again");
                    // Told after the feed was, by whoever reads the status next.
                    feed.committed(durable);
                    context.status_changed();
                }
                return Some(durable);
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "entries cannot be written to the ledger");
                feed.failed(&error.to_string());
                if !has_failed {
                    has_failed = true;
                    context.status_changed();
                }
            }
        }
        if ending.is_cancelled() {
            last_tries += 1;
            if last_tries == LAST_TRIES {
                tracing::error!(entries = batch.len(), "entries are lost: the ledger did not take them before the end");
                return None;
            }
        }
        sleep(rest).await;
        rest = LONGEST_REST.min(rest * 2);
    }
}
