//! `GET /strategies`

use axum::Json;
use megarouter_routing::strategies::{self, Kind, Record, SettingRecord};

use super::{SettingKind, SettingOption, Strategy, StrategySetting};
use crate::policies::body::SettingValue;

/// Lists the ways to order a route's candidates, with what can be set of each.
#[utoipa::path(get, path = "/strategies", operation_id = "list_strategies", tag = "policies",
    responses((status = 200, description = "All strategies", body = Vec<Strategy>)))]
pub async fn list_strategies() -> Json<Vec<Strategy>> {
    Json(strategies::ALL.iter().map(Strategy::from).collect())
}

impl From<&Record> for Strategy {
    fn from(record: &Record) -> Self {
        Self {
            id: record.id.to_owned(),
            name: record.name.to_owned(),
            about: record.about.to_owned(),
            settings: record.settings.iter().map(StrategySetting::from).collect(),
        }
    }
}

impl From<&SettingRecord> for StrategySetting {
    fn from(record: &SettingRecord) -> Self {
        let plain = |kind, default| Self {
            name: record.name.to_owned(),
            title: record.title.to_owned(),
            about: record.about.to_owned(),
            kind,
            default,
            min: None,
            max: None,
            unit: None,
            options: vec![],
        };
        let default = Some(SettingValue::from(&record.kind.default()));
        match record.kind {
            Kind::Flag { .. } => plain(SettingKind::Flag, default),
            Kind::Number { min, max, unit, .. } => Self {
                min: Some(min),
                max: Some(max),
                unit: Some(unit.to_owned()).filter(|unit| !unit.is_empty()),
                ..plain(SettingKind::Number, default)
            },
            Kind::Choice { of, .. } => {
                let option = |(value, title): &(&str, &str)| SettingOption {
                    value: (*value).to_owned(),
                    title: (*title).to_owned(),
                };
                Self { options: of.iter().map(option).collect(), ..plain(SettingKind::Choice, default) }
            }
            Kind::Model => plain(SettingKind::Model, None),
        }
    }
}
