//! The stored configuration as the snapshot that requests are decided on.

use std::sync::Arc;

use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{Credential, CredentialSource, Provider, Target};
use megarouter_domain::secret::Secret;
use megarouter_domain::snapshot::{ConflictError, Snapshot};
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

/// Which credentials to read again; the others stay as they are in force. A keychain may be slow or
/// locked, and the revocation of a key must not wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reread {
    /// None: providers did not change.
    Nothing,
    /// That of one provider.
    Provider(ProviderId),
    /// All of them.
    All,
}

/// Builds the snapshot. `current` is the one in force, whose credentials are kept as far as they
/// need not be read again.
///
/// # Errors
/// When two models answer to one name.
pub async fn snapshot(
    everything: &Everything,
    credentials: &Credentials<'_>,
    current: Option<(&Snapshot, Reread)>,
) -> Result<Snapshot, ConflictError> {
    let mut targets = Vec::with_capacity(everything.providers.len());
    for provider in &everything.providers {
        let kept = current.and_then(|(snapshot, reread)| kept(snapshot, reread, provider));
        let credential = match kept {
            Some(credential) => credential,
            None => credentials.of(provider).await,
        };
        targets.push(Target { provider: provider.clone(), credential });
    }
    Snapshot::new(everything.organization.id, everything.keys.clone(), targets, everything.models.clone())
}

fn kept(snapshot: &Snapshot, reread: Reread, provider: &Provider) -> Option<Credential> {
    let needs_reading = match reread {
        Reread::Nothing => false,
        Reread::Provider(id) => id == provider.id,
        Reread::All => true,
    };
    let target = snapshot.target(provider.id).filter(|_| !needs_reading)?;
    Some(target.credential.clone())
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
