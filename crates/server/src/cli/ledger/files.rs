//! The verbs of `ledger` on the files themselves, with the data folder locked.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use megarouter_domain::clock::Clock as _;
use megarouter_secrets::sealed_file;
use megarouter_store::ledger::{Ledger, Restored, restore};
use megarouter_store::lock::DataDirLock;

use super::super::output::{note, say};
use super::{Export, Kind, Output};
use crate::clock::SystemClock;
use crate::config::{BackupOptions, Config};
use crate::control::Verified;
use crate::jobs::backup::{self, copies};
use crate::ledger_file;

/// What the passphrase opens of an encrypted copy, beside the ledger for a moment.
const OPENED: &str = "restore.unfinished";

/// The files of a data folder.
pub struct Files {
    data_dir: PathBuf,
    backup: BackupOptions,
    _lock: DataDirLock,
}

impl Files {
    /// Locks the data folder.
    ///
    /// # Errors
    /// When another process has it.
    pub fn lock(config: Config) -> anyhow::Result<Self> {
        let lock = DataDirLock::take(&config.data_dir)?;
        Ok(Self { data_dir: config.data_dir, backup: config.backup, _lock: lock })
    }

    pub async fn verify(&self) -> anyhow::Result<Verified> {
        let ledger = self.open().await?;
        let report = ledger.verify().await.context("the ledger cannot be read");
        ledger.close().await;
        Ok(Verified::from(report?))
    }

    pub async fn repair(&self) -> anyhow::Result<ExitCode> {
        let repaired = ledger_file::mend(&self.data_dir, &self.backup).await?;
        say(&ledger_file::in_words(&repaired));
        Ok(ExitCode::SUCCESS)
    }

    pub async fn export(&self, export: Export) -> anyhow::Result<ExitCode> {
        let ledger = self.open().await?;
        let mut output = Output::open(export.output)?;
        let write = |bytes: &[u8]| output.write(bytes);
        let written = match export.kind {
            Kind::Entries => ledger.export_entries(write).await,
            Kind::Requests => ledger.export_requests(write).await,
        };
        ledger.close().await;
        written.context("the ledger cannot be exported")?;
        output.finish()
    }

    pub async fn back_up(self) -> anyhow::Result<ExitCode> {
        let ledger = self.open().await?;
        let options = Arc::new(self.backup);
        let done = backup::make(&ledger, SystemClock::default().now(), &options).await;
        ledger.close().await;
        let done = done?;
        say(&format!("copied to {} ({} bytes), and read back", done.path, done.bytes));
        Ok(ExitCode::SUCCESS)
    }

    pub async fn restore(&self, file: &Path) -> anyhow::Result<ExitCode> {
        let opened = self.data_dir.join(OPENED);
        let is_sealed = sealed_file::is_sealed(file).with_context(|| format!("cannot read {}", file.display()))?;
        let plain = if is_sealed { opened.as_path() } else { file };
        if is_sealed {
            let passphrase = self.backup.passphrase.as_ref();
            let passphrase = passphrase.context("the copy is encrypted; set MEGAROUTER_BACKUP_PASSPHRASE")?;
            sealed_file::open(file, &opened, passphrase)?;
        }
        let restored = restore(plain, &self.data_dir).await.context("the copy cannot be restored");
        if is_sealed && let Err(error) = std::fs::remove_file(&opened) {
            note(&format!("{} could not be removed: {error}", opened.display()));
        }
        tell(&restored?);
        Ok(ExitCode::SUCCESS)
    }

    pub async fn status(&self, json: bool) -> anyhow::Result<ExitCode> {
        let ledger = self.open().await?;
        let (id, last) = (ledger.id().await?, ledger.durable().await?);
        let open_holds = ledger.state().await?.open_holds();
        let size = ledger.size();
        ledger.close().await;
        let copy = copies::list(&self.backup.folder)?.pop();
        if json {
            let backup = copy.map(|copy| serde_json::json!({ "at": copy.at, "path": copy.path, "entry": copy.lsn.0 }));
            let status = serde_json::json!({
                "id": id, "entries": last.0, "size_bytes": size, "open_holds": open_holds, "last_backup": backup,
            });
            say(&status.to_string());
            return Ok(ExitCode::SUCCESS);
        }
        say(&format!("ledger:   {id}, {} entries, {size} bytes", last.0));
        say(&format!("holds:    {open_holds} open, as the last run left them"));
        say(&match copy {
            Some(copy) => format!("backup:   {}, {}", copy.at.to_rfc3339(), copy.path.display()),
            None => "backup:   none yet".to_owned(),
        });
        Ok(ExitCode::SUCCESS)
    }

    async fn open(&self) -> anyhow::Result<Ledger> {
        Ledger::open(&self.data_dir).await.context("the ledger cannot be opened; try `megarouter-server ledger repair`")
    }
}

fn tell(restored: &Restored) {
    say(&format!(
        "restored up to entry {}; {} entries newer than the copy were kept",
        restored.lsn.0, restored.carried_over
    ));
    if !restored.is_whole {
        say("this is a new ledger now: what the old one had beyond that is not in it");
    }
    if let Some(aside) = &restored.aside {
        say(&format!("the ledger that was in use is {}", aside.display()));
    }
}
