//! The one place that puts a credential on the wire.
//!
//! A credential belongs to the origin (scheme, host, port) of its provider's base URL and is
//! attached only to calls of that origin.

use http::HeaderValue;
use megarouter_domain::provider::{Credential, Target};
use url::Url;

use crate::address::BaseUrl;
use crate::errors::CallError;

/// The `Authorization` header for a call of `url`; `None` where no credential goes.
pub fn header(target: &Target, base: &BaseUrl, url: &Url) -> Result<Option<HeaderValue>, CallError> {
    let secret = match &target.credential {
        Credential::None => return Ok(None),
        Credential::Unavailable(why) => return Err(CallError::CredentialUnavailable(why.as_ref().to_owned())),
        Credential::Ready(secret) => secret,
    };
    if !base.owns(url) {
        return Ok(None);
    }
    let unusable =
        || CallError::CredentialUnavailable("it holds characters that cannot be sent in a header".to_owned());
    let mut value = HeaderValue::try_from(format!("Bearer {}", secret.expose().trim())).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::id::ProviderId;
    use megarouter_domain::provider::{CredentialSource, Provider};
    use megarouter_domain::secret::Secret;

    use super::*;

    fn target(credential: Credential) -> Target {
        let provider = Provider {
            id: ProviderId::new(Timestamp::from_micros(0), [0; 10]),
            name: "p".to_owned(),
            kind: "openai_compatible".to_owned(),
            base_url: "https://api.example.com/v1".to_owned(),
            credential: CredentialSource::Stored,
            is_enabled: true,
        };
        Target { provider, credential }
    }

    fn header_for(url: &str, credential: Credential) -> Result<Option<HeaderValue>, CallError> {
        let target = target(credential);
        let base = BaseUrl::parse(&target.provider.base_url).unwrap();
        header(&target, &base, &Url::parse(url).unwrap())
    }

    #[test]
    fn only_the_providers_own_origin_sees_the_credential() {
        let secret = || Credential::Ready(Arc::new(Secret::new("sk-canary\n".to_owned())));
        let sent = header_for("https://api.example.com/v1/models", secret()).unwrap().unwrap();
        assert_eq!(sent.to_str().unwrap(), "Bearer sk-canary");
        assert!(!format!("{sent:?}").contains("canary"));
        for other in ["http://api.example.com/v1", "https://api.example.com:444/v1", "https://evil.example/v1"] {
            assert!(header_for(other, secret()).unwrap().is_none(), "{other}");
        }
    }

    #[test]
    fn a_credential_that_cannot_be_read_stops_the_call() {
        let locked = Credential::Unavailable("the keychain is locked".into());
        let error = header_for("https://api.example.com/v1", locked).unwrap_err();
        assert!(matches!(error, CallError::CredentialUnavailable(why) if why == "the keychain is locked"));
        let broken = Credential::Ready(Arc::new(Secret::new("a\nb".to_owned())));
        assert!(matches!(header_for("https://api.example.com/v1", broken), Err(CallError::CredentialUnavailable(_))));
    }
}
