//! What a provider's answer to a test means to the person who set it up.

use megarouter_dialect::openai_chat::error as error_body;
use megarouter_domain::provider::Target;

use super::{Diagnosis, ERROR_LIMIT, LIST_LIMIT, Problem};
use crate::catalog::ListShape;
use crate::client::UpstreamResponse;
use crate::errors;

/// Reads the answer to a question for the models.
pub(super) async fn of_list(response: UpstreamResponse, target: &Target, shape: ListShape) -> Diagnosis {
    if !response.status.is_success() {
        return of_error(response, target, None).await;
    }
    let malformed = |message: &str| {
        let next_step = "Check that the address ends with the version, such as /v1.";
        Diagnosis::of_problem(Problem::AnswerMalformed, message.to_owned(), next_step)
    };
    let Ok(body) = response.body.read_all(LIST_LIMIT).await else {
        return malformed("The server began to list its models and did not finish.");
    };
    let Some(models) = shape.read(&body) else {
        return malformed("The server answered, but not with a list of models.");
    };
    let message = match models.len() {
        0 => "The server answered; it offers no models yet.".to_owned(),
        1 => "The server answered; it offers 1 model.".to_owned(),
        count => format!("The server answered; it offers {count} models."),
    };
    Diagnosis::fine(message, models)
}

/// Reads the answer of a path that only a good credential opens.
pub(super) async fn of_check(response: UpstreamResponse, target: &Target) -> Diagnosis {
    if response.status.is_success() {
        return Diagnosis::fine("The provider took the key.".to_owned(), vec![]);
    }
    of_error(response, target, None).await
}

/// Reads the answer of a model.
pub(super) async fn of_model(response: UpstreamResponse, target: &Target, model: &str) -> Diagnosis {
    if response.status.is_success() {
        return Diagnosis::fine(format!("The server answered, and so did `{model}`."), vec![]);
    }
    of_error(response, target, Some(model)).await
}

async fn of_error(response: UpstreamResponse, target: &Target, model: Option<&str>) -> Diagnosis {
    let status = response.status.as_u16();
    let body = response.body.read_all(ERROR_LIMIT).await.unwrap_or_default();
    let said = error_body::parse(&errors::scrub(&body, target));
    let judged = errors::judge(status, None, said.as_ref());
    let (problem, what, next_step) = match judged.cause {
        errors::Cause::Credential => (
            Problem::CredentialRejected,
            "The provider refused the key",
            "Check that the key was copied whole, is still valid, and belongs to this provider.",
        ),
        errors::Cause::Quota | errors::Cause::RateLimit => (
            Problem::QuotaExhausted,
            "The provider knows the key, but its limit or balance is used up",
            "Check the balance and limits in the provider's console.",
        ),
        // A server without the model may say so only with the status.
        errors::Cause::ModelUnknown => (
            Problem::ModelNotFound,
            "The provider has no such model, or does not let this key use it",
            "Check the model's name, and that the account was given access to it.",
        ),
        errors::Cause::PathUnknown if model.is_some() && said.is_some() => (
            Problem::ModelNotFound,
            "The provider has no such model, or does not let this key use it",
            "Check the model's name, and that the account was given access to it.",
        ),
        errors::Cause::PathUnknown => (
            Problem::PathNotFound,
            "The server answered, but has no such API at this address",
            "Check that the address ends with the version, such as /v1.",
        ),
        errors::Cause::Redirect => (
            Problem::PathNotFound,
            "The server sent us to another address, which is not followed",
            "Enter the address that the provider's documentation names.",
        ),
        errors::Cause::Request | errors::Cause::ContextLength | errors::Cause::Overload | errors::Cause::Fault => (
            Problem::UpstreamError,
            "The provider answered with an error",
            "Try again later; if it stays, look at the provider's status page.",
        ),
    };
    let quote = said.map(|said| format!(": {}", cut(&said.message))).unwrap_or_default();
    Diagnosis::of_problem(problem, format!("{what} (status {status}){quote}"), next_step)
}

/// At most 300 characters on one line.
fn cut(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(300).collect()
}
