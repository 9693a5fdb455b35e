//! What budgets are set on and what has accounts under them, by name.

use megarouter_domain::budget::Budget;
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::account::Subject;

use super::{BudgetScope, BudgetSubject, ScopeKind, SubjectKind};

/// What a budget is called: its name, or that of what it is set on.
pub(crate) fn title(budget: &Budget, snapshot: &Snapshot) -> String {
    if !budget.name.is_empty() {
        return budget.name.clone();
    }
    let scope = BudgetScope::of(&budget.scope, snapshot);
    match scope.value {
        Some(value) => format!("{}={value}", scope.name),
        None => scope.name,
    }
}

impl BudgetScope {
    /// A scope with the name that it has in a configuration.
    pub(crate) fn of(scope: &Scope, snapshot: &Snapshot) -> Self {
        let (kind, id) = match scope {
            Scope::Organization(id) => (ScopeKind::Organization, id.to_string()),
            Scope::Unit(id) => (ScopeKind::Unit, id.to_string()),
            Scope::Key(id) => (ScopeKind::Key, id.to_string()),
            Scope::Provider(id) => (ScopeKind::Provider, id.to_string()),
            Scope::Model(id) => (ScopeKind::Model, id.to_string()),
            Scope::Tag(tag) => {
                let (name, value) = (tag.name.to_string(), Some(tag.value.to_string()));
                return Self { kind: ScopeKind::Tag, id: None, name, value, unit_kind: None };
            }
        };
        let unit = if let Scope::Unit(id) = scope { snapshot.units().get(*id) } else { None };
        let unit_kind = unit.map(|unit| unit.kind.into());
        Self { kind, id: Some(id), name: name(scope, snapshot).unwrap_or_default(), value: None, unit_kind }
    }
}

impl BudgetSubject {
    /// A subject with the name that it has in a configuration.
    pub(crate) fn of(subject: &Subject, snapshot: &Snapshot) -> Self {
        match subject {
            Subject::Unit(id) => {
                let name = snapshot.units().get(*id).map(|unit| unit.name.clone()).unwrap_or_default();
                Self { kind: SubjectKind::Unit, id: id.to_string(), name }
            }
            Subject::Key(id) => {
                let name = snapshot.key(*id).map(|key| key.name.clone()).unwrap_or_default();
                Self { kind: SubjectKind::Key, id: id.to_string(), name }
            }
            Subject::Session(name) => Self { kind: SubjectKind::Session, id: name.to_string(), name: name.to_string() },
        }
    }
}

fn name(scope: &Scope, snapshot: &Snapshot) -> Option<String> {
    match scope {
        Scope::Organization(_) => Some(snapshot.organization_name().to_owned()),
        Scope::Unit(id) => snapshot.units().get(*id).map(|unit| unit.name.clone()),
        Scope::Key(id) => snapshot.key(*id).map(|key| key.name.clone()),
        Scope::Provider(id) => snapshot.target(*id).map(|target| target.provider.name.clone()),
        Scope::Model(id) => snapshot.models().iter().find(|model| model.id == *id).map(|model| model.name.clone()),
        Scope::Tag(tag) => Some(tag.name.to_string()),
    }
}
