//! Requests under budgets: what is held, what is refused and how it is told, in every dialect.
//!
//! The model costs 1,000 nano-dollars for a token of input and 2,000 for one of output.

mod kit;

use std::time::Duration;

use http::header::RETRY_AFTER;
use http_body_util::BodyExt as _;
use kit::{
    ANSWER, DONE, HELLO, KEY, Play, ROLE, STOP, Setup, USAGE, Upstream, ask, budget, chat, events, json, read, set_up,
    team,
};
use megarouter_domain::budget::{Budget, Each, Measure};
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::Period;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Outcome;
use megarouter_domain::scope::Scope;
use megarouter_ledger::account::Sharing;
use megarouter_ledger::entry::{Fact, HoldFact};
use serde_json::Value;

const CLIENTS: [Dialect; 4] = [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic, Dialect::Gemini];

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const WHOLE: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const BOUNDED: &str = r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#;

/// A stream of a client's dialect that asks for `bound` tokens at most, where it asks for any.
fn stream_of(dialect: Dialect, bound: Option<u64>) -> String {
    let with = |field: &str| bound.map_or_else(String::new, |bound| format!(r#","{field}":{bound}"#));
    match dialect {
        Dialect::OpenAiChat => format!(
            r#"{{"model":"m","stream":true,"messages":[{{"role":"user","content":"hi"}}]{}}}"#,
            with("max_tokens")
        ),
        Dialect::OpenAiResponses => {
            format!(r#"{{"model":"m","stream":true,"input":"hi"{}}}"#, with("max_output_tokens"))
        }
        Dialect::Anthropic => format!(
            r#"{{"model":"m","stream":true,"messages":[{{"role":"user","content":"hi"}}],"max_tokens":{}}}"#,
            bound.unwrap_or(4_096)
        ),
        Dialect::Gemini => {
            let config =
                bound.map_or_else(String::new, |bound| format!(r#","generationConfig":{{"maxOutputTokens":{bound}}}"#));
            format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"hi"}}]}}]{config}}}"#)
        }
        Dialect::BedrockConverse => unreachable!(),
    }
}

fn complete() -> Play {
    Play::Close(events(&[ROLE, HELLO, STOP, USAGE, DONE]))
}

/// A stream that says "Hello" so often and never ends.
fn endless(times: usize) -> Play {
    Play::Hang(events(&[&[ROLE][..], &vec![HELLO; times]].concat()))
}

fn hold_of(facts: &[Fact]) -> &HoldFact {
    let hold = |fact: &'_ Fact| matches!(fact, Fact::Hold(_));
    match facts.iter().find(|fact| hold(fact)) {
        Some(Fact::Hold(fact)) => fact,
        _ => panic!("nothing was held"),
    }
}

#[tokio::test]
async fn a_refusal_says_why_in_every_dialect_and_calls_nobody() {
    for dialect in CLIENTS {
        let upstream = Upstream::start(vec![complete()]).await;
        let mut kit = set_up(&[&upstream], Setup { budgets: vec![budget(1_000)], ..Setup::default() });
        let response = kit.gateway.serve(ask(dialect, &stream_of(dialect, Some(100)), &[])).await;
        let headers = response.headers().clone();
        assert_eq!(headers["x-should-retry"], "false", "SDKs must not try again");
        assert_eq!(headers["x-megarouter-budget-name"], "team Payments");
        assert_eq!(headers["x-megarouter-budget-limit"], "0.000001");
        assert_eq!(headers["x-megarouter-budget-remaining"], "0.000001");
        assert_eq!(headers["x-megarouter-budget-reset"], "2026-11-30T23:00:00.000000Z");
        let (status, body, _) = read(response).await;
        assert_eq!(status, 429, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        for part in [
            "The budget of the team Payments has no room for this request: the limit is $0.000001 a month, $0 is spent",
            "1 December 2026 at 00:00 (Europe/Berlin)",
            "https://mr.example/#/budgets/",
            &format!("?request={}", headers["x-request-id"].to_str().unwrap()),
        ] {
            assert!(message.contains(part), "{message} has not {part}");
        }
        match dialect {
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                assert_eq!(
                    (&body["error"]["type"], &body["error"]["code"]),
                    (&"insufficient_quota".into(), &"budget.exceeded".into())
                );
            }
            Dialect::Anthropic => assert_eq!(body["error"]["type"], "rate_limit_error"),
            Dialect::Gemini => assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED"),
            Dialect::BedrockConverse => unreachable!(),
        }
        let record = kit.journal.record().await;
        assert_eq!((record.outcome, record.error), (Outcome::Refused, Some(Code::BudgetExceeded)));
        assert_eq!(record.units[..], [team().id]);
        let refusal = record.refusal.unwrap();
        assert_eq!((refusal.budget_id, refusal.limit, refusal.used, refusal.held), (budget(0).id, 1_000, 0, 0));
        assert!(refusal.asked > 200_000, "output and input");
        assert_eq!((upstream.seen().requests.len(), kit.journal.holds()), (0, 0));
    }
}

#[tokio::test]
async fn every_answer_says_what_is_left() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER)), endless(1)]).await;
    let kit = set_up(&[&upstream], Setup { budgets: vec![budget(1_000_000_000)], ..Setup::default() });
    let whole = kit.gateway.serve(chat(KEY, BOUNDED)).await;
    assert_eq!(whole.headers()["x-megarouter-budget-limit"], "1");
    assert_eq!(whole.headers()["x-megarouter-budget-measure"], "cost");
    assert_eq!(whole.headers()["x-megarouter-budget-remaining"], "0.99998", "it is settled");
    let stream = kit.gateway.serve(chat(KEY, STREAM)).await;
    let left: f64 = stream.headers()["x-megarouter-budget-remaining"].to_str().unwrap().parse().unwrap();
    assert!(left < 0.992, "its own amount is set aside: {left}");
}

#[tokio::test]
async fn without_a_budget_nothing_is_said_of_one() {
    let upstream = Upstream::start(vec![complete()]).await;
    let soft = Budget { ladder: vec![], ..budget(1) };
    let kit = set_up(&[&upstream], Setup { budgets: vec![soft], ..Setup::default() });
    let response = kit.gateway.serve(chat(KEY, STREAM)).await;
    assert_eq!(response.status(), 200, "a soft budget refuses nothing");
    assert!(!response.headers().keys().any(|name| name.as_str().contains("budget")));
}

#[tokio::test]
async fn a_provider_is_told_what_the_budget_pays_where_the_client_set_no_bound() {
    let cases = [
        ("openai_compatible", vec![Dialect::OpenAiChat], Dialect::OpenAiChat, r#""max_tokens":"#),
        ("openai", vec![Dialect::OpenAiChat], Dialect::OpenAiChat, r#""max_completion_tokens":"#),
        ("openai", vec![Dialect::OpenAiResponses], Dialect::OpenAiResponses, r#""max_output_tokens":"#),
        ("gemini_compatible", vec![], Dialect::Gemini, r#""generationConfig":{"maxOutputTokens":"#),
        // Written anew for another dialect.
        ("anthropic_compatible", vec![], Dialect::OpenAiChat, r#""max_tokens":"#),
        ("openai_compatible", vec![Dialect::OpenAiChat], Dialect::Gemini, r#""max_tokens":"#),
        ("openai_compatible", vec![Dialect::OpenAiResponses], Dialect::OpenAiChat, r#""max_output_tokens":"#),
        ("gemini_compatible", vec![], Dialect::OpenAiChat, r#""maxOutputTokens":"#),
    ];
    for (kind, dialects, client, field) in cases {
        let mut upstream = Upstream::start(vec![Play::Hang(vec![])]).await;
        let setup = Setup {
            kind,
            dialects,
            max_output_tokens: Some(64_000),
            budgets: vec![budget(1_000_000)],
            ..Setup::default()
        };
        let kit = set_up(&[&upstream], setup);
        let gateway = std::sync::Arc::clone(&kit.gateway);
        let call =
            tokio::spawn(async move { gateway.serve(ask(client, &stream_of(client, None), &[])).await.status() });
        upstream.until(|seen| seen.requests.len() == 1).await;
        let sent = upstream.seen().requests.remove(0);
        let bound = sent.split(field).nth(1).unwrap_or_else(|| panic!("{kind} {client:?}: {sent}"));
        let bound: u64 = bound.split(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().unwrap();
        let held = kit.gateway.books().accounts()[0].held;
        assert!((998_000..=1_000_000).contains(&held), "all that it buys is held: {held}");
        assert!(bound * 2_000 < held && bound * 2_000 > held - 20_000, "{kind} {client:?}: {bound} of {held}");
        call.abort();
    }
}

#[tokio::test]
async fn what_can_be_paid_in_full_is_not_bounded() {
    let upstream = Upstream::start(vec![complete()]).await;
    let setup = Setup { max_output_tokens: Some(1_000), budgets: vec![budget(10_000_000)], ..Setup::default() };
    let kit = set_up(&[&upstream], setup);
    assert_eq!(read(kit.gateway.serve(chat(KEY, STREAM)).await).await.0, 200);
    assert!(!upstream.seen().requests[0].contains("max_tokens"));
}

#[tokio::test]
async fn several_choices_share_what_there_is() {
    let mut upstream = Upstream::start(vec![Play::Hang(vec![])]).await;
    let setup = Setup { max_output_tokens: Some(64_000), budgets: vec![budget(1_000_000)], ..Setup::default() };
    let kit = set_up(&[&upstream], setup);
    let gateway = std::sync::Arc::clone(&kit.gateway);
    let body = STREAM.replacen('{', r#"{"n":4,"#, 1);
    let call = tokio::spawn(async move { gateway.serve(chat(KEY, &body)).await.status() });
    upstream.until(|seen| seen.requests.len() == 1).await;
    let sent = upstream.seen().requests.remove(0);
    let bound: u64 = sent.split(r#""max_tokens":"#).nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert!((120..=124).contains(&bound), "a quarter of what is left: {bound}");
    call.abort();
}

#[tokio::test]
async fn a_bound_that_buys_next_to_nothing_is_refused() {
    let upstream = Upstream::start(vec![complete()]).await;
    let kit = set_up(&[&upstream], Setup { budgets: vec![budget(36_000)], ..Setup::default() });
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    assert_eq!(status, 429, "{body}");
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn a_strict_budget_counts_bytes_and_bounds_what_nobody_knows() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let strict = Budget { is_strict: true, ..budget(1_000_000_000) };
    let mut kit = set_up(&[&upstream], Setup { budgets: vec![strict], ..Setup::default() });
    assert_eq!(read(kit.gateway.serve(chat(KEY, WHOLE)).await).await.0, 200);
    kit.journal.record().await;
    let facts = kit.journal.facts();
    let amount = i64::try_from(WHOLE.len()).unwrap() * 1_000 + 4_096 * 2_000;
    assert_eq!(hold_of(&facts).amount, NanoUsd(amount));
    assert!(upstream.seen().requests[0].contains(r#""max_tokens":4096"#));
}

#[tokio::test]
async fn searches_of_the_web_are_held_too() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let setup = Setup { search: 10_000_000, budgets: vec![budget(1_000_000_000)], ..Setup::default() };
    let mut kit = set_up(&[&upstream], setup);
    let searching = BOUNDED.replacen('{', r#"{"web_search_options":{},"#, 1);
    for body in [BOUNDED, &searching] {
        assert_eq!(read(kit.gateway.serve(chat(KEY, body)).await).await.0, 200);
    }
    kit.journal.records(2).await;
    let holds = kit.journal.facts().into_iter().filter_map(|fact| match fact {
        Fact::Hold(hold) => Some(hold.amount.0),
        _ => None,
    });
    let [without, with] = holds.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(with - without, 10 * 10_000_000);
}

#[tokio::test]
async fn holds_follow_what_a_provider_reports_for_its_input() {
    let answer = ANSWER.replace(r#""prompt_tokens":10"#, r#""prompt_tokens":400"#);
    let upstream = Upstream::start(vec![Play::Close(json(200, &answer))]).await;
    let mut kit = set_up(&[&upstream], Setup { budgets: vec![budget(1_000_000_000)], ..Setup::default() });
    let body = BOUNDED.replace(r#""hi""#, &format!(r#""{}""#, "word ".repeat(160)));
    for _ in 0..20 {
        assert_eq!(read(kit.gateway.serve(chat(KEY, &body)).await).await.0, 200);
    }
    kit.journal.records(20).await;
    let facts = kit.journal.facts();
    let inputs: Vec<i64> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Hold(hold) => Some((hold.amount.0 - 200_000) / 1_000),
            _ => None,
        })
        .collect();
    assert!((220..240).contains(&inputs[0]), "the plain count at first: {inputs:?}");
    assert!((435..=442).contains(&inputs[19]), "what is reported and a tenth at last: {inputs:?}");
}

#[tokio::test]
async fn a_stream_that_reaches_its_hold_has_it_extended() {
    let long = HELLO.replace("Hello", &"word ".repeat(6_000));
    let rest = format!("data: {STOP}\n\ndata: [DONE]\n\n").into_bytes();
    let upstream = Upstream::start(vec![Play::Wait(events(&[ROLE, &long]), rest)]).await;
    let mut kit = set_up(&[&upstream], Setup { budgets: vec![budget(1_000_000_000)], ..Setup::default() });
    let response = kit.gateway.serve(chat(KEY, STREAM)).await;
    let held = kit.gateway.books().accounts()[0].held;
    upstream.release();
    let (status, body, is_whole) = read(response).await;
    assert!(status == 200 && is_whole && body.contains("[DONE]"));
    assert_eq!(kit.journal.record().await.outcome, Outcome::Completed);
    assert!(held > 16_000_000, "what had come was covered: {held}");
    let extended = kit.journal.facts().iter().filter(|fact| matches!(fact, Fact::Extend { .. })).count();
    assert_eq!(extended, 1);
    let account = &kit.gateway.books().accounts()[0];
    assert_eq!((account.held, account.posted > 16_000_000), (0, true), "{account:?}");
}

#[tokio::test]
async fn a_stream_that_its_budget_cannot_pay_ends_cleanly_in_every_dialect() {
    for dialect in CLIENTS {
        // The provider does not keep to the bound of 100 tokens.
        let word = format!("data: {}\n\n", HELLO.replace("Hello", "Hello to all")).into_bytes();
        let mut upstream = Upstream::start(vec![Play::Drip(events(&[ROLE]), word)]).await;
        let mut kit = set_up(&[&upstream], Setup { budgets: vec![budget(300_000)], ..Setup::default() });
        let response = kit.gateway.serve(ask(dialect, &stream_of(dialect, Some(100)), &[])).await;
        let (status, body, is_whole) = read(response).await;
        assert_eq!((status, is_whole), (200, false), "{dialect:?}: not a proper end");
        assert!(body.contains("Hello"), "{dialect:?}: what was paid for came");
        assert!(
            body.contains("The answer was ended here because the budget of the team Payments"),
            "{dialect:?}: {body}"
        );
        for success in
            ["[DONE]", "message_stop", "response.completed", r#""finishReason""#, r#""finish_reason":"stop""#]
        {
            assert!(!body.contains(success), "{dialect:?}: {success}");
        }
        let event = match dialect {
            Dialect::OpenAiChat => r#""code":"budget.exhausted""#,
            Dialect::OpenAiResponses => r#""code":"insufficient_quota""#,
            Dialect::Anthropic => r#""type":"rate_limit_error""#,
            _ => r#""status":"RESOURCE_EXHAUSTED""#,
        };
        assert!(body.contains(event), "{dialect:?}: {body}");
        upstream.until(|seen| seen.hung_up == 1).await;
        let record = kit.journal.record().await;
        assert_eq!((record.outcome, record.error), (Outcome::Truncated, Some(Code::BudgetExhausted)), "{dialect:?}");
        assert_eq!(record.refusal.as_ref().unwrap().budget_id, budget(0).id);
        let account = &kit.gateway.books().accounts()[0];
        assert_eq!(account.held, 0, "{dialect:?}");
        let cost = u64::try_from(record.cost.amount().0).unwrap();
        assert_eq!(account.posted, cost, "{dialect:?}");
        assert!((300_000..400_000).contains(&cost), "{dialect:?}: the last piece is beyond, and no more: {cost}");
    }
}

#[tokio::test]
async fn an_answer_whose_figures_came_is_not_cut() {
    // A hundred times what was asked for, told at once with the last word.
    let last = r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":10000,"total_tokens":10010}}"#;
    let upstream = Upstream::start(vec![Play::Close(events(&[ROLE, HELLO, last, DONE]))]).await;
    let mut kit = set_up(&[&upstream], Setup { budgets: vec![budget(300_000)], ..Setup::default() });
    let (_, body, is_whole) =
        read(kit.gateway.serve(ask(Dialect::OpenAiChat, &stream_of(Dialect::OpenAiChat, Some(100)), &[])).await).await;
    assert!(is_whole && body.contains("[DONE]"), "{body}");
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.cost), (Outcome::Completed, Cost::Exact(NanoUsd(20_010_000))));
}

#[tokio::test]
async fn a_fallback_is_held_anew_and_may_be_refused() {
    // What the first one may have generated is charged, and leaves too little for the second.
    let broken = Upstream::start(vec![Play::Close(events(&[ROLE]))]).await;
    let second = Upstream::start(vec![complete()]).await;
    let body = stream_of(Dialect::OpenAiChat, Some(100));
    let mut kit = set_up(&[&broken, &second], Setup { budgets: vec![budget(210_000)], ..Setup::default() });
    let response = kit.gateway.serve(chat(KEY, &body)).await;
    assert_eq!(response.headers()["x-should-retry"], "false");
    let (status, said, _) = read(response).await;
    assert_eq!(status, 429, "{said}");
    assert!(second.seen().requests.is_empty());
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.error), (Outcome::Failed, Some(Code::BudgetExceeded)));
    assert!(record.attempts.len() == 1 && record.refusal.is_some());

    // What is known to be unbilled goes back first.
    let refusing = Upstream::start(vec![Play::Close(json(500, "{}"))]).await;
    let mut kit = set_up(&[&refusing, &second], Setup { budgets: vec![budget(210_000)], ..Setup::default() });
    assert_eq!(read(kit.gateway.serve(chat(KEY, &body)).await).await.0, 200);
    kit.journal.record().await;
    assert_eq!((kit.journal.holds(), kit.journal.resolutions().len()), (2, 2));
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_and_counting_is_free() {
    let upstream = Upstream::start(vec![complete()]).await;
    let mut kit =
        set_up(&[&upstream], Setup { has_price: false, budgets: vec![budget(1_000_000_000)], ..Setup::default() });
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    assert!(status == 429 && body.contains("has no price") && body.contains("team Payments"), "{body}");
    assert_eq!(kit.journal.record().await.refusal.unwrap().limit, 1_000_000_000);

    let counted = Upstream::start(vec![Play::Close(json(200, r#"{"input_tokens":3}"#))]).await;
    let setup = Setup { kind: "anthropic_compatible", has_price: false, budgets: vec![budget(1)], ..Setup::default() };
    let kit = set_up(&[&counted], setup);
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let response = kit.gateway.serve(kit::anthropic(body, &[], "/v1/messages/count_tokens")).await;
    assert_eq!(read(response).await, (200, r#"{"input_tokens":3}"#.to_owned(), true));
}

#[tokio::test]
async fn what_is_passed_on_obeys_budgets_too() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let kit = set_up(&[&upstream], Setup { budgets: vec![budget(100_000)], ..Setup::default() });
    let post = |body: &str| kit::anthropic(body, &[], "/passthrough/p0/chat/completions");
    let (status, body, _) = read(kit.gateway.serve(post(r#"{"model":"up"}"#)).await).await;
    assert!(status == 429 && body.contains("team Payments"), "{body}");
    let (status, body, _) = read(kit.gateway.serve(post(r#"{"model":"stranger"}"#)).await).await;
    assert!(status == 429 && body.contains("has no price"), "{body}");
    let get = http::Request::get("/passthrough/p0/files").header("x-api-key", KEY);
    let response = kit.gateway.serve(get.body(http_body_util::Full::<bytes::Bytes>::default()).unwrap()).await;
    assert_eq!(response.status(), 200, "what only reads costs nothing");
    assert_eq!(response.headers()["x-megarouter-budget-remaining"], "0.0001");
    assert_eq!(upstream.seen().requests.len(), 1);
}

#[tokio::test]
async fn a_request_on_behalf_of_somebody_obeys_budgets_too() {
    let upstream = Upstream::start(vec![complete()]).await;
    let kit = set_up(&[&upstream], Setup { budgets: vec![budget(1)], ..Setup::default() });
    let snapshot = kit.gateway.snapshot();
    let hash = megarouter_domain::key::KeyHash::of(KEY);
    let principal =
        megarouter_domain::access::Principal { key: std::sync::Arc::clone(snapshot.key_by_hash(&hash).unwrap()) };
    assert_eq!(kit.gateway.serve_as(principal, chat(KEY, STREAM)).await.status(), 429);
    assert!(upstream.seen().requests.is_empty());
}

fn per_minute(measure: Measure, limit: u64) -> Budget {
    Budget { measure, limit, period: Period::Rolling { seconds: 60 }, ..budget(0) }
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let upstream = Upstream::start(vec![complete()]).await;
    let kit = set_up(&[&upstream], Setup { budgets: vec![per_minute(Measure::Requests, 1)], ..Setup::default() });
    assert_eq!(read(kit.gateway.serve(chat(KEY, STREAM)).await).await.0, 200);
    let response = kit.gateway.serve(chat(KEY, STREAM)).await;
    assert!(!response.headers().contains_key("x-should-retry"), "SDKs may wait and try again");
    let wait: u64 = response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((58..=75).contains(&wait), "{wait}");
    assert!(!response.headers().contains_key("x-megarouter-budget-reset"), "it moves along");
    assert_eq!(response.headers()["x-megarouter-budget-measure"], "requests");
    let (status, body, _) = read(response).await;
    assert_eq!(status, 429);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("1 request within any minute") && message.contains(&format!("Try again in {wait}s.")),
        "{message}"
    );
}

#[tokio::test]
async fn tokens_of_a_minute_bound_the_answer() {
    let mut upstream = Upstream::start(vec![Play::Hang(vec![])]).await;
    let setup = Setup {
        max_output_tokens: Some(64_000),
        has_price: false,
        budgets: vec![per_minute(Measure::Tokens, 500)],
        ..Setup::default()
    };
    let kit = set_up(&[&upstream], setup);
    let gateway = std::sync::Arc::clone(&kit.gateway);
    let call = tokio::spawn(async move { gateway.serve(chat(KEY, STREAM)).await.status() });
    upstream.until(|seen| seen.requests.len() == 1).await;
    assert_eq!(kit.gateway.books().accounts()[0].held, 500);
    assert_eq!(kit.gateway.serve(chat(KEY, STREAM)).await.status(), 429);
    call.abort();
}

#[tokio::test]
async fn money_that_burns_too_fast_is_stopped() {
    let upstream = Upstream::start(vec![complete()]).await;
    let kit = set_up(&[&upstream], Setup { budgets: vec![per_minute(Measure::Cost, 215_000)], ..Setup::default() });
    let body = stream_of(Dialect::OpenAiChat, Some(100));
    assert_eq!(read(kit.gateway.serve(chat(KEY, &body)).await).await.0, 200);
    let response = kit.gateway.serve(chat(KEY, &body)).await;
    assert_eq!((response.status().as_u16(), &response.headers()["x-should-retry"]), (429, &"false".parse().unwrap()));
    let (_, body, _) = read(response).await;
    assert!(body.contains("within any minute") && body.contains("budget.exceeded"), "{body}");
}

#[tokio::test]
async fn a_session_that_runs_away_stops_alone() {
    let upstream = Upstream::start(vec![complete()]).await;
    let brake = Budget { each: Some(Each::Session), period: Period::Total, ..budget(215_000) };
    let kit = set_up(&[&upstream], Setup { budgets: vec![brake], ..Setup::default() });
    let ask = |session: &[(&str, &str)]| {
        kit.gateway.serve(ask(Dialect::OpenAiChat, &stream_of(Dialect::OpenAiChat, Some(100)), session))
    };
    assert_eq!(read(ask(&[("x-megarouter-session", "a")]).await).await.0, 200);
    let (status, body, _) = read(ask(&[("x-megarouter-session", "a")]).await).await;
    assert!(status == 429 && body.contains("each session of the team Payments, here this session"), "{body}");
    assert_eq!(read(ask(&[("session_id", "b")]).await).await.0, 200, "Codex names its own");
    for _ in 0..3 {
        assert_eq!(read(ask(&[]).await).await.0, 200, "without a session there is no brake");
    }
}

#[tokio::test]
async fn requests_at_the_same_time_make_room_when_they_end() {
    let mut upstream = Upstream::start(vec![Play::Hang(events(&[ROLE, HELLO])), complete()]).await;
    let limit = Budget { measure: Measure::Concurrent, limit: 1, ..budget(0) };
    let kit = set_up(&[&upstream], Setup { budgets: vec![limit], ..Setup::default() });
    let mut first = kit.gateway.serve(chat(KEY, STREAM)).await.into_body();
    first.frame().await.unwrap().unwrap();
    let second = kit.gateway.serve(chat(KEY, STREAM)).await;
    assert_eq!((second.status().as_u16(), &second.headers()[RETRY_AFTER]), (429, &"1".parse().unwrap()));
    let (_, body, _) = read(second).await;
    assert!(body.contains("1 request at the same time"), "{body}");
    drop(first);
    upstream.until(|seen| seen.hung_up == 1).await;
    assert_eq!(read(kit.gateway.serve(chat(KEY, STREAM)).await).await.0, 200);
}

#[tokio::test]
async fn tags_and_sessions_are_in_the_books() {
    let upstream = Upstream::start(vec![complete()]).await;
    let mut kit = set_up(&[&upstream], Setup::default());
    let headers = [("x-megarouter-tags", "ticket=OPS-12, env=prod"), ("x-megarouter-session", "night run")];
    assert_eq!(read(kit.gateway.serve(ask(Dialect::OpenAiChat, STREAM, &headers)).await).await.0, 200);
    let record = kit.journal.record().await;
    let tags: Vec<_> = record.tags.iter().map(|tag| (&*tag.name, &*tag.value)).collect();
    assert_eq!(tags, [("env", "prod"), ("ticket", "OPS-12")]);
    assert_eq!(record.session.as_deref(), Some("night run"));
    let facts = kit.journal.facts();
    let hold = hold_of(&facts);
    assert!(
        hold.scopes.contains(&Scope::Unit(team().id))
            && record.tags.iter().all(|tag| hold.scopes.contains(&Scope::Tag(tag.clone())))
    );
    assert_eq!(hold.session.as_deref(), Some("night run"));
    let sent = upstream.seen().requests.remove(0);
    assert!(!sent.contains("OPS-12") && !sent.contains("night run"), "{sent}");
}

#[tokio::test]
async fn claude_codes_session_is_read_from_its_metadata() {
    let upstream = Upstream::start(vec![complete()]).await;
    let mut kit = set_up(&[&upstream], Setup::default());
    let body = r#"{"model":"m","max_tokens":9,"stream":true,"metadata":{"user_id":"user_1_account__session_57a1"},"messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(read(kit.gateway.serve(ask(Dialect::Anthropic, body, &[])).await).await.0, 200);
    assert_eq!(kit.journal.record().await.session.as_deref(), Some("57a1"));
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_named() {
    let upstream = Upstream::start(vec![complete()]).await;
    let mut kit = set_up(&[&upstream], Setup::default());
    for (name, value) in [("x-megarouter-tags", "no value"), ("x-megarouter-session", " "), ("idempotency-key", "")] {
        let (status, body, _) = read(kit.gateway.serve(ask(Dialect::OpenAiChat, STREAM, &[(name, value)])).await).await;
        assert_eq!(status, 400, "{name}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["param"], name);
    }
    let records = kit.journal.records(3).await;
    assert!(records.iter().all(|record| record.outcome == Outcome::Refused && record.units[..] == [team().id]));
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn an_idempotency_key_is_used_once() {
    let upstream = Upstream::start(vec![
        Play::Close(json(400, r#"{"error":{"message":"no"}}"#)),
        Play::Wait(vec![], json(200, ANSWER)),
    ])
    .await;
    let kit = set_up(&[&upstream], Setup::default());
    let ask = |body: &str| kit.gateway.serve(ask(Dialect::OpenAiChat, body, &[("idempotency-key", "order-7")]));
    assert_eq!(read(ask(WHOLE).await).await.0, 400);
    let first = ask(WHOLE);
    let second = async {
        // The first one has the key before it is sent.
        loop {
            if upstream.seen().requests.len() == 2 {
                break;
            }
            tokio::task::yield_now().await;
        }
        let while_running = read(ask(WHOLE).await).await;
        let other_body = read(ask(BOUNDED).await).await;
        upstream.release();
        (while_running, other_body)
    };
    let (first, (while_running, other_body)) = tokio::join!(first, second);
    let id = first.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(read(first).await.0, 200, "a refused one gave the key back");
    assert!(
        while_running.0 == 409 && while_running.1.contains(&id) && while_running.1.contains("under way"),
        "{while_running:?}"
    );
    assert!(other_body.0 == 422 && other_body.1.contains(&id), "{other_body:?}");
    let (status, body, _) = read(ask(WHOLE).await).await;
    assert!(status == 409 && body.contains(&id) && body.contains("made already"), "{body}");
    assert_eq!(upstream.seen().requests.len(), 2);
}

#[tokio::test]
async fn nothing_waits_without_a_hub() {
    let upstream = Upstream::start(vec![complete()]).await;
    let kit = set_up(&[&upstream], Setup { budgets: vec![budget(1_000)], ..Setup::default() });
    let asked = tokio::time::timeout(Duration::from_millis(200), kit.gateway.serve(chat(KEY, STREAM))).await;
    assert_eq!(asked.unwrap().status(), 429);
}

#[tokio::test]
async fn a_shared_budget_is_spent_only_until_the_hub_must_have_been_heard_again() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let mut kit = set_up(&[&upstream], Setup { budgets: vec![budget(1_000_000_000)], ..Setup::default() });
    let books = std::sync::Arc::clone(kit.gateway.books());
    books.share(Sharing::Leased { live_nodes: 2 });
    let account = books.accounts().remove(0);
    books.set_grant(account.key.clone(), 1_000_000_000, 0);
    books.fence_after(Duration::from_secs(3_600));
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, BOUNDED)).await).await;
    assert_eq!(status, 200, "{body}");
    kit.journal.record().await;
    books.fence_after(Duration::ZERO);
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, BOUNDED)).await).await;
    assert_eq!(status, 429, "{body}");
    assert!(body.contains("budget.unavailable"), "{body}");
    let used = books.lower_grant(&account.key);
    assert!(used > 0 && used < 1_000_000_000, "{used}");
    assert_eq!(books.grants()[0].granted, used);
    assert_eq!((books.holds_before(books.instant()), books.oldest_hold()), (0, None));
}
