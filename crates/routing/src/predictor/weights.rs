//! The numbers behind a prediction.

use megarouter_domain::task::Family;

use super::{MOST_EVIDENCE, Seen};
use crate::features::Features;
use crate::features::dense::{COUNT, Name, VALUES};

/// Linear weights over the values of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    need: [f32; COUNT],
    centre: [f32; COUNT],
}

/// What is known beforehand to go with a need for a strong model, and which way.
///
/// Structure that means work points up; plain length of the answers to choose from and long words
/// point down, since they come with questions about facts rather than with steps to take.
pub const SIGNS: &[(Name, f32)] = &[
    (Name::Words, 1.0),
    (Name::AskLength, 1.0),
    (Name::Function, 1.0),
    (Name::Numbers, 1.0),
    (Name::Operators, 1.0),
    (Name::Symbols, 1.0),
    (Name::SentenceLength, 1.0),
    (Name::Order, 1.0),
    (Name::Condition, 1.0),
    (Name::Join, 1.0),
    (Name::Quantity, 1.0),
    (Name::Relation, 1.0),
    (Name::Constraint, 1.0),
    (Name::WordLength, -1.0),
    (Name::LongWords, -1.0),
    (Name::Variety, -1.0),
    (Name::OptionLength, -1.0),
    (Name::OptionNumbers, 1.0),
    (Name::Loops, 1.0),
    (Name::Decimals, 1.0),
    (Name::Latex, 1.0),
    (Name::Questions, 1.0),
    (Name::Brackets, 1.0),
    (Name::Calls, 1.0),
    (Name::Lines, 1.0),
];

impl Weights {
    /// The weights of this build.
    pub fn embedded() -> Self {
        let mut weights = Self { need: [0.0; COUNT], centre: [0.3; COUNT] };
        for (name, sign) in SIGNS {
            weights.need[*name as usize] = *sign * 0.3;
        }
        weights
    }

    /// The need against an average request.
    pub(super) fn need(&self, features: &Features) -> f32 {
        let values = features.dense.0.iter().zip(&self.need).zip(&self.centre);
        values.map(|((value, weight), centre)| (value - centre) * weight).sum()
    }

    pub(super) fn difficulty(&self, features: &Features) -> f32 {
        self.need(features)
    }

    #[expect(clippy::unused_self, reason = "the trained weights carry them")]
    pub(super) const fn family_need(&self, family: Family) -> f32 {
        family_need(family)
    }

    #[expect(clippy::unused_self, reason = "the trained weights carry them")]
    pub(super) const fn hardness(&self, family: Family) -> f32 {
        family_need(family)
    }

    /// What moved the need most.
    pub(super) fn evidence(&self, features: &Features) -> Vec<Seen> {
        let mut seen = [Seen { what: "", weight: 0.0 }; MOST_EVIDENCE];
        for (index, value) in features.dense.0.iter().enumerate() {
            let mut next = Seen { what: VALUES[index].words, weight: (value - self.centre[index]) * self.need[index] };
            for place in &mut seen {
                if next.weight.abs() > place.weight.abs() {
                    std::mem::swap(place, &mut next);
                }
            }
        }
        seen.into_iter().filter(|seen| seen.weight != 0.0).collect()
    }
}

const fn family_need(family: Family) -> f32 {
    match family {
        Family::Maths => 0.5,
        Family::Code | Family::Reasoning => 0.3,
        Family::Knowledge | Family::Other => 0.0,
        Family::Extraction | Family::Tools | Family::Writing => -0.2,
        Family::Summary | Family::Translation | Family::Chat => -0.4,
    }
}
