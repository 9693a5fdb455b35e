//! Pivots: requests added up by one or two dimensions, in the time zone of whoever asks.
//!
//! All from the rollups, so it takes about the same time for a thousand requests as for ten million. Every
//! request is in exactly one cell: the cells add up to the total.

mod calendar;
mod labels;
mod question;

use std::collections::BTreeMap;
use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::period::Zone;
use megarouter_domain::record::Outcome;
use megarouter_domain::unit::Units;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::Rollup;
use crate::ledger::overview::Figures;
use crate::ledger::selection::{Selection, Slice};
use crate::ledger::sums::Sums;
use crate::row::{Reading, values};

use labels::Labels;
use question::Question;

/// The most cells of an answer.
pub const MOST_CELLS: usize = 50_000;

/// What requests are added up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The hour in which they arrived.
    Hour,
    /// The day.
    Day,
    /// The week, from Monday on.
    Week,
    /// The calendar month.
    Month,
    /// The hour of the week, from Monday on.
    HourOfWeek,
    /// The outermost department; of requests of one department, the part of it.
    Department,
    /// The team.
    Team,
    /// The project.
    Project,
    /// The member.
    Member,
    /// The app.
    App,
    /// The key.
    Key,
    /// The public model.
    Model,
    /// The provider that served them.
    Provider,
    /// The value of the tag of this name.
    Tag(Arc<str>),
    /// The HTTP status.
    Status,
    /// How they ended.
    Outcome,
}

/// A row or a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Where the hour, day, week or month begins.
    Time(Timestamp),
    /// The hour of the week: 0 is Monday from midnight to one.
    HourOfWeek(u8),
    /// A part of the organisation.
    Unit(UnitId),
    /// A key.
    Key(KeyId),
    /// The name of a model or a provider, or the value of a tag.
    Name(Arc<str>),
    /// An HTTP status; 0 for what admins corrected.
    Status(u16),
    /// The stable name of an outcome.
    Outcome(&'static str),
    /// Requests that have none of the dimension.
    None,
}

/// What is to be added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PivotQuery {
    /// From this time on; rounded down to whole buckets.
    pub from: Timestamp,
    /// Until this time; rounded up to whole buckets.
    pub to: Timestamp,
    /// Where days begin.
    pub zone: Zone,
    /// The rows.
    pub rows: Dimension,
    /// The columns; `None` for one figure in each row.
    pub columns: Option<Dimension>,
    /// Only these requests.
    pub selection: Selection,
    /// Only requests that ended like this.
    pub outcome: Option<Outcome>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PivotCell {
    /// Its row.
    pub row: Label,
    /// Its column; `None` where there is only one.
    pub column: Option<Label>,
    /// Its figures.
    pub figures: Figures,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pivot {
    /// Where the range really begins.
    pub from: Timestamp,
    /// Where it really ends.
    pub to: Timestamp,
    /// Cells with at least one request; by row, then by column.
    pub cells: Vec<PivotCell>,
    /// The rows with their totals: points in time in their order, all others dearest first.
    pub rows: Vec<(Label, Figures)>,
    /// The columns with their totals, in the same orders.
    pub columns: Vec<(Label, Figures)>,
    /// All of it.
    pub total: Figures,
}

const VALUES_OF_TAG: &str = "SELECT node, id, value FROM tags WHERE name = $1";

type Cells = BTreeMap<(Label, Option<Label>), Rollup>;

/// Adds requests up; all of one state of the ledger. `units` says what the units are.
pub(crate) async fn answer(db: &mut Db<'_>, query: &PivotQuery, units: &Units) -> Result<Pivot, Error> {
    let question = Question::of(query)?;
    let mut transaction = db.begin_reading().await?;
    let labels = Labels::read(&mut transaction, query, units).await?;
    let mut cells = Cells::new();
    for slice in query.selection.slices(&mut transaction, question.is_by_series()).await? {
        for group in question.ask(&mut transaction, slice).await? {
            cells.entry(labels.of(&group, &Label::None)).or_default().add(&group.rollup);
        }
    }
    if let Some(name) = query.tag_name() {
        split_by_tag(&mut transaction, &mut cells, name, &question, &labels).await?;
    }
    transaction.commit().await?;
    if cells.len() > MOST_CELLS {
        return Err(Error::Range { most: MOST_CELLS });
    }
    Ok(summary(query, question.range(), cells))
}

/// Takes what has a tag of the name out of the cells of those that have none.
async fn split_by_tag(
    db: &mut Db<'_>,
    cells: &mut Cells,
    name: &str,
    question: &Question<'_>,
    labels: &Labels<'_>,
) -> Result<(), Error> {
    for row in db.fetch_all(VALUES_OF_TAG, values![name]).await? {
        let reading = Reading::new("tags", "id", &row);
        let slice = Slice::of(reading.get("id")?, Some(reading.get("node")?), question.is_by_series());
        let tag = Label::Name(reading.get::<&str>("value")?.into());
        for group in question.ask(db, slice).await? {
            if let Some(rest) = cells.get_mut(&labels.of(&group, &Label::None)) {
                rest.remove(&group.rollup);
            }
            cells.entry(labels.of(&group, &tag)).or_default().add(&group.rollup);
        }
    }
    cells.retain(|_, rollup| rollup.sums != Sums::default());
    Ok(())
}

impl PivotQuery {
    fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        std::iter::once(&self.rows).chain(&self.columns)
    }

    /// The tag that requests are told apart by.
    fn tag_name(&self) -> Option<&Arc<str>> {
        self.dimensions().find_map(|dimension| if let Dimension::Tag(name) = dimension { Some(name) } else { None })
    }
}

fn summary(query: &PivotQuery, (from, to): (Timestamp, Timestamp), cells: Cells) -> Pivot {
    let (mut rows, mut columns) = (BTreeMap::<Label, Rollup>::new(), BTreeMap::<Label, Rollup>::new());
    let mut total = Rollup::default();
    for ((row, column), rollup) in &cells {
        rows.entry(row.clone()).or_default().add(rollup);
        if let Some(column) = column {
            columns.entry(column.clone()).or_default().add(rollup);
        }
        total.add(rollup);
    }
    let cell = |((row, column), rollup): ((Label, Option<Label>), Rollup)| PivotCell {
        row,
        column,
        figures: rollup.figures(),
    };
    Pivot {
        from,
        to,
        cells: cells.into_iter().map(cell).collect(),
        rows: in_order(&query.rows, rows),
        columns: query.columns.as_ref().map(|dimension| in_order(dimension, columns)).unwrap_or_default(),
        total: total.figures(),
    }
}

/// Points in time as they are; all others dearest first, then by how many there are.
fn in_order(dimension: &Dimension, totals: BTreeMap<Label, Rollup>) -> Vec<(Label, Figures)> {
    let mut totals: Vec<(Label, Figures)> =
        totals.into_iter().map(|(label, rollup)| (label, rollup.figures())).collect();
    if dimension.step().is_none() {
        totals.sort_by_key(|(_, figures)| std::cmp::Reverse((figures.sums.amount, figures.sums.requests)));
    }
    totals
}
