//! The journal on a real file: what is appended stays, once, whatever happens around it.

use crate::traffic::{Call, NOON};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Outcome;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::entry::{Lsn, Resolution};
use megarouter_store::error::Error;
use megarouter_store::ledger::Ledger;
use megarouter_store::ledger::requests::Filter;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

/// What [`Call::settle`] costs: 900 input tokens at 2 and 100 output tokens at 8 dollars a million.
const COST: NanoUsd = NanoUsd(2_600_000);

pub async fn raw(dir: &std::path::Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}/ledger.db", dir.display())).await.expect("the file is there")
}

/// What all calls cost.
pub async fn posted(ledger: &Ledger) -> NanoUsd {
    let providers = ledger.provider_activity(Timestamp::default()).await.expect("the file can be read");
    providers.values().map(|provider| provider.costs.amount).sum()
}

pub async fn assert_sound(ledger: &Ledger) {
    let report = ledger.verify().await.expect("the file can be read");
    assert!(report.is_sound(), "{:#?}", report.unexplained);
}

#[tokio::test]
async fn what_was_appended_is_there_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    for number in 0..100 {
        ledger.append(&Call::new(number, NOON).run(&mut engine)).await.unwrap();
    }
    let posted = posted(&ledger).await;
    // Dropped, not closed.
    drop(ledger);

    let ledger = Ledger::open(dir.path()).await.unwrap();
    let engine = ledger.recover("test", NOON).await.unwrap();
    assert_eq!(self::posted(&ledger).await, posted);
    assert_eq!(posted, NanoUsd(COST.0 * 100));
    assert_eq!(engine.open_holds(), 0);
    assert_eq!(ledger.durable().await.unwrap(), Lsn(302));
    assert_sound(&ledger).await;
}

#[tokio::test]
async fn a_batch_given_again_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    let first = Call::new(1, NOON).run(&mut engine);
    let second = Call::new(2, NOON).run(&mut engine);
    ledger.append(&first).await.unwrap();
    let both = [first.clone(), second].concat();
    assert_eq!(ledger.append(&both).await.unwrap(), Lsn(7));
    assert_eq!(ledger.append(&both).await.unwrap(), Lsn(7));
    assert_eq!(ledger.append(&first).await.unwrap(), Lsn(7));
    assert_eq!(ledger.request_sums(&Filter::default()).await.unwrap().requests, 2);
    assert_sound(&ledger).await;
}

#[tokio::test]
async fn entries_out_of_order_or_changed_are_refused_and_the_ledger_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    let mut entries = Call::new(1, NOON).run(&mut engine);
    assert!(matches!(ledger.append(&entries[1..]).await, Err(Error::Order { last: 1, found: 3 })));
    ledger.append(&entries).await.unwrap();
    entries[0].at = entries[0].at.plus(std::time::Duration::from_secs(1));
    assert!(matches!(ledger.append(&entries).await, Err(Error::Rewritten(2))));
    ledger.append(&Call::new(2, NOON).run(&mut engine)).await.unwrap();
    assert_sound(&ledger).await;
}

#[tokio::test]
async fn a_failed_commit_is_made_up_for_by_the_next_append() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    let entries = Call::new(1, NOON).run(&mut engine);
    let mut other = raw(dir.path()).await;
    sqlx::raw_sql("CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'full'); END")
        .execute(&mut other)
        .await
        .unwrap();
    assert!(matches!(ledger.append(&entries).await, Err(Error::Database(_))));
    sqlx::raw_sql("DROP TRIGGER full").execute(&mut other).await.unwrap();
    assert_eq!(ledger.durable().await.unwrap(), Lsn(1));
    assert_eq!(ledger.append(&entries).await.unwrap(), Lsn(4));
    assert_sound(&ledger).await;
}

#[tokio::test]
async fn a_dead_runs_holds_are_ended_from_their_last_progress_or_as_uncertain() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    let (streamed, silent, settled) = (Call::new(1, NOON), Call::new(2, NOON), Call::new(3, NOON));
    let usage = Usage { input: Some(900), output: Some(50), ..Usage::UNREPORTED };
    ledger.append(&[streamed.hold(&mut engine), silent.hold(&mut engine)]).await.unwrap();
    let progress = engine.progress(streamed.attempt_id(), usage, NOON.plus(streamed.total)).unwrap();
    // The last one was settled, but its request did not finish.
    ledger.append(&[progress, settled.hold(&mut engine)]).await.unwrap();
    ledger.append(&[settled.settle(&mut engine)]).await.unwrap();
    drop((ledger, engine));

    let ledger = Ledger::open(dir.path()).await.unwrap();
    let engine = ledger.recover("test", NOON).await.unwrap();
    assert_eq!(engine.open_holds(), 0);
    let resolution = async |call: &Call| {
        let detail = ledger.request(call.request_id()).await.unwrap().unwrap();
        assert_eq!(detail.record.outcome, Outcome::Failed);
        detail.attempts[0].resolution.unwrap()
    };
    let Resolution::Settled { usage: settled_at, source, cost, .. } = resolution(&streamed).await else { panic!() };
    assert_eq!((settled_at, source, cost), (usage, UsageSource::Estimated, Cost::Estimated(NanoUsd(2_200_000))));
    let Resolution::Uncertain { usage, cost } = resolution(&silent).await else { panic!() };
    assert_eq!((usage.input, usage.output, cost), (Some(900), None, Cost::Estimated(NanoUsd(1_800_000))));
    let Resolution::Settled { cost, .. } = resolution(&settled).await else { panic!() };
    assert_eq!(cost, Cost::Exact(COST));
    assert_eq!(posted(&ledger).await, NanoUsd(2_200_000 + 1_800_000) + COST);
    assert_sound(&ledger).await;
    drop((ledger, engine));

    let ledger = Ledger::open(dir.path()).await.unwrap();
    let before = ledger.durable().await.unwrap();
    ledger.recover("test", NOON).await.unwrap();
    assert_eq!(ledger.durable().await.unwrap(), before.next(), "only the start is new");
    assert_sound(&ledger).await;
}

#[tokio::test]
async fn a_start_knows_what_is_open_however_long_ago_that_was_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    for batch in 0..7 {
        // Some are left open, and one of those before ends.
        let calls = (0..100).map(|number| Call::new(1 + batch * 100 + number, NOON));
        let mut entries: Vec<_> = calls
            .flat_map(|call| if call.number % 50 == 0 { vec![call.hold(&mut engine)] } else { call.run(&mut engine) })
            .collect();
        if batch > 1 {
            entries.push(Call::new(batch * 100 - 100, NOON).settle(&mut engine));
        }
        ledger.append(&entries).await.unwrap();
        ledger.close().await;
        ledger = Ledger::open(dir.path()).await.unwrap();
        assert_eq!(ledger.state().await.unwrap(), *engine.state(), "batch {batch}");
        assert_sound(&ledger).await;
    }
    let written: i64 =
        sqlx::query_scalar("SELECT count(*) FROM open_attempts").fetch_one(&mut raw(dir.path()).await).await.unwrap();
    assert!((2..14).contains(&written), "{written} rows were written at some time before the last entry");
}

#[tokio::test]
async fn entries_can_be_neither_changed_nor_removed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    ledger.recover("test", NOON).await.unwrap();
    let mut other = raw(dir.path()).await;
    for attack in ["UPDATE entries SET at = 0", "DELETE FROM entries"] {
        let refused = sqlx::raw_sql(attack).execute(&mut other).await.unwrap_err();
        assert!(refused.to_string().contains("never"), "{refused}");
    }
}

#[tokio::test]
async fn verification_names_what_was_tampered_with() {
    let attacks = [
        ("DROP TRIGGER entries_are_not_changed; UPDATE entries SET hash = zeroblob(32) WHERE lsn = 3", "entry 3"),
        (
            "DROP TRIGGER entries_are_not_changed;
             UPDATE entries SET packed = (SELECT packed FROM entries WHERE lsn = 6) WHERE lsn = 3",
            "entry 3",
        ),
        ("DROP TRIGGER entries_are_not_changed; UPDATE entries SET packed = x'0102' WHERE lsn = 3", "entry 3"),
        ("DROP TRIGGER entries_are_not_removed; DELETE FROM entries WHERE lsn = 3", "entry 4"),
        ("UPDATE requests SET amount = 1 WHERE lsn = 4", "requests says amount"),
        ("DELETE FROM requests WHERE lsn = 4", "requests lacks"),
        ("UPDATE attempts SET tokens = 1", "attempts says tokens"),
        ("UPDATE rollups SET unknown = unknown + 1 WHERE bucket = 300", "rollups says unknown"),
        ("UPDATE rollups SET durations = '' WHERE bucket = 3600", "rollups says durations"),
        ("UPDATE series SET model = 'other'", "rollups"),
        ("UPDATE attributions SET units = '019a0000-0000-7000-8000-000000000000'", "rollups"),
        ("UPDATE calls SET errors = 5", "calls says errors"),
        ("UPDATE last_uses SET at = 0", "last_uses says"),
        ("UPDATE ledgers SET instant = 5", "ledgers says"),
        ("INSERT INTO notes VALUES (0, 3, 0, 0)", "notes has a row"),
        (
            "INSERT INTO requests SELECT node, 99, x'00', started_at, series, outcome, status, names, session,
                refused_by, tags, route, attempts, input_tokens, cached_tokens, cache_write_tokens, output_tokens,
                reasoning_tokens, tokens, cost_state, amount, adjusted, adjusted_tokens, total_us
             FROM requests WHERE lsn = 4",
            "comes from no entry",
        ),
    ];
    for (attack, finding) in attacks {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path()).await.unwrap();
        let mut engine = ledger.recover("test", NOON).await.unwrap();
        ledger.append(&Call::new(1, NOON).run(&mut engine)).await.unwrap();
        ledger.append(&Call::new(2, NOON).run(&mut engine)).await.unwrap();
        assert_sound(&ledger).await;
        sqlx::raw_sql(attack).execute(&mut raw(dir.path()).await).await.unwrap();
        let report = ledger.verify().await.unwrap();
        let is_named = report.unexplained.iter().any(|line| line.contains(finding));
        assert!(is_named, "{attack}: {:#?}", report.unexplained);
    }
}

#[tokio::test]
async fn a_damaged_file_is_never_called_sound() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    for number in 0..200 {
        ledger.append(&Call::new(number, NOON).run(&mut engine)).await.unwrap();
    }
    ledger.close().await;
    let file = dir.path().join("ledger.db");
    let sound = std::fs::read(&file).unwrap();
    let pages = sound.len() / 4_096;
    for page in (1..pages).step_by(7) {
        let mut damaged = sound.clone();
        damaged[page * 4_096..page * 4_096 + 200].fill(0xA5);
        std::fs::write(&file, damaged).unwrap();
        let Ok(ledger) = Ledger::open(dir.path()).await else { continue };
        let is_sound = ledger.verify().await.is_ok_and(|report| report.is_sound());
        assert!(!is_sound, "page {page} of {pages}");
        ledger.close().await;
    }
}

#[tokio::test]
async fn a_journal_whose_end_was_changed_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    ledger.append(&Call::new(1, NOON).run(&mut engine)).await.unwrap();
    ledger.close().await;
    let attack = "DROP TRIGGER entries_are_not_changed; UPDATE entries SET body = body || ' ' WHERE lsn = 3";
    sqlx::raw_sql(attack).execute(&mut raw(dir.path()).await).await.unwrap();
    let refused = Ledger::open(dir.path()).await.unwrap_err();
    assert!(matches!(&refused, Error::Inconsistent { table: "entries", row, .. } if row == "3"), "{refused:?}");
}
