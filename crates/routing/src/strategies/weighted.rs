//! Requests divided by shares.

use super::{Asks, Brief, Kind, Record, Sessions, SettingRecord, Special};
use crate::candidate::Candidate;
use crate::mix;

pub(super) const RECORD: Record = Record {
    id: "weighted",
    name: "By shares",
    about: "Divides requests among the models by the weights in the list; a weight of 0 makes a model a fallback only.",
    settings: &[SettingRecord {
        name: "by",
        title: "Divide",
        about: "Whether all requests of a session go to the same model, so that it finds its prompt cache.",
        kind: Kind::Choice {
            of: &[("session", "sessions, and requests that belong to none"), ("request", "every request by itself")],
            default: "session",
        },
    }],
    asks: Asks::Nothing,
    sessions: Sessions::Decide,
    order,
};

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    let seed = match brief.settings.word("by") {
        "session" => brief.look.seed_of_session(brief.seed),
        _ => brief.seed,
    };
    // One draw after the other among what is left; a model's deployments share its weight, in their order.
    for place in 0..candidates.len() {
        let rest = &candidates[place..];
        let total: u64 = rest.iter().map(|candidate| u64::from(candidate.weight)).sum();
        let mut drawn = mix::below(mix::mix(seed, place as u64), total);
        let hit = rest.iter().position(|candidate| {
            let weight = u64::from(candidate.weight);
            let is_hit = drawn < weight;
            drawn = drawn.saturating_sub(weight);
            is_hit
        });
        // Without any weight left, the order of the list.
        candidates[place..=place + hit.unwrap_or(0)].rotate_right(1);
    }
    Special::None
}
