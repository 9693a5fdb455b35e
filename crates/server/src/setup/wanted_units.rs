//! What the organisation's entries mean: the units they ask for, each after what it is in.

use std::collections::HashSet;

use megarouter_domain::id::UnitId;
use megarouter_domain::unit::{Unit, UnitKind};
use megarouter_store::settings::Change;

use super::organization::{DepartmentEntry, MemberEntry, TeamEntry, UnitsEntry};
use super::plan::{Origin, PlanError};

/// The longest name of a unit, in characters.
const LONGEST_NAME: usize = 100;

/// A unit that the file names.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    kind: UnitKind,
    name: &'a str,
    email: Option<&'a str>,
    parent: Option<UnitId>,
}

/// What has to change for the units of a file to be.
struct UnitPlan<'a, 'b> {
    /// Every unit, archived ones too, as they are after the changes so far.
    units: Vec<Unit>,
    named: HashSet<UnitId>,
    seen: HashSet<(UnitKind, &'a str)>,
    changes: Vec<(Change, String)>,
    origin: &'a mut Origin<'b>,
}

/// The units after the changes, those that the file names, and the changes in words.
pub struct UnitChanges {
    /// Every unit, archived ones too.
    pub units: Vec<Unit>,
    /// Those that the file names.
    pub named: HashSet<UnitId>,
    /// The changes, in an order in which they can be made.
    pub changes: Vec<(Change, String)>,
}

/// Compares the units of a file with those that are stored.
///
/// # Errors
/// When a name is used twice or cannot be one.
pub fn units(entry: &UnitsEntry, stored: &[Unit], origin: &mut Origin<'_>) -> Result<UnitChanges, PlanError> {
    let (named, seen, changes) = (HashSet::new(), HashSet::new(), Vec::new());
    let mut plan = UnitPlan { units: stored.to_vec(), named, seen, changes, origin };
    for department in &entry.departments {
        plan.department(department, None)?;
    }
    for team in &entry.teams {
        plan.team(team, None)?;
    }
    for member in &entry.members {
        plan.member(member, None)?;
    }
    plan.all(UnitKind::App, &entry.apps, None)?;
    plan.all(UnitKind::Project, &entry.projects, None)?;
    let UnitPlan { units, named, changes, .. } = plan;
    Ok(UnitChanges { units, named, changes })
}

impl<'a> UnitPlan<'a, '_> {
    fn department(&mut self, entry: &'a DepartmentEntry, parent: Option<UnitId>) -> Result<(), PlanError> {
        let id = self.want(Wanted { kind: UnitKind::Department, name: &entry.name, email: None, parent })?;
        for department in &entry.departments {
            self.department(department, Some(id))?;
        }
        entry.teams.iter().try_for_each(|team| self.team(team, Some(id)))
    }

    fn team(&mut self, entry: &'a TeamEntry, parent: Option<UnitId>) -> Result<(), PlanError> {
        let id = self.want(Wanted { kind: UnitKind::Team, name: &entry.name, email: None, parent })?;
        for member in &entry.members {
            self.member(member, Some(id))?;
        }
        self.all(UnitKind::App, &entry.apps, Some(id))
    }

    fn member(&mut self, entry: &'a MemberEntry, parent: Option<UnitId>) -> Result<(), PlanError> {
        let email = entry.email.as_deref();
        let id = self.want(Wanted { kind: UnitKind::Member, name: &entry.name, email, parent })?;
        self.all(UnitKind::App, &entry.apps, Some(id))
    }

    fn all(&mut self, kind: UnitKind, names: &'a [String], parent: Option<UnitId>) -> Result<(), PlanError> {
        for name in names {
            self.want(Wanted { kind, name, email: None, parent })?;
        }
        Ok(())
    }

    fn want(&mut self, wanted: Wanted<'a>) -> Result<UnitId, PlanError> {
        let place = || format!("{} `{}`", wanted.kind.as_str(), wanted.name);
        let is_name = !wanted.name.trim().is_empty() && wanted.name.chars().count() <= LONGEST_NAME;
        if !is_name || wanted.name.chars().any(char::is_control) {
            let reason = format!("a name has 1 to {LONGEST_NAME} characters");
            return Err(PlanError::Wrong { place: place(), reason });
        }
        if wanted.email.is_some_and(|email| !email.contains('@')) {
            let reason = "email: an address is written name@example.com".to_owned();
            return Err(PlanError::Wrong { place: place(), reason });
        }
        if !self.seen.insert((wanted.kind, wanted.name)) {
            return Err(PlanError::Twice { noun: wanted.kind.as_str(), name: wanted.name.to_owned() });
        }
        let id = self.make(&wanted);
        self.named.insert(id);
        Ok(id)
    }

    /// Makes the changes that a unit needs. One that was archived is taken back rather than made again.
    fn make(&mut self, wanted: &Wanted<'a>) -> UnitId {
        let is_meant = |unit: &&Unit| unit.kind == wanted.kind && unit.name == wanted.name;
        let in_use = self.units.iter().find(|unit| is_meant(unit) && unit.archived_at.is_none());
        let Some(found) = in_use.or_else(|| self.units.iter().find(is_meant)).cloned() else {
            return self.add(wanted);
        };
        let email = wanted.email.map(str::to_owned).or_else(|| found.email.clone());
        let new = Unit { parent: wanted.parent, email, archived_at: None, ..found.clone() };
        let words = format!("{} {}", wanted.kind.as_str(), wanted.name);
        if found.archived_at.is_some() {
            self.changes.push((Change::RestoreUnit(found.id), format!("restore {words}")));
        }
        if new.parent != found.parent {
            let place = new.parent.map_or_else(|| "the organisation".to_owned(), |parent| self.words(parent));
            self.changes.push((Change::PutUnit(new.clone()), format!("move {words} to {place}")));
        } else if new.email != found.email {
            self.changes.push((Change::PutUnit(new.clone()), format!("change {words}: email")));
        }
        let id = new.id;
        if let Some(known) = self.units.iter_mut().find(|unit| unit.id == id) {
            *known = new;
        }
        id
    }

    fn add(&mut self, wanted: &Wanted<'a>) -> UnitId {
        let unit = Unit {
            id: UnitId::new(self.origin.now, (self.origin.entropy)()),
            kind: wanted.kind,
            name: wanted.name.to_owned(),
            parent: wanted.parent,
            email: wanted.email.map(str::to_owned),
            created_at: self.origin.now,
            archived_at: None,
        };
        let place = wanted.parent.map(|parent| format!(" to {}", self.words(parent))).unwrap_or_default();
        let words = format!("add {} {}{place}", wanted.kind.as_str(), wanted.name);
        self.changes.push((Change::PutUnit(unit.clone()), words));
        let id = unit.id;
        self.units.push(unit);
        id
    }

    fn words(&self, id: UnitId) -> String {
        let unit = self.units.iter().find(|unit| unit.id == id);
        unit.map(|unit| format!("{} {}", unit.kind.as_str(), unit.name)).unwrap_or_default()
    }
}
