//! How copies of the ledger are made, as checked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use megarouter_domain::secret::Secret;

use super::checked::{ConfigError, read_secret, within};
use super::sections::Backup;

const PASSPHRASE_VARIABLE: &str = "MEGAROUTER_BACKUP_PASSPHRASE";
const DEFAULT_FOLDER: &str = "backups";
/// A shorter passphrase is guessed too soon; characters.
const SHORTEST_PASSPHRASE: usize = 12;

/// How copies of the ledger are made.
#[derive(Debug, Default)]
pub struct BackupOptions {
    /// Where they go.
    pub folder: PathBuf,
    /// The time from one to the next; `None` when none is made by itself.
    pub every: Option<Duration>,
    /// How many are kept.
    pub keep: usize,
    /// What they are encrypted with; `None` when they are not.
    pub passphrase: Option<Secret>,
}

impl BackupOptions {
    /// Reads and checks the section. The passphrase comes from the environment or from a file, because
    /// flags can be read by every user of the machine.
    ///
    /// # Errors
    /// When a value is out of bounds, or the passphrase's file cannot be read.
    pub(super) fn check(section: Backup, data_dir: &Path) -> Result<Self, ConfigError> {
        let hours = within("backup.every_hours", section.every_hours, 24, 0..=8_784)?;
        let folder = section.folder.unwrap_or_else(|| data_dir.join(DEFAULT_FOLDER));
        Ok(Self {
            folder: std::path::absolute(&folder).unwrap_or(folder),
            every: (hours > 0).then(|| Duration::from_secs(hours * 3_600)),
            keep: within("backup.keep", section.keep, 7, 1..=1_000)?,
            passphrase: passphrase(section.passphrase_file.as_deref())?,
        })
    }
}

fn passphrase(file: Option<&Path>) -> Result<Option<Secret>, ConfigError> {
    let passphrase = match std::env::var(PASSPHRASE_VARIABLE) {
        Ok(text) => Some(Secret::new(text)),
        Err(_) => file.map(read_secret).transpose()?,
    };
    match passphrase {
        Some(passphrase) if passphrase.expose().trim().chars().count() < SHORTEST_PASSPHRASE => {
            Err(ConfigError::WeakBackupPassphrase)
        }
        passphrase => Ok(passphrase),
    }
}
