//! The command line: the same verbs with and without a running program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use megarouter_tests::client;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider};
use megarouter_tests::program::Install;
use megarouter_tests::setup::Setup;
use megarouter_tests::world::{PROVIDER, World};
use serde_json::json;

fn setup(base_url: &str) -> Setup {
    Setup::new().provider(PROVIDER, base_url).model(DEFAULT_MODEL, &[PROVIDER], "1", "2")
}

/// Applies a file that must be refused and returns why.
fn refused(install: &Install, text: &str) -> String {
    let file = install.scratch("bad.yaml");
    std::fs::write(&file, text).unwrap();
    install.run_refused(&["apply", "-f", file.to_str().unwrap()]).unwrap()
}

#[test]
fn applying_twice_changes_nothing_the_second_time() {
    let install = Install::new().unwrap();
    let setup = setup("http://127.0.0.1:9/v1");
    let first = install.apply(&setup).unwrap();
    assert!(first.contains(PROVIDER) && first.contains(DEFAULT_MODEL), "{first}");
    let second = install.apply(&setup).unwrap();
    assert!(second.to_lowercase().contains("nothing to change"), "{second}");
}

#[test]
fn a_dry_run_shows_the_difference_and_makes_none() {
    let install = Install::new().unwrap();
    let file = install.scratch("setup.yaml");
    std::fs::write(&file, setup("http://127.0.0.1:9/v1").to_text()).unwrap();
    let arguments = ["apply", "-f", file.to_str().unwrap(), "--dry-run"];
    let first = install.run(&arguments).unwrap();
    assert!(first.contains(PROVIDER) && first.contains(DEFAULT_MODEL), "{first}");
    assert_eq!(install.run(&arguments).unwrap(), first, "the dry run changed something");
}

#[test]
fn a_mistake_in_the_file_is_named_and_nothing_of_it_is_applied() {
    let install = Install::new().unwrap();
    let good = "providers:\n  - {name: a, kind: openai_compatible, base_url: \"http://127.0.0.1:9/v1\"}\n";
    let cases = [
        (format!("{good}provider:\n  - {{name: b}}\n"), "provider"),
        ("providers:\n  - {name: a, kind: openai_compatible, base_urls: x}\n".to_owned(), "base_urls"),
        ("providers:\n  - {name: a, kind: no-such-kind}\n".to_owned(), "no-such-kind"),
        (
            format!("{good}models:\n  - {{name: m, deployments: [{{provider: missing, upstream_model: m}}]}}\n"),
            "missing",
        ),
        (format!("{good}models: {{\n"), "line"),
    ];
    for (text, named) in cases {
        let error = refused(&install, &text);
        assert!(error.contains(named), "{named} is not in: {error}");
    }
    let dry = install.run(&["key", "list"]).unwrap();
    assert!(!dry.contains("app"));
}

#[tokio::test]
async fn a_running_program_obeys_an_applied_file_at_once() {
    let world = World::start().await.unwrap();
    let text = world.chat("later").await.unwrap();
    assert_eq!(text.status(), 404);
    let setup = setup(&world.mock.base_url()).model("later", &[PROVIDER], "1", "1");
    world.mock.script("later", megarouter_tests::mock_provider::Script::default());
    world.program.install().apply(&setup).unwrap();
    assert_eq!(world.chat("later").await.unwrap().status(), 200);
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked_alike_running_or_not() {
    let mock = MockProvider::start().await.unwrap();
    let install = Install::new().unwrap();
    install.apply(&setup(&mock.base_url())).unwrap();
    let made_before = install.create_key("made before").unwrap();
    let program = install.start().unwrap();
    let made_running = install.create_key("made running").unwrap();
    let list = install.run(&["key", "list"]).unwrap();
    assert!(list.contains("made before") && list.contains("made running"), "{list}");
    let url = program.url("/v1/chat/completions");
    let status = async |key: &str| {
        let request = client::new().post(&url).bearer_auth(key).json(&client::chat_body(DEFAULT_MODEL));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((status(&made_before).await, status(&made_running).await), (200, 200));
    install.run(&["key", "revoke", "made before"]).unwrap();
    assert_eq!((status(&made_before).await, status(&made_running).await), (401, 200));
    program.stop().unwrap();
    install.run(&["key", "revoke", "made running"]).unwrap();
    let error = install.run_refused(&["key", "revoke", "no such key"]).unwrap();
    assert!(error.contains("no such key"), "{error}");
}

#[tokio::test]
async fn a_second_program_on_the_same_data_is_refused() {
    let world = World::start().await.unwrap();
    let error = world.program.install().run_refused(&["serve", "--proxy-port", "0", "--web-port", "0"]).unwrap();
    assert!(error.contains("in use"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let world = World::start().await.unwrap();
    let port = world.program.proxy().port().to_string();
    let other = Install::new().unwrap();
    let error = other.run_refused(&["serve", "--proxy-port", &port, "--web-port", "0"]).unwrap();
    assert!(error.contains(&port), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_tested_in_place_and_a_wrong_credential_is_named() {
    let world = World::start().await.unwrap();
    let install = world.program.install();
    let good = install.run(&["provider", "test", PROVIDER]).unwrap();
    assert!(good.contains(DEFAULT_MODEL), "{good}");
    world.mock.require_credential("sk-other");
    let error = install.run_refused(&["provider", "test", PROVIDER]).unwrap();
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn secrets_come_from_the_environment_and_are_stored_for_nobody_else_to_read() {
    let mock = MockProvider::start().await.unwrap();
    mock.require_credential("sk-canary-4711");
    let install = Install::new().unwrap();
    let provider = json!({
        "name": PROVIDER, "kind": "openai_compatible", "base_url": mock.base_url(),
        "credential": {"env": "CANARY_KEY"},
    });
    let setup = Setup::new().provider_with(provider).model(DEFAULT_MODEL, &[PROVIDER], "1", "1");
    install.apply(&setup).unwrap();
    let key = install.create_key("app").unwrap();
    let program = install.start_as(&[], &[("CANARY_KEY", "sk-canary-4711")]).unwrap();
    let request = client::new().post(program.url("/v1/chat/completions")).bearer_auth(&key);
    let answer = request.json(&client::chat_body(DEFAULT_MODEL)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    program.stop().unwrap();
    check_privacy(&install.data_folder(), b"sk-canary-4711");
}

fn check_privacy(folder: &Path, canary: &[u8]) {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            check_privacy(&path, canary);
            continue;
        }
        assert_eq!(mode(&path) & 0o077, 0, "{} can be read by others", path.display());
        let bytes = std::fs::read(&path).unwrap_or_default();
        let is_there = bytes.windows(canary.len()).any(|window| window == canary);
        assert!(!is_there, "the credential is in {}", path.display());
    }
}
