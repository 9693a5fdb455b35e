//! How many times the settings were changed: how the nodes of a hub notice that another one did.
//! Owns the table `settings_version`.

use std::time::Duration;

use sqlx::postgres::PgListener;

use crate::backend::postgres::{HubPool, announce_settings};
use crate::db::{Db, Engine};
use crate::error::Error;
use crate::row::{Reading, values};

/// How often the version is looked at, in case that a notice was lost with its connection.
const POLL: Duration = Duration::from_secs(2);

/// Reads it.
pub(super) async fn load(db: &mut Db<'_>) -> Result<u64, Error> {
    let row = db.fetch_one("SELECT version FROM settings_version", values![]).await?;
    Reading::new("settings_version", "version", &row).count("version")
}

/// Makes other transactions that lock or count wait until this one is done.
pub(super) async fn lock(db: &mut Db<'_>) -> Result<(), Error> {
    db.execute("UPDATE settings_version SET version = version", values![]).await?;
    Ok(())
}

/// Counts a change. As the first thing of a transaction it makes those of other nodes wait, so that
/// what this one checks stays true until it is done.
pub(super) async fn count(db: &mut Db<'_>) -> Result<(), Error> {
    db.execute("UPDATE settings_version SET version = version + 1", values![]).await?;
    if db.engine() == Engine::Postgres {
        announce_settings(db).await?;
    }
    Ok(())
}

/// Waits until the version is another than `seen`, and gives it. Failures are waited out.
pub(super) async fn changed(pool: &HubPool, listener: &mut Option<PgListener>, seen: u64) -> u64 {
    loop {
        if listener.is_none() {
            // What changed before this line is seen by the look below, what changes after it is heard.
            *listener = pool.settings_listener().await.ok();
        }
        match look(pool).await {
            Ok(version) if version != seen => return version,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the version of the hub's settings cannot be read"),
        }
        let heard = async {
            match listener {
                Some(listening) => listening.try_recv().await,
                None => std::future::pending().await,
            }
        };
        if let Ok(Err(_) | Ok(None)) = tokio::time::timeout(POLL, heard).await {
            *listener = None;
        }
    }
}

async fn look(pool: &HubPool) -> Result<u64, Error> {
    load(&mut pool.questions().await?).await
}
