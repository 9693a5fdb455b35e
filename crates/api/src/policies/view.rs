//! Policies as answers show them.

use megarouter_domain::id::PolicyId;
use megarouter_domain::policy::{self, TrialMode as Mode};
use megarouter_store::settings::{Everything, Noun};

use super::names::Names;
use super::{Policy, PolicyBody, PolicyTrial, PolicyVersion, check, text, words};
use crate::error::ApiError;

/// Every policy of a configuration, those out of use last.
pub(super) fn all(everything: &Everything) -> Vec<Policy> {
    let names = check::names(everything);
    let mut policies: Vec<Policy> = everything.policies.iter().map(|it| Policy::of(it, names)).collect();
    policies.sort_by_key(|policy| policy.archived_at.is_some());
    policies
}

/// One policy of a configuration.
pub(super) fn one(everything: &Everything, id: PolicyId) -> Result<Policy, ApiError> {
    find(everything, id).map(|policy| Policy::of(policy, check::names(everything)))
}

/// A stored policy.
pub(super) fn find(everything: &Everything, id: PolicyId) -> Result<&policy::Policy, ApiError> {
    let found = everything.policies.iter().find(|policy| policy.id == id);
    found.ok_or_else(|| ApiError::not_found(Noun::Policy, id))
}

/// One version, as one of its policy.
pub(super) fn version(version: &policy::Version, live: u32, names: Names<'_>) -> PolicyVersion {
    PolicyVersion {
        number: version.number,
        body: PolicyBody::from(&version.body),
        text: version.text.clone().unwrap_or_else(|| text::text(&version.body, None, names)),
        sentences: words::sentences(&version.body, names),
        note: version.note.clone(),
        made_at: version.made_at.into(),
        is_live: version.number == live,
    }
}

impl Policy {
    fn of(policy: &policy::Policy, names: Names<'_>) -> Self {
        let live = policy.live.number;
        let trial = policy.trial.as_ref().map(|trial| PolicyTrial {
            version: version(&trial.version, live, names),
            mode: trial.mode.into(),
            percent: match trial.mode {
                Mode::Shadow => None,
                Mode::Canary { percent } => Some(percent),
            },
            since: trial.since.into(),
        });
        Self {
            id: policy.id,
            name: policy.name.clone(),
            description: policy.description.clone(),
            live: version(&policy.live, live, names),
            trial,
            created_at: policy.created_at.into(),
            archived_at: policy.archived_at.map(Into::into),
        }
    }
}
