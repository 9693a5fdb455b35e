//! Refreshes the catalogue of models once a day, when people turned that on.
//!
//! Installations must not all ask at one time, so each waits a random while more; after a failure it
//! asks again in an hour or so. The wall clock decides, since a laptop sleeps most of the day.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::catalog::refresh;
use megarouter_api::context::Context;
use megarouter_api::settings::Preferences;
use megarouter_domain::clock::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs until `ending`.
pub async fn run(context: Arc<Context>, ending: CancellationToken) {
    let work = async {
        // Requests are decided without it until it is unpacked: nothing is ruled out by what is not known.
        if let Err(error) = context.refresh_facts().await {
            tracing::warn!(%error, "what is known of models could not be put in force");
        }
        // What a start has to do goes first.
        let mut not_before = context.now().plus(random(MINUTE, 5 * MINUTE));
        loop {
            let due = due(&context, not_before).await;
            context.shelf.plan(due);
            if let Some(due) = due
                && context.now() >= due
            {
                not_before = context.now().plus(attempt(&context).await);
                continue;
            }
            tokio::select! {
                () = sleep(rest(context.now(), due)) => {}
                // Turned on by hand: nobody who does that wants to wait.
                () = context.shelf.reconsidered() => not_before = context.now(),
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}

/// When the next refresh is due; `None` when none is wanted.
async fn due(context: &Context, not_before: Timestamp) -> Option<Timestamp> {
    let everything = context.everything().await.ok()?;
    if Preferences::of(&everything).catalogue_refresh != Some(true) {
        return None;
    }
    let next = context.shelf.last_success().await.map_or(not_before, |last| last.plus(DAY));
    Some(next.max(not_before))
}

/// Tries once; how long to wait at least before the next time.
async fn attempt(context: &Context) -> Duration {
    match refresh(context).await {
        Ok(()) => random(MINUTE, HOUR),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the catalogue was not refreshed");
            random(HOUR, 2 * HOUR)
        }
    }
}

/// How long to wait before looking at the clock again.
fn rest(now: Timestamp, due: Option<Timestamp>) -> Duration {
    due.map_or(HOUR, |due| due.since(now)).clamp(Duration::from_secs(1), HOUR)
}

fn random(from: Duration, to: Duration) -> Duration {
    Duration::from_secs(rand::random_range(from.as_secs()..=to.as_secs()))
}

#[cfg(test)]
mod tests;
