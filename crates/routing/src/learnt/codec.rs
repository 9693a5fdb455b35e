//! How learnt state is stored: a mark, a version, then the numbers in order, little-endian.

use std::collections::BTreeMap;

use thiserror::Error;

use super::kind::{Kind, OfModel, PARTS, SIZE, SQUARE, Trust};
use super::report::{Report, Tally};
use super::{Learnt, Overall};
use crate::predictor::LEVELS;

const MARK: &[u8; 4] = b"MRLS";
const VERSION: u32 = 2;
/// More models or kinds than this are no state of ours.
const MOST: u32 = 1 << 16;

/// The bytes are not learnt state of this version, or are damaged.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not the learnt state of a router that this version can read")]
pub struct NotLearntError;

impl Learnt {
    /// The state in bytes; the same state gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer(MARK.to_vec());
        writer.count(VERSION);
        writer.0.extend(self.outcomes.to_le_bytes());
        writer.size(self.models.len());
        for (name, overall) in &self.models {
            writer.text(name);
            writer.numbers(&[overall.weight, overall.residual, overall.able]);
        }
        for level in &self.levels {
            writer.size(level.len());
            for (number, kind) in level {
                writer.count(u32::from(*number));
                writer.kind(kind);
            }
        }
        for tally in self.report.families.iter().chain(&self.report.calibration) {
            writer.tally(tally);
        }
        writer.0
    }

    /// Reads the state from bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotLearntError> {
        let mut reader = Reader(bytes);
        if reader.take::<4>()? != *MARK || reader.count()? != VERSION {
            return Err(NotLearntError);
        }
        let outcomes = u64::from_le_bytes(reader.take()?);
        let mut models = BTreeMap::new();
        for _ in 0..reader.size()? {
            let name = reader.text()?;
            let [weight, residual, able] = reader.few()?;
            models.insert(name, Overall { weight, residual, able });
        }
        let mut levels: [BTreeMap<u16, Kind>; LEVELS] = Default::default();
        for level in &mut levels {
            for _ in 0..reader.size()? {
                let number = u16::try_from(reader.count()?).map_err(|_| NotLearntError)?;
                level.insert(number, reader.kind()?);
            }
        }
        let mut report = Report::default();
        for tally in report.families.iter_mut().chain(&mut report.calibration) {
            *tally = reader.tally()?;
        }
        if reader.0.is_empty() { Ok(Self { levels, models, report, outcomes }) } else { Err(NotLearntError) }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, count: u32) {
        self.0.extend(count.to_le_bytes());
    }

    fn size(&mut self, size: usize) {
        self.count(u32::try_from(size).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &str) {
        self.size(text.len());
        self.0.extend(text.as_bytes());
    }

    fn numbers(&mut self, numbers: &[f32]) {
        for number in numbers {
            self.0.extend(number.to_le_bytes());
        }
    }

    fn kind(&mut self, kind: &Kind) {
        self.numbers(&[kind.weight, kind.fitted_at]);
        for numbers in [&kind.sum, &kind.square, &kind.shared, &kind.contrast] {
            self.numbers(numbers);
        }
        for trust in kind.trust.iter().chain([&kind.gain]) {
            self.numbers(&[trust.product, trust.product_square, trust.square]);
        }
        self.size(kind.models.len());
        for (name, model) in &kind.models {
            self.text(name);
            self.numbers(&[model.weight, model.residual, model.expected, model.strength]);
            for numbers in [&model.cross, &model.own, &model.used] {
                self.numbers(numbers);
            }
        }
    }

    fn tally(&mut self, tally: &Tally) {
        self.0.extend(tally.outcomes.to_le_bytes());
        let Tally { expected, observed, error, prior_error, squared_error, prior_squared_error, .. } = tally;
        for number in [expected, observed, error, prior_error, squared_error, prior_squared_error] {
            self.0.extend(number.to_le_bytes());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], NotLearntError> {
        let (first, rest) = self.0.split_first_chunk::<COUNT>().ok_or(NotLearntError)?;
        self.0 = rest;
        Ok(*first)
    }

    fn count(&mut self) -> Result<u32, NotLearntError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn size(&mut self) -> Result<u32, NotLearntError> {
        self.count().and_then(|size| if size <= MOST { Ok(size) } else { Err(NotLearntError) })
    }

    fn text(&mut self) -> Result<String, NotLearntError> {
        let size = usize::try_from(self.size()?).map_err(|_| NotLearntError)?;
        let (text, rest) = self.0.split_at_checked(size).ok_or(NotLearntError)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| NotLearntError)
    }

    fn number(&mut self) -> Result<f32, NotLearntError> {
        let number = f32::from_le_bytes(self.take()?);
        if number.is_finite() { Ok(number) } else { Err(NotLearntError) }
    }

    fn few<const COUNT: usize>(&mut self) -> Result<[f32; COUNT], NotLearntError> {
        let mut numbers = [0.0; COUNT];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Ok(numbers)
    }

    fn many(&mut self, count: usize) -> Result<Vec<f32>, NotLearntError> {
        (0..count).map(|_| self.number()).collect()
    }

    fn kind(&mut self) -> Result<Kind, NotLearntError> {
        let [weight, fitted_at] = self.few()?;
        let (sum, square) = (self.many(SIZE)?, self.many(SQUARE)?);
        let (shared, contrast) = (self.many(SIZE)?, self.many(SIZE)?);
        let (mut trust, mut gain) = ([Trust::default(); PARTS], Trust::default());
        for trust in trust.iter_mut().chain([&mut gain]) {
            let [product, product_square, square] = self.few()?;
            *trust = Trust { product, product_square, square };
        }
        let mut models = BTreeMap::new();
        for _ in 0..self.size()? {
            let name = self.text()?;
            let [weight, residual, expected, strength] = self.few()?;
            let (cross, own, used) = (self.many(SIZE)?, self.many(SIZE)?, self.many(SIZE)?);
            models.insert(name, OfModel { weight, residual, expected, cross, strength, own, used });
        }
        Ok(Kind { weight, sum, square, models, trust, fitted_at, shared, contrast, gain })
    }

    fn tally(&mut self) -> Result<Tally, NotLearntError> {
        let outcomes = u64::from_le_bytes(self.take()?);
        let mut numbers = [0.0; 6];
        for number in &mut numbers {
            *number = f64::from_le_bytes(self.take()?);
            if !number.is_finite() {
                return Err(NotLearntError);
            }
        }
        let [expected, observed, error, prior_error, squared_error, prior_squared_error] = numbers;
        Ok(Tally { outcomes, expected, observed, error, prior_error, squared_error, prior_squared_error })
    }
}
