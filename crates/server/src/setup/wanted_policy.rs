//! What an entry about a policy means.

use megarouter_api::policies::names::Names;
use megarouter_api::policies::text::{BodyEntry, read};
use megarouter_api::policies::works_with;
use megarouter_domain::id::PolicyId;
use megarouter_domain::policy::{Policy, Version};

use super::file::PolicyEntry;
use super::plan::Origin;
use super::wanted_budget::World;

/// Where versions of a setup file come from.
const NOTE: &str = "applied from a file";

/// The policy that an entry asks for; what `found` says in the same way keeps its version.
pub fn policy(
    entry: &PolicyEntry,
    found: Option<&Policy>,
    world: &World,
    origin: &mut Origin<'_>,
) -> Result<Policy, String> {
    let body = BodyEntry { takes_over: entry.takes_over.clone(), rules: entry.rules.clone() };
    let names = Names { units: &world.units, keys: &world.keys };
    let body = read(&body, names).map_err(|error| error.to_string().trim_end_matches('.').to_owned())?;
    works_with(&body, world.organization, &world.providers, &world.models)?;
    let same = found.map(|found| &found.live).filter(|live| live.body == body).cloned();
    let new = Version { number: 0, body, text: None, note: NOTE.to_owned(), made_at: origin.now };
    let description = entry.description.clone().or_else(|| found.map(|found| found.description.clone()));
    let policy = Policy {
        id: found.map_or_else(|| PolicyId::new(origin.now, (origin.entropy)()), |found| found.id),
        name: entry.name.clone(),
        description: description.unwrap_or_default(),
        live: same.unwrap_or(new),
        trial: found.and_then(|found| found.trial.clone()),
        created_at: found.map_or(origin.now, |found| found.created_at),
        archived_at: None,
    };
    policy.check().map_err(|error| error.to_string())?;
    Ok(policy)
}
