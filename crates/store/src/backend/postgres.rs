//! Everything that is particular to PostgreSQL: connecting, limits of time, migrations, notices.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::secret::Secret;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::OnceCell;

use super::Schema;
use crate::db::Db;
use crate::error::Error;
use crate::row::values;

/// Connections that change something, and one that listens.
const WORKING: u32 = 5 + 1;

/// Connections that answer questions.
const ASKING: u32 = 4;

/// The most time to get a connection.
const MOST_WAIT: Duration = Duration::from_secs(2);

/// How long a connection counts as good after its last use.
const FRESH: Duration = Duration::from_millis(50);

/// The most time that a connection has to show that it works before it goes back among the others. Of
/// one whose other end is gone nothing is heard for a quarter of an hour.
const MOST_SILENCE: Duration = Duration::from_secs(2);

/// For statements that change something. The rights to a row of a client that sleeps within its
/// transaction go back to the others at the same time.
const WORK: &str = "SET statement_timeout = 10000; SET lock_timeout = 5000;
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = 10000";

/// For questions, as with SQLite.
const QUESTIONS: &str = "SET statement_timeout = 2000; SET default_transaction_read_only = on;
    SET idle_in_transaction_session_timeout = 10000";

/// Makes nodes that start at the same time migrate one after the other.
const MIGRATION_LOCK: i64 = 0x6d65_6761_726f_7574;

/// The channel that tells of a change of the settings.
const SETTINGS_CHANNEL: &str = "megarouter_settings";

/// Connections to the database that the nodes of a hub share; at most ten. Cloning shares them.
///
/// Nothing is connected before it is needed, so a node starts while the database is away.
#[derive(Clone)]
pub struct HubPool {
    work: PgPool,
    questions: PgPool,
    /// Set once the tables are there.
    prepared: Arc<OnceCell<()>>,
}

impl std::fmt::Debug for HubPool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("HubPool")
    }
}

impl HubPool {
    /// Connections to the database at this URL, `postgres://user:password@host/database`.
    ///
    /// # Errors
    /// When the text is no such URL. The error does not repeat it.
    pub fn new(url: &Secret) -> Result<Self, Error> {
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme));
        let options = PgConnectOptions::from_str(url.expose()).ok().filter(|_| is_postgres).ok_or(Error::HubUrl)?;
        let options = options.application_name("megarouter").disable_statement_logging();
        let pool = |most, setup: &'static str| {
            let pool = PgPoolOptions::new().max_connections(most).acquire_timeout(MOST_WAIT);
            pool.after_connect(move |connection, _| Box::pin(async move { set_up(connection, setup).await }))
        };
        // After a failover the old connections may be to a server that only reads. One question tells
        // that as well as whether the connection still works; right after its use it need not be asked.
        let work = pool(WORKING, WORK).test_before_acquire(false);
        let work = work.before_acquire(|connection, meta| {
            Box::pin(async move { if meta.idle_for < FRESH { Ok(true) } else { can_write(connection).await } })
        });
        let work = work.after_release(|connection, _| Box::pin(soon(can_write(connection))));
        let questions = pool(ASKING, QUESTIONS)
            .after_release(|connection, _| Box::pin(soon(async { connection.ping().await.map(|()| true) })));
        Ok(Self {
            work: work.connect_lazy_with(options.clone()),
            questions: questions.connect_lazy_with(options),
            prepared: Arc::default(),
        })
    }

    /// A connection that may change something; each statement has 10 seconds.
    pub(crate) async fn work(&self) -> Result<Db<'static>, Error> {
        self.prepare().await?;
        Ok(Db::Hub(self.work.acquire().await?))
    }

    /// A connection that answers questions; each has 2 seconds.
    pub(crate) async fn questions(&self) -> Result<Db<'static>, Error> {
        self.prepare().await?;
        Ok(Db::Hub(self.questions.acquire().await?))
    }

    /// A connection that hears of changes of the settings.
    pub(crate) async fn settings_listener(&self) -> Result<PgListener, Error> {
        let mut listener = PgListener::connect_with(&self.work).await?;
        listener.listen(SETTINGS_CHANNEL).await?;
        Ok(listener)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.work.close().await;
        self.questions.close().await;
    }

    /// Makes the tables, or brings them up to date, the first time.
    async fn prepare(&self) -> Result<(), Error> {
        let migrate = async || {
            let mut connection = self.work.acquire().await?;
            migrate(&mut connection, &[&crate::settings::SCHEMA, &crate::ledger::SCHEMA, &crate::hub::SCHEMA]).await
        };
        self.prepared.get_or_try_init(migrate).await.copied()
    }
}

/// Tells the other nodes that the settings changed, as soon as the transaction is committed.
pub(crate) async fn announce_settings(db: &mut Db<'_>) -> Result<(), Error> {
    db.execute("SELECT pg_notify($1, '')", values![SETTINGS_CHANNEL]).await?;
    Ok(())
}

async fn set_up(connection: &mut PgConnection, setup: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(setup).execute(connection).await.map(|_| ())
}

async fn can_write(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let only_reads: String = sqlx::query_scalar("SHOW transaction_read_only").fetch_one(connection).await?;
    Ok(only_reads == "off")
}

async fn soon(check: impl Future<Output = Result<bool, sqlx::Error>>) -> Result<bool, sqlx::Error> {
    tokio::time::timeout(MOST_SILENCE, check).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn migrate(connection: &mut PgConnection, schemas: &[&Schema]) -> Result<(), Error> {
    if is_current(connection, schemas).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    // A migration may take its time, and so may waiting for that of another node.
    sqlx::raw_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").execute(&mut *transaction).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
    let versions = "CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version BIGINT NOT NULL)";
    sqlx::raw_sql(versions).execute(&mut *transaction).await?;
    for schema in schemas {
        let done = version(&mut transaction, schema).await?;
        for migration in &schema.postgres[done..] {
            sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        }
        let text = "INSERT INTO schema_versions (name, version) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET version = excluded.version";
        let newest = i64::try_from(schema.postgres.len()).unwrap_or(i64::MAX);
        sqlx::query(text).bind(schema.name).bind(newest).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Whether there is nothing to do, which needs no right to make tables.
async fn is_current(connection: &mut PgConnection, schemas: &[&Schema]) -> Result<bool, Error> {
    let table = "SELECT to_regclass('schema_versions') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(table).fetch_one(&mut *connection).await? {
        return Ok(false);
    }
    for schema in schemas {
        if version(connection, schema).await? < schema.postgres.len() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many migrations of a schema were done.
async fn version(connection: &mut PgConnection, schema: &Schema) -> Result<usize, Error> {
    let text = "SELECT version FROM schema_versions WHERE name = $1";
    let found: Option<i64> = sqlx::query_scalar(text).bind(schema.name).fetch_optional(connection).await?;
    let found = found.unwrap_or(0);
    match usize::try_from(found) {
        Ok(done) if done <= schema.postgres.len() => Ok(done),
        _ => {
            let known = i64::try_from(schema.postgres.len()).unwrap_or(i64::MAX);
            Err(Error::Newer { path: PathBuf::from(format!("the hub's {}", schema.name)), found, known })
        }
    }
}
