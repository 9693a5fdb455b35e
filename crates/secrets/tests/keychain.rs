//! The real keychain: the Secret Service of a session bus of our own.
//!
//! The first test starts a bus and a keyring and runs the ignored ones inside. Where the programs
//! are missing it says so; `MEGAROUTER_REQUIRE_KEYCHAIN=1` makes that a failure.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;
use std::process::Command;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::ProviderId;
use megarouter_domain::secret::Secret;
use megarouter_secrets::{KeySource, Kind, Options, Readiness, Store};

const UNLOCKED: &str =
    r#"printf 'test\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@""#;
const BUS_ONLY: &str = r#"exec "$@""#;

#[test]
fn keeps_secrets_in_an_unlocked_keyring() {
    in_a_session(UNLOCKED, "inside_an_unlocked_keyring");
}

#[test]
fn a_keychain_that_went_away_is_reported_not_replaced() {
    in_a_session(BUS_ONLY, "inside_a_bus_without_keyring");
}

#[tokio::test]
#[ignore = "needs the session that the first test makes"]
async fn inside_an_unlocked_keyring() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert_eq!((store.state().kind, store.state().readiness), (Kind::Keychain, Readiness::Ready));
    assert!(store.get(id()).await.unwrap().is_none());
    store.put(id(), &Secret::new("sk-one".to_owned())).await.unwrap();
    store.put(id(), &Secret::new("sk-two".to_owned())).await.unwrap();
    let again = open(folder.path()).await;
    assert_eq!(again.get(id()).await.unwrap().unwrap().expose(), "sk-two");
    again.delete(id()).await.unwrap();
    again.delete(id()).await.unwrap();
    assert!(again.get(id()).await.unwrap().is_none());
    assert!(!folder.path().join("secrets.enc").exists());
}

#[tokio::test]
#[ignore = "needs the session that the first test makes"]
async fn inside_a_bus_without_keyring() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret-store.json"), r#"{"kind":"keychain"}"#).unwrap();
    let store = open(folder.path()).await;
    assert_eq!(store.state().kind, Kind::Keychain);
    assert_ne!(store.state().readiness, Readiness::Ready);
    assert!(store.get(id()).await.is_err());
    assert!(store.put(id(), &Secret::new("sk-one".to_owned())).await.is_err());
    assert!(!folder.path().join("secrets.enc").exists(), "no fallback behind the user's back");
}

async fn open(folder: &Path) -> Store {
    let options = Options { data_dir: folder.to_owned(), key_source: KeySource::Auto, passphrase: None };
    Store::open(options).await.unwrap()
}

fn id() -> ProviderId {
    ProviderId::new(Timestamp::from_micros(1_000_000), [9; 10])
}

fn in_a_session(script: &str, test: &str) {
    for program in ["dbus-run-session", "gnome-keyring-daemon"] {
        if !is_installed(program) {
            let required = std::env::var_os("MEGAROUTER_REQUIRE_KEYCHAIN").is_some();
            assert!(!required, "{program} is not installed");
            eprintln!("not tested: {program} is not installed");
            return;
        }
    }
    let home = tempfile::tempdir().unwrap();
    let status = Command::new("dbus-run-session")
        .args(["--", "bash", "-c", script, "_"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test, "--nocapture"])
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("DISPLAY")
        .status()
        .unwrap();
    assert!(status.success());
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
