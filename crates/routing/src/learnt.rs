//! What an organisation's own outcomes say beyond the prior; never trusted further than it has proved right.
#![expect(clippy::float_arithmetic, reason = "estimates, never money")]

use std::collections::BTreeMap;

use crate::predictor::{ModelTraits, Predictor, Quality, Task};

/// How an answer turned out.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// What was asked for.
    pub task: &'a Task,
    /// Who answered.
    pub model: ModelTraits<'a>,
    /// How good the answer was, 0 to 1.
    pub score: f32,
    /// How much that counts: 1 for a person's word, less for what is only inferred.
    pub weight: f32,
}

/// What one organisation has learnt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learnt {
    models: BTreeMap<String, Residual>,
    outcomes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Residual {
    weight: f32,
    sum: f32,
}

impl Learnt {
    /// Learns from an outcome.
    pub fn learn(&mut self, predictor: &Predictor, outcome: &Outcome<'_>) {
        let prior = predictor.prior(outcome.task, &outcome.model);
        let residual = self.models.entry(outcome.model.name.to_owned()).or_default();
        residual.weight += outcome.weight;
        residual.sum += outcome.weight * (outcome.score - prior.mean);
        self.outcomes += 1;
    }

    /// The prior, moved by what was seen of the model.
    pub fn adjust(&self, _task: &Task, model: &str, prior: Quality) -> Quality {
        let Some(residual) = self.models.get(model) else { return prior };
        let shrunk = residual.sum / (residual.weight + 8.0);
        Quality { mean: (prior.mean + shrunk).clamp(0.0, 1.0), sd: prior.sd }
    }

    /// The need of a task, by what was seen of such tasks.
    pub fn need(&self, task: &Task) -> f32 {
        task.need
    }

    /// Outcomes that were learnt from.
    pub const fn outcomes(&self) -> u64 {
        self.outcomes
    }
}
