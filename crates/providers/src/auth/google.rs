//! Tokens for Google's service accounts: a signed assertion is exchanged for a token that lives an
//! hour (RFC 7523; cloud.google.com/docs/authentication, developers.google.com/identity/protocols/oauth2/service-account,
//! read 2026-11-22).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use megarouter_domain::clock::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::UnusableCredential;
use crate::address::BaseUrl;
use crate::errors::CallError;

/// The one place where Google exchanges assertions for tokens. The file names it too, but a file
/// from elsewhere must not decide where a signed assertion goes.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// What a token allows: everything that the account may do in Google Cloud, which its roles bound.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// How long an assertion asks for, the most that Google allows.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// How long before its end a token is replaced, so that no call carries one that ends on its way.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// How many accounts are remembered; more than an organisation has.
const MOST_ACCOUNTS: usize = 256;

/// A service account's key, as its JSON file says.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct ServiceAccount {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: Option<String>,
    #[serde(default = "usual_token_uri")]
    token_uri: String,
}

/// The tokens at hand, by account.
#[derive(Default)]
pub(crate) struct Tokens {
    accounts: Mutex<HashMap<Account, Slot>>,
}

/// An account, known by the digest of its file.
type Account = [u8; 32];

/// An account's token; the lock is held while one is fetched, so that only one is.
type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

struct Token {
    text: Zeroizing<String>,
    replaced_at: Timestamp,
}

/// What is posted, and where, to get a token.
pub(crate) struct Exchange {
    pub url: Url,
    pub form: Zeroizing<String>,
}

/// What Google answers.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Granted {
    access_token: String,
    expires_in: u64,
}

/// What Google answers when it refuses.
#[derive(Deserialize)]
pub(crate) struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl ServiceAccount {
    /// Reads a service account's file.
    pub fn read(text: &str) -> Result<Self, UnusableCredential> {
        serde_json::from_str(text).map_err(|_| {
            UnusableCredential("it is not a service account's JSON file with client_email and private_key")
        })
    }

    /// Checks that it can sign, and asks for its tokens at Google.
    pub fn check(&self) -> Result<(), UnusableCredential> {
        if self.token_uri != TOKEN_URI {
            return Err(UnusableCredential("its token_uri is not Google's"));
        }
        self.key().map(drop)
    }

    /// What to post for a token. A provider on this machine may have a token service beside it.
    fn exchange(&self, base: &BaseUrl, now: Timestamp) -> Result<Exchange, UnusableCredential> {
        let unusable = UnusableCredential("its token_uri is not Google's");
        let url = if self.token_uri == TOKEN_URI {
            Url::parse(TOKEN_URI).map_err(|_| unusable)?
        } else {
            BaseUrl::parse(&self.token_uri)
                .ok()
                .filter(|own| own.is_on_this_machine() && base.is_on_this_machine())
                .and_then(|own| Url::parse(own.as_str()).ok())
                .ok_or(unusable)?
        };
        let assertion = self.assertion(now)?;
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        let form = Zeroizing::new(format!("grant_type={grant}&assertion={}", assertion.as_str()));
        Ok(Exchange { url, form })
    }

    fn assertion(&self, now: Timestamp) -> Result<Zeroizing<String>, UnusableCredential> {
        let header = Header { alg: "RS256", typ: "JWT", kid: self.private_key_id.as_deref() };
        let (iat, exp) = (now.as_seconds(), now.plus(LIFETIME).as_seconds());
        let claims = Claims { iss: &self.client_email, scope: SCOPE, aud: &self.token_uri, iat, exp };
        let mut text = Zeroizing::new(format!("{}.{}", encoded(&header)?, encoded(&claims)?));
        let key = self.key()?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| UnusableCredential("its private key cannot sign"))?;
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(text)
    }

    fn key(&self) -> Result<RsaKeyPair, UnusableCredential> {
        let unusable = UnusableCredential("its private key cannot be read");
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.private_key.as_bytes()).map_err(|_| unusable.clone())?;
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| unusable)
    }
}

impl Tokens {
    /// The token of an account: the one at hand, or the one that `fetch` gets. Calls that come while
    /// one is fetched wait for it; when it fails the next one asks again.
    ///
    /// # Errors
    /// When the account cannot sign, or no token came.
    pub async fn token<F>(
        &self,
        secret: &str,
        base: &BaseUrl,
        now: Timestamp,
        fetch: impl FnOnce(Exchange) -> F,
    ) -> Result<Zeroizing<String>, CallError>
    where
        F: Future<Output = Result<Granted, CallError>>,
    {
        let slot = self.slot(Sha256::digest(secret.as_bytes()).into());
        let mut token = slot.lock().await;
        if let Some(token) = token.as_ref().filter(|token| now < token.replaced_at) {
            return Ok(token.text.clone());
        }
        let exchange = ServiceAccount::read(secret)?.exchange(base, now)?;
        let granted = fetch(exchange).await?;
        let text = Zeroizing::new(granted.access_token.clone());
        let replaced_at = now.plus(Duration::from_secs(granted.expires_in).saturating_sub(MARGIN));
        *token = Some(Token { text: text.clone(), replaced_at });
        Ok(text)
    }

    fn slot(&self, account: Account) -> Slot {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= MOST_ACCOUNTS && !accounts.contains_key(&account) {
            accounts.clear();
        }
        Arc::clone(accounts.entry(account).or_default())
    }
}

impl Refused {
    /// What Google said, for a person; cut to 200 characters.
    pub fn in_words(&self) -> String {
        let plain = |text: &str| -> String { text.chars().filter(|letter| !letter.is_control()).take(200).collect() };
        format!("Google refused the service account: {} {}", plain(&self.error), plain(&self.error_description))
            .trim_end()
            .to_owned()
    }
}

fn usual_token_uri() -> String {
    TOKEN_URI.to_owned()
}

fn encoded(part: &impl Serialize) -> Result<String, UnusableCredential> {
    let json = serde_json::to_vec(part).map_err(|_| UnusableCredential("its members cannot be written"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
pub(crate) mod tests;
