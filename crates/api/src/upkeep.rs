//! How the work beside the requests is going: backups, checks, shipping to the hub. The program's
//! jobs write it, the API shows it.

use megarouter_domain::clock::Timestamp;
use megarouter_ledger::entry::Lsn;

/// How the work beside the requests is going.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// This node's place in the fleet; `None` when the program runs alone.
    pub node: Option<NodeUpkeep>,
    /// The last backup that was made and read back; `None` when none was in this run's folder.
    pub last_backup: Option<BackupDone>,
    /// Why the latest try at a backup failed; `None` when it did not.
    pub backup_failure: Option<String>,
    /// Holds that are older than any stream may last: 0 unless something leaks.
    pub stuck_holds: u64,
    /// The last check of the file's structure in the background.
    pub last_check: Option<FileCheck>,
    /// When entries were last removed because of their age.
    pub last_retention: Option<Timestamp>,
    /// Why the limits in force are older than the settings; `None` when they are not.
    pub limits_failure: Option<String>,
}

/// A node's place in the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeUpkeep {
    /// Its number; `None` until the hub gave one in this run.
    pub number: Option<i64>,
    /// What people call it.
    pub name: String,
    /// How many nodes live, by the hub's last word.
    pub live_nodes: u32,
    /// When the hub last answered.
    pub last_contact: Option<Timestamp>,
    /// True while budgets are refused because the hub has not answered for too long.
    pub is_fenced: bool,
    /// The last entry that the hub has.
    pub shipped: Lsn,
    /// Entries on this node's disk that the hub does not have.
    pub lag: u64,
    /// Why the hub cannot be reached; `None` when it can.
    pub failure: Option<String>,
}

/// A backup that was made and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupDone {
    /// When.
    pub at: Timestamp,
    /// The file.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The last entry in it.
    pub lsn: Lsn,
    /// Whether it can only be read with the passphrase.
    pub is_encrypted: bool,
}

/// A check of the file's structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCheck {
    /// When.
    pub at: Timestamp,
    /// What is wrong; `None` when nothing is.
    pub failure: Option<String>,
}
