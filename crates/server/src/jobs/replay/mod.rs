//! Runs replays: asks candidate models what was asked before, and a judge which answer is better.
//!
//! Every call goes through the gateway with the playground's key, so it is held, metered and charged like
//! any other. A replay stops before a call that is likely to cost more than is left of its own cap; a
//! single call that is dearer than all before it may go beyond. What was answered is kept, so after a
//! restart it goes on with what is missing.

mod call;
mod judge;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use megarouter_api::context::Context;
use megarouter_api::events::Tag;
use megarouter_domain::id::LedgerId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_store::error::Error;
use megarouter_store::settings::replays::{CLAIM, Replay, ReplayAnswer, ReplayItem, ReplayState};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often replays that another node left are looked for.
const LOOK: Duration = Duration::from_secs(30);
/// How long to wait when the settings do not answer.
const AGAIN: Duration = Duration::from_secs(5);

/// Works until `ending`.
pub async fn run(context: Arc<Context>, ending: CancellationToken) {
    let work = async {
        let runner = loop {
            match context.ledger.id().await {
                Ok(id) => break id,
                Err(error) => tracing::warn!(%error, "the ledger cannot be read"),
            }
            sleep(AGAIN).await;
        };
        loop {
            let claimed = context.settings.claim_replay(runner, context.now()).await;
            match claimed {
                Ok(Some(replay)) => {
                    if let Err(error) = Box::pin(finish(&context, runner, &replay)).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "a replay waits for the settings");
                        sleep(AGAIN).await;
                    }
                }
                // Whoever has news of a replay says so; a node that stopped does not.
                Ok(None) => drop(timeout(LOOK, context.replays_changed.notified()).await),
                Err(error) => {
                    tracing::debug!(%error, "replays cannot be read");
                    sleep(AGAIN).await;
                }
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}

/// Brings a replay to its end, as far as nobody else ends it.
async fn finish(context: &Context, runner: LedgerId, replay: &Replay) -> Result<(), Error> {
    let Some((_, items)) = context.settings.replay(replay.id).await? else { return Ok(()) };
    let mut dearest = dearest(&items);
    for mut item in items {
        let Some(now) = context.settings.renew_claim(replay.id, runner, context.now()).await? else { return Ok(()) };
        let open = open(&now, &item);
        let is_to_judge = now.judge.is_some() && item.judgement.is_none();
        if open.is_empty() && !is_to_judge {
            continue;
        }
        if now.cost + dearest > now.max_cost {
            return end(context, &now, ReplayState::CostReached).await;
        }
        let asked = open.iter().map(|(position, model)| call::ask(context, &item, *position, model));
        let answers = claiming(context, runner, replay, join_all(asked)).await;
        for answer in answers {
            context.settings.answer_replay(replay.id, item.number, &answer).await?;
            item.answers.push(answer);
        }
        let spent = item.answers.iter().filter(|answer| answer.position > 0).map(cost_of).sum();
        dearest = dearest.max(spent);
        if let (true, Some(model)) = (is_to_judge, &now.judge) {
            let verdict = Box::pin(judge::judge(context, replay.id, &item, model));
            let judged = claiming(context, runner, replay, verdict).await;
            if let Some((better, reason, cost)) = judged {
                context.settings.judge_replay(replay.id, item.number, (better, &reason), cost).await?;
                dearest = dearest.max(spent + cost);
            }
        }
        context.changed(&[Tag::Replays]);
    }
    end(context, replay, ReplayState::Finished).await
}

async fn end(context: &Context, replay: &Replay, state: ReplayState) -> Result<(), Error> {
    context.settings.end_replay(replay.id, state, None, context.now()).await?;
    context.changed(&[Tag::Replays]);
    Ok(())
}

/// The candidates that have not answered a prompt, with their positions.
fn open(replay: &Replay, item: &ReplayItem) -> Vec<(u32, String)> {
    let has_answered = |position: &u32| item.answers.iter().any(|answer| answer.position == *position);
    (1..).zip(replay.candidates.iter().cloned()).filter(|(position, _)| !has_answered(position)).collect()
}

/// What the dearest prompt so far cost, over all candidates.
fn dearest(items: &[ReplayItem]) -> NanoUsd {
    let of_item = |item: &ReplayItem| item.answers.iter().filter(|answer| answer.position > 0).map(cost_of).sum();
    items.iter().map(of_item).max().unwrap_or(NanoUsd::ZERO)
}

fn cost_of(answer: &ReplayAnswer) -> NanoUsd {
    answer.cost.map_or(NanoUsd::ZERO, Cost::amount)
}

/// Waits for calls while the claim on their replay is renewed.
async fn claiming<T>(context: &Context, runner: LedgerId, replay: &Replay, calls: impl Future<Output = T>) -> T {
    tokio::pin!(calls);
    loop {
        tokio::select! {
            done = &mut calls => return done,
            () = sleep(CLAIM / 3) => {
                // What was begun is brought to its end: it is paid for.
                if let Err(error) = context.settings.renew_claim(replay.id, runner, context.now()).await {
                    tracing::debug!(%error, "a claim was not renewed");
                }
            }
        }
    }
}
