//! One request's way, over real sockets, with a provider that plays a script.

mod kit;

use std::time::Duration;

use http_body_util::BodyExt as _;
use kit::{
    ANSWER, DONE, HELLO, KEY, NARROW_KEY, Play, ROLE, STOP, USAGE, Upstream, anthropic, chat, events, gateway, json,
    read,
};
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::{Operation, Outcome};
use megarouter_domain::usage::UsageSource;
use megarouter_gateway::Limits;
use megarouter_ledger::entry::Resolution;

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const WHOLE: &str = r#"{"model":"alias","messages":[{"role":"user","content":"hi"}],"x_unknown":{"a":[1,2]}}"#;

fn complete() -> Play {
    Play::Close(events(&[ROLE, HELLO, STOP, USAGE, DONE]))
}

#[tokio::test]
async fn a_whole_answer_passes_byte_for_byte_and_is_on_the_ledger() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    let response = kit.gateway.serve(chat(KEY, WHOLE)).await;
    assert_eq!(response.headers()["x-megarouter-cost-usd"], "0.00002");
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(read(response).await, (200, ANSWER.to_owned(), true));
    let sent = upstream.seen().requests.remove(0);
    assert!(sent.ends_with(&WHOLE.replace("\"alias\"", "\"up\"")), "{sent}");
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.cost), (Outcome::Completed, Cost::Exact(NanoUsd(20_000))));
    assert_eq!((record.usage.total_input(), record.usage.total_output()), (Some(10), Some(5)));
    assert_eq!(&*record.model_asked, "alias");
}

#[tokio::test]
async fn a_stream_passes_without_the_usage_chunk_that_nobody_asked_for() {
    let upstream = Upstream::start(vec![complete()]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    let (status, body, is_whole) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    let expected: String = [ROLE, HELLO, STOP, DONE].iter().map(|event| format!("data: {event}\n\n")).collect();
    assert_eq!((status, body, is_whole), (200, expected, true));
    assert!(upstream.seen().requests[0].contains(r#""include_usage":true"#));
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.usage_source), (Outcome::Completed, UsageSource::Reported));
    assert_eq!(record.cost, Cost::Exact(NanoUsd(20_000)));
    assert!(record.first_output.is_some());
}

#[tokio::test]
async fn falls_back_in_order_and_records_every_attempt() {
    let broken = Upstream::start(vec![Play::Close(json(500, r#"{"error":{"message":"boom"}}"#))]).await;
    let page = Upstream::start(vec![Play::Close(json(200, "<html>"))]).await;
    let late = Upstream::start(vec![Play::Close(events(&[ROLE, r#"{"error":{"message":"overloaded"}}"#]))]).await;
    let good = Upstream::start(vec![complete()]).await;
    let mut kit = gateway(&[&broken, &page, &late, &good], Limits::default());
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    assert_eq!(status, 200);
    assert!(body.contains("Hello") && !body.contains("overloaded"));
    let record = kit.journal.record().await;
    let errors: Vec<_> = record.attempts.iter().map(|attempt| attempt.error).collect();
    assert_eq!(errors, [Some(Code::UpstreamError), Some(Code::UpstreamMalformed), Some(Code::UpstreamError), None]);
    assert_eq!(kit.journal.holds(), 4);
    assert_eq!(kit.journal.resolutions().first(), Some(&Resolution::Voided));
    assert_eq!(record.provider.as_deref(), Some("p3"));
    assert_eq!(kit.gateway.books().open_holds(), 0);
}

#[tokio::test]
async fn a_stream_cut_short_ends_with_an_error_and_never_with_the_end_mark() {
    let upstream = Upstream::start(vec![Play::Close(events(&[ROLE, HELLO]))]).await;
    let second = Upstream::start(vec![complete()]).await;
    let mut kit = gateway(&[&upstream, &second], Limits::default());
    let (status, body, is_whole) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    assert_eq!((status, is_whole), (200, false));
    assert!(body.contains("Hello") && body.contains("upstream.truncated") && !body.contains("[DONE]"), "{body}");
    assert!(second.seen().requests.is_empty(), "no fallback after output was delivered");
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.usage_source), (Outcome::Truncated, UsageSource::Estimated));
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_provider_and_pays_for_what_came() {
    let mut upstream = Upstream::start(vec![Play::Hang(events(&[ROLE, HELLO]))]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    let mut body = kit.gateway.serve(chat(KEY, STREAM)).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    upstream.until(|seen| seen.hung_up == 1).await;
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.status, record.error), (Outcome::ClientLeft, 200, Some(Code::ClientLeft)));
    assert_eq!(record.usage_source, UsageSource::Estimated);
    assert!(record.usage.total_output().is_some_and(|tokens| tokens > 0));
    assert_eq!(kit.gateway.books().open_holds(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_leaves_a_record_too() {
    let mut upstream = Upstream::start(vec![Play::Hang(vec![])]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    let gateway = std::sync::Arc::clone(&kit.gateway);
    let call = tokio::spawn(async move { gateway.serve(chat(KEY, STREAM)).await.status() });
    upstream.until(|seen| seen.requests.len() == 1).await;
    call.abort();
    upstream.until(|seen| seen.hung_up == 1).await;
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.status), (Outcome::ClientLeft, 499));
    assert!(matches!(kit.journal.resolutions()[..], [Resolution::Uncertain { .. }]));
}

#[tokio::test]
async fn no_output_before_the_hold_is_durable() {
    let mut upstream = Upstream::start(vec![complete()]).await;
    let kit = gateway(&[&upstream], Limits::default());
    kit.is_writing.send_replace(false);
    let gateway = std::sync::Arc::clone(&kit.gateway);
    let mut call = tokio::spawn(async move { gateway.serve(chat(KEY, STREAM)).await.status().as_u16() });
    upstream.until(|seen| seen.requests.len() == 1).await;
    let early = tokio::time::timeout(Duration::from_millis(200), &mut call).await;
    assert!(early.is_err(), "answered before the hold was written");
    kit.is_writing.send_replace(true);
    assert_eq!(call.await.unwrap(), 200);
}

#[tokio::test]
async fn a_wrong_request_passes_verbatim_and_is_not_tried_elsewhere() {
    let said = r#"{"error":{"message":"max_tokens is too large","type":"invalid_request_error","param":"max_tokens","code":null}}"#;
    let strict = Upstream::start(vec![Play::Close(json(400, said))]).await;
    let second = Upstream::start(vec![complete()]).await;
    let kit = gateway(&[&strict, &second], Limits::default());
    assert_eq!(read(kit.gateway.serve(chat(KEY, STREAM)).await).await, (400, said.to_owned(), true));
    assert!(second.seen().requests.is_empty());
}

#[tokio::test]
async fn waits_as_long_as_the_provider_asks_and_tries_again() {
    let busy = b"HTTP/1.1 429 X\r\nretry-after: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_vec();
    let upstream = Upstream::start(vec![Play::Close(busy), complete()]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    assert_eq!(read(kit.gateway.serve(chat(KEY, STREAM)).await).await.0, 200);
    let record = kit.journal.record().await;
    assert_eq!(record.attempts.len(), 2);
    assert!(record.attempts[1].started_after >= Duration::from_secs(1));
}

#[tokio::test]
async fn an_unreachable_provider_is_a_bad_gateway_and_costs_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut upstream = Upstream::start(vec![complete()]).await;
    upstream.base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let mut limits = Limits::default();
    limits.plan.max_attempts = 1;
    let mut kit = gateway(&[&upstream], limits);
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, WHOLE)).await).await;
    assert_eq!(status, 502, "{body}");
    assert!(body.contains("upstream.unreachable"));
    assert_eq!(kit.journal.record().await.cost, Cost::NotBillable);
    assert_eq!(kit.journal.resolutions(), [Resolution::Voided]);
}

#[tokio::test]
async fn refusals_have_their_status_and_call_nobody() {
    let upstream = Upstream::start(vec![complete()]).await;
    let kit = gateway(&[&upstream], Limits { max_body_bytes: 1_000, ..Limits::default() });
    let status = async |key: &str, body: &str| kit.gateway.serve(chat(key, body)).await.status().as_u16();
    assert_eq!(status("mr-wrong", STREAM).await, 401);
    assert_eq!(status(NARROW_KEY, STREAM).await, 403);
    assert_eq!(status(KEY, r#"{"model":"nope","messages":[{"role":"user","content":"x"}]}"#).await, 404);
    assert_eq!(status(KEY, "{").await, 400);
    assert_eq!(status(KEY, r#"{"model":"m"}"#).await, 400);
    assert_eq!(status(KEY, &format!(r#"{{"model":"m","pad":"{}"}}"#, "x".repeat(1_000))).await, 413);
    kit.gateway.pause(None);
    assert_eq!(status(KEY, STREAM).await, 503);
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn a_stalled_stream_ends_with_an_error() {
    let mut upstream = Upstream::start(vec![Play::Hang(events(&[ROLE, HELLO]))]).await;
    let limits = Limits { stream_idle: Duration::from_millis(150), ..Limits::default() };
    let mut kit = gateway(&[&upstream], limits);
    let (_, body, is_whole) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    assert!(!is_whole && body.contains("upstream.timeout"), "{body}");
    upstream.until(|seen| seen.hung_up == 1).await;
    assert_eq!(kit.journal.record().await.outcome, Outcome::Truncated);
}

#[tokio::test]
async fn nothing_in_a_request_can_name_a_host() {
    let upstream = Upstream::start(vec![complete()]).await;
    let kit = gateway(&[&upstream], Limits::default());
    let mut by_header = chat(KEY, STREAM);
    by_header.headers_mut().insert("x-base-url", "http://evil.example".parse().unwrap());
    let mut by_query = chat(KEY, STREAM);
    *by_query.uri_mut() = "/v1/chat/completions?api_base=http://evil.example".parse().unwrap();
    let by_body = chat(KEY, &STREAM.replacen('{', r#"{"api_base":"http://evil.example","#, 1));
    for request in [by_header, by_query, by_body] {
        assert_eq!(kit.gateway.serve(request).await.status(), 400);
    }
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn endless_comments_before_any_output_are_cut() {
    let mut flood = events(&[ROLE]);
    flood.extend(b": keep-alive\n\n".repeat(100_000));
    let upstream = Upstream::start(vec![Play::Hang(flood)]).await;
    let mut limits = Limits::default();
    limits.plan.max_attempts = 1;
    let kit = gateway(&[&upstream], limits);
    let (status, body, _) = read(kit.gateway.serve(chat(KEY, STREAM)).await).await;
    assert_eq!(status, 502, "{body}");
}

const ASKED: &str = r#"{"model":"m","max_tokens":9,"top_k":3,"messages":[{"role":"user","content":"Hi"}]}"#;

#[tokio::test]
async fn another_dialect_is_translated_and_its_losses_are_told_and_kept() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    let response = kit.gateway.serve(anthropic(ASKED, &[], "/v1/messages")).await;
    assert_eq!(response.headers()["x-megarouter-losses"], "top_k=unsupported");
    assert!(response.headers().contains_key("request-id"));
    let (status, body, _) = read(response).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(r#""type":"message""#) && body.contains("Hello"), "{body}");
    let record = kit.journal.record().await;
    assert_eq!(record.losses.len(), 1);
    assert_eq!(record.attempts[0].dialect, Some(Dialect::OpenAiChat));
    assert_eq!((record.usage.total_input(), record.usage.total_output()), (Some(10), Some(5)));
    assert!(upstream.seen().requests[0].contains(r#""max_tokens":9"#));
}

#[tokio::test]
async fn a_strict_request_is_refused_before_anybody_is_called() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let kit = gateway(&[&upstream], Limits::default());
    let response = kit.gateway.serve(anthropic(ASKED, &[("x-megarouter-strict", "true")], "/v1/messages")).await;
    let (status, body, _) = read(response).await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("invalid_request_error") && body.contains("top_k"), "{body}");
    assert_eq!((upstream.seen().requests.len(), kit.journal.holds()), (0, 0));
}

#[tokio::test]
async fn tokens_are_estimated_where_no_provider_counts_them() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    let body = r#"{"model":"m","messages":[{"role":"user","content":"How many are these?"}]}"#;
    let response = kit.gateway.serve(anthropic(body, &[], "/v1/messages/count_tokens")).await;
    assert_eq!(response.headers()["x-megarouter-estimated"], "true");
    let (status, body, _) = read(response).await;
    assert!(status == 200 && body.starts_with(r#"{"input_tokens":"#), "{body}");
    let record = kit.journal.record().await;
    assert_eq!((record.operation, record.attempts.len()), (Operation::CountTokens, 0));
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn what_only_one_provider_does_is_passed_on_and_metered() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let mut kit = gateway(&[&upstream], Limits::default());
    let path = "/passthrough/p0/fine_tuning/jobs?key=mr-test-key-0123456789&limit=2";
    let response = kit.gateway.serve(anthropic(r#"{"model":"up","x":1}"#, &[], path)).await;
    let (status, body, _) = read(response).await;
    assert_eq!((status, body.as_str()), (200, ANSWER));
    let seen = upstream.seen().requests[0].clone();
    assert!(seen.starts_with("POST /v1/fine_tuning/jobs?limit=2 "), "{seen}");
    assert!(!seen.contains("mr-test-key") && seen.ends_with(r#"{"model":"up","x":1}"#), "{seen}");
    let record = kit.journal.record().await;
    assert_eq!((record.operation, record.model.as_deref()), (Operation::PassThrough, Some("m")));
    assert!(matches!(record.cost, Cost::Exact(_)), "{:?}", record.cost);
}

#[tokio::test]
async fn a_narrow_key_may_not_pass_anything_on() {
    let upstream = Upstream::start(vec![Play::Close(json(200, ANSWER))]).await;
    let kit = gateway(&[&upstream], Limits::default());
    let request = http::Request::get("/passthrough/p0/files").header("x-api-key", NARROW_KEY);
    let response = kit.gateway.serve(request.body(http_body_util::Full::new(bytes::Bytes::new())).unwrap()).await;
    assert_eq!(response.status(), 403);
    assert!(upstream.seen().requests.is_empty());
}
