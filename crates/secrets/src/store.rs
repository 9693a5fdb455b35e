//! The one door to the secrets.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use megarouter_domain::id::{CredentialId, ProviderId};
use megarouter_domain::secret::Secret;
use zeroize::Zeroizing;

use crate::choice::{self, KeySource};
use crate::encrypted_file::EncryptedFile;
use crate::error::{OpenError, StoreError};
use crate::keychain;
use crate::state::{Kind, Readiness, State};

const SHORTEST_PASSPHRASE: usize = 8;
const PLACEHOLDERS: &[&str] = &["changeme", "change-me", "password", "passphrase", "12345678"];

/// What [`Store::open`] needs to know.
#[derive(Debug)]
pub struct Options {
    /// The data folder; it exists and belongs to us alone.
    pub data_dir: PathBuf,
    /// Where credentials are to be kept.
    pub key_source: KeySource,
    /// The passphrase of the encrypted file, if there is one.
    pub passphrase: Option<Secret>,
}

/// The authoritative store of provider credentials. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// Whose secret it is: the name that the store keeps it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A provider's first credential.
    Provider(ProviderId),
    /// A further credential of a provider.
    Credential(CredentialId),
}

struct Inner {
    options: Options,
    backend: Backend,
    state: Mutex<State>,
}

enum Backend {
    Keychain,
    /// `None` while it cannot be opened; the next use tries again.
    File(Arc<Mutex<Option<EncryptedFile>>>),
    Environment,
}

impl Store {
    /// Opens the recorded store, or chooses one on the first start. A store that is locked or
    /// broken opens too: its [`State`] says so, and each use reports it.
    ///
    /// # Errors
    /// When the passphrase is a placeholder, or the choice cannot be read or recorded.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        if options.passphrase.as_ref().is_some_and(is_weak) {
            return Err(OpenError::WeakPassphrase);
        }
        let kind = choose(&options).await?;
        let backend = match kind {
            Kind::Keychain => Backend::Keychain,
            Kind::EncryptedFile => Backend::File(Arc::default()),
            Kind::Environment => Backend::Environment,
        };
        let state = Mutex::new(State { kind, readiness: Readiness::Ready, detail: String::new() });
        let store = Self { inner: Arc::new(Inner { options, backend, state }) };
        store.probe().await;
        Ok(store)
    }

    /// Which store is in use and how it was at its last use.
    pub fn state(&self) -> State {
        lock(&self.inner.state).clone()
    }

    /// Tries whether the store can be used, e.g. after the user unlocked the keychain.
    pub async fn probe(&self) -> State {
        let outcome = match &self.inner.backend {
            Backend::Keychain => keychain::probe().await,
            Backend::File(_) => self.with_file(|_| Ok(())).await,
            Backend::Environment => Ok(()),
        };
        // The outcome is what `observe` records; the state below tells it.
        let _ = self.observe(outcome);
        self.state()
    }

    /// Reads a secret; `None` when the store holds none for it.
    ///
    /// # Errors
    /// When the store is locked or broken. That is never reported as `None`.
    pub async fn get(&self, of: impl Into<Holder>) -> Result<Option<Secret>, StoreError> {
        let name = of.into().to_string();
        let outcome = match &self.inner.backend {
            Backend::Keychain => keychain::get(name).await,
            Backend::File(_) => self.with_file(move |file| file.get(&name)).await,
            Backend::Environment => return Ok(None),
        };
        self.observe(outcome)
    }

    /// Writes a secret, over an old one; it is durable when this returns.
    ///
    /// # Errors
    /// When the store is locked or broken, or keeps no secrets.
    pub async fn put(&self, of: impl Into<Holder>, secret: &Secret) -> Result<(), StoreError> {
        let (name, text) = (of.into().to_string(), Zeroizing::new(secret.expose().to_owned()));
        let outcome = match &self.inner.backend {
            Backend::Keychain => keychain::put(name, text).await,
            Backend::File(_) => self.with_file(move |file| file.put(&name, &text)).await,
            Backend::Environment => return Err(StoreError::KeepsNone),
        };
        self.observe(outcome)
    }

    /// Removes a secret; there may be none.
    ///
    /// # Errors
    /// When the store is locked or broken.
    pub async fn delete(&self, of: impl Into<Holder>) -> Result<(), StoreError> {
        let name = of.into().to_string();
        let outcome = match &self.inner.backend {
            Backend::Keychain => keychain::delete(name).await,
            Backend::File(_) => self.with_file(move |file| file.delete(&name)).await,
            Backend::Environment => return Ok(()),
        };
        self.observe(outcome)
    }

    /// Runs work on the opened file, off the async threads: key derivation and fsync block.
    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut EncryptedFile) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let run = move || {
            let Backend::File(slot) = &inner.backend else { return Err(StoreError::KeepsNone) };
            let mut slot = lock(slot);
            let file = match slot.take() {
                Some(file) => file,
                None => EncryptedFile::open(&inner.options.data_dir, inner.options.passphrase.as_ref())?,
            };
            work(slot.insert(file))
        };
        let failed = |_| Err(StoreError::Unavailable("the secrets file could not be used".to_owned()));
        tokio::task::spawn_blocking(run).await.unwrap_or_else(failed)
    }

    fn observe<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        let (readiness, detail) = match &outcome {
            Ok(_) => (Readiness::Ready, self.ready_detail()),
            Err(StoreError::Locked(detail)) => (Readiness::Locked, detail.clone()),
            Err(error) => (Readiness::Unavailable, error.to_string()),
        };
        let mut state = lock(&self.inner.state);
        (state.readiness, state.detail) = (readiness, detail);
        outcome
    }

    fn ready_detail(&self) -> String {
        match &self.inner.backend {
            Backend::Keychain => "the operating system's keychain".to_owned(),
            Backend::File(slot) => lock(slot).as_ref().map(EncryptedFile::detail).unwrap_or_default(),
            Backend::Environment => "environment variables only; no secret is kept".to_owned(),
        }
    }
}

impl From<ProviderId> for Holder {
    fn from(id: ProviderId) -> Self {
        Self::Provider(id)
    }
}

impl From<CredentialId> for Holder {
    fn from(id: CredentialId) -> Self {
        Self::Credential(id)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Provider(id) => id.fmt(formatter),
            Self::Credential(id) => id.fmt(formatter),
        }
    }
}

async fn choose(options: &Options) -> Result<Kind, OpenError> {
    if let Some(kind) = options.key_source.kind() {
        // An explicit choice may repair an unreadable record, so it is not read first.
        let previous = choice::recorded(&options.data_dir).ok().flatten();
        if previous.is_some_and(|previous| previous != kind) {
            tracing::warn!(store = kind.as_str(), "the secret store was changed; secrets in the old one stay there");
        }
        if previous != Some(kind) {
            choice::record(&options.data_dir, kind)?;
        }
        return Ok(kind);
    }
    if let Some(kind) = choice::recorded(&options.data_dir)? {
        return Ok(kind);
    }
    // A passphrase is given for the file only, so it is a choice too.
    let kind = if options.passphrase.is_none() && keychain::probe().await.is_ok() {
        Kind::Keychain
    } else {
        Kind::EncryptedFile
    };
    choice::record(&options.data_dir, kind)?;
    Ok(kind)
}

fn is_weak(passphrase: &Secret) -> bool {
    let text = passphrase.expose().trim();
    text.chars().count() < SHORTEST_PASSPHRASE || PLACEHOLDERS.contains(&text.to_ascii_lowercase().as_str())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::clock::Timestamp;

    const SECRET: &str = "sk-canary-5b1e";

    fn id() -> ProviderId {
        ProviderId::new(Timestamp::from_micros(1_000_000), [7; 10])
    }

    fn options(folder: &std::path::Path, key_source: KeySource, passphrase: Option<&str>) -> Options {
        let passphrase = passphrase.map(|text| Secret::new(text.to_owned()));
        Options { data_dir: folder.to_owned(), key_source, passphrase }
    }

    #[tokio::test]
    async fn the_chosen_store_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(options(folder.path(), KeySource::File, None)).await.unwrap();
        store.put(id(), &Secret::new(SECRET.to_owned())).await.unwrap();
        let again = Store::open(options(folder.path(), KeySource::Auto, None)).await.unwrap();
        assert_eq!(again.state().kind, Kind::EncryptedFile);
        assert_eq!(again.get(id()).await.unwrap().unwrap().expose(), SECRET);
        again.delete(id()).await.unwrap();
        assert!(again.get(id()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_locked_file_reports_locked_and_never_none() {
        let folder = tempfile::tempdir().unwrap();
        let open = async |phrase| Store::open(options(folder.path(), KeySource::Auto, Some(phrase))).await.unwrap();
        open("the right passphrase").await.put(id(), &Secret::new(SECRET.to_owned())).await.unwrap();
        let locked = open("another passphrase").await;
        assert_eq!(locked.state().readiness, Readiness::Locked);
        assert!(matches!(locked.get(id()).await, Err(StoreError::Locked(_))));
        let put = locked.put(id(), &Secret::new("other".to_owned())).await;
        assert_eq!(put.unwrap_err().code().as_str(), "credential.unavailable");
        let right = open("the right passphrase").await;
        assert_eq!(right.get(id()).await.unwrap().unwrap().expose(), SECRET, "the locked store changed nothing");
    }

    #[tokio::test]
    async fn the_key_file_is_named_as_weak_protection() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(options(folder.path(), KeySource::File, None)).await.unwrap();
        assert!(store.state().detail.contains("protects a copy of secrets.enc alone"));
    }

    #[tokio::test]
    async fn environment_only_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(options(folder.path(), KeySource::Environment, None)).await.unwrap();
        assert!(matches!(store.put(id(), &Secret::new(SECRET.to_owned())).await, Err(StoreError::KeepsNone)));
        assert_eq!(store.state().kind, Kind::Environment);
    }

    #[tokio::test]
    async fn placeholders_are_no_passphrases() {
        let folder = tempfile::tempdir().unwrap();
        for weak in ["", "   ", "changeme", "short"] {
            let opened = Store::open(options(folder.path(), KeySource::File, Some(weak))).await;
            assert!(matches!(opened, Err(OpenError::WeakPassphrase)), "`{weak}`");
        }
    }

    #[tokio::test]
    async fn an_unreadable_record_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret-store.json"), "{}").unwrap();
        let opened = Store::open(options(folder.path(), KeySource::Auto, None)).await;
        assert!(matches!(opened, Err(OpenError::Record { .. })));
    }
}
