//! A program on a disk that fills up, and one whose disk fails to sync.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::program::{Install, Program};
use crate::tools;

/// Moves the data folder into a file system of its own that holds `$1` bytes, then becomes the program.
const ONTO_SMALL_DISK: &str = r#"
set -e
size=$1 data=$2; shift 2
cp -a "$data" "$data.kept"
mount -t tmpfs -o "size=$size" tmpfs "$data"
cp -a "$data.kept/." "$data/"
exec "$@"
"#;

/// A small disk that holds nothing but the data folder of one program, and that only it sees.
pub struct SmallDisk {
    /// The install, with its data folder as the rest of the machine reaches it.
    pub install: Install,
}

impl SmallDisk {
    /// Starts the program of an install on a disk of `size_bytes`.
    pub fn start(install: &Install, size_bytes: u64) -> Result<(Program, Self)> {
        let data = install.data_folder();
        let (size, path) = (size_bytes.to_string(), data.to_string_lossy());
        let mut below = vec!["unshare", "--mount"];
        if !tools::is_root()? {
            below.push("--map-root-user");
        }
        below.extend(["sh", "-c", ONTO_SMALL_DISK, "sh", &size, &path]);
        let program = install.start_under(&below, &[], &[])?;
        let inside = data.strip_prefix("/").context("the data folder has a whole path")?;
        let seen = PathBuf::from(format!("/proc/{}/root", program.process_id())).join(inside);
        Ok((program, Self { install: install.seen_at(seen) }))
    }

    /// Fills the disk to its last byte.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.install.data_folder().join("filler"))?;
        while filler.write_all(&[0; 4096]).is_ok() {}
        while filler.write_all(&[0]).is_ok() {}
        Ok(())
    }

    /// Makes room again.
    pub fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.install.data_folder().join("filler"))?)
    }
}

/// While it lives, every sync of a program's files fails with an I/O error.
pub struct FailingSync {
    tracer: Child,
    /// Kept open: it tells of every new thread, and dies when nobody listens.
    _said: BufReader<ChildStderr>,
}

impl FailingSync {
    /// Lets the syncs of a running program fail from here on.
    pub fn of(program: &Program) -> Result<Self> {
        let strace = tools::program("strace", "strace")?;
        // Looking into a process that is no child of one's own takes root on some machines.
        Self::attach(Command::new(&strace), program).or_else(|refused| {
            let mut as_root = Command::new("sudo");
            as_root.arg("-n").arg(&strace);
            Self::attach(as_root, program).context(refused)
        })
    }

    fn attach(mut strace: Command, program: &Program) -> Result<Self> {
        let mut tracer = strace
            .args(["-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"])
            .args(["-e", "inject=fsync,fdatasync:error=EIO", "-p", &program.process_id().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start strace")?;
        let mut said = BufReader::new(tracer.stderr.take().context("strace says nothing")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        if !line.contains("attached") {
            tracer.wait()?;
            bail!("strace did not attach: {line}");
        }
        Ok(Self { tracer, _said: said })
    }
}

impl Drop for FailingSync {
    fn drop(&mut self) {
        // Asked to end, it lets the program go; killed, it might take it along.
        let _already_gone = Command::new("kill").arg(self.tracer.id().to_string()).status();
        let _already_gone = self.tracer.wait();
    }
}
