//! Prices as sources write them: JSON numbers, read from their text so that no float rounds them.

use megarouter_domain::money::NanoUsdPerMillion;
use thiserror::Error;

/// More dollars per million than anything costs: a dollar a token, or a million dollars an hour.
const HIGHEST: i128 = 1_000_000_000_000_000;

/// Digits that count. What stands behind them is the noise of a float that was printed.
const DIGITS: usize = 12;

/// Why a text is no price.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReadPriceError {
    /// Not a decimal number.
    #[error("`{0}` is not a decimal number")]
    Malformed(String),
    /// Nobody pays people to use a model.
    #[error("`{0}` is negative")]
    Negative(String),
    /// Beyond anything that is charged.
    #[error("`{0}` is higher than any price")]
    TooHigh(String),
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// US dollars for one token or unit.
    One,
    /// US dollars for a million of them.
    Million,
    /// US dollars for a second, of which the millisecond is the unit.
    Second,
}

impl Per {
    /// The power of ten that makes nano-dollars per million of it.
    const fn power(self) -> i32 {
        match self {
            Self::One => 15,
            Self::Million => 9,
            Self::Second => 12,
        }
    }
}

/// Reads a price, e.g. `1.25e-06` for one token; parts of a nano-dollar per million are rounded.
///
/// # Errors
/// When the text is no number, negative, or higher than any price.
pub fn read(text: &str, per: Per) -> Result<NanoUsdPerMillion, ReadPriceError> {
    let text = text.trim().trim_matches('"');
    let (digits, exponent) = parts(text).ok_or_else(|| ReadPriceError::Malformed(text.to_owned()))?;
    let (digits, exponent) = without_noise(digits, exponent);
    if digits < 0 {
        return Err(ReadPriceError::Negative(text.to_owned()));
    }
    let nanos = scaled(digits, exponent + per.power()).filter(|nanos| *nanos <= HIGHEST);
    let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok());
    nanos.map(NanoUsdPerMillion).ok_or_else(|| ReadPriceError::TooHigh(text.to_owned()))
}

/// A number as whole digits and a power of ten.
fn parts(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok().filter(|exponent| (-99..=99).contains(exponent))?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.len() + fraction.len() > 36 || unsigned.is_empty() || !is_plain(unsigned) || !is_plain(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, exponent - i32::try_from(fraction.len()).ok()?))
}

fn without_noise(mut digits: i128, mut exponent: i32) -> (i128, i32) {
    while digits.unsigned_abs() >= 10_u128.pow(u32::try_from(DIGITS).unwrap_or(12)) {
        digits = (digits + 5 * digits.signum()) / 10;
        exponent += 1;
    }
    (digits, exponent)
}

fn scaled(digits: i128, power: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(power.unsigned_abs());
    match (factor, power >= 0) {
        (Some(factor), true) => digits.checked_mul(factor),
        (Some(factor), false) => Some((digits + factor / 2) / factor),
        (None, true) => (digits == 0).then_some(0),
        (None, false) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str, per: Per) -> String {
        read(text, per).unwrap().to_usd()
    }

    #[test]
    fn reads_what_sources_write_exactly() {
        for (text, per, expected) in [
            ("1.25e-06", Per::One, "1.25"),
            ("1.25e-07", Per::One, "0.125"),
            ("3e-9", Per::One, "0.003"),
            ("0.000005", Per::One, "5"),
            ("0", Per::One, "0"),
            ("0.0", Per::Million, "0"),
            ("0.27", Per::Million, "0.27"),
            ("15", Per::Million, "15"),
            ("0.0001", Per::Second, "0.1"),
            ("3.083e-05", Per::Second, "0.03083"),
            ("0.04", Per::One, "40000"),
        ] {
            assert_eq!(usd(text, per), expected, "{text}");
        }
    }

    #[test]
    fn the_noise_of_floats_is_left_out() {
        assert_eq!(usd("7.000000000000001e-07", Per::One), "0.7");
        assert_eq!(usd("0.30000000000000004", Per::Million), "0.3");
        assert_eq!(usd("2.9999999999999997e-06", Per::One), "3");
    }

    #[test]
    fn refuses_what_is_no_price() {
        let error = |text| read(text, Per::One).unwrap_err();
        for text in ["", "NaN", "Infinity", "1,5", "null", "true", "--1", ".", "1e999"] {
            assert!(matches!(error(text), ReadPriceError::Malformed(_)), "{text}");
        }
        assert!(matches!(error("-1e-6"), ReadPriceError::Negative(_)));
        assert!(matches!(error("2"), ReadPriceError::TooHigh(_)), "two dollars a token");
        assert!(matches!(error("1e90"), ReadPriceError::TooHigh(_)));
    }
}
