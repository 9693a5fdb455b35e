//! The one place that puts a credential on the wire.
//!
//! A credential belongs to the origin (scheme, host, port) of its provider's base URL and is
//! attached only to calls of that origin. [`Auth`] says in which form.

mod aws;
pub(crate) mod google;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::provider::{Credential, Target};
use megarouter_domain::secret::Secret;
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

use crate::address::BaseUrl;
use crate::errors::CallError;

/// The longest credential that is taken, in bytes. A service account's file is near 2.4 kB.
const LONGEST: usize = 16 << 10;

/// How a provider wants its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`.
    Bearer,
    /// As it is, in a header of this name (lower case).
    Header(&'static str),
    /// Signed with AWS's Signature Version 4 for this service. The credential is
    /// `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]`, or JSON with these members, or a Bedrock API key,
    /// which goes as a bearer.
    SigV4 {
        /// The service that is signed for, e.g. `bedrock`.
        service: &'static str,
    },
    /// A short-lived token that is fetched for a service account. The credential is the account's
    /// JSON file.
    GoogleServiceAccount,
}

/// Why a text cannot be a provider's credential. The words never quote it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct UnusableCredential(&'static str);

/// A request that is ready but for its credential.
pub(crate) struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: bytes::Bytes,
}

impl Auth {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Header(_) => "header",
            Self::SigV4 { .. } => "aws_sigv4",
            Self::GoogleServiceAccount => "google_service_account",
        }
    }

    /// What a person enters, in words.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Bearer | Self::Header(_) => "The API key from the provider's console.",
            Self::SigV4 { .. } => {
                "A Bedrock API key, or ACCESS_KEY_ID:SECRET_ACCESS_KEY, with :SESSION_TOKEN at the end for temporary keys."
            }
            Self::GoogleServiceAccount => "The whole JSON file of a service account's key.",
        }
    }

    /// Checks a credential that a person entered and takes off what pasting added.
    ///
    /// # Errors
    /// When it could not be sent, or has not the form that the provider needs.
    pub fn prepare(self, secret: Secret) -> Result<Secret, UnusableCredential> {
        let text = secret.expose();
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.len() > LONGEST {
            return Err(UnusableCredential("it is empty or too long"));
        }
        match self {
            Self::Bearer | Self::Header(_) if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Err(UnusableCredential("it holds spaces or unusual characters"));
            }
            Self::Bearer | Self::Header(_) => {}
            Self::SigV4 { .. } => aws::AwsCredential::read(trimmed).map(drop)?,
            Self::GoogleServiceAccount => google::ServiceAccount::read(trimmed).and_then(|found| found.check())?,
        }
        Ok(if trimmed.len() == text.len() { secret } else { Secret::new(trimmed.to_owned()) })
    }
}

/// The secret for a call of `url`; `None` where no credential goes.
pub(crate) fn secret_for<'a>(target: &'a Target, base: &BaseUrl, url: &Url) -> Result<Option<&'a str>, CallError> {
    match &target.credential {
        Credential::None => Ok(None),
        Credential::Unavailable(why) => Err(CallError::CredentialUnavailable(why.as_ref().to_owned())),
        Credential::Ready(secret) => Ok(base.owns(url).then(|| secret.expose().trim())),
    }
}

/// Puts a secret on a request; for all but service accounts, which need a token first.
pub(crate) fn attach(auth: Auth, secret: &str, outgoing: &mut Outgoing, now: Timestamp) -> Result<(), CallError> {
    match auth {
        Auth::Bearer | Auth::GoogleServiceAccount => {
            outgoing.headers.insert(AUTHORIZATION, bearer(secret)?);
        }
        Auth::Header(name) => {
            outgoing.headers.insert(HeaderName::from_static(name), sensitive(secret)?);
        }
        Auth::SigV4 { service } => match aws::AwsCredential::read(secret)? {
            aws::AwsCredential::ApiKey(key) => {
                outgoing.headers.insert(AUTHORIZATION, bearer(key)?);
            }
            aws::AwsCredential::Keys(keys) => aws::sign(&keys, service, outgoing, now)?,
        },
    }
    Ok(())
}

/// Every text of a credential that a provider could quote, longest first.
pub(crate) fn quotable(secret: &str) -> Vec<Zeroizing<String>> {
    let secret = secret.trim();
    let mut parts = vec![Zeroizing::new(secret.to_owned())];
    if let Ok(aws::AwsCredential::Keys(keys)) = aws::AwsCredential::read(secret) {
        parts.extend(keys.secrets());
    }
    parts.retain(|part| !part.is_empty());
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
    parts
}

impl From<UnusableCredential> for CallError {
    fn from(error: UnusableCredential) -> Self {
        Self::CredentialUnavailable(error.0.to_owned())
    }
}

fn bearer(secret: &str) -> Result<HeaderValue, CallError> {
    sensitive(&Zeroizing::new(format!("Bearer {secret}")))
}

fn sensitive(text: &str) -> Result<HeaderValue, CallError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| UnusableCredential("it holds characters that cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use megarouter_domain::id::ProviderId;
    use megarouter_domain::provider::{CredentialSource, Provider};

    use super::*;

    fn target(credential: Credential) -> Target {
        let provider = Provider {
            id: ProviderId::new(Timestamp::from_micros(0), [0; 10]),
            name: "p".to_owned(),
            kind: "openai_compatible".to_owned(),
            base_url: "https://api.example.com/v1".to_owned(),
            credential: CredentialSource::Stored,
            dialects: vec![],
            is_enabled: true,
            region: None,
            keeps_prompts: None,
            pool: vec![],
        };
        Target { provider, credential, pool: vec![] }
    }

    fn secret_sent_to(url: &str, credential: Credential) -> Result<Option<String>, CallError> {
        let target = target(credential);
        let base = BaseUrl::parse(&target.provider.base_url).unwrap();
        Ok(secret_for(&target, &base, &Url::parse(url).unwrap())?.map(str::to_owned))
    }

    fn headers_with(auth: Auth, secret: &str) -> Result<HeaderMap, CallError> {
        let url = Url::parse("https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse").unwrap();
        let mut outgoing =
            Outgoing { method: Method::POST, url, headers: HeaderMap::new(), body: bytes::Bytes::from_static(b"{}") };
        attach(auth, secret, &mut outgoing, Timestamp::from_micros(0))?;
        Ok(outgoing.headers)
    }

    #[test]
    fn only_the_providers_own_origin_sees_the_credential() {
        let secret = || Credential::Ready(Arc::new(Secret::new("sk-canary\n".to_owned())));
        assert_eq!(
            secret_sent_to("https://api.example.com/v1/models", secret()).unwrap().as_deref(),
            Some("sk-canary")
        );
        for other in ["http://api.example.com/v1", "https://api.example.com:444/v1", "https://evil.example/v1"] {
            assert_eq!(secret_sent_to(other, secret()).unwrap(), None, "{other}");
        }
    }

    #[test]
    fn a_credential_that_cannot_be_read_stops_the_call() {
        let locked = Credential::Unavailable("the keychain is locked".into());
        let error = secret_sent_to("https://api.example.com/v1", locked).unwrap_err();
        assert!(matches!(error, CallError::CredentialUnavailable(why) if why == "the keychain is locked"));
        assert!(matches!(headers_with(Auth::Bearer, "a\nb"), Err(CallError::CredentialUnavailable(_))));
    }

    #[test]
    fn each_form_is_sent_where_its_provider_reads_it_and_never_printed() {
        for (auth, secret, name, value) in [
            (Auth::Bearer, "sk-canary", "authorization", "Bearer sk-canary"),
            (Auth::Header("x-api-key"), "sk-canary", "x-api-key", "sk-canary"),
            (Auth::SigV4 { service: "bedrock" }, "ABSKcanary", "authorization", "Bearer ABSKcanary"),
        ] {
            let headers = headers_with(auth, secret).unwrap();
            assert_eq!(headers[name].to_str().unwrap(), value);
            assert_eq!(headers.len(), 1);
            assert!(!format!("{headers:?}").contains("canary"));
        }
    }

    #[test]
    fn what_a_person_pastes_is_checked_against_the_form() {
        let prepare = |auth: Auth, text: &str| {
            auth.prepare(Secret::new(text.to_owned())).map(|secret| secret.expose().to_owned())
        };
        let aws = Auth::SigV4 { service: "bedrock" };
        assert_eq!(prepare(Auth::Bearer, " sk-1\n").unwrap(), "sk-1");
        assert_eq!(prepare(aws, "AKIA:secret").unwrap(), "AKIA:secret");
        assert_eq!(prepare(aws, "ABSKkey\n").unwrap(), "ABSKkey");
        for (auth, text) in [
            (Auth::Bearer, ""),
            (Auth::Bearer, "a b"),
            (Auth::Header("x-api-key"), "schlüssel"),
            (aws, "AKIA:"),
            (aws, "{\"access_key_id\":\"canary\"}"),
            (Auth::GoogleServiceAccount, "canary"),
            (Auth::GoogleServiceAccount, "{\"client_email\":\"canary\"}"),
        ] {
            let error = prepare(auth, text).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn every_part_of_a_signing_key_counts_as_secret() {
        let parts = quotable("AKIAIDENTITY:canary-secret:canary-session");
        let texts: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
        assert_eq!(texts, ["AKIAIDENTITY:canary-secret:canary-session", "canary-session", "canary-secret"]);
    }
}
