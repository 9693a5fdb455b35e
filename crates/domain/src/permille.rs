//! A share in thousandths.

use serde::{Deserialize, Deserializer, Serialize};

/// A share from 0 to 1,000 thousandths: qualities, difficulties, scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Permille(u16);

impl Permille {
    /// None of it.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const ONE: Self = Self(1_000);

    /// A share; `None` for more than 1,000 thousandths.
    pub const fn new(thousandths: u16) -> Option<Self> {
        if thousandths <= 1_000 { Some(Self(thousandths)) } else { None }
    }

    /// The nearest share to a number of thousandths.
    pub const fn clamped(thousandths: i64) -> Self {
        match thousandths {
            ..=0 => Self::ZERO,
            1_000.. => Self::ONE,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 999")]
            between => Self(between as u16),
        }
    }

    /// The thousandths, 0 to 1,000.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Permille {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let thousandths = u16::deserialize(deserializer)?;
        Self::new(thousandths).ok_or_else(|| serde::de::Error::custom("a share has at most 1,000 thousandths"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bounds() {
        assert_eq!(Permille::clamped(-3), Permille::ZERO);
        assert_eq!(Permille::clamped(5_000), Permille::ONE);
        assert_eq!(Permille::clamped(420).get(), 420);
        assert_eq!(Permille::new(1_001), None);
        assert!(serde_json::from_str::<Permille>("1001").is_err());
    }
}
