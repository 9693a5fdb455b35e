//! The checked configuration.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use megarouter_domain::secret::Secret;
use megarouter_providers::client::{OutgoingProxy, OutgoingProxyError};
use megarouter_secrets::KeySource;
use thiserror::Error;

use super::backup::BackupOptions;
use super::file::File;
use super::hub::HubOptions;
use super::paths::default_data_dir;
use super::sections::{Common, Limits, Sections, Unprinted, Upstream};

const PASSPHRASE_VARIABLE: &str = "MEGAROUTER_SECRETS_PASSPHRASE";
const DEFAULT_FILE: &str = "config.yaml";
const DEFAULT_PROXY_PORT: u16 = 4180;
const DEFAULT_WEB_PORT: u16 = 4181;
const MIB: usize = 1024 * 1024;

/// The configuration of one instance.
#[derive(Debug)]
pub struct Config {
    /// The data folder.
    pub data_dir: PathBuf,
    /// The addresses the proxy listens on.
    pub hosts: Vec<IpAddr>,
    /// The ports of the two listeners.
    pub ports: Ports,
    /// Further names that the listeners answer to.
    pub allowed_hosts: Vec<String>,
    /// Web pages that may call the proxy.
    pub allowed_origins: Vec<String>,
    /// Whether an address is reachable from other machines.
    pub is_remote: bool,
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// The largest request head, in bytes.
    pub header_bytes: usize,
    /// Connections at a time for each listener.
    pub connections: usize,
    /// Connections at a time from one other machine.
    pub connections_per_peer: usize,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// The proxy that calls beyond this machine go through.
    pub outgoing_proxy: Option<OutgoingProxy>,
    /// Where credentials are kept.
    pub key_source: KeySource,
    /// The passphrase of the encrypted file.
    pub passphrase: Option<Secret>,
    /// Where people reach the web UI, without a stroke at its end; `None` for its own address.
    pub public_url: Option<String>,
    /// The hub that this node belongs to; `None` when the program runs alone.
    pub hub: Option<HubOptions>,
    /// How copies of the ledger are made.
    pub backup: BackupOptions,
    /// How long single requests are kept; `None` for ever.
    pub retention: Option<Duration>,
    /// What is logged.
    pub log_level: String,
    /// The form of a log line.
    pub log_format: LogFormat,
}

/// The ports of the two listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The proxy's, when the configuration names one; else the one chosen in the settings, or 4180.
    pub proxy: Option<u16>,
    /// The web UI's; `None` when it is off.
    pub web: Option<u16>,
}

impl Ports {
    /// The proxy's port when neither the configuration nor the settings name one.
    pub const DEFAULT_PROXY: u16 = DEFAULT_PROXY_PORT;
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// A new connection's first byte.
    pub first_byte: Duration,
    /// A request head.
    pub header: Duration,
    /// A pause in a request body.
    pub body_idle: Duration,
    /// The rest between two requests.
    pub idle: Duration,
    /// A client that does not read.
    pub read_stall: Duration,
    /// Connecting to a provider.
    pub connect: Duration,
    /// A provider's first byte.
    pub answer: Duration,
    /// A pause in a provider's stream.
    pub stream_idle: Duration,
    /// The rest of the requests at the end.
    pub grace: Duration,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What is wrong with a configuration. The program must not start with it.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// There is no place for data.
    #[error("no data folder: neither --data-dir nor HOME is set")]
    NoDataDir,
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Unreadable {
        /// Which.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration file is wrong.
    #[error("{file}: {reason}")]
    Malformed {
        /// Which.
        file: String,
        /// Where and why.
        reason: String,
    },
    /// A setting has a value it cannot have.
    #[error("the setting {setting} cannot be `{value}`: {reason}")]
    Value {
        /// Its name in the configuration file.
        setting: &'static str,
        /// The value.
        value: String,
        /// Why not, and what instead.
        reason: &'static str,
    },
    /// The outgoing proxy is none. Its address is not quoted, since it may hold a password.
    #[error("the setting upstream.proxy cannot be used: {0}")]
    OutgoingProxy(#[from] OutgoingProxyError),
    /// A variable of the environment has a value of the wrong form.
    #[error("{0}")]
    Environment(String),
    /// The database's address is none. It is not quoted, since it may hold a password.
    #[error("the setting hub.database_url cannot be used: {0}")]
    Database(&'static str),
    /// The passphrase of copies is too easy to guess.
    #[error("the passphrase of backups is too short: use at least 12 characters, or leave it out")]
    WeakBackupPassphrase,
    /// An address is not only for this machine.
    #[error(
        "the address {0} can be reached from other machines and there is no TLS yet; \
         add --allow-remote if a TLS proxy stands in front, else use 127.0.0.1"
    )]
    Remote(IpAddr),
}

impl Config {
    /// Puts flags, environment and file together and checks the result. The environment reaches
    /// `common` and `sections` with the flags; the passphrase comes from it alone, because flags
    /// can be read by every user of the machine.
    ///
    /// # Errors
    /// When a file cannot be read, a field is unknown, or a value is out of bounds.
    pub fn load(mut common: Common, mut sections: Sections) -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var_os(name);
        let explicit = common.config.as_deref().map(File::read).transpose()?;
        let named = common.data_dir.clone().or_else(|| explicit.as_ref()?.data_dir().map(Path::to_owned));
        let data_dir = named.or_else(|| default_data_dir(variable)).ok_or(ConfigError::NoDataDir)?;
        let file = match explicit {
            Some(file) => file,
            None => read_if_there(&data_dir.join(DEFAULT_FILE))?,
        };
        file.complete(&mut common, &mut sections);
        let passphrase = match variable(PASSPHRASE_VARIABLE) {
            Some(text) => Some(Secret::new(text.to_string_lossy().into_owned())),
            None => common.secrets.passphrase_file.as_deref().map(read_secret).transpose()?,
        };
        Self::check(data_dir, &common, sections, passphrase)
    }

    fn check(
        data_dir: PathBuf,
        common: &Common,
        sections: Sections,
        passphrase: Option<Secret>,
    ) -> Result<Self, ConfigError> {
        let Sections { proxy, web, limits, upstream, hub, backup, retention, log, shutdown } = sections;
        let timeouts = timeouts(&limits, &upstream, shutdown.grace_seconds)?;
        let hosts = addresses(proxy.hosts)?;
        let remote = hosts.iter().copied().find(|host| !host.is_loopback());
        match remote {
            Some(host) if proxy.allow_remote != Some(true) => return Err(ConfigError::Remote(host)),
            _ => {}
        }
        let data_dir = std::path::absolute(&data_dir).unwrap_or(data_dir);
        Ok(Self {
            hub: HubOptions::check(hub)?,
            backup: BackupOptions::check(backup, &data_dir)?,
            retention: days(within("retention.days", retention.days, 0, 0..=36_500)?),
            public_url: web.public_url.map(public_url).transpose()?,
            data_dir,
            hosts,
            ports: Ports {
                proxy: proxy.port,
                web: web.enabled.unwrap_or(true).then(|| web.port.unwrap_or(DEFAULT_WEB_PORT)),
            },
            allowed_hosts: proxy.allowed_hosts.unwrap_or_default(),
            allowed_origins: origins(proxy.allowed_origins.unwrap_or_default())?,
            is_remote: remote.is_some(),
            body_bytes: within("limits.body_bytes", limits.body_bytes, 32 * MIB, 1024..=1024 * MIB)?,
            header_bytes: within("limits.header_bytes", limits.header_bytes, 64 * 1024, 1024..=MIB)?,
            connections: within("limits.connections", limits.connections, 10_000, 1..=1_000_000)?,
            connections_per_peer: within(
                "limits.connections_per_peer",
                limits.connections_per_peer,
                1_000,
                1..=1_000_000,
            )?,
            timeouts,
            outgoing_proxy: outgoing_proxy(upstream.proxy.as_ref())?,
            key_source: key_source(common.secrets.key_source.as_deref())?,
            passphrase,
            log_level: log.level.unwrap_or_else(|| "info".to_owned()),
            log_format: log_format(log.format.as_deref())?,
        })
    }
}

fn read_if_there(path: &Path) -> Result<File, ConfigError> {
    match File::read(path) {
        Err(ConfigError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(File::default()),
        read => read,
    }
}

/// Reads a secret's file, without the end of its line.
pub(super) fn read_secret(path: &Path) -> Result<Secret, ConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { file: path.display().to_string(), source })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The addresses of this machine alone.
pub fn loopback() -> [IpAddr; 2] {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
}

fn addresses(written: Option<Vec<String>>) -> Result<Vec<IpAddr>, ConfigError> {
    let Some(written) = written else { return Ok(loopback().to_vec()) };
    let parse = |text: String| {
        let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
        let reason = "write an IP address such as 127.0.0.1 or ::1";
        bare.parse().map_err(|_| ConfigError::Value { setting: "proxy.hosts", value: text.clone(), reason })
    };
    written.into_iter().map(parse).collect()
}

fn origins(written: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let is_origin = |text: &str| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#', ' ']))
    };
    match written.iter().find(|origin| !is_origin(origin)) {
        None => Ok(written),
        Some(wrong) => {
            let reason = "write scheme://host or scheme://host:port, without a path or a star";
            Err(ConfigError::Value { setting: "proxy.allowed_origins", value: wrong.clone(), reason })
        }
    }
}

fn timeouts(limits: &Limits, upstream: &Upstream, grace: Option<u64>) -> Result<Timeouts, ConfigError> {
    let seconds = |setting, value, default| within(setting, value, default, 1..=86_400).map(Duration::from_secs);
    Ok(Timeouts {
        first_byte: seconds("limits.first_byte_seconds", limits.first_byte_seconds, 5)?,
        header: seconds("limits.header_seconds", limits.header_seconds, 5)?,
        body_idle: seconds("limits.body_idle_seconds", limits.body_idle_seconds, 15)?,
        idle: seconds("limits.idle_seconds", limits.idle_seconds, 75)?,
        read_stall: seconds("limits.read_stall_seconds", limits.read_stall_seconds, 60)?,
        connect: seconds("upstream.connect_seconds", upstream.connect_seconds, 3)?,
        answer: seconds("upstream.answer_seconds", upstream.answer_seconds, 300)?,
        stream_idle: seconds("upstream.stream_idle_seconds", upstream.stream_idle_seconds, 300)?,
        grace: Duration::from_secs(within("shutdown.grace_seconds", grace, 30, 0..=86_400)?),
    })
}

fn days(days: u64) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(days * 86_400))
}

fn public_url(written: String) -> Result<String, ConfigError> {
    let bare = written.trim_end_matches('/').to_owned();
    let rest = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"));
    if rest.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', ' ', '@', '"', '<'])) {
        return Ok(bare);
    }
    let reason = "write an address such as https://megarouter.example";
    Err(ConfigError::Value { setting: "web.public_url", value: written, reason })
}

pub(super) fn within<T: PartialOrd + ToString>(
    setting: &'static str,
    value: Option<T>,
    default: T,
    range: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    let Some(value) = value else { return Ok(default) };
    let reason = if value < *range.start() {
        "it is too small to be useful"
    } else if value > *range.end() {
        "it is larger than is safe"
    } else {
        return Ok(value);
    };
    Err(ConfigError::Value { setting, value: value.to_string(), reason })
}

fn outgoing_proxy(written: Option<&Unprinted>) -> Result<Option<OutgoingProxy>, ConfigError> {
    // An empty variable is how a shell says that there is none.
    let written = written.map(|Unprinted(text)| text.trim()).filter(|text| !text.is_empty());
    Ok(written.map(OutgoingProxy::parse).transpose()?)
}

fn key_source(written: Option<&str>) -> Result<KeySource, ConfigError> {
    let Some(text) = written else { return Ok(KeySource::Auto) };
    let reason = "use auto, keychain, file or environment";
    text.parse().map_err(|_| ConfigError::Value { setting: "secrets.key_source", value: text.to_owned(), reason })
}

fn log_format(written: Option<&str>) -> Result<LogFormat, ConfigError> {
    match written {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => {
            Err(ConfigError::Value { setting: "log.format", value: other.to_owned(), reason: "use text or json" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};

    fn load(flags: &[&str], file: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("settings.yaml");
        fs::write(&config, file).unwrap();
        let command = Sections::augment_args(Common::augment_args(clap::Command::new("test")));
        let data_dir = folder.path().join("data");
        let places = ["test", "--config", config.to_str().unwrap(), "--data-dir", data_dir.to_str().unwrap()];
        let matches = command.try_get_matches_from(places.iter().chain(flags)).unwrap();
        let common = Common::from_arg_matches(&matches).unwrap();
        Config::load(common, Sections::from_arg_matches(&matches).unwrap())
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let config = load(&["--proxy-port", "5"], "proxy:\n  port: 6\nweb:\n  port: 7\n").unwrap();
        assert_eq!(config.ports, Ports { proxy: Some(5), web: Some(7) });
        assert_eq!(config.timeouts.grace, Duration::from_secs(30));
    }

    #[test]
    fn the_default_is_this_machine_only() {
        let config = load(&[], "").unwrap();
        assert_eq!(config.hosts, ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert!(!config.is_remote);
    }

    #[test]
    fn other_machines_need_an_explicit_word() {
        assert!(matches!(load(&["--proxy-host", "0.0.0.0"], ""), Err(ConfigError::Remote(_))));
        let config = load(&["--proxy-host", "0.0.0.0", "--allow-remote"], "").unwrap();
        assert!(config.is_remote);
    }

    #[test]
    fn a_password_of_the_outgoing_proxy_is_never_printed() {
        let file = "upstream:\n  proxy: http://name:hunter2@proxy.example:3128\n";
        let config = load(&[], file).unwrap();
        assert_eq!(config.outgoing_proxy.as_ref().unwrap().to_string(), "proxy.example:3128");
        assert!(!format!("{config:?}").contains("hunter2"));
        let none = load(&["--upstream-proxy", ""], file).unwrap();
        assert_eq!(none.outgoing_proxy, None, "a flag takes it away");
        for (flags, file) in [
            (&["--upstream-proxy", "name:hunter2@proxy.example:3128"][..], ""),
            (&["--upstream-proxy", "http://name:hunter2/@proxy.example:3128"], ""),
            (&[], &format!("{file}  prot: 7\n")),
            (&[], "upstream:\n  proxy: [http://name:hunter2@proxy.example:3128]\n"),
        ] {
            let error = load(flags, file).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            assert!(error.to_string().contains(if flags.is_empty() { "line" } else { "upstream.proxy" }), "{error}");
        }
    }

    #[test]
    fn an_address_of_a_database_is_never_printed() {
        let file = "hub:\n  database_url: postgres://mr:hunter2@db.example/mr\n  node_name: east-1\n";
        let config = load(&[], file).unwrap();
        let hub = config.hub.as_ref().unwrap();
        assert_eq!(hub.url.expose(), "postgres://mr:hunter2@db.example/mr");
        assert_eq!(hub.node_name, "east-1");
        assert!(!format!("{config:?}").contains("hunter2"));
        for wrong in ["mysql://mr:hunter2@db/mr", "mr:hunter2@db", "postgres://mr:hunter2@db/m r"] {
            let error = load(&["--database-url", wrong], "").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            assert!(error.to_string().contains("hub.database_url"), "{error}");
        }
        assert!(load(&["--database-url", ""], file).unwrap().hub.is_none(), "a flag takes it away");
    }

    #[test]
    fn an_address_of_a_database_can_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("url");
        fs::write(&place, "postgresql://mr@db.example/mr\n").unwrap();
        let config = load(&["--database-url-file", place.to_str().unwrap(), "--node-name", "a"], "").unwrap();
        assert_eq!(config.hub.unwrap().url.expose(), "postgresql://mr@db.example/mr");
        let both = load(&["--database-url-file", place.to_str().unwrap(), "--database-url", "postgres://x/y"], "");
        assert!(matches!(both, Err(ConfigError::Database(_))));
    }

    #[test]
    fn copies_go_into_the_data_folder_and_requests_stay_for_ever_unless_somebody_says_otherwise() {
        let config = load(&[], "").unwrap();
        assert_eq!(config.backup.folder, config.data_dir.join("backups"));
        assert_eq!((config.backup.every, config.backup.keep), (Some(Duration::from_secs(86_400)), 7));
        assert_eq!(config.retention, None);
        let config = load(&["--retention-days", "90", "--backup-every-hours", "0"], "").unwrap();
        assert_eq!((config.retention, config.backup.every), (Some(Duration::from_secs(90 * 86_400)), None));
    }

    #[test]
    fn a_public_address_is_an_address() {
        let config = load(&["--public-url", "https://mr.example/"], "").unwrap();
        assert_eq!(config.public_url.as_deref(), Some("https://mr.example"));
        assert!(load(&["--public-url", "mr.example"], "").is_err());
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let error = load(&[], "proxy:\n  port: 6\n  prot: 7\n").unwrap_err().to_string();
        assert!(error.contains("prot") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_setting() {
        let error = load(&["--first-byte-seconds", "0"], "").unwrap_err().to_string();
        assert!(error.contains("limits.first_byte_seconds"), "{error}");
        let error = load(&["--allowed-origin", "*"], "").unwrap_err().to_string();
        assert!(error.contains("proxy.allowed_origins"), "{error}");
        let error = load(&[], "proxy:\n  port: many\n").unwrap_err().to_string();
        assert!(error.contains("line 2") || error.contains(":2:") || error.contains("2:"), "{error}");
    }
}
