//! The lock on a data directory: one writer at a time, whatever the program.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::backend;

/// Held for as long as the directory's stores are open for writing. The operating system gives it
/// back when the process ends, however it ends.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{path} is in use by {}; stop that instance or choose another data directory", owner_text(*.owner))]
    Held {
        /// The directory.
        path: PathBuf,
        /// The process that has it, when it said so.
        owner: Option<u32>,
    },
    /// The lock file cannot be made.
    #[error("{path} cannot be locked")]
    File {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl DataDirLock {
    /// Takes the lock, making the directory (for its owner only) when it is not there.
    ///
    /// # Errors
    /// When another process has it, or the directory cannot be used. It does not wait.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::File { path: dir.to_owned(), source };
        backend::make_private_dir(dir).map_err(failed)?;
        let mut file = open(&dir.join("lock")).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { path: dir.to_owned(), owner: read_owner(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        write_owner(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    backend::make_private_file(path)?;
    Ok(file)
}

fn write_owner(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn owner_text(owner: Option<u32>) -> String {
    owner.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_and_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDirLock::take(dir.path()).unwrap();
        let Err(LockError::Held { owner, .. }) = DataDirLock::take(dir.path()) else { panic!("taken twice") };
        assert_eq!(owner, Some(std::process::id()));
        drop(held);
        DataDirLock::take(dir.path()).unwrap();
    }
}
