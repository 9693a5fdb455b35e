//! AWS's Signature Version 4, by Amazon's own crate.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signed};
use aws_sigv4::sign::v4;
use http::{HeaderName, HeaderValue};
use megarouter_domain::clock::Timestamp;
use serde::Deserialize;
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Outgoing, UnusableCredential};
use crate::errors::CallError;

/// The region that is signed for where the host names none.
const USUAL_REGION: &str = "us-east-1";

/// A credential for AWS.
pub(super) enum AwsCredential<'a> {
    /// A Bedrock API key.
    ApiKey(&'a str),
    /// Keys to sign with.
    Keys(Keys),
}

/// Keys to sign with. The members have the names that AWS's tools write.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Keys {
    #[serde(alias = "AccessKeyId", alias = "aws_access_key_id", alias = "accessKeyId")]
    access_key_id: String,
    #[serde(alias = "SecretAccessKey", alias = "aws_secret_access_key", alias = "secretAccessKey")]
    secret_access_key: String,
    #[serde(default, alias = "SessionToken", alias = "aws_session_token", alias = "sessionToken")]
    session_token: Option<String>,
}

impl<'a> AwsCredential<'a> {
    /// Reads a credential in any of its forms.
    pub fn read(text: &'a str) -> Result<Self, UnusableCredential> {
        let text = text.trim();
        let keys = if text.starts_with('{') {
            serde_json::from_str(text)
                .map_err(|_| UnusableCredential("its JSON needs access_key_id and secret_access_key"))?
        } else if let Some((id, rest)) = text.split_once(':') {
            Keys::of(id, rest)
        } else if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self::ApiKey(text));
        } else {
            return Err(UnusableCredential("it is empty or holds spaces or unusual characters"));
        };
        if keys.are_whole() {
            Ok(Self::Keys(keys))
        } else {
            Err(UnusableCredential("a part of the access key is empty"))
        }
    }
}

impl Keys {
    fn of(id: &str, rest: &str) -> Self {
        let owned = |text: &str| text.trim().to_owned();
        let (secret, session) = match rest.split_once(':') {
            Some((secret, session)) => (secret, Some(owned(session))),
            None => (rest, None),
        };
        Self { access_key_id: owned(id), secret_access_key: owned(secret), session_token: session }
    }

    fn are_whole(&self) -> bool {
        let is_text = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_text(&self.access_key_id)
            && is_text(&self.secret_access_key)
            && self.session_token.as_ref().is_none_or(|token| is_text(token))
    }

    /// What must not be shown; the id of the key is no secret.
    pub fn secrets(&self) -> impl Iterator<Item = Zeroizing<String>> {
        std::iter::once(&self.secret_access_key).chain(&self.session_token).map(|text| Zeroizing::new(text.clone()))
    }
}

/// Signs a request; the region is the one that its host names.
pub(super) fn sign(keys: &Keys, service: &str, outgoing: &mut Outgoing, now: Timestamp) -> Result<(), CallError> {
    let failed = |what: &str| CallError::CredentialUnavailable(format!("the request could not be signed: {what}"));
    let region = region_of(&outgoing.url);
    let identity = Credentials::new(
        keys.access_key_id.as_str(),
        keys.secret_access_key.as_str(),
        keys.session_token.clone(),
        None,
        "provider",
    )
    .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name(service)
        .time(wall_clock(now))
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| failed("a part is missing"))?
        .into();
    let headers = outgoing.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(&outgoing.body);
    let request = SignableRequest::new(outgoing.method.as_str(), outgoing.url.as_str(), headers, body)
        .map_err(|_| failed("its address cannot be read"))?;
    let (instructions, _) = signed(request, &params).map_err(|_| failed("its parts do not fit"))?.into_parts();
    for (name, value) in instructions.headers() {
        let name = HeaderName::try_from(name).map_err(|_| failed("a header has no name"))?;
        let mut value = HeaderValue::try_from(value).map_err(|_| failed("a header cannot be sent"))?;
        value.set_sensitive(true);
        outgoing.headers.insert(name, value);
    }
    Ok(())
}

/// The region in a host such as `bedrock-runtime.eu-west-1.amazonaws.com`.
fn region_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    host.split('.').find(|label| is_region(label)).unwrap_or(USUAL_REGION).to_owned()
}

/// Two letters, one or more words and a number: `us-gov-west-1`.
fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return false };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    first.len() == 2
        && is_word(first)
        && !middle.is_empty()
        && middle.iter().all(is_word)
        && !last.is_empty()
        && last.bytes().all(|byte| byte.is_ascii_digit())
}

fn wall_clock(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0))
}
