//! Where the socket of a data folder is.

use std::path::Path;

use sha2::{Digest as _, Sha256};

/// A short name that stands for a data folder.
pub fn short_name(data_dir: &Path) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    digest.iter().take(8).fold(String::new(), |mut name, byte| {
        // Writing to a text cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

#[cfg(unix)]
pub use unix::{choose, find};

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::io;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use megarouter_secrets::private_file;
    use rustix::process::geteuid;

    use super::short_name;

    const NAME: &str = "control.sock";
    /// Says where the socket is when its path in the data folder would be too long.
    const RECORD: &str = "control.path";
    /// macOS allows 104 bytes with the closing zero, Linux 108.
    const LONGEST: usize = 103;

    /// Chooses the socket's path and records it if it is not the usual one.
    pub fn choose(data_dir: &Path) -> io::Result<PathBuf> {
        let usual = data_dir.join(NAME);
        let record = data_dir.join(RECORD);
        if usual.as_os_str().len() <= LONGEST {
            remove_if_there(&record)?;
            return Ok(usual);
        }
        let folder = short_folder();
        private_file::create_folder(&folder)?;
        if fs::symlink_metadata(&folder)?.uid() != geteuid().as_raw() {
            let reason = format!("{} belongs to another user", folder.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        let path = folder.join(format!("{}.sock", short_name(data_dir)));
        private_file::write(&record, path.as_os_str().as_encoded_bytes())?;
        Ok(path)
    }

    /// Where a running instance's socket is.
    pub fn find(data_dir: &Path) -> PathBuf {
        fs::read_to_string(data_dir.join(RECORD)).map_or_else(|_| data_dir.join(NAME), PathBuf::from)
    }

    fn short_folder() -> PathBuf {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let is_short = |path: &PathBuf| path.as_os_str().len() < 60;
        match runtime.filter(is_short) {
            Some(runtime) => runtime.join("megarouter"),
            None => PathBuf::from(format!("/tmp/megarouter-{}", geteuid().as_raw())),
        }
    }

    fn remove_if_there(path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
