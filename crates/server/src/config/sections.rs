//! The settings as they are written. The id of each is its name in the configuration file.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches as _};
use serde::Deserialize;

/// Settings that every verb of the command line takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of every verb")]
pub struct Common {
    /// The configuration file. Default: config.yaml in the data folder, if there is one.
    #[arg(id = "config", long = "config", env = "MEGAROUTER_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The data folder. Default: megarouter in the system's place for application data.
    #[arg(id = "data_dir", long = "data-dir", env = "MEGAROUTER_DATA_DIR", value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    /// Where provider credentials are kept.
    pub secrets: Secrets,
}

/// Every section but `secrets`, which is among the common settings.
#[derive(Args, Clone, Debug, Default)]
pub struct Sections {
    /// The proxy's listener.
    #[command(flatten)]
    pub proxy: Proxy,
    /// The web UI's listener.
    #[command(flatten)]
    pub web: Web,
    /// What one client may take.
    #[command(flatten)]
    pub limits: Limits,
    /// The way to providers, and patience with them.
    #[command(flatten)]
    pub upstream: Upstream,
    /// The hub that several nodes share.
    #[command(flatten)]
    pub hub: Hub,
    /// Copies of the ledger.
    #[command(flatten)]
    pub backup: Backup,
    /// How long requests are kept.
    #[command(flatten)]
    pub retention: Retention,
    /// Logging.
    #[command(flatten)]
    pub log: Log,
    /// The end of the program.
    #[command(flatten)]
    pub shutdown: Shutdown,
}

impl Sections {
    /// What the environment alone says, for verbs that have no flags of their own for it.
    ///
    /// # Errors
    /// When a variable has a value of the wrong form.
    pub fn from_environment() -> Result<Self, clap::Error> {
        let command = Self::augment_args(Command::new("environment").no_binary_name(true));
        Self::from_arg_matches(&command.try_get_matches_from([""; 0])?)
    }
}

/// A setting as it is written that may hold a password, and so is not printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Unprinted(pub(super) String);

impl From<String> for Unprinted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Unprinted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Unprinted")
    }
}

/// Where provider credentials are kept.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Where credentials are kept: auto, keychain, file or environment. Default: auto, which is the
    /// store used before; on the first start the keychain if it works, else the encrypted file.
    #[arg(
        id = "secrets.key_source",
        long = "key-source",
        env = "MEGAROUTER_KEY_SOURCE",
        value_name = "SOURCE",
        global = true
    )]
    pub key_source: Option<String>,
    /// A file with the passphrase of the encrypted file, for where MEGAROUTER_SECRETS_PASSPHRASE cannot be set. Default: none.
    #[arg(
        id = "secrets.passphrase_file",
        long = "secrets-passphrase-file",
        env = "MEGAROUTER_SECRETS_PASSPHRASE_FILE",
        value_name = "FILE",
        global = true
    )]
    pub passphrase_file: Option<PathBuf>,
}

/// The proxy's listener.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// The port that apps call; 0 takes a free one. Default: 4180.
    #[arg(id = "proxy.port", long = "proxy-port", env = "MEGAROUTER_PROXY_PORT", value_name = "PORT")]
    pub port: Option<u16>,
    /// The addresses to listen on, several separated by commas. Default: 127.0.0.1 and ::1.
    #[arg(
        id = "proxy.hosts",
        long = "proxy-host",
        env = "MEGAROUTER_PROXY_HOSTS",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    pub hosts: Option<Vec<String>>,
    /// Further names in the Host header that the listeners answer to, with the port. Default: none.
    #[arg(
        id = "proxy.allowed_hosts",
        long = "allowed-host",
        env = "MEGAROUTER_ALLOWED_HOSTS",
        value_name = "NAME:PORT",
        value_delimiter = ','
    )]
    pub allowed_hosts: Option<Vec<String>>,
    /// Web pages that may call the proxy from a browser, as scheme://host:port. Default: none.
    #[arg(
        id = "proxy.allowed_origins",
        long = "allowed-origin",
        env = "MEGAROUTER_ALLOWED_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Option<Vec<String>>,
    /// Allows addresses that other machines can reach. There is no TLS yet: keys and prompts travel
    /// readable, so put a TLS proxy in front. Default: false.
    #[arg(id = "proxy.allow_remote", long = "allow-remote", env = "MEGAROUTER_ALLOW_REMOTE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub allow_remote: Option<bool>,
}

/// The web UI's listener.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Whether to serve the web UI. Default: true.
    #[arg(id = "web.enabled", long = "web", env = "MEGAROUTER_WEB", value_name = "BOOL")]
    pub enabled: Option<bool>,
    /// The port of the web UI, on this machine only; 0 takes a free one. Default: 4181.
    #[arg(id = "web.port", long = "web-port", env = "MEGAROUTER_WEB_PORT", value_name = "PORT")]
    pub port: Option<u16>,
    /// Where people reach the web UI, for links in refusals, e.g. https://megarouter.example. Default:
    /// the web UI's own address on this machine.
    #[arg(id = "web.public_url", long = "public-url", env = "MEGAROUTER_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
}

/// What one client may take.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest request body, in bytes. Default: 33554432 (32 MiB).
    #[arg(id = "limits.body_bytes", long = "body-bytes", env = "MEGAROUTER_BODY_BYTES", value_name = "BYTES")]
    pub body_bytes: Option<usize>,
    /// The largest request head, in bytes. Default: 65536 (64 KiB). A head has at most 100 fields.
    #[arg(id = "limits.header_bytes", long = "header-bytes", env = "MEGAROUTER_HEADER_BYTES", value_name = "BYTES")]
    pub header_bytes: Option<usize>,
    /// How long a new connection may say nothing, in seconds. Default: 5.
    #[arg(
        id = "limits.first_byte_seconds",
        long = "first-byte-seconds",
        env = "MEGAROUTER_FIRST_BYTE_SECONDS",
        value_name = "SECONDS"
    )]
    pub first_byte_seconds: Option<u64>,
    /// How long a request head may take, in seconds. Default: 5.
    #[arg(
        id = "limits.header_seconds",
        long = "header-seconds",
        env = "MEGAROUTER_HEADER_SECONDS",
        value_name = "SECONDS"
    )]
    pub header_seconds: Option<u64>,
    /// How long a request body may pause, in seconds. Default: 15.
    #[arg(
        id = "limits.body_idle_seconds",
        long = "body-idle-seconds",
        env = "MEGAROUTER_BODY_IDLE_SECONDS",
        value_name = "SECONDS"
    )]
    pub body_idle_seconds: Option<u64>,
    /// How long a connection may rest between two requests, in seconds. Default: 75.
    #[arg(id = "limits.idle_seconds", long = "idle-seconds", env = "MEGAROUTER_IDLE_SECONDS", value_name = "SECONDS")]
    pub idle_seconds: Option<u64>,
    /// How long a client may not read its answer before it is cut off, in seconds. Default: 60.
    #[arg(
        id = "limits.read_stall_seconds",
        long = "read-stall-seconds",
        env = "MEGAROUTER_READ_STALL_SECONDS",
        value_name = "SECONDS"
    )]
    pub read_stall_seconds: Option<u64>,
    /// Connections at a time for each listener; the next one is answered 503. Default: 10000.
    #[arg(id = "limits.connections", long = "connections", env = "MEGAROUTER_CONNECTIONS", value_name = "COUNT")]
    pub connections: Option<usize>,
    /// Connections at a time from one other machine. Default: 1000. This machine has no such limit.
    #[arg(
        id = "limits.connections_per_peer",
        long = "connections-per-peer",
        env = "MEGAROUTER_CONNECTIONS_PER_PEER",
        value_name = "COUNT"
    )]
    pub connections_per_peer: Option<usize>,
}

/// The way to providers.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upstream {
    /// How long connecting to a provider may take, in seconds. Default: 3.
    #[arg(
        id = "upstream.connect_seconds",
        long = "connect-seconds",
        env = "MEGAROUTER_CONNECT_SECONDS",
        value_name = "SECONDS"
    )]
    pub connect_seconds: Option<u64>,
    /// How long a provider may take to begin its answer, in seconds. Default: 300.
    #[arg(
        id = "upstream.answer_seconds",
        long = "answer-seconds",
        env = "MEGAROUTER_ANSWER_SECONDS",
        value_name = "SECONDS"
    )]
    pub answer_seconds: Option<u64>,
    /// How long a provider's stream may pause, in seconds. Default: 300.
    #[arg(
        id = "upstream.stream_idle_seconds",
        long = "stream-idle-seconds",
        env = "MEGAROUTER_STREAM_IDLE_SECONDS",
        value_name = "SECONDS"
    )]
    pub stream_idle_seconds: Option<u64>,
    /// The HTTP proxy that leads out of your network, as http://host:port or http://name:password@host:port;
    /// servers on this machine are called without it. Default: none; HTTP_PROXY and its like are not read.
    #[arg(
        id = "upstream.proxy",
        long = "upstream-proxy",
        env = "MEGAROUTER_UPSTREAM_PROXY",
        value_name = "URL",
        hide_env_values = true
    )]
    pub proxy: Option<Unprinted>,
}

/// The hub that several nodes share. Only `serve` takes it.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hub {
    /// The PostgreSQL database that several nodes share, as postgres://name:password@host/database;
    /// for serve only. Default: none, and everything is kept in the data folder.
    #[arg(
        id = "hub.database_url",
        long = "database-url",
        env = "MEGAROUTER_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<Unprinted>,
    /// A file with the database's address in it, such as a mounted secret. Default: none.
    #[arg(
        id = "hub.database_url_file",
        long = "database-url-file",
        env = "MEGAROUTER_DATABASE_URL_FILE",
        value_name = "FILE"
    )]
    pub database_url_file: Option<PathBuf>,
    /// What this node is called among the nodes of a hub. Default: this machine's name.
    #[arg(id = "hub.node_name", long = "node-name", env = "MEGAROUTER_NODE_NAME", value_name = "NAME")]
    pub node_name: Option<String>,
}

/// Copies of the ledger.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Where copies of the ledger go. Default: backups in the data folder.
    #[arg(id = "backup.folder", long = "backup-folder", env = "MEGAROUTER_BACKUP_FOLDER", value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Hours from one copy to the next; 0 makes none by itself. Default: 24.
    #[arg(
        id = "backup.every_hours",
        long = "backup-every-hours",
        env = "MEGAROUTER_BACKUP_EVERY_HOURS",
        value_name = "HOURS"
    )]
    pub every_hours: Option<u64>,
    /// How many copies are kept; the oldest goes. Default: 7.
    #[arg(id = "backup.keep", long = "backup-keep", env = "MEGAROUTER_BACKUP_KEEP", value_name = "COUNT")]
    pub keep: Option<usize>,
    /// A file with the passphrase that copies are encrypted with, for where MEGAROUTER_BACKUP_PASSPHRASE
    /// cannot be set. Default: none, and copies are not encrypted.
    #[arg(
        id = "backup.passphrase_file",
        long = "backup-passphrase-file",
        env = "MEGAROUTER_BACKUP_PASSPHRASE_FILE",
        value_name = "FILE"
    )]
    pub passphrase_file: Option<PathBuf>,
}

/// How long requests are kept.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days that single requests and their entries are kept; sums stay. Default: 0, which is for ever.
    #[arg(id = "retention.days", long = "retention-days", env = "MEGAROUTER_RETENTION_DAYS", value_name = "DAYS")]
    pub days: Option<u64>,
}

/// Logging.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What is logged to standard error: error, warn, info, debug, trace, or a filter such as
    /// info,megarouter_gateway=debug. Default: info.
    #[arg(id = "log.level", long = "log-level", env = "MEGAROUTER_LOG_LEVEL", value_name = "FILTER")]
    pub level: Option<String>,
    /// The form of a log line: text or json. Default: text.
    #[arg(id = "log.format", long = "log-format", env = "MEGAROUTER_LOG_FORMAT", value_name = "FORMAT")]
    pub format: Option<String>,
}

/// The end of the program.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// How long requests may go on after the program was asked to stop, in seconds. Default: 30.
    #[arg(
        id = "shutdown.grace_seconds",
        long = "shutdown-grace-seconds",
        env = "MEGAROUTER_SHUTDOWN_GRACE_SECONDS",
        value_name = "SECONDS"
    )]
    pub grace_seconds: Option<u64>,
}
