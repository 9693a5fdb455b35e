//! A display of our own, so that a window can be opened where there is none.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use crate::tools;

/// A running virtual display; it goes when dropped.
pub struct Xvfb {
    process: Child,
    number: u32,
}

impl Xvfb {
    /// Starts a display of 1280 by 800 points under a free number.
    pub fn start() -> Result<Self> {
        let mut process = Command::new(tools::program("Xvfb", "xvfb")?)
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start Xvfb")?;
        let output = process.stdout.take().context("Xvfb has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let number = line.trim().parse().with_context(|| format!("Xvfb named no display but {line:?}"))?;
        Ok(Self { process, number })
    }

    /// The value for `DISPLAY`.
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _already_gone = self.process.wait();
    }
}
