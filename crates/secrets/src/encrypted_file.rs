//! The encrypted file: `secrets.enc`, one sealed text for each provider.
//!
//! With a passphrase the key is derived from it. Without one a random key lies beside the file in
//! `secrets.key`: that protects a copy of `secrets.enc` alone and nothing else, and `detail` says so.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use megarouter_domain::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::private_file;
use crate::seal::{Derivation, SealKey, Sealed};

const FILE: &str = "secrets.enc";
const KEY_FILE: &str = "secrets.key";
const VERSION: u32 = 1;
const CHECK_LABEL: &str = "megarouter/check";
const CHECK_TEXT: &str = "megarouter";

/// The opened file.
pub struct EncryptedFile {
    path: PathBuf,
    key: SealKey,
    contents: Contents,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    key: KeyOrigin,
    /// A known text, so that a wrong passphrase is told from a damaged entry.
    check: Sealed,
    entries: BTreeMap<String, Sealed>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
enum KeyOrigin {
    Passphrase(Derivation),
    KeyFile,
}

impl EncryptedFile {
    /// Opens the file, or makes an empty one. With a passphrase, a file that was kept under a key
    /// file is sealed again under the passphrase.
    pub fn open(data_dir: &Path, passphrase: Option<&Secret>) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE);
        let Some(contents) = read(&path)? else { return Self::create(data_dir, passphrase) };
        match (&contents.key, passphrase) {
            (KeyOrigin::Passphrase(_), None) => Err(StoreError::Locked(format!(
                "{FILE} is protected by a passphrase; set MEGAROUTER_SECRETS_PASSPHRASE or use --secrets-passphrase-file"
            ))),
            (KeyOrigin::Passphrase(derivation), Some(passphrase)) => {
                let key = derivation.key(passphrase).ok_or_else(|| damaged("its key derivation is out of bounds"))?;
                let wrong = || StoreError::Locked(format!("the passphrase does not open {FILE}"));
                Self::unlocked(path, key, contents).ok_or_else(wrong)
            }
            (KeyOrigin::KeyFile, passphrase) => {
                let key = read_key(data_dir)?;
                let wrong = || {
                    StoreError::Unavailable(format!(
                        "{KEY_FILE} does not open {FILE}; restore the one that belongs to it"
                    ))
                };
                let file = Self::unlocked(path, key, contents).ok_or_else(wrong)?;
                match passphrase {
                    None => Ok(file),
                    Some(passphrase) => file.under_passphrase(data_dir, passphrase),
                }
            }
        }
    }

    /// Reads a secret; `None` when there is none under that name.
    pub fn get(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        let Some(sealed) = self.contents.entries.get(name) else { return Ok(None) };
        let secret = self.key.open(&label(name), sealed).ok_or_else(|| damaged("an entry was changed or moved"))?;
        Ok(Some(secret))
    }

    /// Writes a secret, over an old one.
    pub fn put(&mut self, name: &str, secret: &str) -> Result<(), StoreError> {
        let mut contents = self.contents.clone();
        contents.entries.insert(name.to_owned(), self.key.seal(&label(name), secret));
        self.replace(contents)
    }

    /// Removes a secret; there may be none.
    pub fn delete(&mut self, name: &str) -> Result<(), StoreError> {
        let mut contents = self.contents.clone();
        match contents.entries.remove(name) {
            Some(_) => self.replace(contents),
            None => Ok(()),
        }
    }

    /// What protects the secrets, for a person.
    pub fn detail(&self) -> String {
        match self.contents.key {
            KeyOrigin::Passphrase(_) => format!("{FILE} in the data folder, encrypted with your passphrase"),
            KeyOrigin::KeyFile => format!(
                "{FILE} in the data folder, encrypted with {KEY_FILE} beside it. This protects a copy of {FILE} alone; \
                 who can read the data folder can read the secrets. Set MEGAROUTER_SECRETS_PASSPHRASE to protect them with a passphrase."
            ),
        }
    }

    fn create(data_dir: &Path, passphrase: Option<&Secret>) -> Result<Self, StoreError> {
        let (key, origin) = match passphrase {
            Some(passphrase) => derive(passphrase)?,
            None => (make_key(data_dir)?, KeyOrigin::KeyFile),
        };
        let contents = Contents {
            version: VERSION,
            key: origin,
            check: key.seal(CHECK_LABEL, CHECK_TEXT),
            entries: BTreeMap::new(),
        };
        write(&data_dir.join(FILE), &contents)?;
        Ok(Self { path: data_dir.join(FILE), key, contents })
    }

    fn unlocked(path: PathBuf, key: SealKey, contents: Contents) -> Option<Self> {
        let opened = key.open(CHECK_LABEL, &contents.check)?;
        (opened.expose() == CHECK_TEXT).then_some(Self { path, key, contents })
    }

    fn under_passphrase(self, data_dir: &Path, passphrase: &Secret) -> Result<Self, StoreError> {
        let (key, origin) = derive(passphrase)?;
        let mut entries = BTreeMap::new();
        for name in self.contents.entries.keys() {
            if let Some(secret) = self.get(name)? {
                entries.insert(name.clone(), key.seal(&label(name), secret.expose()));
            }
        }
        let contents = Contents { version: VERSION, key: origin, check: key.seal(CHECK_LABEL, CHECK_TEXT), entries };
        write(&self.path, &contents)?;
        // The new file does not need the old key; one that cannot be removed opens nothing.
        if let Err(error) = fs::remove_file(data_dir.join(KEY_FILE)) {
            tracing::warn!(%error, "the old key file could not be removed");
        }
        Ok(Self { path: self.path, key, contents })
    }

    fn replace(&mut self, contents: Contents) -> Result<(), StoreError> {
        write(&self.path, &contents)?;
        self.contents = contents;
        Ok(())
    }
}

fn derive(passphrase: &Secret) -> Result<(SealKey, KeyOrigin), StoreError> {
    let derivation = Derivation::new();
    let key = derivation.key(passphrase).ok_or_else(|| damaged("no key can be derived"))?;
    Ok((key, KeyOrigin::Passphrase(derivation)))
}

fn read(path: &Path) -> Result<Option<Contents>, StoreError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::Unavailable(format!("{FILE} cannot be read: {error}"))),
    };
    let contents: Contents =
        serde_json::from_str(&text).map_err(|_| damaged("it is not readable as a secrets file"))?;
    if contents.version != VERSION {
        return Err(StoreError::Unavailable(format!("{FILE} was written by a newer MegaRouter; update this one")));
    }
    Ok(Some(contents))
}

fn write(path: &Path, contents: &Contents) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Unavailable(format!("{FILE} cannot be written: {error}"));
    let text = serde_json::to_vec_pretty(contents).map_err(|error| failed(error.into()))?;
    private_file::write(path, &text).map_err(failed)
}

fn read_key(data_dir: &Path) -> Result<SealKey, StoreError> {
    let missing = |error: io::Error| {
        StoreError::Unavailable(format!(
            "{KEY_FILE}, which opens {FILE}, cannot be read ({error}); restore it from a backup"
        ))
    };
    let text = fs::read_to_string(data_dir.join(KEY_FILE)).map_err(missing)?;
    SealKey::from_text(&text).ok_or_else(|| StoreError::Unavailable(format!("{KEY_FILE} holds no key")))
}

fn make_key(data_dir: &Path) -> Result<SealKey, StoreError> {
    let key = SealKey::random();
    private_file::write(&data_dir.join(KEY_FILE), key.to_text().as_bytes())
        .map_err(|error| StoreError::Unavailable(format!("{KEY_FILE} cannot be written: {error}")))?;
    Ok(key)
}

fn label(name: &str) -> String {
    format!("megarouter/secret/{name}")
}

fn damaged(why: &str) -> StoreError {
    StoreError::Unavailable(format!("{FILE} is damaged: {why}; restore it from a backup"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn read_back(folder: &Path, phrase: Option<&Secret>, name: &str) -> Option<String> {
        let file = EncryptedFile::open(folder, phrase).ok()?;
        file.get(name).ok()?.map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn survives_a_restart_with_and_without_passphrase() {
        for phrase in [None, Some(passphrase("correct horse battery"))] {
            let folder = tempfile::tempdir().unwrap();
            let mut file = EncryptedFile::open(folder.path(), phrase.as_ref()).unwrap();
            file.put("one", "sk-1").unwrap();
            file.put("two", "sk-2").unwrap();
            file.delete("two").unwrap();
            assert_eq!(read_back(folder.path(), phrase.as_ref(), "one").as_deref(), Some("sk-1"));
            assert_eq!(read_back(folder.path(), phrase.as_ref(), "two"), None);
            let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
            assert!(!text.contains("sk-1"), "the secret is not in the file");
        }
    }

    #[test]
    fn a_wrong_or_missing_passphrase_is_locked_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        EncryptedFile::open(folder.path(), Some(&passphrase("right passphrase"))).unwrap().put("one", "sk-1").unwrap();
        for phrase in [None, Some(passphrase("wrong passphrase"))] {
            let opened = EncryptedFile::open(folder.path(), phrase.as_ref());
            assert!(matches!(opened, Err(StoreError::Locked(_))));
        }
    }

    #[test]
    fn swapped_entries_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EncryptedFile::open(folder.path(), None).unwrap();
        file.put("one", "sk-1").unwrap();
        file.put("two", "sk-2").unwrap();
        let (one, two) = (file.contents.entries["one"].clone(), file.contents.entries["two"].clone());
        file.contents.entries.insert("one".to_owned(), two);
        file.contents.entries.insert("two".to_owned(), one);
        write(&file.path, &file.contents).unwrap();
        let file = EncryptedFile::open(folder.path(), None).unwrap();
        assert!(matches!(file.get("one"), Err(StoreError::Unavailable(_))));
        assert!(matches!(file.get("two"), Err(StoreError::Unavailable(_))));
    }

    #[test]
    fn a_lost_key_file_is_an_error_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        EncryptedFile::open(folder.path(), None).unwrap().put("one", "sk-1").unwrap();
        fs::remove_file(folder.path().join(KEY_FILE)).unwrap();
        assert!(matches!(EncryptedFile::open(folder.path(), None), Err(StoreError::Unavailable(_))));
        assert!(!folder.path().join(KEY_FILE).exists());
    }

    #[test]
    fn a_passphrase_given_later_replaces_the_key_file() {
        let folder = tempfile::tempdir().unwrap();
        EncryptedFile::open(folder.path(), None).unwrap().put("one", "sk-1").unwrap();
        let phrase = passphrase("added afterwards");
        assert_eq!(read_back(folder.path(), Some(&phrase), "one").as_deref(), Some("sk-1"));
        assert!(!folder.path().join(KEY_FILE).exists());
        assert!(matches!(EncryptedFile::open(folder.path(), None), Err(StoreError::Locked(_))));
    }

    #[test]
    fn a_damaged_file_is_reported_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{\"version\":1").unwrap();
        assert!(matches!(EncryptedFile::open(folder.path(), None), Err(StoreError::Unavailable(_))));
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), "{\"version\":1");
    }
}
