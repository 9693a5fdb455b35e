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
    // One draw after the other among the models that are left. A model's deployments share its weight: they
    // follow each other, and the first of them stands for it.
    let mut done = 0;
    while done < candidates.len() {
        let rest = &candidates[done..];
        let models = || rest.chunk_by(|one, next| one.place == next.place);
        let weight = |model: &[Candidate<'_>]| model.first().map_or(0, |candidate| u64::from(candidate.weight));
        let drawn = mix::below(mix::mix(seed, done as u64), models().map(weight).sum());
        let (start, length) = drawn_model(models().map(|model| (model.len(), weight(model))), drawn);
        candidates[done..done + start + length].rotate_right(length);
        done += length;
    }
    Special::None
}

/// Where the model begins that a draw hits, and how many deployments it has; the first one when no model
/// has any weight.
fn drawn_model(models: impl Iterator<Item = (usize, u64)>, mut drawn: u64) -> (usize, usize) {
    let (mut start, mut first) = (0, 1);
    for (length, weight) in models {
        if drawn < weight {
            return (start, length);
        }
        if start == 0 {
            first = length;
        }
        drawn -= weight;
        start += length;
    }
    (0, first)
}
