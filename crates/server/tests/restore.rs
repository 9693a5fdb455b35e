//! The restore drill: a copy made under load brings everything back that it holds.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use support::{KEY, Reply, Upstream, Workshop, exchange};

const SETUP: &str = "
providers:
- {name: mock, kind: openai_compatible, base_url: 'http://UPSTREAM/v1', credential: {env: MOCK_SECRET}}
models:
- name: small
  deployments:
  - {provider: mock, upstream_model: tiny-1, price: {input: 0.5, output: 2}}
keys:
- {name: ci, secret: {env: CI_KEY}}
";
const PASSPHRASE: (&str, &str) = ("MEGAROUTER_BACKUP_PASSPHRASE", "correct horse battery staple");

fn chat(proxy: &str) -> u16 {
    let body = r#"{"model":"small","messages":[{"role":"user","content":"hi"}]}"#;
    let headers = [("authorization", format!("Bearer {KEY}")), ("content-type", "application/json".to_owned())];
    exchange(proxy, "POST", "/v1/chat/completions", &headers, body).status
}

fn set_up(workshop: &Workshop, upstream: &Upstream) {
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
    assert_eq!(workshop.run(&["apply", "-f", &file]).code, 0);
}

/// The copies, oldest first.
fn copies(workshop: &Workshop) -> Vec<PathBuf> {
    let mut copies: Vec<_> =
        std::fs::read_dir(workshop.data_dir().join("backups")).unwrap().map(|file| file.unwrap().path()).collect();
    copies.sort();
    copies
}

/// What the ledger holds, as lines of JSON.
fn entries(workshop: &Workshop) -> Vec<String> {
    let exported = workshop.run(&["ledger", "export", "entries"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    exported.stdout.lines().map(str::to_owned).collect()
}

fn remove_ledger(workshop: &Workshop) {
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        // The last two are there only after an unclean end.
        let _ = std::fs::remove_file(workshop.data_dir().join(file));
    }
}

#[test]
fn a_copy_made_under_load_brings_back_what_it_holds_after_everything_was_lost() {
    for environment in [&[][..], &[PASSPHRASE]] {
        let workshop = Workshop::new();
        let upstream = Upstream::start(Reply::Whole);
        set_up(&workshop, &upstream);
        let running = workshop.serve_with(environment);
        let is_over = AtomicBool::new(false);
        let proxy = running.proxy.as_str();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        assert_eq!(chat(proxy), 200);
                    }
                });
            }
            let copied = workshop.run(&["ledger", "backup"]);
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(copied.code, 0, "{}", copied.stderr);
            assert!(copied.stdout.contains("read back"), "{}", copied.stdout);
        });
        let before = entries(&workshop);
        drop(running);
        let copy = copies(&workshop).pop().unwrap();
        assert_eq!(copy.extension().unwrap() == "sealed", !environment.is_empty(), "{}", copy.display());
        remove_ledger(&workshop);

        let copy = copy.to_str().unwrap();
        if !environment.is_empty() {
            let refused = workshop.run(&["ledger", "restore", copy]);
            assert!(refused.code == 1 && refused.stderr.contains("MEGAROUTER_BACKUP_PASSPHRASE"), "{}", refused.stderr);
        }
        let restored = workshop.run_with(&["ledger", "restore", copy], environment);
        assert_eq!(restored.code, 0, "{}{}", restored.stdout, restored.stderr);
        let verified = workshop.run(&["ledger", "verify"]);
        assert!(verified.stdout.contains("0 unexplained"), "{}{}", verified.stdout, verified.stderr);
        let after = entries(&workshop);
        assert!(!after.is_empty() && after.len() <= before.len());
        assert_eq!(after[..], before[..after.len()], "the same entries up to the watermark");

        let running = workshop.serve_with(environment);
        assert_eq!(chat(&running.proxy), 200);
        assert_eq!(running.stop(), 0);
        let verified = workshop.run(&["ledger", "verify"]);
        assert!(verified.stdout.contains("0 unexplained"), "{}{}", verified.stdout, verified.stderr);
    }
}

#[test]
fn restoring_and_repairing_need_the_instance_stopped() {
    let workshop = Workshop::new();
    let running = workshop.serve(&[]);
    assert_eq!(workshop.run(&["ledger", "backup"]).code, 0);
    let copy = copies(&workshop).pop().unwrap();
    for verb in [&["ledger", "restore", copy.to_str().unwrap()][..], &["ledger", "repair"]] {
        let refused = workshop.run(verb);
        assert!(refused.code == 1 && refused.stderr.contains("stop it first"), "{}", refused.stderr);
    }
    assert_eq!(running.stop(), 0);
    let kept = workshop.run(&["ledger", "restore", copy.to_str().unwrap()]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
}

#[test]
fn only_so_many_copies_are_kept() {
    let workshop = Workshop::new();
    for _ in 0..4 {
        let copied = workshop.run_with(&["ledger", "backup"], &[("MEGAROUTER_BACKUP_KEEP", "2")]);
        assert_eq!(copied.code, 0, "{}", copied.stderr);
    }
    assert!(copies(&workshop).len() <= 2);
}
