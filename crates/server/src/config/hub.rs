//! The hub that several nodes share, as checked.

use megarouter_domain::secret::Secret;

use super::checked::{ConfigError, read_secret};
use super::sections::{Hub, Unprinted};

/// The hub that this node belongs to.
#[derive(Debug)]
pub struct HubOptions {
    /// The database's address, which may hold a password.
    pub url: Secret,
    /// What this node is called.
    pub node_name: String,
}

impl HubOptions {
    /// Reads and checks the section; `None` when it names no database.
    ///
    /// # Errors
    /// When the address is none, is given twice, or its file cannot be read.
    pub(super) fn check(section: Hub) -> Result<Option<Self>, ConfigError> {
        // An empty variable is how a shell says that there is none.
        let written = section.database_url.filter(|Unprinted(text)| !text.trim().is_empty());
        let url = match (written, section.database_url_file) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::Database("give the address or a file with it, not both"));
            }
            (Some(Unprinted(text)), None) => Secret::new(text.trim().to_owned()),
            (None, Some(file)) => read_secret(&file)?,
            (None, None) => return Ok(None),
        };
        if !is_postgres(url.expose()) {
            return Err(ConfigError::Database("write postgres://name:password@host/database"));
        }
        let named = section.node_name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let node_name = named.unwrap_or_else(host_name);
        if node_name.chars().count() > 100 || node_name.chars().any(char::is_control) {
            let reason = "use at most 100 characters, all of them visible";
            return Err(ConfigError::Value { setting: "hub.node_name", value: node_name, reason });
        }
        Ok(Some(Self { url, node_name }))
    }
}

fn is_postgres(url: &str) -> bool {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "node".to_owned())
}
