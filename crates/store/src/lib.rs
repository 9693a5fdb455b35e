//! The SQL stores: settings and the ledger's journal with its projections.
//!
//! Two SQLite files in the data directory, or a PostgreSQL that several nodes share. [`settings::Settings`] is what people configured, small
//! and read as a whole. [`ledger::Ledger`] is what happened: entries are appended, and in the same
//! transaction the tables that the API asks are derived from them. Nothing here decides anything;
//! and nothing in the path of a request waits for it. Whoever opens a store holds the
//! [`lock::DataDirLock`] of its directory. Start at [`ledger`].

mod backend;
pub mod bodies;
mod db;
pub mod error;
pub mod hub;
pub mod ledger;
pub mod lock;
mod row;
pub mod settings;
