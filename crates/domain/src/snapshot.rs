//! The immutable picture of the configuration that a request is decided on.
//!
//! A change of configuration builds a new snapshot and swaps it in; a request keeps the one it
//! started with. Parts that did not change are shared.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use crate::budget::Budget;
use crate::facts::Facts;
use crate::id::{DeploymentId, KeyId, OrganizationId, ProviderId, UnitId};
use crate::key::{KeyHash, VirtualKey};
use crate::model::{Deployment, Model};
use crate::policy::Policy;
use crate::provider::Target;
use crate::unit::{TreeError, Unit, Units};

/// Everything the gateway needs to know to decide on a request.
#[derive(Clone, Debug)]
pub struct Snapshot {
    organization: OrganizationId,
    organization_name: Arc<str>,
    units: Arc<Units>,
    budgets: Arc<[Budget]>,
    keys: Arc<Keys>,
    targets: Arc<HashMap<ProviderId, Arc<Target>>>,
    models: Arc<Models>,
    policies: Arc<Policies>,
    facts: Arc<HashMap<DeploymentId, Facts>>,
}

/// What a snapshot is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The tenant.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: Arc<str>,
    /// Its parts, archived ones too.
    pub units: Vec<Unit>,
    /// Its limits; those that are archived are left out.
    pub budgets: Vec<Budget>,
    /// Every key, revoked ones too.
    pub keys: Vec<VirtualKey>,
    /// Every provider, with its credential.
    pub targets: Vec<Target>,
    /// Every public model, in the order they are listed.
    pub models: Vec<Model>,
    /// What is known of deployments.
    pub facts: HashMap<DeploymentId, Facts>,
    /// Every policy, in the order they are listed; archived ones are left out.
    pub policies: Vec<Policy>,
}

#[derive(Debug, Default)]
struct Policies {
    all: Vec<Arc<Policy>>,
    by_name: HashMap<String, Arc<Policy>>,
}

#[derive(Debug, Default)]
struct Keys {
    by_hash: HashMap<KeyHash, Arc<VirtualKey>>,
    by_id: HashMap<KeyId, Arc<VirtualKey>>,
    /// Whom the use of a key is charged to; keys without owner and project are missing.
    units: HashMap<KeyId, Arc<[UnitId]>>,
}

#[derive(Debug, Default)]
struct Models {
    /// In the order they are listed.
    all: Vec<Arc<Model>>,
    by_name: HashMap<String, Arc<Model>>,
}

/// A model name, resolved.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The model asked for.
    pub model: Arc<Model>,
    /// The provider the name pins, as in `openai/gpt-5`.
    pub pinned: Option<ProviderId>,
}

/// Why a configuration makes no snapshot. Each is also refused when it is saved.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConflictError {
    /// Two models answer to one name.
    #[error("the name `{name}` is used by the models `{first}` and `{second}`; rename one of them")]
    ModelName {
        /// The name.
        name: String,
        /// The model that has it.
        first: String,
        /// The model that also wants it.
        second: String,
    },
    /// A policy has the name of a model, or of another policy.
    #[error("the name `{name}` is that of a policy and of something else; rename one of them")]
    PolicyName {
        /// The name.
        name: String,
    },
    /// The units make no tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Snapshot {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When two models or policies answer to one name, or the units make no tree.
    pub fn new(parts: Parts) -> Result<Self, ConflictError> {
        let Parts { organization, organization_name, units, budgets, keys, targets, models, facts, policies } = parts;
        let models = index_models(models)?;
        let policies = index_policies(policies, &models)?;
        let units = Units::new(units)?;
        Ok(Self {
            organization,
            organization_name,
            keys: Arc::new(index_keys(keys, &units)),
            units: Arc::new(units),
            budgets: budgets.into_iter().filter(Budget::is_active).collect(),
            targets: Arc::new(targets.into_iter().map(|target| (target.provider.id, Arc::new(target))).collect()),
            models: Arc::new(models),
            policies: Arc::new(policies),
            facts: Arc::new(facts),
        })
    }

    /// The tenant.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The tenant's name.
    pub fn organization_name(&self) -> &str {
        &self.organization_name
    }

    /// The parts of the organisation.
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// The limits that apply.
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// Whom the use of a key is charged to: its owner and everything that is in, nearest first, then
    /// its project.
    pub fn units_of(&self, key: KeyId) -> Arc<[UnitId]> {
        self.keys.units.get(&key).cloned().unwrap_or_default()
    }

    /// The key with this hash, active or not.
    pub fn key_by_hash(&self, hash: &KeyHash) -> Option<&Arc<VirtualKey>> {
        self.keys.by_hash.get(hash)
    }

    /// The key with this id, active or not.
    pub fn key(&self, id: KeyId) -> Option<&Arc<VirtualKey>> {
        self.keys.by_id.get(&id)
    }

    /// The provider with this id.
    pub fn target(&self, id: ProviderId) -> Option<&Arc<Target>> {
        self.targets.get(&id)
    }

    /// The provider of this name.
    pub fn target_named(&self, name: &str) -> Option<&Arc<Target>> {
        self.targets.values().find(|target| target.provider.name == name)
    }

    /// Every public model, in the order they are listed.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models.all
    }

    /// Every policy in use, in the order they are listed.
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.policies.all
    }

    /// The policy that serves requests for a model name: the one of that name, or the first that takes
    /// it over.
    pub fn policy_for(&self, asked: &str) -> Option<&Arc<Policy>> {
        let takes_over = |policy: &&Arc<Policy>| policy.live.body.takes_over(asked);
        self.policies.by_name.get(asked).or_else(|| self.policies.all.iter().find(takes_over))
    }

    /// What is known of a deployment; `None` when nothing is.
    pub fn facts(&self, deployment: DeploymentId) -> Option<&Facts> {
        self.facts.get(&deployment)
    }

    /// Finds the model a caller means: an alias or a public name, or `PROVIDER/NAME`, where the
    /// rest after the first slash is a public name or the provider's own id of a model.
    pub fn resolve(&self, asked: &str) -> Option<Resolved> {
        if let Some(model) = self.models.by_name.get(asked) {
            return Some(Resolved { model: Arc::clone(model), pinned: None });
        }
        let (provider_name, rest) = asked.split_once('/')?;
        let provider = self.target_named(provider_name)?.provider.id;
        let serves = |deployment: &Deployment| deployment.provider_id == provider;
        let by_name = self.models.by_name.get(rest).filter(|model| model.deployments.iter().any(serves));
        let by_upstream_name = || {
            let is_meant = |deployment: &Deployment| serves(deployment) && deployment.upstream_model == rest;
            self.models.all.iter().find(|model| model.deployments.iter().any(is_meant))
        };
        let model = by_name.or_else(by_upstream_name)?;
        Some(Resolved { model: Arc::clone(model), pinned: Some(provider) })
    }
}

fn index_keys(keys: Vec<VirtualKey>, units: &Units) -> Keys {
    let mut index = Keys::default();
    for key in keys.into_iter().map(Arc::new) {
        if let Some(hash) = key.hash {
            index.by_hash.insert(hash, Arc::clone(&key));
        }
        let owners = key.owner.into_iter().chain(key.project);
        let charged: Arc<[UnitId]> = owners.flat_map(|id| units.chain(id)).map(|unit| unit.id).collect();
        if !charged.is_empty() {
            index.units.insert(key.id, charged);
        }
        index.by_id.insert(key.id, key);
    }
    index
}

fn index_policies(policies: Vec<Policy>, models: &Models) -> Result<Policies, ConflictError> {
    let mut index = Policies::default();
    for policy in policies.into_iter().filter(Policy::is_active).map(Arc::new) {
        let is_taken = models.by_name.contains_key(&policy.name) || index.by_name.contains_key(&policy.name);
        if is_taken {
            return Err(ConflictError::PolicyName { name: policy.name.clone() });
        }
        index.by_name.insert(policy.name.clone(), Arc::clone(&policy));
        index.all.push(policy);
    }
    Ok(index)
}

fn index_models(models: Vec<Model>) -> Result<Models, ConflictError> {
    let mut index = Models::default();
    for model in models.into_iter().map(Arc::new) {
        for name in std::iter::once(&model.name).chain(&model.aliases) {
            if let Some(first) = index.by_name.insert(name.clone(), Arc::clone(&model)) {
                let (first, second) = (first.name.clone(), model.name.clone());
                return Err(ConflictError::ModelName { name: name.clone(), first, second });
            }
        }
        index.all.push(model);
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::{DeploymentId, ModelId};
    use crate::provider::{Credential, CredentialSource, Provider};

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn target(seed: u8, name: &str) -> Target {
        let provider = Provider {
            id: ProviderId::new(NOW, [seed; 10]),
            name: name.to_owned(),
            kind: "openai".to_owned(),
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            credential: CredentialSource::None,
            dialects: vec![],
            is_enabled: true,
            region: None,
            keeps_prompts: None,
            pool: vec![],
        };
        Target { provider, credential: Credential::None, pool: vec![] }
    }

    fn model(seed: u8, name: &str, aliases: &[&str], served_by: &[(u8, &str)]) -> Model {
        let deployment = |(provider, upstream): &(u8, &str)| Deployment {
            id: DeploymentId::new(NOW, [seed; 10]),
            provider_id: ProviderId::new(NOW, [*provider; 10]),
            upstream_model: (*upstream).to_owned(),
            price: None,
            max_output_tokens: None,
            can_reason: None,
        };
        Model {
            id: ModelId::new(NOW, [seed; 10]),
            name: name.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            deployments: served_by.iter().map(deployment).collect(),
            created_at: NOW,
        }
    }

    fn snapshot(models: Vec<Model>) -> Result<Snapshot, ConflictError> {
        Snapshot::new(Parts {
            organization: OrganizationId::new(NOW, [0; 10]),
            organization_name: "Acme".into(),
            units: vec![],
            budgets: vec![],
            keys: vec![],
            targets: vec![target(1, "openai"), target(2, "groq")],
            models,
            facts: HashMap::new(),
            policies: vec![],
        })
    }

    #[test]
    fn resolves_names_aliases_and_pins() {
        let models = vec![model(1, "gpt-5", &["smart"], &[(1, "gpt-5-2026-01-01"), (2, "openai/gpt-5")])];
        let snapshot = snapshot(models).unwrap();
        let pinned = |asked: &str| snapshot.resolve(asked).map(|resolved| resolved.pinned);
        assert_eq!(pinned("gpt-5"), Some(None));
        assert_eq!(pinned("smart"), Some(None));
        assert_eq!(pinned("openai/gpt-5"), Some(Some(ProviderId::new(NOW, [1; 10]))));
        assert_eq!(pinned("groq/openai/gpt-5"), Some(Some(ProviderId::new(NOW, [2; 10]))));
        assert_eq!(pinned("groq/gpt-5-2026-01-01"), None);
        assert_eq!(pinned("nobody/gpt-5"), None);
    }

    #[test]
    fn a_name_used_twice_is_refused() {
        let models = vec![model(1, "a", &["fast"], &[]), model(2, "fast", &[], &[])];
        assert!(matches!(snapshot(models), Err(ConflictError::ModelName { name, .. }) if name == "fast"));
    }
}
