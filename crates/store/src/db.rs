//! One connection over both engines: a file of SQLite, or a PostgreSQL that nodes share.
//!
//! The SQL is one text for both, with `$1` for its values; what differs between the engines beyond
//! that is in [`crate::backend`]. Values and rows are those of [`crate::row`].

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection};
use sqlx::{Connection as _, SqlSafeStr};

use crate::error::Error;
use crate::row::{Readable, Row, Values};

/// A connection.
#[derive(Debug)]
pub(crate) enum Db<'c> {
    /// A connection of its own to a file.
    File(SqliteConnection),
    /// One of the connections to a file that answer questions.
    Reader(PoolConnection<Sqlite>),
    /// One of these within a transaction.
    InFile(sqlx::Transaction<'c, Sqlite>),
    /// One of the connections to the database that nodes share.
    Hub(PoolConnection<Postgres>),
    /// The same within a transaction.
    InHub(sqlx::Transaction<'c, Postgres>),
}

/// Which engine a connection is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// The engine's own connection.
enum Native<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// An open transaction; undone unless it is committed.
#[derive(Debug)]
pub(crate) struct Transaction<'c>(Db<'c>);

/// Reads from whichever connection it is: the query with its values, and what a row of it becomes.
macro_rules! on {
    ($db:expr, $text:expr, $values:expr, |$query:ident, $connection:ident, $row:ident| $body:expr) => {
        match $db.native() {
            Native::Sqlite($connection) => {
                let $query = sqlx::query_with($text, $values.into_sqlite());
                let $row = Row::Sqlite;
                $body
            }
            Native::Postgres($connection) => {
                let $query = sqlx::query_with($text, $values.into_postgres());
                let $row = Row::Postgres;
                $body
            }
        }
    };
}

impl Db<'_> {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::File(_) | Self::Reader(_) | Self::InFile(_) => Engine::Sqlite,
            Self::Hub(_) | Self::InHub(_) => Engine::Postgres,
        }
    }

    /// Runs a statement; gives how many rows it changed.
    pub(crate) async fn execute(&mut self, text: impl SqlSafeStr, values: Values) -> Result<u64, Error> {
        match self.native() {
            Native::Sqlite(connection) => {
                Ok(sqlx::query_with(text, values.into_sqlite()).execute(connection).await?.rows_affected())
            }
            Native::Postgres(connection) => {
                Ok(sqlx::query_with(text, values.into_postgres()).execute(connection).await?.rows_affected())
            }
        }
    }

    /// Every row.
    pub(crate) async fn fetch_all(&mut self, text: impl SqlSafeStr, values: Values) -> Result<Vec<Row>, Error> {
        on!(self, text, values, |query, connection, row| {
            Ok(query.fetch_all(connection).await?.into_iter().map(row).collect())
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(&mut self, text: impl SqlSafeStr, values: Values) -> Result<Option<Row>, Error> {
        on!(self, text, values, |query, connection, row| Ok(query.fetch_optional(connection).await?.map(row)))
    }

    /// The row of a statement that always has one.
    pub(crate) async fn fetch_one(&mut self, text: impl SqlSafeStr, values: Values) -> Result<Row, Error> {
        self.fetch_optional(text, values).await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
    }

    /// The first column of the first row, if there is one.
    pub(crate) async fn fetch_value<T: for<'r> Readable<'r>>(
        &mut self,
        text: impl SqlSafeStr,
        values: Values,
    ) -> Result<Option<T>, Error> {
        Ok(self.fetch_optional(text, values).await?.map(|row| row.first()).transpose()?)
    }

    /// The rows as they come in, for where there may be many.
    pub(crate) fn fetch<'a>(
        &'a mut self,
        text: impl SqlSafeStr + 'a,
        values: Values,
    ) -> BoxStream<'a, Result<Row, Error>> {
        on!(self, text, values, |query, connection, row| {
            query.fetch(connection).map(move |found| Ok(row(found?))).boxed()
        })
    }

    /// Begins a transaction that writes: the only one of a file, from its start on.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        self.begin_with("BEGIN IMMEDIATE", "BEGIN").await
    }

    /// Begins a transaction that sees one state of the database, however long it reads.
    pub(crate) async fn begin_reading(&mut self) -> Result<Transaction<'_>, Error> {
        self.begin_with("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn begin_with(&mut self, sqlite: &'static str, postgres: &'static str) -> Result<Transaction<'_>, Error> {
        Ok(Transaction(match self.native() {
            Native::Sqlite(connection) => Db::InFile(connection.begin_with(sqlite).await?),
            Native::Postgres(connection) => Db::InHub(connection.begin_with(postgres).await?),
        }))
    }

    /// Closes a connection of its own; gives one of a pool back.
    pub(crate) async fn close(self) -> Result<(), Error> {
        match self {
            Self::File(connection) => Ok(connection.close().await?),
            Self::Reader(_) | Self::InFile(_) | Self::Hub(_) | Self::InHub(_) => Ok(()),
        }
    }

    fn native(&mut self) -> Native<'_> {
        match self {
            Self::File(connection) => Native::Sqlite(connection),
            Self::Reader(connection) => Native::Sqlite(connection),
            Self::InFile(transaction) => Native::Sqlite(transaction),
            Self::Hub(connection) => Native::Postgres(connection),
            Self::InHub(transaction) => Native::Postgres(transaction),
        }
    }
}

impl Transaction<'_> {
    /// Makes what was done durable.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self.0 {
            Db::InFile(transaction) => transaction.commit().await?,
            Db::InHub(transaction) => transaction.commit().await?,
            Db::File(_) | Db::Reader(_) | Db::Hub(_) => {}
        }
        Ok(())
    }

    /// Commits when the work was done, and undoes it when it was refused: at once, because others may
    /// wait for its locks, and without hiding why.
    pub(crate) async fn end<T, E: From<Error>>(self, work: Result<T, E>) -> Result<T, E> {
        match work {
            Ok(_) => self.commit().await?,
            Err(_) => {
                if let Err(error) = self.rollback().await {
                    tracing::debug!(%error, "the database undoes the transaction by itself");
                }
            }
        }
        work
    }

    /// Undoes what was done.
    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self.0 {
            Db::InFile(transaction) => transaction.rollback().await?,
            Db::InHub(transaction) => transaction.rollback().await?,
            Db::File(_) | Db::Reader(_) | Db::Hub(_) => {}
        }
        Ok(())
    }
}

impl<'c> std::ops::Deref for Transaction<'c> {
    type Target = Db<'c>;

    fn deref(&self) -> &Db<'c> {
        &self.0
    }
}

impl<'c> std::ops::DerefMut for Transaction<'c> {
    fn deref_mut(&mut self) -> &mut Db<'c> {
        &mut self.0
    }
}
