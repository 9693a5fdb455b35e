//! Money in whole nano-dollars.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An amount in billionths of a US dollar; up to about 9.2 billion dollars either way.
///
/// Arithmetic saturates: a sum that large is a fault elsewhere, and must not become a small number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

/// A price: nano-dollars for a million units (tokens, or calls).
///
/// 0.0375 USD per million tokens is 37,500,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsdPerMillion(pub u64);

/// Why a decimal amount could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ParseAmountError {
    /// Not digits with at most one decimal point.
    #[error("`{0}` is not a decimal number of dollars, such as 0.15")]
    Malformed(String),
    /// More digits after the point than a nano-dollar holds.
    #[error("`{0}` has more than 9 digits after the point")]
    TooPrecise(String),
    /// Beyond what an amount can hold.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most an amount can hold.
    pub const MAX: Self = Self(i64::MAX);

    /// True when more than zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl NanoUsdPerMillion {
    /// Reads dollars per million units, e.g. `0.0375`, without passing through a float.
    ///
    /// # Errors
    /// When the text is not a plain decimal number, or does not fit.
    pub fn parse_usd(text: &str) -> Result<Self, ParseAmountError> {
        let trimmed = text.trim();
        let (whole, fraction) = trimmed.split_once('.').unwrap_or((trimmed, ""));
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits_only(whole) || !digits_only(fraction) {
            return Err(ParseAmountError::Malformed(text.to_owned()));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 9 {
            return Err(ParseAmountError::TooPrecise(text.to_owned()));
        }
        let digits = format!("{whole}{fraction:0<9}");
        let nanos = digits.parse().map_err(|_| ParseAmountError::TooLarge(text.to_owned()))?;
        Ok(Self(nanos))
    }

    /// Dollars per million units as the shortest exact decimal, e.g. `0.0375`.
    pub fn to_usd(self) -> String {
        let (whole, fraction) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if fraction == 0 {
            return whole.to_string();
        }
        format!("{whole}.{}", format!("{fraction:09}").trim_end_matches('0'))
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for NanoUsd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for NanoUsd {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for NanoUsd {
    /// Dollars with all nine digits that matter cut to the shortest exact form, e.g. `$0.0031`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(formatter, "{sign}${}", NanoUsdPerMillion(self.0.unsigned_abs()).to_usd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_prices_exactly() {
        assert_eq!(NanoUsdPerMillion::parse_usd("0.0375"), Ok(NanoUsdPerMillion(37_500_000)));
        assert_eq!(NanoUsdPerMillion::parse_usd("15"), Ok(NanoUsdPerMillion(15_000_000_000)));
        assert_eq!(NanoUsdPerMillion::parse_usd(".5"), Ok(NanoUsdPerMillion(500_000_000)));
    }

    #[test]
    fn refuses_what_is_not_a_plain_decimal() {
        for text in ["", ".", "-1", "1e3", "1,5", "0.0000000001", "99999999999999999999"] {
            assert!(NanoUsdPerMillion::parse_usd(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn prices_survive_their_text_form(nanos: u64) {
            let price = NanoUsdPerMillion(nanos);
            prop_assert_eq!(NanoUsdPerMillion::parse_usd(&price.to_usd()), Ok(price));
        }
    }
}
