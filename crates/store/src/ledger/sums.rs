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
    /// The known costs as one cost. Unknown only when nothing is known: how many requests are
    /// missing from the amount is said by `unknown`.
    pub fn cost(&self) -> Cost {
        match (self.exact, self.estimated, self.unknown) {
            (0, 0, 0) => Cost::NotBillable,
            (0, 0, _) => Cost::Unknown,
            (_, 0, _) => Cost::Exact(self.amount),
            _ => Cost::Estimated(self.amount),
        }
    }
}
