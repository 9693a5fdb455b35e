//! `GET /reports`

use axum::Json;
use megarouter_reports::catalog;
use megarouter_reports::render::Format;
use serde::Serialize;
use utoipa::ToSchema;

/// A report that can be made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    /// The stable id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it shows.
    pub description: String,
    /// What it can be made as.
    pub formats: Vec<ReportFormat>,
}

/// What a report can be made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// A chart as vectors.
    Svg,
    /// A chart as pixels.
    Png,
    /// A table.
    Csv,
}

/// Lists the reports that can be made.
#[utoipa::path(get, path = "/reports", operation_id = "list_reports", tag = "reports",
    responses((status = 200, description = "All reports", body = Vec<Report>)))]
pub async fn list_reports() -> Json<Vec<Report>> {
    Json(catalog::ALL.iter().map(|report| Report::from(*report)).collect())
}

impl From<&catalog::Report> for Report {
    fn from(report: &catalog::Report) -> Self {
        Self {
            id: report.id.to_owned(),
            title: report.title.to_owned(),
            description: report.description.to_owned(),
            formats: Format::ALL.iter().map(|format| ReportFormat::from(*format)).collect(),
        }
    }
}

impl From<Format> for ReportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Svg => Self::Svg,
            Format::Png => Self::Png,
            Format::Csv => Self::Csv,
        }
    }
}
