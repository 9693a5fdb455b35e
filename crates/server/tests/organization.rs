//! The organisation and its budgets by the command line, over the real binary.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may")]
#![expect(dead_code, reason = "not every test uses all of the support")]

mod support;

use support::{KEY, Outcome, Reply, Upstream, Workshop, exchange};

const SETUP: &str = "
organization: {name: Acme}
units:
  departments:
  - name: Product
    teams:
    - name: Search
      apps: [crawler]
providers:
- {name: mock, kind: openai_compatible, base_url: 'http://UPSTREAM/v1', credential: {store: {env: MOCK_SECRET}}}
models:
- name: small
  deployments:
  - {provider: mock, upstream_model: tiny-1, price: {input: 0.5, output: 2}}
keys:
- {name: ci, secret: {env: CI_KEY}, owner: {app: crawler}}
";

fn ask(address: &str) -> u16 {
    let headers = [("authorization", format!("Bearer {KEY}")), ("content-type", "application/json".to_owned())];
    let body = r#"{"model":"small","messages":[{"role":"user","content":"hi"}],"max_tokens":10}"#;
    exchange(address, "POST", "/v1/chat/completions", &headers, body).status
}

fn ok(outcome: &Outcome) -> &str {
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    &outcome.stdout
}

#[test]
fn a_budget_by_hand_is_in_force_when_the_verb_ends() {
    let (workshop, upstream) = (Workshop::new(), Upstream::start(Reply::Whole));
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
    let running = workshop.serve(&[]);
    let applied = workshop.run(&["apply", "-f", &file]);
    assert!(ok(&applied).contains("add team Search to department Product"), "{}", applied.stdout);
    assert_eq!(ask(&running.proxy), 200);
    workshop.until(&["requests", "tail", "--json"], |rows| rows.contains("\"completed\""));
    // 4 x 0.5 + 2 x 2 USD per million tokens: 6,000 nano-dollars are used already.
    let set = ["budget", "set", "Search", "--team", "Search", "--amount", "0.000007 USD", "--stop-at", "100"];
    assert_eq!(ok(&workshop.run(&set)), "add budget Search\ndone\n");
    assert_eq!(ok(&workshop.run(&set)), "nothing to change\n");
    assert_eq!(ask(&running.proxy), 429);
    let list = workshop.run(&["budget", "list"]);
    let row = ok(&list).lines().nth(1).unwrap();
    assert!(row.contains("team Search") && row.contains("hard") && row.contains(" 85 "), "{row}");
    let tree = workshop.run(&["unit", "list"]);
    let names: Vec<_> = ok(&tree).lines().map(|line| line.split("  app").next().unwrap_or(line)).collect();
    assert!(names.iter().any(|line| line.starts_with("Acme")), "{}", tree.stdout);
    assert!(tree.stdout.contains("\n    Search") && tree.stdout.contains("85% of $0.000007"), "{}", tree.stdout);
    assert_eq!(ok(&workshop.run(&["budget", "archive", "Search"])), "budget Search is archived\n");
    assert_eq!(ask(&running.proxy), 200);
    let unknown = workshop.run(&["budget", "set", "x", "--team", "Serch", "--amount", "1 USD"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("there is no team `Serch`"), "{}", unknown.stderr);
    assert_eq!(running.stop(), 0);
    let verified = workshop.run(&["ledger", "verify"]);
    assert!(ok(&verified).contains("0 unexplained"), "{}", verified.stdout);
}

#[test]
fn units_are_made_moved_and_archived_without_a_running_instance() {
    let workshop = Workshop::new();
    ok(&workshop.run(&["unit", "add", "team", "Search"]));
    ok(&workshop.run(&["unit", "add", "member", "Ada", "--in", "Search", "--email", "ada@example.com"]));
    ok(&workshop.run(&["unit", "add", "department", "Product"]));
    assert_eq!(ok(&workshop.run(&["unit", "move", "team:Search", "--to", "Product"])), "team Search is moved\n");
    assert_eq!(ok(&workshop.run(&["unit", "rename", "Ada", "Ada L."])), "member Ada L. is renamed\n");
    let refused = workshop.run(&["unit", "archive", "Product"]);
    assert!(refused.code == 1 && refused.stderr.contains("still holds"), "{}", refused.stderr);
    ok(&workshop.run(&["unit", "archive", "Product", "--with-content"]));
    let tree = workshop.run(&["unit", "list", "--json"]).json();
    assert!(tree["units"].as_array().unwrap().iter().all(|unit| unit["archived_at"].is_string()), "{tree}");
    assert_eq!(ok(&workshop.run(&["unit", "restore", "Product"])), "department Product is in use again\n");
    let people = workshop.write("people.csv", "name,email,team\nBob,bob@example.com,Ads\nCleo,cleo,Ads\n");
    let wrong = workshop.run(&["unit", "import", &people]);
    assert!(wrong.code == 1 && wrong.stdout.contains("line 3: Cleo"), "{}", wrong.stdout);
    let people = workshop.write("people.csv", "name,email,team\nBob,bob@example.com,Ads\n");
    assert!(ok(&workshop.run(&["unit", "import", &people])).contains("made 1 members, 1 teams"));
}

#[test]
fn a_name_that_nobody_has_is_told_with_its_line() {
    let workshop = Workshop::new();
    let text = "units:\n  teams:\n  - name: Search\nbudgets:\n- {name: ok, team: Search, amount: 1 USD}\n\
                - name: wrong\n  team: Serch\n  amount: 1 USD\n";
    let outcome = workshop.run(&["apply", "-f", &workshop.write("setup.yaml", text)]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("Line 6: budget `wrong`: there is no team `Serch`"), "{}", outcome.stderr);
    let tree = workshop.run(&["unit", "list", "--json"]).json();
    assert_eq!(tree["units"].as_array().unwrap().len(), 0, "nothing was made");
}
