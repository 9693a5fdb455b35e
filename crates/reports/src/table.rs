//! Tables with typed columns.

use chrono::NaiveDate;
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};

/// A table; every row has one cell for each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The columns' names, snake case, with the unit where there is one.
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A day, UTC.
    Day(NaiveDate),
    /// An amount in US dollars.
    Usd(NanoUsd),
    /// A number of things.
    Count(u64),
    /// A text that may come from outside.
    Text(String),
}

impl Cell {
    /// The cell as plain text: dates as in ISO 8601, amounts as exact decimals without a sign for
    /// the currency.
    pub fn to_plain(&self) -> String {
        match self {
            Self::Day(day) => day.to_string(),
            Self::Usd(amount) => decimal(*amount),
            Self::Count(count) => count.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

fn decimal(amount: NanoUsd) -> String {
    let sign = if amount.0 < 0 { "-" } else { "" };
    format!("{sign}{}", NanoUsdPerMillion(amount.0.unsigned_abs()).to_usd())
}
