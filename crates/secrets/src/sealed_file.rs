//! Large files that only a passphrase opens, such as copies of a ledger.
//!
//! The file begins with one line of JSON that says how the key is derived. The rest is sealed in
//! parts of one mebibyte. Each part's nonce counts up and the last part's is marked, so that parts
//! can be neither swapped nor cut off; the first line is bound to every part.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::Path;

use megarouter_domain::secret::Secret;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::private_file;
use crate::seal::Derivation;

/// What is sealed at a time, in bytes.
const PART: usize = 1024 * 1024;
/// What sealing adds to a part, in bytes.
const TAG: usize = 16;
/// A longer first line is none of ours, in bytes.
const LONGEST_HEAD: u64 = 4096;
const FORMAT: &str = "megarouter-sealed-1";

/// Why a sealed file cannot be written or read.
#[derive(Debug, Error)]
pub enum SealedFileError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The file was not made by us.
    #[error("the file is not an encrypted backup of MegaRouter")]
    Foreign,
    /// The passphrase is another one, or the file was changed or cut short.
    #[error("the passphrase does not open the file, or the file is damaged")]
    Refused,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    key: Derivation,
    prefix: [u8; 15],
}

/// Tells whether a file is a sealed one, by its beginning.
///
/// # Errors
/// When it cannot be read.
pub fn is_sealed(path: &Path) -> io::Result<bool> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).take(LONGEST_HEAD).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice::<Head>(&line).is_ok_and(|head| head.format == FORMAT))
}

/// Seals a file into another one, which is there as a whole or not at all.
///
/// # Errors
/// When a file cannot be read or written.
pub fn seal(from: &Path, to: &Path, passphrase: &Secret) -> Result<(), SealedFileError> {
    let head = Head { format: FORMAT.to_owned(), key: Derivation::new(), prefix: rand::random() };
    let mut line = serde_json::to_vec(&head).map_err(io::Error::from)?;
    line.push(b'\n');
    let key = head.key.key(passphrase).ok_or(SealedFileError::Foreign)?;
    let mut source = File::open(from)?;
    private_file::replace(to, |file| {
        let mut out = BufWriter::new(file);
        out.write_all(&line)?;
        let (mut part, mut number) = (next_part(&mut source, PART)?, 0);
        loop {
            let following = next_part(&mut source, PART)?;
            let is_last = following.is_empty();
            out.write_all(&key.seal_bytes(nonce(&head.prefix, number, is_last), &line, &part))?;
            if is_last {
                return out.flush();
            }
            (part, number) = (following, number + 1);
        }
    })?;
    Ok(())
}

/// Opens a sealed file into another one, which is there as a whole or not at all.
///
/// # Errors
/// When the file is none, the passphrase is another one, or a byte was changed.
pub fn open(from: &Path, to: &Path, passphrase: &Secret) -> Result<(), SealedFileError> {
    let mut source = BufReader::new(File::open(from)?);
    let mut line = Vec::new();
    (&mut source).take(LONGEST_HEAD).read_until(b'\n', &mut line)?;
    let head: Head = serde_json::from_slice(&line).map_err(|_| SealedFileError::Foreign)?;
    if head.format != FORMAT {
        return Err(SealedFileError::Foreign);
    }
    let key = head.key.key(passphrase).ok_or(SealedFileError::Foreign)?;
    let mut is_refused = false;
    let written = private_file::replace(to, |file| {
        let mut out = BufWriter::new(file);
        let (mut part, mut number) = (next_part(&mut source, PART + TAG)?, 0);
        loop {
            let following = next_part(&mut source, PART + TAG)?;
            let is_last = following.is_empty();
            let Some(text) = key.open_bytes(nonce(&head.prefix, number, is_last), &line, &part) else {
                is_refused = true;
                return Err(io::Error::from(io::ErrorKind::InvalidData));
            };
            out.write_all(&text)?;
            if is_last {
                return out.flush();
            }
            (part, number) = (following, number + 1);
        }
    });
    if is_refused {
        return Err(SealedFileError::Refused);
    }
    Ok(written?)
}

/// The next part, shorter than `size` only at the end of the file.
fn next_part(source: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    source.take(size as u64).read_to_end(&mut part)?;
    Ok(part)
}

fn nonce(prefix: &[u8; 15], number: u64, is_last: bool) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..15].copy_from_slice(prefix);
    nonce[15..23].copy_from_slice(&number.to_be_bytes());
    nonce[23] = u8::from(is_last);
    nonce
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn passphrase(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn sealed(folder: &Path, contents: &[u8]) -> std::path::PathBuf {
        let (plain, sealed) = (folder.join("plain"), folder.join("sealed"));
        fs::write(&plain, contents).unwrap();
        seal(&plain, &sealed, &passphrase("correct horse battery")).unwrap();
        sealed
    }

    #[test]
    fn gives_back_what_was_sealed_whatever_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let opened = folder.path().join("opened");
        for length in [0, 1, PART - 1, PART, PART + 1, 2 * PART] {
            let contents: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let sealed = sealed(folder.path(), &contents);
            assert!(is_sealed(&sealed).unwrap());
            open(&sealed, &opened, &passphrase("correct horse battery")).unwrap();
            assert!(fs::read(&opened).unwrap() == contents, "{length}");
        }
        assert!(!is_sealed(&opened).unwrap());
    }

    #[test]
    fn another_passphrase_opens_nothing_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = sealed(folder.path(), b"figures");
        let opened = folder.path().join("opened");
        let refused = open(&sealed, &opened, &passphrase("incorrect horse"));
        assert!(matches!(refused, Err(SealedFileError::Refused)));
        assert!(!opened.exists());
    }

    #[test]
    fn what_was_changed_swapped_or_cut_off_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = sealed(folder.path(), &vec![7; 2 * PART + 10]);
        let whole = fs::read(&file).unwrap();
        let head = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let size = PART + TAG;
        let mut flipped = whole.clone();
        flipped[head + 5] ^= 1;
        let mut swapped = whole[..head].to_vec();
        swapped.extend_from_slice(&whole[head + size..head + 2 * size]);
        swapped.extend_from_slice(&whole[head..head + size]);
        swapped.extend_from_slice(&whole[head + 2 * size..]);
        for wrong in [flipped, swapped, whole[..head + 2 * size].to_vec(), whole[..head].to_vec()] {
            fs::write(&file, wrong).unwrap();
            let refused = open(&file, &folder.path().join("opened"), &passphrase("correct horse battery"));
            assert!(matches!(refused, Err(SealedFileError::Refused)));
        }
        let plain = open(&folder.path().join("plain"), &folder.path().join("opened"), &passphrase("correct horse"));
        assert!(matches!(plain, Err(SealedFileError::Foreign)));
    }
}
