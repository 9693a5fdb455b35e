//! How providers in trouble are left alone, asked again and stood in for.

mod kit;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use kit::{
    ANSWER, DONE, HELLO, KEY, Kit, Play, ROLE, STOP, Setup, USAGE, Upstream, budget, chat, credential_id, events,
    gateway, json, read, set_up,
};
use megarouter_domain::code::Code;
use megarouter_domain::permille::Permille;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Outcome;
use megarouter_gateway::Limits;
use megarouter_ledger::entry::Resolution;
use megarouter_routing::health::{Condition, State};

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const WHOLE: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// How long a deployment rests after its first failures.
const REST: Duration = Duration::from_secs(5);

fn complete() -> Play {
    Play::Close(events(&[ROLE, HELLO, STOP, USAGE, DONE]))
}

fn whole() -> Play {
    Play::Close(json(200, ANSWER))
}

fn broken() -> Play {
    Play::Close(json(500, "{}"))
}

/// An answer without a body of any use, with a header more.
fn with_header(status: u16, header: &str, body: &str) -> Play {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{header}\r\ncontent-length: {length}\r\n");
    Play::Close(format!("{head}connection: close\r\n\r\n{body}").into())
}

async fn ask(kit: &Kit) -> u16 {
    read(kit.gateway.serve(chat(KEY, WHOLE)).await).await.0
}

/// How the deployment at a place is doing.
fn condition(kit: &Kit, place: usize) -> Condition {
    kit.gateway.look_around(|table, around| {
        let served = &table.served()[place];
        around.health.condition(served.deployment_id(), served.provider_id(), &served.credentials, 0, around.now)
    })
}

fn impatient() -> Limits {
    let mut limits = Limits::default();
    limits.plan.base_wait = Duration::ZERO;
    limits
}

#[tokio::test]
async fn a_dying_provider_is_left_alone_until_one_request_finds_that_it_works_again() {
    let mut script = vec![broken(); 3];
    script.extend([Play::Wait(vec![], json(200, ANSWER)), whole()]);
    let mut dying = Upstream::start(script).await;
    let other = Upstream::start(vec![whole()]).await;
    let kit = gateway(&[&dying, &other], Limits::default());
    for _ in 0..6 {
        assert_eq!(ask(&kit).await, 200);
    }
    assert_eq!((dying.seen().requests.len(), other.seen().requests.len()), (3, 6), "after three failures it rests");
    kit.pass(REST);
    let gateway = Arc::clone(&kit.gateway);
    let probe = tokio::spawn(async move { read(gateway.serve(chat(KEY, WHOLE)).await).await.0 });
    dying.until(|seen| seen.requests.len() == 4).await;
    for _ in 0..3 {
        assert_eq!(ask(&kit).await, 200);
    }
    assert_eq!((dying.seen().requests.len(), other.seen().requests.len()), (4, 9), "one at a time finds out");
    dying.release();
    assert_eq!(probe.await.unwrap(), 200);
    assert_eq!(ask(&kit).await, 200);
    assert_eq!(dying.seen().requests.len(), 5, "it is back");
}

#[tokio::test]
async fn the_only_provider_is_asked_even_while_it_rests() {
    let upstream = Upstream::start(vec![broken(), broken(), broken(), whole()]).await;
    let mut limits = impatient();
    limits.plan.max_attempts = 1;
    let kit = gateway(&[&upstream], limits);
    for _ in 0..3 {
        assert_eq!(ask(&kit).await, 502);
    }
    assert!(matches!(condition(&kit, 0).state, State::Resting(_)));
    assert_eq!(ask(&kit).await, 200);
    assert_eq!(condition(&kit, 0).state, State::Ready);
}

#[tokio::test]
async fn what_is_nobodys_fault_rests_nobody() {
    let wrong = r#"{"error":{"message":"max_tokens is too large","type":"invalid_request_error","param":"max_tokens","code":null}}"#;
    let upstream = Upstream::start(vec![Play::Close(json(400, wrong))]).await;
    let other = Upstream::start(vec![whole()]).await;
    let kit = gateway(&[&upstream, &other], Limits::default());
    for _ in 0..6 {
        assert_eq!(ask(&kit).await, 400);
    }
    assert_eq!(condition(&kit, 0), Condition { last_call: 6, ..Condition::default() });
    let spent = set_up(&[&upstream], Setup { budgets: vec![budget(1)], ..Setup::default() });
    for _ in 0..6 {
        assert_eq!(ask(&spent).await, 429);
    }
    let condition = condition(&spent, 0);
    assert_eq!((condition.state, condition.availability, condition.in_flight), (State::Ready, None, 0));
}

#[tokio::test]
async fn a_client_that_leaves_says_nothing_of_the_provider() {
    let mut upstream = Upstream::start(vec![Play::Hang(events(&[ROLE, HELLO]))]).await;
    let kit = gateway(&[&upstream], Limits::default());
    for count in 1..=4 {
        let mut body = kit.gateway.serve(chat(KEY, STREAM)).await.into_body();
        body.frame().await.expect("a first word").expect("the connection holds");
        assert_eq!(condition(&kit, 0).in_flight, 1);
        drop(body);
        upstream.until(|seen| seen.hung_up == count).await;
    }
    let condition = condition(&kit, 0);
    assert_eq!((condition.state, condition.availability, condition.in_flight), (State::Ready, None, 0));
}

#[tokio::test]
async fn what_is_served_tells_how_quick_and_how_reliable_a_provider_is() {
    let upstream = Upstream::start(vec![complete(), broken(), complete()]).await;
    let kit = gateway(&[&upstream], impatient());
    for _ in 0..2 {
        assert_eq!(read(kit.gateway.serve(chat(KEY, STREAM)).await).await.0, 200);
    }
    let condition = condition(&kit, 0);
    assert_eq!(condition.availability.map(Permille::get), Some(666));
    assert!(condition.first_output.is_some_and(|time| time < Duration::from_secs(5)));
    assert_eq!(condition.in_flight, 0);
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_stood_in_for_and_costs_nothing() {
    let mut gone = Upstream::start(vec![whole()]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    gone.base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let other = Upstream::start(vec![whole()]).await;
    let mut kit = gateway(&[&gone, &other], Limits::default());
    assert_eq!(ask(&kit).await, 200);
    let record = kit.journal.record().await;
    assert_eq!((record.attempts.len(), record.attempts[0].error), (2, Some(Code::UpstreamUnreachable)));
    let resolutions = kit.journal.resolutions();
    assert!(matches!(resolutions[..], [Resolution::Voided, Resolution::Settled { .. }]), "{resolutions:?}");
    assert_eq!(
        (kit.gateway.books().open_holds(), record.cost),
        (0, Cost::Exact(megarouter_domain::money::NanoUsd(20_000)))
    );
}

#[tokio::test]
async fn a_provider_that_does_not_begin_is_closed_and_may_have_been_paid() {
    let mut slow = Upstream::start(vec![Play::Hang(vec![])]).await;
    let other = Upstream::start(vec![complete()]).await;
    let limits = Limits { first_output: Duration::from_millis(100), ..Limits::default() };
    let mut kit = gateway(&[&slow, &other], limits);
    assert_eq!(read(kit.gateway.serve(chat(KEY, STREAM)).await).await.0, 200);
    slow.until(|seen| seen.hung_up == 1).await;
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.attempts[0].error), (Outcome::Completed, Some(Code::UpstreamTimeout)));
    let resolutions = kit.journal.resolutions();
    assert!(matches!(resolutions[..], [Resolution::Uncertain { .. }, Resolution::Settled { .. }]), "{resolutions:?}");
    assert!(matches!(record.cost, Cost::Estimated(_)), "what may have been billed is on the record");
}

#[tokio::test]
async fn attempts_are_bounded_over_all_fallbacks() {
    let limited = || vec![with_header(429, "retry-after: 0", "{}")];
    let mut upstreams = Vec::new();
    for _ in 0..6 {
        upstreams.push(Upstream::start(limited()).await);
    }
    let mut kit = gateway(&upstreams.iter().collect::<Vec<_>>(), impatient());
    assert_eq!(ask(&kit).await, 429);
    let calls: usize = upstreams.iter().map(|upstream| upstream.seen().requests.len()).sum();
    assert_eq!((calls, kit.journal.record().await.attempts.len()), (4, 4));
}

#[tokio::test]
async fn a_provider_in_trouble_is_not_asked_again_by_every_request() {
    const REQUESTS: usize = 100;
    let upstream = Upstream::start(vec![broken()]).await;
    let kit = gateway(&[&upstream], impatient());
    for _ in 0..REQUESTS {
        assert_eq!(ask(&kit).await, 502);
    }
    let calls = upstream.seen().requests.len();
    // A fifth of the requests, and a few in hand to begin with; without a bound there would be 400 calls.
    assert!((REQUESTS..=REQUESTS + REQUESTS / 5 + 20).contains(&calls), "{calls} calls");
}

#[tokio::test]
async fn a_limited_key_gives_way_to_the_next_of_its_pool_at_once() {
    let upstream = Upstream::start(vec![with_header(429, "retry-after: 30", "{}"), whole()]).await;
    let mut kit = set_up(&[&upstream], Setup { credentials: &["sk-first", "sk-second"], ..Setup::default() });
    assert_eq!((ask(&kit).await, ask(&kit).await), (200, 200));
    let keys = keys_of(&upstream);
    assert_eq!(keys, ["sk-first", "sk-second", "sk-second"], "the first rests");
    let record = kit.journal.record().await;
    let used: Vec<_> = record.attempts.iter().map(|attempt| attempt.credential_id).collect();
    assert_eq!(used, [None, Some(credential_id(1))]);
    assert!(record.attempts[1].started_after < Duration::from_secs(5), "nobody waited");
    kit.pass(Duration::from_secs(30));
    assert_eq!(ask(&kit).await, 200);
    assert_eq!(keys_of(&upstream).last().unwrap(), "sk-first");
}

#[tokio::test]
async fn a_refused_key_gives_way_and_its_successor_has_a_chance_at_once() {
    let no =
        r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    let upstream = Upstream::start(vec![Play::Close(json(401, no)), whole()]).await;
    let kit = set_up(&[&upstream], Setup { credentials: &["sk-first", "sk-second"], ..Setup::default() });
    assert_eq!((ask(&kit).await, ask(&kit).await), (200, 200));
    assert_eq!(keys_of(&upstream), ["sk-first", "sk-second", "sk-second"]);
    let replaced = set_up(&[&upstream], Setup { credentials: &["sk-third", "sk-second"], ..Setup::default() });
    kit.gateway.replace_snapshot((*replaced.gateway.snapshot()).clone());
    assert_eq!(ask(&kit).await, 200);
    assert_eq!(keys_of(&upstream).last().unwrap(), "sk-third");
}

#[tokio::test]
async fn both_keys_of_a_pool_are_used_at_the_same_time() {
    let mut upstream = Upstream::start(vec![Play::Wait(vec![], json(200, ANSWER))]).await;
    let kit = set_up(&[&upstream], Setup { credentials: &["sk-first", "sk-second"], ..Setup::default() });
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let gateway = Arc::clone(&kit.gateway);
            tokio::spawn(async move { read(gateway.serve(chat(KEY, WHOLE)).await).await.0 })
        })
        .collect();
    upstream.until(|seen| seen.requests.len() == 2).await;
    assert_eq!(keys_of(&upstream).into_iter().collect::<HashSet<_>>().len(), 2);
    upstream.release();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
}

/// The credentials that a provider saw, in order.
fn keys_of(upstream: &Upstream) -> Vec<String> {
    let key = |request: &String| {
        let line = request.lines().find(|line| line.to_lowercase().starts_with("authorization:")).unwrap_or_default();
        line.rsplit(' ').next().unwrap_or_default().to_owned()
    };
    upstream.seen().requests.iter().map(key).collect()
}

#[tokio::test]
async fn a_limit_is_heeded_before_it_is_hit() {
    let limits = "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 30s";
    let first = Upstream::start(vec![with_header(200, limits, ANSWER), whole()]).await;
    let other = Upstream::start(vec![whole()]).await;
    let kit = gateway(&[&first, &other], Limits::default());
    assert_eq!((ask(&kit).await, ask(&kit).await), (200, 200));
    assert_eq!((first.seen().requests.len(), other.seen().requests.len()), (1, 1));
    kit.pass(Duration::from_secs(30));
    assert_eq!(ask(&kit).await, 200);
    assert_eq!(first.seen().requests.len(), 2);
}

#[tokio::test]
async fn a_provider_that_asks_for_an_hour_is_left_for_the_next_and_told_to_the_client() {
    let busy = with_header(503, "retry-after: 3600", "{}");
    let first = Upstream::start(vec![busy.clone()]).await;
    let other = Upstream::start(vec![whole()]).await;
    let kit = gateway(&[&first, &other], Limits::default());
    assert_eq!((ask(&kit).await, ask(&kit).await), (200, 200));
    assert_eq!(first.seen().requests.len(), 1, "it rests as it asked");
    let alone = Upstream::start(vec![busy]).await;
    let kit = gateway(&[&alone], Limits::default());
    let response = kit.gateway.serve(chat(KEY, WHOLE)).await;
    assert_eq!(response.headers()["retry-after"], "3600");
    assert_eq!((response.status().as_u16(), alone.seen().requests.len()), (503, 1));
}

#[tokio::test]
async fn a_stream_without_an_end_is_cut_and_paid_for() {
    let endless = Play::Drip(events(&[ROLE]), format!("data: {HELLO}\n\n").into_bytes());
    let mut upstream = Upstream::start(vec![endless]).await;
    let limits = Limits { stream_total: Duration::from_millis(300), ..Limits::default() };
    let mut kit = gateway(&[&upstream], limits);
    let (status, body, is_whole) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    assert_eq!((status, is_whole), (200, false));
    assert!(body.contains("\"error\"") && !body.contains("[DONE]"));
    upstream.until(|seen| seen.hung_up == 1).await;
    let record = kit.journal.record().await;
    assert_eq!(record.outcome, Outcome::Truncated);
    assert!(record.cost.amount().is_positive(), "at the real price, not at none");
}
