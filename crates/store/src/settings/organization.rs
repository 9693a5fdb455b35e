//! The tenant: one row, made when the file is.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::OrganizationId;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, values};
use crate::settings::Organization;

/// What it is called until somebody names it.
const FIRST_NAME: &str = "My organization";

pub(super) async fn find(db: &mut Db<'_>) -> Result<Option<Organization>, Error> {
    let row = db.fetch_optional("SELECT id, name, created_at FROM organization", values![]).await?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("organization", "id", &row);
    Ok(Some(Organization {
        id: OrganizationId::from_uuid(reading.uuid("id")?),
        name: reading.get("name")?,
        created_at: Timestamp::from_micros(reading.get("created_at")?),
    }))
}

pub(super) async fn load(db: &mut Db<'_>) -> Result<Organization, Error> {
    find(db).await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
}

pub(super) async fn add(db: &mut Db<'_>, id: OrganizationId, now: Timestamp) -> Result<(), Error> {
    write(db, &Organization { id, name: FIRST_NAME.to_owned(), created_at: now }).await
}

pub(super) async fn rename(db: &mut Db<'_>, name: &str) -> Result<(), Error> {
    db.execute("UPDATE organization SET name = $1", values![name]).await?;
    Ok(())
}

/// Writes it where there is none.
pub(super) async fn write(db: &mut Db<'_>, organization: &Organization) -> Result<(), Error> {
    let text = "INSERT INTO organization (id, name, created_at) VALUES ($1, $2, $3)";
    let Organization { id, name, created_at } = organization;
    db.execute(text, values![id.as_uuid(), name.as_str(), created_at.as_micros()]).await?;
    Ok(())
}
