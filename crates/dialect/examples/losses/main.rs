//! Prints what every dialect carries and loses, found out by writing each thing for it; `cargo xtask
//! gen` keeps it in `docs/DIALECTS.md`.

#[expect(dead_code, reason = "the tests look at what arrives, the table at what is told")]
mod features;

use std::fmt::Write as _;
use std::io::Write as _;

use features::{COLUMNS, Column, Feature, GROUPS};
use megarouter_dialect::dialects;
use megarouter_dialect::losses::{Losses, Why};
use megarouter_dialect::request::Thinking;

/// What stands before the tables, and what behind them.
const HEAD: &str = include_str!("head.md");
const TAIL: &str = include_str!("tail.md");

fn main() -> std::io::Result<()> {
    let mut page = HEAD.to_owned();
    for group in GROUPS {
        let thinking = |column: &Column| if group.is_about_thinking { column.thinking } else { Thinking::Unknown };
        write_table(&mut page, group.title, group.features, thinking).expect("memory takes every text");
    }
    let budgeted = GROUPS.iter().find(|group| group.title == "Thinking").map_or(&[][..], |group| group.features);
    let title = "Thinking, of models that think by a budget";
    write_table(&mut page, title, budgeted, |_| Thinking::Budget).expect("memory takes every text");
    std::io::stdout().write_all((page + TAIL.trim_end()).as_bytes())
}

fn write_table(
    page: &mut String,
    title: &str,
    features: &[Feature],
    thinking: impl Fn(&Column) -> Thinking,
) -> std::fmt::Result {
    write!(page, "\n### {title}\n\n|")?;
    for column in COLUMNS {
        write!(page, " | {}", column.title)?;
    }
    writeln!(page, " |\n|{}", "---|".repeat(COLUMNS.len() + 1))?;
    for feature in features {
        write!(page, "| {}", feature.title)?;
        for column in COLUMNS {
            write!(page, " | {}", cell(column, feature, thinking(column)))?;
        }
        writeln!(page, " |")?;
    }
    Ok(())
}

/// What becomes of a feature.
fn cell(column: &Column, feature: &Feature, thinking: Thinking) -> String {
    let mut conversation = features::plain();
    (feature.ask)(&mut conversation);
    let mut losses = Losses::default();
    dialects::write_request(column.dialect, &conversation, &column.target(thinking), &mut losses);
    if losses.is_empty() {
        return "carried".to_owned();
    }
    let said = losses.iter().map(|loss| {
        let word = match loss.why {
            Why::Approximated => "near",
            Why::Unsupported | Why::Foreign | Why::Unread => "**lost**",
        };
        format!("{word}: `{}`", loss.what)
    });
    said.collect::<Vec<_>>().join("<br>")
}
