//! The same tokens at another tariff, with how far that can be off.
//!
//! Exact as arithmetic; what is not known is how many tokens another model would have counted and written. The
//! ranges here are assumptions, and answers say so: nothing of what models really wrote is assumed to be known.

use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::{Rates, Tariff};
use megarouter_domain::usage::Usage;

use super::{Uncertainty, UncertaintyKind};

/// How much of the output another model may write, in thousandths: assumed.
const OUTPUT: (u32, u32) = (700, 1_400);
/// How many tokens another model may count in the same input, in thousandths: assumed.
const INPUT: (u32, u32) = (900, 1_150);

/// What a usage would have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Would {
    /// The tokens that were used, at the tariff.
    pub amount: NanoUsd,
    /// The least.
    pub low: NanoUsd,
    /// The most.
    pub high: NanoUsd,
}

impl Would {
    /// The same model's own cost: nothing is uncertain.
    pub const fn exactly(amount: NanoUsd) -> Self {
        Self { amount, low: amount, high: amount }
    }

    /// Adds another one up.
    pub fn add(&mut self, other: Self) {
        let sum = |one: NanoUsd, two: NanoUsd| NanoUsd(one.0.saturating_add(two.0));
        self.amount = sum(self.amount, other.amount);
        self.low = sum(self.low, other.low);
        self.high = sum(self.high, other.high);
    }
}

/// What one call's usage would have cost at another tariff; `None` when nothing was reported, or the tariff lacks
/// a unit of it.
pub(crate) fn call(tariff: &Tariff, usage: &Usage) -> Option<Would> {
    would(usage, |usage| tariff.cost(usage))
}

/// The same for the sum of many calls: only the standard rates can be applied to a sum.
pub(crate) fn sum(tariff: &Tariff, usage: &Usage) -> Option<Would> {
    would(usage, |usage| Rates::cost(&tariff.rates, usage))
}

fn would(usage: &Usage, cost: impl Fn(&Usage) -> Option<NanoUsd>) -> Option<Would> {
    let amount = cost(usage)?;
    let scaled = |input: u32, output: u32| cost(&scale(usage, input, output));
    let (warm_low, warm_high) = (scaled(INPUT.0, OUTPUT.0)?, scaled(INPUT.1, OUTPUT.1)?);
    let cold = cost(&scale(&cold(usage), INPUT.1, OUTPUT.1))?;
    Some(Would { amount, low: amount.min(warm_low), high: amount.max(warm_high).max(cold) })
}

/// The usage as it would have been without anything in the prompt cache.
fn cold(usage: &Usage) -> Usage {
    let cached = [usage.cached_read, usage.cache_write, usage.cache_write_1h];
    let cached = cached.into_iter().flatten().fold(0, u64::saturating_add);
    let input = usage.input.map(|input| input.saturating_add(cached)).or((cached > 0).then_some(cached));
    let none = |class: Option<u64>| class.map(|_| 0);
    Usage {
        input,
        cached_read: none(usage.cached_read),
        cache_write: none(usage.cache_write),
        cache_write_1h: none(usage.cache_write_1h),
        ..*usage
    }
}

fn scale(usage: &Usage, input: u32, output: u32) -> Usage {
    let times = |count: Option<u64>, permille: u32| {
        count.map(|count| u64::try_from(u128::from(count) * u128::from(permille) / 1_000).unwrap_or(u64::MAX))
    };
    Usage {
        input: times(usage.input, input),
        cached_read: times(usage.cached_read, input),
        cache_write: times(usage.cache_write, input),
        cache_write_1h: times(usage.cache_write_1h, input),
        output: times(usage.output, output),
        reasoning: times(usage.reasoning, output),
        ..*usage
    }
}

/// What the ranges come from, in words.
pub(crate) fn uncertainties() -> Vec<Uncertainty> {
    let percent = |(low, high): (u32, u32)| format!("{} to {} %", low / 10, high / 10);
    let of = |kind, text, (low_permille, high_permille)| Uncertainty { kind, text, low_permille, high_permille };
    vec![
        of(
            UncertaintyKind::OutputLength,
            format!("Another model may write {} of the output; assumed, not measured.", percent(OUTPUT)),
            OUTPUT,
        ),
        of(
            UncertaintyKind::Tokenizer,
            format!("Another model may count {} of the input tokens; assumed, not measured.", percent(INPUT)),
            INPUT,
        ),
        of(
            UncertaintyKind::Cache,
            "The prompt cache may have been as warm elsewhere, or cold; the most that it may cost counts nothing as cached."
                .to_owned(),
            (1_000, 1_000),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use megarouter_domain::money::NanoUsdPerMillion;

    use super::*;

    fn tariff(input: &str, cached: &str, output: &str) -> Tariff {
        let rate = |text: &str| NanoUsdPerMillion::parse_usd(text).unwrap();
        Tariff::of(Rates {
            input: rate(input),
            cached_read: Some(rate(cached)),
            output: rate(output),
            ..Rates::default()
        })
    }

    #[test]
    fn the_same_tokens_cost_exactly_what_the_tariff_says() {
        let usage = Usage { input: Some(1_000), cached_read: Some(9_000), output: Some(500), ..Usage::UNREPORTED };
        let would = call(&tariff("2", "0.2", "10"), &usage).unwrap();
        // 1,000 × 2 + 9,000 × 0.2 + 500 × 10 dollars per million.
        assert_eq!(would.amount, NanoUsd(2_000_000 + 1_800_000 + 5_000_000));
        assert!(would.low < would.amount && would.amount < would.high);
        let cold = call(&tariff("2", "2", "10"), &usage).unwrap();
        assert_eq!(would.high, cold.high, "the most counts the whole input as uncached");
        assert_eq!(call(&tariff("2", "0.2", "10"), &Usage::UNREPORTED), None);
    }

    #[test]
    fn a_sum_of_calls_is_not_one_long_call() {
        let mut tariff = tariff("1", "1", "1");
        let dear = Rates { input: NanoUsdPerMillion::parse_usd("9").unwrap(), ..tariff.rates };
        tariff.tiers.push(megarouter_domain::price::Tier {
            service: None,
            above_input_tokens: Some(1_000),
            rates: dear,
        });
        let usage = Usage { input: Some(5_000), output: Some(0), ..Usage::UNREPORTED };
        assert_eq!(sum(&tariff, &usage).unwrap().amount, NanoUsd(5_000_000));
        assert_eq!(call(&tariff, &usage).unwrap().amount, NanoUsd(45_000_000));
    }
}
