//! Authorise: the model a request names, resolved and allowed.

use std::sync::Arc;

use http::HeaderMap;
use megarouter_domain::access::{self, AuthorisedModel, Principal};
use megarouter_domain::code::Code;
use megarouter_domain::id::ProviderId;
use megarouter_domain::snapshot::Snapshot;

use crate::decode::{Call, Decoded};
use crate::draft::Draft;
use crate::render::Failure;

/// A call to a model that the principal may use.
pub struct Authorised {
    /// The call.
    pub call: Call,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The model, with the proof that it may be used.
    pub model: AuthorisedModel,
    /// The provider that the name pins.
    pub pinned: Option<ProviderId>,
    /// Who is calling.
    pub principal: Principal,
    /// The configuration that the request started with.
    pub snapshot: Arc<Snapshot>,
}

/// Resolves the model's name, aliases included, and asks whether the key may use what it stands for.
///
/// # Errors
/// When there is no such model, or the key may not use it.
pub fn authorise(decoded: Decoded, draft: &mut Draft) -> Result<Authorised, Failure> {
    let Decoded { call, headers, principal, snapshot } = decoded;
    let asked = call.model().to_owned();
    let resolved = snapshot.resolve(&asked).ok_or_else(|| unknown(&asked))?;
    draft.resolved(&resolved.model.name);
    let model = access::authorise(&principal, &resolved.model).map_err(|code| forbidden(code, &asked, &principal))?;
    Ok(Authorised { call, headers, model, pinned: resolved.pinned, principal, snapshot })
}

/// Says that there is no model of a name.
pub fn unknown(asked: &str) -> Failure {
    let message = format!("There is no model `{asked}` here. GET /v1/models lists the ones this key may use.");
    Failure { param: Some("model".to_owned()), ..Failure::new(Code::ModelNotFound, message) }
}

fn forbidden(code: Code, asked: &str, principal: &Principal) -> Failure {
    let message = format!(
        "The key `{}` may not use the model `{asked}`. Ask the owner of this MegaRouter to allow it for the key.",
        principal.key.name
    );
    Failure { param: Some("model".to_owned()), ..Failure::new(code, message) }
}
