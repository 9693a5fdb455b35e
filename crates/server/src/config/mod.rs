//! Configuration: every setting, where it may come from, and what it is when nobody says.
//!
//! A setting is one field of a section below. The same field is read from the configuration file,
//! from its environment variable and from its flag; a later source wins. What was written (all
//! optional) becomes the checked [`Config`] once, at start. `docs/CONFIGURATION.md` is made from
//! the same fields, and a test compares them.

mod backup;
mod checked;
mod file;
mod hub;
mod paths;
pub mod reference;
mod sections;

pub(crate) use file::without_label;

pub use backup::BackupOptions;
pub use checked::{Config, ConfigError, LogFormat, Ports, Timeouts, loopback};
pub use hub::HubOptions;
pub use sections::{Common, Secrets, Sections, Unprinted};
