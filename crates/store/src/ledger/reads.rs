//! Connections that answer questions, and the time they have for it.

use std::time::{Duration, Instant};

use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::backend::postgres::HubPool;
use crate::backend::{self, Schema};
use crate::db::Db;
use crate::error::Error;
use crate::ledger::place::Place;

/// Connections at once.
const CONNECTIONS: u32 = 4;

/// The most time for one question, so that an odd filter over a large ledger cannot occupy the disk.
const MOST_TIME: Duration = Duration::from_secs(2);

/// Instructions of SQLite between two looks at the clock; a fraction of a millisecond.
const STEPS: i32 = 10_000;

/// Connections that only read.
#[derive(Debug)]
pub(crate) enum Reads {
    /// To a file.
    File { pool: SqlitePool, most_time: Duration },
    /// To the hub, whose connections have their limit.
    Hub(HubPool),
}

impl Reads {
    pub(crate) fn open(place: &Place, schema: &Schema) -> Self {
        match place {
            Place::Folder(dir) => {
                let options =
                    SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(5));
                let pool = options.connect_lazy_with(backend::read_options(dir, schema));
                Self::File { pool, most_time: MOST_TIME }
            }
            Place::Hub { pool, .. } => Self::Hub(pool.clone()),
        }
    }

    /// A connection for one question.
    pub(crate) async fn acquire(&self) -> Result<Db<'static>, Error> {
        let (pool, most_time) = match self {
            Self::File { pool, most_time } => (pool, *most_time),
            Self::Hub(pool) => return pool.questions().await,
        };
        let mut connection = pool.acquire().await?;
        let end = Instant::now() + most_time;
        connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < end);
        Ok(Db::Reader(connection))
    }

    /// Closes connections of its own.
    pub(crate) async fn close(&self) {
        if let Self::File { pool, .. } = self {
            pool.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::row::values;

    const SCHEMA: Schema = Schema {
        name: "test",
        application_id: 7,
        sqlite: &["PRAGMA application_id = 7; PRAGMA user_version = 1;"],
        postgres: &[],
    };

    fn reads(dir: &Path, most_time: Duration) -> Reads {
        match Reads::open(&Place::Folder(dir.to_owned()), &SCHEMA) {
            Reads::File { pool, .. } => Reads::File { pool, most_time },
            hub @ Reads::Hub(_) => hub,
        }
    }

    #[tokio::test]
    async fn an_endless_question_is_ended_and_the_connection_answers_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let _writer = backend::open(dir.path(), &SCHEMA).await.unwrap();
        let hasty = reads(dir.path(), Duration::from_millis(20));
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        let ended = hasty.acquire().await.unwrap().fetch_one(endless, values![]).await;
        assert!(matches!(ended, Err(Error::TooSlow)), "{ended:?}");
        hasty.acquire().await.unwrap().fetch_one("SELECT 1", values![]).await.unwrap();
    }

    #[tokio::test]
    async fn a_question_cannot_change_anything() {
        let dir = tempfile::tempdir().unwrap();
        let _writer = backend::open(dir.path(), &SCHEMA).await.unwrap();
        let reads = reads(dir.path(), MOST_TIME);
        let refused = reads.acquire().await.unwrap().execute("CREATE TABLE x (y)", values![]).await;
        assert!(format!("{:?}", refused.unwrap_err()).contains("readonly"));
    }
}
