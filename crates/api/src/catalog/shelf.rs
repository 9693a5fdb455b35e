//! The catalogue in use, and where refreshed ones are kept.
//!
//! Nothing is unpacked before somebody asks. What a refresh made is kept beside the sources' own files
//! in `catalogue/` of the data folder; when it cannot be read, the embedded catalogue takes its place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use megarouter_catalog::{Catalog, litellm, models_dev};
use megarouter_domain::clock::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::fs;
use tokio::sync::Notify;

use super::CatalogOrigin;

/// The file of the merged catalogue.
const MERGED: &str = "catalogue.gz";
/// The file that says what the others are.
const EDITIONS: &str = "editions.json";

/// Where the sources are.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// LiteLLM's map.
    pub litellm: String,
    /// models.dev's list.
    pub models_dev: String,
}

impl Default for Addresses {
    fn default() -> Self {
        Self { litellm: litellm::URL.to_owned(), models_dev: models_dev::URL.to_owned() }
    }
}

/// The catalogue in use.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    pub(super) addresses: Addresses,
    current: RwLock<Option<(Arc<Catalog>, CatalogOrigin)>>,
    history: Mutex<History>,
    reconsider: Notify,
    /// Held while a refresh runs, so that there is one at a time.
    pub(super) refreshing: tokio::sync::Mutex<()>,
}

/// What happened to it since the program started, and before as far as it was kept.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) is_running: bool,
    pub(super) last_attempt: Option<Timestamp>,
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_error: Option<String>,
    pub(super) next_attempt: Option<Timestamp>,
    pub(super) prices_changed: u64,
    pub(super) prices_held_back: u64,
}

/// The editions that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Editions {
    /// When they were last found to be the newest.
    pub(super) checked_at: Option<Timestamp>,
    /// By the id of the source.
    #[serde(default)]
    pub(super) sources: Vec<KeptEdition>,
}

/// A source's file that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptEdition {
    /// The id of the source.
    pub(super) id: String,
    /// Its server's name for this edition.
    pub(super) etag: Option<String>,
    /// When it was fetched.
    pub(super) fetched_at: Timestamp,
}

impl Shelf {
    /// A shelf in a data folder, which it touches only for refreshed catalogues.
    pub fn new(data_dir: &Path, addresses: Addresses) -> Self {
        Self {
            folder: data_dir.join("catalogue"),
            addresses,
            current: RwLock::default(),
            history: Mutex::default(),
            reconsider: Notify::new(),
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    /// The catalogue in use, unpacked when it is asked for first.
    pub async fn catalog(&self) -> (Arc<Catalog>, CatalogOrigin) {
        if let Some((catalog, origin)) = &*self.current.read().unwrap_or_else(PoisonError::into_inner) {
            return (Arc::clone(catalog), *origin);
        }
        let kept = self.read(MERGED).await;
        let unpacked = tokio::task::spawn_blocking(move || unpack(kept)).await;
        let (catalog, origin) = unpacked.unwrap_or_else(|_| unpack(Err(io::ErrorKind::Other.into())));
        let mut place = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let (catalog, origin) = place.get_or_insert((Arc::new(catalog), origin));
        (Arc::clone(catalog), *origin)
    }

    /// Puts a refreshed catalogue in use.
    pub(super) fn replace(&self, catalog: Arc<Catalog>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some((catalog, CatalogOrigin::Refreshed));
    }

    pub(super) fn history(&self) -> History {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut History)) {
        change(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Says when the next refresh is due; `None` when none is.
    pub fn plan(&self, next: Option<Timestamp>) {
        self.note(|history| history.next_attempt = next);
    }

    /// Tells whoever plans refreshes that the setting is another one.
    pub(crate) fn reconsider(&self) {
        self.reconsider.notify_one();
    }

    /// Waits until the setting is another one.
    pub async fn reconsidered(&self) {
        self.reconsider.notified().await;
    }

    /// When the sources were last found to be read, in this run or one before.
    pub async fn last_success(&self) -> Option<Timestamp> {
        match self.history().last_success {
            Some(at) => Some(at),
            None => self.editions().await.checked_at,
        }
    }

    /// What is kept of the sources; nothing when that cannot be read.
    pub(super) async fn editions(&self) -> Editions {
        let read = self.read(EDITIONS).await.ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// The file of a source as it was last fetched.
    pub(super) async fn source(&self, id: &str) -> io::Result<Vec<u8>> {
        self.read(&format!("{id}.json")).await
    }

    pub(super) async fn keep_source(&self, id: &str, content: &[u8]) -> io::Result<()> {
        self.write(&format!("{id}.json"), content).await
    }

    pub(super) async fn keep(&self, packed: &[u8], editions: &Editions) -> io::Result<()> {
        self.write(MERGED, packed).await?;
        self.keep_editions(editions).await
    }

    pub(super) async fn keep_editions(&self, editions: &Editions) -> io::Result<()> {
        self.write(EDITIONS, &serde_json::to_vec(editions)?).await
    }

    async fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(name)).await
    }

    /// Writes all of a file or nothing of it.
    async fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder).await?;
        let unfinished = self.folder.join(format!("{name}.unfinished"));
        fs::write(&unfinished, content).await?;
        fs::rename(unfinished, self.folder.join(name)).await
    }
}

fn unpack(kept: io::Result<Vec<u8>>) -> (Catalog, CatalogOrigin) {
    let embedded = || (megarouter_catalog::embedded(), CatalogOrigin::Embedded);
    let Ok(bytes) = kept else { return embedded() };
    match megarouter_catalog::unpack(&bytes) {
        Ok(catalog) => (catalog, CatalogOrigin::Refreshed),
        Err(error) => {
            tracing::warn!(%error, "the refreshed catalogue cannot be read; the embedded one is used");
            embedded()
        }
    }
}
