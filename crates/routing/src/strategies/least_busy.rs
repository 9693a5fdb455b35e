//! The one with the fewest calls under way.

use super::{Asks, Record, Sessions, Special};
use crate::candidate::Candidate;
use crate::mix;

pub(super) const RECORD: Record = Record {
    id: "least_busy",
    name: "Least busy",
    about: "Takes the deployment with the fewest calls under way from here; equally busy ones are drawn by lot. Good for \
            servers of one's own.",
    settings: &[],
    asks: Asks::Nothing,
    sessions: Sessions::Decide,
    order: |brief, candidates| {
        let lot = |candidate: &Candidate<'_>| {
            let (high, low) = candidate.served.deployment_id().as_uuid().as_u64_pair();
            mix::mix(brief.seed, high ^ low)
        };
        candidates.sort_by_cached_key(|candidate| (candidate.condition.in_flight, lot(candidate)));
        for candidate in candidates {
            candidate.score = i32::try_from(candidate.condition.in_flight).ok().map(|busy| -busy);
        }
        Special::None
    },
};
