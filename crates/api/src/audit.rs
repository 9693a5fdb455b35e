//! The audit log: what somebody changes stands in the ledger's chain before it is so.
//!
//! A change is first written down as an intent, durably; the settings then keep the number of that entry
//! in the same transaction as the change. So after a crash it is known of every intent whether it came
//! true, and those that did not are noted as abandoned. Nothing here holds a secret: a provider's is in
//! the secret store, a key's hash is left out.

use std::sync::Arc;

use megarouter_domain::budget::{Budget, Each, Measure, Raise, Rung};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{DeploymentId, PriceId, RequestId, UnitId};
use megarouter_domain::key::{ModelAccess, VirtualKey};
use megarouter_domain::model::Model;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::policy::{self, Policy, TrialMode};
use megarouter_domain::price::Price;
use megarouter_domain::scope::Scope;
use megarouter_domain::unit::{Unit, UnitKind};
use megarouter_ledger::entry::{ChangeNote, Lsn};
use megarouter_store::settings::{Change, Everything};
use serde::Serialize;

/// The action of a note that takes intents back.
const ABANDONED: &str = "change.abandoned";
/// The action of a note about a node. It changes no setting, so nothing tells whether it came true but the hub.
const RELEASED: &str = "node.release";
/// The action of a note that somebody read a request's text.
const READ: &str = "body.read";
/// The action of a note that what was learnt is forgotten, or replaced.
const LEARNT: &str = "learnt.replace";
/// Actions that change no setting.
const BESIDE: [&str; 4] = [ABANDONED, RELEASED, READ, LEARNT];
/// The beginning of the preferences that hold the last intent that came true, one for each ledger.
const APPLIED: &str = "applied_change.";
/// Who changes what when nobody does: prices that follow the catalogue.
const CATALOGUE: &str = "catalogue";
/// Who may change the configuration of an installation.
const OWNER: &str = "owner";

/// The name of the preference that holds the last intent of a ledger that came true.
pub(crate) fn applied_preference(ledger: impl std::fmt::Display) -> String {
    format!("{APPLIED}{ledger}")
}

/// The last intent of a ledger that came true.
pub(crate) fn applied(everything: &Everything, ledger: impl std::fmt::Display) -> Lsn {
    let name = applied_preference(ledger);
    let stored = everything.preferences.iter().find(|(known, _)| *known == name);
    Lsn(stored.and_then(|(_, value)| value.parse().ok()).unwrap_or(0))
}

/// Says that intents did not come true.
pub(crate) fn abandoned(first: Lsn, last: Lsn, reason: &str) -> ChangeNote {
    ChangeNote {
        by: OWNER.into(),
        action: ABANDONED.into(),
        object: last.0.to_string().into(),
        summary: format!("the changes of entries {} to {} were not made: {reason}", first.0, last.0).into(),
        before: None,
        after: None,
    }
}

/// Says that the shares of budgets that a lost node holds are given back.
pub(crate) fn release(node: u64, name: &str) -> ChangeNote {
    note(RELEASED, node, None, None, &format!("the shares of node {node} ({name})"))
}

/// Says that somebody is about to read the text of a request.
pub(crate) fn read_body(request: RequestId) -> ChangeNote {
    note(READ, request, None, None, &format!("the body of {request}"))
}

/// Says that what was learnt is about to be forgotten, or replaced by what comes from elsewhere.
pub(crate) fn replace_learnt(words: &str) -> ChangeNote {
    note(LEARNT, "learnt", None, None, words)
}

/// The intents after an entry that nothing was said about, of notes in their order.
pub(crate) fn unresolved(notes: &[(Lsn, Arc<ChangeNote>)], applied: Lsn) -> Option<(Lsn, Lsn)> {
    let taken_back = notes.iter().filter(|(_, note)| &*note.action == ABANDONED).map(|(_, note)| &*note.object);
    let known = taken_back.filter_map(|object| object.parse().ok().map(Lsn)).max().unwrap_or(applied).max(applied);
    let is_intent = |note: &ChangeNote| !BESIDE.contains(&&*note.action);
    let open = notes.iter().filter(|(lsn, note)| *lsn > known && is_intent(note)).map(|(lsn, _)| *lsn);
    Some((open.clone().min()?, open.max()?))
}

/// Writes changes down as they are about to be made.
pub(crate) fn intents(changes: &[Change], before: &Everything) -> Vec<ChangeNote> {
    changes.iter().map(|change| intent(change, before)).collect()
}

fn intent(change: &Change, before: &Everything) -> ChangeNote {
    match change {
        Change::PutProvider(provider) => {
            let old = before.providers.iter().find(|old| old.id == provider.id);
            note(
                "provider.put",
                provider.id,
                old.and_then(json),
                json(provider),
                &format!("provider {}", provider.name),
            )
        }
        Change::RemoveProvider { id, .. } => {
            let old = before.providers.iter().find(|old| old.id == *id);
            let name = old.map(|old| old.name.as_str()).unwrap_or_default();
            note("provider.remove", id, old.and_then(json), None, &format!("provider {name}"))
        }
        Change::PutModel(model) => {
            let old = before.models.iter().find(|old| old.id == model.id);
            note("model.put", model.id, old.and_then(json), json(model), &format!("model {}", model.name))
        }
        Change::RemoveModel(id) => {
            let old = before.models.iter().find(|old| old.id == *id);
            note("model.remove", id, old.and_then(json), None, &format!("model {}", model_name(old)))
        }
        Change::RenewPrice { deployment, old, price } => renewal(*deployment, *old, price),
        Change::PutUnit(unit) => {
            let old = before.units.iter().find(|old| old.id == unit.id).map(UnitPicture::of);
            let words = format!("{} {}", unit.kind.as_str(), unit.name);
            note("unit.put", unit.id, old.as_ref().and_then(json), json(&UnitPicture::of(unit)), &words)
        }
        Change::ArchiveUnit { id, at, with_content } => unit_archive(before, *id, *at, *with_content),
        Change::RestoreUnit(id) => {
            let old = before.units.iter().find(|old| old.id == *id).map(UnitPicture::of);
            let new = old.as_ref().map(|old| UnitPicture { archived_at: None, ..old.clone() });
            let words = old.as_ref().map(UnitPicture::words).unwrap_or_default();
            note("unit.restore", id, old.as_ref().and_then(json), new.as_ref().and_then(json), &words)
        }
        Change::RenameOrganization(name) => {
            let old = &before.organization;
            note("organization.rename", old.id, json(&old.name), json(name), &format!("organisation {name}"))
        }
        Change::PutBudget(budget) => {
            let old = before.budgets.iter().find(|old| old.id == budget.id).map(BudgetPicture::of);
            let words = format!("budget {}", budget_name(budget));
            note("budget.put", budget.id, old.as_ref().and_then(json), json(&BudgetPicture::of(budget)), &words)
        }
        Change::ArchiveBudget { id, at } => {
            let old = before.budgets.iter().find(|old| old.id == *id);
            let words = format!("budget {}", old.map(budget_name).unwrap_or_default());
            let new = old.map(|old| BudgetPicture { archived_at: Some(*at), ..BudgetPicture::of(old) });
            let old = old.map(BudgetPicture::of);
            note("budget.archive", id, old.as_ref().and_then(json), new.as_ref().and_then(json), &words)
        }
        Change::PutKey(key) => {
            let old = before.keys.iter().find(|old| old.id == key.id).map(KeyPicture::of);
            let words = format!("key {}", key.name);
            note("key.put", key.id, old.as_ref().and_then(json), json(&KeyPicture::of(key)), &words)
        }
        Change::RevokeKey { id, at } => {
            let old = before.keys.iter().find(|old| old.id == *id).map(KeyPicture::of);
            let new = old.as_ref().map(|old| KeyPicture { revoked_at: Some(*at), ..old.clone() });
            let words = format!("key {}", old.as_ref().map(|old| old.name).unwrap_or_default());
            note("key.revoke", id, old.as_ref().and_then(json), new.as_ref().and_then(json), &words)
        }
        Change::PutPolicy(policy) => {
            let old = before.policies.iter().find(|old| old.id == policy.id).map(PolicyPicture::of);
            let words = format!("policy {}", policy.name);
            note("policy.put", policy.id, old.as_ref().and_then(json), json(&PolicyPicture::of(policy)), &words)
        }
        Change::ArchivePolicy { id, at } => {
            let old = before.policies.iter().find(|old| old.id == *id).map(PolicyPicture::of);
            let new = old.as_ref().map(|old| PolicyPicture { archived_at: Some(*at), ..old.clone() });
            let words = format!("policy {}", old.as_ref().map(|old| old.name).unwrap_or_default());
            note("policy.archive", id, old.as_ref().and_then(json), new.as_ref().and_then(json), &words)
        }
        Change::PutPreference { name, value } => {
            let old = before.preferences.iter().find(|(known, _)| known == name);
            let old = old.map(|(_, value)| Arc::from(value.as_str()));
            note("setting.put", name, old, Some(value.as_str().into()), &format!("setting {name}"))
        }
    }
}

fn renewal(deployment: DeploymentId, old: Option<PriceId>, price: &Price) -> ChangeNote {
    let old = old.and_then(|old| json(&old));
    let words = format!("price of a deployment, from {}", price.source);
    ChangeNote { by: CATALOGUE.into(), ..note("price.renew", deployment, old, json(price), &words) }
}

fn unit_archive(before: &Everything, id: UnitId, at: Timestamp, with_content: bool) -> ChangeNote {
    let old = before.units.iter().find(|old| old.id == id).map(UnitPicture::of);
    let new = old.as_ref().map(|old| UnitPicture { archived_at: Some(at), ..old.clone() });
    let with = if with_content { " with everything in it" } else { "" };
    let words = old.as_ref().map(UnitPicture::words).unwrap_or_default() + with;
    note("unit.archive", id, old.as_ref().and_then(json), new.as_ref().and_then(json), &words)
}

/// `before` is `None` for what is new, `after` for what goes.
fn note(
    action: &str,
    object: impl std::fmt::Display,
    before: Option<Arc<str>>,
    after: Option<Arc<str>>,
    words: &str,
) -> ChangeNote {
    let verb = match (action.split_once('.').map(|(_, verb)| verb), before.is_some()) {
        (Some("put"), false) => "add",
        (Some("put"), true) => "change",
        (Some(verb), _) => verb,
        (None, _) => action,
    };
    ChangeNote {
        by: OWNER.into(),
        action: action.into(),
        object: object.to_string().into(),
        summary: format!("{verb} {words}").into(),
        before,
        after,
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> Option<Arc<str>> {
    serde_json::to_string(value).ok().map(Arc::from)
}

fn model_name(model: Option<&Model>) -> &str {
    model.map(|model| model.name.as_str()).unwrap_or_default()
}

fn budget_name(budget: &Budget) -> String {
    if budget.name.is_empty() { budget.id.to_string() } else { budget.name.clone() }
}

#[derive(Clone, Serialize)]
struct UnitPicture<'a> {
    kind: UnitKind,
    name: &'a str,
    parent: Option<UnitId>,
    email: Option<&'a str>,
    archived_at: Option<Timestamp>,
}

#[derive(Clone, Serialize)]
struct KeyPicture<'a> {
    name: &'a str,
    owner: Option<UnitId>,
    project: Option<UnitId>,
    hint: &'a str,
    models: &'a ModelAccess,
    is_strict: bool,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

#[derive(Clone, Serialize)]
struct BudgetPicture<'a> {
    name: &'a str,
    scope: &'a Scope,
    each: Option<Each>,
    measure: Measure,
    limit: u64,
    period: Period,
    zone: Zone,
    carries_over: bool,
    is_strict: bool,
    ladder: &'a [Rung],
    raises: &'a [Raise],
    archived_at: Option<Timestamp>,
}

#[derive(Clone, Serialize)]
struct PolicyPicture<'a> {
    name: &'a str,
    description: &'a str,
    body: &'a policy::Body,
    trial: Option<TrialPicture<'a>>,
    archived_at: Option<Timestamp>,
}

#[derive(Clone, Serialize)]
struct TrialPicture<'a> {
    #[serde(flatten)]
    mode: TrialMode,
    body: &'a policy::Body,
}

impl<'a> UnitPicture<'a> {
    fn of(unit: &'a Unit) -> Self {
        let (kind, name, email) = (unit.kind, unit.name.as_str(), unit.email.as_deref());
        Self { kind, name, parent: unit.parent, email, archived_at: unit.archived_at }
    }

    fn words(&self) -> String {
        format!("{} {}", self.kind.as_str(), self.name)
    }
}

impl<'a> KeyPicture<'a> {
    fn of(key: &'a VirtualKey) -> Self {
        Self {
            name: &key.name,
            owner: key.owner,
            project: key.project,
            hint: &key.hint,
            models: &key.models,
            is_strict: key.is_strict,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}

impl<'a> BudgetPicture<'a> {
    fn of(budget: &'a Budget) -> Self {
        Self {
            name: &budget.name,
            scope: &budget.scope,
            each: budget.each,
            measure: budget.measure,
            limit: budget.limit,
            period: budget.period,
            zone: budget.zone,
            carries_over: budget.carries_over,
            is_strict: budget.is_strict,
            ladder: &budget.ladder,
            raises: &budget.raises,
            archived_at: budget.archived_at,
        }
    }
}

impl<'a> PolicyPicture<'a> {
    fn of(policy: &'a Policy) -> Self {
        let trial = policy.trial.as_ref();
        Self {
            name: &policy.name,
            description: &policy.description,
            body: &policy.live.body,
            trial: trial.map(|trial| TrialPicture { mode: trial.mode, body: &trial.version.body }),
            archived_at: policy.archived_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(lsn: u64, action: &str, object: &str) -> (Lsn, Arc<ChangeNote>) {
        (Lsn(lsn), Arc::new(note(action, object, None, None, "x")))
    }

    #[test]
    fn intents_stay_open_until_they_come_true_or_are_taken_back() {
        let notes = [noted(5, "unit.put", "a"), noted(9, "key.put", "b"), noted(10, "key.put", "c")];
        assert_eq!(unresolved(&notes, Lsn(5)), Some((Lsn(9), Lsn(10))));
        assert_eq!(unresolved(&notes, Lsn(10)), None);
        assert_eq!(unresolved(&[], Lsn(0)), None);
        let back = (Lsn(11), Arc::new(abandoned(Lsn(9), Lsn(10), "it was refused")));
        let notes = [&notes[..], &[back]].concat();
        assert_eq!(unresolved(&notes, Lsn(5)), None);
        let notes = [&notes[..], &[noted(12, "key.put", "d")]].concat();
        assert_eq!(unresolved(&notes, Lsn(5)), Some((Lsn(12), Lsn(12))));
    }

    #[test]
    fn a_note_says_what_is_done() {
        assert_eq!(&*note("unit.put", "1", None, None, "team A").summary, "add team A");
        assert_eq!(&*note("unit.put", "1", Some("{}".into()), None, "team A").summary, "change team A");
        assert_eq!(&*note("key.revoke", "1", None, None, "key a").summary, "revoke key a");
    }
}
