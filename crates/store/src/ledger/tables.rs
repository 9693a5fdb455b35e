//! The derived tables as data, for comparing them with what the entries say.

use std::fmt;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};

/// A derived table.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: &'static str,
    /// Every row of a node that comes from entries after a number, in the order of the keys.
    pub select: &'static str,
    keys: &'static [(&'static str, Kind)],
    columns: &'static [(&'static str, Kind)],
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Integer,
    Text,
    Bytes,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Nothing,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub key: Vec<Cell>,
    pub rest: Vec<Cell>,
}

macro_rules! table {
    ($name:literal, [$first:ident: $first_kind:ident $(, $key:ident: $key_kind:ident)*],
     [$($column:ident: $kind:ident),* $(,)?], $also:literal) => {
        Table {
            name: $name,
            select: concat!(
                "SELECT ", stringify!($first), $(", ", stringify!($key),)* $(", ", stringify!($column),)*
                " FROM ", $name, " WHERE node = $1 AND $2 >= 0", $also,
                " ORDER BY ", stringify!($first) $(, ", ", stringify!($key))*
            ),
            keys: &[(stringify!($first), Kind::$first_kind) $(, (stringify!($key), Kind::$key_kind))*],
            columns: &[$((stringify!($column), Kind::$kind)),*],
        }
    };
}

/// Every table that is derived from entries and nothing else.
pub(crate) static DERIVED: [Table; 8] = [
    table!("open_attempts", [attempt_id: Bytes], [body: Text], ""),
    table!("attempts", [request_id: Bytes, hold_lsn: Integer],
        [lsn: Integer, attempt_id: Bytes, route: Integer, started_at: Integer, amount: Integer, tokens: Integer,
         adjusted: Integer, adjusted_tokens: Integer], " AND lsn > $2"),
    table!("requests", [lsn: Integer],
        [request_id: Bytes, started_at: Integer, series: Integer, outcome: Integer, status: Integer, names: Text,
         session: Text, refused_by: Bytes, tags: Text, route: Integer, attempts: Integer, input_tokens: Integer,
         cached_tokens: Integer, cache_write_tokens: Integer, output_tokens: Integer, reasoning_tokens: Integer,
         tokens: Integer, cost_state: Integer, amount: Integer, adjusted: Integer, adjusted_tokens: Integer,
         total_us: Integer], " AND lsn > $2"),
    table!("request_tags", [tag: Integer, started_at: Integer, lsn: Integer], [], " AND lsn > $2"),
    table!("rollups",
        [slice: Integer, bucket: Integer, at: Integer, series: Integer, outcome: Integer, status: Integer],
        [requests: Integer, admitted: Integer, input_tokens: Integer, cached_tokens: Integer,
         cache_write_tokens: Integer, output_tokens: Integer, reasoning_tokens: Integer, tokens: Integer,
         amount: Integer, exact: Integer, estimated: Integer, unknown: Integer, durations: Text,
         first_outputs: Text], " AND part = 0"),
    table!("calls", [bucket: Integer, at: Integer, route: Integer],
        [calls: Integer, errors: Integer, resolved: Integer, tokens: Integer, amount: Integer, exact: Integer,
         estimated: Integer, unknown: Integer, durations: Text], " AND part = 0"),
    table!("last_uses", [key_id: Bytes], [at: Integer], ""),
    table!("notes", [lsn: Integer], [kind: Integer, at: Integer], " AND lsn > $2"),
];

/// What the rows of the derived tables are numbered by.
pub(crate) static NAMES: [Table; 4] = [
    table!("attributions", [id: Integer], [key_id: Bytes, units: Text], ""),
    table!("series", [id: Integer], [attribution: Integer, model: Text, provider: Text], ""),
    table!("routes", [id: Integer],
        [attribution: Integer, provider_id: Bytes, model_id: Bytes, deployment_id: Bytes], ""),
    table!("tags", [id: Integer], [name: Text, value: Text], ""),
];

const PUT_NAMES: [&str; 4] = [
    "INSERT INTO attributions (node, id, key_id, units) VALUES ($1, $2, $3, $4)",
    "INSERT INTO series (node, id, attribution, model, provider) VALUES ($1, $2, $3, $4, $5)",
    "INSERT INTO routes (node, id, attribution, provider_id, model_id, deployment_id)
     VALUES ($1, $2, $3, $4, $5, $6)",
    "INSERT INTO tags (node, id, name, value) VALUES ($1, $2, $3, $4)",
];

impl Table {
    pub(crate) fn read(&self, row: &Row) -> Result<Line, Error> {
        let first = self.keys.first().map_or("", |(name, _)| name);
        let reading = Reading::new(self.name, first, row);
        let cells = |columns: &[(&'static str, Kind)]| {
            columns.iter().map(|(name, kind)| read_cell(&reading, name, *kind)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Line { key: cells(self.keys)?, rest: cells(self.columns)? })
    }

    /// The first column that two rows of the same key differ in, with both values.
    pub(crate) fn difference<'a>(&self, one: &'a Line, other: &'a Line) -> Option<(&'static str, &'a Cell, &'a Cell)> {
        let mut pairs = self.columns.iter().zip(one.rest.iter().zip(&other.rest));
        pairs.find(|(_, (one, other))| one != other).map(|((name, _), (one, other))| (*name, one, other))
    }
}

/// Copies the numbers of a node, so that rows of two places can be compared.
pub(crate) async fn copy_names(from: &mut Db<'_>, to: &mut Db<'_>, node: i64) -> Result<(), Error> {
    for (table, put) in NAMES.iter().zip(PUT_NAMES) {
        for row in from.fetch_all(table.select, values![node, 0_i64]).await? {
            let line = table.read(&row)?;
            let mut values = values![node];
            line.key.into_iter().chain(line.rest).for_each(|cell| cell.put(&mut values));
            to.execute(put, values).await?;
        }
    }
    Ok(())
}

fn read_cell(reading: &Reading<'_>, name: &'static str, kind: Kind) -> Result<Cell, Error> {
    let cell = match kind {
        Kind::Integer => reading.get::<Option<i64>>(name)?.map(Cell::Integer),
        Kind::Text => reading.get::<Option<String>>(name)?.map(Cell::Text),
        Kind::Bytes => reading.get::<Option<Vec<u8>>>(name)?.map(Cell::Bytes),
    };
    Ok(cell.unwrap_or(Cell::Nothing))
}

impl Cell {
    fn put(self, values: &mut Values) {
        match self {
            Self::Nothing => values.put(None::<i64>),
            Self::Integer(value) => values.put(value),
            Self::Text(value) => values.put(value),
            Self::Bytes(value) => values.put(value),
        };
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => formatter.write_str("nothing"),
            Self::Integer(value) => value.fmt(formatter),
            Self::Text(value) => value.fmt(formatter),
            Self::Bytes(bytes) => match uuid::Uuid::from_slice(bytes) {
                Ok(id) => id.fmt(formatter),
                Err(_) => write!(formatter, "{bytes:?}"),
            },
        }
    }
}
