//! What a refused call is answered with.
//!
//! A message says what happened, what it means and what to do; programs match on the code, and a
//! form finds its field by `field`. The errors of other crates become answers here, so that one
//! fault has one code whichever operation meets it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use megarouter_domain::policy::PolicyError;
use megarouter_domain::snapshot::ConflictError;
use megarouter_domain::unit::TreeError;
use megarouter_secrets::StoreError;
use megarouter_store::error::Error as LedgerError;
use megarouter_store::settings::{ChangeError, Noun};
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// A stable code, e.g. `provider.name_taken`.
    pub code: String,
    /// What happened, what it means and what to do, for a person.
    pub message: String,
    /// The field of the request that is to blame, when one is.
    pub field: Option<String>,
}

/// A refusal, on its way to becoming a response.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// What happened, what it means and what to do.
    pub message: String,
    /// The field to blame.
    pub field: Option<String>,
}

impl ApiError {
    /// A refusal with a status, a code and a message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None }
    }

    /// A refusal of a request's content.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// There is nothing with the id asked for.
    pub fn not_found(noun: Noun, id: impl std::fmt::Display) -> Self {
        let message = format!(
            "There is no {noun} with the id {id}. It may have been removed. Read the list again and choose another one."
        );
        Self::new(StatusCode::NOT_FOUND, not_found_code(noun), message)
    }

    /// The same refusal, blaming a field.
    #[must_use]
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = ErrorDetail { code: self.code.to_owned(), message: self.message, field: self.field };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NameTaken { noun, field, name, by } => {
                let message = format!(
                    "The {noun} `{by}` already answers to the name `{name}`. Nothing was changed. Choose another name."
                );
                Self::new(StatusCode::CONFLICT, name_taken_code(noun), message).about(field)
            }
            ChangeError::SecretTaken { by } => {
                let message = format!("The key `{by}` already has this secret. Nothing was changed. Make another one.");
                Self::new(StatusCode::CONFLICT, "key.secret_taken", message)
            }
            ChangeError::InUse { models } => {
                let message = format!(
                    "Only this provider serves {}. Without it they could not be answered, so nothing was changed. \
                     Remove them too, or give them another provider first.",
                    models.join(", ")
                );
                Self::new(StatusCode::CONFLICT, "provider.in_use", message)
            }
            ChangeError::Tree(error) => Self::from(error).about("parent"),
            ChangeError::Policy(error) => Self::from(error),
            ChangeError::Holding { name, content } => {
                let message = format!(
                    "{name} still holds {}. Nothing was changed. Move that first, or archive it with everything in it.",
                    content.join(", ")
                );
                Self::new(StatusCode::CONFLICT, "unit.holding", message)
            }
            ChangeError::Archived { noun, name } => {
                let message = format!(
                    "The {noun} `{name}` is archived. Nothing was changed. Restore it first, or choose another."
                );
                Self::new(StatusCode::CONFLICT, archived_code(noun), message)
            }
            ChangeError::NotFound { noun, id } => Self::not_found(noun, id),
            ChangeError::BuiltIn => {
                let message = "This key belongs to the playground. Nothing was changed. It needs no care: it has no \
                               text that could be lost.";
                Self::new(StatusCode::CONFLICT, "key.builtin", message)
            }
            ChangeError::Store(error) => settings_unavailable(&error),
        }
    }
}

impl From<PolicyError> for ApiError {
    fn from(error: PolicyError) -> Self {
        let field = match error {
            PolicyError::Name => "name",
            PolicyError::Percent => "percent",
            PolicyError::Rules | PolicyError::NoLast | PolicyError::Unreached { .. } | PolicyError::Rule { .. } => {
                "body"
            }
        };
        let message = format!("This policy cannot be put in force: {error}. Nothing was changed. Correct it.");
        Self::invalid("policy.invalid", message).about(field)
    }
}

impl From<TreeError> for ApiError {
    fn from(error: TreeError) -> Self {
        let message = format!("The units make no tree: {error}. Nothing was changed. Choose another place.");
        Self::new(StatusCode::CONFLICT, "unit.misplaced", message)
    }
}

impl From<ConflictError> for ApiError {
    fn from(error: ConflictError) -> Self {
        if let ConflictError::Tree(error) = error {
            return error.into();
        }
        let message = format!("The models conflict: {error}. The last good configuration stays in force.");
        Self::new(StatusCode::CONFLICT, "model.name_taken", message).about("name")
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        if let LedgerError::Range { most } = error {
            let message = format!(
                "The range of time is empty or has more than {most} points. There is nothing to show. Choose a \
                 shorter range or wider buckets."
            );
            return Self::invalid("range.invalid", message).about("from");
        }
        tracing::error!(error = &error as &dyn std::error::Error, "the ledger did not answer");
        let message = "The ledger did not answer. Figures cannot be shown at present; nothing is lost. Try again, and \
                       look at the disk if it stays so.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ledger.unavailable", message)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let (status, code, what_to_do) = match error {
            StoreError::Locked(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "secret_store.locked", "Unlock it and try again.")
            }
            StoreError::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "secret_store.unavailable", "See Settings for what to do.")
            }
            StoreError::KeepsNone => {
                (StatusCode::CONFLICT, "secret_store.keeps_none", "Choose an environment variable instead.")
            }
        };
        let message = format!("The secret store could not be used: {error}. Nothing was changed. {what_to_do}");
        Self::new(status, code, message).about("credential")
    }
}

/// The configuration could not be read or written.
pub(crate) fn settings_unavailable(error: &LedgerError) -> ApiError {
    tracing::error!(error = error as &dyn std::error::Error, "the settings did not answer");
    let message = "The settings database did not answer. Nothing was changed; requests go on with the last \
                   configuration. Try again, and look at the disk if it stays so.";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "settings.unavailable", message)
}

const fn not_found_code(noun: Noun) -> &'static str {
    match noun {
        Noun::Provider => "provider.not_found",
        Noun::Model => "model.not_found",
        Noun::Key => "key.not_found",
        Noun::Organization => "organization.not_found",
        Noun::Unit => "unit.not_found",
        Noun::Budget => "budget.not_found",
        Noun::Policy => "policy.not_found",
    }
}

const fn name_taken_code(noun: Noun) -> &'static str {
    match noun {
        Noun::Provider => "provider.name_taken",
        Noun::Model => "model.name_taken",
        Noun::Key => "key.name_taken",
        Noun::Organization => "organization.name_taken",
        Noun::Unit => "unit.name_taken",
        Noun::Budget => "budget.name_taken",
        Noun::Policy => "policy.name_taken",
    }
}

const fn archived_code(noun: Noun) -> &'static str {
    match noun {
        Noun::Provider => "provider.archived",
        Noun::Model => "model.archived",
        Noun::Key => "key.archived",
        Noun::Organization => "organization.archived",
        Noun::Unit => "unit.archived",
        Noun::Budget => "budget.archived",
        Noun::Policy => "policy.archived",
    }
}
