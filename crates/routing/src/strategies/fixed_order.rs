//! The order of the list.

use super::{Asks, Record, Sessions, Special};

pub(super) const RECORD: Record = Record {
    id: "fixed_order",
    name: "Fixed order",
    about: "Takes the first model of the list that can be used; the others step in when it fails.",
    settings: &[],
    asks: Asks::Nothing,
    sessions: Sessions::Stay,
    // They come in the order of the list.
    order: |_, _| Special::None,
};
