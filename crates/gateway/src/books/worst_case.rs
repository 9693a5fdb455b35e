//! The most that a call can consume, and how much of it a budget buys.

use megarouter_domain::money::NanoUsd;
use megarouter_domain::usage::Usage;
use megarouter_ledger::account::Terms;
use megarouter_ledger::entry::PinnedPrice;

/// The output assumed where neither the client nor the model's record names a bound.
pub const ASSUMED_OUTPUT: u64 = 4_096;
/// An answer of fewer tokens than this is not worth asking for.
pub const LEAST_OUTPUT: u64 = 16;

/// The most that a call can consume, before anybody asked what it may cost.
#[derive(Clone, Copy, Debug)]
pub struct WorstCase {
    /// Input tokens, as counted here.
    pub counted_input: u64,
    /// The input in bytes: no text has more tokens than that.
    pub input_bytes: u64,
    /// The most output of one choice.
    pub output: Output,
    /// How many answers it asks for, at least 1.
    pub choices: u64,
    /// What else it consumes, and the class of service. Its input is not looked at.
    pub other: Usage,
}

/// The most output of one choice, in tokens, and where that is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// It has none, or none that a bound could be put on.
    None,
    /// The client's own bound, which the provider gets.
    Asked(u64),
    /// The model cannot give more.
    Limited(u64),
    /// Nobody knows.
    Unknown,
    /// Nobody knows, and nobody can be told of a bound.
    Unbounded,
}

/// What is set aside for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The most it may consume.
    pub most: Usage,
    /// What that costs at the dearest rates it can reach.
    pub amount: NanoUsd,
    /// The bound on one choice's output that the provider has to be told.
    pub bound: Option<u64>,
}

impl WorstCase {
    /// A call that consumes no more than this, whatever the provider does.
    pub fn of(most: Usage, input_bytes: u64) -> Self {
        let counted_input = most.total_input().unwrap_or(0);
        Self { counted_input, input_bytes, output: Output::None, choices: 1, other: most }
    }

    /// The same for another dialect than the client's: those who write it ask for no fewer tokens than
    /// what providers take at all.
    #[must_use]
    pub fn translated(self) -> Self {
        let Output::Asked(tokens) = self.output else { return self };
        Self { output: Output::Asked(tokens.max(LEAST_OUTPUT)), ..self }
    }

    /// What is set aside where no budget minds: all of it, by the plain count.
    pub fn whole(&self, price: Option<&PinnedPrice>) -> Fit {
        self.with(price, self.counted_input, self.most_output(), None)
    }

    /// What is set aside under budgets: all of it, or as much output as they can pay. Where not even a
    /// short answer can be paid the fit is beyond them, for the budget in the way to refuse it.
    ///
    /// `input` is the estimate in tokens. A strict budget counts every byte as a token and relies on no
    /// assumption.
    pub fn within(&self, terms: &Terms, input: u64, price: Option<&PinnedPrice>) -> Fit {
        let input = if terms.is_strict { self.input_bytes.max(self.counted_input) } else { input };
        let most = self.most_output();
        let assumes = terms.is_strict && self.output == Output::Unknown;
        let whole = self.with(price, input, most, most.filter(|_| assumes));
        if whole.is_within(terms) || !self.may_be_bounded() {
            return whole;
        }
        let bought = |output: &u64| self.with(price, input, Some(*output), None).is_within(terms);
        let output = largest(LEAST_OUTPUT..most.unwrap_or(LEAST_OUTPUT), bought);
        self.with(price, input, Some(output), Some(output))
    }

    /// Whether less output than the most can be asked for.
    pub const fn may_be_bounded(&self) -> bool {
        matches!(self.output, Output::Limited(_) | Output::Unknown)
    }

    /// The most output that is certain: what the provider was told or the model can give. `None` where
    /// that is not known.
    pub fn certain_output(&self, bound: Option<u64>) -> Option<u64> {
        let one = match self.output {
            Output::Asked(tokens) | Output::Limited(tokens) => Some(bound.unwrap_or(tokens)),
            Output::Unknown => bound,
            Output::None | Output::Unbounded => None,
        };
        one.map(|tokens| tokens.saturating_mul(self.choices))
    }

    /// All that the call may have consumed, by the plain count of its input.
    pub fn spent_in_full(&self, bound: Option<u64>) -> Usage {
        self.with(None, self.counted_input, bound.or(self.most_output()), None).most
    }

    fn most_output(&self) -> Option<u64> {
        match self.output {
            Output::None => None,
            Output::Asked(tokens) | Output::Limited(tokens) => Some(tokens),
            Output::Unknown | Output::Unbounded => Some(ASSUMED_OUTPUT),
        }
    }

    fn with(&self, price: Option<&PinnedPrice>, input: u64, output: Option<u64>, bound: Option<u64>) -> Fit {
        let classes = Usage {
            input: (input > 0 || self.other.total_input().is_some()).then_some(input),
            cached_read: None,
            cache_write: None,
            cache_write_1h: None,
            audio_input: None,
            image_input: None,
            ..self.other
        };
        let output = output.map(|tokens| tokens.saturating_mul(self.choices.max(1)));
        let most = Usage { output: output.or(classes.output), ..classes };
        Fit { most, amount: PinnedPrice::worst_case(price, &most), bound }
    }
}

impl Fit {
    /// The most tokens, of all classes.
    pub fn tokens(&self) -> u64 {
        tokens(&self.most)
    }

    fn is_within(&self, terms: &Terms) -> bool {
        self.amount <= terms.left && self.tokens() <= terms.tokens_left
    }
}

/// All tokens of a usage, of input and output.
pub fn tokens(usage: &Usage) -> u64 {
    usage.total_input().unwrap_or(0).saturating_add(usage.total_output().unwrap_or(0))
}

/// The largest number of a range that fits; its start where none does. What fits is below what does not.
fn largest(range: std::ops::Range<u64>, fits: impl Fn(&u64) -> bool) -> u64 {
    let (mut low, mut high) = (range.start, range.end.max(range.start));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(&middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::id::PriceId;
    use megarouter_domain::money::NanoUsdPerMillion;
    use megarouter_domain::price::{Rates, Tariff, Tier};

    use super::*;

    /// A dollar for a million tokens of input, two of output; ten times that above 1,000 of input.
    fn price() -> PinnedPrice {
        let rates = |factor: u64| Rates {
            input: NanoUsdPerMillion(factor * 1_000_000_000),
            output: NanoUsdPerMillion(factor * 2_000_000_000),
            ..Rates::default()
        };
        let tier = Tier { service: None, above_input_tokens: Some(1_000), rates: rates(10) };
        let tariff = Arc::new(Tariff { rates: rates(1), tiers: vec![tier] });
        PinnedPrice { id: PriceId::new(Timestamp::default(), [0; 10]), tariff }
    }

    fn terms(left: i64, is_strict: bool) -> Terms {
        Terms { left: NanoUsd(left), tokens_left: u64::MAX, is_strict }
    }

    fn case(output: Output) -> WorstCase {
        WorstCase { counted_input: 100, input_bytes: 400, output, choices: 2, other: Usage::UNREPORTED }
    }

    #[test]
    fn all_of_it_is_held_where_it_can_be_paid() {
        let fit = case(Output::Limited(1_000)).within(&terms(i64::MAX, false), 100, Some(&price()));
        assert_eq!((fit.amount, fit.bound), (NanoUsd(100_000 + 4_000_000), None));
        assert_eq!(fit, case(Output::Limited(1_000)).whole(Some(&price())));
    }

    #[test]
    fn what_can_be_paid_is_held_and_told_where_not() {
        let left = terms(500_000, false);
        let fit = case(Output::Limited(1_000)).within(&left, 100, Some(&price()));
        assert_eq!((fit.amount, fit.bound, fit.most.output), (left.left, Some(100), Some(200)));
        let asked = case(Output::Asked(1_000)).within(&left, 100, Some(&price()));
        assert_eq!((asked.bound, asked.amount > left.left), (None, true), "the client's own bound stays");
        let few = Terms { tokens_left: 160, ..left };
        assert_eq!(case(Output::Limited(1_000)).within(&few, 100, None).bound, Some(30), "tokens without a price");
    }

    #[test]
    fn less_than_a_short_answer_is_not_asked_for() {
        let left = terms(100_000 + 2 * 15 * 2_000, false);
        let fit = case(Output::Unknown).within(&left, 100, Some(&price()));
        assert_eq!(fit.bound, Some(LEAST_OUTPUT));
        assert!(fit.amount > left.left);
    }

    #[test]
    fn strict_counts_bytes_and_assumes_nothing() {
        let strict = case(Output::Unknown).within(&terms(i64::MAX, true), 100, Some(&price()));
        assert_eq!((strict.most.input, strict.bound), (Some(400), Some(ASSUMED_OUTPUT)));
        let normal = case(Output::Unknown).within(&terms(i64::MAX, false), 120, Some(&price()));
        assert_eq!((normal.most.input, normal.bound), (Some(120), None));
    }

    #[test]
    fn the_dearest_rate_within_reach_is_held() {
        let near = WorstCase { counted_input: 600, ..case(Output::Asked(10)) };
        assert_eq!(near.whole(Some(&price())).amount, NanoUsd(10 * (600_000 + 40_000)));
    }

    #[test]
    fn what_is_certain_is_what_the_provider_knows() {
        assert_eq!(case(Output::Asked(10)).certain_output(None), Some(20));
        assert_eq!(case(Output::Limited(10)).certain_output(Some(4)), Some(8));
        assert_eq!(case(Output::Unknown).certain_output(None), None);
    }
}
