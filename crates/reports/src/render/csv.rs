//! Tables as CSV, RFC 4180.

use crate::table::{Cell, Table};

/// What makes a spreadsheet take a text for a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

pub fn render(table: &Table) -> Vec<u8> {
    let header = table.columns.join(",");
    let rows = table.rows.iter().map(|row| row.iter().map(field).collect::<Vec<_>>().join(","));
    let mut text = String::new();
    for line in std::iter::once(header).chain(rows) {
        text.push_str(&line);
        text.push_str("\r\n");
    }
    text.into_bytes()
}

fn field(cell: &Cell) -> String {
    let plain = cell.to_plain();
    // Only texts can come from outside; a negative amount is a number and stays one.
    let is_dangerous = matches!(cell, Cell::Text(_)) && plain.starts_with(FORMULA_STARTS);
    let safe = if is_dangerous { format!("'{plain}") } else { plain };
    if safe.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use megarouter_domain::money::NanoUsd;

    use super::*;

    fn line(cells: Vec<Cell>) -> String {
        let table = Table { columns: vec!["a"], rows: vec![cells] };
        String::from_utf8(render(&table)).unwrap().strip_prefix("a\r\n").unwrap().to_owned()
    }

    #[test]
    fn texts_that_a_spreadsheet_would_run_are_defused() {
        for start in FORMULA_STARTS {
            let written = line(vec![Cell::Text(format!("{start}HYPERLINK(1)"))]);
            assert!(written.trim_start_matches('"').starts_with(&format!("'{start}")), "{written:?}");
        }
    }

    #[test]
    fn separators_and_quotes_stay_inside_their_field() {
        let texts = ["plain", "a,b", "say \"hi\"", "two\nlines"].map(|text| Cell::Text(text.to_owned()));
        assert_eq!(line(texts.into()), "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n");
    }

    #[test]
    fn a_negative_amount_stays_a_number() {
        assert_eq!(line(vec![Cell::Usd(NanoUsd(-1_500_000_000))]), "-1.5\r\n");
    }
}
