//! Names of what a policy's ids stand for, both ways.

use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::key::VirtualKey;
use megarouter_domain::unit::{Unit, UnitKind};

/// What can be named in a policy.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Departments, teams, projects, members and apps; archived ones are found by their ids only.
    pub units: &'a [Unit],
    /// Virtual keys; revoked ones are found by their ids only.
    pub keys: &'a [VirtualKey],
}

impl Names<'_> {
    /// The unit of a name.
    pub fn unit(&self, kind: UnitKind, name: &str) -> Option<UnitId> {
        let is_meant = |unit: &&Unit| unit.kind == kind && unit.name == name && unit.archived_at.is_none();
        self.units.iter().find(is_meant).map(|unit| unit.id)
    }

    /// The key of a name.
    pub fn key(&self, name: &str) -> Option<KeyId> {
        let key = self.keys.iter().find(|key| key.name == name && key.revoked_at.is_none());
        key.map(|key| key.id)
    }

    /// The unit with an id.
    pub fn unit_with(&self, id: UnitId) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.id == id)
    }

    /// The key with an id.
    pub fn key_with(&self, id: KeyId) -> Option<&VirtualKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}
