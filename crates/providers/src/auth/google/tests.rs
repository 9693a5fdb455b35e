//! With a key that was made for these tests and opens nothing.

use std::sync::atomic::{AtomicUsize, Ordering};

use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_795_356_000_000_000);
const KEY: &str = include_str!("test_key.pem");

/// A service account's file whose tokens are fetched at an address.
pub fn account(token_uri: &str) -> String {
    let file = json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "key-1",
        "private_key": KEY,
        "client_email": "robot@p.iam.gserviceaccount.com",
        "token_uri": token_uri,
    });
    file.to_string()
}

fn base(url: &str) -> BaseUrl {
    BaseUrl::parse(url).unwrap()
}

fn granted(token: &str) -> Granted {
    Granted { access_token: token.to_owned(), expires_in: 3_600 }
}

fn part(assertion: &str, index: usize) -> Value {
    let part = assertion.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn the_assertion_says_who_asks_whom_for_what_and_is_signed() {
    let account = ServiceAccount::read(&account(TOKEN_URI)).unwrap();
    let exchange = account.exchange(&base("https://aiplatform.googleapis.com/v1"), NOW).unwrap();
    assert_eq!(exchange.url.as_str(), TOKEN_URI);
    let (grant, assertion) = exchange.form.split_once("&assertion=").unwrap();
    assert_eq!(grant, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    assert_eq!(part(assertion, 0), json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
    let claims = part(assertion, 1);
    assert_eq!(claims["iss"], "robot@p.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], TOKEN_URI);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3_600);
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = account.key().unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn a_file_cannot_send_its_assertion_elsewhere() {
    let public = base("https://aiplatform.googleapis.com/v1");
    let local = base("http://127.0.0.1:1/v1");
    let asks = |uri: &str, base: &BaseUrl| ServiceAccount::read(&account(uri)).unwrap().exchange(base, NOW).is_ok();
    assert!(asks(TOKEN_URI, &public) && asks(TOKEN_URI, &local));
    assert!(asks("http://127.0.0.1:2/token", &local));
    for elsewhere in ["http://127.0.0.1:2/token", "https://evil.example/token", "https://oauth2.googleapis.com/x", ""] {
        assert!(!asks(elsewhere, &public), "{elsewhere}");
    }
    assert!(!asks("https://evil.example/token", &local));
    assert!(ServiceAccount::read(&account("http://127.0.0.1:2/token")).unwrap().check().is_err());
}

#[test]
fn a_broken_key_is_told_without_quoting_it() {
    let broken = json!({"client_email": "robot", "private_key": "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"});
    let error = ServiceAccount::read(&broken.to_string()).unwrap().check().unwrap_err();
    assert_eq!(error.to_string(), "its private key cannot be read");
}

#[tokio::test]
async fn a_token_is_fetched_once_for_an_hour_less_a_margin() {
    let tokens = Tokens::default();
    let (secret, base) = (account(TOKEN_URI), base("https://aiplatform.googleapis.com/v1"));
    let fetched = AtomicUsize::new(0);
    let ask = |now| {
        tokens.token(&secret, &base, now, |_| async {
            let count = fetched.fetch_add(1, Ordering::SeqCst);
            // Lets the others come while this one is under way.
            tokio::task::yield_now().await;
            Ok(granted(&format!("token-{count}")))
        })
    };
    let (first, second) = tokio::join!(ask(NOW), ask(NOW));
    assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("token-0", "token-0"));
    let last = NOW.plus(Duration::from_secs(55 * 60 - 1));
    assert_eq!(ask(last).await.unwrap().as_str(), "token-0");
    assert_eq!(ask(last.plus(Duration::from_secs(1))).await.unwrap().as_str(), "token-1");
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_accounts_are_kept_apart() {
    let tokens = Tokens::default();
    let base = base("http://127.0.0.1:1/v1");
    let (one, two) = (account(TOKEN_URI), account("http://127.0.0.1:2/token"));
    let refused = tokens.token(&one, &base, NOW, |_| async { Err(CallError::Dns) }).await;
    assert_eq!(refused.unwrap_err(), CallError::Dns);
    for (secret, token) in [(&one, "a"), (&two, "b"), (&one, "a")] {
        let found = tokens.token(secret, &base, NOW, |_| async move { Ok(granted(token)) }).await.unwrap();
        assert_eq!(found.as_str(), token);
    }
}
