//! The ledger: its state, its self-check and its backups.

pub mod backup;
pub mod show;
pub mod show_verification;
pub mod verify;

use megarouter_domain::id::LedgerId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::shape::{Amount, Time};

/// The state of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LedgerStatus {
    /// The ledger's id.
    #[schema(value_type = String, format = "uuid")]
    pub id: LedgerId,
    /// Entries ever made.
    pub entries: u64,
    /// Entries that are not yet on the disk.
    pub pending: u64,
    /// The size of its files.
    pub size_bytes: u64,
    /// Requests under way that have set something aside.
    pub open_holds: u64,
    /// Since when the oldest of them has.
    pub oldest_hold_at: Option<Time>,
    /// Holds that are older than any stream may last: 0 unless something leaks.
    pub stuck_holds: u64,
    /// The last backup; `null` when there is none.
    pub last_backup: Option<Backup>,
    /// Why the latest try at a backup failed.
    pub backup_failure: Option<String>,
    /// The last check of the file's structure in the background.
    pub last_check: Option<FileCheck>,
    /// When entries were last removed because of their age.
    pub last_retention_at: Option<Time>,
    /// Why the limits in force are older than the settings.
    pub limits_failure: Option<String>,
    /// The last self-check; `null` when none was made since the program started.
    pub verification: Option<Verification>,
}

/// A check of the structure of the ledger's file.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FileCheck {
    /// When it was made.
    pub at: Time,
    /// What is wrong; `null` when nothing is.
    pub failure: Option<String>,
}

/// A copy of the ledger that was made and read back.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Backup {
    /// When it was made.
    pub at: Time,
    /// Where it is.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// The last entry in it.
    pub entry: u64,
    /// Whether it can only be read with the passphrase.
    pub is_encrypted: bool,
}

/// A self-check: every entry against the chain of hashes, and every sum against the entries.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Verification {
    /// How far it is.
    pub state: VerificationState,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Entries there were to check when it began.
    pub total: u64,
    /// Entries that were checked; 0 until the end.
    pub entries: u64,
    /// Requests found.
    pub requests: u64,
    /// Calls found.
    pub attempts: u64,
    /// Corrections found.
    pub corrections: u64,
    /// Changes of the configuration found.
    pub changes: u64,
    /// What all calls cost, with the corrections, as the entries say.
    pub cost: Amount,
    /// How many things are wrong; 0 is good.
    pub findings: u64,
    /// The first of them, each in a line.
    pub faults: Vec<String>,
    /// Why it could not be done.
    pub error: Option<String>,
}

/// How far a self-check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    /// It goes on.
    Running,
    /// Everything is exact.
    Passed,
    /// Something is wrong.
    Failed,
    /// It could not be done.
    Broken,
}
