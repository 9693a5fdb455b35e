//! The program from outside: the real binary with a data folder of its own.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use megarouter_server::instance::Purpose;
use support::{KEY, Reply, Upstream, Workshop, call, exchange, raw};

const SETUP: &str = "
providers:
- {name: mock, kind: openai_compatible, base_url: 'http://UPSTREAM/v1', credential: {store: {env: MOCK_SECRET}}}
models:
- name: small
  aliases: [fast]
  deployments:
  - {provider: mock, upstream_model: tiny-1, price: {input: 0.5, output: 2}}
keys:
- {name: ci, secret: {env: CI_KEY}}
";

fn chat(model: &str) -> String {
    format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#)
}

#[test]
fn is_ready_when_it_says_so_and_ends_when_asked() {
    let workshop = Workshop::new();
    let running = workshop.serve(&[]);
    assert_eq!(exchange(&running.proxy, "GET", "/healthz", &[], "").status, 200);
    assert_eq!(exchange(&running.proxy, "GET", "/readyz", &[], "").status, 200);
    let ready = running.ready();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["data_dir"], workshop.data_dir().to_str().unwrap());
    assert_eq!(ready["pid"], running.pid());
    assert_eq!(running.stop(), 0);
    assert!(!workshop.data_dir().join("control.sock").exists());
    assert!(!workshop.data_dir().join("ledger.db-wal").exists(), "the stores were closed");
}

#[test]
fn a_second_instance_is_refused_and_the_first_goes_on() {
    let workshop = Workshop::new();
    let running = workshop.serve(&[]);
    let second = workshop.run(&["serve", "--proxy-port", "0", "--web", "false"]);
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains(&format!("process {}", running.pid())), "{}", second.stderr);
    assert_eq!(exchange(&running.proxy, "GET", "/healthz", &[], "").status, 200);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let workshop = Workshop::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let outcome = workshop.run(&["serve", "--proxy-port", &port, "--web", "false"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains(&port) && outcome.stderr.contains("--proxy-port"), "{}", outcome.stderr);
}

#[test]
fn a_configuration_that_cannot_be_used_stops_the_start() {
    let workshop = Workshop::new();
    for weak in ["", "   ", "changeme"] {
        let outcome = workshop.run_with(&["serve"], &[("MEGAROUTER_SECRETS_PASSPHRASE", weak)]);
        assert_eq!(outcome.code, 78, "`{weak}`: {}", outcome.stderr);
    }
    let file = workshop.write("settings.yaml", "proxy:\n  port: 0\n  colour: red\n");
    let outcome = workshop.run(&["serve", "--config", &file]);
    assert_eq!(outcome.code, 78);
    assert!(outcome.stderr.contains("line 3") && outcome.stderr.contains("colour"), "{}", outcome.stderr);
    let outcome = workshop.run(&["serve", "--proxy-host", "0.0.0.0"]);
    assert_eq!(outcome.code, 78);
    assert!(outcome.stderr.contains("--allow-remote"), "{}", outcome.stderr);
}

#[test]
fn nobody_else_can_read_its_files_whatever_the_umask() {
    let workshop = Workshop::new();
    let running = workshop.serve_under_umask_zero();
    let open: Vec<_> = std::fs::read_dir(workshop.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .chain([workshop.data_dir()])
        .filter(|path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077 != 0)
        .collect();
    assert!(open.is_empty(), "{open:?}");
    let socket = std::fs::metadata(workshop.data_dir().join("control.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_long_data_folder_has_a_control_socket_too() {
    let workshop = Workshop::new_in(&"d".repeat(120));
    let running = workshop.serve(&[]);
    let status = workshop.run(&["status", "--json"]);
    assert_eq!(status.code, 0, "{}", status.stderr);
    assert_eq!(status.json()["proxy"]["state"], "running");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_setup_is_applied_once_with_and_without_a_running_instance() {
    let workshop = Workshop::new();
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", "127.0.0.1:9"));
    let dry = workshop.run(&["apply", "-f", &file, "--dry-run"]);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.contains("add provider mock") && dry.stdout.contains("dry run"), "{}", dry.stdout);
    assert_eq!(workshop.run(&["model", "list", "--json"]).json().as_array().unwrap().len(), 0);
    let first = workshop.run(&["apply", "-f", &file]);
    assert!(first.stdout.contains("add model small"), "{}{}", first.stdout, first.stderr);
    let running = workshop.serve(&[]);
    assert_eq!(workshop.run(&["apply", "-f", &file]).stdout, "nothing to change\n");
    let other = workshop.write("other.yaml", "keys:\n- {name: ci, secret: {env: CI_KEY}}\n");
    let pruned = workshop.run(&["apply", "-f", &other, "--prune"]);
    assert!(
        pruned.stdout.contains("remove provider mock") && pruned.stdout.contains("remove model small"),
        "{}",
        pruned.stdout
    );
    assert_eq!(workshop.run(&["model", "list", "--json"]).json().as_array().unwrap().len(), 0);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_wrong_setup_changes_nothing_and_names_its_place() {
    let workshop = Workshop::new();
    let unknown = workshop.write("unknown.yaml", "keys:\n- name: ci\n  secret: {env: CI_KEY}\n  limit: 3\n");
    let outcome = workshop.run(&["apply", "-f", &unknown]);
    assert!(outcome.code == 1 && outcome.stderr.contains("line 4"), "{}", outcome.stderr);
    let unset = workshop.write("unset.yaml", "keys: [{name: ci, secret: {env: NOT_SET_ANYWHERE}}]\n");
    assert!(workshop.run(&["apply", "-f", &unset]).stderr.contains("NOT_SET_ANYWHERE"));
    let half = "keys: [{name: ci, secret: {env: CI_KEY}}]\nmodels: [{name: m, deployments: [{provider: nobody}]}]\n";
    let outcome = workshop.run(&["apply", "-f", &workshop.write("half.yaml", half)]);
    assert!(outcome.code == 1 && outcome.stderr.contains("no provider `nobody`"), "{}", outcome.stderr);
    let keys = workshop.run(&["key", "list", "--json"]).json();
    assert!(keys.as_array().unwrap().iter().all(|key| key["name"] != "ci"), "{keys}");
}

#[test]
fn a_request_is_routed_and_on_the_ledger() {
    let (workshop, upstream) = (Workshop::new(), Upstream::start(Reply::Whole));
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
    let running = workshop.serve(&[]);
    assert_eq!(workshop.run(&["apply", "-f", &file]).code, 0);
    let authorization = [("authorization", format!("Bearer {KEY}")), ("content-type", "application/json".to_owned())];
    let answer = exchange(&running.proxy, "POST", "/v1/chat/completions", &authorization, &chat("fast"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("hello from upstream"), "{}", answer.body);
    let seen = upstream.last_request();
    assert!(seen.contains("Bearer sk-mock-secret-0123456789") && seen.contains("tiny-1"), "{seen}");
    assert!(!seen.contains(KEY), "our key stays here");
    let rows = workshop.until(&["requests", "tail", "--json"], |rows| rows.contains("\"completed\""));
    // 4 x 0.5 + 2 x 2 USD per million tokens.
    assert!(rows.contains("\"amount\":\"6000\""), "{rows}");
    let verified = workshop.run(&["ledger", "verify"]);
    assert!(verified.code == 0 && verified.stdout.contains("0 unexplained"), "{}", verified.stdout);
    assert_eq!(running.stop(), 0);
    let verified = workshop.run(&["ledger", "verify"]);
    assert!(
        verified.stdout.contains(" 0 open holds") && verified.stdout.contains("0 unexplained"),
        "{}",
        verified.stdout
    );
    let log = workshop.log();
    for secret in [KEY, "sk-mock-secret-0123456789"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_refuses_before_calling_and_heals_by_itself() {
    let (workshop, upstream) = (Workshop::new(), Upstream::start(Reply::Whole));
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
    let running = workshop.serve_with_full_disk_errors();
    assert_eq!(workshop.run(&["apply", "-f", &file]).code, 0);
    let authorization = [("authorization", format!("Bearer {KEY}")), ("content-type", "application/json".to_owned())];
    let send = || exchange(&running.proxy, "POST", "/v1/chat/completions", &authorization, &chat("small")).status;
    assert_eq!(send(), 200);
    let ledger_state = |wanted: &str| {
        let wanted = format!("\"ledger\":{{\"state\":\"{wanted}\"");
        workshop.until(&["status", "--json"], |status| status.contains(&wanted));
    };
    let called = upstream.requests();
    // Smaller than the ledger's files are by now, large enough for the shared index beside them.
    running.limit_files_to(Some(40 * 1024));
    assert_eq!(send(), 503, "the first one may reach the provider, and its answer is held back");
    ledger_state("unavailable");
    let reached = upstream.requests();
    assert!(reached - called <= 1);
    assert_eq!(send(), 503);
    assert_eq!(upstream.requests(), reached, "nothing is sent while nothing can be written");
    running.limit_files_to(None);
    ledger_state("ok");
    assert_eq!(send(), 200);
    assert_eq!(running.stop(), 0);
    let verified = workshop.run(&["ledger", "verify"]);
    assert!(
        verified.stdout.contains(" 0 open holds") && verified.stdout.contains("0 unexplained"),
        "{}",
        verified.stdout
    );
}

#[test]
fn stopping_lets_an_open_stream_end() {
    let (workshop, upstream) = (Workshop::new(), Upstream::start(Reply::HeldStream));
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
    let running = workshop.serve(&[]);
    assert_eq!(workshop.run(&["apply", "-f", &file]).code, 0);
    let proxy = running.proxy.clone();
    let (first, has_first) = std::sync::mpsc::channel();
    let client = std::thread::spawn(move || {
        let body = r#"{"model":"small","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
        support::stream(&proxy, "/v1/chat/completions", body, move || first.send(()).unwrap())
    });
    has_first.recv_timeout(Duration::from_secs(20)).unwrap();
    running.terminate();
    running.until_refused();
    upstream.release();
    let answer = client.join().unwrap();
    assert!(answer.contains("data: [DONE]"), "{answer}");
    assert_eq!(running.wait(), 0);
    let verified = workshop.run(&["ledger", "verify"]);
    assert!(
        verified.stdout.contains(" 0 open holds") && verified.stdout.contains("0 unexplained"),
        "{}",
        verified.stdout
    );
}

#[test]
fn a_stream_that_outlasts_the_grace_is_told_so_and_settled() {
    let (workshop, upstream) = (Workshop::new(), Upstream::start(Reply::HeldStream));
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
    let running = workshop.serve(&["--shutdown-grace-seconds", "0"]);
    assert_eq!(workshop.run(&["apply", "-f", &file]).code, 0);
    let body = r#"{"model":"small","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let answer = support::stream(&running.proxy, "/v1/chat/completions", body, || running.terminate());
    assert!(answer.contains("\"code\":\"shutting_down\"") && !answer.contains("[DONE]"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n"), "the end does not look like a proper one: {answer}");
    assert_eq!(running.wait(), 0);
    let verified = workshop.run(&["ledger", "verify"]);
    assert!(
        verified.stdout.contains(" 0 open holds") && verified.stdout.contains("0 unexplained"),
        "{}",
        verified.stdout
    );
    let rows = workshop.run(&["requests", "tail", "--json"]).stdout;
    assert!(rows.contains("\"outcome\":\"client_left\"") || rows.contains("\"outcome\":\"truncated\""), "{rows}");
}

#[test]
fn a_revoked_key_is_refused_at_once() {
    let workshop = Workshop::new();
    let secret = workshop.run(&["key", "create", "app"]).stdout.trim().to_owned();
    let running = workshop.serve(&[]);
    let call = || exchange(&running.proxy, "GET", "/v1/models", &[("authorization", format!("Bearer {secret}"))], "");
    assert_eq!(call().status, 200);
    assert_eq!(workshop.run(&["key", "revoke", "app"]).code, 0);
    assert_eq!(call().status, 401);
    assert_eq!(workshop.run(&["key", "revoke", "app"]).code, 1);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_browser_signs_in_once_per_link() {
    let workshop = Workshop::new();
    let running = workshop.serve(&[]);
    let web = running.web.clone().unwrap();
    let json = [("content-type", "application/json".to_owned())];
    let sign_in = |link: &str| {
        let token = link.trim().split("#signin=").nth(1).unwrap();
        exchange(&web, "POST", "/api/v1/session", &json, &format!(r#"{{"token":"{token}"}}"#))
    };
    assert_eq!(exchange(&web, "GET", "/api/v1/status", &[], "").status, 401);
    let link = running.ready()["signin"].as_str().unwrap().to_owned();
    let session: serde_json::Value = serde_json::from_str(&sign_in(&link).body).unwrap();
    let bearer = [("authorization", format!("Bearer {}", session["session_token"].as_str().unwrap()))];
    assert_eq!(exchange(&web, "GET", "/api/v1/status", &bearer, "").status, 200);
    assert_eq!(sign_in(&link).status, 401);
    assert_eq!(sign_in(&workshop.run(&["signin-link"]).stdout).status, 200);
    let shell = exchange(&web, "GET", "/", &[], "");
    assert!(shell.head.contains("frame-ancestors 'none'") && shell.head.contains("nosniff"), "{}", shell.head);
    assert_eq!(exchange(&web, "POST", "/owner/signin-link", &json, "null").status, 405, "not over TCP");
    let foreign = [("origin", "https://evil.example".to_owned())];
    assert_eq!(exchange(&web, "GET", "/api/v1/status", &foreign, "").status, 403);
    assert_eq!(running.stop(), 0);
}

#[test]
fn only_its_own_names_and_pages_are_answered() {
    let workshop = Workshop::new();
    let running = workshop.serve(&[]);
    let web = running.web.clone().unwrap();
    for address in [&running.proxy, &web] {
        let port = address.rsplit(':').next().unwrap();
        let hosts = [
            String::new(),
            "host: evil.example\r\n".to_owned(),
            format!("host: 127.0.0.1.nip.io:{port}\r\n"),
            format!("host: LOCALHOST:{port}\r\n"),
            format!("host: localhost.:{port}\r\n"),
            format!("host: localhost:{port}\r\nhost: localhost:{port}\r\n"),
        ];
        for (host, line) in hosts.iter().flat_map(|host| {
            let lines = ["GET /v1/models", "GET /healthz", "OPTIONS /", "POST /nowhere", "GET /api/v1/status"];
            lines.map(|line| (host, line))
        }) {
            let answer = raw(address, &format!("{line} HTTP/1.1\r\n{host}\r\n"));
            assert_eq!(answer.status, 421, "{line} {host:?}: {}", answer.body);
        }
        let absolute = format!("GET http://evil.example/ HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n");
        assert_eq!(raw(address, &absolute).status, 421);
        let page =
            |name: &str, value: &str| exchange(address, "GET", "/v1/models", &[(name, value.to_owned())], "").status;
        assert_eq!(page("origin", "null"), 403);
        assert_eq!(page("origin", "https://evil.example"), 403);
        assert_eq!(page("sec-fetch-site", "cross-site"), 403);
    }
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_window_starts_without_a_port_and_takes_another_one() {
    let workshop = Workshop::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    workshop.prefer_port(port);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let change = format!(r#"{{"proxy_port":{free}}}"#);
    workshop.in_process(Purpose::Desktop, async |instance| {
        let status = call(instance, "GET", "/api/v1/status", "").await;
        assert_eq!(status["proxy"]["state"], "failed");
        assert!(status["proxy"]["error"].as_str().unwrap().contains(&port.to_string()), "{status}");
        let settings = call(instance, "PATCH", "/api/v1/settings", &change).await;
        assert_eq!(settings["proxy_port_in_use"], free);
        let status = call(instance, "GET", "/api/v1/status", "").await;
        assert_eq!(status["proxy"]["state"], "running");
        instance.pause(None);
        assert_eq!(call(instance, "GET", "/api/v1/status", "").await["proxy"]["state"], "paused");
        instance.resume();
        assert_eq!(call(instance, "GET", "/api/v1/status", "").await["proxy"]["state"], "running");
    });
}

#[test]
fn the_proxy_moves_to_another_port_without_a_restart() {
    let workshop = Workshop::new();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let first = free();
    workshop.prefer_port(first);
    let running = workshop.serve_at_preferred_port();
    assert!(running.proxy.ends_with(&format!(":{first}")), "{}", running.proxy);
    let target = free();
    let moved = workshop.control("PATCH", "/api/v1/settings", &format!(r#"{{"proxy_port":{target}}}"#));
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert!(moved.body.contains(&format!("\"proxy_port_in_use\":{target}")), "{}", moved.body);
    let healthy = || exchange(&format!("127.0.0.1:{target}"), "GET", "/healthz", &[], "").status == 200;
    assert!(healthy());
    running.until_refused();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = workshop.control("PATCH", "/api/v1/settings", &format!(r#"{{"proxy_port":{port}}}"#));
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(healthy(), "it stays where it was");
    assert_eq!(running.stop(), 0);
}

/// A provider beyond this machine, whose name does not resolve, and one on it.
const NEAR_AND_FAR: &str = "
providers:
- {name: far, kind: openai_compatible, base_url: 'http://models.internal/v1', credential: {store: {env: MOCK_SECRET}}}
- {name: near, kind: openai_compatible, base_url: 'http://NEAR/v1', credential: {store: {env: MOCK_SECRET}}}
models:
- {name: far-1, deployments: [{provider: far}]}
- {name: near-1, deployments: [{provider: near}]}
keys:
- {name: ci, secret: {env: CI_KEY}}
";

#[test]
fn calls_beyond_this_machine_go_through_the_outgoing_proxy() {
    let (workshop, way_out, near) = (Workshop::new(), Upstream::start(Reply::Whole), Upstream::start(Reply::Whole));
    let file = workshop.write("setup.yaml", &NEAR_AND_FAR.replace("NEAR", &near.address));
    assert_eq!(workshop.run(&["apply", "-f", &file]).code, 0);
    let address = format!("http://name:hunter2@{}", way_out.address);
    let through = [("MEGAROUTER_UPSTREAM_PROXY", address.as_str()), ("MEGAROUTER_LOG_LEVEL", "trace")];
    let ask = |running: &support::Running, model: &str| {
        let headers = [("authorization", format!("Bearer {KEY}")), ("content-type", "application/json".to_owned())];
        exchange(&running.proxy, "POST", "/v1/chat/completions", &headers, &chat(model)).status
    };

    let running = workshop.serve_with(&through);
    assert_eq!(ask(&running, "near-1"), 200);
    assert_eq!((near.requests(), way_out.requests()), (1, 0), "this machine is called directly");
    assert_eq!(ask(&running, "far-1"), 200);
    workshop.run(&["provider", "test", "far"]);
    assert_ne!(workshop.run(&["catalogue", "refresh"]).code, 0, "it opens no tunnels");
    let seen = way_out.first_lines();
    assert!(seen[0].starts_with("POST http://models.internal/v1/chat/completions "), "{seen:?}");
    assert!(seen[1].starts_with("GET http://models.internal/v1/models "), "{seen:?}");
    assert!(seen.last().unwrap().starts_with("CONNECT raw.githubusercontent.com:443 "), "{seen:?}");
    assert!(way_out.last_request().to_ascii_lowercase().contains("proxy-authorization: basic "));
    assert_eq!(near.requests(), 1);
    assert_eq!(running.stop(), 0);

    let count = way_out.requests();
    workshop.run_with(&["provider", "test", "far"], &through);
    assert_eq!(way_out.requests(), count + 1, "without a running instance too");

    let unread = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let running = workshop.serve_with(&unread.map(|name| (name, address.as_str())));
    assert_eq!(ask(&running, "far-1"), 502, "its name does not resolve");
    assert_eq!(way_out.requests(), count + 1, "the environment's proxies are not used");
    assert_eq!(running.stop(), 0);
    let log = workshop.log();
    assert!(!log.contains("hunter2") && !log.contains("bmFtZTpodW50ZXIy"), "neither as it is nor as it is sent");
}

#[test]
fn an_outgoing_proxy_that_is_none_stops_the_start_and_is_not_quoted() {
    let workshop = Workshop::new();
    let wrong = [("MEGAROUTER_UPSTREAM_PROXY", "https://name:hunter2@proxy.example:3128")];
    for verb in ["serve", "status"] {
        let outcome = workshop.run_with(&[verb], &wrong);
        assert_eq!(outcome.code, 78, "{}", outcome.stderr);
        assert!(outcome.stderr.contains("upstream.proxy") && !outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
    let help = workshop.run_with(&["serve", "--help"], &wrong).stdout;
    assert!(help.contains("MEGAROUTER_UPSTREAM_PROXY") && !help.contains("hunter2"), "{help}");
}
