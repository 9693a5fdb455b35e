//! Copies the ledger once a day, and when somebody asks for it.
//!
//! A copy counts when it was read back: opened like a ledger that is restored, with every entry
//! checked. An encrypted one is opened with the passphrase for that. The oldest copies go when a new
//! one counts, never before.

pub mod copies;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context as _, ensure};
use megarouter_api::context::{BackupOrder, Context};
use megarouter_api::upkeep::BackupDone;
use megarouter_domain::clock::Timestamp;
use megarouter_secrets::{private_file, sealed_file};
use megarouter_store::ledger::{Ledger, check_backup};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::BackupOptions;
use copies::Copy;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// What a start has to do goes first.
const FIRST_REST: Duration = Duration::from_secs(60);
/// A copy that is being made, or an encrypted one that is being read.
const UNFINISHED: &str = "copy.unfinished.db";

/// Makes copies until `ending`.
pub async fn run(
    context: Arc<Context>,
    options: BackupOptions,
    mut wanted: mpsc::Receiver<BackupOrder>,
    ending: CancellationToken,
) {
    let options = Arc::new(options);
    show_latest(&context, &options.folder);
    let mut not_before = context.now().plus(FIRST_REST);
    loop {
        let due = due(&context, &options, not_before);
        let waiting = tokio::select! {
            waiting = wanted.recv() => match waiting {
                Some(waiting) => Some(waiting),
                None => return,
            },
            () = sleep(rest(context.now(), due)) => None,
            () = ending.cancelled() => return,
        };
        let is_due = due.is_some_and(|due| context.now() >= due);
        if waiting.is_none() && !is_due {
            continue;
        }
        let made = tokio::select! {
            made = make(&context.ledger, context.now(), &options) => made,
            () = ending.cancelled() => return,
        };
        if made.is_err() {
            not_before = context.now().plus(HOUR);
        }
        tell(&context, waiting, made);
    }
}

/// Makes a copy, reads it back, and removes those that are too many.
///
/// # Errors
/// When the folder cannot be written, or the copy is not what it should be.
pub async fn make(ledger: &Ledger, now: Timestamp, options: &Arc<BackupOptions>) -> anyhow::Result<BackupDone> {
    let folder = options.folder.clone();
    in_background(move || prepare(&folder)).await.context("the folder for backups cannot be used")?;
    let raw = options.folder.join(UNFINISHED);
    let made = finish(ledger, now, options, &raw).await;
    if made.is_err() {
        // The next try removes what cannot be removed now.
        let _ = prepare(&options.folder);
    }
    made
}

async fn finish(
    ledger: &Ledger,
    at: Timestamp,
    options: &Arc<BackupOptions>,
    raw: &Path,
) -> anyhow::Result<BackupDone> {
    let lsn = ledger.backup(raw).await.context("the ledger cannot be copied")?;
    let is_encrypted = options.passphrase.is_some();
    let done = options.folder.join(Copy::name(at, lsn, is_encrypted));
    if is_encrypted {
        let (options, raw, done) = (Arc::clone(options), raw.to_owned(), done.clone());
        in_background(move || seal(&options, &raw, &done)).await.context("the copy cannot be encrypted")?;
    }
    // What is read back is what a restore would get: of an encrypted copy, what the passphrase opens.
    let checked = check_backup(raw).await.context("the copy cannot be read back")?;
    ensure!(
        checked.report.is_sound() && checked.lsn == lsn,
        "the copy does not add up: {:?}",
        checked.report.unexplained
    );
    let (options, raw, path) = (Arc::clone(options), raw.to_owned(), done.clone());
    let bytes = in_background(move || keep(&options, &raw, &path)).await.context("the copy cannot be kept")?;
    Ok(BackupDone { at, path: done.display().to_string(), bytes, lsn, is_encrypted })
}

/// The copies that a ledger can be mended with, newest first; of the encrypted ones only the newest,
/// opened for the moment.
///
/// # Errors
/// When the folder cannot be used.
pub fn usable(options: &BackupOptions) -> anyhow::Result<Vec<PathBuf>> {
    let mut copies = copies::list(&options.folder)?;
    copies.reverse();
    if let (Some(Copy { path, is_encrypted: true, .. }), Some(passphrase)) = (copies.first(), &options.passphrase) {
        prepare(&options.folder)?;
        let opened = options.folder.join(UNFINISHED);
        sealed_file::open(path, &opened, passphrase)?;
        copies[0] = Copy { path: opened, is_encrypted: false, ..copies[0].clone() };
    }
    Ok(copies.into_iter().filter(|copy| !copy.is_encrypted).map(|copy| copy.path).collect())
}

/// Seals a copy and puts what the passphrase opens in the place of the raw one.
fn seal(options: &BackupOptions, raw: &Path, done: &Path) -> anyhow::Result<()> {
    let passphrase = options.passphrase.as_ref().context("there is no passphrase")?;
    sealed_file::seal(raw, done, passphrase)?;
    fs::remove_file(raw)?;
    Ok(sealed_file::open(done, raw, passphrase)?)
}

/// Gives the copy its name, removes those that are too many, and gives its size in bytes.
fn keep(options: &BackupOptions, raw: &Path, done: &Path) -> io::Result<u64> {
    if options.passphrase.is_some() {
        fs::remove_file(raw)?;
    } else {
        fs::rename(raw, done)?;
    }
    for old in copies::surplus(copies::list(&options.folder)?, options.keep) {
        fs::remove_file(old.path)?;
    }
    Ok(fs::metadata(done)?.len())
}

/// Makes the folder, and removes what a killed run left half-made.
fn prepare(folder: &Path) -> io::Result<()> {
    private_file::create_folder(folder)?;
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        match is_unfinished(&path) {
            true if path.is_dir() => fs::remove_dir_all(path)?,
            true => fs::remove_file(path)?,
            false => {}
        }
    }
    Ok(())
}

fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("copy.unfinished") || name.ends_with(".db.sealed.new")
}

/// When the next copy is due; `None` when none is made by itself.
fn due(context: &Context, options: &BackupOptions, not_before: Timestamp) -> Option<Timestamp> {
    let last = context.upkeep.borrow().last_backup.as_ref().map(|done| done.at);
    let next = last.map_or(not_before, |last| last.plus(options.every.unwrap_or_default()));
    options.every.map(|_| next.max(not_before))
}

/// How long to wait before looking at the clock again, which a sleeping machine sets forward.
fn rest(now: Timestamp, due: Option<Timestamp>) -> Duration {
    due.map_or(HOUR, |due| due.since(now)).clamp(Duration::from_millis(100), HOUR)
}

fn tell(context: &Context, waiting: Option<BackupOrder>, made: anyhow::Result<BackupDone>) {
    let made = made.map_err(|error| format!("{error:#}"));
    match &made {
        Ok(done) => tracing::info!(path = done.path, bytes = done.bytes, lsn = done.lsn.0, "the ledger was copied"),
        Err(error) => tracing::error!(error, "the ledger was not copied"),
    }
    context.upkeep.send_modify(|upkeep| match &made {
        Ok(done) => (upkeep.last_backup, upkeep.backup_failure) = (Some(done.clone()), None),
        Err(error) => upkeep.backup_failure = Some(error.clone()),
    });
    context.status_changed();
    if let Some(waiting) = waiting {
        // Whoever asked may have left.
        let _ = waiting.send(made);
    }
}

/// Shows the latest copy of an earlier run.
fn show_latest(context: &Context, folder: &Path) {
    let latest = copies::list(folder).ok().and_then(|mut copies| copies.pop());
    let Some(Copy { path, at, lsn, is_encrypted }) = latest else { return };
    let bytes = fs::metadata(&path).map_or(0, |file| file.len());
    let done = BackupDone { at, path: path.display().to_string(), bytes, lsn, is_encrypted };
    context.upkeep.send_modify(|upkeep| upkeep.last_backup = Some(done));
}

async fn in_background<T: Send + 'static, E: Into<anyhow::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await?.map_err(Into::into)
}
