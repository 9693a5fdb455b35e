//! hub
use crate::backend::Schema;
pub use crate::backend::postgres::HubPool;

pub(crate) const SCHEMA: Schema = Schema { name: "hub", application_id: 0, sqlite: &[], postgres: &[] };
