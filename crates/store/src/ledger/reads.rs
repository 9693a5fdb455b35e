//! Connections that answer questions, and the time they have for it.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::backend::{self, Schema};
use crate::db::Db;
use crate::error::Error;

/// Connections at once.
const CONNECTIONS: u32 = 4;

/// The most time for one question, so that an odd filter over a large ledger cannot occupy the disk.
const MOST_TIME: Duration = Duration::from_secs(2);

/// Instructions of SQLite between two looks at the clock; a fraction of a millisecond.
const STEPS: i32 = 10_000;

/// A pool of connections that only read.
#[derive(Debug)]
pub(crate) struct Reads {
    pool: SqlitePool,
    most_time: Duration,
}

impl Reads {
    pub(crate) fn open(dir: &Path, schema: &Schema) -> Self {
        let options = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(5));
        Self { pool: options.connect_lazy_with(backend::read_options(dir, schema)), most_time: MOST_TIME }
    }

    /// A connection for one question.
    pub(crate) async fn acquire(&self) -> Result<Db<'static>, Error> {
        let mut connection = self.pool.acquire().await?;
        let end = Instant::now() + self.most_time;
        connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < end);
        Ok(Db::Reader(connection))
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::values;

    const SCHEMA: Schema = Schema {
        name: "test",
        application_id: 7,
        sqlite: &["PRAGMA application_id = 7; PRAGMA user_version = 1;"],
        postgres: &[],
    };

    #[tokio::test]
    async fn an_endless_question_is_ended_and_the_connection_answers_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let _writer = backend::open(dir.path(), &SCHEMA).await.unwrap();
        let mut reads = Reads::open(dir.path(), &SCHEMA);
        reads.most_time = Duration::from_millis(20);
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        let mut connection = reads.acquire().await.unwrap();
        let ended = connection.fetch_one(endless, values![]).await;
        assert!(matches!(ended, Err(Error::TooSlow)), "{ended:?}");
        drop(connection);
        reads.most_time = MOST_TIME;
        reads.acquire().await.unwrap().fetch_one("SELECT 1", values![]).await.unwrap();
    }

    #[tokio::test]
    async fn a_question_cannot_change_anything() {
        let dir = tempfile::tempdir().unwrap();
        let _writer = backend::open(dir.path(), &SCHEMA).await.unwrap();
        let reads = Reads::open(dir.path(), &SCHEMA);
        let refused = reads.acquire().await.unwrap().execute("CREATE TABLE x (y)", values![]).await;
        assert!(format!("{:?}", refused.unwrap_err()).contains("readonly"));
    }
}
