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

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use ring::{digest, hmac};

    use super::*;

    const KEYS: &str = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn signed_headers(keys: &str, method: Method, url: &str, body: &'static str, service: &str) -> HeaderMap {
        let AwsCredential::Keys(keys) = AwsCredential::read(keys).ok().unwrap() else { panic!("no keys") };
        let (url, headers) = (Url::parse(url).unwrap(), HeaderMap::new());
        let mut outgoing = Outgoing { method, url, headers, body: body.into() };
        let now = Timestamp::parse_rfc3339("2015-08-30T12:36:00Z").unwrap();
        sign(&keys, service, &mut outgoing, now).unwrap();
        outgoing.headers
    }

    /// `get-vanilla` and `post-vanilla` of the test suite that AWS publishes for Signature Version 4
    /// (docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html).
    #[test]
    fn signs_as_awss_published_vectors_say() {
        let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature=";
        for (method, signature) in [
            (Method::GET, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (Method::POST, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            let headers = signed_headers(KEYS, method, "https://example.amazonaws.com/", "", "service");
            assert_eq!(headers["authorization"].to_str().unwrap(), format!("{scope}{signature}"));
            assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        }
    }

    /// A model's id has a colon, which is encoded once in the path and once more to be signed.
    #[test]
    fn signs_the_path_and_the_body_of_a_model() {
        let url = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/nova%3A0/converse";
        let headers = signed_headers(KEYS, Method::POST, url, "{}", "bedrock");
        let hash = hex(digest::digest(&digest::SHA256, b"{}").as_ref());
        let host = "bedrock-runtime.eu-west-1.amazonaws.com";
        let request = format!(
            "POST\n/model/nova%253A0/converse\n\nhost:{host}\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n{hash}"
        );
        let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
        let scope = "20150830/eu-west-1/bedrock/aws4_request";
        let text = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{request}");
        let secret = "AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".as_bytes().to_vec();
        let key = scope.split('/').fold(secret, |key, part| mac(&key, part));
        let signature = hex(&mac(&key, &text));
        assert!(headers["authorization"].to_str().unwrap().ends_with(&signature));
    }

    #[test]
    fn temporary_keys_sign_their_token_too_and_nothing_is_printed() {
        let keys = format!("{KEYS}:canary-session");
        let headers = signed_headers(&keys, Method::GET, "https://bedrock.eu-west-1.amazonaws.com/x", "", "bedrock");
        assert_eq!(headers["x-amz-security-token"], "canary-session");
        assert!(headers["authorization"].to_str().unwrap().contains("host;x-amz-date;x-amz-security-token"));
        assert!(!format!("{headers:?}").contains("canary"));
    }

    #[test]
    fn credentials_are_read_in_every_form() {
        for keys in [
            "id:secret:session",
            r#"{"access_key_id":"id","secret_access_key":"secret","session_token":"session"}"#,
            r#"{"AccessKeyId":"id","SecretAccessKey":"secret","SessionToken":"session","Expiration":"2030"}"#,
        ] {
            let AwsCredential::Keys(keys) = AwsCredential::read(keys).ok().unwrap() else { panic!("{keys}") };
            let session = keys.session_token.as_deref();
            assert_eq!((keys.access_key_id.as_str(), keys.secret_access_key.as_str()), ("id", "secret"));
            assert_eq!(session, Some("session"));
        }
        assert!(matches!(AwsCredential::read("ABSKx"), Ok(AwsCredential::ApiKey("ABSKx"))));
        for bad in ["", "id:", ":secret", "id:secret:", "a b", "{}", "{", r#"{"access_key_id":"id"}"#] {
            assert!(AwsCredential::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_region_is_the_hosts() {
        let region = |host: &str| region_of(&Url::parse(&format!("https://{host}/")).unwrap());
        assert_eq!(region("bedrock-runtime.ap-southeast-2.amazonaws.com"), "ap-southeast-2");
        assert_eq!(region("bedrock-runtime-fips.us-gov-west-1.amazonaws.com"), "us-gov-west-1");
        assert_eq!(region("vpce-1a-2b.bedrock-runtime.eu-central-1.vpce.amazonaws.com"), "eu-central-1");
        assert_eq!(region("bedrock-mantle.us-west-2.api.aws"), "us-west-2");
        assert_eq!(region("localhost"), "us-east-1");
    }

    fn mac(key: &[u8], text: &str) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
