//! Where settings are kept: every test runs in each of these places.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::secret::Secret;
use megarouter_store::hub::HubPool;
use megarouter_store::settings::Settings;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::postgres::Postgres;

pub const NOW: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);

/// A place for settings.
pub enum Home {
    Folder(TempDir),
    Hub { url: String, pool: HubPool },
}

/// A new place on each engine.
pub fn homes() -> [Home; 2] {
    [Home::Folder(tempfile::tempdir().expect("a temporary directory")), Home::hub()]
}

impl Home {
    /// A database of its own.
    pub fn hub() -> Self {
        let url = Postgres::shared().database();
        Self::Hub { pool: HubPool::new(&Secret::new(url.clone())).expect("the URL is good"), url }
    }

    /// The settings in it.
    pub async fn open(&self) -> Settings {
        let (now, entropy) = (NOW, [9; 10]);
        let settings = match self {
            Self::Folder(dir) => Settings::open(dir.path(), now, entropy).await,
            Self::Hub { pool, .. } => Settings::open(pool, now, entropy).await,
        };
        settings.unwrap_or_else(|error| panic!("{}: {error:?}", self.name()))
    }

    /// Runs a statement behind the settings' back.
    pub async fn execute(&self, text: &str) -> Result<(), sqlx::Error> {
        let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        match self {
            Self::Folder(dir) => query.execute(&mut self.file(dir).await).await.map(|_| ()),
            Self::Hub { url, .. } => query.execute(&mut PgConnection::connect(url).await?).await.map(|_| ()),
        }
    }

    /// The only number that a query gives.
    pub async fn count(&self, text: &str) -> i64 {
        let text = AssertSqlSafe(text.to_owned());
        let count = match self {
            Self::Folder(dir) => sqlx::query_scalar(text).fetch_one(&mut self.file(dir).await).await,
            Self::Hub { url, .. } => {
                sqlx::query_scalar(text).fetch_one(&mut PgConnection::connect(url).await.unwrap()).await
            }
        };
        count.unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Folder(_) => "SQLite",
            Self::Hub { .. } => "PostgreSQL",
        }
    }

    async fn file(&self, dir: &TempDir) -> SqliteConnection {
        let url = format!("sqlite://{}/settings.db", dir.path().display());
        SqliteConnection::connect(&url).await.expect("the file is there")
    }
}
