//! Old entries go, and what they came to stays.

use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_ledger::entry::Lsn;
use megarouter_store::ledger::Ledger;
use megarouter_store::ledger::requests::Filter;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::both::Both;
use crate::journal::posted;
use crate::traffic::{Call, NOON};

const DAY: Duration = Duration::from_secs(86_400);

fn calls(first: u16, count: u16, day: u32) -> Vec<Call> {
    let at = NOON.plus(DAY * day);
    (first..first + count)
        .map(|number| {
            let tags = crate::openings::tags(u8::try_from(number % 4).unwrap());
            Call { tags, units: vec![4, 2, 1], ..Call::new(number, at.plus(Duration::from_secs(u64::from(number)))) }
        })
        .collect()
}

#[tokio::test]
async fn sums_stay_when_their_entries_go() {
    let both = Both::new().await;
    both.run(&calls(0, 40, 0)).await;
    // One request is under way across the checkpoint, its hold settled; another one's is open.
    let (settled, open) = (calls(40, 1, 0).remove(0), calls(41, 1, 0).remove(0));
    {
        let mut engine = both.engine.lock().await;
        let entries = [settled.hold(&mut engine), settled.settle(&mut engine), open.hold(&mut engine)];
        both.append(&entries).await;
        let checkpoint = engine.checkpoint(NOON.plus(DAY));
        both.append(&[checkpoint]).await;
        let ends = [open.settle(&mut engine), settled.finish(&mut engine), open.finish(&mut engine)];
        both.append(&ends).await;
    }
    both.run(&calls(42, 30, 2)).await;
    let sums = both.request_sums(&Filter::default()).await.unwrap();
    let spent = posted(&both.file).await;
    let last = both.file.durable().await.unwrap();
    // Not before it is old enough, and not before the hub has it.
    assert_eq!(both.file.retire(NOON, last, 10).await.unwrap(), 0);
    assert_eq!(both.file.retire(NOON.plus(DAY * 3), Lsn(50), 10).await.unwrap(), 0);
    let mut steps = 0;
    loop {
        let count = both.file.retire(NOON.plus(DAY * 3), last, 10).await.unwrap();
        assert!(count <= 10);
        if count == 0 {
            break;
        }
        steps += 1;
        let report = both.file.verify().await.unwrap();
        assert!(report.is_sound(), "step {steps}: {:#?}", report.unexplained);
        assert_eq!(both.file.request_sums(&Filter::default()).await.unwrap(), sums, "step {steps}");
        assert_eq!(posted(&both.file).await, spent, "step {steps}");
    }
    assert!(steps > 20);
    assert_eq!(both.file.requests(&Filter::default(), None, 200).await.unwrap().rows.len(), 32);
    assert_eq!(both.file.after(Lsn(0), 1).await.unwrap().entries[0].entry.lsn, Lsn(125));
    // The next run goes on where this one was, and tables made again say the same.
    both.file.repair().await.unwrap();
    assert_eq!(both.file.request_sums(&Filter::default()).await.unwrap(), sums);
    assert_eq!(posted(&both.file).await, spent);
    both.file.recover("test", NOON.plus(DAY * 4)).await.unwrap();
    crate::journal::assert_sound(&both.file).await;
    // The hub keeps everything, and takes what comes after.
    both.ship().await;
    crate::journal::assert_sound(&both.hub).await;
    assert_eq!(both.hub.request_sums(&Filter::default()).await.unwrap(), sums);
    assert_eq!(both.unit_activity(Timestamp::default()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_ledger_that_begins_with_a_checkpoint_can_be_shipped_and_restored() {
    let both = Both::new().await;
    {
        let mut engine = both.engine.lock().await;
        let entries: Vec<_> = calls(0, 5, 0).iter().flat_map(|call| call.run(&mut engine)).collect();
        both.file.append(&entries).await.unwrap();
        let checkpoint = engine.checkpoint(NOON.plus(DAY));
        both.file.append(&[checkpoint]).await.unwrap();
        let entries: Vec<_> = calls(5, 5, 2).iter().flat_map(|call| call.run(&mut engine)).collect();
        both.file.append(&entries).await.unwrap();
    }
    let last = both.file.durable().await.unwrap();
    while both.file.retire(NOON.plus(DAY * 3), last, 100).await.unwrap() > 0 {}
    both.ship().await;
    crate::journal::assert_sound(&both.hub).await;
    assert_eq!(both.hub.durable().await.unwrap(), last);
    assert_eq!(both.hub.request_sums(&Filter::default()).await.unwrap().requests, 5, "it has what it was sent");
    let copy = both.dir.path().join("copy.db");
    both.file.backup(&copy).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    megarouter_store::ledger::restore(&copy, elsewhere.path()).await.unwrap();
    let restored = Ledger::open(elsewhere.path()).await.unwrap();
    assert_eq!(restored.request_sums(&Filter::default()).await.unwrap().requests, 10);
}

/// What a ledger of schema 2 was: no weeks, what all series with a tag came to beside the series, and open
/// attempts as of the last entry.
const SCHEMA_2: &str = "ALTER TABLE ledgers DROP COLUMN open_as_of;
    DELETE FROM rollups WHERE bucket = 604800;
    UPDATE rollups SET slice = -1 - slice WHERE slice < -1;
    PRAGMA user_version = 2";

#[tokio::test]
async fn an_upgrade_keeps_the_sums_of_entries_that_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    let entries: Vec<_> = calls(0, 40, 0).iter().flat_map(|call| call.run(&mut engine)).collect();
    ledger.append(&entries).await.unwrap();
    ledger.append(&[engine.checkpoint(NOON.plus(DAY * 12))]).await.unwrap();
    let entries: Vec<_> = calls(40, 40, 13).iter().flat_map(|call| call.run(&mut engine)).collect();
    ledger.append(&entries).await.unwrap();
    let last = ledger.durable().await.unwrap();
    while ledger.retire(NOON.plus(DAY * 20), last, 100).await.unwrap() > 0 {}
    let tag = crate::openings::tags(1).into_iter().next();
    assert!(tag.is_some());
    let filters = [Filter::default(), Filter { tag, ..Filter::default() }];
    let mut sums = Vec::new();
    for filter in &filters {
        sums.push(ledger.request_sums(filter).await.unwrap());
    }
    assert!(sums[0].requests == 80 && sums[1].requests > 0 && sums[1].requests < 80);
    ledger.close().await;

    let file = format!("sqlite://{}", dir.path().join("ledger.db").display());
    let mut db = SqliteConnection::connect(&file).await.unwrap();
    sqlx::raw_sql(SCHEMA_2).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let ledger = Ledger::open(dir.path()).await.unwrap();
    for (filter, sums) in filters.iter().zip(&sums) {
        assert_eq!(ledger.request_sums(filter).await.unwrap(), *sums);
    }
    assert!(ledger.verify().await.unwrap().is_sound());
}
