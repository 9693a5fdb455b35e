//! Opening the ledger's file, and mending it when it is damaged.
//!
//! After an unclean end the file is looked through before anything is decided on it: all of it while it
//! is small, else its structure and its latest entries. What is damaged is put aside, never written
//! over, and the ledger is put together again from the last good copy and whatever entries can be read.

use std::path::Path;

use anyhow::Context as _;
use megarouter_ledger::chain;
use megarouter_ledger::entry::Lsn;
use megarouter_store::error::Error;
use megarouter_store::ledger::{Ledger, RepairOutcome, Repaired, repair};

use crate::config::BackupOptions;
use crate::jobs::backup;

/// A ledger with more entries than this is not read as a whole at a start.
const SMALL: u64 = 50_000;
/// How many of the latest entries of a larger one are read.
const LATEST: u64 = 20_000;
const PAGE: u32 = 1_000;

/// Opens the ledger of a data folder that is locked.
///
/// # Errors
/// When it cannot be opened or mended.
pub async fn open(dir: &Path, copies: &BackupOptions) -> anyhow::Result<Ledger> {
    let was_cut_off = has_log(dir);
    let damage = match Ledger::open(dir).await {
        Ok(ledger) if !was_cut_off => return Ok(ledger),
        Ok(ledger) => match damage_of(&ledger).await {
            None => return Ok(ledger),
            Some(damage) => {
                ledger.close().await;
                damage
            }
        },
        Err(error) if error.is_damage() => error.to_string(),
        Err(error) => return Err(error).context("the ledger cannot be opened"),
    };
    tracing::error!(damage, "the ledger is damaged; putting it together again");
    let repaired = mend(dir, copies).await?;
    tracing::error!("{}", in_words(&repaired));
    Ledger::open(dir).await.context("the ledger cannot be opened")
}

/// Makes the ledger of a data folder that is locked sound again.
///
/// # Errors
/// When nothing of it can be read and there is no copy.
pub async fn mend(dir: &Path, copies: &BackupOptions) -> anyhow::Result<Repaired> {
    let copies = backup::usable(copies).unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "copies of the ledger cannot be read");
        Vec::new()
    });
    repair(dir, &copies).await.context("the ledger is damaged and cannot be put together; restore a copy")
}

/// What a repair did, for a person.
pub fn in_words(repaired: &Repaired) -> String {
    match &repaired.outcome {
        RepairOutcome::Sound => "the ledger is sound; nothing was changed".to_owned(),
        RepairOutcome::Rebuilt => "what is derived from the entries was made again; no entry was lost".to_owned(),
        RepairOutcome::Recovered { copy, restored } => {
            let from = copy.as_ref().map_or_else(|| "no copy".to_owned(), |copy| copy.display().to_string());
            let aside = restored.aside.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            let whole = if restored.is_whole { "no entry was lost" } else { "entries after it may be lost" };
            format!(
                "the ledger was put together from {from} and {} entries that could be read, up to entry {}; {whole}; \
                 the damaged file is {aside}",
                restored.carried_over, restored.lsn.0
            )
        }
    }
}

/// True when the last run did not close the file.
fn has_log(dir: &Path) -> bool {
    dir.join("ledger.db-wal").metadata().is_ok_and(|log| log.len() > 0)
}

/// What is wrong with a file that was not closed; `None` when nothing was found.
async fn damage_of(ledger: &Ledger) -> Option<String> {
    match look_through(ledger).await {
        Ok(damage) => damage,
        Err(error) => Some(error.to_string()),
    }
}

async fn look_through(ledger: &Ledger) -> Result<Option<String>, Error> {
    let last = ledger.durable().await?;
    if let Some(damage) = ledger.quick_check().await? {
        return Ok(Some(damage));
    }
    if last.0 <= SMALL {
        let report = ledger.verify().await?;
        return Ok((!report.is_sound()).then(|| report.unexplained.join("; ")));
    }
    let mut known = Lsn(last.0 - LATEST);
    while known < last {
        let page = ledger.after(known, PAGE).await?;
        let mut link = page.before;
        for stored in &page.entries {
            link = chain::hash(&link, stored.body.as_bytes());
            if link != stored.hash {
                return Ok(Some(format!("entry {} was changed", stored.entry.lsn.0)));
            }
        }
        let Some(end) = page.entries.last() else { break };
        known = end.entry.lsn;
    }
    Ok(None)
}
