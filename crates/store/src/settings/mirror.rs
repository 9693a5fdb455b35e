//! A copy of a hub's settings in the node's own folder, so that it starts while the hub's database is
//! away. The same tables as settings of one's own, in another file.

use std::path::Path;

use tokio::sync::Mutex;

use crate::backend::{self, Schema};
use crate::db::Db;
use crate::error::Error;
use crate::row::values;
use crate::settings::outcomes::LearntState;
use crate::settings::{
    ChangeError, Everything, SCHEMA, budgets, keys, load, models, organization, outcomes, policies, preferences,
    providers, units,
};

/// Everything that is written, those that name others first. Prices stay: they are never removed.
const CLEAR: &[&str] = &[
    "DELETE FROM raises",
    "DELETE FROM budgets",
    "DELETE FROM keys",
    "DELETE FROM units",
    "DELETE FROM deployments",
    "DELETE FROM model_names",
    "DELETE FROM models",
    "DELETE FROM model_lists",
    "DELETE FROM providers",
    "DELETE FROM policy_versions",
    "DELETE FROM policies",
    "DELETE FROM preferences",
    "DELETE FROM organization",
];

/// The last good settings of a hub.
#[derive(Debug)]
pub struct Mirror {
    db: Mutex<Db<'static>>,
}

impl Mirror {
    /// Opens the copy in a data directory, making or upgrading it.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        let schema = Schema { name: "hub-settings", ..SCHEMA };
        Ok(Self { db: Mutex::new(backend::open(dir, &schema).await?) })
    }

    /// Keeps the settings as they are, in the place of what was kept before.
    pub async fn keep(&self, everything: &Everything) -> Result<(), Error> {
        let mut db = self.db.lock().await;
        let mut transaction = db.begin().await?;
        transaction.execute("PRAGMA defer_foreign_keys = ON", values![]).await?;
        for text in CLEAR {
            transaction.execute(*text, values![]).await?;
        }
        write(&mut transaction, everything).await.map_err(|error| match error {
            ChangeError::Store(error) => error,
            refused => Error::Mirror(Box::new(refused)),
        })?;
        transaction.commit().await
    }

    /// Keeps what was learnt, in the place of what was kept before.
    pub async fn keep_learnt(&self, learnt: &LearntState) -> Result<(), Error> {
        outcomes::mirror(&mut *self.db.lock().await, learnt).await
    }

    /// What was learnt, as it was last kept.
    pub async fn learnt(&self) -> Result<LearntState, Error> {
        outcomes::learnt(&mut *self.db.lock().await).await
    }

    /// What was kept; `None` when nothing ever was.
    pub async fn load(&self) -> Result<Option<Everything>, Error> {
        let mut db = self.db.lock().await;
        let mut transaction = db.begin_reading().await?;
        if organization::find(&mut transaction).await?.is_none() {
            return Ok(None);
        }
        load(&mut transaction).await.map(Some)
    }
}

async fn write(db: &mut Db<'_>, everything: &Everything) -> Result<(), ChangeError> {
    organization::write(db, &everything.organization).await?;
    for provider in &everything.providers {
        providers::put(db, provider).await?;
    }
    for model in &everything.models {
        models::put(db, model).await?;
    }
    for unit in &everything.units {
        units::insert(db, unit).await?;
    }
    for key in &everything.keys {
        keys::insert(db, key, key.id == everything.playground_key).await?;
    }
    for budget in &everything.budgets {
        budgets::write(db, budget).await?;
    }
    for policy in &everything.policies {
        policies::write(db, policy).await?;
    }
    for (name, value) in &everything.preferences {
        preferences::put(db, name, value).await?;
    }
    let version = i64::try_from(everything.version).unwrap_or(i64::MAX);
    db.execute("UPDATE settings_version SET version = $1", values![version]).await?;
    Ok(())
}
