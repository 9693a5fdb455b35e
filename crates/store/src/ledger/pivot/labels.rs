//! Which cell a group of requests is in.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{Datelike as _, Days, NaiveDate};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::period::Zone;
use megarouter_domain::unit::{UnitKind, Units};

use super::calendar::{day_begins, hour_start};
use super::question::Group;
use super::{Dimension, Label, PivotQuery};
use crate::db::Db;
use crate::error::Error;
use crate::ledger::activity::read_units;
use crate::ledger::sums::outcome_of;
use crate::row::{Reading, values};

const ATTRIBUTIONS: &str = "SELECT node, id, key_id, units FROM attributions";

/// Whom requests were charged to.
struct Attribution {
    key_id: KeyId,
    /// Nearest first.
    units: Vec<UnitId>,
}

/// What tells the cells of a pivot apart.
pub(super) struct Labels<'a> {
    query: &'a PivotQuery,
    units: &'a Units,
    /// By node and number; none when no dimension asks for them.
    attributions: HashMap<(i64, i64), Attribution>,
}

impl<'a> Labels<'a> {
    pub(super) async fn read(db: &mut Db<'_>, query: &'a PivotQuery, units: &'a Units) -> Result<Self, Error> {
        let mut attributions = HashMap::new();
        if query.dimensions().any(Dimension::is_of_attribution) {
            for row in db.fetch_all(ATTRIBUTIONS, values![]).await? {
                let reading = Reading::new("attributions", "id", &row);
                let key_id = KeyId::from_uuid(reading.uuid("key_id")?);
                let attribution = Attribution { key_id, units: read_units(&reading)? };
                attributions.insert((reading.get("node")?, reading.get("id")?), attribution);
            }
        }
        Ok(Self { query, units, attributions })
    }

    /// The row and the column of a group of requests with the tag.
    pub(super) fn of(&self, group: &Group, tag: &Label) -> (Label, Option<Label>) {
        let label = |dimension: &Dimension| self.label(dimension, group, tag);
        (label(&self.query.rows), self.query.columns.as_ref().map(label))
    }

    fn label(&self, dimension: &Dimension, group: &Group, tag: &Label) -> Label {
        match dimension {
            Dimension::Hour => Label::Time(hour_start(self.query.zone, group.time)),
            // 1970 began on a Thursday.
            Dimension::HourOfWeek => Label::HourOfWeek(u8::try_from((group.time + 72).rem_euclid(168)).unwrap_or(0)),
            Dimension::Day | Dimension::Week | Dimension::Month => {
                Label::Time(day_start(dimension, group.time, self.query.zone))
            }
            Dimension::Status => Label::Status(u16::try_from(group.status).unwrap_or(0)),
            Dimension::Outcome => {
                outcome_of(group.outcome).map_or(Label::None, |outcome| Label::Outcome(outcome.as_str()))
            }
            Dimension::Model => name(&group.model),
            Dimension::Provider => name(&group.provider),
            Dimension::Tag(_) => tag.clone(),
            Dimension::Department
            | Dimension::Team
            | Dimension::Project
            | Dimension::Member
            | Dimension::App
            | Dimension::Key => {
                let attribution = self.attributions.get(&(group.node, group.attribution));
                attribution.map_or(Label::None, |attribution| self.label_of(dimension, attribution))
            }
        }
    }

    fn label_of(&self, dimension: &Dimension, attribution: &Attribution) -> Label {
        let of_kind = |kind| {
            let is = |id: &&UnitId| self.units.get(**id).is_some_and(|unit| unit.kind == kind);
            attribution.units.iter().find(is).map_or(Label::None, |id| Label::Unit(*id))
        };
        match dimension {
            Dimension::Department => self.department(attribution),
            Dimension::Team => of_kind(UnitKind::Team),
            Dimension::Project => of_kind(UnitKind::Project),
            Dimension::Member => of_kind(UnitKind::Member),
            Dimension::App => of_kind(UnitKind::App),
            _ => Label::Key(attribution.key_id),
        }
    }

    /// The outermost department within the unit that is asked for, or else that unit.
    fn department(&self, attribution: &Attribution) -> Label {
        let units = &attribution.units;
        let is_department = |id: &&UnitId| self.units.get(**id).is_some_and(|unit| unit.kind == UnitKind::Department);
        let within = match self.query.selection.unit {
            Some(unit) => units.iter().position(|id| *id == unit).unwrap_or(units.len()),
            None => units.len(),
        };
        let inner = units.iter().take(within).rfind(is_department);
        let outer = units.iter().skip(within).find(is_department);
        inner.or(outer).map_or(Label::None, |id| Label::Unit(*id))
    }
}

fn name(name: &Arc<str>) -> Label {
    if name.is_empty() { Label::None } else { Label::Name(Arc::clone(name)) }
}

/// Where the group of days begins that a day is in.
fn day_start(dimension: &Dimension, days: i64, zone: Zone) -> Timestamp {
    let epoch = NaiveDate::default();
    let day = epoch.checked_add_days(Days::new(days.max(0).unsigned_abs())).unwrap_or(epoch);
    let first = match dimension {
        Dimension::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
        Dimension::Month => day.with_day(1),
        _ => Some(day),
    };
    day_begins(zone, first.unwrap_or(day))
}
