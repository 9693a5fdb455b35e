//! `GET /reports`

use axum::Json;
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
    unimplemented!()
}
