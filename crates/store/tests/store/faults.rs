//! A disk that takes no more: what was said to be durable is, and the ledger goes on when there is room.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use megarouter_ledger::entry::Lsn;
use megarouter_store::error::Error;
use megarouter_store::ledger::Ledger;

use crate::journal::assert_sound;
use crate::traffic::{Call, NOON};

/// Says to the child where the ledger is.
const FOLDER: &str = "MEGAROUTER_FAULTS_FOLDER";

/// The largest file that the child may write, in blocks of 512 bytes: 2 MB.
const BLOCKS: u32 = 4_096;

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_durable() {
    let dir = tempfile::tempdir().unwrap();
    // A file that would grow beyond the limit fails to be written, as on a disk that is full.
    let limited = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" --ignored --exact faults::until_it_is_full");
    let child = Command::new("sh")
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, dir.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let durable: u64 = std::fs::read_to_string(dir.path().join("durable")).unwrap().parse().unwrap();
    assert!(durable > 100, "there was room for some: {durable}");

    let ledger = Ledger::open(dir.path()).await.unwrap();
    assert_eq!(ledger.durable().await.unwrap(), Lsn(durable));
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    assert_sound(&ledger).await;
    ledger.append(&Call::new(60_000, NOON).run(&mut engine)).await.unwrap();
    assert_sound(&ledger).await;
}

/// Not a test of its own: what the one above runs with a limit.
#[tokio::test]
#[ignore = "run by the test of a full disk"]
async fn until_it_is_full() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let ledger = Ledger::open(folder).await.unwrap();
    let mut engine = ledger.recover("test", NOON).await.unwrap();
    for number in 0..60_000 {
        let entries = Call::new(number, NOON).run(&mut engine);
        if let Err(error) = ledger.append(&entries).await {
            assert!(matches!(error, Error::Database(_)), "{error:?}");
            // Trying again while it is full does no harm.
            for _ in 0..3 {
                ledger.append(&entries).await.unwrap_err();
            }
            let durable = engine.last().0 - 3;
            std::fs::write(folder.join("durable"), durable.to_string()).unwrap();
            // As a program that is killed: nothing is closed.
            std::process::exit(0);
        }
    }
    panic!("the limit was never met");
}
