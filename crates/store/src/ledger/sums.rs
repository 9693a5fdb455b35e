//! Requests, added up.

use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Outcome;

use crate::error::Error;
use crate::row::Reading;

/// Figures over many requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many.
    pub requests: u64,
    /// Those for which a provider was to be called.
    pub admitted: u64,
    /// Those that neither completed nor were left by their client.
    pub errors: u64,
    /// Those of the errors that we refused.
    pub refused: u64,
    /// Input tokens of all classes; requests that reported none add nothing.
    pub input_tokens: u64,
    /// Of the input tokens, those read from a cache.
    pub cached_tokens: u64,
    /// Of the input tokens, those written to a cache.
    pub cache_write_tokens: u64,
    /// Output tokens of all classes; requests that reported none add nothing.
    pub output_tokens: u64,
    /// Of the output tokens, those spent on reasoning.
    pub reasoning_tokens: u64,
    /// All known costs, with what admins corrected.
    pub amount: NanoUsd,
    /// Requests with an exact cost.
    pub exact: u64,
    /// Requests with an estimated cost.
    pub estimated: u64,
    /// Requests whose cost is not known, or not of all attempts.
    pub unknown: u64,
}

/// The sums of rows of `rollups`, as columns of a question; read by [`Sums::read`].
macro_rules! sum_columns {
    () => {
        "CAST(coalesce(sum(requests), 0) AS BIGINT) AS requests,
         CAST(coalesce(sum(admitted), 0) AS BIGINT) AS admitted,
         CAST(coalesce(sum(CASE WHEN outcome IN (0, 3) THEN 0 ELSE requests END), 0) AS BIGINT) AS errors,
         CAST(coalesce(sum(CASE WHEN outcome = 2 THEN requests ELSE 0 END), 0) AS BIGINT) AS refused,
         CAST(coalesce(sum(input_tokens), 0) AS BIGINT) AS input_tokens,
         CAST(coalesce(sum(cached_tokens), 0) AS BIGINT) AS cached_tokens,
         CAST(coalesce(sum(cache_write_tokens), 0) AS BIGINT) AS cache_write_tokens,
         CAST(coalesce(sum(output_tokens), 0) AS BIGINT) AS output_tokens,
         CAST(coalesce(sum(reasoning_tokens), 0) AS BIGINT) AS reasoning_tokens,
         CAST(coalesce(sum(amount), 0) AS BIGINT) AS amount,
         CAST(coalesce(sum(exact), 0) AS BIGINT) AS exact,
         CAST(coalesce(sum(estimated), 0) AS BIGINT) AS estimated,
         CAST(coalesce(sum(unknown), 0) AS BIGINT) AS unknown"
    };
}
pub(crate) use sum_columns;

/// The same over rows of `requests`.
macro_rules! request_sum_columns {
    () => {
        "count(*) AS requests,
         CAST(coalesce(sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS admitted,
         CAST(coalesce(sum(CASE WHEN outcome IN (0, 3) THEN 0 ELSE 1 END), 0) AS BIGINT) AS errors,
         CAST(coalesce(sum(CASE WHEN outcome = 2 THEN 1 ELSE 0 END), 0) AS BIGINT) AS refused,
         CAST(coalesce(sum(input_tokens), 0) AS BIGINT) AS input_tokens,
         CAST(coalesce(sum(cached_tokens), 0) AS BIGINT) AS cached_tokens,
         CAST(coalesce(sum(cache_write_tokens), 0) AS BIGINT) AS cache_write_tokens,
         CAST(coalesce(sum(output_tokens), 0) AS BIGINT) AS output_tokens,
         CAST(coalesce(sum(reasoning_tokens), 0) AS BIGINT) AS reasoning_tokens,
         CAST(coalesce(sum(amount + adjusted), 0) AS BIGINT) AS amount,
         CAST(coalesce(sum(CASE WHEN cost_state = 1 THEN 1 ELSE 0 END), 0) AS BIGINT) AS exact,
         CAST(coalesce(sum(CASE WHEN cost_state = 2 THEN 1 ELSE 0 END), 0) AS BIGINT) AS estimated,
         CAST(coalesce(sum(CASE WHEN cost_state = 3 THEN 1 ELSE 0 END), 0) AS BIGINT) AS unknown"
    };
}
pub(crate) use request_sum_columns;

impl Sums {
    /// Adds other requests.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.admitted += other.admitted;
        self.errors += other.errors;
        self.refused += other.refused;
        self.input_tokens += other.input_tokens;
        self.cached_tokens += other.cached_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.output_tokens += other.output_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.amount += other.amount;
        self.exact += other.exact;
        self.estimated += other.estimated;
        self.unknown += other.unknown;
    }

    /// Takes other requests away.
    pub(crate) fn remove(&mut self, other: &Self) {
        let take = |from: &mut u64, count: u64| *from = from.saturating_sub(count);
        take(&mut self.requests, other.requests);
        take(&mut self.admitted, other.admitted);
        take(&mut self.errors, other.errors);
        take(&mut self.refused, other.refused);
        take(&mut self.input_tokens, other.input_tokens);
        take(&mut self.cached_tokens, other.cached_tokens);
        take(&mut self.cache_write_tokens, other.cache_write_tokens);
        take(&mut self.output_tokens, other.output_tokens);
        take(&mut self.reasoning_tokens, other.reasoning_tokens);
        self.amount = self.amount - other.amount;
        take(&mut self.exact, other.exact);
        take(&mut self.estimated, other.estimated);
        take(&mut self.unknown, other.unknown);
    }

    /// The costs as one; how many requests are missing from the amount is said by `unknown`.
    pub const fn cost(&self) -> Cost {
        Cost::of_sum(self.amount, self.exact, self.estimated, self.unknown)
    }

    /// The sums of a row that has all of them as columns.
    pub(crate) fn read(reading: &Reading<'_>) -> Result<Self, Error> {
        Ok(Self {
            requests: reading.count("requests")?,
            admitted: reading.count("admitted")?,
            errors: reading.count("errors")?,
            refused: reading.count("refused")?,
            input_tokens: reading.count("input_tokens")?,
            cached_tokens: reading.count("cached_tokens")?,
            cache_write_tokens: reading.count("cache_write_tokens")?,
            output_tokens: reading.count("output_tokens")?,
            reasoning_tokens: reading.count("reasoning_tokens")?,
            amount: NanoUsd(reading.get("amount")?),
            exact: reading.count("exact")?,
            estimated: reading.count("estimated")?,
            unknown: reading.count("unknown")?,
        })
    }
}

/// An outcome as the tables have it. The order of [`Outcome::ALL`] is for good.
pub(crate) fn outcome_code(outcome: Outcome) -> i64 {
    let place = Outcome::ALL.iter().position(|known| *known == outcome);
    place.and_then(|place| i64::try_from(place).ok()).expect("the list has every outcome")
}

/// What [`outcome_code`] stands for.
pub(crate) fn outcome_of(code: i64) -> Option<Outcome> {
    Outcome::ALL.get(usize::try_from(code).ok()?).copied()
}

/// The state of a cost as the tables have it.
pub(crate) const fn cost_code(cost: Cost) -> i64 {
    match cost {
        Cost::NotBillable => 0,
        Cost::Exact(_) => 1,
        Cost::Estimated(_) => 2,
        Cost::Unknown => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_outcomes_are_for_good() {
        let codes = [Outcome::Completed, Outcome::Failed, Outcome::Refused, Outcome::ClientLeft, Outcome::Truncated];
        for (code, outcome) in (0..).zip(codes) {
            assert_eq!(outcome_code(outcome), code);
            assert_eq!(outcome_of(code), Some(outcome));
        }
        assert_eq!(outcome_of(5), None);
        assert_eq!(outcome_of(-1), None);
    }
}
