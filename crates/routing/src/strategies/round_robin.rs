//! In turn: the one whose last call is longest ago.

use super::{Asks, Record, Sessions, Special};

pub(super) const RECORD: Record = Record {
    id: "round_robin",
    name: "In turn",
    about: "Takes the models in turn: the one that was not called for the longest time is next. Sessions stay where they \
            are.",
    settings: &[],
    asks: Asks::Nothing,
    sessions: Sessions::Stay,
    order: |_, candidates| {
        candidates.sort_by_key(|candidate| candidate.condition.last_call);
        Special::None
    },
};
