//! Files that released versions wrote: they open, they add up, and they say what they said.

use std::path::Path;

use megarouter_domain::clock::Timestamp;
use megarouter_store::ledger::Ledger;
use megarouter_store::ledger::requests::Filter;
use megarouter_store::settings::Settings;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::journal::{assert_sound, posted};

const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/settings_v2.db");

const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ledger_v1.db");

/// 2026-11-23T00:00:00Z, after the files were written.
const LATER: Timestamp = Timestamp::from_micros(1_795_392_000_000_000);

/// What the old tables said: requests, errors, tokens, and money in all, the requests of each kind of cost,
/// what all calls cost, and how many holds were open.
type Figures = (Vec<i64>, i64, i64);

async fn old_figures(file: &str) -> Figures {
    let mut db = SqliteConnection::connect(&format!("sqlite://{file}?mode=ro&immutable=1")).await.unwrap();
    let sums = "SELECT sum(requests), sum(errors), sum(input_tokens), sum(output_tokens), sum(amount), sum(exact),
        sum(estimated), sum(unknown) FROM rollups WHERE bucket = 86400";
    let row = sqlx::query(sums).fetch_one(&mut db).await.unwrap();
    let sums = (0..8).map(|column| sqlx::Row::get(&row, column)).collect();
    let posted = sqlx::query_scalar("SELECT sum(amount) FROM calls").fetch_one(&mut db).await.unwrap();
    let open = sqlx::query_scalar("SELECT count(*) FROM open_attempts WHERE resolution IS NULL");
    (sums, posted, open.fetch_one(&mut db).await.unwrap())
}

async fn figures(ledger: &Ledger) -> Figures {
    let sums = ledger.request_sums(&Filter::default()).await.unwrap();
    let counts = [
        sums.requests,
        sums.errors,
        sums.input_tokens,
        sums.output_tokens,
        u64::try_from(sums.amount.0).unwrap(),
        sums.exact,
        sums.estimated,
        sums.unknown,
    ];
    let open = i64::try_from(ledger.state().await.unwrap().open_holds()).unwrap();
    (counts.map(|count| i64::try_from(count).unwrap()).to_vec(), posted(ledger).await.0, open)
}

fn copy_into(dir: &Path) {
    std::fs::copy(FIRST, dir.join("ledger.db")).unwrap();
}

#[tokio::test]
async fn the_first_ledger_upgrades_and_keeps_every_figure() {
    let dir = tempfile::tempdir().unwrap();
    copy_into(dir.path());
    let expected = old_figures(FIRST).await;
    assert!(expected.0[0] > 20 && expected.2 > 0, "the file has requests and open holds: {expected:?}");
    let ledger = Ledger::open(dir.path()).await.unwrap();
    assert_eq!(figures(&ledger).await, expected);
    let report = ledger.verify().await.unwrap();
    // The last run was killed: its hold is ended by the next one.
    assert!(report.is_sound(), "{:#?}", report.unexplained);
    ledger.recover("test", LATER).await.unwrap();
    assert_sound(&ledger).await;
    let page = ledger.requests(&Filter::default(), None, 200).await.unwrap();
    let sums = ledger.request_sums(&Filter::default()).await.unwrap();
    assert_eq!(page.rows.len() as u64, sums.requests);
    assert_eq!(page.rows.iter().map(|row| row.cost.amount()).sum::<megarouter_domain::money::NanoUsd>(), sums.amount);
    assert_eq!(std::fs::read(dir.path().join("ledger.v1.backup.db")).unwrap(), std::fs::read(FIRST).unwrap());
}

#[tokio::test]
async fn settings_of_schema_2_upgrade_and_keep_everything() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(SETTINGS, dir.path().join("settings.db")).unwrap();
    let settings = Settings::open(dir.path(), LATER, [7; 10]).await.unwrap();
    let everything = settings.load().await.unwrap();
    let names = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(names(everything.providers.iter().map(|provider| &*provider.name).collect()), "one two");
    let models = "bad cached cut fast limited noprice silent slow";
    assert_eq!(names(everything.models.iter().map(|model| &*model.name).collect()), models);
    assert_eq!(names(everything.keys.iter().map(|key| &*key.name).collect()), "Playground first second");
    assert!(everything.keys.iter().all(|key| key.owner.is_none() && key.project.is_none()));
    assert!(everything.units.is_empty() && everything.budgets.is_empty());
    assert_eq!(std::fs::read(dir.path().join("settings.v2.backup.db")).unwrap(), std::fs::read(SETTINGS).unwrap());
}

#[tokio::test]
async fn an_upgrade_that_fails_half_way_leaves_the_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    copy_into(dir.path());
    let file = dir.path().join("ledger.db");
    let spoil = "DROP TRIGGER entries_are_not_changed; UPDATE entries SET body = 'x' WHERE lsn = 100;
        CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'never'); END;
        PRAGMA wal_checkpoint(TRUNCATE)";
    let mut db = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::raw_sql(spoil).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let before = std::fs::read(&file).unwrap();
    for _ in 0..2 {
        let refused = Ledger::open(dir.path()).await.unwrap_err();
        assert!(refused.to_string().contains("row 100"), "{refused}");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
}
