//! Budgets that nodes share: a request whose part is short asks the hub once, and waits no longer than
//! 250 ms.

mod kit;

use std::time::Duration;

use http::header::RETRY_AFTER;
use kit::{DONE, HELLO, KEY, Kit, Play, ROLE, STOP, Setup, USAGE, Upstream, budget, chat, events, read, set_up};
use megarouter_domain::code::Code;
use megarouter_domain::record::Outcome;
use megarouter_gateway::{LeaseAnswer, LeaseAsk};
use megarouter_ledger::account::Sharing;
use tokio::sync::mpsc;
use tokio::time::Instant;

const BOUNDED: &str = r#"{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#;
const OPEN: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

fn complete() -> Play {
    Play::Close(events(&[ROLE, HELLO, STOP, USAGE, DONE]))
}

/// A node of two, with the other end of its way to the hub.
fn node(upstream: &Upstream, limit: u64) -> (Kit, mpsc::Receiver<LeaseAsk>) {
    let kit = set_up(
        &[upstream],
        Setup { max_output_tokens: Some(64_000), budgets: vec![budget(limit)], ..Setup::default() },
    );
    let (sender, receiver) = mpsc::channel(16);
    kit.gateway.books().lend_from(sender);
    kit.gateway.books().share(Sharing::Leased { live_nodes: 2 });
    (kit, receiver)
}

#[tokio::test]
async fn what_the_hub_grants_is_spent_without_asking_again() {
    let upstream = Upstream::start(vec![complete()]).await;
    let (kit, mut asked) = node(&upstream, 1_000_000_000);
    let books = std::sync::Arc::clone(kit.gateway.books());
    let hub = tokio::spawn(async move {
        let ask = asked.recv().await.unwrap();
        let need = &ask.needs[0];
        assert!((200_000..=210_000).contains(&need.need), "{need:?}");
        books.set_grant(need.key.clone(), 1_000_000, 0);
        ask.answer.send(LeaseAnswer::Granted).unwrap();
        asked
    });
    for _ in 0..20 {
        assert_eq!(read(kit.gateway.serve(chat(KEY, BOUNDED)).await).await.0, 200);
    }
    assert!(hub.await.unwrap().try_recv().is_err(), "one question for twenty requests");
}

#[tokio::test]
async fn what_the_hub_has_not_got_is_refused_as_spent() {
    let upstream = Upstream::start(vec![complete()]).await;
    let (mut kit, mut asked) = node(&upstream, 1_000_000_000);
    tokio::spawn(async move {
        let ask = asked.recv().await.unwrap();
        let answer = LeaseAnswer::NotEnough { key: ask.needs[0].key.clone(), left: 1_000 };
        ask.answer.send(answer).unwrap();
    });
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, BOUNDED)).await).await;
    assert!(status == 429 && body.contains("budget.exceeded") && body.contains("$1 a month"), "{body}");
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.error), (Outcome::Refused, Some(Code::BudgetExceeded)));
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn what_the_hub_has_left_bounds_an_open_answer() {
    let upstream = Upstream::start(vec![complete()]).await;
    let (kit, mut asked) = node(&upstream, 1_000_000_000);
    let books = std::sync::Arc::clone(kit.gateway.books());
    tokio::spawn(async move {
        let ask = asked.recv().await.unwrap();
        assert!(ask.needs[0].need > 100_000_000, "all of it first: {:?}", ask.needs);
        let answer = LeaseAnswer::NotEnough { key: ask.needs[0].key.clone(), left: 500_000 };
        ask.answer.send(answer).unwrap();
        let ask = asked.recv().await.unwrap();
        assert!((480_000..=500_000).contains(&ask.needs[0].need), "then what there is: {:?}", ask.needs);
        books.set_grant(ask.needs[0].key.clone(), 500_000, 0);
        ask.answer.send(LeaseAnswer::Granted).unwrap();
    });
    assert_eq!(read(kit.gateway.serve(chat(KEY, OPEN)).await).await.0, 200);
    let sent = upstream.seen().requests.remove(0);
    let bound: u64 = sent.split(r#""max_tokens":"#).nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert!((240..=250).contains(&bound), "{bound}");
}

#[tokio::test]
async fn a_silent_hub_is_waited_for_a_quarter_of_a_second() {
    let upstream = Upstream::start(vec![complete()]).await;
    let (mut kit, _asked) = node(&upstream, 1_000_000_000);
    let began = Instant::now();
    let response = kit.gateway.serve(chat(KEY, BOUNDED)).await;
    assert!((250..1_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(response.headers()[RETRY_AFTER], "2");
    assert!(!response.headers().contains_key("x-should-retry"), "trying again may work");
    let (status, body, _) = read(response).await;
    assert!(status == 429 && body.contains("budget.unavailable") && body.contains("team Payments"), "{body}");
    assert_eq!(kit.journal.record().await.refusal.unwrap().limit, 1_000_000_000);
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn a_hub_that_is_gone_is_not_waited_for() {
    let upstream = Upstream::start(vec![complete()]).await;
    let (kit, asked) = node(&upstream, 1_000_000_000);
    drop(asked);
    let began = Instant::now();
    assert_eq!(kit.gateway.serve(chat(KEY, BOUNDED)).await.status(), 429);
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_node_that_was_silent_too_long_spends_nothing_shared() {
    let upstream = Upstream::start(vec![complete()]).await;
    let (kit, _asked) = node(&upstream, 1_000_000_000);
    let books = kit.gateway.books();
    let key = books.accounts()[0].key.clone();
    books.set_grant(key, 1_000_000_000, 0);
    books.fence_after(Duration::ZERO);
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, BOUNDED)).await).await;
    assert!(status == 429 && body.contains("budget.unavailable"), "{body}");
}
