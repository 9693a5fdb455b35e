//! Runs as answers show them.

use http::StatusCode;
use megarouter_domain::id::ReplayId;
use megarouter_domain::money::NanoUsd;
use megarouter_store::settings::replays as stored;

use super::{Promotion, Replay, ReplayAnswer, ReplayDetail, ReplayItem, ReplayResult, ReplayState};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::shape::Amount;

/// How much of a prompt is shown, in characters.
const LONGEST_SHOWN: usize = 2_000;
/// What a vote for one answer counts, in thousandths.
const WIN: u64 = 1_000;

/// A stored run with its prompts.
pub(super) async fn find(
    context: &Context,
    id: ReplayId,
) -> Result<(stored::Replay, Vec<stored::ReplayItem>), ApiError> {
    let found = context.settings.replay(id).await.map_err(|error| settings_unavailable(&error))?;
    found.ok_or_else(|| {
        let message = format!("There is no run with the id {id}. It may have been removed. Read the list again.");
        ApiError::new(StatusCode::NOT_FOUND, "replay.not_found", message)
    })
}

impl Replay {
    pub(super) fn of(replay: &stored::Replay, items: &[stored::ReplayItem]) -> Self {
        let candidates = replay.candidates.len();
        let is_done =
            |item: &&stored::ReplayItem| item.answers.iter().filter(|it| it.position > 0).count() >= candidates;
        let results = replay.candidates.iter().enumerate();
        Self {
            id: replay.id,
            name: replay.name.clone(),
            state: replay.state.into(),
            detail: replay.detail.clone(),
            candidates: replay.candidates.clone(),
            judge: replay.judge.clone(),
            max_cost: replay.max_cost.into(),
            cost: replay.cost.into(),
            items: items.len() as u64,
            done: items.iter().filter(is_done).count() as u64,
            results: results.map(|(index, model)| result(model, index, items)).collect(),
            promotion: replay.promotion.as_ref().map(Promotion::from),
            created_at: replay.created_at.into(),
            finished_at: replay.finished_at.map(Into::into),
        }
    }
}

impl ReplayDetail {
    pub(super) fn of(replay: &stored::Replay, items: &[stored::ReplayItem]) -> Self {
        Self { replay: Replay::of(replay, items), item_list: items.iter().map(ReplayItem::from).collect() }
    }
}

/// How the candidate at a place did. A person's vote goes before the judge's word.
fn result(model: &str, index: usize, items: &[stored::ReplayItem]) -> ReplayResult {
    let position = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
    let own = || items.iter().flat_map(|item| &item.answers).filter(|answer| answer.position == position);
    let mut times: Vec<u32> = own().filter_map(|answer| answer.total_ms).collect();
    times.sort_unstable();
    let said = items.iter().filter_map(|item| Some((item.vote.or(item.judgement)?, item.answers.len() as u64)));
    let wins = said.map(|(better, among)| match better {
        None => WIN.checked_div(among).unwrap_or(0),
        Some(better) if better == position => WIN,
        Some(_) => 0,
    });
    let cost = own().filter_map(|answer| answer.cost).map(|cost| cost.amount().0).fold(0, i64::saturating_add);
    ReplayResult {
        model: model.to_owned(),
        answers: own().filter(|answer| answer.text.is_some()).count() as u64,
        failures: own().filter(|answer| answer.text.is_none()).count() as u64,
        cost: Amount(NanoUsd(cost)),
        p50_ms: times.get(times.len() / 2).copied(),
        wins_permille: wins.sum(),
        votes: items.iter().filter(|item| item.vote.or(item.judgement).is_some()).count() as u64,
    }
}

impl From<&stored::ReplayItem> for ReplayItem {
    fn from(item: &stored::ReplayItem) -> Self {
        // Answers are counted from 1 in the order they are shown; 0 says that they are equally good.
        let shown = |better: Option<u32>| match better {
            None => 0,
            Some(position) => {
                let place = item.answers.iter().position(|answer| answer.position == position);
                place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(0)
            }
        };
        Self {
            number: item.number,
            request_id: item.request_id,
            prompt: item.body.chars().take(LONGEST_SHOWN).collect(),
            answers: item.answers.iter().map(ReplayAnswer::from).collect(),
            vote: item.vote.map(shown),
            judgement: item.judgement.map(shown),
            reason: item.reason.clone(),
        }
    }
}

impl From<&stored::ReplayAnswer> for ReplayAnswer {
    fn from(answer: &stored::ReplayAnswer) -> Self {
        Self {
            model: answer.model.clone(),
            is_recorded: answer.position == 0,
            request_id: answer.request_id,
            text: answer.text.clone(),
            error: answer.error.clone(),
            cost: answer.cost.map(Into::into),
            total_ms: answer.total_ms,
            output_tokens: answer.output_tokens,
        }
    }
}

impl From<&stored::Promotion> for Promotion {
    fn from(promotion: &stored::Promotion) -> Self {
        Self {
            name: promotion.name.clone(),
            from: promotion.from,
            from_name: promotion.from_name.clone(),
            to: promotion.to,
            to_name: promotion.to_name.clone(),
            at: promotion.at.into(),
        }
    }
}

impl From<stored::ReplayState> for ReplayState {
    fn from(state: stored::ReplayState) -> Self {
        match state {
            stored::ReplayState::Waiting => Self::Waiting,
            stored::ReplayState::Running => Self::Running,
            stored::ReplayState::Finished => Self::Finished,
            stored::ReplayState::Stopped => Self::Stopped,
            stored::ReplayState::CostReached => Self::CostReached,
            stored::ReplayState::Failed => Self::Failed,
        }
    }
}
