//! Requests, added up.

use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;

/// Figures over many requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many.
    pub requests: u64,
    /// Those that neither completed nor were left by their client.
    pub errors: u64,
    /// Input tokens of all classes; requests that reported none add nothing.
    pub input_tokens: u64,
    /// Output tokens of all classes; requests that reported none add nothing.
    pub output_tokens: u64,
    /// All known costs.
    pub amount: NanoUsd,
    /// Requests with an exact cost.
    pub exact: u64,
    /// Requests with an estimated cost.
    pub estimated: u64,
    /// Requests whose cost is not known; they add nothing to `amount`.
    pub unknown: u64,
}

impl Sums {
    /// Adds other requests.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.amount += other.amount;
        self.exact += other.exact;
        self.estimated += other.estimated;
        self.unknown += other.unknown;
    }

    /// The costs as one; how many requests are missing from the amount is said by `unknown`.
    pub const fn cost(&self) -> Cost {
        Cost::of_sum(self.amount, self.exact, self.estimated, self.unknown)
    }
}
