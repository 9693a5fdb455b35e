//! A copy of some requests for a model that is being looked at; nobody sees its answers.

use megarouter_domain::money::NanoUsd;

use super::{Asks, Brief, Kind, Record, Sessions, SettingRecord, Shadow, Special};
use crate::candidate::Candidate;
use crate::mix;

pub(super) const RECORD: Record = Record {
    id: "shadow",
    name: "Shadow",
    about: "Serves requests by the list in its order, and sends a copy of some to another model to see how it does. Its \
            answers are discarded; what they cost is charged to the same key and has a limit of its own.",
    settings: &[
        SettingRecord {
            name: "candidate",
            title: "Candidate",
            about: "The model that is being looked at.",
            kind: Kind::Model,
        },
        SettingRecord {
            name: "percent",
            title: "Share",
            about: "How many of the requests are copied.",
            kind: Kind::Number { min: 0, max: 100, default: 10, unit: "percent" },
        },
        SettingRecord {
            name: "daily_cost",
            title: "Most a day",
            about: "What copies may cost in a day.",
            kind: Kind::Number { min: 0, max: 1_000_000, default: 100, unit: "US cents" },
        },
    ],
    asks: Asks::Nothing,
    sessions: Sessions::Stay,
    order,
};

const SALT: u64 = 0x7368_6164;
const CENT: i64 = 10_000_000;

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    let copy = candidates.iter().find(|candidate| candidate.is_named).map(Candidate::choice);
    super::leave_out(candidates);
    let is_drawn = mix::below(mix::mix(brief.seed, SALT), 100) < brief.settings.number("percent").unsigned_abs();
    let daily_cost = NanoUsd(brief.settings.number("daily_cost").saturating_mul(CENT));
    match copy {
        Some(choice) if is_drawn && daily_cost.is_positive() => Special::Shadow(Shadow { choice, daily_cost }),
        _ => Special::None,
    }
}
