//! Connections that answer questions, and the time they have for it.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{Sqlite, SqlitePool, SqlitePoolOptions};

use crate::backend::{self, Schema};
use crate::error::Error;

/// Connections at once.
const CONNECTIONS: u32 = 4;

/// The most time for one question, so that an odd filter over a large ledger cannot occupy the disk.
const MOST_TIME: Duration = Duration::from_secs(2);

/// Instructions of SQLite between two looks at the clock; a fraction of a millisecond.
const STEPS: i32 = 10_000;

/// A pool of connections that only read.
#[derive(Debug)]
pub(crate) struct Reads(SqlitePool);

impl Reads {
    pub(crate) fn open(dir: &Path, schema: &Schema) -> Self {
        let options = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(5));
        Self(options.connect_lazy_with(backend::read_options(dir, schema)))
    }

    /// A connection for one question.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Sqlite>, Error> {
        let mut connection = self.0.acquire().await?;
        let end = Instant::now() + MOST_TIME;
        connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < end);
        Ok(connection)
    }

    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}
