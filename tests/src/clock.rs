//! A wall clock that a test sets, by libfaketime. Durations stay real.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// The clock of one program.
pub struct WallClock {
    folder: TempDir,
    library: PathBuf,
}

impl WallClock {
    /// A clock that shows the real time.
    pub fn new() -> Result<Self> {
        let found =
            std::fs::read_dir("/usr/lib")?.flatten().map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
        let library = found.into_iter().find(|path| path.is_file());
        let library = library.context("libfaketime is not installed: apt-get install faketime")?;
        let clock = Self { folder: tempfile::tempdir()?, library };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it so many seconds ahead of the real time, or behind.
    pub fn set(&self, ahead_seconds: i64) -> Result<()> {
        // In one step: the program may read the file at any moment.
        let (new, file) = (self.folder.path().join("new"), self.file());
        std::fs::write(&new, format!("{ahead_seconds:+}\n"))?;
        Ok(std::fs::rename(new, file)?)
    }

    /// The environment that makes a program go by this clock.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.to_string_lossy().into_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().to_string_lossy().into_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }
}
