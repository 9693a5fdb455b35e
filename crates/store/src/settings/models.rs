//! Public models with their names, deployments and versions of prices. Owns the tables `models`,
//! `model_names`, `deployments` and `prices`.

use std::collections::{HashMap, HashSet};

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{DeploymentId, ModelId, PriceId, ProviderId};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::price::Price;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, Values, values};
use crate::settings::{ChangeError, Noun, policies};

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<Model>, Error> {
    let mut names = load_names(db).await?;
    let mut deployments = load_deployments(db).await?;
    let rows = db.fetch_all("SELECT id, created_at FROM models ORDER BY created_at, id", values![]).await?;
    let read = |row: &Row| {
        let reading = Reading::new("models", "id", row);
        let id = ModelId::from_uuid(reading.uuid("id")?);
        let mut names = names.remove(&id).unwrap_or_default().into_iter();
        Ok(Model {
            id,
            name: names.next().ok_or_else(|| reading.wrong("id", &"the model has no name"))?,
            aliases: names.collect(),
            deployments: deployments.remove(&id).unwrap_or_default(),
            created_at: Timestamp::from_micros(reading.get("created_at")?),
        })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn put(db: &mut Db<'_>, model: &Model) -> Result<(), ChangeError> {
    check_names(db, model).await?;
    let text = "INSERT INTO models (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    db.execute(text, values![model.id.as_uuid(), model.created_at.as_micros()]).await?;
    put_names(db, model).await?;
    let stored = load_deployments(db).await?.remove(&model.id).unwrap_or_default();
    for old in stored.iter().filter(|old| model.deployments.iter().all(|new| new.id != old.id)) {
        let text = "DELETE FROM deployments WHERE id = $1";
        db.execute(text, values![old.id.as_uuid()]).await?;
    }
    for (position, deployment) in (0_i64..).zip(&model.deployments) {
        let stored = stored.iter().find(|stored| stored.id == deployment.id).and_then(|stored| stored.price.as_ref());
        let price = put_price(db, deployment, stored).await?;
        put_deployment(db, model.id, position, deployment, price).await?;
    }
    Ok(())
}

pub(super) async fn remove(db: &mut Db<'_>, id: ModelId) -> Result<(), ChangeError> {
    let removed = db.execute("DELETE FROM models WHERE id = $1", values![id.as_uuid()]).await?;
    if removed == 0 {
        return Err(ChangeError::NotFound { noun: Noun::Model, id: id.to_string() });
    }
    Ok(())
}

/// The models that only this provider serves, with their names.
pub(super) async fn served_only_by(db: &mut Db<'_>, provider: ProviderId) -> Result<Vec<(ModelId, String)>, Error> {
    let text = "SELECT model_names.model_id, model_names.name FROM model_names
        WHERE position = 0
          AND EXISTS (SELECT 1 FROM deployments
                      WHERE deployments.model_id = model_names.model_id AND provider_id = $1)
          AND NOT EXISTS (SELECT 1 FROM deployments
                          WHERE deployments.model_id = model_names.model_id AND provider_id <> $1)
        ORDER BY name";
    let provider = provider.as_uuid();
    let rows = db.fetch_all(text, values![provider]).await?;
    let read = |row: &Row| {
        let reading = Reading::new("model_names", "name", row);
        Ok((ModelId::from_uuid(reading.uuid("model_id")?), reading.get("name")?))
    };
    rows.iter().map(read).collect()
}

async fn check_names(db: &mut Db<'_>, model: &Model) -> Result<(), ChangeError> {
    let mut seen = HashSet::new();
    for (name, field) in names(model) {
        let owner = "SELECT first.name FROM model_names AS taken
            JOIN model_names AS first ON first.model_id = taken.model_id AND first.position = 0
            WHERE taken.name = $1 AND taken.model_id <> $2";
        let owner: Option<String> = db.fetch_value(owner, values![name, model.id.as_uuid()]).await?;
        let owner = owner.or_else(|| (!seen.insert(name)).then(|| model.name.clone()));
        if let Some(by) = owner {
            return Err(ChangeError::NameTaken { noun: Noun::Model, field, name: name.to_owned(), by });
        }
        if let Some(by) = policies::named(db, name).await? {
            return Err(ChangeError::NameTaken { noun: Noun::Policy, field, name: name.to_owned(), by });
        }
    }
    Ok(())
}

async fn put_names(db: &mut Db<'_>, model: &Model) -> Result<(), Error> {
    db.execute("DELETE FROM model_names WHERE model_id = $1", values![model.id.as_uuid()]).await?;
    for (position, (name, _)) in (0_i64..).zip(names(model)) {
        let text = "INSERT INTO model_names (name, model_id, position) VALUES ($1, $2, $3)";
        db.execute(text, values![name, model.id.as_uuid(), position]).await?;
    }
    Ok(())
}

/// The version that applies: the stored one if it says the same, else the new one, now stored.
async fn put_price(db: &mut Db<'_>, deployment: &Deployment, stored: Option<&Price>) -> Result<Option<PriceId>, Error> {
    let Some(price) = &deployment.price else { return Ok(None) };
    if let Some(stored) = stored.filter(|stored| stored.tariff == price.tariff && stored.source == price.source) {
        return Ok(Some(stored.id));
    }
    // A version that is stored already is that version: they are never changed.
    let text = "INSERT INTO prices (id, deployment_id, valid_from, tariff, source) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO NOTHING";
    let mut values = Values::default();
    values.uuid(price.id.as_uuid()).uuid(deployment.id.as_uuid()).put(price.valid_from.as_micros());
    values.json(&price.tariff).put(price.source.clone());
    db.execute(text, values).await?;
    Ok(Some(price.id))
}

async fn put_deployment(
    db: &mut Db<'_>,
    model: ModelId,
    position: i64,
    deployment: &Deployment,
    price: Option<PriceId>,
) -> Result<(), ChangeError> {
    let provider = deployment.provider_id;
    let known = db.fetch_optional("SELECT id FROM providers WHERE id = $1", values![provider.as_uuid()]).await?;
    if known.is_none() {
        return Err(ChangeError::NotFound { noun: Noun::Provider, id: provider.to_string() });
    }
    let text = "INSERT INTO deployments
            (id, model_id, position, provider_id, upstream_model, price_id, max_output_tokens, can_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (id) DO UPDATE SET
            position = excluded.position, provider_id = excluded.provider_id,
            upstream_model = excluded.upstream_model, price_id = excluded.price_id,
            max_output_tokens = excluded.max_output_tokens, can_reason = excluded.can_reason";
    let mut values = Values::default();
    values.uuid(deployment.id.as_uuid()).uuid(model.as_uuid()).put(position).uuid(provider.as_uuid());
    values.put(deployment.upstream_model.clone()).uuid_option(price.map(PriceId::as_uuid));
    values.count_option(deployment.max_output_tokens).put(deployment.can_reason);
    db.execute(text, values).await?;
    Ok(())
}

async fn load_names(db: &mut Db<'_>) -> Result<HashMap<ModelId, Vec<String>>, Error> {
    let text = "SELECT model_id, name FROM model_names ORDER BY model_id, position";
    let mut names = HashMap::<ModelId, Vec<String>>::new();
    for row in &db.fetch_all(text, values![]).await? {
        let reading = Reading::new("model_names", "name", row);
        names.entry(ModelId::from_uuid(reading.uuid("model_id")?)).or_default().push(reading.get("name")?);
    }
    Ok(names)
}

async fn load_deployments(db: &mut Db<'_>) -> Result<HashMap<ModelId, Vec<Deployment>>, Error> {
    let text = "SELECT deployments.*, prices.valid_from, prices.tariff, prices.source
        FROM deployments LEFT JOIN prices ON prices.id = deployments.price_id
        ORDER BY model_id, position";
    let mut deployments = HashMap::<ModelId, Vec<Deployment>>::new();
    for row in &db.fetch_all(text, values![]).await? {
        let reading = Reading::new("deployments", "id", row);
        let model = ModelId::from_uuid(reading.uuid("model_id")?);
        deployments.entry(model).or_default().push(read_deployment(&reading)?);
    }
    Ok(deployments)
}

fn read_deployment(reading: &Reading<'_>) -> Result<Deployment, Error> {
    let price_id = reading.uuid_option("price_id")?.map(PriceId::from_uuid);
    let read_price = |id| {
        let valid_from = Timestamp::from_micros(reading.get("valid_from")?);
        Ok::<_, Error>(Price { id, valid_from, tariff: reading.json("tariff")?, source: reading.get("source")? })
    };
    Ok(Deployment {
        id: DeploymentId::from_uuid(reading.uuid("id")?),
        provider_id: ProviderId::from_uuid(reading.uuid("provider_id")?),
        upstream_model: reading.get("upstream_model")?,
        price: price_id.map(read_price).transpose()?,
        max_output_tokens: reading.count_option("max_output_tokens")?,
        can_reason: reading.get("can_reason")?,
    })
}

/// Every name of a model with the field it stands in, the public name first.
fn names(model: &Model) -> impl Iterator<Item = (&str, &'static str)> {
    let aliases = model.aliases.iter().map(|alias| (alias.as_str(), "aliases"));
    std::iter::once((model.name.as_str(), "name")).chain(aliases)
}
