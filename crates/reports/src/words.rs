//! Amounts, dates and counts in sentences.

use chrono::{Datelike as _, NaiveDate};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;

const NANOS_PER_DOLLAR: u64 = 1_000_000_000;

/// Money for a reader: `$1,204.50`, and `$0.0031` below one dollar.
pub fn money(amount: NanoUsd) -> String {
    if amount.0.unsigned_abs() < NANOS_PER_DOLLAR { small_money(amount) } else { fixed_money(amount, 2) }
}

/// Money with a fixed number of digits after the point, rounded half up; at most 9.
pub fn fixed_money(amount: NanoUsd, digits: u32) -> String {
    let unit = 10_u64.pow(9 - digits.min(9));
    let rounded = (amount.0.unsigned_abs() + unit / 2) / unit;
    let scale = NANOS_PER_DOLLAR / unit;
    let sign = if amount.0 < 0 { "-" } else { "" };
    let whole = grouped(rounded / scale);
    if digits == 0 {
        return format!("{sign}${whole}");
    }
    let width = digits as usize;
    format!("{sign}${whole}.{:0width$}", rounded % scale)
}

/// Two significant digits, and never fewer than two after the point.
fn small_money(amount: NanoUsd) -> String {
    let leading_zeros = 9 - amount.0.unsigned_abs().checked_ilog10().map_or(9, |log| log + 1);
    fixed_money(amount, (leading_zeros + 2).clamp(2, 9))
}

/// A whole number with a comma before every third digit.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 request`, `2,000 requests`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(count)) }
}

/// A range of days, both included: `24 October to 22 November 2026`.
pub fn days(first: NaiveDate, last: NaiveDate) -> String {
    let end = last.format("%-d %B %Y");
    match (first == last, first.year() == last.year()) {
        (true, _) => format!("on {end}"),
        (false, true) => format!("from {} to {end}", first.format("%-d %B")),
        (false, false) => format!("from {} to {end}", first.format("%-d %B %Y")),
    }
}

/// The UTC day of a time.
pub fn day(time: Timestamp) -> NaiveDate {
    time.to_utc().unwrap_or_default().date_naive()
}

/// A time to the minute: `22 November 2026, 14:02 UTC`.
pub fn minute(time: Timestamp) -> String {
    time.to_utc().unwrap_or_default().format("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_well_at_any_size() {
        let written = |nanos| money(NanoUsd(nanos));
        assert_eq!(written(0), "$0.00");
        assert_eq!(written(3_100_000), "$0.0031");
        assert_eq!(written(120_000_000), "$0.12");
        assert_eq!(written(41_204_999_999), "$41.20");
        assert_eq!(written(1_204_500_000_000), "$1,204.50");
        assert_eq!(written(-2_000_000_000), "-$2.00");
        assert_eq!(written(7), "$0.000000007");
    }

    #[test]
    fn ranges_name_the_year_once_where_they_can() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        assert_eq!(days(date(2026, 10, 24), date(2026, 11, 22)), "from 24 October to 22 November 2026");
        assert_eq!(days(date(2025, 12, 31), date(2026, 1, 1)), "from 31 December 2025 to 1 January 2026");
        assert_eq!(days(date(2026, 1, 1), date(2026, 1, 1)), "on 1 January 2026");
    }
}
