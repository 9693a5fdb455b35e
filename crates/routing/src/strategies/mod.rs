//! The ways to order candidates. One file each, with what it is called, what can be set, and how it orders.
//!
//! A strategy gets only candidates that may be used and puts them in order, the best first; it may leave some
//! out. To add one, write its file and add its record to [`ALL`].

mod canary;
mod cascade;
mod complexity;
mod fixed_order;
mod learned_utility;
mod least_busy;
mod lowest_cost;
mod lowest_latency;
mod round_robin;
mod settings;
mod shadow;
#[cfg(test)]
mod tests;
mod weighted;

use megarouter_domain::money::NanoUsd;
use megarouter_domain::policy::Bounds;

pub use self::settings::{Kind, SettingRecord, Settings};
use crate::candidate::{Candidate, Choice, Out};
use crate::predictor::Task;
use crate::question::Look;

/// Every strategy, in the order they are shown.
pub const ALL: &[Record] = &[
    learned_utility::RECORD,
    fixed_order::RECORD,
    lowest_cost::RECORD,
    lowest_latency::RECORD,
    least_busy::RECORD,
    weighted::RECORD,
    round_robin::RECORD,
    complexity::RECORD,
    cascade::RECORD,
    canary::RECORD,
    shadow::RECORD,
];

/// The strategy of a request for a model by its name, and of a route whose strategy is not known.
pub(crate) const PLAIN: &Record = &fixed_order::RECORD;

/// A strategy.
#[derive(Debug)]
pub struct Record {
    /// The stable id, as policies name it.
    pub id: &'static str,
    /// The name for a person.
    pub name: &'static str,
    /// What it does and when to use it.
    pub about: &'static str,
    /// What can be set.
    pub settings: &'static [SettingRecord],
    /// What it has to know of a request.
    pub(crate) asks: Asks,
    /// How it goes together with sessions.
    pub(crate) sessions: Sessions,
    /// Puts candidates in order, the best first, and marks those that it leaves out.
    pub(crate) order: fn(&Brief<'_>, &mut [Candidate<'_>]) -> Special,
}

/// What a strategy has to know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Nothing.
    Nothing,
    /// What it is about.
    Task,
    /// How good each candidate's answer will be.
    Quality,
}

/// How a strategy goes together with sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// A session stays where it is, as long as it can.
    Stay,
    /// It stays unless another candidate's score is better by more than this.
    StayUnless(i32),
    /// The strategy decides anew each time.
    Decide,
}

/// What a strategy orders by.
pub(crate) struct Brief<'a> {
    pub settings: &'a Settings,
    pub look: &'a Look<'a>,
    /// A number for the request.
    pub seed: u64,
}

/// What the gateway does beside trying the choices in their order.
#[derive(Clone, Debug, Default)]
pub enum Special {
    /// Nothing.
    #[default]
    None,
    /// Answers of cheap models are checked before the client gets them.
    Cascade(Cascade),
    /// The request is copied to another model once it is served.
    Shadow(Shadow),
}

/// Cheap first: the first `steps` choices are a ladder, and the answer of each but the last is checked. An
/// answer that fails a check is discarded, and the next choice is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cascade {
    /// How many of the choices are the ladder; at least 2.
    pub steps: usize,
    /// What is checked.
    pub checks: Checks,
}

/// What is checked of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each with a setting of its own")]
pub struct Checks {
    /// It says something.
    pub empty: bool,
    /// It was not cut off at a limit.
    pub truncated: bool,
    /// It is no refusal.
    pub refusal: bool,
    /// It keeps to the schema that was asked for.
    pub schema: bool,
    /// Its tool calls hold JSON and name tools that there are.
    pub tool_json: bool,
}

/// A copy of the request for a model that is being looked at. Its answer is discarded.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// Where to.
    pub choice: Choice,
    /// The most that copies may cost in a day.
    pub daily_cost: NanoUsd,
}

/// The strategy of an id.
pub fn named(id: &str) -> Option<&'static Record> {
    ALL.iter().find(|record| record.id == id)
}

/// A route's bounds with those that its strategy brings.
pub(crate) fn bounds(strategy: &Record, settings: &Settings, written: &Bounds) -> Bounds {
    let is_local = strategy.id == learned_utility::RECORD.id && settings.word("goal") == "local_only";
    Bounds { local_only: written.local_only || is_local, ..written.clone() }
}

impl Brief<'_> {
    /// What the request is about.
    fn task(&self) -> &Task {
        self.look.task()
    }
}

/// Leaves out what a setting names.
fn leave_out(candidates: &mut [Candidate<'_>]) {
    for candidate in candidates.iter_mut().filter(|candidate| candidate.is_named) {
        candidate.removed = Some(Out::Outranked);
    }
}

/// The order of costs: what is not known comes last.
fn by_cost(candidate: &Candidate<'_>) -> NanoUsd {
    candidate.cost.unwrap_or(NanoUsd::MAX)
}

#[cfg(test)]
mod described {
    use super::*;

    #[test]
    fn every_strategy_and_setting_is_described_once() {
        let mut ids: Vec<_> = ALL.iter().map(|record| record.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 11);
        for record in ALL {
            assert!(!record.name.is_empty() && record.about.ends_with('.'), "{}", record.id);
            for (place, setting) in record.settings.iter().enumerate() {
                assert!(!setting.title.is_empty() && setting.about.ends_with('.'), "{} {}", record.id, setting.name);
                assert!(record.settings[..place].iter().all(|other| other.name != setting.name));
                setting.kind.check_default();
            }
        }
    }
}
