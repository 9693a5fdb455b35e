//! The stored configuration as the snapshot that requests are decided on.

use std::collections::HashMap;
use std::sync::Arc;

use megarouter_domain::facts::Facts;
use megarouter_domain::id::{CredentialId, DeploymentId, ProviderId};
use megarouter_domain::provider::{Credential, CredentialSource, Provider, Target};
use megarouter_domain::secret::Secret;
use megarouter_domain::snapshot::{ConflictError, Parts, Snapshot};
use megarouter_secrets::{Holder, Store as Secrets};
use megarouter_store::settings::Everything;

/// Reads an environment variable; `None` when it is not set, or set to nothing.
pub type Environment = dyn Fn(&str) -> Option<Secret> + Send + Sync;

/// Where credentials are read from.
pub struct Credentials<'a> {
    /// The secret store in use.
    pub secrets: &'a Secrets,
    /// Environment variables.
    pub environment: &'a Environment,
}

/// A provider's credentials, as far as they could be read.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// The first one.
    pub first: Credential,
    /// The further ones, those in use only.
    pub pool: Vec<(CredentialId, Credential)>,
}

/// Which credentials to read again; the others stay as they are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reread {
    /// None: providers did not change.
    Nothing,
    /// Those of one provider.
    Provider(ProviderId),
    /// All of them.
    All,
}

/// What need not be read for a snapshot.
pub struct Known<'a> {
    /// Credentials that were read just before; they win.
    pub fresh: &'a HashMap<ProviderId, Keyring>,
    /// What is in force.
    pub current: &'a Snapshot,
    /// What is known of deployments.
    pub facts: HashMap<DeploymentId, Facts>,
}

/// Builds the snapshot, reading what credentials are not known.
///
/// # Errors
/// When two models answer to one name.
pub async fn snapshot(
    everything: &Everything,
    credentials: &Credentials<'_>,
    known: Option<&Known<'_>>,
) -> Result<Snapshot, ConflictError> {
    let mut targets = Vec::with_capacity(everything.providers.len());
    for provider in &everything.providers {
        let Keyring { first, pool } = match known.and_then(|known| known.of(provider)) {
            Some(keyring) => keyring,
            None => credentials.all_of(provider).await,
        };
        targets.push(Target { provider: provider.clone(), credential: first, pool });
    }
    Snapshot::new(Parts {
        organization: everything.organization.id,
        organization_name: everything.organization.name.as_str().into(),
        units: everything.units.clone(),
        budgets: everything.budgets.clone(),
        keys: everything.keys.clone(),
        targets,
        models: everything.models.clone(),
        facts: known.map(|known| known.facts.clone()).unwrap_or_default(),
        policies: everything.policies.clone(),
    })
}

impl Known<'_> {
    fn of(&self, provider: &Provider) -> Option<Keyring> {
        let in_force = || {
            let target = self.current.target(provider.id)?;
            let pooled = provider.pool.iter().filter(|pooled| pooled.is_enabled).map(|pooled| pooled.id);
            let is_same = pooled.eq(target.pool.iter().map(|(id, _)| *id));
            is_same.then(|| Keyring { first: target.credential.clone(), pool: target.pool.clone() })
        };
        self.fresh.get(&provider.id).cloned().or_else(in_force)
    }
}

impl Credentials<'_> {
    /// Reads all of a provider's credentials that are in use.
    pub async fn all_of(&self, provider: &Provider) -> Keyring {
        let first = self.of(provider).await;
        let mut pool = Vec::new();
        for pooled in provider.pool.iter().filter(|pooled| pooled.is_enabled) {
            pool.push((pooled.id, self.read(&pooled.source, pooled.id.into()).await));
        }
        Keyring { first, pool }
    }

    /// Reads a provider's first credential.
    pub async fn of(&self, provider: &Provider) -> Credential {
        self.read(&provider.credential, provider.id.into()).await
    }

    /// Reads an environment variable as a credential.
    pub fn in_environment(&self, variable: &str) -> Credential {
        match (self.environment)(variable) {
            Some(secret) if !secret.is_blank() => Credential::Ready(Arc::new(secret)),
            _ => {
                let why = format!(
                    "The environment variable {variable} is not set. Set it where MegaRouter is started, and start it again."
                );
                Credential::Unavailable(why.into())
            }
        }
    }

    async fn read(&self, source: &CredentialSource, holder: Holder) -> Credential {
        match source {
            CredentialSource::None => Credential::None,
            CredentialSource::Environment { variable } => self.in_environment(variable),
            CredentialSource::Stored => self.in_store(holder).await,
        }
    }

    async fn in_store(&self, holder: Holder) -> Credential {
        match self.secrets.get(holder).await {
            Ok(Some(secret)) => Credential::Ready(Arc::new(secret)),
            Ok(None) => {
                Credential::Unavailable("The secret store holds no secret for it. Enter the secret again.".into())
            }
            Err(error) => Credential::Unavailable(format!("The secret could not be read: {error}.").into()),
        }
    }
}
