//! What a report says, before it is a file.

use megarouter_domain::money::NanoUsd;

use crate::table::Table;

/// A report's answer: the same facts as a table and as a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Every figure.
    pub table: Table,
    /// The picture of it.
    pub chart: BarChart,
}

/// Amounts side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarChart {
    /// What the chart shows, as a sentence.
    pub title: String,
    /// What a reader must know beside it: units, what is missing, when it was read.
    pub notes: Vec<String>,
    /// The bars, left to right.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it stands for, short.
    pub label: String,
    /// Its height.
    pub amount: NanoUsd,
    /// Whether something of unknown amount is missing from it.
    pub is_incomplete: bool,
}
