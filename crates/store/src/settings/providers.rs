//! Configured providers. Owns the table `providers`; their secrets are elsewhere.

use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{CredentialSource, Provider};

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};
use crate::settings::{ChangeError, Noun, models};

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<Provider>, Error> {
    let rows = db.fetch_all("SELECT * FROM providers ORDER BY id", values![]).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn put(db: &mut Db<'_>, provider: &Provider) -> Result<(), ChangeError> {
    check_name(db, provider).await?;
    let text = "INSERT INTO providers
            (id, name, kind, base_url, credential_source, credential_variable, dialects, is_enabled,
             region, keeps_prompts, pool)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, kind = excluded.kind, base_url = excluded.base_url,
            credential_source = excluded.credential_source, credential_variable = excluded.credential_variable,
            dialects = excluded.dialects, is_enabled = excluded.is_enabled, region = excluded.region,
            keeps_prompts = excluded.keeps_prompts, pool = excluded.pool";
    let (source, variable) = match &provider.credential {
        CredentialSource::None => ("none", None),
        CredentialSource::Stored => ("stored", None),
        CredentialSource::Environment { variable } => ("environment", Some(variable.clone())),
    };
    let mut values = Values::default();
    values.uuid(provider.id.as_uuid()).put(provider.name.clone()).put(provider.kind.clone());
    values.put(provider.base_url.clone()).put(source).put(variable);
    values.json(&provider.dialects).put(provider.is_enabled);
    values.put(provider.region.as_deref()).put(provider.keeps_prompts).json(&provider.pool);
    db.execute(text, values).await?;
    Ok(())
}

pub(super) async fn remove(db: &mut Db<'_>, id: ProviderId, with_models: bool) -> Result<(), ChangeError> {
    let orphans = models::served_only_by(db, id).await?;
    if !orphans.is_empty() && !with_models {
        return Err(ChangeError::InUse { models: orphans.into_iter().map(|(_, name)| name).collect() });
    }
    for (model, _) in orphans {
        models::remove(db, model).await?;
    }
    db.execute("DELETE FROM deployments WHERE provider_id = $1", values![id.as_uuid()]).await?;
    let removed = db.execute("DELETE FROM providers WHERE id = $1", values![id.as_uuid()]).await?;
    if removed == 0 {
        return Err(ChangeError::NotFound { noun: Noun::Provider, id: id.to_string() });
    }
    Ok(())
}

async fn check_name(db: &mut Db<'_>, provider: &Provider) -> Result<(), ChangeError> {
    let taken: Option<String> = db
        .fetch_value(
            "SELECT name FROM providers WHERE name = $1 AND id <> $2",
            values![provider.name.clone(), provider.id.as_uuid()],
        )
        .await?;
    let Some(by) = taken else { return Ok(()) };
    Err(ChangeError::NameTaken { noun: Noun::Provider, field: "name", name: by.clone(), by })
}

fn read(row: &Row) -> Result<Provider, Error> {
    let reading = Reading::new("providers", "name", row);
    Ok(Provider {
        id: ProviderId::from_uuid(reading.uuid("id")?),
        name: reading.get("name")?,
        kind: reading.get("kind")?,
        base_url: reading.get("base_url")?,
        credential: read_credential(&reading)?,
        dialects: reading.json("dialects")?,
        is_enabled: reading.get("is_enabled")?,
        region: reading.get("region")?,
        keeps_prompts: reading.get("keeps_prompts")?,
        pool: reading.json("pool")?,
    })
}

fn read_credential(reading: &Reading<'_>) -> Result<CredentialSource, Error> {
    match reading.get("credential_source")? {
        "none" => Ok(CredentialSource::None),
        "stored" => Ok(CredentialSource::Stored),
        "environment" => Ok(CredentialSource::Environment { variable: reading.get("credential_variable")? }),
        other => Err(reading.wrong("credential_source", &format_args!("`{other}` is none"))),
    }
}
