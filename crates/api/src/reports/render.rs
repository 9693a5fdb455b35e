//! `GET /reports/{file}`

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use megarouter_domain::clock::Timestamp;
use megarouter_reports::catalog::{self, Report};
use megarouter_reports::render::Format;
use megarouter_reports::{Error, Range};
use serde::Deserialize;

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::shape::Time;

const USUAL_RANGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The range of a report.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
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
    State(context): State<Arc<Context>>,
    Path(file): Path<String>,
    Query(range): Query<ReportRange>,
) -> Result<Response, ApiError> {
    let (report, format) = wanted(&file).ok_or_else(|| not_found(&file))?;
    let range = range.ending_at_latest(context.now());
    let bytes = megarouter_reports::make(report, context.questions(), range, format).await.map_err(failed)?;
    // Both parts are stable ids, so the name needs no escaping.
    let disposition = format!("attachment; filename=\"{}.{}\"", report.id, format.as_str());
    let headers = [(CONTENT_TYPE, format.media_type().to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

fn wanted(file: &str) -> Option<(&'static Report, Format)> {
    let (id, format) = file.rsplit_once('.')?;
    Some((catalog::find(id)?, format.parse().ok()?))
}

fn not_found(file: &str) -> ApiError {
    let message = format!(
        "There is no report `{file}`. Nothing was made. Choose one of /reports, as `ID.svg`, `ID.png` or `ID.csv`."
    );
    ApiError::new(StatusCode::NOT_FOUND, "report.not_found", message)
}

fn failed(error: Error) -> ApiError {
    match error {
        Error::Ledger(error) => error.into(),
        Error::Drawing(_) => {
            tracing::error!(%error, "a report could not be drawn");
            let message = "The chart could not be drawn. No file was made. Take the report as CSV, and tell us.";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "report.failed", message)
        }
    }
}

impl ReportRange {
    fn ending_at_latest(self, now: Timestamp) -> Range {
        // The end does not belong to the range, and what happened this very moment is to be in it.
        let to = self.to.map_or(now.plus(Duration::from_micros(1)), |time| time.0);
        Range { from: self.from.map_or_else(|| to.minus(USUAL_RANGE), |time| time.0), to, as_of: now }
    }
}
