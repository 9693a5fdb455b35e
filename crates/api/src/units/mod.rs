//! The organisation's parts: departments, teams, projects, members and apps.

pub mod change;
pub mod create;
pub mod import;
pub mod list;

mod check;
mod csv;
mod roll;
mod view;

use megarouter_domain::id::{OrganizationId, UnitId};
use megarouter_domain::unit::{self, Units};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::budgets::BudgetBrief;
use crate::mirror::mirrored;
use crate::shape::{Cost, Time, given};

mirrored! {
    /// What a unit is.
    UnitKind of unit::UnitKind {
        /// A part of the organisation; departments nest.
        Department,
        /// People who work together.
        Team,
        /// Work that cuts across teams.
        Project,
        /// A person.
        Member,
        /// A program with keys of its own.
        App,
    }
}

/// The organisation with all of its parts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrganizationTree {
    /// The organisation itself.
    pub organization: Organization,
    /// Its parts in no order, archived ones too; `parent` makes them a tree.
    pub units: Vec<Unit>,
}

/// The organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Organization {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Keys that work and belong to no unit.
    pub keys: u64,
    /// Requests of the calendar month so far, in UTC.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
    /// The budget on the organisation that has the least left.
    pub budget: Option<BudgetBrief>,
}

/// A part of the organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Unit {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: UnitId,
    /// What it is.
    pub kind: UnitKind,
    /// Its name, unique among those of its kind that are not archived.
    pub name: String,
    /// The id of what it is in; `null` for directly in the organisation.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub parent: Option<UnitId>,
    /// A member's address.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// Since when it is out of use.
    pub archived_at: Option<Time>,
    /// Keys that work and belong to it or to what is in it; of a project, those that work for it.
    pub keys: u64,
    /// When a request was last charged to it.
    pub last_used_at: Option<Time>,
    /// Requests charged to it in the calendar month so far, in UTC, with everything in it.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
    /// The budget on it that has the least left; `null` when it has none of its own.
    pub budget: Option<BudgetBrief>,
}

/// A unit's name, where something refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnitRef {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: UnitId,
    /// What it is.
    pub kind: UnitKind,
    /// Its name.
    pub name: String,
    /// Whether it is out of use.
    pub is_archived: bool,
}

/// A unit to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUnit {
    /// What it is.
    pub kind: UnitKind,
    /// Its name.
    pub name: String,
    /// The id of what it is in; left out, the organisation.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub parent: Option<UnitId>,
    /// A member's address.
    pub email: Option<String>,
}

/// What to change of a unit; what is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitChange {
    /// Its name.
    pub name: Option<String>,
    /// The id of what it is in; `null` for the organisation itself.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub parent: Option<Option<UnitId>>,
    /// A member's address; `null` for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Option<String>>,
    /// Whether it is out of use. Its keys are refused from then on; its history stays.
    pub archived: Option<bool>,
    /// Whether what is in it is archived with it; left out, it is refused while something is.
    pub with_content: Option<bool>,
}

/// A list of people to read in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitImport {
    /// The text of a CSV file. Its first line names the columns `name`, `email`, `team` and `department` in any
    /// order; only `name` is needed. Commas, semicolons or tabs between them.
    pub csv: String,
    /// Whether to only tell what would happen.
    pub is_preview: bool,
}

/// What a list of people does.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnitImportReport {
    /// Whether it was done. It never is when a line is wrong, or for a preview.
    pub is_applied: bool,
    /// Lines that are wrong.
    pub errors: u64,
    /// Members that are made.
    pub members: u64,
    /// Teams that are made.
    pub teams: u64,
    /// Departments that are made.
    pub departments: u64,
    /// The lines with people, in order.
    pub rows: Vec<ImportRow>,
}

/// A line of a list of people.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportRow {
    /// Its number; the line with the names of the columns is usually 1.
    pub line: u64,
    /// The person.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// Their team.
    pub team: Option<String>,
    /// The team's department.
    pub department: Option<String>,
    /// What happens.
    pub action: ImportAction,
    /// More about it; what is wrong and what to do about it for an error.
    pub detail: Option<String>,
}

/// What a line of a list of people does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportAction {
    /// A member is made, with the team and the department where they are missing.
    Create,
    /// A member that exists gets another name or team.
    Change,
    /// Nothing: everything is so already.
    Keep,
    /// Nothing is done at all, because this line is wrong.
    Error,
}

pub(crate) use check::name as checked_name;
pub(crate) use view::tree;

impl UnitRef {
    /// The unit with this id; `None` when there is none.
    pub(crate) fn of(units: &Units, id: UnitId) -> Option<Self> {
        units.get(id).map(|unit| Self::from(unit.as_ref()))
    }

    /// A unit and everything it is in, nearest first; nothing for the organisation.
    pub(crate) fn chain(units: &Units, id: Option<UnitId>) -> Vec<Self> {
        id.into_iter().flat_map(|id| units.chain(id)).map(|unit| Self::from(unit.as_ref())).collect()
    }
}

impl From<&unit::Unit> for UnitRef {
    fn from(unit: &unit::Unit) -> Self {
        Self { id: unit.id, kind: unit.kind.into(), name: unit.name.clone(), is_archived: unit.archived_at.is_some() }
    }
}
