//! What people configured: providers, models with prices, keys, preferences. `settings.db`.
//!
//! Small enough to be read as a whole after each change. All writing goes through
//! [`Settings::apply`], so that one change of the API and a whole declarative setup are the same
//! thing: all of it or nothing.

mod keys;
mod model_lists;
mod models;
mod organization;
mod preferences;
mod prices;
mod providers;

use std::collections::HashMap;
use std::path::Path;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{DeploymentId, Entropy, KeyId, ModelId, OrganizationId, PriceId, ProviderId};
use megarouter_domain::key::VirtualKey;
use megarouter_domain::model::Model;
use megarouter_domain::price::Price;
use megarouter_domain::provider::Provider;
use thiserror::Error;
use tokio::sync::Mutex;

pub use self::model_lists::ModelList;
use crate::backend::{self, Schema};
use crate::db::Db;
use crate::error::Error;

/// The tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Everything {
    /// The tenant.
    pub organization: Organization,
    /// In the order they were added.
    pub providers: Vec<Provider>,
    /// In the order they were added, each with the current version of its prices.
    pub models: Vec<Model>,
    /// In the order they were made; revoked ones too.
    pub keys: Vec<VirtualKey>,
    /// The built-in key of the playground; it is among `keys` and has no hash.
    pub playground_key: KeyId,
    /// Preferences by name; the values are JSON.
    pub preferences: Vec<(String, String)>,
}

/// One change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a provider, or replaces the one with its id.
    PutProvider(Provider),
    /// Removes a provider and every deployment on it.
    RemoveProvider {
        /// Which.
        id: ProviderId,
        /// Whether models that would have no deployment left go with it; otherwise it is refused.
        with_models: bool,
    },
    /// Adds a model, or replaces the one with its id. A price with the rates and the source of the
    /// deployment's current version keeps that version; any other becomes a new one.
    PutModel(Model),
    /// Removes a model.
    RemoveModel(ModelId),
    /// Gives a deployment a new version of its price, unless it has another one than `old` by now.
    RenewPrice {
        /// Which deployment.
        deployment: DeploymentId,
        /// The version it had when the new one was made; `None` for none.
        old: Option<PriceId>,
        /// The new version.
        price: Price,
    },
    /// Adds a key, or replaces the name, models and expiry of the one with its id.
    PutKey(VirtualKey),
    /// Refuses a key for good; one that was revoked before keeps its time.
    RevokeKey {
        /// Which.
        id: KeyId,
        /// From when on.
        at: Timestamp,
    },
    /// Sets a preference.
    PutPreference {
        /// Its name.
        name: String,
        /// Its value, as JSON.
        value: String,
    },
}

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// A provider.
    Provider,
    /// A model.
    Model,
    /// A virtual key.
    Key,
}

/// Why changes were refused. None of them was made.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// The name is in use.
    #[error("the {noun} `{by}` already answers to the name `{name}`; choose another one")]
    NameTaken {
        /// What the name is of.
        noun: Noun,
        /// The field that holds it: `name` or `aliases`.
        field: &'static str,
        /// The name.
        name: String,
        /// Who has it.
        by: String,
    },
    /// The text of the key is that of another key.
    #[error("the key `{by}` already has this secret; leave the secret out to have one made")]
    SecretTaken {
        /// Who has it.
        by: String,
    },
    /// Models would be left without a deployment.
    #[error("the provider is the only one that serves {}; remove them too, or give them another", .models.join(", "))]
    InUse {
        /// Their names.
        models: Vec<String>,
    },
    /// There is nothing with this id.
    #[error("there is no {noun} with the id {id}; it may have been removed")]
    NotFound {
        /// What was looked for.
        noun: Noun,
        /// Its id.
        id: String,
    },
    /// The built-in key can be neither changed nor revoked.
    #[error("the playground's own key cannot be changed")]
    BuiltIn,
    /// The database did not take the change.
    #[error(transparent)]
    Store(#[from] Error),
}

impl std::fmt::Display for Noun {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Key => "key",
        })
    }
}

const SCHEMA: Schema = Schema {
    file: "settings.db",
    application_id: 1_297_240_659,
    migrations: &[
        include_str!("../migrations/sqlite/settings/0001_settings.sql"),
        include_str!("../migrations/sqlite/settings/0002_model_lists.sql"),
    ],
};

/// The open settings.
#[derive(Debug)]
pub struct Settings {
    connection: Mutex<Db<'static>>,
}

impl Settings {
    /// Opens the settings of a data directory, making or upgrading them. The first time, the
    /// organisation and the playground's key are made with `now` and `entropy`.
    pub async fn open(dir: &Path, now: Timestamp, entropy: Entropy) -> Result<Self, Error> {
        let mut connection = backend::open(dir, &SCHEMA).await?;
        let mut transaction = connection.begin().await?;
        if organization::find(&mut transaction).await?.is_none() {
            organization::add(&mut transaction, OrganizationId::new(now, entropy), now).await?;
            keys::add_builtin(&mut transaction, KeyId::new(now, entropy), now).await?;
        }
        transaction.commit().await?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Reads the whole configuration.
    pub async fn load(&self) -> Result<Everything, Error> {
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_reading().await?;
        let everything = Everything {
            organization: organization::load(&mut transaction).await?,
            providers: providers::load(&mut transaction).await?,
            models: models::load(&mut transaction).await?,
            keys: keys::load(&mut transaction).await?,
            playground_key: keys::load_builtin(&mut transaction).await?,
            preferences: preferences::load(&mut transaction).await?,
        };
        transaction.commit().await?;
        Ok(everything)
    }

    /// Makes all of these changes in their order, or none.
    ///
    /// # Errors
    /// When one of them is refused or the database does not take them.
    pub async fn apply(&self, changes: Vec<Change>) -> Result<(), ChangeError> {
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin().await?;
        for change in changes {
            make(&mut transaction, change).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What each provider listed when it was last asked; those that never were are missing.
    pub async fn model_lists(&self) -> Result<HashMap<ProviderId, ModelList>, Error> {
        model_lists::load(&mut *self.connection.lock().await).await
    }

    /// Keeps what a provider listed.
    pub async fn keep_model_list(&self, id: ProviderId, list: &ModelList) -> Result<(), Error> {
        model_lists::put(&mut *self.connection.lock().await, id, list).await
    }

    /// Every version of a deployment's price, newest first.
    pub async fn prices(&self, id: DeploymentId) -> Result<Vec<Price>, Error> {
        prices::load(&mut *self.connection.lock().await, id).await
    }

    /// Closes the file.
    pub async fn close(self) {
        if let Err(error) = self.connection.into_inner().close().await {
            tracing::warn!(%error, "the settings were not closed cleanly; nothing is lost");
        }
    }
}

async fn make(connection: &mut Db<'_>, change: Change) -> Result<(), ChangeError> {
    match change {
        Change::PutProvider(provider) => providers::put(connection, &provider).await,
        Change::RemoveProvider { id, with_models } => providers::remove(connection, id, with_models).await,
        Change::PutModel(model) => models::put(connection, &model).await,
        Change::RemoveModel(id) => models::remove(connection, id).await,
        Change::RenewPrice { deployment, old, price } => Ok(prices::renew(connection, deployment, old, &price).await?),
        Change::PutKey(key) => keys::put(connection, &key).await,
        Change::RevokeKey { id, at } => keys::revoke(connection, id, at).await,
        Change::PutPreference { name, value } => Ok(preferences::put(connection, &name, &value).await?),
    }
}

impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
