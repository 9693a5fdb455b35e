//! Looks after the ledger: steps of budgets that were reached, holds that nobody ends, and the
//! structure of the file.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_api::upkeep::FileCheck;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// How often budgets and holds are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// A hold may outlast the longest stream by this much.
const GRACE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What a start has to do goes first.
const FIRST_REST: Duration = Duration::from_secs(10 * 60);

/// Tells of steps that were reached and of holds that are stuck, until `ending`.
pub async fn run(context: Arc<Context>, longest_stream: Duration, ending: CancellationToken) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = ending.cancelled() => return,
        }
        tell_of_steps(&context);
        count_stuck_holds(&context, longest_stream + GRACE);
    }
}

/// Checks the structure of the ledger's file once a day, until `ending`.
pub async fn check_file(context: Arc<Context>, ending: CancellationToken) {
    let work = async {
        sleep(FIRST_REST).await;
        loop {
            check(&context).await;
            sleep(DAY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}

async fn check(context: &Context) {
    let failure = match context.ledger.quick_check().await {
        Ok(failure) => failure,
        Err(error) => Some(error.to_string()),
    };
    if let Some(failure) = &failure {
        tracing::error!(failure, "the ledger's file is damaged; stop, and run `megarouter-server ledger repair`");
    }
    let at = context.now();
    context.upkeep.send_modify(|upkeep| upkeep.last_check = Some(FileCheck { at, failure }));
    context.status_changed();
}

/// Steps of budgets' ladders that were reached since the last look.
fn tell_of_steps(context: &Context) {
    let crossed = context.gateway.books().thresholds();
    for step in &crossed {
        tracing::warn!(
            budget = %step.key.budget,
            at_percent = step.at_percent,
            basis = ?step.basis,
            limit = step.limit,
            used = step.used,
            forecast = step.forecast,
            "a budget reached a step of its ladder"
        );
    }
    if !crossed.is_empty() {
        context.budget_alerts(&crossed);
    }
}

/// Holds that are older than any stream may last are a fault of ours: somebody is refused for them.
fn count_stuck_holds(context: &Context, age: Duration) {
    let before = context.now().minus(age);
    let stuck = context.gateway.books().holds_before(before) as u64;
    let is_news = context.upkeep.send_if_modified(|upkeep| {
        let is_news = upkeep.stuck_holds != stuck;
        upkeep.stuck_holds = stuck;
        is_news
    });
    if !is_news {
        return;
    }
    if stuck > 0 {
        tracing::error!(stuck, "amounts are set aside for requests that must be over; please report this fault");
    }
    context.status_changed();
}
