//! Another process that holds a lock on a file of ours (20).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use megarouter_tests::faults::verify_settled;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, Script};
use megarouter_tests::sse::Stream;
use megarouter_tests::tools;
use megarouter_tests::world::{World, request_id};

use crate::{check_refused_before_dialing, until_status};

const SLOW: &str = "slow";
/// The promise: what waited is written so soon after the lock is gone.
const BACKLOG_LIMIT: Duration = Duration::from_secs(10);

/// Holds the write lock on an SQLite file while it lives.
struct Lock(Child);

impl Lock {
    fn on(world: &World, file: &str) -> Self {
        let script = "import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.read()";
        let path = world.program.install().data_folder().join(file);
        assert!(path.is_file(), "{} is not there", path.display());
        let mut process = Command::new(tools::program("python3", "python3").unwrap())
            .args(["-c", script])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "locked");
        Self(process)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _already_gone = self.0.wait();
    }
}

#[tokio::test]
async fn while_another_process_locks_the_ledger_nothing_is_dialed_and_nothing_lost() {
    let script = Script { chunks: 60, gap_ms: 50, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, Script::default()), (SLOW, script)]).await.unwrap();
    let open = world.stream(SLOW, true).await.unwrap();
    let id = request_id(open.headers()).to_owned();
    let lock = Lock::on(&world, "ledger.db");
    until_status(&world, 503).await;
    check_refused_before_dialing(&world).await;
    assert!(Stream::read(open).await.is_done, "an open stream was cut since the ledger is locked");
    drop(lock);
    let start = Instant::now();
    until_status(&world, 200).await;
    let record = world.control.request(&id).await.unwrap();
    assert!(start.elapsed() <= BACKLOG_LIMIT, "the backlog was written after {:?}", start.elapsed());
    assert_eq!((record["outcome"].as_str(), record["usage_source"].as_str()), (Some("completed"), Some("reported")));
    verify_settled(world.program.install()).await.unwrap();
}

#[tokio::test]
async fn a_lock_on_settings_or_bodies_does_not_stop_a_request() {
    let world = World::start().await.unwrap();
    assert_eq!(world.chat(DEFAULT_MODEL).await.unwrap().status(), 200);
    let _lock = Lock::on(&world, "settings.db");
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(world.chat(DEFAULT_MODEL).await.unwrap().status(), 200);
        assert!(start.elapsed() < Duration::from_secs(1), "a locked settings.db held a request up");
    }
}
