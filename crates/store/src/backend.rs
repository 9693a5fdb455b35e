//! Everything that is particular to SQLite and to files: opening, rights, pragmas, migrations. What
//! is particular to PostgreSQL is in [`postgres`].

pub mod postgres;

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::db::{Db, Engine};
use crate::error::Error;
use crate::row::Values;

/// How long an operation waits for another process that has the file locked.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Older versions can corrupt a database in WAL mode when two connections reset the log at once.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Pages in the log before they are carried over into the file: 16 MB. Most commits change the same pages at
/// the ends of tables and indexes, and each is carried over once.
const LOG_PAGES: u32 = 4_096;

/// Prepared statements kept by a connection: every table's insert in each of its sizes.
const STATEMENTS: usize = 256;

/// The tables of one store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    /// The name of its file in the data directory, before `.db`.
    pub name: &'static str,
    /// What the file's header says it is.
    pub application_id: i64,
    /// SQLite's migrations, oldest first; each sets `user_version` to its place, counted from 1.
    pub sqlite: &'static [&'static str],
    /// PostgreSQL's, which number their places themselves.
    pub postgres: &'static [&'static str],
}

impl Schema {
    /// Its file.
    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(self.name).with_extension("db")
    }
}

/// Opens a database for writing; makes it, or brings it up to date, when needed.
pub(crate) async fn open(dir: &Path, schema: &Schema) -> Result<Db<'static>, Error> {
    let (db, _) = open_with_undo(dir, schema).await?;
    Ok(db)
}

/// What an upgrade did to a file, so that it can be undone when what follows it fails.
#[derive(Debug)]
#[must_use = "an upgrade whose second half fails has to be undone"]
pub(crate) enum Upgrade {
    /// Nothing.
    None,
    /// The file was replaced by a newer one; this is the copy of the old one.
    From {
        /// The file.
        path: PathBuf,
        /// The copy.
        copy: PathBuf,
    },
}

impl Upgrade {
    /// Puts the old file back, byte by byte. Nothing has it open any more.
    pub(crate) fn undo(self) -> Result<(), Error> {
        let Self::From { path, copy } = self else { return Ok(()) };
        let put_back = || {
            copy_private(&copy, &path.with_extension("backup.unfinished"), &path)?;
            remove_log(&path)
        };
        put_back().map_err(|source| Error::File { path: path.clone(), source })
    }
}

/// Like [`open`]; says how an upgrade that was needed can be undone.
pub(crate) async fn open_with_undo(dir: &Path, schema: &Schema) -> Result<(Db<'static>, Upgrade), Error> {
    let path = schema.path(dir);
    prepare_files(dir, &path).map_err(|source| Error::File { path: path.clone(), source })?;
    let mut connection = write_options(&path).connect().await?;
    check_version(&mut connection).await?;
    let found = identify(&mut connection, &path, schema).await?;
    migrate(&mut connection, &path, schema).await?;
    let is_upgrade = found > 0 && usize::try_from(found).is_ok_and(|found| found < schema.sqlite.len());
    let upgrade = if is_upgrade { Upgrade::From { copy: copy_of(&path, found), path } } else { Upgrade::None };
    Ok((Db::File(connection), upgrade))
}

/// Takes the limits of time from the transaction that is open, for work that has to look at everything.
pub(crate) async fn unlimited(db: &mut Db<'_>) -> Result<(), Error> {
    if db.engine() == Engine::Postgres {
        db.execute("SET LOCAL statement_timeout = 0", Values::default()).await?;
        db.execute("SET LOCAL idle_in_transaction_session_timeout = 0", Values::default()).await?;
    }
    Ok(())
}

/// Copies a database into a new file, as it is at one moment; others go on writing meanwhile.
pub(crate) async fn copy_online(dir: &Path, schema: &Schema, to: &Path) -> Result<(), Error> {
    let failed = |source| Error::File { path: to.to_owned(), source };
    if to.exists() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let unfinished = to.with_extension("unfinished");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // Made first, so that it has its rights before it has anything in it.
    OpenOptions::new().append(true).create(true).open(&unfinished).map_err(failed)?;
    make_private_file(&unfinished).map_err(failed)?;
    let mut connection = options(&schema.path(dir)).connect().await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(unfinished.to_string_lossy()).execute(&mut connection).await;
    connection.close().await?;
    copied?;
    let finish = || {
        OpenOptions::new().write(true).open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, to)
    };
    finish().map_err(failed)
}

/// A connection to a copy that nothing writes to. It leaves no files beside it.
pub(crate) async fn open_copy(file: &Path) -> Result<Db<'static>, Error> {
    Ok(Db::File(options(file).read_only(true).immutable(true).connect().await?))
}

/// A connection to a file of which nothing is expected.
pub(crate) async fn open_damaged(file: &Path) -> Result<Db<'static>, Error> {
    Ok(Db::File(options(file).connect().await?))
}

/// What SQLite finds wrong in the structure of a file, without looking at what it says.
pub(crate) async fn quick_check(db: &mut Db<'_>) -> Result<Option<String>, Error> {
    let found: Option<String> = db.fetch_value("PRAGMA quick_check(1)", Values::default()).await?;
    Ok(found.filter(|line| line != "ok"))
}

/// A connection of its own that only reads.
pub(crate) async fn open_for_reading(dir: &Path, schema: &Schema) -> Result<Db<'static>, Error> {
    Ok(Db::File(read_options(dir, schema).connect().await?))
}

/// Options for a connection that only reads.
pub(crate) fn read_options(dir: &Path, schema: &Schema) -> SqliteConnectOptions {
    // Not SQLite's own read-only mode: such a connection cannot recover a log that a crash left.
    options(&schema.path(dir)).pragma("query_only", "ON")
}

/// Makes a directory that only its owner can enter.
pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    restrict(dir, 0o700)
}

/// Takes everybody's rights to a file but its owner's.
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    restrict(path, 0o600)
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// A user's own folders are private to them by their inherited access list.
#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// The database gets its rights while it is empty; SQLite gives its log and index the same.
fn prepare_files(dir: &Path, path: &Path) -> io::Result<()> {
    make_private_dir(dir)?;
    OpenOptions::new().append(true).create(true).open(path)?;
    make_private_file(path)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

fn write_options(path: &Path) -> SqliteConnectOptions {
    let options = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", LOG_PAGES.to_string());
    if cfg!(target_os = "macos") {
        // An fsync there leaves the bytes in the drive's own memory.
        options.pragma("fullfsync", "ON").pragma("checkpoint_fullfsync", "ON")
    } else {
        options
    }
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), Error> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts.as_slice() < OLDEST_SQLITE.as_slice() { Err(Error::OldSqlite(version)) } else { Ok(()) }
}

async fn migrate(connection: &mut SqliteConnection, path: &Path, schema: &Schema) -> Result<(), Error> {
    let newest = schema.sqlite.len();
    let found = identify(connection, path, schema).await?;
    let known = i64::try_from(newest).unwrap_or(i64::MAX);
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    if done == newest {
        return Ok(());
    }
    if done > 0 {
        back_up(connection, path, found).await?;
    }
    let mut transaction = connection.begin_with("BEGIN EXCLUSIVE").await?;
    for migration in &schema.sqlite[done..] {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The schema version of the file: 0 when it is empty.
async fn identify(connection: &mut SqliteConnection, path: &Path, schema: &Schema) -> Result<i64, Error> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(connection).await?;
    let is_empty = application == 0 && version == 0 && tables == 0;
    let is_ours = application == schema.application_id && version > 0;
    if is_empty || is_ours { Ok(version) } else { Err(Error::Foreign(path.to_owned())) }
}

/// Copies the file as it was before an upgrade, under a name that tells its version.
async fn back_up(connection: &mut SqliteConnection, path: &Path, version: i64) -> Result<(), Error> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_all(connection).await?;
    let copy = copy_of(path, version);
    let unfinished = path.with_extension("backup.unfinished");
    copy_private(path, &unfinished, &copy).map_err(|source| Error::File { path: copy, source })
}

fn copy_of(path: &Path, version: i64) -> PathBuf {
    path.with_extension(format!("v{version}.backup.db"))
}

/// Removes the log of a database that was closed or replaced.
pub(crate) fn remove_log(path: &Path) -> io::Result<()> {
    for log in ["db-wal", "db-shm"] {
        match fs::remove_file(path.with_extension(log)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn copy_private(from: &Path, unfinished: &Path, to: &PathBuf) -> io::Result<()> {
    fs::copy(from, unfinished)?;
    make_private_file(unfinished)?;
    OpenOptions::new().write(true).open(unfinished)?.sync_all()?;
    fs::rename(unfinished, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::values;

    const FIRST: &str = "CREATE TABLE one (id INTEGER); PRAGMA application_id = 7; PRAGMA user_version = 1;";
    const SECOND: &str = "CREATE TABLE two (id INTEGER); PRAGMA user_version = 2;";
    const BROKEN: &str = "CREATE TABLE three (id INTEGER); NONSENSE;";

    fn schema(migrations: &'static [&'static str]) -> Schema {
        Schema { name: "test", application_id: 7, sqlite: migrations, postgres: &[] }
    }

    #[tokio::test]
    async fn a_newer_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), &schema(&[FIRST, SECOND])).await.unwrap().close().await.unwrap();
        let refused = open(dir.path(), &schema(&[FIRST])).await;
        assert!(matches!(refused, Err(Error::Newer { found: 2, known: 1, .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn an_upgrade_leaves_a_copy_of_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), &schema(&[FIRST])).await.unwrap().close().await.unwrap();
        let before = fs::read(dir.path().join("test.db")).unwrap();
        open(dir.path(), &schema(&[FIRST, SECOND])).await.unwrap().close().await.unwrap();
        assert_eq!(fs::read(dir.path().join("test.v1.backup.db")).unwrap(), before);
    }

    #[tokio::test]
    async fn a_failed_upgrade_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), &schema(&[FIRST])).await.unwrap().close().await.unwrap();
        let before = fs::read(dir.path().join("test.db")).unwrap();
        open(dir.path(), &schema(&[FIRST, BROKEN])).await.unwrap_err();
        let mut connection = open(dir.path(), &schema(&[FIRST])).await.unwrap();
        connection.fetch_all("PRAGMA wal_checkpoint(TRUNCATE)", values![]).await.unwrap();
        connection.close().await.unwrap();
        assert_eq!(fs::read(dir.path().join("test.db")).unwrap(), before);
    }

    #[tokio::test]
    async fn another_programs_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), &schema(&[FIRST])).await.unwrap().close().await.unwrap();
        let other = Schema { application_id: 8, ..schema(&[FIRST]) };
        assert!(matches!(open(dir.path(), &other).await, Err(Error::Foreign(_))));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_has_rights() {
        use std::os::unix::fs::PermissionsExt as _;

        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("data");
        let connection = open(&dir, &schema(&[FIRST])).await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        for file in fs::read_dir(&dir).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        connection.close().await.unwrap();
    }
}
