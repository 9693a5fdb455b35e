//! The configuration file.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::checked::ConfigError;
use super::sections::{Backup, Common, Hub, Limits, Log, Proxy, Retention, Secrets, Sections, Shutdown, Upstream, Web};

/// The configuration file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    data_dir: Option<PathBuf>,
    secrets: Option<Secrets>,
    proxy: Option<Proxy>,
    web: Option<Web>,
    limits: Option<Limits>,
    upstream: Option<Upstream>,
    hub: Option<Hub>,
    backup: Option<Backup>,
    retention: Option<Retention>,
    log: Option<Log>,
    shutdown: Option<Shutdown>,
}

impl File {
    /// Reads a file; an unknown field or a wrong value is an error that names its line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = || path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { file: name(), source })?;
        Self::parse(&text).map_err(|reason| ConfigError::Malformed { file: name(), reason })
    }

    /// Reads the text of a file; an empty one sets nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        // The lines round a mistake may hold a password.
        let options = serde_saphyr::options! { with_snippet: false };
        let file = serde_saphyr::from_str_with_options::<Option<Self>>(text, options);
        Ok(file.map_err(|error| without_label(&error.to_string()))?.unwrap_or_default())
    }

    /// The data folder that the file names.
    pub fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// Fills in what flags and environment left open.
    pub fn complete(self, common: &mut Common, sections: &mut Sections) {
        common.data_dir = common.data_dir.take().or(self.data_dir);
        let Secrets { key_source, passphrase_file } = self.secrets.unwrap_or_default();
        fill(&mut common.secrets.key_source, key_source);
        fill(&mut common.secrets.passphrase_file, passphrase_file);
        complete_proxy(&mut sections.proxy, self.proxy.unwrap_or_default());
        let Web { enabled, port, public_url } = self.web.unwrap_or_default();
        fill(&mut sections.web.enabled, enabled);
        fill(&mut sections.web.port, port);
        fill(&mut sections.web.public_url, public_url);
        complete_limits(&mut sections.limits, &self.limits.unwrap_or_default());
        let Upstream { connect_seconds, answer_seconds, stream_idle_seconds, proxy } =
            self.upstream.unwrap_or_default();
        fill(&mut sections.upstream.connect_seconds, connect_seconds);
        fill(&mut sections.upstream.answer_seconds, answer_seconds);
        fill(&mut sections.upstream.stream_idle_seconds, stream_idle_seconds);
        fill(&mut sections.upstream.proxy, proxy);
        complete_hub(&mut sections.hub, self.hub.unwrap_or_default());
        complete_backup(&mut sections.backup, self.backup.unwrap_or_default());
        let Retention { days } = self.retention.unwrap_or_default();
        fill(&mut sections.retention.days, days);
        let Log { level, format } = self.log.unwrap_or_default();
        fill(&mut sections.log.level, level);
        fill(&mut sections.log.format, format);
        let Shutdown { grace_seconds } = self.shutdown.unwrap_or_default();
        fill(&mut sections.shutdown.grace_seconds, grace_seconds);
    }
}

/// The parser begins with a label of its own, which the program's repeats.
pub fn without_label(message: &str) -> String {
    message.trim_start_matches("error: ").to_owned()
}

fn complete_proxy(section: &mut Proxy, from: Proxy) {
    let Proxy { port, hosts, allowed_hosts, allowed_origins, allow_remote } = from;
    fill(&mut section.port, port);
    fill(&mut section.hosts, hosts);
    fill(&mut section.allowed_hosts, allowed_hosts);
    fill(&mut section.allowed_origins, allowed_origins);
    fill(&mut section.allow_remote, allow_remote);
}

// The patterns name every field, so that a new setting cannot be forgotten here.
fn complete_limits(section: &mut Limits, from: &Limits) {
    let &Limits {
        body_bytes,
        header_bytes,
        first_byte_seconds,
        header_seconds,
        body_idle_seconds,
        idle_seconds,
        read_stall_seconds,
        connections,
        connections_per_peer,
    } = from;
    fill(&mut section.body_bytes, body_bytes);
    fill(&mut section.header_bytes, header_bytes);
    fill(&mut section.first_byte_seconds, first_byte_seconds);
    fill(&mut section.header_seconds, header_seconds);
    fill(&mut section.body_idle_seconds, body_idle_seconds);
    fill(&mut section.idle_seconds, idle_seconds);
    fill(&mut section.read_stall_seconds, read_stall_seconds);
    fill(&mut section.connections, connections);
    fill(&mut section.connections_per_peer, connections_per_peer);
}

/// An address that was given in one way is not joined by one in the other.
fn complete_hub(section: &mut Hub, from: Hub) {
    let Hub { database_url, database_url_file, node_name } = from;
    if section.database_url.is_none() && section.database_url_file.is_none() {
        section.database_url = database_url;
        section.database_url_file = database_url_file;
    }
    fill(&mut section.node_name, node_name);
}

fn complete_backup(section: &mut Backup, from: Backup) {
    let Backup { folder, every_hours, keep, passphrase_file } = from;
    fill(&mut section.folder, folder);
    fill(&mut section.every_hours, every_hours);
    fill(&mut section.keep, keep);
    fill(&mut section.passphrase_file, passphrase_file);
}

fn fill<T>(setting: &mut Option<T>, from_file: Option<T>) {
    if setting.is_none() {
        *setting = from_file;
    }
}
