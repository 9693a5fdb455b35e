//! What a prompt asks for, how hard it is, and how well a model will do at it, from the text alone.
//!
//! Everything here is a few sums over [`Features`]; nothing is downloaded and no model is called. The
//! numbers come from `weights/router.bin`, which `cargo xtask train-router` writes; `docs/ROUTER.md`
//! says from what and how good they are. Start at [`Predictor::task`] and [`Predictor::quality`].
#![expect(clippy::float_arithmetic, reason = "estimates, never money")]

pub mod ability;
mod family;
pub mod sketch;
pub mod weights;

use std::sync::OnceLock;

use megarouter_domain::catalog::Date;
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::permille::Permille;
use megarouter_domain::task::{Evidence, Family, TaskRecord};

use crate::features::Features;
use crate::learnt::Learnt;
pub use ability::Ability;
pub(crate) use ability::NEED_TILT;
pub(crate) use family::{LEVELS, family_of_kind, kinds};
use sketch::{Condensed, Point, Sketch};
pub use weights::Weights;

/// The most things that are named as evidence.
pub const MOST_EVIDENCE: usize = 6;

/// How far one standard deviation within a benchmark moves a share away from one half.
const STEEPNESS: f32 = 2.0;

/// Predicts from features; the same for every organisation.
#[derive(Clone, Debug)]
pub struct Predictor {
    weights: Weights,
}

/// What a prompt asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The kind of work.
    pub family: Family,
    /// How sure that is, 0 to 1.
    pub family_confidence: f32,
    /// How much a strong model gains over a weak one, 0 to 1; 0.5 for an average request.
    pub need: f32,
    /// How likely a weak model fails at it, 0 to 1.
    pub difficulty: f32,
    /// The group of similar requests that outcomes are learnt for.
    pub cluster: u16,
    /// What speaks for the need, the weightiest first; at most [`MOST_EVIDENCE`].
    pub evidence: Vec<Seen>,
    /// The text, condensed beyond recovery, to learn from.
    pub sketch: Sketch,
    condensed: Condensed,
}

/// One thing that was seen in a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// What, in words for a person.
    pub what: &'static str,
    /// How much it moved the need against an average request; negative where it spoke against.
    pub weight: f32,
}

/// What is known of a model from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelTraits<'a> {
    /// Its public name.
    pub name: &'a str,
    /// What input costs.
    pub input_price: Option<NanoUsdPerMillion>,
    /// What output costs.
    pub output_price: Option<NanoUsdPerMillion>,
    /// Whether it thinks before it answers.
    pub is_reasoning: bool,
    /// The most tokens of input and output together.
    pub context_tokens: Option<u64>,
    /// The day it was published.
    pub released: Option<Date>,
}

/// How good a model's answer will be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The expected quality, 0 to 1.
    pub mean: f32,
    /// The standard deviation of that expectation (not of single answers).
    pub sd: f32,
}

impl Predictor {
    /// The predictor with the weights of this build.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Predictor> = OnceLock::new();
        EMBEDDED.get_or_init(|| Self::new(Weights::embedded()))
    }

    /// A predictor with other weights.
    pub const fn new(weights: Weights) -> Self {
        Self { weights }
    }

    /// What a prompt asks for.
    pub fn task(&self, features: &Features) -> Task {
        let (family, family_confidence) = family::of(&features.dense);
        let place = place(family);
        Task {
            family,
            family_confidence,
            need: squash(self.weights.need(features) * STEEPNESS + self.weights.family_need[place]),
            difficulty: squash(self.weights.difficulty(features) * STEEPNESS),
            cluster: family::cluster(family, &features.dense),
            evidence: self.weights.evidence(features),
            sketch: Sketch::of(features),
            condensed: Condensed::default(),
        }
    }

    /// How good a model's answer to such a prompt will be, as far as is known without an organisation's own outcomes.
    pub fn prior(&self, task: &Task, model: &ModelTraits<'_>) -> Quality {
        self.prior_of(task, self.ability(model))
    }

    /// How able a model is, whatever it is asked. It reads the model's name, so it is made once for each model.
    pub fn ability(&self, model: &ModelTraits<'_>) -> Ability {
        Ability::of(model, &self.weights.lines, &self.weights.trend)
    }

    fn prior_of(&self, task: &Task, ability: Ability) -> Quality {
        ability.quality(task, self.weights.hardness[place(task.family)])
    }

    /// How good a model's answer to such a prompt will be, by what the organisation has seen of it too.
    pub fn quality(&self, task: &Task, model: &ModelTraits<'_>, learnt: &Learnt) -> Quality {
        self.quality_of(task, model.name, self.ability(model), learnt)
    }

    /// The same for a model whose ability is at hand.
    pub fn quality_of(&self, task: &Task, model: &str, ability: Ability, learnt: &Learnt) -> Quality {
        learnt.adjust(task, model, self.prior_of(task, ability))
    }
}

impl Task {
    /// The numbers that are learnt over.
    pub(crate) fn point(&self) -> &Point {
        self.condensed.get(|| self.sketch.with_need(self.need))
    }

    /// What is kept of it with a decision.
    pub fn record(&self) -> TaskRecord {
        let evidence =
            self.evidence.iter().map(|seen| Evidence { what: seen.what.into(), weight: thousandths(seen.weight) });
        TaskRecord {
            family: self.family,
            confidence: permille(self.family_confidence),
            difficulty: permille(self.difficulty),
            need: permille(self.need),
            cluster: self.cluster,
            evidence: evidence.collect(),
        }
    }

    /// The task as it was kept with a decision, and its sketch if that was kept too.
    pub fn of_record(record: &TaskRecord, sketch: Option<Sketch>) -> Self {
        let share = |share: Permille| f32::from(share.get()) / 1_000.0;
        Self {
            family: record.family,
            family_confidence: share(record.confidence),
            need: share(record.need),
            difficulty: share(record.difficulty),
            cluster: record.cluster,
            evidence: Vec::new(),
            sketch: sketch.unwrap_or_default(),
            condensed: Condensed::default(),
        }
    }
}

/// The place of a family in [`Family::ALL`].
pub(crate) fn place(family: Family) -> usize {
    Family::ALL.iter().position(|other| *other == family).unwrap_or(0)
}

/// A share as domain types carry it.
#[expect(clippy::cast_possible_truncation, reason = "a share in thousandths")]
pub fn permille(share: f32) -> Permille {
    Permille::clamped((share * 1_000.0) as i64)
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn thousandths(weight: f32) -> i16 {
    (weight * 1_000.0).clamp(-32_000.0, 32_000.0) as i16
}

/// Brings any number between 0 and 1, 0 to one half; made of arithmetic that is the same everywhere.
pub fn squash(value: f32) -> f32 {
    0.5 + 0.5 * value / (1.0 + value.abs())
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "the same text gives the same number; small numbers"
)]
mod tests;
