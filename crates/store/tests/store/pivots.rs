//! Pivots: every request is in one cell, by whatever it is added up.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::Zone;
use megarouter_domain::record::Outcome;
use megarouter_domain::tag::Tag;
use megarouter_store::error::Error;
use megarouter_store::ledger::pivot::{Dimension, Label, Pivot, PivotQuery};
use megarouter_store::ledger::requests::Filter;
use megarouter_store::ledger::selection::Selection;
use megarouter_store::ledger::sums::Sums;
use proptest::prelude::*;

use crate::both::Both;
use crate::openings::{CHAINS, call, tags, tree};
use crate::traffic::{Call, NOON, key, unit};

const DAY: Duration = Duration::from_secs(86_400);

fn dimensions() -> Vec<Dimension> {
    use Dimension as By;
    vec![
        By::Hour,
        By::Day,
        By::Week,
        By::Month,
        By::HourOfWeek,
        By::Department,
        By::Team,
        By::Project,
        By::Member,
        By::App,
        By::Key,
        By::Model,
        By::Provider,
        By::Tag("env".into()),
        By::Tag("ticket".into()),
        By::Status,
        By::Outcome,
    ]
}

fn query(rows: Dimension, columns: Option<Dimension>) -> PivotQuery {
    let (from, to) = (NOON.minus(DAY * 5), NOON.plus(DAY));
    PivotQuery { from, to, zone: Zone::UTC, rows, columns, selection: Selection::default(), outcome: None }
}

fn add<'a>(sums: impl Iterator<Item = &'a Sums>) -> Sums {
    let mut total = Sums::default();
    sums.for_each(|sums| total.add(sums));
    total
}

/// Cells, rows and columns each come to the total.
fn assert_adds_up(pivot: &Pivot) {
    let total = pivot.total.sums;
    assert_eq!(add(pivot.cells.iter().map(|cell| &cell.figures.sums)), total);
    assert_eq!(add(pivot.rows.iter().map(|(_, figures)| &figures.sums)), total);
    if !pivot.columns.is_empty() {
        assert_eq!(add(pivot.columns.iter().map(|(_, figures)| &figures.sums)), total);
    }
}

fn requests_of(pivot: &Pivot, label: &Label) -> u64 {
    pivot.rows.iter().find(|(row, _)| row == label).map_or(0, |(_, figures)| figures.sums.requests)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn rows_add_up_to_the_figure_by_whatever_dimension(
        calls in prop::collection::vec((call(), 0..4_usize), 1..40),
        rows in prop::sample::select(dimensions()),
        columns in prop::option::of(prop::sample::select(dimensions())),
        zone in prop::sample::select(vec!["UTC", "America/New_York", "Asia/Kolkata"]),
        unit_of in prop::option::of(1..9_u8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ends = [(Outcome::Completed, 200), (Outcome::Failed, 502), (Outcome::Refused, 429), (Outcome::ClientLeft, 499)];
            let calls: Vec<Call> = (0..).zip(calls).map(|(number, (call, end))| {
                let (outcome, status) = ends[end];
                Call { number, outcome, status, ..call }
            }).collect();
            let both = Both::new().await;
            both.run(&calls).await;
            for rows in [rows.clone()].into_iter().chain(dimensions()) {
                let selection = Selection { unit: unit_of.map(unit), ..Selection::default() };
                let zone = zone.parse().unwrap();
                let asked = PivotQuery { zone, selection, ..query(rows, columns.clone()) };
                let pivot = match both.pivot(&asked, &tree()).await {
                    Err(Error::TwoTags) => continue,
                    answer => answer.unwrap(),
                };
                assert_adds_up(&pivot);
                let filter = Filter { from: Some(pivot.from), to: Some(pivot.to), unit: asked.selection.unit, ..Filter::default() };
                assert_eq!(pivot.total.sums, both.request_sums(&filter).await.unwrap(), "{asked:?}");
                let page = both.requests(&filter, None, 200).await.unwrap();
                assert_eq!(page.rows.len() as u64, pivot.total.sums.requests);
                let amount: NanoUsd = page.rows.iter().map(|row| row.cost.amount()).sum();
                assert_eq!(amount, pivot.total.sums.amount);
            }
        });
    }
}

#[tokio::test]
async fn a_request_is_in_the_row_of_what_it_was_charged_to() {
    let calls: Vec<Call> = (0..10)
        .map(|number| {
            let owner = u8::try_from(number % 5).unwrap();
            let units = CHAINS[usize::from(owner)].to_vec();
            Call { key: owner, units, tags: tags(owner), ..Call::new(number, NOON) }
        })
        .collect();
    let both = Both::new().await;
    both.run(&calls).await;
    let by = async |rows| both.pivot(&query(rows, None), &tree()).await.unwrap();
    let teams = by(Dimension::Team).await;
    let counts = [Label::Unit(unit(2)), Label::Unit(unit(3)), Label::None].map(|label| requests_of(&teams, &label));
    assert_eq!(counts, [4, 4, 2]);
    assert_eq!(requests_of(&by(Dimension::Project).await, &Label::Unit(unit(8))), 4);
    assert_eq!(requests_of(&by(Dimension::Member).await, &Label::Unit(unit(6))), 2);
    assert_eq!(requests_of(&by(Dimension::App).await, &Label::None), 8);
    assert_eq!(requests_of(&by(Dimension::Key).await, &Label::Key(key(4))), 2);
    assert_eq!(requests_of(&by(Dimension::Department).await, &Label::Unit(unit(1))), 8);
    let environments = by(Dimension::Tag("env".into())).await;
    let name = |name: &str| Label::Name(Arc::from(name));
    let counts = [name("prod"), name("test"), Label::None].map(|label| requests_of(&environments, &label));
    assert_eq!(counts, [4, 2, 4]);
    // Of one team too.
    let selection = Selection { unit: Some(unit(2)), ..Selection::default() };
    let by_tag = PivotQuery { selection, ..query(Dimension::Tag("env".into()), None) };
    let environments = both.pivot(&by_tag, &tree()).await.unwrap();
    let prod = Tag::new("env", "prod").unwrap();
    let of_team = |call: &&Call| call.units.contains(&2) && call.tags.contains(&prod);
    let expected = calls.iter().filter(of_team).count() as u64;
    assert!(expected > 0);
    assert_eq!(requests_of(&environments, &name("prod")), expected);
    // 2026-11-22 is a Sunday; noon in UTC is seven in New York.
    let hours = by(Dimension::HourOfWeek).await;
    assert_eq!(hours.rows.iter().map(|(label, _)| label.clone()).collect::<Vec<_>>(), [Label::HourOfWeek(6 * 24 + 12)]);
    let zone = "America/New_York".parse().unwrap();
    let hours = both.pivot(&PivotQuery { zone, ..query(Dimension::HourOfWeek, None) }, &tree()).await.unwrap();
    assert_eq!(hours.rows[0].0, Label::HourOfWeek(6 * 24 + 7));
    let days = both.pivot(&PivotQuery { zone, ..query(Dimension::Day, None) }, &tree()).await.unwrap();
    let midnight = Timestamp::parse_rfc3339("2026-11-22T00:00:00-05:00").unwrap();
    assert_eq!(days.rows[0].0, Label::Time(midnight));
    let p95 = teams.total.p95.unwrap();
    assert!(p95.as_millis().abs_diff(100) <= 3, "{p95:?}");
    let units = both.unit_activity(Timestamp::default()).await.unwrap();
    assert_eq!((units[&unit(2)].sums.requests, units[&unit(1)].sums.requests), (4, 8));
    assert_eq!(units[&unit(8)].last_used_at, Some(NOON));
}

#[tokio::test]
async fn lists_are_filtered_by_what_requests_were_charged_to() {
    let calls: Vec<Call> = (0..40)
        .map(|number| {
            let owner = u8::try_from(number % 5).unwrap();
            let units = CHAINS[usize::from(owner)].to_vec();
            let session = (number % 4 == 0).then_some("one");
            let at = NOON.plus(Duration::from_secs(u64::from(number) * 97));
            Call { key: owner, units, tags: tags(owner), session, ..Call::new(number, at) }
        })
        .collect();
    let both = Both::new().await;
    both.run(&calls).await;
    let env = tags(1).remove(0);
    let filters = [
        (Filter { unit: Some(unit(1)), ..Filter::default() }, 32),
        (Filter { unit: Some(unit(4)), ..Filter::default() }, 8),
        (Filter { unit: Some(unit(4)), from: Some(NOON.plus(Duration::from_secs(1_000))), ..Filter::default() }, 5),
        (Filter { tag: Some(env.clone()), ..Filter::default() }, 16),
        (Filter { tag: Some(env), unit: Some(unit(4)), ..Filter::default() }, 0),
        (Filter { session: Some("one".into()), ..Filter::default() }, 10),
        (Filter { session: Some("one".into()), key_id: Some(key(0)), ..Filter::default() }, 2),
        (Filter { key_id: Some(key(9)), ..Filter::default() }, 0),
    ];
    for (filter, expected) in filters {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = both.requests(&filter, cursor, 3).await.unwrap();
            seen.extend(page.rows.iter().map(|row| (row.started_at, row.request_id)));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), expected, "{filter:?}");
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{filter:?}");
        assert_eq!(both.request_sums(&filter).await.unwrap().requests, expected as u64, "{filter:?}");
    }
}
