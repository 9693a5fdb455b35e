//! `GET /reports/{file}`

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::shape::Time;

/// The range of a report.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReportRange {
    /// The beginning; 30 days before the end when left out.
    pub from: Option<Time>,
    /// The end; now when left out.
    pub to: Option<Time>,
}

/// Makes a report as a file.
#[utoipa::path(get, path = "/reports/{file}", operation_id = "render_report", tag = "reports",
    params(("file" = String, Path, description = "The report's id and format, e.g. `spend_by_day.svg`"), ReportRange),
    responses((status = 200, description = "The file", content(
        (String = "image/svg+xml"), (String = "image/png"), (String = "text/csv")))))]
pub async fn render_report(
    State(_context): State<Arc<Context>>,
    Path(_file): Path<String>,
    Query(_range): Query<ReportRange>,
) -> Result<Response, ApiError> {
    unimplemented!()
}
