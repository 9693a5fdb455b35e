//! The stored configuration as the snapshot that requests are decided on.

use std::collections::HashMap;
use std::sync::Arc;

use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{Credential, CredentialSource, Provider, Target};
use megarouter_domain::secret::Secret;
use megarouter_domain::snapshot::{ConflictError, Parts, Snapshot};
use megarouter_secrets::Store as Secrets;
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

/// Which credentials to read again; the others stay as they are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reread {
    /// None: providers did not change.
    Nothing,
    /// That of one provider.
    Provider(ProviderId),
    /// All of them.
    All,
}

/// Credentials that need not be read for a snapshot.
pub struct Known<'a> {
    /// Read just before; they win.
    pub fresh: &'a HashMap<ProviderId, Credential>,
    /// In force.
    pub current: &'a Snapshot,
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
        let credential = match known.and_then(|known| known.of(provider.id)) {
            Some(credential) => credential,
            None => credentials.of(provider).await,
        };
        targets.push(Target { provider: provider.clone(), credential, pool: vec![] });
    }
    Snapshot::new(Parts {
        organization: everything.organization.id,
        organization_name: everything.organization.name.as_str().into(),
        units: everything.units.clone(),
        budgets: everything.budgets.clone(),
        keys: everything.keys.clone(),
        targets,
        models: everything.models.clone(),
        facts: HashMap::new(),
        policies: everything.policies.clone(),
    })
}

impl Known<'_> {
    fn of(&self, id: ProviderId) -> Option<Credential> {
        let in_force = || self.current.target(id).map(|target| &target.credential);
        self.fresh.get(&id).or_else(in_force).cloned()
    }
}

impl Credentials<'_> {
    /// Reads a provider's credential.
    pub async fn of(&self, provider: &Provider) -> Credential {
        match &provider.credential {
            CredentialSource::None => Credential::None,
            CredentialSource::Environment { variable } => self.in_environment(variable),
            CredentialSource::Stored => self.in_store(provider.id).await,
        }
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

    async fn in_store(&self, id: ProviderId) -> Credential {
        match self.secrets.get(id).await {
            Ok(Some(secret)) => Credential::Ready(Arc::new(secret)),
            Ok(None) => {
                Credential::Unavailable("The secret store holds no secret for it. Enter the secret again.".into())
            }
            Err(error) => Credential::Unavailable(format!("The secret could not be read: {error}.").into()),
        }
    }
}
