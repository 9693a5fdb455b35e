//! `GET /usage`

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::Zone;
use megarouter_domain::snapshot::Snapshot;
use megarouter_store::ledger::overview::Figures;
use megarouter_store::ledger::pivot::{self, Label, Pivot, PivotQuery};
use megarouter_store::ledger::selection::Selection;

use super::{Dimension, UsageCell, UsageHead, UsageQuery, UsageRow, UsageTable};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::requests::list::tag;
use crate::shape::{Amount, micros};

/// The most rows of one answer.
const MOST_ROWS: usize = 1_000;
/// The most columns of one answer.
const MOST_COLUMNS: usize = 400;
/// The most cells of one answer.
const MOST_CELLS: usize = 50_000;
/// The longest span of time.
const LONGEST: Duration = Duration::from_secs(1_100 * 24 * 60 * 60);

/// Adds up usage by one or two dimensions.
#[utoipa::path(get, path = "/usage", operation_id = "show_usage", tag = "requests", params(UsageQuery),
    responses((status = 200, description = "Usage", body = UsageTable)))]
pub async fn show_usage(
    State(context): State<Arc<Context>>,
    Query(query): Query<UsageQuery>,
) -> Result<Json<UsageTable>, ApiError> {
    let query = checked(query)?;
    let snapshot = context.gateway.snapshot();
    let pivot = context.questions().pivot(&query, snapshot.units()).await?;
    Ok(Json(table(&pivot, query.columns.is_some(), &snapshot)))
}

fn checked(query: UsageQuery) -> Result<PivotQuery, ApiError> {
    let (from, to) = (query.from.0, query.to.0);
    if from >= to || to.since(from) > LONGEST {
        let message = "The range of time is empty or longer than three years. Nothing was read. Choose another one.";
        return Err(ApiError::invalid("range.invalid", message).about("from"));
    }
    let name = query.tag_name.as_deref();
    let rows = dimension(query.rows, name)?;
    let columns = query.columns.map(|columns| dimension(columns, name)).transpose()?;
    if columns.as_ref() == Some(&rows) {
        let message = "Rows and columns are the same. Nothing was read. Choose another dimension for one of them.";
        return Err(ApiError::invalid("request.invalid", message).about("columns"));
    }
    let named = |text: Option<String>| text.filter(|text| !text.is_empty());
    let selection = Selection {
        key_id: query.key_id,
        unit: query.unit,
        model: named(query.model),
        provider: named(query.provider),
        tag: named(query.tag).map(|text| tag(&text)).transpose()?,
    };
    let zone = query.zone.as_deref().map_or(Ok(Zone::UTC), str::parse)?;
    Ok(PivotQuery { from, to, zone, rows, columns, selection, outcome: query.outcome.map(Into::into) })
}

fn dimension(dimension: Dimension, tag_name: Option<&str>) -> Result<pivot::Dimension, ApiError> {
    Ok(match dimension {
        Dimension::Hour => pivot::Dimension::Hour,
        Dimension::Day => pivot::Dimension::Day,
        Dimension::Week => pivot::Dimension::Week,
        Dimension::Month => pivot::Dimension::Month,
        Dimension::HourOfWeek => pivot::Dimension::HourOfWeek,
        Dimension::Department => pivot::Dimension::Department,
        Dimension::Team => pivot::Dimension::Team,
        Dimension::Project => pivot::Dimension::Project,
        Dimension::Member => pivot::Dimension::Member,
        Dimension::App => pivot::Dimension::App,
        Dimension::Key => pivot::Dimension::Key,
        Dimension::Model => pivot::Dimension::Model,
        Dimension::Provider => pivot::Dimension::Provider,
        Dimension::Status => pivot::Dimension::Status,
        Dimension::Outcome => pivot::Dimension::Outcome,
        Dimension::Tag => {
            let missing = || {
                let message = "Usage by a tag needs the tag's name. Nothing was read. Add `tag_name`.";
                ApiError::invalid("request.invalid", message).about("tag_name")
            };
            pivot::Dimension::Tag(tag_name.filter(|name| !name.is_empty()).ok_or_else(missing)?.into())
        }
    })
}

fn table(pivot: &Pivot, has_columns: bool, snapshot: &Snapshot) -> UsageTable {
    let columns = &pivot.columns[..pivot.columns.len().min(MOST_COLUMNS)];
    let most_rows = MOST_ROWS.min(MOST_CELLS / columns.len().max(1));
    let rows = &pivot.rows[..pivot.rows.len().min(most_rows)];
    let places: HashMap<&Label, usize> = columns.iter().enumerate().map(|(place, (label, _))| (label, place)).collect();
    let mut cells: HashMap<&Label, Vec<Option<UsageCell>>> = HashMap::new();
    for cell in &pivot.cells {
        let place = cell.column.as_ref().and_then(|column| places.get(column));
        if let Some(place) = place {
            let row = cells.entry(&cell.row).or_insert_with(|| vec![None; columns.len()]);
            row[*place] = Some(UsageCell::from(&cell.figures));
        }
    }
    let row = |(label, figures): &(Label, Figures)| UsageRow {
        head: UsageHead::of(label, snapshot),
        cells: cells.remove(label).unwrap_or_else(|| vec![None; columns.len()]),
        total: UsageCell::from(figures),
    };
    let rows_shown = rows.iter().map(row).collect();
    UsageTable {
        columns: if has_columns {
            columns.iter().map(|(label, _)| UsageHead::of(label, snapshot)).collect()
        } else {
            vec![]
        },
        rows: rows_shown,
        total: UsageCell::from(&pivot.total),
        is_cut: rows.len() < pivot.rows.len() || columns.len() < pivot.columns.len(),
    }
}

impl UsageHead {
    fn of(label: &Label, snapshot: &Snapshot) -> Self {
        let (key, name) = match label {
            Label::None => return Self { key: None, name: String::new() },
            Label::Time(at) => (at.to_rfc3339(), at.to_rfc3339()),
            Label::HourOfWeek(hour) => (hour.to_string(), hour.to_string()),
            Label::Unit(id) => {
                let unit = snapshot.units().get(*id);
                (id.to_string(), unit.map(|unit| unit.name.clone()).unwrap_or_default())
            }
            Label::Key(id) => (id.to_string(), snapshot.key(*id).map(|key| key.name.clone()).unwrap_or_default()),
            Label::Name(name) => (name.to_string(), name.to_string()),
            Label::Status(status) => (status.to_string(), status.to_string()),
            Label::Outcome(outcome) => ((*outcome).to_owned(), (*outcome).to_owned()),
        };
        Self { key: Some(key), name }
    }
}

impl From<&Figures> for UsageCell {
    fn from(figures: &Figures) -> Self {
        let sums = &figures.sums;
        Self {
            requests: sums.requests,
            errors: sums.errors,
            cost: sums.cost().into(),
            cost_per_request: each(sums.amount, sums.requests).map(Amount),
            input_tokens: sums.input_tokens,
            output_tokens: sums.output_tokens,
            cached_tokens: sums.cached_tokens,
            reasoning_tokens: sums.reasoning_tokens,
            p50_us: figures.p50.map(micros),
            p95_us: figures.p95.map(micros),
        }
    }
}

/// One part of an amount, rounded half up.
fn each(amount: NanoUsd, parts: u64) -> Option<NanoUsd> {
    let parts = i64::try_from(parts).ok().filter(|parts| *parts > 0)?;
    Some(NanoUsd(amount.0.saturating_add(parts / 2).div_euclid(parts)))
}
