//! The tenant: one row, made when the file is.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::OrganizationId;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::row::{Reading, Values};
use crate::settings::Organization;

/// What it is called until somebody names it.
const FIRST_NAME: &str = "My organization";

pub(super) async fn find(connection: &mut SqliteConnection) -> Result<Option<Organization>, Error> {
    let row = sqlx::query("SELECT id, name, created_at FROM organization").fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("organization", "id", &row);
    Ok(Some(Organization {
        id: OrganizationId::from_uuid(reading.uuid("id")?),
        name: reading.get("name")?,
        created_at: Timestamp::from_micros(reading.get("created_at")?),
    }))
}

pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Organization, Error> {
    find(connection).await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
}

pub(super) async fn add(connection: &mut SqliteConnection, id: OrganizationId, now: Timestamp) -> Result<(), Error> {
    let mut values = Values::default();
    values.uuid(id.as_uuid()).put(FIRST_NAME).put(now.as_micros());
    let text = "INSERT INTO organization (id, name, created_at) VALUES (?, ?, ?)";
    sqlx::query_with(text, values.into_arguments()).execute(connection).await?;
    Ok(())
}
