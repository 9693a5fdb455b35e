//! Copies, going back to them, and damaged files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::Lsn;
use megarouter_store::error::Error;
use megarouter_store::ledger::requests::Filter;
use megarouter_store::ledger::{self, Ledger, RepairOutcome, check_backup};

use crate::journal::{assert_sound, raw};
use crate::traffic::{Call, NOON};

struct Home {
    dir: tempfile::TempDir,
    ledger: Ledger,
    engine: Engine,
    next: u16,
}

impl Home {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path()).await.unwrap();
        let engine = ledger.recover("test", NOON).await.unwrap();
        Self { dir, ledger, engine, next: 0 }
    }

    async fn run(&mut self, calls: u16) {
        for _ in 0..calls {
            let at = NOON.plus(Duration::from_secs(u64::from(self.next) * 61));
            self.ledger.append(&Call::new(self.next, at).run(&mut self.engine)).await.unwrap();
            self.next += 1;
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Closes it in due form, so that the file is all there is.
    async fn close(self) -> tempfile::TempDir {
        self.ledger.close().await;
        self.dir
    }
}

async fn requests(dir: &Path) -> u64 {
    let ledger = Ledger::open(dir).await.unwrap();
    assert_sound(&ledger).await;
    let sums = ledger.request_sums(&Filter::default()).await.unwrap();
    ledger.close().await;
    sums.requests
}

fn damage(file: &Path, from: usize, bytes: usize) {
    let mut content = std::fs::read(file).unwrap();
    let end = (from + bytes).min(content.len());
    content[from..end].fill(0xA5);
    std::fs::write(file, content).unwrap();
}

#[tokio::test]
async fn a_copy_is_of_one_moment_and_is_never_written_over() {
    let mut home = Home::new().await;
    home.run(20).await;
    let copy = home.path("copy.db");
    assert_eq!(home.ledger.backup(&copy).await.unwrap(), Lsn(61));
    home.run(5).await;
    let checked = check_backup(&copy).await.unwrap();
    assert!(checked.report.is_sound(), "{:#?}", checked.report.unexplained);
    assert_eq!((checked.lsn, checked.ledger), (Lsn(61), home.ledger.id().await.unwrap()));
    assert_eq!(checked.sha256.len(), 64);
    let before = std::fs::read(&copy).unwrap();
    assert!(matches!(home.ledger.backup(&copy).await, Err(Error::File { .. })));
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    let left: Vec<_> = std::fs::read_dir(home.dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("unfinished")), "{left:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_a_copy() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new().await;
    let copy = home.path("copy.db");
    home.ledger.backup(&copy).await.unwrap();
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn copies_made_while_others_write_are_sound() {
    let mut home = Home::new().await;
    home.run(30).await;
    let copy = home.path("copy.db");
    let Home { dir, ledger, mut engine, .. } = home;
    let write = async {
        for number in 100..200 {
            ledger.append(&Call::new(number, NOON).run(&mut engine)).await.unwrap();
        }
    };
    let (copied, ()) = tokio::join!(ledger.backup(&copy), write);
    let checked = check_backup(&copy).await.unwrap();
    assert_eq!(checked.lsn, copied.unwrap());
    assert!(checked.report.is_sound(), "{:#?}", checked.report.unexplained);
    assert_eq!(requests(dir.path()).await, 130);
}

#[tokio::test]
async fn going_back_to_a_copy_loses_nothing_that_the_ledger_still_has() {
    let mut home = Home::new().await;
    home.run(10).await;
    let copy = home.path("copy.db");
    home.ledger.backup(&copy).await.unwrap();
    home.run(7).await;
    let (id, last) = (home.ledger.id().await.unwrap(), home.ledger.durable().await.unwrap());
    let dir = home.close().await;
    let restored = ledger::restore(&copy, dir.path()).await.unwrap();
    assert_eq!((restored.ledger, restored.lsn, restored.carried_over), (id, last, 21));
    assert!(restored.is_whole && restored.aside.is_some_and(|aside| aside.exists()));
    assert_eq!(requests(dir.path()).await, 17);
}

#[tokio::test]
async fn a_copy_on_another_machine_becomes_another_ledger() {
    let mut home = Home::new().await;
    home.run(10).await;
    let copy = home.path("copy.db");
    home.ledger.backup(&copy).await.unwrap();
    let id = home.ledger.id().await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let restored = ledger::restore(&copy, elsewhere.path()).await.unwrap();
    assert!(!restored.is_whole && restored.ledger != id && restored.aside.is_none());
    assert_eq!(requests(elsewhere.path()).await, 10);
    // And over a ledger that has nothing to do with it: that one is put aside, unchanged.
    let mut other = Home::new().await;
    other.run(3).await;
    let dir = other.close().await;
    let restored = ledger::restore(&copy, dir.path()).await.unwrap();
    assert!(!restored.is_whole && restored.carried_over == 0);
    assert_eq!(requests(dir.path()).await, 10);
}

#[tokio::test]
async fn a_damaged_copy_is_refused_before_anything_is_touched() {
    let mut home = Home::new().await;
    home.run(50).await;
    let copy = home.path("copy.db");
    home.ledger.backup(&copy).await.unwrap();
    let dir = home.close().await;
    let live = dir.path().join("ledger.db");
    let before = std::fs::read(&live).unwrap();
    let size = std::fs::metadata(&copy).unwrap().len();
    damage(&copy, usize::try_from(size / 2).unwrap(), 3_000);
    assert!(ledger::restore(&copy, dir.path()).await.is_err());
    std::fs::write(&copy, "no database").unwrap();
    assert!(ledger::restore(&copy, dir.path()).await.is_err());
    assert_eq!(std::fs::read(&live).unwrap(), before);
}

#[tokio::test]
async fn tables_that_are_wrong_are_made_again() {
    let mut home = Home::new().await;
    home.run(20).await;
    let dir = home.close().await;
    let spoil = "UPDATE rollups SET amount = 5; DELETE FROM requests WHERE lsn = 4; UPDATE open_attempts SET body = ''";
    sqlx::raw_sql(spoil).execute(&mut raw(dir.path()).await).await.unwrap();
    let repaired = ledger::repair(dir.path(), &[]).await.unwrap();
    assert_eq!(repaired.outcome, RepairOutcome::Rebuilt);
    assert!(repaired.found.unwrap().findings > 1);
    assert_eq!(requests(dir.path()).await, 20);
    assert_eq!(ledger::repair(dir.path(), &[]).await.unwrap().outcome, RepairOutcome::Sound);
}

#[tokio::test]
async fn a_damaged_file_is_put_together_from_a_copy_and_what_can_be_read() {
    let mut home = Home::new().await;
    home.run(60).await;
    let copy = home.path("copy.db");
    home.ledger.backup(&copy).await.unwrap();
    home.run(60).await;
    let id = home.ledger.id().await.unwrap();
    let dir = home.close().await;
    let live = dir.path().join("ledger.db");
    let sound = std::fs::read(&live).unwrap();
    for page in (1..sound.len() / 4_096).step_by(5) {
        std::fs::write(&live, &sound).unwrap();
        damage(&live, page * 4_096, 4_096);
        let repaired = ledger::repair(dir.path(), std::slice::from_ref(&copy)).await.unwrap();
        if let RepairOutcome::Recovered { restored, .. } = &repaired.outcome {
            // Never less than the copy, and the same ledger only when nothing is missing.
            assert!(restored.lsn >= Lsn(181), "page {page}: {restored:?}");
            assert_eq!(restored.is_whole, restored.ledger == id, "page {page}");
            assert_eq!(restored.is_whole, restored.lsn == Lsn(361), "page {page}: {restored:?}");
            let aside = restored.aside.as_ref().unwrap();
            assert!(aside.exists(), "the damaged file is kept");
            std::fs::remove_file(aside).unwrap();
        }
        let count = requests(dir.path()).await;
        assert!((60..=120).contains(&count), "page {page}: {count}");
        for log in ["ledger.db-wal", "ledger.db-shm"] {
            let _ = std::fs::remove_file(dir.path().join(log));
        }
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_or_emptied_is_never_taken_for_a_new_ledger() {
    let mut home = Home::new().await;
    home.run(40).await;
    let copy = home.path("copy.db");
    home.ledger.backup(&copy).await.unwrap();
    let dir = home.close().await;
    let live = dir.path().join("ledger.db");
    let sound = std::fs::read(&live).unwrap();
    for length in [sound.len() / 2, 5_000, 100] {
        std::fs::write(&live, &sound[..length]).unwrap();
        assert!(ledger::repair(dir.path(), &[]).await.is_err(), "{length}: nothing to go by");
        assert_eq!(std::fs::read(&live).unwrap().len(), length, "and nothing was touched");
        ledger::repair(dir.path(), std::slice::from_ref(&copy)).await.unwrap();
        assert_eq!(requests(dir.path()).await, 40);
    }
}

#[tokio::test]
async fn a_lost_log_costs_its_entries_and_nothing_else() {
    let mut home = Home::new().await;
    home.run(10).await;
    let file = home.path("ledger.db");
    // The log is still there: what was committed is in it.
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(&file, elsewhere.path().join("ledger.db")).unwrap();
    match Ledger::open(elsewhere.path()).await {
        Ok(ledger) => assert_sound(&ledger).await,
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[tokio::test]
async fn a_locked_file_is_waited_for_and_then_told() {
    let mut home = Home::new().await;
    home.run(2).await;
    let mut other = raw(home.dir.path()).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let entries = Call::new(50, NOON).run(&mut home.engine);
    let (appended, ()) = tokio::join!(home.ledger.append(&entries), async {
        tokio::task::yield_now().await;
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    });
    appended.unwrap();
    assert_sound(&home.ledger).await;
}

#[tokio::test]
async fn everything_can_be_exported() {
    let mut home = Home::new().await;
    home.run(12).await;
    let mut lines = Vec::new();
    let count = home
        .ledger
        .export_entries(|bytes| {
            lines.extend_from_slice(bytes);
            Ok(())
        })
        .await
        .unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!((count, lines.lines().count()), (37, 37));
    assert!(lines.lines().all(|line| line.starts_with("{\"lsn\":") && line.ends_with("}}}") || line.ends_with("}}")));
    let mut table = Vec::new();
    let count = home
        .ledger
        .export_requests(|bytes| {
            table.extend_from_slice(bytes);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!((count, String::from_utf8(table).unwrap().lines().count()), (12, 13));
    let full = home.ledger.export_entries(|_| Err(std::io::ErrorKind::StorageFull.into())).await;
    assert!(matches!(full, Err(Error::Write(_))));
}
