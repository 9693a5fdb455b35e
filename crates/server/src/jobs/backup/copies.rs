//! The copies of a ledger in their folder: what their names say, and which are too many.

use std::path::{Path, PathBuf};
use std::{fs, io};

use megarouter_domain::clock::Timestamp;
use megarouter_ledger::entry::Lsn;

const PREFIX: &str = "ledger-";
const PLAIN: &str = ".db";
const SEALED: &str = ".db.sealed";

/// A copy, as its name tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Where it is.
    pub path: PathBuf,
    /// When it was made, to the second.
    pub at: Timestamp,
    /// The last entry in it.
    pub lsn: Lsn,
    /// Whether it can only be read with the passphrase.
    pub is_encrypted: bool,
}

impl Copy {
    /// What a copy is called: names sort by time, and every file system takes them.
    pub fn name(at: Timestamp, lsn: Lsn, is_encrypted: bool) -> String {
        let time: String = at.to_rfc3339().chars().take(19).map(|c| if c == ':' { '-' } else { c }).collect();
        let ending = if is_encrypted { SEALED } else { PLAIN };
        format!("{PREFIX}{time}Z-{:012}{ending}", lsn.0)
    }

    /// Reads a name; `None` when the file is none of ours.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
        let (rest, is_encrypted) = match name.strip_suffix(SEALED) {
            Some(rest) => (rest, true),
            None => (name.strip_suffix(PLAIN)?, false),
        };
        let (time, lsn) = rest.split_once("Z-")?;
        let (date, clock) = time.split_once('T')?;
        let at = Timestamp::parse_rfc3339(&format!("{date}T{}Z", clock.replace('-', ":"))).ok()?;
        Some(Self { path: path.to_owned(), at, lsn: Lsn(lsn.parse().ok()?), is_encrypted })
    }
}

/// The copies in a folder, oldest first; none when there is no such folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<Copy>> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?,
    };
    let mut copies: Vec<_> = files.filter_map(|file| Copy::of(&file.ok()?.path())).collect();
    copies.sort_by_key(|copy| (copy.at, copy.lsn));
    Ok(copies)
}

/// The ones to remove so that `keep` are left: the oldest.
pub fn surplus(mut copies: Vec<Copy>, keep: usize) -> Vec<Copy> {
    copies.truncate(copies.len().saturating_sub(keep));
    copies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_795_356_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn a_name_says_when_and_how_far() {
        for is_encrypted in [false, true] {
            let name = Copy::name(at(7), Lsn(42), is_encrypted);
            assert!(!name.contains(':'), "{name}");
            let path = Path::new("folder").join(name);
            assert_eq!(Copy::of(&path), Some(Copy { path: path.clone(), at: at(7), lsn: Lsn(42), is_encrypted }));
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        for name in ["ledger.db", "ledger-yesterday.db", "ledger-2026-11-22T14-00-00Z-1.txt", "notes"] {
            assert_eq!(Copy::of(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn the_oldest_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        for (seconds, lsn) in [(3, 9), (1, 5), (2, 7)] {
            fs::write(folder.path().join(Copy::name(at(seconds), Lsn(lsn), false)), "").unwrap();
        }
        fs::write(folder.path().join("notes"), "").unwrap();
        let copies = list(folder.path()).unwrap();
        assert_eq!(copies.iter().map(|copy| copy.lsn.0).collect::<Vec<_>>(), [5, 7, 9]);
        assert_eq!(surplus(copies.clone(), 2), copies[..1]);
        assert!(surplus(copies, 5).is_empty());
        assert!(list(&folder.path().join("nowhere")).unwrap().is_empty());
    }
}
