//! A prompt condensed to a short vector: close prompts have close vectors, and no text comes back.

use std::sync::OnceLock;

use super::weights::SIGNS;
use crate::features::Features;
use crate::features::dense::Name;

/// Places that n-gram slots are folded onto.
const FOLDED: usize = 64;
/// Numbers in a sketch.
pub const SKETCH: usize = FOLDED + SIGNS.len();
/// Numbers of a condensed task: its sketch and its need.
pub(crate) const SIZE: usize = SKETCH + 1;
/// A condensed task: what is learnt over.
pub(crate) type Point = [f32; SIZE];
/// What stands for 1 in a stored sketch.
const ONE: f32 = 127.0;

/// Signed counts of n-gram slots folded onto a few places, then the values that point to a need.
///
/// Kept in bytes, so that what is stored with an outcome and what was learnt at once are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sketch([i8; SKETCH]);

impl Default for Sketch {
    fn default() -> Self {
        Self([0; SKETCH])
    }
}

impl Sketch {
    /// Condenses what was seen.
    pub fn of(features: &Features) -> Self {
        let mut folded = [0.0_f32; FOLDED];
        for slot in &features.slots {
            let sign = if slot >> 13 & 1 == 0 { 1.0 } else { -1.0 };
            folded[usize::from(*slot) % FOLDED] += sign;
        }
        let length = folded.iter().map(|value| value * value).sum::<f32>().sqrt().max(1.0);
        let mut sketch = [0; SKETCH];
        for (place, value) in sketch.iter_mut().zip(folded) {
            *place = byte(value / length);
        }
        for (place, (name, _)) in sketch[FOLDED..].iter_mut().zip(SIGNS) {
            *place = byte(features.dense.get(*name) / 2.0);
        }
        Self(sketch)
    }

    /// A number of it, about -1 to 1.
    pub fn get(&self, index: usize) -> f32 {
        self.0.get(index).map_or(0.0, |value| f32::from(*value) / ONE)
    }

    /// Its numbers, then the need.
    pub(super) fn with_need(&self, need: f32) -> Point {
        let mut point = [need - 0.5; SIZE];
        for (value, byte) in point.iter_mut().zip(self.0) {
            *value = f32::from(byte) / ONE;
        }
        point
    }

    /// Its value of that name; 0 for one that is not kept.
    pub fn value(&self, name: Name) -> f32 {
        SIGNS.iter().position(|(kept, _)| *kept == name).map_or(0.0, |index| 2.0 * self.get(FOLDED + index))
    }

    /// Whether there is nothing in it, as for a task that was kept without.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|value| *value == 0)
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> [u8; SKETCH] {
        self.0.map(i8::cast_unsigned)
    }

    /// As it was stored; `None` for bytes of another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; SKETCH] = bytes.try_into().ok()?;
        Some(Self(bytes.map(u8::cast_signed)))
    }
}

/// The point of a task, made when it is first asked for: every model's quality asks for it again.
#[derive(Clone, Debug, Default)]
pub(super) struct Condensed(OnceLock<Point>);

impl Condensed {
    /// The point, which `make` makes where there is none yet.
    pub(super) fn get(&self, make: impl FnOnce() -> Point) -> &Point {
        self.0.get_or_init(make)
    }
}

/// Whether it was made yet says nothing of the task.
impl PartialEq for Condensed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn byte(value: f32) -> i8 {
    (value * ONE).clamp(-ONE, ONE) as i8
}
