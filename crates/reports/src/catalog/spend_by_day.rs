//! What was spent on each UTC day.

use futures_util::FutureExt as _;
use megarouter_store::ledger::overview::{Bucket, Overview, Point, Question};
use megarouter_store::ledger::sums::Sums;

use super::Report;
use crate::Range;
use crate::document::{Bar, BarChart, Document};
use crate::table::{Cell, Table};
use crate::words::{counted, day, days, minute, money};

pub(super) static REPORT: Report = Report {
    id: "spend_by_day",
    title: "Spend by day",
    description: "What was spent on each UTC day, with the number of requests and how sure the amounts are.",
    ask: |ledger, range| async move { Ok(document(&ledger.overview(&question(range)).await?, range)) }.boxed(),
};

fn question(range: Range) -> Question {
    Question { from: range.from, to: range.to, bucket: Some(Bucket::Day), key_id: None, model: None, provider: None }
}

fn document(overview: &Overview, range: Range) -> Document {
    Document { table: table(&overview.series), chart: chart(overview, range) }
}

fn table(series: &[Point]) -> Table {
    Table {
        columns: vec!["day", "spend_usd", "requests", "estimated_cost_requests", "unknown_cost_requests"],
        rows: series.iter().map(row).collect(),
    }
}

fn row(point: &Point) -> Vec<Cell> {
    let sums = &point.figures.sums;
    vec![
        Cell::Day(day(point.at)),
        Cell::Usd(sums.amount),
        Cell::Count(sums.requests),
        Cell::Count(sums.estimated),
        Cell::Count(sums.unknown),
    ]
}

fn chart(overview: &Overview, range: Range) -> BarChart {
    let mut notes = vec![format!("US dollars by UTC day. As of {}.", minute(range.as_of))];
    notes.extend(doubts(&overview.current.sums));
    BarChart { title: title(overview), notes, bars: overview.series.iter().map(bar).collect() }
}

fn title(overview: &Overview) -> String {
    let (Some(first), Some(last)) = (overview.series.first(), overview.series.last()) else {
        return "There are no days in this range".to_owned();
    };
    let (sums, days) = (&overview.current.sums, days(day(first.at), day(last.at)));
    if sums.exact + sums.estimated == 0 && sums.unknown > 0 {
        return format!("What was spent {days} is not known");
    }
    format!("{} was spent on {} {days}", money(sums.amount), counted(sums.requests, "request"))
}

/// What the amounts leave open.
fn doubts(sums: &Sums) -> Vec<String> {
    let mut doubts = Vec::new();
    if sums.unknown > 0 {
        let (count, verb) = (counted(sums.unknown, "request"), if sums.unknown == 1 { "has" } else { "have" });
        doubts.push(format!("{count} {verb} an unknown cost and {verb} no part in the bars; a ring marks those days."));
    }
    if sums.estimated > 0 {
        doubts.push(format!("The cost of {} is estimated.", counted(sums.estimated, "request")));
    }
    doubts
}

fn bar(point: &Point) -> Bar {
    let sums = &point.figures.sums;
    Bar { label: day(point.at).format("%-d %b").to_string(), amount: sums.amount, is_incomplete: sums.unknown > 0 }
}

#[cfg(test)]
mod tests {
    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::money::NanoUsd;
    use megarouter_store::ledger::overview::Figures;

    use super::*;
    use crate::render::{Format, render};

    const DAY: i64 = 86_400_000_000;
    const FIRST: i64 = 20_749 * DAY;

    fn overview(days: &[Sums]) -> Overview {
        let at = |index: usize| Timestamp::from_micros(FIRST + i64::try_from(index).unwrap() * DAY);
        let point = |(index, sums): (usize, &Sums)| Point {
            at: at(index),
            figures: Figures { sums: *sums, ..Figures::default() },
        };
        let mut total = Sums::default();
        for sums in days {
            total.requests += sums.requests;
            total.amount += sums.amount;
            total.exact += sums.exact;
            total.estimated += sums.estimated;
            total.unknown += sums.unknown;
        }
        Overview {
            from: at(0),
            to: at(days.len()),
            bucket: Bucket::Day,
            current: Figures { sums: total, ..Figures::default() },
            previous: Figures::default(),
            series: days.iter().enumerate().map(point).collect(),
            by_model: vec![],
            by_key: vec![],
        }
    }

    fn range(days: i64) -> Range {
        let to = Timestamp::from_micros(FIRST + days * DAY);
        Range { from: Timestamp::from_micros(FIRST), to, as_of: to }
    }

    fn exact(nanos: i64, requests: u64) -> Sums {
        Sums { requests, exact: requests, amount: NanoUsd(nanos), ..Sums::default() }
    }

    #[test]
    fn csv_has_exact_amounts_and_a_row_for_a_day_without_requests() {
        let unknown = Sums { requests: 3, exact: 1, unknown: 2, amount: NanoUsd(1), ..Sums::default() };
        let document = document(&overview(&[exact(1_500_000_000, 7), Sums::default(), unknown]), range(3));
        let csv = String::from_utf8(render(&document, Format::Csv).unwrap()).unwrap();
        let expected = "day,spend_usd,requests,estimated_cost_requests,unknown_cost_requests\r\n\
                        2026-10-23,1.5,7,0,0\r\n\
                        2026-10-24,0,0,0,0\r\n\
                        2026-10-25,0.000000001,3,0,2\r\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn requests_of_unknown_cost_are_named_beside_the_title() {
        let unknown = Sums { requests: 2, unknown: 2, ..Sums::default() };
        let chart = document(&overview(&[unknown, exact(5, 1)]), range(2)).chart;
        assert_eq!(chart.title, "$0.000000005 was spent on 3 requests from 23 October to 24 October 2026");
        assert!(chart.notes[1].starts_with("2 requests have an unknown cost"), "{:?}", chart.notes);
        assert_eq!(chart.bars.iter().map(|bar| bar.is_incomplete).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn nothing_known_is_not_called_zero() {
        let unknown = Sums { requests: 2, unknown: 2, ..Sums::default() };
        let chart = document(&overview(&[unknown]), range(1)).chart;
        assert_eq!(chart.title, "What was spent on 23 October 2026 is not known");
    }

    #[test]
    fn the_chart_says_in_text_what_it_shows() {
        let days: Vec<Sums> = (0..30).map(|index| exact(index * index * 9_100_000, 40)).collect();
        let document = document(&overview(&days), range(30));
        let svg = String::from_utf8(render(&document, Format::Svg).unwrap()).unwrap();
        for text in [document.chart.title.as_str(), "23 Oct", "$8", "US dollars by UTC day."] {
            assert!(svg.contains(text), "the picture lacks `{text}`");
        }
    }
}
