//! Units in use, found by id, by name and by address, while a list of people changes them.

use std::collections::HashMap;

use megarouter_domain::id::UnitId;
use megarouter_domain::unit::{Unit, UnitKind};

/// Units in use.
#[derive(Debug, Default)]
pub(super) struct Roll {
    units: HashMap<UnitId, Unit>,
    names: HashMap<(UnitKind, String), UnitId>,
    emails: HashMap<String, UnitId>,
}

impl Roll {
    /// Takes down those of a configuration that are in use.
    pub fn new(units: Vec<Unit>) -> Self {
        let mut roll = Self::default();
        units.into_iter().filter(|unit| unit.archived_at.is_none()).for_each(|unit| roll.put(unit));
        roll
    }

    /// The unit with this id.
    pub fn get(&self, id: UnitId) -> Option<&Unit> {
        self.units.get(&id)
    }

    /// The unit of this kind and name.
    pub fn named(&self, kind: UnitKind, name: &str) -> Option<&Unit> {
        self.get(*self.names.get(&(kind, name.to_owned()))?)
    }

    /// The member with this address, however it is written.
    pub fn with_email(&self, email: &str) -> Option<&Unit> {
        self.get(*self.emails.get(&email.to_lowercase())?)
    }

    /// Adds a unit, or replaces the one with its id.
    pub fn put(&mut self, unit: Unit) {
        if let Some(old) = self.units.remove(&unit.id) {
            self.names.remove(&(old.kind, old.name));
            self.emails.remove(&old.email.unwrap_or_default().to_lowercase());
        }
        self.names.insert((unit.kind, unit.name.clone()), unit.id);
        if let Some(email) = &unit.email {
            self.emails.insert(email.to_lowercase(), unit.id);
        }
        self.units.insert(unit.id, unit);
    }
}
