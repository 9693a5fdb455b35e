//! Why a store could not do its work.

use std::path::PathBuf;

use megarouter_domain::code::Code;
use thiserror::Error;

/// SQLite's code for a statement that a progress handler stopped.
const INTERRUPTED: &str = "9";

/// What went wrong in a store.
#[derive(Debug, Error)]
pub enum Error {
    /// The directory or the file could not be made, read or given its rights.
    #[error("{path} cannot be used")]
    File {
        /// What it is about.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database could not do it: full, locked, or damaged. Trying again may help.
    #[error("the database did not take the operation")]
    Database(#[source] sqlx::Error),
    /// The question took longer than any may.
    #[error("the question took too long; choose a shorter range of time or fewer conditions")]
    TooSlow,
    /// A newer program wrote the file.
    #[error("{path} was written by a newer version (schema {found}, this program knows {known}); install that version")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// The file is a database of another program.
    #[error("{0} is not a MegaRouter database")]
    Foreign(PathBuf),
    /// The SQLite library has a known fault.
    #[error("SQLite {0} can lose data; at least 3.51.3 is needed")]
    OldSqlite(String),
    /// A row is not what the program writes.
    #[error("{table}.{column} of row {row} is not valid: {reason}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong.
        reason: String,
    },
    /// Entries do not follow those that are stored.
    #[error("entry {found} cannot follow entry {last} of the journal")]
    Order {
        /// The last stored entry.
        last: u64,
        /// The first new one.
        found: u64,
    },
    /// An entry that is already stored was given again with other content.
    #[error("entry {0} is stored with other content")]
    Rewritten(u64),
    /// A range of time that gives too many points, or none.
    #[error("the range of time is empty or gives more than {most} points; choose a shorter one or wider buckets")]
    Range {
        /// The most points.
        most: usize,
    },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let is_interrupt = |error: &sqlx::Error| {
            error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some(INTERRUPTED)
        };
        if is_interrupt(&error) { Self::TooSlow } else { Self::Database(error) }
    }
}

impl Error {
    /// The stable code for a caller.
    pub const fn code(&self) -> Code {
        match self {
            Self::Range { .. } => Code::RequestInvalid,
            Self::TooSlow => Code::RequestTimeout,
            _ => Code::LedgerUnavailable,
        }
    }
}
