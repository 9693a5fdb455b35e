//! The quickest of two that are drawn, by peak EWMA and calls under way.
//!
//! Taking the quickest of all would send everybody to the same one until it is slow; of two drawn ones, the
//! better takes more of the load without taking it all.

use std::time::Duration;

use super::{Asks, Brief, Record, Sessions, Special};
use crate::candidate::Candidate;
use crate::mix;

pub(super) const RECORD: Record = Record {
    id: "lowest_latency",
    name: "Lowest latency",
    about: "Draws two deployments and takes the one that is expected to answer sooner, by its latest times to the first \
            output and the calls it is busy with. Those without measurements are tried as well.",
    settings: &[],
    asks: Asks::Nothing,
    sessions: Sessions::StayUnless(500),
    order,
};

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    // One that was never called counts as the quickest known one, so that it is found out.
    let quickest = candidates.iter().filter_map(|candidate| candidate.condition.peak).min();
    let load = |candidate: &Candidate<'_>| {
        let peak = candidate.condition.peak.or(quickest).unwrap_or(Duration::from_secs(1));
        peak.as_micros().saturating_mul(u128::from(candidate.condition.in_flight) + 1)
    };
    for candidate in candidates.iter_mut() {
        candidate.score = Some(i32::try_from(load(candidate) / 1_000).map_or(i32::MIN, |millis| -millis));
    }
    let count = candidates.len() as u64;
    if count > 1 {
        let first = mix::below(mix::mix(brief.seed, 1), count);
        let second = (first + 1 + mix::below(mix::mix(brief.seed, 2), count - 1)) % count;
        let drawn = [first, second].map(|place| usize::try_from(place).unwrap_or(0));
        let winner = drawn.into_iter().min_by_key(|place| load(&candidates[*place])).unwrap_or(0);
        candidates[..=winner].rotate_right(1);
        candidates[1..].sort_by_key(|candidate| load(candidate));
    }
    Special::None
}
