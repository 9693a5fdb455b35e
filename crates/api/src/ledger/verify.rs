//! `POST /ledger/verify`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::money::NanoUsd;
use megarouter_ledger::verify::Report;
use megarouter_store::error::Error;

use super::{Verification, VerificationState};
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::shape::{Amount, Time};

/// Begins a self-check of all money, or gives the one that is under way. Its end is told by an event.
#[utoipa::path(post, path = "/ledger/verify", operation_id = "verify_ledger", tag = "ledger",
    responses((status = 202, description = "It is under way", body = Verification)))]
pub async fn verify_ledger(State(context): State<Arc<Context>>) -> Result<(StatusCode, Json<Verification>), ApiError> {
    let begun = Verification::begun(Time(context.now()), context.gateway.books().durability().lsn.0);
    let is_first = context.verification.send_if_modified(|current| {
        let is_free = current.as_ref().is_none_or(|known| known.state != VerificationState::Running);
        if is_free {
            *current = Some(begun.clone());
        }
        is_free
    });
    if is_first {
        context.events.changed(&[Tag::Ledger]);
        tokio::spawn(check(Arc::clone(&context), begun.clone()));
    }
    let current = context.verification.borrow().clone().unwrap_or(begun);
    Ok((StatusCode::ACCEPTED, Json(current)))
}

async fn check(context: Arc<Context>, begun: Verification) {
    let report = context.ledger.verify().await;
    let ended = begun.ended(Time(context.now()), report);
    context.verification.send_replace(Some(ended));
    context.events.changed(&[Tag::Ledger]);
}

impl Verification {
    fn begun(at: Time, total: u64) -> Self {
        Self {
            state: VerificationState::Running,
            started_at: at,
            finished_at: None,
            total,
            entries: 0,
            requests: 0,
            attempts: 0,
            corrections: 0,
            changes: 0,
            cost: Amount(NanoUsd::ZERO),
            findings: 0,
            faults: vec![],
            error: None,
        }
    }

    fn ended(self, at: Time, report: Result<Report, Error>) -> Self {
        let ended = Self { finished_at: Some(at), ..self };
        match report {
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the ledger could not be checked");
                Self { state: VerificationState::Broken, error: Some(format!("{error}.")), ..ended }
            }
            Ok(report) => Self {
                state: if report.findings == 0 { VerificationState::Passed } else { VerificationState::Failed },
                entries: report.entries,
                requests: report.requests,
                attempts: report.attempts,
                corrections: report.adjustments,
                changes: report.changes,
                cost: Amount(report.posted),
                findings: report.findings,
                faults: report.unexplained,
                ..ended
            },
        }
    }
}
