//! Clients that leave: what is closed, what is charged, and that nothing stays held.

mod kit;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http_body_util::BodyExt as _;
use kit::{
    ANSWER, DONE, HELLO, KEY, Play, ROLE, STOP, Setup, USAGE, Upstream, budget, chat, events, json, read, set_up,
};
use megarouter_domain::budget::{Budget, Measure};
use megarouter_domain::code::Code;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Outcome;
use megarouter_domain::usage::UsageSource;
use megarouter_ledger::entry::{Fact, Resolution};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const STREAM: &str = r#"{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#;
const WHOLE: &str = r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#;
/// What the whole of either may cost: 100 tokens of output, and the input as it is counted.
const FULL: std::ops::RangeInclusive<i64> = 200_000..=210_000;

/// How a stream is charged that its client leaves after one word.
async fn left_after_a_word(kind: &'static str, budgets: Vec<Budget>) -> Resolution {
    let mut upstream = Upstream::start(vec![Play::Hang(events(&[ROLE, HELLO]))]).await;
    let mut kit = set_up(
        &[&upstream],
        Setup { kind, budgets, dialects: vec![megarouter_domain::dialect::Dialect::OpenAiChat], ..Setup::default() },
    );
    let mut body = kit.gateway.serve(chat(KEY, STREAM)).await.into_body();
    body.frame().await.expect("a first word").expect("the connection holds");
    drop(body);
    upstream.until(|seen| seen.hung_up == 1).await;
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.usage_source), (Outcome::ClientLeft, UsageSource::Estimated));
    assert_eq!(kit.gateway.books().open_holds(), 0);
    kit.journal.resolutions()[0]
}

#[tokio::test]
async fn a_stream_that_is_left_is_charged_as_its_provider_bills() {
    let strict = Budget { is_strict: true, ..budget(1_000_000_000) };
    // Closing the connection stops the bill of the first, and not of the second; of the third nobody knows.
    assert!(matches!(left_after_a_word("openai", vec![]).await, Resolution::Settled { .. }));
    assert!(matches!(left_after_a_word("openai", vec![strict.clone()]).await, Resolution::Settled { .. }));
    assert!(matches!(left_after_a_word("openai_compatible", vec![]).await, Resolution::Settled { .. }));
    for (kind, budgets) in [("novita", vec![]), ("openai_compatible", vec![strict])] {
        let Resolution::Uncertain { usage, cost: Cost::Estimated(cost) } = left_after_a_word(kind, budgets).await
        else {
            panic!("{kind}")
        };
        assert_eq!(usage.output, Some(100), "{kind}: all that was asked for");
        assert!(FULL.contains(&cost.0), "{kind}: {cost}");
    }
}

#[tokio::test]
async fn an_answer_that_is_billed_anyway_is_read_to_its_end() {
    let mut upstream = Upstream::start(vec![Play::Wait(vec![], json(200, ANSWER))]).await;
    let mut kit = set_up(&[&upstream], Setup { kind: "novita", ..Setup::default() });
    let gateway = Arc::clone(&kit.gateway);
    let call = tokio::spawn(async move { gateway.serve(chat(KEY, WHOLE)).await.status() });
    upstream.until(|seen| seen.requests.len() == 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(kit.gateway.books().open_holds(), 1, "it goes on");
    upstream.release();
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.status, record.error), (Outcome::ClientLeft, 499, Some(Code::ClientLeft)));
    assert_eq!((record.usage_source, record.cost), (UsageSource::Reported, Cost::Exact(NanoUsd(20_000))));
    assert_eq!(record.attempts[0].status, Some(200));
    assert_eq!(kit.gateway.books().open_holds(), 0);
}

#[tokio::test]
async fn a_client_that_stays_gets_such_an_answer_as_any_other() {
    let refused = r#"{"error":{"message":"no"}}"#;
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER)), Play::Close(json(400, refused))]).await;
    let mut kit = set_up(&[&upstream], Setup { kind: "novita", ..Setup::default() });
    assert_eq!(read(kit.gateway.serve(chat(KEY, WHOLE)).await).await, (200, ANSWER.to_owned(), true));
    assert_eq!(read(kit.gateway.serve(chat(KEY, WHOLE)).await).await, (400, refused.to_owned(), true));
    assert_eq!(kit.journal.records(2).await[0].cost, Cost::Exact(NanoUsd(20_000)));
}

#[tokio::test]
async fn an_answer_that_need_not_be_read_is_closed() {
    let mut upstream = Upstream::start(vec![Play::Hang(vec![])]).await;
    let mut kit = set_up(&[&upstream], Setup::default());
    let gateway = Arc::clone(&kit.gateway);
    let call = tokio::spawn(async move { gateway.serve(chat(KEY, WHOLE)).await.status() });
    upstream.until(|seen| seen.requests.len() == 1).await;
    call.abort();
    upstream.until(|seen| seen.hung_up == 1).await;
    kit.journal.record().await;
    let Resolution::Uncertain { usage, .. } = kit.journal.resolutions()[0] else { panic!("generation may have run") };
    assert_eq!(usage.output, None, "nobody knows of any");
}

#[tokio::test]
async fn figures_from_the_beginning_of_a_stream_do_not_hide_what_came() {
    let start = r#"{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"usage":{"input_tokens":7,"output_tokens":1}}}"#;
    let block = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let delta = format!(
        r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{}"}}}}"#,
        "word ".repeat(1_000)
    );
    let upstream = Upstream::start(vec![Play::Hang(events(&[start, block, &delta]))]).await;
    let mut kit = set_up(&[&upstream], Setup { kind: "anthropic_compatible", ..Setup::default() });
    let body = r#"{"model":"m","max_tokens":2000,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut body = kit.gateway.serve(kit::anthropic(body, &[], "/v1/messages")).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let record = kit.journal.record().await;
    assert_eq!((record.usage.input, record.usage_source), (Some(7), UsageSource::Estimated));
    assert!(record.usage.output.is_some_and(|output| (1_000..=1_400).contains(&output)), "{:?}", record.usage);
}

/// Polls a future so often, with a turn for everybody else between, and then drops it.
async fn poll_and_drop<T>(future: impl Future<Output = T>, times: u32) -> Option<T> {
    let mut future = std::pin::pin!(future);
    for _ in 0..times {
        if let Poll::Ready(ready) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(ready);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn whenever_a_client_leaves_nothing_stays_held() {
    const REQUESTS: usize = 1_000;
    let stream = events(&[ROLE, HELLO, HELLO, STOP, USAGE, DONE]);
    let script = [
        Play::Close(stream.clone()),
        Play::Hang(events(&[ROLE, HELLO])),
        Play::Close(json(500, "{}")),
        Play::Close(events(&[ROLE, HELLO])),
        Play::Hang(vec![]),
        Play::Close(json(200, ANSWER)),
    ];
    // The last part of a script repeats, so each request gets a part of it by turns.
    let script: Vec<Play> = script.iter().cycle().take(3 * REQUESTS).cloned().collect();
    let upstream = Upstream::start(script).await;
    let budgets = vec![
        budget(1_000_000_000_000),
        Budget {
            id: megarouter_domain::id::BudgetId::new(kit::START, [2; 10]),
            measure: Measure::Concurrent,
            limit: 100_000,
            ..budget(0)
        },
    ];
    let mut limits = megarouter_gateway::Limits::default();
    limits.plan.base_wait = std::time::Duration::ZERO;
    let mut kit = set_up(&[&upstream], Setup { limits, budgets, ..Setup::default() });
    let mut rng = StdRng::seed_from_u64(4);
    for number in 0..REQUESTS {
        let body = if number % 2 == 0 { STREAM } else { WHOLE };
        let times = rng.random_range(1..60);
        if let Some(response) = Box::pin(poll_and_drop(kit.gateway.serve(chat(KEY, body)), times)).await {
            poll_and_drop(read(response), rng.random_range(0..10)).await;
        }
    }
    let records = kit.journal.records(REQUESTS).await;
    assert_eq!(records.len(), REQUESTS, "each has one record");
    let left = records.iter().filter(|record| record.outcome == Outcome::ClientLeft).count();
    let served = records.iter().filter(|record| record.outcome == Outcome::Completed).count();
    assert!(left > 100 && served > 20, "the polls hit both: {left} left, {served} were served");
    let facts = kit.journal.facts();
    let holds = facts.iter().filter(|fact| matches!(fact, Fact::Hold(_))).count();
    assert_eq!((kit.gateway.books().open_holds(), kit.journal.resolutions().len()), (0, holds));
    let accounts = kit.gateway.books().accounts();
    assert!(accounts.iter().all(|account| account.held == 0), "{accounts:?}");
    let spent: i64 = records.iter().map(|record| record.cost.amount().0).sum();
    let posted = accounts.iter().find(|account| account.measure == Measure::Cost).unwrap().posted;
    assert_eq!(i64::try_from(posted).unwrap(), spent, "the account is the sum of the records");
}
