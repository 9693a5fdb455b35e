//! Rows as domain types, both ways.
//!
//! Reading: what does not fit is an error that names table, column and row. Writing: many rows in
//! one statement, in a few fixed sizes, so that the prepared statements are used again.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::OnceLock;

use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::usage::{ServiceTier, Usage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Decode, Encode, Row as _, SqlSafeStr as _, SqlStr, Type};
use uuid::Uuid;

use crate::error::Error;

/// The most rows of one statement, as a power of two.
const LARGEST: usize = 7;

/// A row being read.
pub(crate) struct Reading<'a> {
    table: &'static str,
    /// The column that names the row in an error.
    key: &'static str,
    row: &'a SqliteRow,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(table: &'static str, key: &'static str, row: &'a SqliteRow) -> Self {
        Self { table, key, row }
    }

    /// A value as SQLite has it.
    pub(crate) fn get<T: Decode<'a, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<T, Error> {
        self.row.try_get(column).map_err(|error| self.wrong(column, &error))
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
        let Some(text) = self.get::<Option<&str>>(column)? else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| self.wrong(column, &error))
    }

    /// The columns of the token classes.
    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        Ok(Usage {
            input: self.count_option("input")?,
            cached_read: self.count_option("cached_read")?,
            cache_write: self.count_option("cache_write")?,
            output: self.count_option("output")?,
            reasoning: self.count_option("reasoning")?,
            audio_input: self.count_option("audio_input")?,
            audio_output: self.count_option("audio_output")?,
            cache_write_1h: self.count_option("cache_write_1h")?,
            image_input: self.count_option("image_input")?,
            image_output: self.count_option("image_output")?,
            images: self.count_option("images")?,
            audio_ms: self.count_option("audio_ms")?,
            characters: self.count_option("characters")?,
            searches: self.count_option("searches")?,
            service_tier: self.name_option("service_tier")?,
        })
    }

    /// The columns of a cost.
    pub(crate) fn cost(&self) -> Result<Cost, Error> {
        let amount = NanoUsd(self.get("cost_amount")?);
        match self.get("cost_state")? {
            "exact" => Ok(Cost::Exact(amount)),
            "estimated" => Ok(Cost::Estimated(amount)),
            "unknown" => Ok(Cost::Unknown),
            "not_billable" => Ok(Cost::NotBillable),
            other => Err(self.wrong("cost_state", &format_args!("`{other}` is no state"))),
        }
    }

    /// The error for a column of this row.
    pub(crate) fn wrong(&self, column: &'static str, reason: &impl Display) -> Error {
        let row = self.row.try_get::<i64, _>(self.key).map(|key| key.to_string());
        let row = row.or_else(|_| self.row.try_get::<String, _>(self.key));
        let id = || Uuid::from_slice(self.row.try_get(self.key).ok()?).ok().map(|id| id.to_string());
        let row = row.ok().or_else(id).unwrap_or_else(|| "?".to_owned());
        Error::Inconsistent { table: self.table, column, row, reason: reason.to_string() }
    }
}

/// The values of one or many rows, in the order of the columns.
#[derive(Default)]
pub(crate) struct Values(SqliteArguments);

impl Values {
    pub(crate) fn put<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        self.0.add(value).expect("integers, texts and bytes can always be bound");
        self
    }

    pub(crate) fn count(&mut self, value: u64) -> &mut Self {
        self.put(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(crate) fn count_option(&mut self, value: Option<u64>) -> &mut Self {
        self.put(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
    }

    pub(crate) fn uuid(&mut self, id: Uuid) -> &mut Self {
        self.put(id.as_bytes().to_vec())
    }

    pub(crate) fn uuid_option(&mut self, id: Option<Uuid>) -> &mut Self {
        self.put(id.map(|id| id.as_bytes().to_vec()))
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

    pub(crate) fn usage(&mut self, usage: &Usage) -> &mut Self {
        self.count_option(usage.input)
            .count_option(usage.cached_read)
            .count_option(usage.cache_write)
            .count_option(usage.output)
            .count_option(usage.reasoning)
            .count_option(usage.audio_input)
            .count_option(usage.audio_output)
            .count_option(usage.cache_write_1h)
            .count_option(usage.image_input)
            .count_option(usage.image_output)
            .count_option(usage.images)
            .count_option(usage.audio_ms)
            .count_option(usage.characters)
            .count_option(usage.searches)
            .put(usage.service_tier.map(ServiceTier::as_str))
    }

    pub(crate) fn cost(&mut self, cost: Cost) -> &mut Self {
        self.put(cost.state()).put(cost.amount().0)
    }

    /// The values, to be bound to a statement.
    pub(crate) fn into_arguments(self) -> SqliteArguments {
        self.0
    }
}

/// A statement over many rows: `head (?, ?), (?, ?) tail`.
pub(crate) struct Bulk {
    head: &'static str,
    /// The placeholders of one row.
    row: &'static str,
    tail: &'static str,
    texts: [OnceLock<SqlStr>; LARGEST + 1],
}

impl Bulk {
    pub(crate) const fn new(head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self { head, row, tail, texts: [const { OnceLock::new() }; LARGEST + 1] }
    }

    /// Runs the statement over all rows, in as few pieces of a power of two as there are.
    pub(crate) async fn run<T>(
        &self,
        connection: &mut SqliteConnection,
        rows: impl ExactSizeIterator<Item = T>,
        put: impl Fn(&mut Values, T),
    ) -> Result<(), Error> {
        let mut rows = rows;
        while rows.len() > 0 {
            let size = usize::try_from(rows.len().ilog2()).unwrap_or(LARGEST).min(LARGEST);
            let mut values = Values::default();
            for row in rows.by_ref().take(1 << size) {
                put(&mut values, row);
            }
            sqlx::query_with(self.text(size), values.into_arguments()).execute(&mut *connection).await?;
        }
        Ok(())
    }

    fn text(&self, size: usize) -> SqlStr {
        let text = || {
            let rows = vec![self.row; 1 << size].join(", ");
            // Only fixed texts of this crate and placeholders; values are always bound.
            AssertSqlSafe(format!("{} {rows} {}", self.head, self.tail)).into_sql_str()
        };
        self.texts[size].get_or_init(text).clone()
    }
}
