//! The models that a key may use, as the client's dialect lists them.

use bytes::Bytes;
use megarouter_dialect::dialects;
use megarouter_dialect::models::ModelEntry;
use megarouter_domain::access::{self, Principal};
use megarouter_domain::dialect::Dialect;
use megarouter_domain::model::Model;
use megarouter_domain::snapshot::Snapshot;

use crate::authorise;
use crate::render::Failure;

/// Every name that the key may ask for, aliases included.
pub fn list(snapshot: &Snapshot, principal: &Principal, dialect: Dialect) -> Bytes {
    let allowed = snapshot.models().iter().filter(|model| access::may_use(principal, model));
    let entries: Vec<_> = allowed.flat_map(|model| names(model).map(|name| entry(snapshot, model, name))).collect();
    dialects::list_models(dialect, &entries)
}

/// One of them.
///
/// # Errors
/// When there is none of that name, or the key may not use it.
pub fn show(snapshot: &Snapshot, principal: &Principal, dialect: Dialect, name: &str) -> Result<Bytes, Failure> {
    let resolved = snapshot.resolve(name).ok_or_else(|| authorise::unknown(name))?;
    // A model that the key may not use is not told apart from one that does not exist.
    access::authorise(principal, &resolved.model).map_err(|_| authorise::unknown(name))?;
    Ok(dialects::show_model(dialect, &entry(snapshot, &resolved.model, name)))
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
