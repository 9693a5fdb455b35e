//! The organisation: departments, teams, projects, members and apps, as one tree of units.
//!
//! Departments nest; teams are in departments; members are in teams; apps belong to a team or a
//! member. Projects cut across teams, so they stand beside the tree: a key names its project.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clock::Timestamp;
use crate::id::UnitId;

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// A part of the organisation; departments nest to any depth.
    Department,
    /// People who work together.
    Team,
    /// Work that cuts across teams.
    Project,
    /// A person's membership in the organisation.
    Member,
    /// A program with keys of its own.
    App,
}

/// A part of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// What it is; never changes.
    pub kind: UnitKind,
    /// What people call it; unique among those of its kind that are not archived.
    pub name: String,
    /// What it is in; `None` for directly in the organisation.
    pub parent: Option<UnitId>,
    /// A member's address, for recognising the person; unique among members that are not archived.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is out of use. Its history stays.
    pub archived_at: Option<Timestamp>,
}

/// Why units make no tree. Each is also refused when it is saved.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TreeError {
    /// A unit in something that cannot hold it.
    #[error("{child} cannot be in {parent}: {rule}")]
    Misplaced {
        /// The unit's name.
        child: String,
        /// The name of what it is in.
        parent: String,
        /// What is possible.
        rule: &'static str,
    },
    /// A department would be below itself.
    #[error("{name} cannot be moved into a part of itself")]
    Circle {
        /// The department's name.
        name: String,
    },
    /// The parent does not exist.
    #[error("{child} is in something that does not exist")]
    NoParent {
        /// The unit's name.
        child: String,
    },
    /// Something in use is in something archived.
    #[error("{parent} is archived and still holds {child}; move or archive that first")]
    Archived {
        /// The unit's name.
        child: String,
        /// The name of what it is in.
        parent: String,
    },
}

/// The tree, by id.
#[derive(Clone, Debug, Default)]
pub struct Units {
    by_id: HashMap<UnitId, Arc<Unit>>,
}

impl UnitKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Department, Self::Team, Self::Project, Self::Member, Self::App];

    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Team => "team",
            Self::Project => "project",
            Self::Member => "member",
            Self::App => "app",
        }
    }

    /// Whether a unit of this kind may be in one of `parent`; `None` is the organisation itself.
    pub const fn may_be_in(self, parent: Option<Self>) -> bool {
        match self {
            Self::Department | Self::Team => matches!(parent, None | Some(Self::Department)),
            Self::Project => parent.is_none(),
            Self::Member => matches!(parent, None | Some(Self::Team)),
            Self::App => matches!(parent, None | Some(Self::Team | Self::Member)),
        }
    }

    const fn rule(self) -> &'static str {
        match self {
            Self::Department => "a department is in another department or in none",
            Self::Team => "a team is in a department or in none",
            Self::Project => "a project cuts across teams and is in none",
            Self::Member => "a member is in a team or in none",
            Self::App => "an app belongs to a team, to a member or to the organisation",
        }
    }
}

impl Units {
    /// Puts the tree together.
    ///
    /// # Errors
    /// When a unit is in something that cannot hold it.
    pub fn new(units: impl IntoIterator<Item = Unit>) -> Result<Self, TreeError> {
        let by_id = units.into_iter().map(|unit| (unit.id, Arc::new(unit))).collect();
        let tree = Self { by_id };
        tree.by_id.values().try_for_each(|unit| tree.check(unit))?;
        Ok(tree)
    }

    /// The unit with this id, archived or not.
    pub fn get(&self, id: UnitId) -> Option<&Arc<Unit>> {
        self.by_id.get(&id)
    }

    /// Every unit, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Unit>> {
        self.by_id.values()
    }

    /// A unit and everything it is in, nearest first.
    pub fn chain(&self, id: UnitId) -> impl Iterator<Item = &Arc<Unit>> {
        std::iter::successors(self.get(id), |unit| self.get(unit.parent?))
    }

    fn check(&self, unit: &Unit) -> Result<(), TreeError> {
        let name = || unit.name.clone();
        let Some(parent_id) = unit.parent else {
            let rule = unit.kind.rule();
            let misplaced = || TreeError::Misplaced { child: name(), parent: "the organisation".to_owned(), rule };
            return if unit.kind.may_be_in(None) { Ok(()) } else { Err(misplaced()) };
        };
        let parent = self.get(parent_id).ok_or_else(|| TreeError::NoParent { child: name() })?;
        if !unit.kind.may_be_in(Some(parent.kind)) {
            let (parent, rule) = (parent.name.clone(), unit.kind.rule());
            return Err(TreeError::Misplaced { child: name(), parent, rule });
        }
        if unit.archived_at.is_none() && parent.archived_at.is_some() {
            return Err(TreeError::Archived { child: name(), parent: parent.name.clone() });
        }
        let mut seen = HashSet::from([unit.id]);
        let mut above = Some(parent_id);
        while let Some(id) = above {
            if !seen.insert(id) {
                return Err(TreeError::Circle { name: name() });
            }
            above = self.get(id).and_then(|unit| unit.parent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn id(seed: u8) -> UnitId {
        UnitId::new(NOW, [seed; 10])
    }

    fn unit(seed: u8, kind: UnitKind, parent: Option<u8>) -> Unit {
        Unit {
            id: id(seed),
            kind,
            name: format!("unit {seed}"),
            parent: parent.map(id),
            email: None,
            created_at: NOW,
            archived_at: None,
        }
    }

    #[test]
    fn a_chain_goes_up_to_the_outermost_department() {
        let units = Units::new([
            unit(1, UnitKind::Department, None),
            unit(2, UnitKind::Department, Some(1)),
            unit(3, UnitKind::Team, Some(2)),
            unit(4, UnitKind::Member, Some(3)),
            unit(5, UnitKind::App, Some(4)),
        ]);
        let units = units.unwrap();
        let chain: Vec<UnitId> = units.chain(id(5)).map(|unit| unit.id).collect();
        assert_eq!(chain, [id(5), id(4), id(3), id(2), id(1)]);
    }

    #[test]
    fn what_makes_no_tree_is_refused() {
        let in_itself = [unit(1, UnitKind::Department, Some(2)), unit(2, UnitKind::Department, Some(1))];
        assert!(matches!(Units::new(in_itself), Err(TreeError::Circle { .. })));
        let team_in_member = [unit(1, UnitKind::Member, None), unit(2, UnitKind::Team, Some(1))];
        assert!(matches!(Units::new(team_in_member), Err(TreeError::Misplaced { .. })));
        assert!(matches!(Units::new([unit(1, UnitKind::Team, Some(9))]), Err(TreeError::NoParent { .. })));
        let mut archived = unit(1, UnitKind::Team, None);
        archived.archived_at = Some(NOW);
        let left_behind = Units::new([archived, unit(2, UnitKind::Member, Some(1))]);
        assert!(matches!(left_behind, Err(TreeError::Archived { .. })));
    }
}
