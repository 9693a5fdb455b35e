//! The most useful for this request: expected quality against cost, waiting and reliability.
//!
//! Quality is what the predictor expects of the model for this task, corrected by the organisation's own
//! outcomes. Cost is taken relative to what the best answer costs, so that weights mean the same for a request
//! of a cent and for one of a dollar, and one absurdly dear model changes nothing between the others. Of waiting,
//! the first seconds count most.
#![expect(
    clippy::float_arithmetic,
    reason = "utilities are estimates, never money; only the four operations are used, which are the same everywhere"
)]

use super::{Asks, Brief, Kind, Record, Sessions, SettingRecord, Special, by_cost};
use crate::candidate::Candidate;

pub(super) const RECORD: Record = Record {
    id: "learned_utility",
    name: "Best choice for the task",
    about: "Weighs how good each model's answer will be for this very task against its cost, its speed and its \
            reliability, and learns from feedback.",
    settings: &[
        SettingRecord {
            name: "goal",
            title: "Goal",
            about: "What matters most.",
            kind: Kind::Choice {
                of: &[
                    ("balanced", "good answers at a fair price"),
                    ("best_quality", "the best answer, nearly whatever it costs"),
                    ("cheapest_good_enough", "the cheapest model that is expected to be about as good as the best"),
                    ("fastest", "the soonest answer that is good enough"),
                    ("local_only", "the best model on this machine or next to it; nothing leaves it"),
                ],
                default: "balanced",
            },
        },
        SettingRecord {
            name: "quality_floor",
            title: "Least quality",
            about: "Models that are expected to do worse come after all the others; 0 for no such line.",
            kind: Kind::Number { min: 0, max: 1_000, default: 0, unit: "thousandths" },
        },
        SettingRecord {
            name: "slack",
            title: "Good enough",
            about: "How far below the best a model may be expected to be and still count as good enough.",
            kind: Kind::Number { min: 0, max: 1_000, default: 80, unit: "thousandths" },
        },
    ],
    asks: Asks::Quality,
    sessions: Sessions::StayUnless(MARGIN),
    order,
};

/// By how much better another model must be before a session moves, beyond the cost of its prompt cache, which
/// is in the cost already. Scores are ten thousandths.
const MARGIN: i32 = 150;

/// What a goal makes of the parts of a score.
struct Weights {
    quality: f32,
    cost: f32,
    latency: f32,
}

/// Models whose qualities are no further apart count as equally good where it is asked what the best costs.
const AS_GOOD: f32 = 0.03;

/// A wait of which each further second counts for half as much as at once, in milliseconds.
const PATIENCE_MS: f32 = 3_000.0;

/// A model that is always served counts as this much better than one that never is.
const RELIABILITY: f32 = 0.3;

fn weights(goal: &str) -> Weights {
    let [quality, cost, latency] = match goal {
        "best_quality" | "local_only" => [1.0, 0.02, 0.01],
        "cheapest_good_enough" => [0.1, 1.0, 0.02],
        "fastest" => [0.15, 0.05, 1.0],
        _ => [1.0, 0.22, 0.15],
    };
    Weights { quality, cost, latency }
}

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    let goal = brief.settings.word("goal");
    let weights = weights(goal);
    let quality = |candidate: &Candidate<'_>| candidate.quality.map_or(0.0, |quality| quality.mean);
    let best = candidates.iter().map(quality).fold(0.0, f32::max);
    let mut floor = thousandths(brief.settings.number("quality_floor"));
    if matches!(goal, "cheapest_good_enough" | "fastest") {
        floor = floor.max(best - thousandths(brief.settings.number("slack")));
    }
    let fair = fair_cost(candidates, best - AS_GOOD);
    let dearest = candidates.iter().filter_map(|candidate| candidate.cost).max().map_or(fair, amount).max(fair);
    let waiting = |candidate: &Candidate<'_>| candidate.total_ms.or(candidate.first_output_ms).map(millis);
    let soonest = candidates.iter().filter_map(waiting).reduce(f32::min).unwrap_or(0.0);
    for candidate in candidates.iter_mut() {
        // What is not known counts as the worst there is for money, and as the best for time, so that it is
        // found out.
        let cost = candidate.cost.map_or(dearest, amount) / fair;
        let time = waiting(candidate).unwrap_or(soonest);
        let time = time / (time + PATIENCE_MS);
        let lost = candidate.condition.availability.map_or(0.0, |share| 1.0 - f32::from(share.get()) / 1_000.0);
        let utility =
            weights.quality * quality(candidate) - weights.cost * cost - weights.latency * time - RELIABILITY * lost;
        candidate.score = Some(ten_thousandths(utility));
    }
    candidates
        .sort_by_key(|candidate| (quality(candidate) < floor, std::cmp::Reverse(candidate.score), by_cost(candidate)));
    Special::None
}

/// What the best answer costs: the least that one of at least this quality does.
fn fair_cost(candidates: &[Candidate<'_>], quality: f32) -> f32 {
    let is_best = |candidate: &&Candidate<'_>| candidate.quality.is_some_and(|known| known.mean >= quality);
    candidates.iter().filter(is_best).filter_map(|candidate| candidate.cost).min().map_or(1.0, amount).max(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "relative to other amounts")]
const fn amount(cost: megarouter_domain::money::NanoUsd) -> f32 {
    cost.0 as f32
}

#[expect(clippy::cast_precision_loss, reason = "relative to other times")]
const fn millis(time: u32) -> f32 {
    time as f32
}

#[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
fn thousandths(share: i64) -> f32 {
    share as f32 / 1_000.0
}

#[expect(clippy::cast_possible_truncation, reason = "a score is within a few units of 0, and a cast saturates")]
fn ten_thousandths(utility: f32) -> i32 {
    (utility * 10_000.0) as i32
}
