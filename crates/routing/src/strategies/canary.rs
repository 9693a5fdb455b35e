//! A share of the sessions for a model that is to prove itself.

use super::{Asks, Brief, Kind, Record, Sessions, SettingRecord, Special};
use crate::candidate::Candidate;
use crate::mix;

pub(super) const RECORD: Record = Record {
    id: "canary",
    name: "Canary",
    about: "Gives a share of the sessions to a candidate model, and the others to the list in its order. Whatever fails \
            falls back to the list.",
    settings: &[
        SettingRecord {
            name: "candidate",
            title: "Candidate",
            about: "The model that is to prove itself.",
            kind: Kind::Model,
        },
        SettingRecord {
            name: "percent",
            title: "Share",
            about: "How many of the sessions it gets, and of the requests that belong to none.",
            kind: Kind::Number { min: 0, max: 100, default: 5, unit: "percent" },
        },
    ],
    asks: Asks::Nothing,
    sessions: Sessions::Decide,
    order,
};

/// Keeps the shares of canaries apart from other draws for the same session.
const SALT: u64 = 0x6361_6e61;

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    let draw = mix::below(mix::mix(brief.look.seed_of_session(brief.seed), SALT), 100);
    if draw < brief.settings.number("percent").unsigned_abs() {
        candidates.sort_by_key(|candidate| !candidate.is_named);
    } else if candidates.iter().any(|candidate| !candidate.is_named) {
        super::leave_out(candidates);
    }
    Special::None
}
