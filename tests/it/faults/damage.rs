//! Files of the ledger that were damaged while the program was down (21).

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use megarouter_tests::client;
use megarouter_tests::control::Control;
use megarouter_tests::faults::verify_settled;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider};
use megarouter_tests::program::Install;
use megarouter_tests::world::World;

const REQUESTS: usize = 120;
/// A start on a damaged file of this size; the promise is a minute for a million entries.
const START_LIMIT: Duration = Duration::from_secs(10);

/// What is left of a world whose program was killed.
struct Left {
    mock: MockProvider,
    key: String,
    install: Install,
    /// The requests that were on the ledger, oldest first.
    ids: Vec<String>,
}

/// Where the requests of a program that was killed are.
#[derive(PartialEq, Eq)]
enum Kept {
    /// In the file.
    File,
    /// In the file and in a backup.
    Backup,
    /// In the log beside the file.
    Wal,
}

/// A program that was killed with requests on its ledger.
async fn killed(kept: Kept) -> Left {
    let mut world = World::start().await.unwrap();
    for _ in 0..REQUESTS {
        assert_eq!(world.chat(DEFAULT_MODEL).await.unwrap().status(), 200);
    }
    let rows = world.control.requests_once_there_are(REQUESTS).await.unwrap();
    let ids = rows.iter().rev().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    if kept != Kept::Wal {
        let install = world.program.stop().unwrap();
        world.program = install.start().unwrap();
        if kept == Kept::Backup {
            install.run(&["ledger", "backup"]).unwrap();
        }
    }
    let World { mock, key, program, .. } = world;
    Left { mock, key, install: program.kill().unwrap(), ids }
}

impl Left {
    fn ledger(&self) -> PathBuf {
        self.install.data_folder().join("ledger.db")
    }

    /// Starts again and checks that the program works, that its ledger is whole in itself, and that what
    /// it has of the requests is their beginning, without holes. Returns how many they are.
    async fn start(self) -> usize {
        let start = Instant::now();
        let program = self.install.start().unwrap();
        assert!(start.elapsed() <= START_LIMIT, "started after {:?}", start.elapsed());
        let control = Control::of(&self.install.data_folder());
        let world = World { mock: self.mock, program, key: self.key, http: client::new(), control };
        assert_eq!(world.chat(DEFAULT_MODEL).await.unwrap().status(), 200);
        verify_settled(&self.install).await.unwrap();
        let rows = world.control.requests().await.unwrap();
        let is_there: Vec<bool> = self.ids.iter().map(|id| rows.iter().any(|row| row["id"] == id.as_str())).collect();
        assert!(is_there.is_sorted_by(|one, next| one >= next), "there are holes: {is_there:?}");
        is_there.iter().filter(|is_there| **is_there).count()
    }
}

#[tokio::test]
async fn a_ledger_with_flipped_bytes_is_kept_aside_and_built_anew() {
    for (tenth, kept) in [(3, Kept::File), (3, Kept::Backup), (6, Kept::Backup), (9, Kept::Backup)] {
        let has_backup = kept == Kept::Backup;
        let left = killed(kept).await;
        let file = OpenOptions::new().write(true).open(left.ledger()).unwrap();
        let place = file.metadata().unwrap().len() * tenth / 10;
        file.write_all_at(&[0x5a; 6_000], place).unwrap();
        drop(file);
        let install = left.install.clone();
        let count = left.start().await;
        check_kept(&install.data_folder());
        // Without one, what is left is what stands before the first entry that cannot be read.
        assert!(!has_backup || count == REQUESTS, "{count} of {REQUESTS} are left beside a backup of all");
    }
}

#[tokio::test]
async fn a_truncated_ledger_is_kept_aside_and_built_anew() {
    let left = killed(Kept::File).await;
    let file = OpenOptions::new().write(true).open(left.ledger()).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2 / 4096 * 4096).unwrap();
    drop(file);
    let install = left.install.clone();
    left.start().await;
    check_kept(&install.data_folder());
}

#[tokio::test]
async fn a_ledger_without_its_log_starts_whole_in_itself() {
    let left = killed(Kept::Wal).await;
    let log = left.ledger().with_extension("db-wal");
    assert!(log.metadata().unwrap().len() > 0, "nothing was in the log");
    std::fs::remove_file(log).unwrap();
    left.start().await;
}

/// The damaged file must be there still, beside the new one.
fn check_kept(folder: &Path) {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let files: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    let usual = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
    let is_kept = |name: &String| name.starts_with("ledger") && !usual.contains(&name.as_str());
    assert!(files.iter().any(is_kept), "the damaged file is not kept: {files:?}");
}
