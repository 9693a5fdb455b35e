//! Why a store could not do its work.

use std::path::PathBuf;

use megarouter_domain::code::Code;
use megarouter_domain::id::LedgerId;
use sqlx::error::DatabaseError;
use thiserror::Error;

/// The codes of a statement that took too long: of SQLite's progress handler, and of PostgreSQL.
const INTERRUPTED: [&str; 2] = ["9", "57014"];

/// PostgreSQL's code for writing to a server that only reads.
const READ_ONLY: &str = "25006";

/// PostgreSQL's classes of codes for connections that broke, and servers that have no room or stop.
const AWAY: [&str; 3] = ["08", "53", "57"];

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
    /// The database that nodes share cannot be reached, or has no connection free. Trying again helps
    /// once it can.
    #[error("the hub's database cannot be reached, or has no connection free")]
    Away(#[source] sqlx::Error),
    /// The database that nodes share only reads, as a standby does.
    #[error("the hub's database only reads at the moment, as a standby does; it goes on when there is a primary again")]
    ReadOnly,
    /// The URL of the database that nodes share is none.
    #[error("the database URL is not one of PostgreSQL: postgres://user:password@host/database")]
    HubUrl,
    /// The copy of a hub's settings cannot be kept as they are.
    #[error("the hub's settings cannot be copied")]
    Mirror(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    /// A node of a hub belongs to another ledger.
    #[error("node {node} of the hub belongs to ledger {found}; register this one anew")]
    OtherLedger {
        /// The node.
        node: i64,
        /// Whose it is.
        found: LedgerId,
    },
    /// Something that only a ledger in a file can do.
    #[error("this ledger is on a hub; ask for it on the node")]
    NoFile,
    /// A copy of a ledger, or a ledger, that does not add up.
    #[error("{0} does not add up; choose another copy")]
    Unsound(PathBuf),
    /// What was asked for could not be written to where it was to go.
    #[error("what was asked for could not be written")]
    Write(#[source] std::io::Error),
    /// A question about two tags at once.
    #[error("requests can be told apart by one tag at a time; ask for the other one by itself")]
    TwoTags,
    /// A range of time that gives too many points, or none.
    #[error("the range of time is empty or gives more than {most} points; choose a shorter one or wider buckets")]
    Range {
        /// The most points.
        most: usize,
    },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as Sql;

        if matches!(error, Sql::PoolTimedOut | Sql::PoolClosed | Sql::Io(_) | Sql::Tls(_)) {
            return Self::Away(error);
        }
        let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default().into_owned();
        match code.as_str() {
            code if INTERRUPTED.contains(&code) => Self::TooSlow,
            READ_ONLY => Self::ReadOnly,
            code if code.len() == 5 && AWAY.iter().any(|class| code.starts_with(class)) => Self::Away(error),
            _ => Self::Database(error),
        }
    }
}

impl Error {
    /// True when the file itself is wrong, so that trying again does not help and mending it may.
    pub fn is_damage(&self) -> bool {
        /// SQLite's codes for a file that is malformed and for one that is no database.
        const DAMAGED: [u32; 2] = [11, 26];
        match self {
            Self::Inconsistent { .. } | Self::Order { .. } | Self::Rewritten(_) | Self::Unsound(_) => true,
            Self::Database(error) => {
                let code = error.as_database_error().and_then(DatabaseError::code);
                // The lower byte says what it is, the others say more about it.
                code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| DAMAGED.contains(&(code & 0xff)))
            }
            _ => false,
        }
    }

    /// The stable code for a caller.
    pub const fn code(&self) -> Code {
        match self {
            Self::Range { .. } | Self::TwoTags => Code::RequestInvalid,
            Self::TooSlow => Code::RequestTimeout,
            _ => Code::LedgerUnavailable,
        }
    }
}
