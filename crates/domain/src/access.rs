//! The one place that decides who may use what.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::code::Code;
use crate::key::{KeyHash, ModelAccess, VirtualKey};
use crate::model::Model;
use crate::snapshot::Snapshot;
use crate::unit::Unit;

/// Who is calling.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The key that was presented.
    pub key: Arc<VirtualKey>,
}

/// Proof that a principal may use a model. Only [`authorise`] makes one.
#[derive(Clone, Debug)]
pub struct AuthorisedModel {
    model: Arc<Model>,
}

impl AuthorisedModel {
    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }
}

/// Finds who presented a key's text.
///
/// # Errors
/// [`Code::KeyInvalid`] for an unknown, revoked or expired key, or one whose owner is archived; they
/// are not told apart.
pub fn authenticate(snapshot: &Snapshot, presented: &str, now: Timestamp) -> Result<Principal, Code> {
    let key = snapshot.key_by_hash(&KeyHash::of(presented)).ok_or(Code::KeyInvalid)?;
    let is_archived = |unit: &Arc<Unit>| unit.archived_at.is_some();
    let is_orphaned = key.owner.is_some_and(|owner| snapshot.units().chain(owner).any(is_archived));
    if !key.is_active(now) || is_orphaned {
        return Err(Code::KeyInvalid);
    }
    Ok(Principal { key: Arc::clone(key) })
}

/// Decides whether a principal may use a model, after its name was resolved.
///
/// # Errors
/// [`Code::ModelForbidden`] when the key's list of models does not hold it.
pub fn authorise(principal: &Principal, model: &Arc<Model>) -> Result<AuthorisedModel, Code> {
    if may_use(principal, model) { Ok(AuthorisedModel { model: Arc::clone(model) }) } else { Err(Code::ModelForbidden) }
}

/// The same answer as [`authorise`], for lists.
pub fn may_use(principal: &Principal, model: &Model) -> bool {
    match &principal.key.models {
        ModelAccess::All => true,
        ModelAccess::Only(names) => names.contains(&model.name),
    }
}
