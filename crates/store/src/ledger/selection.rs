//! Which requests a question is about, in SQL: by whom, what served them, their tag.

use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::tag::Tag;

use crate::db::Db;
use crate::error::Error;
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

/// The slice of `rollups` that has all requests by series. Those of requests with a tag have its number,
/// which is from 1 on.
pub(crate) const BY_SERIES: i64 = 0;

/// The slice of `rollups` that has all requests, all series together.
pub(crate) const EVERYTHING: i64 = all_series(BY_SERIES);

/// The slice that has the same requests as one by series, all series together.
pub(crate) const fn all_series(slice: i64) -> i64 {
    -1 - slice
}

/// A slice of `rollups`, of all nodes or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub number: i64,
    pub node: Option<i64>,
}

impl Slice {
    /// That of a tag's requests, or with 0 of all.
    pub(crate) const fn of(tag: i64, node: Option<i64>, is_by_series: bool) -> Self {
        Self { number: if is_by_series { tag } else { all_series(tag) }, node }
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

    /// The slices that hold the selected requests, once each; by series when `by_series` or a condition
    /// needs it.
    pub(crate) async fn slices(&self, db: &mut Db<'_>, by_series: bool) -> Result<Vec<Slice>, Error> {
        let is_by_series = by_series || self.is_by_series();
        let Some(tag) = &self.tag else { return Ok(vec![Slice::of(0, None, is_by_series)]) };
        let rows = db.fetch_all(SLICES, values![&*tag.name, &*tag.value]).await?;
        let slice = |row| {
            let reading = Reading::new("tags", "id", row);
            Ok(Slice::of(reading.get("id")?, Some(reading.get("node")?), is_by_series))
        };
        rows.iter().map(slice).collect()
    }
}
