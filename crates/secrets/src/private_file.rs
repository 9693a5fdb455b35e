//! Files that only their owner may read, replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Replaces a file's contents: after a crash or a power loss it holds either the old or the new
/// ones. The file is readable by its owner only, whatever the umask.
///
/// # Errors
/// When the folder cannot be written; the old contents are then untouched.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    replace(path, |file| file.write_all(contents))
}

/// Replaces a file's contents as [`write()`] does, by what `fill` writes into a new file.
///
/// # Errors
/// When `fill` fails, or the folder cannot be written; the old contents are then untouched.
pub fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let unfinished = unfinished(path);
    let result = make(&unfinished, fill).and_then(|()| fs::rename(&unfinished, path));
    if result.is_err() {
        // What is left of a failed write may hold secrets; the error below is the one to report.
        let _ = fs::remove_file(&unfinished);
    }
    result?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes a folder that only its owner may enter, with its parents.
///
/// # Errors
/// When it cannot be made, or belongs to somebody else.
pub fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    restrict_folder(path)
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn make(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // A leftover of a crash may have other rights or be a link, so it is removed, not reused.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().open(path)?;
    fill(&mut file)?;
    file.sync_all()
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    // The data folder is inside the user's profile, whose access list is inherited.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}

#[cfg(unix)]
fn restrict_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    // A folder cannot be opened for syncing here; the rename is journalled by the file system.
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn keeps_others_out_whatever_the_umask() {
        let old = rustix::process::umask(rustix::fs::Mode::empty());
        let folder = tempfile::tempdir().unwrap();
        let (inner, file) = (folder.path().join("a/b"), folder.path().join("a/b/secret"));
        create_folder(&inner).unwrap();
        write(&file, b"one").unwrap();
        write(&file, b"two").unwrap();
        rustix::process::umask(old);
        assert_eq!((mode(&inner), mode(&file)), (0o700, 0o600));
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn does_not_write_through_a_planted_link() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, b"untouched").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("secret.new")).unwrap();
        write(&folder.path().join("secret"), b"hidden").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    }

    #[test]
    fn a_failed_write_leaves_the_old_contents() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        write(&file, b"old").unwrap();
        // A folder of the temporary name cannot be removed as a file.
        fs::create_dir(folder.path().join("secret.new")).unwrap();
        assert!(write(&file, b"new").is_err());
        assert_eq!(fs::read(&file).unwrap(), b"old");
    }
}
