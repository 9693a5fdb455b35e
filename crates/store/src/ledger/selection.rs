//! Which requests a question is about, in SQL: by whom, what served them, their tag.

use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::tag::Tag;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::{BY_SERIES, EVERYTHING};
use crate::row::{Reading, Values, values};

/// Whom requests were charged to, what served them, and what they were tagged; all that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Came with this key.
    pub key_id: Option<KeyId>,
    /// Was charged to this unit, or to something in it.
    pub unit: Option<UnitId>,
    /// Was resolved to this public model.
    pub model: Option<String>,
    /// Was served by the provider of this name.
    pub provider: Option<String>,
    /// Had this tag.
    pub tag: Option<Tag>,
}

/// The series of a selection: the condition, for parameters from `$1` on in the order of [`Selection::put`].
macro_rules! series_condition {
    ($key:literal, $unit:literal, $model:literal, $provider:literal) => {
        concat!(
            "(",
            $key,
            " IS NULL OR a.key_id = ",
            $key,
            ") AND (",
            $unit,
            " IS NULL OR a.units LIKE ",
            $unit,
            ") AND (",
            $model,
            " IS NULL OR s.model = ",
            $model,
            ") AND (",
            $provider,
            " IS NULL OR s.provider = ",
            $provider,
            ")"
        )
    };
}
pub(crate) use series_condition;

const SLICES: &str = "SELECT node, id FROM tags WHERE name = $1 AND value = $2";

/// A slice of `rollups`, of all nodes or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub number: i64,
    pub node: Option<i64>,
}

impl Slice {
    /// Which of its rows to add up: 1 for those by series, 0 for those of all series together. Slices of
    /// tags have both.
    pub(crate) fn rows(self, by_series: bool) -> i64 {
        match self.number {
            EVERYTHING => 0,
            BY_SERIES => 1,
            _ => i64::from(by_series),
        }
    }
}

impl Selection {
    /// True when it depends on the series.
    pub(crate) const fn is_by_series(&self) -> bool {
        self.key_id.is_some() || self.unit.is_some() || self.model.is_some() || self.provider.is_some()
    }

    /// The parameters of [`series_condition`].
    pub(crate) fn put(&self, values: &mut Values) {
        values.uuid_option(self.key_id.map(KeyId::as_uuid)).put(self.unit.map(|unit| format!("%{unit}%")));
        values.put(self.model.clone()).put(self.provider.clone());
    }

    /// The slices that hold the selected requests, once each. Without a tag, those by series when
    /// `by_series` or a condition needs them.
    pub(crate) async fn slices(&self, db: &mut Db<'_>, by_series: bool) -> Result<Vec<Slice>, Error> {
        let Some(tag) = &self.tag else {
            let number = if by_series || self.is_by_series() { BY_SERIES } else { EVERYTHING };
            return Ok(vec![Slice { number, node: None }]);
        };
        let rows = db.fetch_all(SLICES, values![&*tag.name, &*tag.value]).await?;
        let slice = |row| {
            let reading = Reading::new("tags", "id", row);
            Ok(Slice { number: reading.get("id")?, node: Some(reading.get("node")?) })
        };
        rows.iter().map(slice).collect()
    }
}
