//! The questions that the API asks the ledger.

use std::time::Duration;

use crate::both::Both;
use crate::traffic::{Call, NOON, key, provider};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Outcome;
use megarouter_store::error::Error;
use megarouter_store::ledger::Ledger;
use megarouter_store::ledger::overview::{Bucket, Question};
use megarouter_store::ledger::requests::Filter;

const MINUTE: Duration = Duration::from_secs(60);

async fn ledger_of(calls: &[Call]) -> ((), Both) {
    let both = Both::new().await;
    both.run(calls).await;
    ((), both)
}

fn question(from: Timestamp, to: Timestamp) -> Question {
    Question { from, to, bucket: None, key_id: None, model: None, provider: None }
}

#[tokio::test]
async fn pages_miss_nothing_and_repeat_nothing_when_times_are_equal() {
    let calls: Vec<Call> =
        (0..25).map(|number| Call::new(number, NOON.plus(MINUTE * u32::from(number / 10)))).collect();
    let ((), ledger) = ledger_of(&calls).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = ledger.requests(&Filter::default(), cursor, 4).await.unwrap();
        assert!(page.rows.len() <= 4);
        seen.extend(page.rows.iter().map(|row| (row.started_at, row.request_id)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let mut expected: Vec<_> = calls.iter().map(|call| (call.at, call.request_id())).collect();
    expected.sort_unstable();
    expected.reverse();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn filters_and_sums_speak_of_the_same_rows() {
    let calls = [
        Call::new(1, NOON),
        Call { key: 2, ..Call::new(2, NOON) },
        Call { model: "50%_off", ..Call::new(3, NOON) },
        Call { provider: 2, is_priced: false, ..Call::new(4, NOON) },
        Call { outcome: Outcome::Failed, ..Call::new(5, NOON.plus(MINUTE)) },
        Call { outcome: Outcome::ClientLeft, ..Call::new(6, NOON.plus(MINUTE)) },
    ];
    let ((), ledger) = ledger_of(&calls).await;
    let id = calls[2].request_id().to_string();
    let filters = [
        (Filter::default(), 6, 1),
        (Filter { from: Some(NOON.plus(MINUTE)), ..Filter::default() }, 2, 1),
        (Filter { to: Some(NOON.plus(MINUTE)), ..Filter::default() }, 4, 0),
        (Filter { key_id: Some(key(2)), ..Filter::default() }, 1, 0),
        (Filter { model: Some("gpt-5".into()), ..Filter::default() }, 5, 1),
        (Filter { provider: Some("provider-2".into()), ..Filter::default() }, 1, 0),
        (Filter { outcome: Some(Outcome::Failed), ..Filter::default() }, 1, 1),
        (Filter { search: Some("GPT".into()), ..Filter::default() }, 5, 1),
        (Filter { search: Some("0%_o".into()), ..Filter::default() }, 1, 0),
        (Filter { search: Some("%".into()), ..Filter::default() }, 1, 0),
        (Filter { search: Some("gpt_5".into()), ..Filter::default() }, 0, 0),
        (Filter { search: Some(id), ..Filter::default() }, 1, 0),
        (Filter { search: Some("' OR 1=1 --".into()), ..Filter::default() }, 0, 0),
        (Filter { search: Some("  ".into()), ..Filter::default() }, 6, 1),
    ];
    for (filter, requests, errors) in filters {
        let page = ledger.requests(&filter, None, 100).await.unwrap();
        let sums = ledger.request_sums(&filter).await.unwrap();
        assert_eq!(page.rows.len(), requests, "{filter:?}");
        assert_eq!((sums.requests, sums.errors), (requests as u64, errors), "{filter:?}");
        let amount: NanoUsd = page.rows.iter().map(|row| row.cost.amount()).sum();
        assert_eq!(sums.amount, amount, "{filter:?}");
        let tokens: u64 = page.rows.iter().filter_map(|row| row.usage.total_input()).sum();
        assert_eq!(sums.input_tokens, tokens, "{filter:?}");
    }
}

#[tokio::test]
async fn sums_agree_with_the_rows_wherever_a_range_begins_and_ends() {
    let spread = |number: u16| NOON.plus(Duration::from_secs(u64::from(number) * 4_111));
    let calls: Vec<Call> =
        (0..60).map(|number| Call { is_priced: number % 3 > 0, ..Call::new(number, spread(number)) }).collect();
    let ((), ledger) = ledger_of(&calls).await;
    for (begin, end) in (0..60).flat_map(|begin| [(begin, 59), (begin / 2, 59 - begin / 2), (begin, begin)]) {
        let filter = Filter { from: Some(spread(begin)), to: Some(spread(end)), ..Filter::default() };
        let sums = ledger.request_sums(&filter).await.unwrap();
        let rows = ledger.requests(&filter, None, 200).await.unwrap().rows;
        assert_eq!(sums.requests, rows.len() as u64, "{begin} to {end}");
        assert_eq!(sums.amount, rows.iter().map(|row| row.cost.amount()).sum(), "{begin} to {end}");
        let unknown = rows.iter().filter(|row| row.cost == Cost::Unknown).count();
        assert_eq!((sums.unknown, sums.exact), (unknown as u64, (rows.len() - unknown) as u64), "{begin} to {end}");
    }
}

#[tokio::test]
async fn an_unknown_cost_is_not_zero_and_an_unreported_class_is_not_either() {
    let calls = [Call { is_priced: false, ..Call::new(1, NOON) }];
    let ((), ledger) = ledger_of(&calls).await;
    let detail = ledger.request(calls[0].request_id()).await.unwrap().unwrap();
    assert_eq!(detail.record.cost, Cost::Unknown);
    assert_eq!(detail.record.usage.reasoning, None);
    assert_eq!(detail.attempts[0].price, None);
    assert_eq!(detail.attempts[0].hold, NanoUsd::ZERO);
    let sums = ledger.request_sums(&Filter::default()).await.unwrap();
    assert_eq!((sums.unknown, sums.cost()), (1, Cost::Unknown));
    let overview = ledger.overview(&question(NOON, NOON.plus(MINUTE))).await.unwrap();
    assert_eq!((overview.current.sums.unknown, overview.current.sums.cost()), (1, Cost::Unknown));
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_written() {
    let call = Call::new(1, NOON);
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    let entries = call.run(&mut engine);
    ledger.append(&entries).await.unwrap();
    let megarouter_ledger::entry::Fact::Finished(written) = &entries[2].fact else { panic!() };
    let detail = ledger.request(call.request_id()).await.unwrap().unwrap();
    assert_eq!(detail.record, **written);
    assert_eq!(detail.attempts.len(), 1);
    assert_eq!(ledger.request(Call::new(2, NOON).request_id()).await.unwrap(), None);
}

#[tokio::test]
async fn an_overview_has_every_bucket_and_the_range_before() {
    let at = |minutes: u32| NOON.plus(MINUTE * minutes);
    let calls = [
        Call::new(1, at(1)),
        Call { total: Duration::from_millis(900), ..Call::new(2, at(2)) },
        Call { key: 2, model: "small", outcome: Outcome::Failed, ..Call::new(3, at(7)) },
        Call::new(4, at(31)),
        // The half hour before, and far away.
        Call::new(5, Timestamp::from_micros(NOON.as_micros() - 1)),
        Call::new(6, at(60)),
    ];
    let ((), ledger) = ledger_of(&calls).await;
    let overview = ledger.overview(&question(NOON, at(30))).await.unwrap();
    assert_eq!((overview.from, overview.to, overview.bucket), (NOON, at(30), Bucket::FiveMinutes));
    let requests: Vec<u64> = overview.series.iter().map(|point| point.figures.sums.requests).collect();
    assert_eq!(requests, [2, 1, 0, 0, 0, 0]);
    assert_eq!(overview.current.sums.requests, 3);
    assert_eq!(overview.current.sums.errors, 1);
    assert_eq!(overview.current.sums.cost(), Cost::Exact(NanoUsd(3 * 2_600_000)));
    assert_eq!((overview.current.sums.input_tokens, overview.current.sums.output_tokens), (2_700, 300));
    assert_eq!(overview.previous.sums.requests, 1);
    let near = |found: Option<Duration>, expected: u64| {
        found.is_some_and(|found| u64::try_from(found.as_millis()).unwrap().abs_diff(expected) <= expected / 30)
    };
    assert!(near(overview.current.p50, 100) && near(overview.current.p95, 900), "{:?}", overview.current);
    assert_eq!(overview.series[1].figures.p50, None, "a failed request says nothing about speed");
    let models: Vec<_> = overview.by_model.iter().map(|(model, sums)| (model.as_deref(), sums.requests)).collect();
    assert_eq!(models, [(Some("gpt-5"), 2), (Some("small"), 1)]);
    let keys: Vec<_> = overview.by_key.iter().map(|(key, sums)| (*key, sums.requests)).collect();
    assert_eq!(keys, [(key(1), 2), (key(2), 1)]);

    let filtered = Question { model: Some("small".into()), ..question(NOON, at(30)) };
    assert_eq!(ledger.overview(&filtered).await.unwrap().current.sums.requests, 1);
    for bucket in Bucket::ALL {
        let whole = Question { bucket: Some(*bucket), ..question(at(0), at(61)) };
        assert_eq!(
            ledger.overview(&whole).await.unwrap().current.sums.requests,
            if *bucket == Bucket::Day { 6 } else { 5 }
        );
    }
}

#[tokio::test]
async fn an_overview_of_too_many_points_or_none_is_refused() {
    let ((), ledger) = ledger_of(&[]).await;
    let year = NOON.plus(MINUTE * 60 * 24 * 365);
    let wide = Question { bucket: Some(Bucket::FiveMinutes), ..question(NOON, year) };
    assert!(matches!(ledger.overview(&wide).await, Err(Error::Range { .. })));
    assert!(matches!(ledger.overview(&question(NOON, NOON)).await, Err(Error::Range { .. })));
    assert!(matches!(ledger.overview(&question(year, NOON)).await, Err(Error::Range { .. })));
    assert_eq!(ledger.overview(&question(NOON, year)).await.unwrap().series.len(), 366);
}

#[tokio::test]
async fn activity_is_by_provider_and_by_key() {
    let calls = [
        Call::new(1, NOON),
        Call { outcome: Outcome::Failed, ..Call::new(2, NOON) },
        Call { provider: 2, key: 2, is_priced: false, ..Call::new(3, NOON.plus(MINUTE * 10)) },
    ];
    let ((), ledger) = ledger_of(&calls).await;
    let providers = ledger.provider_activity(NOON).await.unwrap();
    let first = providers[&provider(1)];
    assert_eq!((first.calls, first.errors, first.costs.amount), (2, 1, NanoUsd(2 * 2_600_000)));
    assert_eq!(first.p95.map(|p95| p95.as_millis().abs_diff(100) <= 3), Some(true));
    assert_eq!(providers[&provider(2)].costs.cost(), Cost::Unknown);
    let keys = ledger.key_activity(NOON.plus(MINUTE * 5)).await.unwrap();
    assert_eq!(keys[&key(1)].last_used_at, Some(NOON));
    assert_eq!(keys[&key(1)].sums.requests, 0, "not since the time asked for");
    assert_eq!(keys[&key(2)].sums.requests, 1);
}
