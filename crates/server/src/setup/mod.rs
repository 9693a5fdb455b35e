//! A whole configuration in one file, applied at once: all of it or nothing, and twice is as once.
//!
//! `file` and `organization` are what people write, `places` where it stands, `wanted` what it means, `plan` compares that with what is stored, and `apply` makes the
//! difference true. What the file does not name stays, unless it is asked to go.

pub mod file;
pub mod organization;
pub mod places;
pub mod plan;
mod wanted;
mod wanted_budget;
mod wanted_policy;
mod wanted_units;

use megarouter_api::configuration::Reread;
use megarouter_api::context::Context;
use megarouter_api::error::ApiError;
use megarouter_api::events::Tag;
use megarouter_catalog::Catalog;
use megarouter_domain::id::ProviderId;
use megarouter_domain::secret::Secret;
use megarouter_store::settings::Everything;
use serde::{Deserialize, Serialize};

use file::Setup;
use places::Lines;
use plan::{Origin, Plan, plan};

/// A configuration to apply.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// What is wanted, with every secret filled in.
    pub setup: Setup,
    /// Only say what would change.
    pub is_dry_run: bool,
    /// Remove what the setup does not name.
    pub prune: bool,
    /// Where the setup's entries are in their file.
    #[serde(default)]
    pub lines: Lines,
}

/// What changed, or would change.
#[derive(Debug, Serialize, Deserialize)]
pub struct Applied {
    /// One line for each change; none when everything is as wanted.
    pub changes: Vec<String>,
    /// False for a dry run.
    pub is_applied: bool,
}

/// Applies a setup.
///
/// # Errors
/// When it cannot be true: a name is used twice, a provider is unknown, a key is too weak. Nothing
/// is changed then.
pub async fn apply(context: &Context, request: Apply) -> Result<Applied, ApiError> {
    let everything = context.everything().await?;
    let (catalog, _) = context.shelf.catalog().await;
    let plan = compare(context, &request, &everything, &catalog)?;
    let mut changes = plan.words;
    let secrets = changed_secrets(context, plan.secrets).await?;
    changes.extend(secrets.iter().map(|(name, _, _)| format!("store the secret of provider {name}")));
    if request.is_dry_run || changes.is_empty() {
        return Ok(Applied { changes, is_applied: !request.is_dry_run });
    }
    for (_, id, secret) in &secrets {
        context.keep_secret(*id, secret).await?;
    }
    context.change(plan.changes, Reread::All, Tag::ALL).await?;
    for id in plan.forgotten {
        if let Err(error) = context.secrets.delete(id).await {
            tracing::warn!(%error, "the secret of a removed provider could not be removed");
        }
    }
    Ok(Applied { changes, is_applied: true })
}

fn compare(context: &Context, request: &Apply, everything: &Everything, catalog: &Catalog) -> Result<Plan, ApiError> {
    let mut entropy = || context.entropy();
    let mut origin = Origin { now: context.now(), entropy: &mut entropy, catalog };
    plan(&request.setup, everything, request.prune, &mut origin).map_err(|error| {
        let line = request.lines.get(&error.place()).map(|line| format!("Line {line}: ")).unwrap_or_default();
        ApiError::invalid("setup.invalid", format!("{line}{error}. Nothing was changed."))
    })
}

type NamedSecret = (String, ProviderId, Secret);

/// The secrets that the store does not hold yet.
async fn changed_secrets(context: &Context, wanted: Vec<NamedSecret>) -> Result<Vec<NamedSecret>, ApiError> {
    let mut changed = Vec::new();
    for (name, id, secret) in wanted {
        let stored = context.secrets.get(id).await?;
        if stored.is_none_or(|stored| stored.expose() != secret.expose()) {
            changed.push((name, id, secret));
        }
    }
    Ok(changed)
}
