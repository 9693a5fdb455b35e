//! The numbers behind a prediction, and how they are kept in a file.
//!
//! The file is little-endian: a mark and a version, the linear weights, the n-gram weights in bytes
//! with one scale, the hardness of each family, the abilities of known lines of models, the trend
//! for all others. `cargo xtask train-router` writes it; the same data gives the same bytes.

use megarouter_domain::task::Family;
use thiserror::Error;

use super::ability::{LINES, Trend};
use super::{MOST_EVIDENCE, Seen};
use crate::features::dense::{Name, VALUES};
use crate::features::{Features, SLOTS};

/// What is known beforehand to go with a need for a strong model, and which way.
///
/// Structure that means work points up; plain length of the answers to choose from and long words
/// point down, since they come with questions about facts rather than with steps to take. Training
/// may make a weight small, but never turn it round: that is what carries over to other benchmarks.
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

const MARK: &[u8; 4] = b"MRRW";
const VERSION: u32 = 1;
const FAMILIES: usize = Family::ALL.len();
const EMBEDDED: &[u8] = include_bytes!("../../weights/router.bin");

/// The trained numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The value of an average request, for each of [`SIGNS`].
    pub centre: [f32; SIGNS.len()],
    /// What each of [`SIGNS`] adds to the need, per unit above the average.
    pub need: [f32; SIGNS.len()],
    /// What each adds to the difficulty.
    pub difficulty: [f32; SIGNS.len()],
    /// What one step of `ngrams` is worth.
    pub ngram_scale: f32,
    /// What each slot of n-grams adds to the need.
    pub ngrams: Vec<i8>,
    /// How hard each family is, on the scale of abilities.
    pub hardness: [f32; FAMILIES],
    /// What each family adds to the need.
    pub family_need: [f32; FAMILIES],
    /// The ability of each of the known lines of models.
    pub lines: Vec<f32>,
    /// The ability of all other models.
    pub trend: Trend,
}

/// The bytes are not weights of this version.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not weights of a router that this version can read")]
pub struct NotWeightsError;

impl Weights {
    /// The weights of this build.
    pub fn embedded() -> Self {
        Self::from_bytes(EMBEDDED).expect("a test reads the weights of the build")
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        let linear = self.centre.iter().chain(&self.need).chain(&self.difficulty).chain([&self.ngram_scale]);
        let families = self.hardness.iter().chain(&self.family_need);
        let models = self.lines.iter().chain(&self.trend.0);
        for number in linear.chain(families).chain(models) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.ngrams.iter().map(|weight| weight.cast_unsigned()));
        bytes
    }

    /// Reads the bytes of a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotWeightsError> {
        let mut reader = Reader { bytes };
        if reader.take()? != *MARK || u32::from_le_bytes(reader.take()?) != VERSION {
            return Err(NotWeightsError);
        }
        let (centre, need, difficulty) = (reader.numbers()?, reader.numbers()?, reader.numbers()?);
        let [ngram_scale] = reader.numbers()?;
        let (hardness, family_need) = (reader.numbers()?, reader.numbers()?);
        let lines = reader.numbers::<{ LINES.len() }>()?.to_vec();
        let trend = Trend(reader.numbers()?);
        let ngrams: Vec<i8> = reader.bytes.iter().map(|byte| byte.cast_signed()).collect();
        if ngrams.len() != SLOTS {
            return Err(NotWeightsError);
        }
        Ok(Self { centre, need, difficulty, ngram_scale, ngrams, hardness, family_need, lines, trend })
    }

    /// The need against an average request of the same family.
    pub fn need(&self, features: &Features) -> f32 {
        self.sum(features, &self.need) + self.ngrams(features)
    }

    /// The difficulty against an average request of the same family.
    pub fn difficulty(&self, features: &Features) -> f32 {
        self.sum(features, &self.difficulty)
    }

    fn sum(&self, features: &Features, weights: &[f32; SIGNS.len()]) -> f32 {
        let terms = SIGNS.iter().zip(&self.centre).zip(weights);
        terms.map(|(((name, _), centre), weight)| (features.dense.get(*name) - centre) * weight).sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred slots")]
    fn ngrams(&self, features: &Features) -> f32 {
        let sum: i32 = features.slots.iter().map(|slot| i32::from(self.ngrams[usize::from(*slot) % SLOTS])).sum();
        sum as f32 * self.ngram_scale / (features.slots.len().max(1) as f32).sqrt()
    }

    /// What moved the need most.
    pub(super) fn evidence(&self, features: &Features) -> Vec<Seen> {
        let mut seen = [Seen { what: "", weight: 0.0 }; MOST_EVIDENCE];
        let mut put = |mut next: Seen| {
            for place in &mut seen {
                if next.weight.abs() > place.weight.abs() {
                    std::mem::swap(place, &mut next);
                }
            }
        };
        for (((name, _), centre), weight) in SIGNS.iter().zip(&self.centre).zip(&self.need) {
            let weight = (features.dense.get(*name) - centre) * weight;
            put(Seen { what: VALUES[*name as usize].words, weight });
        }
        put(Seen { what: "its words and pairs of words", weight: self.ngrams(features) });
        seen.into_iter().filter(|seen| seen.weight != 0.0).collect()
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self) -> Result<[u8; 4], NotWeightsError> {
        let (first, rest) = self.bytes.split_first_chunk::<4>().ok_or(NotWeightsError)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn numbers<const COUNT: usize>(&mut self) -> Result<[f32; COUNT], NotWeightsError> {
        let mut numbers = [0.0; COUNT];
        for number in &mut numbers {
            *number = f32::from_le_bytes(self.take()?);
            if !number.is_finite() {
                return Err(NotWeightsError);
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn weights_of_the_build_are_those_of_their_provenance() {
        let provenance = include_str!("../../weights/router.json");
        let hash: String = Sha256::digest(EMBEDDED).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(provenance.contains(&format!("\"weights_sha256\": \"{hash}\"")), "{hash}");
        assert!(EMBEDDED.len() <= 4 << 20);
    }

    #[test]
    fn weights_survive_their_file() {
        let weights = Weights::embedded();
        assert_eq!(weights.to_bytes(), EMBEDDED);
        assert_eq!(Weights::from_bytes(&EMBEDDED[1..]), Err(NotWeightsError));
        assert_eq!(Weights::from_bytes(&EMBEDDED[..EMBEDDED.len() - 1]), Err(NotWeightsError));
    }

    #[test]
    fn no_weight_goes_against_what_is_known_beforehand() {
        let weights = Weights::embedded();
        for ((name, sign), weight) in SIGNS.iter().zip(weights.need) {
            assert!(sign * weight >= 0.0, "{name:?} has {weight}");
        }
    }
}
