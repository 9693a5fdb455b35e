//! Rows as domain types, both ways.
//!
//! Reading: what does not fit is an error that names table, column and row. Writing: many rows in
//! one statement, in a few fixed sizes, so that the prepared statements are used again.

use std::fmt::{Display, Write as _};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Decode, Row as _, SqlSafeStr as _, SqlStr, Type};
use uuid::Uuid;

use crate::db::{Db, Engine};
use crate::error::Error;

/// How many rows a statement may have. Each size is prepared once and kept; the closer they are, the fewer
/// statements a batch takes, and each costs a visit to the connection's thread.
const SIZES: [usize; 14] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];

/// A row of either engine.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column can be read as: integers (64 bits in both engines), truths, texts and bytes.
pub(crate) trait Readable<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>> Readable<'r> for T {}

impl Row {
    /// The first column.
    pub(crate) fn first<'r, T: Readable<'r>>(&'r self) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(0),
            Self::Postgres(row) => row.try_get(0),
        }
    }

    fn get<'r, T: Readable<'r>>(&'r self, column: &str) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

/// A row being read.
pub(crate) struct Reading<'a> {
    table: &'static str,
    /// The column that names the row in an error.
    key: &'static str,
    row: &'a Row,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(table: &'static str, key: &'static str, row: &'a Row) -> Self {
        Self { table, key, row }
    }

    /// A value as the database has it.
    pub(crate) fn get<T: Readable<'a>>(&self, column: &'static str) -> Result<T, Error> {
        self.row.get(column).map_err(|error| self.wrong(column, &error))
    }

    /// An integer that cannot be negative.
    pub(crate) fn count<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, Error> {
        let value: i64 = self.get(column)?;
        T::try_from(value).map_err(|_| self.wrong(column, &format_args!("{value} does not fit")))
    }

    /// An integer that cannot be negative, or nothing.
    pub(crate) fn count_option<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, Error> {
        let Some(value) = self.get::<Option<i64>>(column)? else { return Ok(None) };
        T::try_from(value).map(Some).map_err(|_| self.wrong(column, &format_args!("{value} does not fit")))
    }

    /// An id.
    pub(crate) fn uuid(&self, column: &'static str) -> Result<Uuid, Error> {
        Uuid::from_slice(self.get(column)?).map_err(|error| self.wrong(column, &error))
    }

    /// An id, or nothing.
    pub(crate) fn uuid_option(&self, column: &'static str) -> Result<Option<Uuid>, Error> {
        let Some(bytes) = self.get::<Option<&[u8]>>(column)? else { return Ok(None) };
        Uuid::from_slice(bytes).map(Some).map_err(|error| self.wrong(column, &error))
    }

    /// A text that stands for something.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T, Error> {
        self.get::<&str>(column)?.parse().map_err(|error| self.wrong(column, &error))
    }

    /// One of a type's stable names, which are also its JSON.
    pub(crate) fn name<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        let name = serde_json::Value::String(self.get(column)?);
        serde_json::from_value(name).map_err(|error| self.wrong(column, &error))
    }

    /// One of a type's stable names, or nothing.
    pub(crate) fn name_option<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, Error> {
        if self.get::<Option<&str>>(column)?.is_none() { Ok(None) } else { self.name(column).map(Some) }
    }

    /// A value kept as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        serde_json::from_str(self.get(column)?).map_err(|error| self.wrong(column, &error))
    }

    /// A value kept as JSON, or nothing.
    pub(crate) fn json_option<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, Error> {
        if self.get::<Option<&str>>(column)?.is_none() { Ok(None) } else { self.json(column).map(Some) }
    }

    /// The error for a column of this row.
    pub(crate) fn wrong(&self, column: &'static str, reason: &impl Display) -> Error {
        let row = self.row.get::<i64>(self.key).map(|key| key.to_string());
        let row = row.or_else(|_| self.row.get::<String>(self.key));
        let id = || Uuid::from_slice(self.row.get(self.key).ok()?).ok().map(|id| id.to_string());
        let row = row.ok().or_else(id).unwrap_or_else(|| "?".to_owned());
        Error::Inconsistent { table: self.table, column, row, reason: reason.to_string() }
    }
}

/// One value on its way into a statement.
#[derive(Clone, Debug)]
enum Value {
    Integer(i64),
    Truth(bool),
    Text(String),
    Shared(Arc<str>),
    Bytes(Vec<u8>),
    Nothing(Kind),
}

/// What a value would be if there were one: PostgreSQL wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Integer,
    Truth,
    Text,
    Bytes,
}

/// What can be put into a statement.
pub(crate) trait Bind {
    #[doc(hidden)]
    const KIND: Kind;

    fn put_into(self, values: &mut Values);
}

macro_rules! bind {
    ($($kind:ident: $type:ty, |$value:ident| $variant:expr;)+) => {$(
        impl Bind for $type {
            const KIND: Kind = Kind::$kind;

            fn put_into(self, values: &mut Values) {
                let $value = self;
                values.0.push($variant);
            }
        }
    )+};
}

bind! {
    Integer: i64, |value| Value::Integer(value);
    Truth: bool, |value| Value::Truth(value);
    Text: String, |value| Value::Text(value);
    Text: Arc<str>, |value| Value::Shared(value);
    Text: &str, |value| Value::Shared(value.into());
    Bytes: Vec<u8>, |value| Value::Bytes(value);
    Bytes: Uuid, |value| Value::Bytes(value.as_bytes().to_vec());
}

impl<T: Bind> Bind for Option<T> {
    const KIND: Kind = T::KIND;

    fn put_into(self, values: &mut Values) {
        match self {
            Some(value) => value.put_into(values),
            None => values.0.push(Value::Nothing(T::KIND)),
        }
    }
}

/// The values of one or many rows, in the order of the columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(Vec<Value>);

/// The values of a statement, in its order.
macro_rules! values {
    () => { $crate::row::Values::default() };
    ($($value:expr),+ $(,)?) => {{
        let mut values = $crate::row::Values::default();
        $(values.put($value);)+
        values
    }};
}
pub(crate) use values;

impl Values {
    pub(crate) fn put(&mut self, value: impl Bind) -> &mut Self {
        value.put_into(self);
        self
    }

    /// Adds the values of another after these.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn count(&mut self, value: u64) -> &mut Self {
        self.put(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(crate) fn count_option(&mut self, value: Option<u64>) -> &mut Self {
        self.put(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
    }

    pub(crate) fn uuid(&mut self, id: Uuid) -> &mut Self {
        self.put(id)
    }

    pub(crate) fn uuid_option(&mut self, id: Option<Uuid>) -> &mut Self {
        self.put(id)
    }

    pub(crate) fn json(&mut self, value: &impl Serialize) -> &mut Self {
        self.put(serde_json::to_string(value).expect("the types of this crate have only JSON's own values"))
    }

    pub(crate) fn json_option(&mut self, value: Option<&impl Serialize>) -> &mut Self {
        match value {
            Some(value) => self.json(value),
            None => self.put(None::<String>),
        }
    }

    /// One of a type's stable names, which are also its JSON.
    pub(crate) fn name(&mut self, value: &impl Serialize) -> &mut Self {
        let json = serde_json::to_string(value).expect("the types of this crate have only JSON's own values");
        self.put(json.trim_matches('"'))
    }

    pub(crate) fn name_option(&mut self, value: Option<&impl Serialize>) -> &mut Self {
        match value {
            Some(value) => self.name(value),
            None => self.put(None::<String>),
        }
    }

    /// The values as SQLite takes them.
    pub(crate) fn into_sqlite(self) -> SqliteArguments {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(self.0.len(), 0);
        for value in self.0 {
            let added = match value {
                Value::Integer(value) => arguments.add(value),
                Value::Truth(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value),
                Value::Shared(value) => arguments.add(value),
                Value::Bytes(value) => arguments.add(value),
                Value::Nothing(_) => arguments.add(None::<i64>),
            };
            added.expect("integers, texts and bytes can always be bound");
        }
        arguments
    }

    /// The values as PostgreSQL takes them.
    pub(crate) fn into_postgres(self) -> PgArguments {
        let mut arguments = PgArguments::default();
        for value in self.0 {
            let added = match value {
                Value::Integer(value) => arguments.add(value),
                Value::Truth(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value),
                Value::Shared(value) => arguments.add(&*value),
                Value::Bytes(value) => arguments.add(value),
                Value::Nothing(Kind::Integer) => arguments.add(None::<i64>),
                Value::Nothing(Kind::Truth) => arguments.add(None::<bool>),
                Value::Nothing(Kind::Text) => arguments.add(None::<&str>),
                Value::Nothing(Kind::Bytes) => arguments.add(None::<&[u8]>),
            };
            added.expect("integers, texts and bytes can always be bound");
        }
        arguments
    }
}

/// A statement over many rows: `head (?, ?), (?, ?) tail`.
pub(crate) struct Bulk {
    head: &'static str,
    /// The placeholders of one row, as `?`.
    row: &'static str,
    tail: &'static str,
    sqlite: [OnceLock<SqlStr>; SIZES.len()],
    postgres: [OnceLock<SqlStr>; SIZES.len()],
}

impl Bulk {
    pub(crate) const fn new(head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self {
            head,
            row,
            tail,
            sqlite: [const { OnceLock::new() }; SIZES.len()],
            postgres: [const { OnceLock::new() }; SIZES.len()],
        }
    }

    /// Runs the statement over all rows, in as few pieces as [`SIZES`] allow.
    pub(crate) async fn run<T>(
        &self,
        db: &mut Db<'_>,
        rows: impl ExactSizeIterator<Item = T>,
        put: impl Fn(&mut Values, T),
    ) -> Result<(), Error> {
        let mut rows = rows;
        while let Some((text, values)) = self.piece(db, &mut rows, &put) {
            db.execute(text, values).await?;
        }
        Ok(())
    }

    /// Runs a question over all rows in the same way; gives all that it finds.
    pub(crate) async fn fetch<T>(
        &self,
        db: &mut Db<'_>,
        rows: impl ExactSizeIterator<Item = T>,
        put: impl Fn(&mut Values, T),
    ) -> Result<Vec<Row>, Error> {
        let (mut rows, mut found) = (rows, Vec::new());
        while let Some((text, values)) = self.piece(db, &mut rows, &put) {
            found.extend(db.fetch_all(text, values).await?);
        }
        Ok(found)
    }

    /// The statement for the next rows; `None` when there are no more.
    fn piece<T>(
        &self,
        db: &Db<'_>,
        rows: &mut impl ExactSizeIterator<Item = T>,
        put: impl Fn(&mut Values, T),
    ) -> Option<(SqlStr, Values)> {
        let place = SIZES.partition_point(|size| *size <= rows.len()).checked_sub(1)?;
        let size = SIZES[place];
        let mut values = Values::default();
        for row in rows.by_ref().take(size) {
            put(&mut values, row);
        }
        let text = match db.engine() {
            Engine::Sqlite => self.sqlite[place].get_or_init(|| self.text(size)),
            Engine::Postgres => self.postgres[place].get_or_init(|| self.numbered_text(size)),
        };
        Some((text.clone(), values))
    }

    /// SQLite looks a numbered placeholder up in a list, for each value of each run; `?` it counts.
    fn text(&self, size: usize) -> SqlStr {
        let rows = vec![self.row; size].join(", ");
        // Only fixed texts of this crate and placeholders; values are always bound.
        AssertSqlSafe(format!("{} {rows} {}", self.head, self.tail)).into_sql_str()
    }

    fn numbered_text(&self, size: usize) -> SqlStr {
        let rows = vec![self.row; size].join(", ");
        let mut pieces = rows.split('?');
        let mut text = format!("{} {}", self.head, pieces.next().unwrap_or_default());
        for (number, piece) in (1..).zip(pieces) {
            let _ = write!(text, "${number}{piece}");
        }
        AssertSqlSafe(format!("{text} {}", self.tail)).into_sql_str()
    }
}
