//! What an entry of a setup means: checked once and turned into domain types.

use megarouter_catalog::price as catalogue_price;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{CredentialId, DeploymentId, KeyId, ModelId, PriceId, ProviderId, UnitId};
use megarouter_domain::key::{self, KeyHash, ModelAccess, VirtualKey};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::{Price, Rates, Tariff, Tier};
use megarouter_domain::provider::{CredentialSource, Pooled, Provider};
use megarouter_domain::secret::Secret;
use megarouter_domain::unit::UnitKind;
use megarouter_providers::address::BaseUrl;
use megarouter_providers::catalog::{self, Kind};

use super::file::{
    Decimal, DeploymentEntry, KeyEntry, ModelEntry, OwnerEntry, PooledEntry, PriceEntry, ProviderEntry, SecretEntry,
    TierEntry,
};
use super::plan::Origin;
use super::wanted_budget::World;

/// The provider that an entry asks for, and the secret to keep for it. The error says why there is none.
pub fn provider(
    entry: &ProviderEntry,
    id: ProviderId,
    found: Option<&Provider>,
    origin: &mut Origin<'_>,
) -> Result<(Provider, Option<Secret>), String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if entry.name.is_empty() || entry.name.len() > 64 || !entry.name.bytes().all(is_plain) {
        return Err("a name has 1 to 64 lower-case letters, digits, dots, dashes or underscores".to_owned());
    }
    let kind = catalog::kind(&entry.kind).ok_or_else(|| {
        let known: Vec<_> = catalog::ALL.iter().map(|kind| kind.id).collect();
        format!("`{}` is no kind of provider; use one of {}", entry.kind, known.join(", "))
    })?;
    let base_url = address(entry, kind)?;
    let (credential, secret) = credential(entry, kind)?;
    if credential == CredentialSource::None && kind.needs_credential {
        return Err(format!("{} refuses calls without a credential; write credential: {{env: NAME}}", kind.name));
    }
    let (name, is_enabled) = (entry.name.clone(), entry.enabled);
    if let Some(dialect) = entry.dialects.iter().find(|dialect| !kind.speaks(**dialect)) {
        return Err(format!("dialects: a provider of the kind {} is not called as {}", kind.id, dialect.as_str()));
    }
    let (dialects, kind) = (entry.dialects.clone(), kind.id.to_owned());
    let region = entry.region.clone().or_else(|| found?.region.clone());
    let keeps_prompts = entry.keeps_prompts.or_else(|| found?.keeps_prompts);
    let pool = pool(&entry.pool, found.map(|found| found.pool.as_slice()).unwrap_or_default(), origin)?;
    Ok((Provider { id, name, kind, base_url, credential, dialects, is_enabled, region, keeps_prompts, pool }, secret))
}

/// The further credentials with those that an entry names; one of the same name keeps its id.
fn pool(entries: &[PooledEntry], known: &[Pooled], origin: &mut Origin<'_>) -> Result<Vec<Pooled>, String> {
    let mut pool = known.to_vec();
    for entry in entries {
        if entry.name.trim().is_empty() || entry.env.trim().is_empty() {
            return Err("pool: a credential is written {name: second, env: VARIABLE}".to_owned());
        }
        let known = pool.iter().position(|pooled| pooled.name == entry.name);
        let id = known.map_or_else(|| CredentialId::new(origin.now, (origin.entropy)()), |at| pool[at].id);
        let source = CredentialSource::Environment { variable: entry.env.clone() };
        let wanted = Pooled { id, name: entry.name.clone(), source, is_enabled: entry.enabled };
        match known {
            Some(at) => pool[at] = wanted,
            None => pool.push(wanted),
        }
    }
    Ok(pool)
}

fn address(entry: &ProviderEntry, kind: &Kind) -> Result<String, String> {
    let address = match &entry.base_url {
        Some(address) => address.clone(),
        None => kind
            .fill(|name| entry.variables.get(name).map(String::as_str))
            .map_err(|error| format!("variables: the address is {}, and {error}", kind.base_url))?,
    };
    if address.is_empty() {
        return Err(format!("the kind {} needs a base_url", kind.id));
    }
    let base_url = BaseUrl::parse(&address).map_err(|error| format!("base_url: {error}"))?.as_str().to_owned();
    if kind.accepts(&base_url) {
        return Ok(base_url);
    }
    Err(format!("{} is always at {}; leave base_url out, or use openai_compatible", kind.name, kind.base_url))
}

fn credential(entry: &ProviderEntry, kind: &Kind) -> Result<(CredentialSource, Option<Secret>), String> {
    let Some(credential) = &entry.credential else { return Ok((CredentialSource::None, None)) };
    match (&credential.env, &credential.store) {
        (Some(variable), None) => Ok((CredentialSource::Environment { variable: variable.clone() }, None)),
        (None, Some(secret)) => {
            let secret = kind.auth.prepare(Secret::new(text(secret)?.to_owned()));
            let secret = secret.map_err(|reason| format!("credential: {reason}; {}", kind.auth.hint()))?;
            Ok((CredentialSource::Stored, Some(secret)))
        }
        _ => Err("a credential is either {env: NAME} or {store: {env: NAME}}".to_owned()),
    }
}

fn text(secret: &SecretEntry) -> Result<&str, String> {
    match secret {
        SecretEntry::Text(text) if !text.is_blank() => Ok(text.expose()),
        SecretEntry::Text(_) => Err("the secret is empty".to_owned()),
        SecretEntry::Env(name) => Err(format!("the variable {name} was not read")),
    }
}

/// The model that an entry asks for; what `found` has of it already keeps its ids and its price versions.
pub fn model(
    entry: &ModelEntry,
    found: Option<&Model>,
    providers: &[Provider],
    origin: &mut Origin<'_>,
) -> Result<Model, String> {
    if entry.name.trim().is_empty() || entry.deployments.is_empty() {
        return Err("a model has a name and at least one deployment".to_owned());
    }
    let mut deployments = Vec::new();
    for wanted in &entry.deployments {
        deployments.push(deployment(wanted, &entry.name, found, providers, origin)?);
    }
    let id = found.map_or_else(|| ModelId::new(origin.now, (origin.entropy)()), |found| found.id);
    let created_at = found.map_or(origin.now, |found| found.created_at);
    Ok(Model { id, name: entry.name.clone(), aliases: entry.aliases.clone(), deployments, created_at })
}

fn deployment(
    entry: &DeploymentEntry,
    model: &str,
    found: Option<&Model>,
    providers: &[Provider],
    origin: &mut Origin<'_>,
) -> Result<Deployment, String> {
    let provider = providers
        .iter()
        .find(|provider| provider.name == entry.provider)
        .ok_or_else(|| format!("there is no provider `{}`", entry.provider))?;
    let upstream_model = entry.upstream_model.as_deref().unwrap_or(model);
    let is_same = |known: &&Deployment| known.provider_id == provider.id && known.upstream_model == upstream_model;
    let known = found.and_then(|found| found.deployments.iter().find(is_same));
    let is_local = catalog::kind(&provider.kind).is_some_and(|kind| kind.is_local);
    let listed = origin.catalog.find(&provider.kind, upstream_model);
    let price = match &entry.price {
        Some(written) => Some((tariff(written)?, written.source.clone().unwrap_or_else(|| "set by hand".to_owned()))),
        None if is_local => Some((Tariff::default(), "runs on this machine".to_owned())),
        None => followed(known).or_else(|| catalogue_price::of(listed?)),
    };
    Ok(Deployment {
        id: known.map_or_else(|| DeploymentId::new(origin.now, (origin.entropy)()), |known| known.id),
        provider_id: provider.id,
        upstream_model: upstream_model.to_owned(),
        price: price.map(|(tariff, source)| version(tariff, source, known, origin)),
        max_output_tokens: entry.max_output_tokens.or_else(|| listed?.max_output_tokens),
        can_reason: entry.can_reason.or_else(|| listed?.can_reason()),
    })
}

/// The price in force when it follows the catalogue: a refresh gave it, and knows better than this file.
fn followed(known: Option<&Deployment>) -> Option<(Tariff, String)> {
    let price = known?.price.as_ref().filter(|price| catalogue_price::is_source(&price.source))?;
    Some((price.tariff.clone(), price.source.clone()))
}

/// The version in force when it says the same, else a new one.
fn version(tariff: Tariff, source: String, known: Option<&Deployment>, origin: &mut Origin<'_>) -> Price {
    match known.and_then(|known| known.price.as_ref()) {
        Some(price) if price.tariff == tariff && price.source == source => price.clone(),
        _ => Price { id: PriceId::new(origin.now, (origin.entropy)()), valid_from: origin.now, tariff, source },
    }
}

fn tariff(entry: &PriceEntry) -> Result<Tariff, String> {
    let tier = |entry: &TierEntry| {
        let rates = rates(&entry.rates.rates())?;
        Ok::<_, String>(Tier { service: entry.service, above_input_tokens: entry.above_input_tokens, rates })
    };
    let tiers = entry.tiers.iter().map(tier).collect::<Result<_, _>>()?;
    Ok(Tariff { rates: rates(&entry.rates())?, tiers })
}

/// Tokens have an input and an output rate, so that a forgotten one is not free; units stand alone.
fn rates(written: &[(&'static str, Option<&Decimal>)]) -> Result<Rates, String> {
    let rate = |field: &str| {
        let amount = written.iter().find(|(name, _)| *name == field).and_then(|(_, amount)| *amount);
        let parse = |amount: &Decimal| NanoUsdPerMillion::parse_usd(&amount.0);
        amount.map(parse).transpose().map_err(|error| format!("price.{field}: {error}"))
    };
    let rates = Rates {
        input: rate("input")?.unwrap_or_default(),
        output: rate("output")?.unwrap_or_default(),
        cached_read: rate("cached_read")?,
        cache_write: rate("cache_write")?,
        cache_write_1h: rate("cache_write_1h")?,
        reasoning: rate("reasoning")?,
        audio_input: rate("audio_input")?,
        audio_output: rate("audio_output")?,
        image_input: rate("image_input")?,
        image_output: rate("image_output")?,
        image: rate("image")?,
        audio_ms: rate("audio_ms")?,
        character: rate("character")?,
        search: rate("search")?,
        request: rate("request")?,
    };
    let has = |field: &str| written.iter().any(|(name, amount)| *name == field && amount.is_some());
    let has_unit = ["image", "audio_ms", "character", "search", "request"].into_iter().any(has);
    match (has("input"), has("output"), has_unit) {
        (true, true, _) | (false, false, true) => Ok(rates),
        (false, _, _) => Err("price.input is missing; write 0 where input costs nothing".to_owned()),
        (true, false, _) => Err("price.output is missing; write 0 where output costs nothing".to_owned()),
    }
}

/// The key that an entry asks for; the one found keeps its id when it has the same text.
pub fn virtual_key(
    entry: &KeyEntry,
    found: Option<&VirtualKey>,
    world: &World,
    origin: &mut Origin<'_>,
) -> Result<VirtualKey, String> {
    let text = text(&entry.secret)?;
    key::check_strength(text).map_err(|error| error.to_string())?;
    let hash = KeyHash::of(text);
    let same = found.filter(|found| found.hash == Some(hash));
    let expires_at = entry.expires_at.as_deref().map(Timestamp::parse_rfc3339).transpose();
    Ok(VirtualKey {
        id: same.map_or_else(|| KeyId::new(origin.now, (origin.entropy)()), |same| same.id),
        name: entry.name.clone(),
        owner: entry.owner.as_ref().map(|owner| self::owner(owner, world)).transpose()?,
        project: entry.project.as_deref().map(|name| project(name, world)).transpose()?,
        hint: key::hint(text),
        hash: Some(hash),
        models: entry.models.clone().map_or(ModelAccess::All, ModelAccess::Only),
        is_strict: entry.strict,
        created_at: same.map_or(origin.now, |same| same.created_at),
        expires_at: expires_at.map_err(|_| "expires_at: write a time such as 2027-01-01T00:00:00Z".to_owned())?,
        revoked_at: None,
    })
}

fn owner(entry: &OwnerEntry, world: &World) -> Result<UnitId, String> {
    let (kind, name) = match entry {
        OwnerEntry::Department(name) => (UnitKind::Department, name),
        OwnerEntry::Team(name) => (UnitKind::Team, name),
        OwnerEntry::Member(name) => (UnitKind::Member, name),
        OwnerEntry::App(name) => (UnitKind::App, name),
    };
    world.unit(kind, name).map(|unit| unit.id).map_err(|reason| format!("owner: {reason}"))
}

fn project(name: &str, world: &World) -> Result<UnitId, String> {
    world.unit(UnitKind::Project, name).map(|unit| unit.id).map_err(|reason| format!("project: {reason}"))
}
