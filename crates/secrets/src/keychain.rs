//! The operating system's keychain.
//!
//! Every call may block on a dialog that nobody answers, so each runs on a thread of its own with a
//! time limit, one at a time: a hung keychain costs one thread, not one a request.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use keyring::v1::{Entry, Error as KeyringError};
use megarouter_domain::secret::Secret;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::error::StoreError;

const SERVICE: &str = "megarouter";
const LIMIT: Duration = Duration::from_secs(5);
const PROBE_ACCOUNT: &str = "probe";

static ONE_AT_A_TIME: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(1)));

/// Reads a secret; `None` when there is none under that account. A keychain that is not there also
/// finds nothing, so that answer is believed only after the keychain proved that it works.
pub async fn get(account: String) -> Result<Option<Secret>, StoreError> {
    let found = find(account).await?;
    if found.is_none() {
        probe().await?;
    }
    Ok(found)
}

async fn find(account: String) -> Result<Option<Secret>, StoreError> {
    on_thread(move || match open(&account)?.get_password() {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(KeyringError::NoEntry) => Ok(None),
        Err(error) => Err(explain(&error)),
    })
    .await
}

/// Writes a secret, over an old one.
pub async fn put(account: String, secret: Zeroizing<String>) -> Result<(), StoreError> {
    on_thread(move || open(&account)?.set_password(&secret).map_err(|error| explain(&error))).await
}

/// Removes a secret; there may be none.
pub async fn delete(account: String) -> Result<(), StoreError> {
    on_thread(move || match open(&account)?.delete_credential() {
        Ok(()) | Err(KeyringError::NoEntry) => Ok(()),
        Err(error) => Err(explain(&error)),
    })
    .await
}

/// Proves that the keychain works by writing, reading and removing an entry: on some systems it
/// opens without complaint, finds nothing, and only refuses when written to.
pub async fn probe() -> Result<(), StoreError> {
    let account = format!("{PROBE_ACCOUNT}-{:016x}", rand::random::<u64>());
    put(account.clone(), Zeroizing::new(account.clone())).await?;
    let read = find(account.clone()).await?;
    delete(account.clone()).await?;
    match read {
        Some(secret) if secret.expose() == account => Ok(()),
        _ => Err(StoreError::Unavailable("the keychain did not give back what was written to it".to_owned())),
    }
}

fn open(account: &str) -> Result<Entry, StoreError> {
    if let Err(error) = Entry::store_status() {
        return Err(explain(error));
    }
    Entry::new(SERVICE, account).map_err(|error| explain(&error))
}

fn explain(error: &KeyringError) -> StoreError {
    match error {
        KeyringError::NoStorageAccess(_) => {
            StoreError::Locked(format!("the keychain is locked ({error}); unlock it and try again"))
        }
        _ => StoreError::Unavailable(format!("the keychain cannot be used ({error})")),
    }
}

async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let call = async {
        let turn = Arc::clone(&ONE_AT_A_TIME).acquire_owned().await;
        let (answer, answered) = oneshot::channel();
        let started = std::thread::Builder::new().name("keychain".to_owned()).spawn(move || {
            // Nobody listens when the time limit has passed; the turn ends with the thread.
            let _ = answer.send(work());
            drop(turn);
        });
        if let Err(error) = started {
            return Err(StoreError::Unavailable(format!("no thread for the keychain: {error}")));
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the keychain call failed".to_owned())))
    };
    timeout(LIMIT, call).await.unwrap_or_else(|_| {
        Err(StoreError::Locked(
            "the keychain did not answer within 5 seconds; it may be waiting for you to unlock it".to_owned(),
        ))
    })
}
