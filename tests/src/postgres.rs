//! A real PostgreSQL for tests: one server for all test programs that run, a database for each test.
//!
//! The first that needs the server starts it; it is stopped, and its files are removed, seconds after
//! the last one has ended, however that ended: each holds a lock on a file, which the system gives back.
//! A server that a test has for itself hangs on a pipe instead. PostgreSQL refuses to run as root, so
//! there it runs as the user that its package brings, else as nobody. Nothing is written through to the
//! disk. Needs `flock`, `setsid` and `setpriv` (util-linux). Start at [`Postgres::shared`].
//!
//! Knows no crate of ours, so the tests of a crate may include this file as a module too.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The role that owns every test database.
const ROLE: &str = "megarouter";

/// Its password: appears in every URL that [`Postgres::database`] gives, and must appear nowhere else.
pub const PASSWORD: &str = "canary-6f1d0c-password";

/// Starts a server, says where it is, and stops it when nobody needs it any more: when its input ends,
/// or when nobody holds a lock on a file, and nobody did a few seconds ago.
/// `$1`: the directory of the programs. `$2`: the port. `$3`: the password. `$4`: the file, if there is one.
const LIFE: &str = r#"
dir=$(mktemp -d /tmp/megarouter-postgres.XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
trap '' INT TERM HUP
printf '%s' "$3" >"$dir/password"
"$1/initdb" -D "$dir/data" -U megarouter --auth=scram-sha-256 --pwfile="$dir/password" \
    -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
cat >>"$dir/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
port = $2
unix_socket_directories = ''
fsync = off
full_page_writes = off
max_connections = 300
shared_buffers = 32MB
SETTINGS
"$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >/dev/null || { cat "$dir/log" >&2; exit 1; }
echo "$dir"
exec >/dev/null 2>&1
if [ -n "$4" ]; then
    exec 9<"$4" </dev/null
    until flock -x 9 && flock -u 9 && sleep 3 && flock -n -x 9; do :; done
else
    cat
fi
"$1/pg_ctl" -D "$dir/data" -w -m immediate stop
"#;

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    /// Its files: `data` with `postmaster.pid`, and `log`.
    dir: PathBuf,
    port: u16,
    databases: AtomicU32,
    life: Life,
}

/// What keeps a server running.
#[derive(Debug)]
enum Life {
    /// A lock that all who use it hold; given back when this process ends.
    Shared { _lock: File },
    /// The pipe to its shell.
    Own(Child),
}

impl Postgres {
    /// The server of all tests; started when it is not running.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::join)
    }

    /// A server of its own, for a test that breaks it; stopped when it is dropped.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        let programs = programs();
        let port = free_port();
        let (life, dir) = run(as_another_user_than_root(), &programs, port, None);
        Self { programs, dir, port, databases: AtomicU32::new(0), life: Life::Own(life) }
    }

    fn join() -> Self {
        let programs = programs();
        let (users, starting) = (lock_file("users"), lock_file("starting"));
        // In this order: who is stopping the server holds `users`, and needs nothing else.
        users.lock_shared().expect("a file in the folder for temporary files can be locked");
        starting.lock().expect("a file in the folder for temporary files can be locked");
        let (dir, port) = running().unwrap_or_else(|| {
            let port = free_port();
            let mut command = Command::new("setsid");
            command.arg("--").args(words(&as_another_user_than_root()));
            let (_, dir) = run(command, &programs, port, Some(&lock_path("users")));
            std::fs::write(lock_path("server"), format!("{port} {}", dir.display())).expect("there is room");
            (dir, port)
        });
        Self { programs, dir, port, databases: AtomicU32::new(0), life: Life::Shared { _lock: users } }
    }

    /// Makes an empty database and gives its URL, with user and password.
    ///
    /// # Panics
    /// When the server does not make it.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements in a database as its owner, and gives what they answer: a line for each row,
    /// `|` between columns.
    ///
    /// # Panics
    /// When the server refuses one.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let psql = Command::new(self.programs.join("psql"))
            .args(["-h", "127.0.0.1", "-U", ROLE, "-d", database, "-p", &self.port.to_string()])
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statements])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .expect("psql is one of PostgreSQL's programs");
        assert!(psql.status.success(), "{statements}: {}", String::from_utf8_lossy(&psql.stderr));
        String::from_utf8_lossy(&psql.stdout).trim_end().to_owned()
    }

    /// Runs `pg_ctl` on the server, e.g. `["restart", "-m", "fast"]`, and waits until it is done.
    ///
    /// # Panics
    /// When it fails.
    pub fn control(&self, arguments: &[&str]) {
        let mut command = as_another_user_than_root();
        command.arg(self.programs.join("pg_ctl")).args(arguments).arg("-w").arg("-D").arg(self.data());
        let done = command.arg("-l").arg(self.dir.join("log")).current_dir("/").stdout(Stdio::null()).status();
        assert!(done.is_ok_and(|status| status.success()), "pg_ctl {arguments:?} failed");
    }

    /// The process of the server, whose children are its connections.
    ///
    /// # Panics
    /// When the server does not run.
    pub fn process_id(&self) -> u32 {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("the server runs");
        file.lines().next().and_then(|line| line.parse().ok()).expect("its first line is a process id")
    }

    /// Where the server listens, on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Life::Own(life) = &mut self.life {
            drop(life.stdin.take());
            let _ = life.wait();
        }
    }
}

/// Runs the shell that starts a server; gives it and the server's folder.
fn run(mut command: Command, programs: &Path, port: u16, users: Option<&Path>) -> (Child, PathBuf) {
    command.args(["sh", "-c", LIFE, "sh"]).arg(programs).args([&port.to_string(), PASSWORD]).args(users);
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut life = command.spawn().expect("a shell, and `setpriv` where this is root");
    let mut line = String::new();
    let output = life.stdout.take().expect("the output is a pipe");
    BufReader::new(output).read_line(&mut line).expect("the server's shell talks UTF-8");
    assert!(!line.is_empty(), "PostgreSQL did not start; its own words are above");
    (life, line.trim().into())
}

/// The folder and the port of the shared server, when it answers.
fn running() -> Option<(PathBuf, u16)> {
    let text = std::fs::read_to_string(lock_path("server")).ok()?;
    let (port, dir) = text.split_once(' ')?;
    let (port, dir) = (port.parse().ok()?, PathBuf::from(dir));
    let is_there = TcpStream::connect(("127.0.0.1", port)).is_ok() && dir.join("data/postmaster.pid").exists();
    is_there.then_some((dir, port))
}

/// A file that the users of the shared server agree on, readable for the user that it runs as.
fn lock_file(name: &str) -> File {
    let path = lock_path(name);
    let file = OpenOptions::new().create(true).append(true).open(&path).expect("the folder for temporary files");
    let _ = std::fs::set_permissions(&path, Permissions::from_mode(0o644));
    file
}

fn lock_path(name: &str) -> PathBuf {
    let user = if is_root() { "root".to_owned() } else { std::env::var("USER").unwrap_or_else(|_| "user".to_owned()) };
    std::env::temp_dir().join(format!("megarouter-postgres-of-{user}.{name}"))
}

fn words(command: &Command) -> impl Iterator<Item = &std::ffi::OsStr> {
    std::iter::once(command.get_program()).chain(command.get_args())
}

/// The folder of the newest PostgreSQL here.
fn programs() -> PathBuf {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    versions.sort_by_key(|path| {
        path.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok())
    });
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let places = versions.into_iter().rev().chain(std::env::split_paths(&on_path));
    let mut complete = places.filter(|dir| ["initdb", "pg_ctl", "psql"].iter().all(|name| dir.join(name).exists()));
    complete
        .next()
        .expect("PostgreSQL is not installed: `apt-get install postgresql`, or put initdb, pg_ctl and psql on the PATH")
}

/// A command that becomes the program given as its next argument, not as root.
fn as_another_user_than_root() -> Command {
    if !is_root() {
        return Command::new("env");
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |name: &str| users.lines().find(|line| line.starts_with(&format!("{name}:")));
    let fields = user("postgres").or_else(|| user("nobody")).expect("there is a user without rights");
    let fields: Vec<&str> = fields.split(':').collect();
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={}", fields[2])).arg(format!("--regid={}", fields[3]));
    command.args(["--clear-groups", "--"]);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A port that nothing listens at. Something else could take it before the server does; then the
/// server says so.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback interface");
    listener.local_addr().expect("it is bound").port()
}
