//! How able a model is before anything was seen of it: by its price, its age and its name.

use megarouter_domain::task::Family;

use super::{ModelTraits, Quality, Task, squash};

/// A model's ability, on the scale where 0 gives half of the average requests right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ability {
    /// The expected ability.
    pub mean: f32,
    /// The standard deviation of that.
    pub sd: f32,
}

impl Ability {
    /// What is to be expected of a model in a family.
    pub fn of(model: &ModelTraits<'_>, _family: Family) -> Self {
        let thinks = if model.is_reasoning { 0.6 } else { 0.0 };
        Self { mean: price_tier(model) + thinks, sd: 0.8 }
    }

    /// The quality of its answers to a task.
    pub fn quality(self, task: &Task) -> Quality {
        let hard = (task.difficulty - 0.5) * 3.0;
        Quality { mean: squash(self.mean - hard), sd: (self.sd * 0.25).min(0.5) }
    }
}

/// A model that costs ten times as much is expected to be a good step better.
#[expect(clippy::cast_precision_loss, reason = "a price tier, not money")]
fn price_tier(model: &ModelTraits<'_>) -> f32 {
    let price = model.output_price.or(model.input_price).map_or(1_000_000_000, |price| price.0);
    let octaves = (price.max(1) as f32 / 1e9).max(0.01);
    let tier = octaves.to_bits() as f32 / 8_388_608.0 - 127.0;
    0.5 + 0.2 * tier
}
