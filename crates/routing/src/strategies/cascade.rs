//! Cheap first, and a better model where the cheap one's answer fails a check.

use std::cmp::Reverse;

use super::{Asks, Brief, Cascade, Checks, Kind, Record, Sessions, SettingRecord, Settings, Special, by_cost};
use crate::candidate::Candidate;
use crate::predictor::permille;

const fn check(name: &'static str, title: &'static str, about: &'static str, default: bool) -> SettingRecord {
    SettingRecord { name, title, about, kind: Kind::Flag { default } }
}

pub(super) const RECORD: Record = Record {
    id: "cascade",
    name: "Cheap first",
    about: "Asks the cheapest model, checks its answer, and asks a better one when the check fails. The client waits for \
            the check, and both answers are paid for, so it fits work that is checked easily: JSON, tool calls.",
    settings: &[
        SettingRecord {
            name: "steps",
            title: "Steps",
            about: "How many models are asked at most, the cheapest first, each better than the one before.",
            kind: Kind::Number { min: 2, max: 5, default: 2, unit: "models" },
        },
        SettingRecord {
            name: "least_quality",
            title: "Least quality of the first",
            about: "Models that are expected to do worse are not asked first.",
            kind: Kind::Number { min: 0, max: 1_000, default: 0, unit: "thousandths" },
        },
        check("check_empty", "Empty", "An answer without any text or call fails.", true),
        check("check_truncated", "Cut off", "An answer that was cut off at a limit fails.", true),
        check("check_refusal", "Refusal", "An answer that refuses fails.", false),
        check("check_schema", "Schema", "An answer that breaks the schema that was asked for fails.", true),
        check("check_tool_json", "Tool calls", "A call of no known tool, or with what is no JSON, fails.", true),
    ],
    asks: Asks::Quality,
    sessions: Sessions::Decide,
    order,
};

fn order(brief: &Brief<'_>, candidates: &mut [Candidate<'_>]) -> Special {
    let steps = usize::try_from(brief.settings.number("steps")).unwrap_or(2);
    let floor = brief.settings.number("least_quality");
    let quality = |candidate: &Candidate<'_>| candidate.quality.map_or(0, |quality| permille(quality.mean).get());
    candidates.sort_by_key(|candidate| {
        (i64::from(quality(candidate)) < floor, by_cost(candidate), Reverse(quality(candidate)))
    });
    let mut ladder = usize::from(!candidates.is_empty());
    while ladder > 0 && ladder < steps {
        let reached = quality(&candidates[ladder - 1]);
        let better = (ladder..candidates.len()).filter(|place| quality(&candidates[*place]) > reached);
        // The last step is the best there is; those between are the next cheapest.
        let next =
            if ladder + 1 == steps { better.max_by_key(|place| quality(&candidates[*place])) } else { better.min() };
        let Some(next) = next else { break };
        candidates[ladder..=next].rotate_right(1);
        ladder += 1;
    }
    if ladder < 2 { Special::None } else { Special::Cascade(Cascade { steps: ladder, checks: checks(brief.settings) }) }
}

fn checks(settings: &Settings) -> Checks {
    Checks {
        empty: settings.flag("check_empty"),
        truncated: settings.flag("check_truncated"),
        refusal: settings.flag("check_refusal"),
        schema: settings.flag("check_schema"),
        tool_json: settings.flag("check_tool_json"),
    }
}
