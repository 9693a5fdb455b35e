//! Versioned prices, and what a usage costs at one.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::PriceId;
use crate::money::{NanoUsd, NanoUsdPerMillion};
use crate::usage::Usage;

/// Rates per million tokens of each class.
///
/// A class without a rate of its own is charged as the class it is a kind of: `cached_read`,
/// `cache_write` and `audio_input` as `input`; `reasoning` and `audio_output` as `output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Uncached input.
    pub input: NanoUsdPerMillion,
    /// Output that is not reasoning.
    pub output: NanoUsdPerMillion,
    /// Input read from the prompt cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_read: Option<NanoUsdPerMillion>,
    /// Input written to the prompt cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<NanoUsdPerMillion>,
    /// Reasoning output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<NanoUsdPerMillion>,
    /// Audio input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<NanoUsdPerMillion>,
    /// Audio output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<NanoUsdPerMillion>,
}

/// One immutable version of a deployment's price. An edit makes a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The version.
    pub id: PriceId,
    /// From when it applies.
    pub valid_from: Timestamp,
    /// The rates.
    pub rates: Rates,
    /// Where the figures come from: a page with its date, or `set by hand`.
    pub source: String,
}

/// What a request or an attempt cost. Unknown is a state of its own, never a silent zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", content = "amount", rename_all = "snake_case")]
pub enum Cost {
    /// From the provider's own usage at a known price.
    Exact(NanoUsd),
    /// From counted usage at a known price.
    Estimated(NanoUsd),
    /// The price or the usage is not known.
    Unknown,
    /// Nothing to pay: no call was made, or the provider charges nothing (a local model).
    NotBillable,
}

impl Cost {
    /// The amount to add to a sum; zero where there is none or none is known.
    pub const fn amount(self) -> NanoUsd {
        match self {
            Self::Exact(amount) | Self::Estimated(amount) => amount,
            Self::Unknown | Self::NotBillable => NanoUsd::ZERO,
        }
    }

    /// The stable name of the state, as stored and as sent.
    pub const fn state(self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Estimated(_) => "estimated",
            Self::Unknown => "unknown",
            Self::NotBillable => "not_billable",
        }
    }

    /// The sum of many costs as one, from how many of them were in each state.
    ///
    /// It is exact only when every part is. Where some parts are unknown, the amount is the known
    /// part, and so no more than an estimate; it is unknown when no part is known.
    pub const fn of_sum(amount: NanoUsd, exact: u64, estimated: u64, unknown: u64) -> Self {
        match (exact, estimated, unknown) {
            (0, 0, 0) => Self::NotBillable,
            (0, 0, _) => Self::Unknown,
            (_, 0, 0) => Self::Exact(amount),
            _ => Self::Estimated(amount),
        }
    }

    /// The cost of several attempts together: the least certain state wins.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let amount = self.amount() + other.amount();
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::NotBillable, Self::NotBillable) => Self::NotBillable,
            (Self::Estimated(_), _) | (_, Self::Estimated(_)) => Self::Estimated(amount),
            _ => Self::Exact(amount),
        }
    }
}

impl Rates {
    /// True when nothing is ever charged.
    pub fn is_free(&self) -> bool {
        *self.by_class().iter().max().unwrap_or(&0) == 0
    }

    /// The cost of `usage`, rounded half up once over the sum; `None` when no class was reported.
    pub fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        if usage.is_unreported() {
            return None;
        }
        Some(rounded(self.millionths(usage), 500_000))
    }

    /// The most that `input` and `output` tokens can cost at the dearest rate of either side,
    /// rounded up: what a hold sets aside.
    pub fn upper_bound(&self, input: u64, output: u64) -> NanoUsd {
        let [uncached, read, write, audio, text, reasoning, spoken] = self.by_class();
        let dearest_input = uncached.max(read).max(write).max(audio);
        let dearest_output = text.max(reasoning).max(spoken);
        let millionths =
            i128::from(input) * i128::from(dearest_input) + i128::from(output) * i128::from(dearest_output);
        rounded(millionths, 999_999)
    }

    /// Rates in the order input, cached read, cache write, audio input, output, reasoning, audio output.
    fn by_class(&self) -> [u64; 7] {
        let or = |rate: Option<NanoUsdPerMillion>, base: NanoUsdPerMillion| rate.unwrap_or(base).0;
        [
            self.input.0,
            or(self.cached_read, self.input),
            or(self.cache_write, self.input),
            or(self.audio_input, self.input),
            self.output.0,
            or(self.reasoning, self.output),
            or(self.audio_output, self.output),
        ]
    }

    fn millionths(&self, usage: &Usage) -> i128 {
        let tokens = [
            usage.input,
            usage.cached_read,
            usage.cache_write,
            usage.audio_input,
            usage.output,
            usage.reasoning,
            usage.audio_output,
        ];
        let product = |(tokens, rate): (Option<u64>, u64)| i128::from(tokens.unwrap_or(0)) * i128::from(rate);
        tokens.into_iter().zip(self.by_class()).map(product).sum()
    }
}

fn rounded(millionths: i128, carry: i128) -> NanoUsd {
    NanoUsd(i64::try_from((millionths + carry) / 1_000_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rates(input: u64, output: u64) -> Rates {
        Rates { input: NanoUsdPerMillion(input), output: NanoUsdPerMillion(output), ..Rates::default() }
    }

    #[test]
    fn rounds_once_over_the_whole_sum() {
        let rates = rates(400_000, 400_000);
        let usage = Usage { input: Some(1), output: Some(1), ..Usage::UNREPORTED };
        assert_eq!(rates.cost(&usage), Some(NanoUsd(1)));
    }

    #[test]
    fn charges_cached_tokens_once_at_their_own_rate() {
        let rates = Rates { cached_read: Some(NanoUsdPerMillion(250_000_000)), ..rates(2_500_000_000, 10_000_000_000) };
        let usage = Usage { input: Some(1_000), cached_read: Some(9_000), output: Some(100), ..Usage::UNREPORTED };
        assert_eq!(rates.cost(&usage), Some(NanoUsd(2_500_000 + 2_250_000 + 1_000_000)));
    }

    #[test]
    fn unreported_usage_has_no_cost_but_zero_usage_costs_zero() {
        assert_eq!(rates(1, 1).cost(&Usage::UNREPORTED), None);
        assert_eq!(rates(1, 1).cost(&Usage { output: Some(0), ..Usage::UNREPORTED }), Some(NanoUsd::ZERO));
    }

    #[test]
    fn an_unknown_part_makes_the_whole_unknown() {
        assert_eq!(Cost::Exact(NanoUsd(5)).and(Cost::Unknown), Cost::Unknown);
        assert_eq!(Cost::Exact(NanoUsd(5)).and(Cost::NotBillable), Cost::Exact(NanoUsd(5)));
    }

    proptest! {
        #[test]
        fn a_hold_covers_any_split_of_its_tokens(
            input in 0..1_000_000_u64, cached in 0..1_000_000_u64, output in 0..100_000_u64, reasoning in 0..100_000_u64,
            input_rate in 0..100_000_000_000_u64, output_rate in 0..100_000_000_000_u64, cached_rate in 0..100_000_000_000_u64,
        ) {
            let rates = Rates { cached_read: Some(NanoUsdPerMillion(cached_rate)), ..rates(input_rate, output_rate) };
            let usage = Usage { input: Some(input), cached_read: Some(cached), output: Some(output), reasoning: Some(reasoning), ..Usage::UNREPORTED };
            prop_assert!(rates.cost(&usage).unwrap() <= rates.upper_bound(input + cached, output + reasoning));
        }
    }
}
