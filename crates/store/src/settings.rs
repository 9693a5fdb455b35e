//! What people configured: the organisation, providers, models with prices, keys, budgets,
//! policies, preferences; and what is learnt from their answers. `settings.db`, or the database that the nodes of a hub share.
//!
//! Small enough to be read as a whole after each change. All writing goes through
//! [`Settings::apply`], so that one change of the API and a whole declarative setup are the same
//! thing: all of it or nothing.

pub(crate) mod budgets;
mod keys;
mod mirror;
mod model_lists;
mod models;
mod organization;
pub mod outcomes;
mod policies;
mod preferences;
mod prices;
mod providers;
pub mod replays;
mod units;
mod version;

use std::collections::HashMap;
use std::path::Path;

use megarouter_domain::budget::Budget;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{
    BudgetId, DeploymentId, Entropy, KeyId, LedgerId, ModelId, OrganizationId, PolicyId, PriceId, ProviderId, ReplayId,
    RequestId, UnitId,
};
use megarouter_domain::key::VirtualKey;
use megarouter_domain::model::Model;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::policy::{Policy, PolicyError, Version};
use megarouter_domain::price::Price;
use megarouter_domain::provider::Provider;
use megarouter_domain::unit::{TreeError, Unit};
use sqlx::postgres::PgListener;
use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};

pub use self::mirror::Mirror;
pub use self::model_lists::ModelList;
use self::outcomes::{LearntState, News, Outcome};
use self::replays::{Promotion, Replay, ReplayAnswer, ReplayItem, ReplayState};
use crate::backend::postgres::HubPool;
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
    /// In the order they were made; archived ones too.
    pub units: Vec<Unit>,
    /// In the order they were made; revoked ones too.
    pub keys: Vec<VirtualKey>,
    /// The built-in key of the playground; it is among `keys` and has no hash.
    pub playground_key: KeyId,
    /// In the order they were made; archived ones too.
    pub budgets: Vec<Budget>,
    /// In the order they were made, with their versions in force; archived ones too.
    pub policies: Vec<Policy>,
    /// Preferences by name; the values are JSON.
    pub preferences: Vec<(String, String)>,
    /// How many times the settings were changed.
    pub version: u64,
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
    /// Adds a unit, or replaces the name, place and address of the one with its id.
    PutUnit(Unit),
    /// Takes a unit out of use, and the budgets on it; one that was archived before keeps its time.
    ArchiveUnit {
        /// Which.
        id: UnitId,
        /// From when on.
        at: Timestamp,
        /// Whether everything in use in it goes with it: units are archived, keys revoked. Otherwise
        /// a unit that holds something is refused.
        with_content: bool,
    },
    /// Takes a unit back into use, where it was. What was archived with it stays so.
    RestoreUnit(UnitId),
    /// Names the organisation.
    RenameOrganization(String),
    /// Adds a budget, or replaces the one with its id, with its raises.
    PutBudget(Budget),
    /// Ends a budget; one that was ended before keeps its time.
    ArchiveBudget {
        /// Which.
        id: BudgetId,
        /// From when on.
        at: Timestamp,
    },
    /// Adds a key, or replaces the name, owner, project, models and expiry of the one with its id.
    PutKey(VirtualKey),
    /// Refuses a key for good; one that was revoked before keeps its time.
    RevokeKey {
        /// Which.
        id: KeyId,
        /// From when on.
        at: Timestamp,
    },
    /// Adds a policy, or replaces the one with its id. A version that is stored under its number as it is
    /// keeps that number; any other becomes a new version, with the next number.
    PutPolicy(Policy),
    /// Takes a policy out of use; one that was archived before keeps its time.
    ArchivePolicy {
        /// Which.
        id: PolicyId,
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
    /// The organisation.
    Organization,
    /// A department, team, project, member or app.
    Unit,
    /// A budget.
    Budget,
    /// A policy.
    Policy,
}

/// Why changes were refused. None of them was made.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// The name is in use.
    #[error("the {noun} `{by}` already answers to the name `{name}`; choose another one")]
    NameTaken {
        /// What the name is of.
        noun: Noun,
        /// The field that holds it: `name`, `aliases` or `email`.
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
    /// The units would make no tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A policy could not be put in force.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A unit that is to be archived holds something in use.
    #[error("{name} still holds {}; move that first, or archive it too", .content.join(", "))]
    Holding {
        /// What people call the unit.
        name: String,
        /// What it holds, in words.
        content: Vec<String>,
    },
    /// What is to be used is out of use.
    #[error("the {noun} `{name}` is archived; restore it first, or choose another one")]
    Archived {
        /// What it is.
        noun: Noun,
        /// What people call it.
        name: String,
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
            Self::Organization => "organization",
            Self::Unit => "unit",
            Self::Budget => "budget",
            Self::Policy => "policy",
        })
    }
}

pub(crate) const SCHEMA: Schema = Schema {
    name: "settings",
    application_id: 1_297_240_659,
    sqlite: &[
        include_str!("../migrations/sqlite/settings/0001_settings.sql"),
        include_str!("../migrations/sqlite/settings/0002_model_lists.sql"),
        include_str!("../migrations/sqlite/settings/0003_organization.sql"),
        include_str!("../migrations/sqlite/settings/0004_policies.sql"),
        include_str!("../migrations/sqlite/settings/0005_learning.sql"),
    ],
    postgres: &[
        include_str!("../migrations/postgres/settings/0001_settings.sql"),
        include_str!("../migrations/postgres/settings/0002_policies.sql"),
        include_str!("../migrations/postgres/settings/0003_learning.sql"),
    ],
};

/// Where settings are kept.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// In a file of a data directory.
    Folder(&'a Path),
    /// In the database that the nodes of a hub share.
    Hub(&'a HubPool),
}

/// The open settings.
#[derive(Debug)]
pub struct Settings {
    home: Home,
}

#[derive(Debug)]
enum Home {
    File(Mutex<Db<'static>>),
    Hub { pool: HubPool, listener: Mutex<Option<PgListener>> },
}

/// A connection for one operation.
enum Lent<'a> {
    File(MutexGuard<'a, Db<'static>>),
    Hub(Db<'static>),
}

impl Settings {
    /// Opens the settings of a place, making or upgrading them. The first time, the organisation, the
    /// playground's key and the policy `auto` are made with `now` and `entropy`.
    pub async fn open<'a>(place: impl Into<Place<'a>>, now: Timestamp, entropy: Entropy) -> Result<Self, Error> {
        let settings = match place.into() {
            Place::Folder(dir) => Self { home: Home::File(Mutex::new(backend::open(dir, &SCHEMA).await?)) },
            Place::Hub(pool) => Self::of_hub(pool),
        };
        settings.prepare(now, entropy).await?;
        Ok(settings)
    }

    /// The settings of a hub whose database may be away: every operation fails until it is back, and
    /// [`Self::prepare`] is to be called then.
    pub fn of_hub(pool: &HubPool) -> Self {
        Self { home: Home::Hub { pool: pool.clone(), listener: Mutex::default() } }
    }

    /// Makes the organisation, the playground's key and the policy `auto`, unless there is an organisation.
    pub async fn prepare(&self, now: Timestamp, entropy: Entropy) -> Result<(), Error> {
        let mut db = self.writer().await?;
        let mut transaction = db.begin().await?;
        version::lock(&mut transaction).await?;
        if organization::find(&mut transaction).await?.is_none() {
            organization::add(&mut transaction, OrganizationId::new(now, entropy), now).await?;
            keys::add_builtin(&mut transaction, KeyId::new(now, entropy), now).await?;
            policies::write(&mut transaction, &policies::first(now, entropy)).await?;
        }
        transaction.commit().await
    }

    /// Reads the whole configuration.
    pub async fn load(&self) -> Result<Everything, Error> {
        let mut db = self.reader().await?;
        let mut transaction = db.begin_reading().await?;
        let everything = load(&mut transaction).await?;
        transaction.commit().await?;
        Ok(everything)
    }

    /// Makes all of these changes in their order, or none.
    ///
    /// # Errors
    /// When one of them is refused or the database does not take them.
    pub async fn apply(&self, changes: Vec<Change>) -> Result<(), ChangeError> {
        let mut db = self.writer().await?;
        let mut transaction = db.begin().await?;
        let made = make_all(&mut transaction, changes).await;
        transaction.end(made).await
    }

    /// Waits until the settings have another version than `seen`, because another node of the hub
    /// changed them, and gives it: within milliseconds as a rule, within two seconds if a notice gets
    /// lost. Waits for ever where nobody else can change them. To be called by one task.
    pub async fn changed(&self, seen: u64) -> u64 {
        match &self.home {
            Home::File(_) => std::future::pending().await,
            Home::Hub { pool, listener } => version::changed(pool, &mut *listener.lock().await, seen).await,
        }
    }

    /// What each provider listed when it was last asked; those that never were are missing.
    pub async fn model_lists(&self) -> Result<HashMap<ProviderId, ModelList>, Error> {
        model_lists::load(&mut *self.reader().await?).await
    }

    /// Keeps what a provider listed.
    pub async fn keep_model_list(&self, id: ProviderId, list: &ModelList) -> Result<(), Error> {
        model_lists::put(&mut *self.writer().await?, id, list).await
    }

    /// Every version of a deployment's price, newest first.
    pub async fn prices(&self, id: DeploymentId) -> Result<Vec<Price>, Error> {
        prices::load(&mut *self.reader().await?, id).await
    }

    /// Every version of a policy, newest first; none when there is no such policy.
    pub async fn versions(&self, id: PolicyId) -> Result<Vec<Version>, Error> {
        policies::versions(&mut *self.reader().await?, id).await
    }

    /// Stores outcomes in their order and gives the number of the last one of all. What says again what was
    /// said of a request before is passed over.
    pub async fn add_outcomes(&self, outcomes: &[Outcome]) -> Result<u64, Error> {
        self.in_transaction(async |db| outcomes::add(db, outcomes).await).await
    }

    /// How far outcomes and what is learnt have come.
    pub async fn outcome_news(&self) -> Result<News, Error> {
        outcomes::news(&mut *self.reader().await?).await
    }

    /// At most `limit` outcomes after a number, in their order.
    pub async fn outcomes_after(&self, number: u64, limit: u32) -> Result<Vec<Outcome>, Error> {
        outcomes::after(&mut *self.reader().await?, number, limit).await
    }

    /// At most `limit` outcomes before a number, newest first.
    pub async fn outcomes_before(&self, number: u64, limit: u32) -> Result<Vec<Outcome>, Error> {
        outcomes::before(&mut *self.reader().await?, number, limit).await
    }

    /// The outcomes of a span of time, newest first; [`outcomes::MOST_OUTCOMES`] of them at most.
    pub async fn outcomes_between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Outcome>, Error> {
        outcomes::between(&mut *self.reader().await?, from, to).await
    }

    /// Every outcome of a request, in their order.
    pub async fn outcomes_of(&self, id: RequestId) -> Result<Vec<Outcome>, Error> {
        outcomes::of_request(&mut *self.reader().await?, id).await
    }

    /// What was learnt from outcomes.
    pub async fn learnt(&self) -> Result<LearntState, Error> {
        outcomes::learnt(&mut *self.reader().await?).await
    }

    /// Keeps a state that more outcomes are in than in the stored one; false when there is no need.
    pub async fn keep_learnt(&self, learnt: &LearntState) -> Result<bool, Error> {
        outcomes::keep(&mut *self.writer().await?, learnt).await
    }

    /// Puts a state, or nothing, in the place of what was learnt. Outcomes until now are not learnt from
    /// again; other nodes follow.
    pub async fn replace_learnt(&self, state: Option<Vec<u8>>, at: Timestamp) -> Result<(), Error> {
        self.in_transaction(async |db| outcomes::replace(db, state, at).await).await
    }

    /// Stores a replay with its prompts.
    pub async fn add_replay(&self, replay: &Replay, items: &[ReplayItem]) -> Result<(), Error> {
        self.in_transaction(async |db| replays::add(db, replay, items).await).await
    }

    /// The latest replays, newest first.
    pub async fn replays(&self) -> Result<Vec<Replay>, Error> {
        replays::load(&mut *self.reader().await?).await
    }

    /// A replay with its prompts.
    pub async fn replay(&self, id: ReplayId) -> Result<Option<(Replay, Vec<ReplayItem>)>, Error> {
        let mut db = self.reader().await?;
        let mut transaction = db.begin_reading().await?;
        let found = replays::one(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(found)
    }

    /// The oldest replay with work left that no other node runs; it is this node's for
    /// [`replays::CLAIM`], and longer when it is claimed again.
    pub async fn claim_replay(&self, runner: LedgerId, now: Timestamp) -> Result<Option<Replay>, Error> {
        replays::claim(&mut *self.writer().await?, runner, now).await
    }

    /// Claims a replay that this node runs for some more time, and gives it as it is now; `None` when it has
    /// ended, or is another node's.
    pub async fn renew_claim(&self, id: ReplayId, runner: LedgerId, now: Timestamp) -> Result<Option<Replay>, Error> {
        replays::renew(&mut *self.writer().await?, id, runner, now).await
    }

    /// Stores a candidate's answer and adds what it cost to the replay.
    pub async fn answer_replay(&self, id: ReplayId, number: u32, answer: &ReplayAnswer) -> Result<(), Error> {
        self.in_transaction(async |db| replays::answer(db, id, number, answer).await).await
    }

    /// Stores the judge's word on a prompt, the position of the better answer with a reason, and its cost.
    pub async fn judge_replay(
        &self,
        id: ReplayId,
        number: u32,
        judgement: (Option<u32>, &str),
        cost: NanoUsd,
    ) -> Result<(), Error> {
        self.in_transaction(async |db| replays::judge(db, id, number, judgement, cost).await).await
    }

    /// Stores a person's vote on a prompt, the position of the better answer; false when there is no such
    /// prompt.
    pub async fn vote_replay(&self, id: ReplayId, number: u32, better: Option<u32>) -> Result<bool, Error> {
        replays::vote(&mut *self.writer().await?, id, number, better).await
    }

    /// Ends a replay; false when it has ended already.
    pub async fn end_replay(
        &self,
        id: ReplayId,
        state: ReplayState,
        detail: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, Error> {
        replays::end(&mut *self.writer().await?, id, state, detail, at).await
    }

    /// Notes what was promoted because of a replay; `None` when that was taken back.
    pub async fn promote_replay(&self, id: ReplayId, promotion: Option<&Promotion>) -> Result<(), Error> {
        replays::promote(&mut *self.writer().await?, id, promotion).await
    }

    /// Removes a replay with its texts; false when there is none.
    pub async fn remove_replay(&self, id: ReplayId) -> Result<bool, Error> {
        replays::remove(&mut *self.writer().await?, id).await
    }

    /// Closes the file; the hub's connections stay with their owner.
    pub async fn close(self) {
        let Home::File(db) = self.home else { return };
        if let Err(error) = db.into_inner().close().await {
            tracing::warn!(%error, "the settings were not closed cleanly; nothing is lost");
        }
    }

    /// All of the work, or none of it.
    async fn in_transaction<T>(&self, work: impl AsyncFnOnce(&mut Db<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut db = self.writer().await?;
        let mut transaction = db.begin().await?;
        let done = work(&mut transaction).await;
        transaction.end(done).await
    }

    async fn writer(&self) -> Result<Lent<'_>, Error> {
        match &self.home {
            Home::File(db) => Ok(Lent::File(db.lock().await)),
            Home::Hub { pool, .. } => Ok(Lent::Hub(pool.work().await?)),
        }
    }

    async fn reader(&self) -> Result<Lent<'_>, Error> {
        match &self.home {
            Home::File(db) => Ok(Lent::File(db.lock().await)),
            Home::Hub { pool, .. } => Ok(Lent::Hub(pool.questions().await?)),
        }
    }
}

impl<'a> From<&'a Path> for Place<'a> {
    fn from(dir: &'a Path) -> Self {
        Self::Folder(dir)
    }
}

impl<'a> From<&'a HubPool> for Place<'a> {
    fn from(pool: &'a HubPool) -> Self {
        Self::Hub(pool)
    }
}

impl std::ops::Deref for Lent<'_> {
    type Target = Db<'static>;

    fn deref(&self) -> &Db<'static> {
        match self {
            Self::File(db) => db,
            Self::Hub(db) => db,
        }
    }
}

impl std::ops::DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Db<'static> {
        match self {
            Self::File(db) => db,
            Self::Hub(db) => db,
        }
    }
}

async fn load(db: &mut Db<'_>) -> Result<Everything, Error> {
    Ok(Everything {
        organization: organization::load(db).await?,
        providers: providers::load(db).await?,
        models: models::load(db).await?,
        units: units::load(db).await?,
        keys: keys::load(db).await?,
        playground_key: keys::load_builtin(db).await?,
        budgets: budgets::load(db).await?,
        policies: policies::load(db).await?,
        preferences: preferences::load(db).await?,
        version: version::load(db).await?,
    })
}

async fn make_all(db: &mut Db<'_>, changes: Vec<Change>) -> Result<(), ChangeError> {
    version::count(db).await?;
    for change in changes {
        make(db, change).await?;
    }
    Ok(())
}

async fn make(db: &mut Db<'_>, change: Change) -> Result<(), ChangeError> {
    match change {
        Change::PutProvider(provider) => providers::put(db, &provider).await,
        Change::RemoveProvider { id, with_models } => providers::remove(db, id, with_models).await,
        Change::PutModel(model) => models::put(db, &model).await,
        Change::RemoveModel(id) => models::remove(db, id).await,
        Change::RenewPrice { deployment, old, price } => Ok(prices::renew(db, deployment, old, &price).await?),
        Change::PutUnit(unit) => units::put(db, &unit).await,
        Change::ArchiveUnit { id, at, with_content } => units::archive(db, id, at, with_content).await,
        Change::RestoreUnit(id) => units::restore(db, id).await,
        Change::RenameOrganization(name) => Ok(organization::rename(db, &name).await?),
        Change::PutBudget(budget) => budgets::put(db, &budget).await,
        Change::ArchiveBudget { id, at } => budgets::archive(db, id, at).await,
        Change::PutKey(key) => keys::put(db, &key).await,
        Change::RevokeKey { id, at } => keys::revoke(db, id, at).await,
        Change::PutPolicy(policy) => policies::put(db, &policy).await,
        Change::ArchivePolicy { id, at } => policies::archive(db, id, at).await,
        Change::PutPreference { name, value } => Ok(preferences::put(db, &name, &value).await?),
    }
}
