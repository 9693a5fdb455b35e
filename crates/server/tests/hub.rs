//! Nodes of a hub from outside: the real binary, real PostgreSQL.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may")]

#[path = "../../../tests/src/postgres.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod postgres;
#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::time::{Duration, Instant};

use postgres::{PASSWORD, Postgres};
use support::{Answer, KEY, Reply, Running, Upstream, Workshop, exchange};

const SETUP: &str = "
providers:
- {name: mock, kind: openai_compatible, base_url: 'http://UPSTREAM/v1', credential: {env: MOCK_SECRET}}
models:
- name: small
  deployments:
  - {provider: mock, upstream_model: tiny-1, max_output_tokens: 100, price: {input: 0.5, output: 2}}
keys:
- {name: ci, secret: {env: CI_KEY}}
";
const PATIENCE: Duration = Duration::from_secs(20);
/// The promise: settings and revocations reach every node so soon.
const SETTINGS_WITHIN: Duration = Duration::from_secs(5);

/// A node with a folder of its own, at a database.
struct Node {
    workshop: Workshop,
    url: String,
}

impl Node {
    fn new(url: &str) -> Self {
        Self { workshop: Workshop::new(), url: url.to_owned() }
    }

    fn start(&self, name: &str) -> Running {
        self.workshop.serve_with(&[("MEGAROUTER_DATABASE_URL", &self.url), ("MEGAROUTER_NODE_NAME", name)])
    }

    fn set_up(&self, upstream: &Upstream) {
        let file = self.workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
        let applied = self.workshop.run(&["apply", "-f", &file]);
        assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    }

    /// Limits the requests of a day, of everybody or of one key.
    fn limit_requests(&self, limit: u32, key_id: Option<&str>) {
        let scope =
            key_id.map_or(r#"{"kind":"organization"}"#.to_owned(), |id| format!(r#"{{"kind":"key","id":"{id}"}}"#));
        let budget = format!(
            r#"{{"scope":{scope},"measure":"requests","limit":"{limit}","period":{{"kind":"day"}},
                "ladder":[{{"at_percent":100,"basis":"actual","action":"stop"}}]}}"#
        );
        let answer = self.workshop.control("POST", "/api/v1/budgets", &budget);
        assert!(answer.status < 300, "{} {}", answer.status, answer.body);
    }

    fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.workshop.control("GET", "/api/v1/nodes", "").body).unwrap()
    }
}

fn chat(running: &Running, key: &str) -> Answer {
    let body = r#"{"model":"small","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}"#;
    let headers = [("authorization", format!("Bearer {key}")), ("content-type", "application/json".to_owned())];
    exchange(&running.proxy, "POST", "/v1/chat/completions", &headers, body)
}

/// Tries again until it is so; gives how long that took.
fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::yield_now();
    }
    start.elapsed()
}

#[test]
fn what_one_node_changes_holds_on_the_other() {
    let url = Postgres::shared().database();
    let upstream = Upstream::start(Reply::Whole);
    let (one, two) = (Node::new(&url), Node::new(&url));
    let (first, second) = (one.start("one"), two.start("two"));
    one.set_up(&upstream);
    let took = until("the key works on the other node", || chat(&second, KEY).status == 200);
    assert!(took < SETTINGS_WITHIN, "{took:?}");
    assert_eq!(chat(&first, KEY).status, 200);
    assert_eq!(two.workshop.run(&["key", "revoke", "ci"]).code, 0);
    let took = until("the key is refused on the other node", || chat(&first, KEY).status == 401);
    assert!(took < SETTINGS_WITHIN, "{took:?}");
    let status = one.workshop.run(&["ledger", "status"]);
    assert!(status.code == 0 && status.stdout.contains("two"), "{}{}", status.stdout, status.stderr);
    let released = one.workshop.run(&["ledger", "release-node", "two"]);
    assert!(released.code == 1 && released.stderr.contains("alive"), "{}{}", released.stdout, released.stderr);
    let log = one.workshop.log() + &two.workshop.log();
    assert!(!log.contains(PASSWORD) && !log.contains("postgres://"), "{log}");
    assert_eq!((first.stop(), second.stop()), (0, 0));
}

#[test]
fn nodes_share_a_budget_to_the_last_request_and_give_back_what_they_do_not_use() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let database = url.rsplit('/').next().unwrap();
    let upstream = Upstream::start(Reply::Whole);
    let (one, two) = (Node::new(&url), Node::new(&url));
    let (first, second) = (one.start("one"), two.start("two"));
    one.set_up(&upstream);
    until("the key works", || chat(&second, KEY).status == 200);
    let before = upstream.requests();
    one.limit_requests(60 + u32::try_from(before).unwrap(), None);
    until("the budget holds on the other node", || {
        two.workshop.control("GET", "/api/v1/budgets", "").body.contains("\"requests\"")
    });
    for _ in 0..10 {
        assert_eq!(chat(&first, KEY).status, 200);
    }
    assert_eq!(first.stop(), 0, "it gives back what it has not used");
    let granted = || postgres.sql(database, "SELECT coalesce(sum(amount), 0) FROM grants");
    until("the grants are what was used", || granted().parse::<usize>().unwrap() <= before + 10 + 5);
    let mut admitted = 0;
    until("the budget is used up", || {
        let status = chat(&second, KEY).status;
        admitted += usize::from(status == 200);
        status == 429
    });
    assert_eq!(admitted, 50, "the other node has all the rest");
    assert_eq!(upstream.requests(), before + 60);
    let again = one.start("one");
    assert_eq!(chat(&again, KEY).status, 429, "a node that comes back has no budget of its own");
    for node in [&one, &two] {
        let verified = node.workshop.run(&["ledger", "verify"]);
        assert!(verified.stdout.contains("0 unexplained"), "{}{}", verified.stdout, verified.stderr);
    }
    assert_eq!((again.stop(), second.stop()), (0, 0));
}

#[test]
fn a_node_serves_on_and_starts_while_its_hub_is_away() {
    let postgres = Postgres::start();
    let url = postgres.database();
    let upstream = Upstream::start(Reply::Whole);
    let node = Node::new(&url);
    let running = node.start("one");
    node.set_up(&upstream);
    let other = node.workshop.run(&["key", "create", "free", "--json"]).json();
    let free = other["secret"].as_str().unwrap().to_owned();
    let keys: serde_json::Value = node.workshop.run(&["key", "list", "--json"]).json();
    let id = keys.as_array().unwrap().iter().find(|key| key["name"] == "ci").unwrap()["id"].as_str().unwrap();
    node.limit_requests(1_000, Some(id));
    assert_eq!(chat(&running, KEY).status, 200);
    postgres.control(&["stop", "-m", "fast"]);
    for key in [KEY, &free] {
        assert_eq!(chat(&running, key).status, 200, "grants that it has are spent, and other keys need none");
    }
    assert_eq!(node.workshop.run(&["status", "--json"]).code, 0);
    assert_eq!(running.stop(), 0);

    let running = node.start("one");
    assert_eq!(exchange(&running.proxy, "GET", "/readyz", &[], "").status, 200, "it has a copy of its settings");
    assert_eq!(chat(&running, &free).status, 200);
    let refused = chat(&running, KEY);
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.body.contains("budget.unavailable") && refused.head.contains("retry-after"), "{}", refused.head);
    postgres.control(&["start", "-w"]);
    until("the hub is heard again", || chat(&running, KEY).status == 200);
    until("everything is shipped", || node.status()["this"]["lag"] == 0);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_node_that_never_reached_its_hub_says_so_and_refuses_no_key() {
    let postgres = Postgres::start();
    let url = postgres.database();
    postgres.control(&["stop", "-m", "fast"]);
    let upstream = Upstream::start(Reply::Whole);
    let node = Node::new(&url);
    let running = node.start("one");
    assert_eq!(exchange(&running.proxy, "GET", "/healthz", &[], "").status, 200);
    for answer in [exchange(&running.proxy, "GET", "/readyz", &[], ""), chat(&running, KEY)] {
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains("has not reached the database"), "{}", answer.body);
    }
    postgres.control(&["start", "-w"]);
    until("it is ready", || exchange(&running.proxy, "GET", "/readyz", &[], "").status == 200);
    node.set_up(&upstream);
    assert_eq!(chat(&running, KEY).status, 200);
    assert_eq!(running.stop(), 0);
}

#[test]
fn only_a_server_takes_the_address_of_a_database() {
    let node = Node::new(&format!("postgres://mr:{PASSWORD}@127.0.0.1:9/mr"));
    let outcome = node.workshop.run_with(&["key", "list"], &[("MEGAROUTER_DATABASE_URL", &node.url)]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("serve"), "{}", outcome.stderr);
    let wrong =
        node.workshop.run_with(&["serve"], &[("MEGAROUTER_DATABASE_URL", &node.url.replace("postgres", "mysql"))]);
    assert_eq!(wrong.code, 78);
    assert!(wrong.stderr.contains("hub.database_url"), "{}", wrong.stderr);
    for text in [outcome.stderr, wrong.stderr] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

#[test]
fn credentials_are_never_stored_for_all_nodes() {
    let url = Postgres::shared().database();
    let node = Node::new(&url);
    let running = node.start("one");
    let setup = SETUP.replace("UPSTREAM", "127.0.0.1:9").replace("{env: MOCK_SECRET}", "{store: {env: MOCK_SECRET}}");
    let file = node.workshop.write("stored.yaml", &setup);
    let refused = node.workshop.run(&["apply", "-f", &file]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("environment variable"), "{}", refused.stderr);
    assert_eq!(running.stop(), 0);
}
