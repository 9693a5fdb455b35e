//! What the command line says: results to standard output, everything else to standard error.

use std::io::{self, Write as _};

use serde::Deserialize;

/// Writes one line of a result. Nobody reading is no failure: `requests tail | head` ends so.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Writes a result as it is.
pub fn pour(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes one line for the person at the terminal.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says what went wrong, with its causes.
pub fn complain(error: &anyhow::Error) {
    let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    note(&format!("error: {}", causes.join(": ")));
}

/// Writes rows under their headings, in columns as wide as needed.
pub fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    say(&line(headings.to_vec()));
    for row in rows {
        say(&line(row.iter().map(String::as_str).collect()));
    }
}

/// A cost as the control API sends it.
#[derive(Debug, Deserialize)]
pub struct Cost {
    state: String,
    amount: String,
}

impl Cost {
    /// The cost in USD, e.g. `$0.003100`; in words where there is none or nobody knows.
    pub fn in_words(&self) -> String {
        let nanos: i128 = self.amount.parse().unwrap_or(0);
        match self.state.as_str() {
            "not_billable" => "not billed".to_owned(),
            "unknown" if nanos == 0 => "unknown".to_owned(),
            "unknown" => format!("{}+?", usd(nanos)),
            "estimated" => format!("~{}", usd(nanos)),
            _ => usd(nanos),
        }
    }
}

/// An exact amount of nano-USD as people write it: `$14,000.00`, `$0.000007`; at least two digits after the point, and
/// no more than it has.
pub fn dollars(nanos: u64) -> String {
    let (whole, fraction) = ((nanos / 1_000_000_000).to_string(), format!("{:09}", nanos % 1_000_000_000));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let cents = fraction.trim_end_matches('0').len().max(2);
    format!("${grouped}.{}", &fraction[..cents])
}

fn usd(nanos: i128) -> String {
    let micros = (nanos + 500) / 1_000;
    format!("${}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_cost_is_never_a_plain_zero() {
        let cost = |state: &str, amount: &str| Cost { state: state.to_owned(), amount: amount.to_owned() }.in_words();
        assert_eq!(cost("exact", "3100000"), "$0.003100");
        assert_eq!(cost("estimated", "1500000000"), "~$1.500000");
        assert_eq!(cost("unknown", "0"), "unknown");
        assert_eq!(cost("not_billable", "0"), "not billed");
    }

    #[test]
    fn amounts_have_the_digits_they_need() {
        assert_eq!(dollars(14_000_000_000_000), "$14,000.00");
        assert_eq!(dollars(1_234_567_500_000_000), "$1,234,567.50");
        assert_eq!(dollars(7_000), "$0.000007");
        assert_eq!(dollars(999_000_000_000), "$999.00");
        assert_eq!(dollars(0), "$0.00");
    }
}
