//! What a key may be, whether it is made or changed.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::UnitId;
use megarouter_domain::key::ModelAccess;
use megarouter_domain::unit::{UnitKind, Units};
use megarouter_store::settings::Everything;

use crate::error::ApiError;

const LONGEST_NAME: usize = 100;

pub(super) fn name(text: &str) -> Result<String, ApiError> {
    let name = text.trim();
    if !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let message = format!(
        "A key needs a name of 1 to {LONGEST_NAME} characters. Nothing was done. Name the app or the person it is for."
    );
    Err(ApiError::invalid("key.name_invalid", message).about("name"))
}

pub(super) fn models(everything: &Everything, names: Vec<String>) -> Result<ModelAccess, ApiError> {
    if names.is_empty() {
        let message =
            "A key that may use no model is of no use. Nothing was done. Choose models, or leave them out for all.";
        return Err(ApiError::invalid("key.models_empty", message).about("models"));
    }
    let is_unknown = |name: &&String| !everything.models.iter().any(|model| model.name == **name);
    if let Some(unknown) = names.iter().find(is_unknown) {
        let message = format!(
            "There is no model `{unknown}`. Nothing was done. Use the names of public models; aliases follow their model."
        );
        return Err(ApiError::invalid("key.model_unknown", message).about("models"));
    }
    Ok(ModelAccess::Only(names))
}

pub(super) fn future(end: Timestamp, now: Timestamp) -> Result<Timestamp, ApiError> {
    if end > now {
        return Ok(end);
    }
    let message = "The expiry is in the past. The key would not work, so nothing was done. Choose a later time.";
    Err(ApiError::invalid("key.expiry_past", message).about("expires_at"))
}

/// Whom a key may belong to: anything in use but a project.
pub(super) fn owner(units: &Units, id: UnitId) -> Result<UnitId, ApiError> {
    unit(units, id, "owner", "a department, a team, a member or an app", |kind| kind != UnitKind::Project)
}

/// What a key may work for: a project in use.
pub(super) fn project(units: &Units, id: UnitId) -> Result<UnitId, ApiError> {
    unit(units, id, "project", "a project", |kind| kind == UnitKind::Project)
}

fn unit(
    units: &Units,
    id: UnitId,
    field: &str,
    wanted: &str,
    is_right: impl Fn(UnitKind) -> bool,
) -> Result<UnitId, ApiError> {
    let found = units.get(id).filter(|unit| unit.archived_at.is_none() && is_right(unit.kind));
    if found.is_some() {
        return Ok(id);
    }
    let message =
        format!("The id {id} is not that of {wanted} in use. Nothing was done. Take it from the list of units.");
    Err(ApiError::invalid("key.unit_unknown", message).about(field))
}
