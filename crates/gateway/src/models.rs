//! The models that a key may use, as the client's dialect lists them.

use bytes::Bytes;
use megarouter_dialect::dialects;
use megarouter_dialect::models::ModelEntry;
use megarouter_domain::access::{self, Principal};
use megarouter_domain::dialect::Dialect;
use megarouter_domain::model::Model;
use megarouter_domain::policy::Policy;
use megarouter_domain::snapshot::Snapshot;

use crate::render::Failure;
use crate::route;

/// Every name that the key may ask for, aliases and policies included.
pub fn list(snapshot: &Snapshot, principal: &Principal, dialect: Dialect) -> Bytes {
    let policies = snapshot.policies().iter().filter(|policy| may_ask(snapshot, principal, policy));
    let allowed = snapshot.models().iter().filter(|model| access::may_use(principal, model));
    let models = allowed.flat_map(|model| names(model).map(|name| entry(snapshot, model, name)));
    let entries: Vec<_> = policies.map(|policy| entry_of_policy(policy)).chain(models).collect();
    dialects::list_models(dialect, &entries)
}

/// One of them.
///
/// # Errors
/// When there is none of that name, or the key may not use it.
pub fn show(snapshot: &Snapshot, principal: &Principal, dialect: Dialect, name: &str) -> Result<Bytes, Failure> {
    let named = snapshot.policies().iter().find(|policy| policy.name == name);
    if let Some(policy) = named.filter(|policy| may_ask(snapshot, principal, policy)) {
        return Ok(dialects::show_model(dialect, &entry_of_policy(policy)));
    }
    let resolved = snapshot.resolve(name).ok_or_else(|| route::unknown(name))?;
    // A model that the key may not use is not told apart from one that does not exist.
    access::authorise(principal, &resolved.model).map_err(|_| route::unknown(name))?;
    Ok(dialects::show_model(dialect, &entry(snapshot, &resolved.model, name)))
}

/// Whether a policy has anything that the key may use.
fn may_ask(snapshot: &Snapshot, principal: &Principal, policy: &Policy) -> bool {
    let may_use =
        |name: &str| snapshot.resolve(name).is_some_and(|resolved| access::may_use(principal, &resolved.model));
    policy.live.body.rules.iter().map(|rule| &rule.route).any(|route| {
        let mut named = route.candidates.iter().map(|candidate| &candidate.model).chain(&route.fallbacks);
        let any = || snapshot.models().iter().any(|model| access::may_use(principal, model));
        named.any(|name| may_use(name)) || (route.candidates.is_empty() && any())
    })
}

fn entry_of_policy(policy: &Policy) -> ModelEntry<'_> {
    ModelEntry {
        id: &policy.name,
        display_name: &policy.name,
        created: policy.created_at.as_seconds(),
        owned_by: "megarouter",
        context_tokens: None,
        max_output_tokens: None,
    }
}

fn names(model: &Model) -> impl Iterator<Item = &str> {
    std::iter::once(&model.name).chain(&model.aliases).map(String::as_str)
}

fn entry<'a>(snapshot: &'a Snapshot, model: &Model, name: &'a str) -> ModelEntry<'a> {
    let first = model.deployments.first();
    let owner = first.and_then(|deployment| snapshot.target(deployment.provider_id));
    ModelEntry {
        id: name,
        display_name: name,
        created: model.created_at.as_seconds(),
        owned_by: owner.map_or("megarouter", |target| target.provider.name.as_str()),
        context_tokens: None,
        max_output_tokens: first.and_then(|deployment| deployment.max_output_tokens),
    }
}
