//! The cheapest for this request, among those that are good enough.

use std::cmp::Reverse;

use super::{Asks, Brief, Kind, Record, Sessions, SettingRecord, Special, by_cost};
use crate::candidate::Candidate;
use crate::predictor::permille;

pub(super) const RECORD: Record = Record {
    id: "lowest_cost",
    name: "Lowest cost",
    about: "Takes the model whose answer is expected to cost least, prompt cache included. Models without a known price \
            come last.",
    settings: &[SettingRecord {
        name: "quality_floor",
        title: "Least quality",
        about: "Models that are expected to do worse come after all the others; 0 for no such line.",
        kind: Kind::Number { min: 0, max: 1_000, default: 0, unit: "thousandths" },
    }],
    asks: Asks::Quality,
    // Its prompt cache is in the cost already, so a session moves only where that pays.
    sessions: Sessions::Decide,
    order,
};

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    let floor = brief.settings.number("quality_floor");
    let is_good = |candidate: &Candidate<'_>| {
        floor == 0 || candidate.quality.is_some_and(|quality| i64::from(permille(quality.mean).get()) >= floor)
    };
    candidates.sort_by_key(|candidate| {
        let latency = candidate.condition.first_output.unwrap_or_default();
        (Reverse(is_good(candidate)), by_cost(candidate), latency)
    });
    for candidate in candidates {
        // Micro-dollars, so that a dear request still fits.
        candidate.score = candidate.cost.map(|cost| i32::try_from(-(cost.0 / 1_000)).unwrap_or(i32::MIN));
    }
    Special::None
}
