//! Versioned prices, and what a usage costs at one.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::PriceId;
use crate::money::{NanoUsd, NanoUsdPerMillion};
use crate::usage::{ServiceTier, Usage};

/// Rates per million tokens or units of each class.
///
/// A class without a rate of its own is charged as the class it is a kind of: `cached_read`,
/// `cache_write`, `audio_input` and `image_input` as `input`; `cache_write_1h` as `cache_write`;
/// `reasoning`, `audio_output` and `image_output` as `output`. Units (`image` and what follows it)
/// without a rate cost nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Uncached text input.
    #[serde(default)]
    pub input: NanoUsdPerMillion,
    /// Text output that is not reasoning.
    #[serde(default)]
    pub output: NanoUsdPerMillion,
    /// Input read from the prompt cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_read: Option<NanoUsdPerMillion>,
    /// Input written to the prompt cache for its usual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<NanoUsdPerMillion>,
    /// Input written to the prompt cache for one hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<NanoUsdPerMillion>,
    /// Reasoning output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<NanoUsdPerMillion>,
    /// Audio input tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<NanoUsdPerMillion>,
    /// Audio output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<NanoUsdPerMillion>,
    /// Image input tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_input: Option<NanoUsdPerMillion>,
    /// Image output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_output: Option<NanoUsdPerMillion>,
    /// Images made, by the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<NanoUsdPerMillion>,
    /// Audio, by the millisecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_ms: Option<NanoUsdPerMillion>,
    /// Characters read aloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub character: Option<NanoUsdPerMillion>,
    /// Searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<NanoUsdPerMillion>,
    /// Calls, whatever they consume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<NanoUsdPerMillion>,
}

/// What a deployment charges: its rates, and others where those apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// The standard rates.
    pub rates: Rates,
    /// Rates that take their place under a condition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// Rates that apply to the whole of a call that meets both conditions. Of several, those of the
/// call's own class of service go first, then the highest threshold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The class of service; `None` for the standard one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceTier>,
    /// The call has more input tokens than this, cached ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above_input_tokens: Option<u64>,
    /// The rates.
    pub rates: Rates,
}

/// One immutable version of a deployment's price. An edit makes a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The version.
    pub id: PriceId,
    /// From when it applies.
    pub valid_from: Timestamp,
    /// What is charged.
    pub tariff: Tariff,
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

impl Tariff {
    /// A tariff of nothing but standard rates.
    pub const fn of(rates: Rates) -> Self {
        Self { rates, tiers: Vec::new() }
    }

    /// True when nothing is ever charged.
    pub fn is_free(&self) -> bool {
        self.rates.is_free() && self.tiers.iter().all(|tier| tier.rates.is_free())
    }

    /// The rates that apply to a call.
    pub fn rates_for(&self, usage: &Usage) -> &Rates {
        let input = usage.total_input().unwrap_or(0);
        let best = |service: Option<ServiceTier>| {
            let fits =
                |tier: &&Tier| tier.service == service && tier.above_input_tokens.is_none_or(|above| input > above);
            self.tiers.iter().filter(fits).max_by_key(|tier| tier.above_input_tokens)
        };
        let own = usage.service_tier.and_then(|service| best(Some(service)));
        own.or_else(|| best(None)).map_or(&self.rates, |tier| &tier.rates)
    }

    /// The cost of `usage`, rounded half up once over the sum; `None` when nothing was reported.
    pub fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        self.rates_for(usage).cost(usage)
    }

    /// The most that a call can cost which consumes no more than `most`, rounded up: what a hold sets
    /// aside. Tokens may turn out to be of any class of their side; units are taken as they are.
    pub fn upper_bound(&self, most: &Usage) -> NanoUsd {
        let input = most.total_input().unwrap_or(0);
        let may_apply = |tier: &&Tier| {
            // The input is an estimate, so a threshold that is near counts as passed.
            tier.above_input_tokens.is_none_or(|above| input.saturating_mul(2) > above)
                // Only a client that asks for it is served at the dearer one.
                && (tier.service != Some(ServiceTier::Priority) || most.service_tier == tier.service)
        };
        let tiers = self.tiers.iter().filter(may_apply).map(|tier| &tier.rates);
        tiers.chain([&self.rates]).map(|rates| rates.upper_bound(most)).max().unwrap_or(NanoUsd::ZERO)
    }
}

impl Rates {
    /// True when nothing is ever charged.
    pub fn is_free(&self) -> bool {
        let ((inputs, outputs), units) = (self.tokens(), self.units());
        inputs.into_iter().chain(outputs).chain(units).all(|rate| rate == 0)
    }

    /// The cost of `usage`, rounded half up once over the sum; `None` when nothing was reported.
    pub fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        if usage.is_unreported() || self.lacks_the_unit_of(usage) {
            return None;
        }
        let ((inputs, outputs), units) = (self.tokens(), self.units());
        let heard = [
            usage.input,
            usage.cached_read,
            usage.cache_write,
            usage.cache_write_1h,
            usage.audio_input,
            usage.image_input,
        ];
        let said = [usage.output, usage.reasoning, usage.audio_output, usage.image_output];
        let total = product(&heard, &inputs) + product(&said, &outputs) + product(&counts(usage), &units);
        Some(rounded(total, 500_000))
    }

    /// True when all that was reported is units that these rates, which charge for something else, do not
    /// know: a model priced by the token that says only how many characters it read.
    fn lacks_the_unit_of(&self, usage: &Usage) -> bool {
        let units = [
            (usage.images, self.image),
            (usage.audio_ms, self.audio_ms),
            (usage.characters, self.character),
            (usage.searches, self.search),
        ];
        let is_counted = |(count, _): &(Option<u64>, _)| count.is_some_and(|count| count > 0);
        let has_tokens = usage.total_input().is_some() || usage.total_output().is_some();
        let mut counted = units.iter().filter(|unit| is_counted(unit)).peekable();
        !has_tokens
            && counted.peek().is_some()
            && counted.all(|(_, rate)| rate.is_none())
            && self.request.is_none()
            && !self.is_free()
    }

    /// The most that a call can cost at these rates; see [`Tariff::upper_bound`].
    fn upper_bound(&self, most: &Usage) -> NanoUsd {
        let (inputs, outputs) = self.tokens();
        let dearest = |rates: &[u64], tokens: Option<u64>| {
            i128::from(rates.iter().copied().max().unwrap_or(0)) * i128::from(tokens.unwrap_or(0))
        };
        let tokens = dearest(&inputs, most.total_input()) + dearest(&outputs, most.total_output());
        rounded(tokens + product(&counts(most), &self.units()), 999_999)
    }

    /// The rates of input (input, cached read, cache write, cache write 1 h, audio, image) and of
    /// output (output, reasoning, audio, image).
    fn tokens(&self) -> ([u64; 6], [u64; 4]) {
        let or = |rate: Option<NanoUsdPerMillion>, base: NanoUsdPerMillion| rate.unwrap_or(base);
        let cache_write = or(self.cache_write, self.input);
        let inputs = [
            self.input,
            or(self.cached_read, self.input),
            cache_write,
            or(self.cache_write_1h, cache_write),
            or(self.audio_input, self.input),
            or(self.image_input, self.input),
        ];
        let outputs = [
            self.output,
            or(self.reasoning, self.output),
            or(self.audio_output, self.output),
            or(self.image_output, self.output),
        ];
        (inputs.map(|rate| rate.0), outputs.map(|rate| rate.0))
    }

    /// The rates of units: image, audio, character, search, request.
    fn units(&self) -> [u64; 5] {
        [self.image, self.audio_ms, self.character, self.search, self.request].map(|rate| rate.map_or(0, |rate| rate.0))
    }
}

/// The units of a call, in the order of [`Rates::units`]; the call itself is the last.
fn counts(usage: &Usage) -> [Option<u64>; 5] {
    [usage.images, usage.audio_ms, usage.characters, usage.searches, Some(1)]
}

fn product(counts: &[Option<u64>], rates: &[u64]) -> i128 {
    counts.iter().zip(rates).map(|(count, rate)| i128::from(count.unwrap_or(0)) * i128::from(*rate)).sum()
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

    #[test]
    fn units_are_charged_by_their_own_rate() {
        let rates = Rates {
            image: Some(NanoUsdPerMillion(40_000_000_000_000)),
            search: Some(NanoUsdPerMillion(10_000_000_000_000)),
            request: Some(NanoUsdPerMillion(5_000_000_000_000)),
            ..Rates::default()
        };
        let usage = Usage { images: Some(2), searches: Some(1), ..Usage::UNREPORTED };
        assert_eq!(rates.cost(&usage), Some(NanoUsd(80_000_000 + 10_000_000 + 5_000_000)));
        assert!(!rates.is_free());
    }

    #[test]
    fn a_unit_that_the_price_does_not_know_is_not_free() {
        let spoken = Usage { characters: Some(500), ..Usage::UNREPORTED };
        assert_eq!(rates(1, 1).cost(&spoken), None);
        assert_eq!(Rates::default().cost(&spoken), Some(NanoUsd::ZERO));
        let priced = Rates { character: Some(NanoUsdPerMillion(15_000_000_000)), ..Rates::default() };
        assert_eq!(priced.cost(&spoken), Some(NanoUsd(7_500_000)));
        assert_eq!(
            rates(1_000_000, 0).cost(&Usage { input: Some(2), searches: Some(1), ..Usage::UNREPORTED }),
            Some(NanoUsd(2))
        );
    }

    #[test]
    fn an_hour_in_the_cache_costs_what_five_minutes_do_unless_said() {
        let five = Rates { cache_write: Some(NanoUsdPerMillion(7_000_000)), ..rates(1_000_000, 0) };
        let usage = Usage { cache_write_1h: Some(1), ..Usage::UNREPORTED };
        assert_eq!(five.cost(&usage), Some(NanoUsd(7)));
    }

    #[test]
    fn the_tier_that_applies_is_charged_over_the_whole_call() {
        let tier = |service, above_input_tokens, input| Tier { service, above_input_tokens, rates: rates(input, 0) };
        let tariff = Tariff {
            rates: rates(1_000_000, 0),
            tiers: vec![
                tier(None, Some(200), 2_000_000),
                tier(None, Some(400), 3_000_000),
                tier(Some(ServiceTier::Flex), None, 500_000),
                tier(Some(ServiceTier::Priority), None, 9_000_000),
            ],
        };
        let cost = |input, cached, service_tier| {
            let usage = Usage { input: Some(input), cached_read: Some(cached), service_tier, ..Usage::UNREPORTED };
            tariff.cost(&usage).unwrap().0
        };
        assert_eq!(cost(200, 0, None), 200);
        assert_eq!(cost(200, 1, None), 402);
        assert_eq!(cost(500, 0, None), 1_500);
        assert_eq!(cost(500, 0, Some(ServiceTier::Flex)), 250);
        assert_eq!(cost(500, 0, Some(ServiceTier::Batch)), 1_500);
        let bound = |input, service_tier| {
            tariff.upper_bound(&Usage { input: Some(input), service_tier, ..Usage::UNREPORTED }).0
        };
        assert_eq!(bound(90, None), 90);
        assert_eq!(bound(150, None), 300);
        assert_eq!(bound(90, Some(ServiceTier::Priority)), 810);
    }

    proptest! {
        #[test]
        fn a_hold_covers_any_split_of_its_tokens(
            input in 0..1_000_000_u64, cached in 0..1_000_000_u64, output in 0..100_000_u64, reasoning in 0..100_000_u64,
            input_rate in 0..100_000_000_000_u64, output_rate in 0..100_000_000_000_u64, cached_rate in 0..100_000_000_000_u64,
        ) {
            let rates = Rates { cached_read: Some(NanoUsdPerMillion(cached_rate)), ..rates(input_rate, output_rate) };
            let usage = Usage { input: Some(input), cached_read: Some(cached), output: Some(output), reasoning: Some(reasoning), ..Usage::UNREPORTED };
            let most = Usage { input: Some(input + cached), output: Some(output + reasoning), ..Usage::UNREPORTED };
            prop_assert!(rates.cost(&usage).unwrap() <= rates.upper_bound(&most));
        }
    }
}
