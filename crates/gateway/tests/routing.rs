//! Requests that are decided: by policies, over providers and models, with what they leave in the books.

mod kit;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use kit::{
    ANSWER, DONE, HELLO, KEY, Kit, NARROW_KEY, Offer, Play, ROLE, STOP, Setup, USAGE, Upstream, anthropic, ask, budget,
    chat, events, json, offers, policy, policy_of, read, set_up, version,
};
use megarouter_domain::budget::Budget;
use megarouter_domain::catalog::{Modality, Mode};
use megarouter_domain::code::Code;
use megarouter_domain::decision::{Kept, Removal};
use megarouter_domain::dialect::Dialect;
use megarouter_domain::facts::{Facts, Need};
use megarouter_domain::feedback::Signal;
use megarouter_domain::id::ProviderId;
use megarouter_domain::policy::{Trial, TrialMode};
use megarouter_domain::record::{Outcome, Purpose};
use megarouter_domain::scope::Scope;
use megarouter_gateway::Limits;
use megarouter_gateway::copies::Keep;
use serde_json::{Value, json};
use tokio::sync::mpsc;

const STREAM: &str = r#"{"model":"auto","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const WHOLE: &str = r#"{"model":"auto","messages":[{"role":"user","content":"hi"}]}"#;

fn complete() -> Play {
    Play::Close(events(&[ROLE, HELLO, STOP, USAGE, DONE]))
}

fn whole() -> Play {
    Play::Close(json(200, ANSWER))
}

/// One of [`ANSWER`]'s kind that says something else.
fn says(text: &str) -> Play {
    Play::Close(json(200, &ANSWER.replace("Hello", &text.replace('"', "\\\""))))
}

/// A route over models in their order.
fn in_order(models: &[&str]) -> Value {
    let candidates: Vec<_> = models.iter().map(|model| json!({ "model": model })).collect();
    json!({ "strategy": "fixed_order", "candidates": candidates })
}

/// A gateway whose policy `auto` has one route; each model is served by the provider of the same place.
fn routed(upstreams: &[&Upstream], models: &[&'static str], route: &Value) -> Kit {
    let policies = vec![policy("auto", route)];
    set_up(upstreams, Setup { offers: offers(models), policies, ..Setup::default() })
}

fn in_session(body: &str, session: &str) -> Request<Full<Bytes>> {
    let mut request = chat(KEY, body);
    request.headers_mut().insert("x-megarouter-session", session.parse().expect("a header's value"));
    request
}

async fn served(kit: &Kit, request: Request<Full<Bytes>>) -> (u16, HeaderMap, String) {
    let response = kit.gateway.serve(request).await;
    let headers = response.headers().clone();
    let (status, body, _) = read(response).await;
    (status, headers, body)
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().expect("visible ASCII").to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_policy_goes_on_to_other_models_until_one_answers() {
    let broken = Upstream::start(vec![Play::Close(json(500, r#"{"error":{"message":"boom"}}"#))]).await;
    let limited = json(429, r#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#);
    let limited = String::from_utf8(limited).unwrap().replacen("\r\n", "\r\nretry-after: 30\r\n", 1);
    let limited = Upstream::start(vec![Play::Close(limited.into_bytes())]).await;
    let late = Upstream::start(vec![Play::Close(events(&[ROLE, r#"{"error":{"message":"overloaded"}}"#]))]).await;
    let good = Upstream::start(vec![complete()]).await;
    let upstreams = [&broken, &limited, &late, &good];
    let mut kit = routed(&upstreams, &["a", "b", "c", "d"], &in_order(&["a", "b", "c", "d"]));
    let (status, headers, body) = served(&kit, chat(KEY, STREAM)).await;
    assert!(status == 200 && body.contains("Hello") && !body.contains("overloaded"), "{body}");
    assert_eq!(
        text(&headers, "x-megarouter-route"),
        "policy=auto@1; rule=1; strategy=fixed_order; model=d; provider=p3; attempts=4"
    );
    assert_eq!(
        (text(&headers, "x-megarouter-model"), text(&headers, "x-megarouter-provider")),
        ("d".into(), "p3".into())
    );
    let record = kit.journal.record().await;
    let errors: Vec<_> = record.attempts.iter().map(|attempt| attempt.error).collect();
    assert_eq!(errors, [Some(Code::UpstreamError), Some(Code::UpstreamRateLimited), Some(Code::UpstreamError), None]);
    assert_eq!(
        (&*record.model_asked, record.model.as_deref(), record.provider.as_deref()),
        ("auto", Some("d"), Some("p3"))
    );
    assert_eq!((record.outcome, kit.journal.holds(), kit.gateway.books().open_holds()), (Outcome::Completed, 4, 0));
    let decision = record.decision.unwrap();
    let rule = decision.rule.unwrap();
    assert_eq!((&*rule.policy, rule.version, rule.index, &*rule.name), ("auto", 1, 1, "All"));
    let models: Vec<_> = decision.candidates.iter().map(|candidate| &*candidate.model).collect();
    assert_eq!(models, ["a", "b", "c", "d"]);
    assert!(decision.candidates.iter().all(|candidate| candidate.removed.is_none() && candidate.cost.is_some()));
}

#[tokio::test]
async fn each_attempt_is_held_for_its_own_model() {
    let broken = Upstream::start(vec![Play::Close(json(500, "{}"))]).await;
    let good = Upstream::start(vec![whole()]).await;
    let kit = routed(&[&broken, &good], &["a", "b"], &in_order(&["a", "b"]));
    assert_eq!(served(&kit, chat(KEY, WHOLE)).await.0, 200);
    let holds = kit.journal.facts();
    let models: Vec<_> = holds
        .iter()
        .filter_map(|fact| match fact {
            megarouter_ledger::entry::Fact::Hold(hold) => Some((hold.model.to_string(), hold.scopes.len())),
            _ => None,
        })
        .collect();
    assert_eq!(models.iter().map(|(model, _)| model.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(
        broken.seen().requests[0].contains(r#""model":"up""#) && good.seen().requests[0].contains(r#""model":"up""#)
    );
}

#[tokio::test]
async fn a_model_with_one_deployment_is_not_decided_about() {
    let upstream = Upstream::start(vec![whole()]).await;
    let mut kit = routed(&[&upstream], &["a"], &in_order(&["a"]));
    let (status, headers, _) = served(&kit, chat(KEY, &WHOLE.replace("auto", "a"))).await;
    assert_eq!((status, headers.contains_key("x-megarouter-route")), (200, false));
    assert_eq!(kit.journal.record().await.decision, None);
}

#[tokio::test]
async fn a_wrong_request_is_no_reason_to_ask_another_model() {
    let said =
        r#"{"error":{"message":"top_p is out of range","type":"invalid_request_error","param":"top_p","code":null}}"#;
    let strict = Upstream::start(vec![Play::Close(json(400, said))]).await;
    let second = Upstream::start(vec![whole()]).await;
    let kit = routed(&[&strict, &second], &["a", "b"], &in_order(&["a", "b"]));
    let (status, headers, body) = served(&kit, chat(KEY, WHOLE)).await;
    assert_eq!((status, body.as_str()), (400, said));
    assert!(text(&headers, "x-megarouter-route").ends_with("attempts=1"));
    assert!(second.seen().requests.is_empty());
}

#[tokio::test]
async fn a_session_stays_with_the_model_that_served_it() {
    let first = Upstream::start(vec![Play::Close(json(404, "{}")), whole()]).await;
    let second = Upstream::start(vec![whole()]).await;
    let mut kit = routed(&[&first, &second], &["a", "b"], &in_order(&["a", "b"]));
    for session in ["one", "one", "two"] {
        assert_eq!(served(&kit, in_session(WHOLE, session)).await.0, 200);
    }
    let records = kit.journal.records(3).await;
    let models: Vec<_> = records.iter().map(|record| record.model.as_deref().unwrap()).collect();
    assert_eq!(models, ["b", "b", "a"], "the second request finds what the first one left");
    assert_eq!(records[1].decision.as_ref().unwrap().kept, Some(Kept::Session));
}

#[tokio::test]
async fn a_key_for_the_prompt_cache_is_a_session_too() {
    let first = Upstream::start(vec![Play::Close(json(404, "{}")), whole()]).await;
    let second = Upstream::start(vec![whole()]).await;
    let kit = routed(&[&first, &second], &["a", "b"], &in_order(&["a", "b"]));
    let cached = WHOLE.replacen('{', r#"{"prompt_cache_key":"k","#, 1);
    for _ in 0..2 {
        assert_eq!(text(&served(&kit, chat(KEY, &cached)).await.1, "x-megarouter-model"), "b");
    }
    assert_eq!(text(&served(&kit, chat(KEY, WHOLE)).await.1, "x-megarouter-model"), "a");
}

#[tokio::test]
async fn models_of_other_dialects_stand_in_for_each_other() {
    let claude = Upstream::start(vec![Play::Close(json(
        529,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    ))])
    .await;
    let other = Upstream::start(vec![whole()]).await;
    let setup = || Setup {
        kinds: &["anthropic_compatible", "openai_compatible"],
        offers: offers(&["claude", "other"]),
        policies: vec![policy("auto", &in_order(&["claude", "other"]))],
        ..Setup::default()
    };
    let mut kit = set_up(&[&claude, &other], setup());
    let body = r#"{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    let (status, headers, answer) = served(&kit, anthropic(body, &[], "/v1/messages")).await;
    assert!(status == 200 && answer.contains(r#""type":"message""#) && answer.contains("Hello"), "{answer}");
    assert_eq!(text(&headers, "x-megarouter-model"), "other");
    let dialects: Vec<_> = kit.journal.record().await.attempts.iter().map(|attempt| attempt.dialect).collect();
    assert_eq!(dialects, [Some(Dialect::Anthropic), Some(Dialect::OpenAiChat)]);
    // A strict client goes to whoever takes all that it says.
    let strict = r#"{"model":"auto","messages":[{"role":"user","content":"hi"}],"frequency_penalty":1}"#;
    let mut kit = set_up(&[&claude, &other], setup());
    let mut request = chat(KEY, strict);
    request.headers_mut().insert("x-megarouter-strict", http::HeaderValue::from_static("true"));
    let (status, headers, answer) = served(&kit, request).await;
    assert_eq!((status, text(&headers, "x-megarouter-model")), (200, "other".to_owned()), "{answer}");
    assert_eq!((kit.journal.record().await.attempts.len(), claude.seen().requests.len()), (1, 1));
}

#[tokio::test]
async fn what_is_no_conversation_is_routed_too() {
    let upstream = Upstream::start(vec![Play::Close(json(
        200,
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"up","usage":{"prompt_tokens":2,"total_tokens":2}}"#,
    ))])
    .await;
    let chats = Facts { mode: Some(Mode::Chat), ..Facts::default() };
    let embeds = Facts { mode: Some(Mode::Embedding), ..Facts::default() };
    let offers =
        vec![Offer { facts: chats, ..Offer::new("talks", 0) }, Offer { facts: embeds, ..Offer::new("embeds", 0) }];
    let policies = vec![policy("auto", &json!({ "strategy": "fixed_order" }))];
    let kit = set_up(&[&upstream], Setup { offers, policies, ..Setup::default() });
    let mut embedding = chat(KEY, r#"{"model":"auto","input":"hi"}"#);
    *embedding.uri_mut() = http::Uri::from_static("/v1/embeddings");
    let (status, headers, answer) = served(&kit, embedding).await;
    assert_eq!((status, text(&headers, "x-megarouter-model")), (200, "embeds".to_owned()), "{answer}");
    let count = r#"{"model":"auto","messages":[{"role":"user","content":"How many are these?"}]}"#;
    let (status, _, answer) = served(&kit, anthropic(count, &[], "/v1/messages/count_tokens")).await;
    assert!(status == 200 && answer.starts_with(r#"{"input_tokens":"#), "{answer}");
}

#[tokio::test]
async fn a_canary_decides_for_a_share_of_the_sessions_and_always_the_same() {
    let old = Upstream::start(vec![whole()]).await;
    let new = Upstream::start(vec![whole()]).await;
    let mut canary = policy("auto", &in_order(&["old"]));
    let tried = version(2, &json!({ "rules": [{ "route": in_order(&["new"]) }] }));
    canary.trial = Some(Trial { version: tried, mode: TrialMode::Canary { percent: 50 }, since: kit::START });
    let setup = Setup { offers: offers(&["old", "new"]), policies: vec![canary], ..Setup::default() };
    let kit = set_up(&[&old, &new], setup);
    let mut shares = [0, 0];
    for session in 0..30 {
        let mut models = vec![];
        for _ in 0..2 {
            let (_, headers, _) = served(&kit, in_session(WHOLE, &session.to_string())).await;
            models.push(text(&headers, "x-megarouter-model"));
        }
        assert_eq!(models[0], models[1], "session {session}");
        shares[usize::from(models[0] == "new")] += 1;
    }
    assert!(shares.iter().all(|share| *share >= 5), "{shares:?}");
}

#[tokio::test]
async fn a_version_on_trial_in_the_shadow_changes_nothing_and_is_noted() {
    let old = Upstream::start(vec![whole()]).await;
    let new = Upstream::start(vec![whole()]).await;
    let mut tried = policy("auto", &in_order(&["old"]));
    let other = version(7, &json!({ "rules": [{ "route": in_order(&["new"]) }] }));
    tried.trial = Some(Trial { version: other, mode: TrialMode::Shadow, since: kit::START });
    let setup = Setup { offers: offers(&["old", "new"]), policies: vec![tried], ..Setup::default() };
    let mut kit = set_up(&[&old, &new], setup);
    assert_eq!(served(&kit, chat(KEY, WHOLE)).await.0, 200);
    let record = kit.journal.record().await;
    let trial = record.decision.unwrap().trial.unwrap();
    assert_eq!((record.model.as_deref(), trial.version, trial.has_decided), (Some("old"), 7, false));
    assert_eq!(trial.model.as_deref(), Some("new"));
    assert!(new.seen().requests.is_empty());
}

fn ladder() -> Value {
    let settings = json!({ "check_refusal": true });
    let candidates = json!([{ "model": "dear" }, { "model": "cheap" }]);
    json!({ "strategy": "cascade", "settings": settings, "candidates": candidates })
}

/// A gateway whose cheap model is by the first provider and whose dear one by the second.
fn cascading(cheap: &Upstream, dear: &Upstream) -> Kit {
    let offers = vec![Offer::new("cheap", 0), Offer::new("dear", 1).dear(40)];
    set_up(&[cheap, dear], Setup { offers, policies: vec![policy("auto", &ladder())], ..Setup::default() })
}

#[tokio::test]
async fn a_cascade_passes_a_cheap_answer_on_that_stands_the_checks() {
    let cheap = Upstream::start(vec![whole(), complete()]).await;
    let dear = Upstream::start(vec![whole()]).await;
    let mut kit = cascading(&cheap, &dear);
    let (status, _, body) = served(&kit, chat(KEY, WHOLE)).await;
    assert_eq!((status, body.as_str()), (200, ANSWER));
    let (status, _, body) = served(&kit, chat(KEY, STREAM)).await;
    let expected: String = [ROLE, HELLO, STOP, DONE].iter().map(|event| format!("data: {event}\n\n")).collect();
    assert_eq!((status, body), (200, expected));
    let records = kit.journal.records(2).await;
    for record in records {
        let outcome = (record.model.as_deref(), record.attempts.len(), record.attempts[0].purpose, record.outcome);
        assert_eq!(outcome, (Some("cheap"), 1, None, Outcome::Completed));
    }
    assert!(dear.seen().requests.is_empty());
}

#[tokio::test]
async fn a_cascade_asks_a_better_model_where_a_check_fails_and_both_are_paid() {
    let no = events(&[ROLE, &HELLO.replace("Hello", "I cannot help with that."), STOP, USAGE, DONE]);
    let cheap = Upstream::start(vec![says("I'm sorry, but I can't help with that."), Play::Close(no)]).await;
    let dear = Upstream::start(vec![whole(), complete()]).await;
    let mut kit = cascading(&cheap, &dear);
    let (told, mut signals) = mpsc::channel(8);
    kit.gateway.tell_signals_to(told);
    for body in [WHOLE, STREAM] {
        let (status, headers, body) = served(&kit, chat(KEY, body)).await;
        assert!(status == 200 && body.contains("Hello") && !body.contains("help with"), "{body}");
        assert_eq!(text(&headers, "x-megarouter-model"), "dear");
        let signalled = signals.recv().await.unwrap();
        assert_eq!((signalled.feedback.signal, &*signalled.answered.unwrap().model), (Signal::Escalated, "cheap"));
    }
    for record in kit.journal.records(2).await {
        let purposes: Vec<_> = record.attempts.iter().map(|attempt| (attempt.purpose, attempt.error)).collect();
        assert_eq!(purposes, [(Some(Purpose::Cascade), None), (None, None)]);
        assert_eq!((record.usage.total_input(), record.model.as_deref()), (Some(20), Some("dear")));
    }
}

#[tokio::test]
async fn a_client_whose_answer_is_checked_for_long_sees_signs_of_life() {
    let refusal = &HELLO.replace("Hello", "I cannot help with that.");
    let slow = Play::Wait(events(&[ROLE, refusal]), format!("data: {STOP}\n\ndata: {DONE}\n\n").into_bytes());
    let offers = || vec![Offer::new("cheap", 0), Offer::new("dear", 1).dear(40)];
    let limits = Limits { keep_alive: std::time::Duration::from_millis(20), ..Limits::default() };
    for (dear, end) in [(complete(), "[DONE]"), (Play::Close(json(500, "{}")), "upstream.error")] {
        let (cheap, dear) = (Upstream::start(vec![slow.clone()]).await, Upstream::start(vec![dear]).await);
        let mut policy = policy("auto", &ladder());
        policy.live.body.rules[0].route.patience.attempts = Some(2);
        let setup = Setup { offers: offers(), policies: vec![policy], limits, ..Setup::default() };
        let mut kit = set_up(&[&cheap, &dear], setup);
        let response = kit.gateway.serve(chat(KEY, STREAM)).await;
        assert_eq!(text(response.headers(), "content-type"), "text/event-stream; charset=utf-8");
        let mut body = response.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(&first[..], b": keep-alive\n\n");
        cheap.release();
        let (_, rest, is_whole) = read(http::Response::new(body)).await;
        assert!(rest.contains(end) && !rest.contains("help with"), "{rest}");
        assert_eq!(is_whole, end == "[DONE]", "an error is no proper end");
        assert_eq!(kit.journal.record().await.attempts.len(), 2);
    }
}

#[tokio::test]
async fn a_policy_gives_nobody_a_model_they_may_not_use() {
    let dear = Upstream::start(vec![whole()]).await;
    let cheap = Upstream::start(vec![whole()]).await;
    let setup = |narrow| Setup {
        offers: offers(&["dear", "cheap"]),
        policies: vec![policy("auto", &in_order(&["dear", "cheap"]))],
        narrow,
        ..Setup::default()
    };
    let mut kit = set_up(&[&dear, &cheap], setup(&["cheap"]));
    let (_, headers, _) = served(&kit, chat(NARROW_KEY, WHOLE)).await;
    assert_eq!(text(&headers, "x-megarouter-model"), "cheap");
    let decision = kit.journal.record().await.decision.unwrap();
    let removed = decision.candidates.iter().find(|candidate| &*candidate.model == "dear").unwrap();
    assert_eq!(removed.removed, Some(Removal::Access));
    let mut kit = set_up(&[&dear, &cheap], setup(&["auto"]));
    let (status, _, body) = served(&kit, chat(NARROW_KEY, WHOLE)).await;
    assert!(status == 403 && body.contains("model.forbidden"), "{status} {body}");
    assert!(kit.journal.record().await.decision.is_some(), "what nobody served is explained too");
    assert!(dear.seen().requests.is_empty());
}

#[tokio::test]
async fn policies_are_listed_for_those_who_may_use_them_in_every_dialect() {
    let upstream = Upstream::start(vec![whole()]).await;
    let listed = async |narrow, key: &str, path: &str, header: Option<&'static str>| {
        let policies = vec![policy("auto", &in_order(&["a"]))];
        let kit = set_up(&[&upstream], Setup { offers: offers(&["a"]), policies, narrow, ..Setup::default() });
        let mut request = Request::get(path).header("authorization", format!("Bearer {key}"));
        if let Some(header) = header {
            request = request.header(header, "2023-06-01");
        }
        read(kit.gateway.serve(request.body(Full::new(Bytes::new())).unwrap()).await).await
    };
    for (path, header) in [("/v1/models", None), ("/v1/models", Some("anthropic-version")), ("/v1beta/models", None)] {
        assert!(listed(&["a"], KEY, path, header).await.1.contains("auto"), "{path}");
        assert!(listed(&["a"], NARROW_KEY, path, header).await.1.contains("auto"), "{path}");
        assert!(!listed(&["b"], NARROW_KEY, path, header).await.1.contains("auto"), "{path}");
    }
    assert_eq!(listed(&["a"], NARROW_KEY, "/v1/models/auto", None).await.0, 200);
    assert_eq!(listed(&["b"], NARROW_KEY, "/v1/models/auto", None).await.0, 404);
}

#[tokio::test]
async fn an_unknown_name_is_told_in_the_clients_dialect_beside_policies() {
    let upstream = Upstream::start(vec![whole()]).await;
    let kit = routed(&[&upstream], &["a"], &in_order(&["a"]));
    let body = r#"{"model":"nope","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    let (status, _, body) = served(&kit, anthropic(body, &[], "/v1/messages")).await;
    assert!(status == 404 && body.contains("not_found_error"), "{body}");
}

#[tokio::test]
async fn what_is_taken_over_is_never_dearer_than_what_was_asked() {
    let upstreams = [Upstream::start(vec![whole()]).await, Upstream::start(vec![whole()]).await];
    let mut route = in_order(&["dear", "cheap"]);
    route["bounds"] = json!({ "never_dearer": true });
    let body = json!({ "takes_over": ["usual*"], "rules": [{ "route": route }] });
    let offers = vec![Offer::new("dear", 0).dear(3), Offer::new("cheap", 1), Offer::new("usual-1", 0).dear(2)];
    let mut kit = set_up(
        &[&upstreams[0], &upstreams[1]],
        Setup { offers, policies: vec![policy_of("auto", &body)], ..Setup::default() },
    );
    let (_, headers, _) = served(&kit, chat(KEY, &WHOLE.replace("auto", "usual-1"))).await;
    assert_eq!(text(&headers, "x-megarouter-model"), "cheap");
    let record = kit.journal.record().await;
    let decision = record.decision.unwrap();
    let dear = decision.candidates.iter().find(|candidate| &*candidate.model == "dear").unwrap();
    assert_eq!(dear.removed, Some(Removal::Bound { name: "never_dearer".into() }));
    assert_eq!(&*record.model_asked, "usual-1");
}

#[tokio::test]
async fn a_route_waits_no_longer_than_it_says() {
    let mut silent = Upstream::start(vec![Play::Hang(vec![])]).await;
    let good = Upstream::start(vec![complete()]).await;
    let mut route = in_order(&["a", "b"]);
    route["patience"] = json!({ "first_output_ms": 100, "attempts": 2 });
    let mut kit = routed(&[&silent, &good], &["a", "b"], &route);
    let (_, headers, _) = served(&kit, chat(KEY, STREAM)).await;
    assert_eq!(text(&headers, "x-megarouter-model"), "b");
    silent.until(|seen| seen.hung_up == 1).await;
    let record = kit.journal.record().await;
    assert_eq!(record.attempts[0].error, Some(Code::UpstreamTimeout));
    let one = Upstream::start(vec![Play::Close(json(500, "{}"))]).await;
    let mut route = in_order(&["a", "b"]);
    route["patience"] = json!({ "attempts": 1 });
    let kit = routed(&[&one, &good], &["a", "b"], &route);
    assert_eq!(served(&kit, chat(KEY, WHOLE)).await.0, 502, "one attempt is all there is");
}

#[tokio::test]
async fn a_picture_goes_to_a_model_that_sees() {
    let blind = Upstream::start(vec![whole()]).await;
    let seeing = Upstream::start(vec![whole()]).await;
    let facts = |input: &[Modality]| Facts { input: input.iter().copied().collect(), ..Facts::default() };
    let offers = vec![
        Offer { facts: facts(&[Modality::Text]), ..Offer::new("blind", 0) },
        Offer { facts: facts(&[Modality::Text, Modality::Image]), ..Offer::new("seeing", 1) },
    ];
    let policies = vec![policy("auto", &in_order(&["blind", "seeing"]))];
    let mut kit = set_up(&[&blind, &seeing], Setup { offers, policies, ..Setup::default() });
    let picture = r#"{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}"#;
    for (body, model) in [(picture, "seeing"), (WHOLE, "blind")] {
        assert_eq!(text(&served(&kit, chat(KEY, body)).await.1, "x-megarouter-model"), model);
    }
    let records = kit.journal.records(2).await;
    let decision = records[0].decision.as_ref().unwrap();
    assert!(decision.needs.contains(Need::Images));
    let removed = decision.candidates.iter().find_map(|candidate| candidate.removed.clone());
    assert_eq!(removed, Some(Removal::Lacks { need: Need::Images }));
}

#[tokio::test]
async fn when_nothing_is_left_the_answer_says_why_in_every_dialect() {
    let upstream = Upstream::start(vec![whole()]).await;
    let mut route = in_order(&["a", "b"]);
    route["bounds"] = json!({ "local_only": true });
    for dialect in [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic] {
        let mut kit = routed(&[&upstream, &upstream], &["a", "b"], &route);
        let body = match dialect {
            Dialect::OpenAiResponses => r#"{"model":"auto","input":"hi"}"#,
            _ => r#"{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
        };
        let (status, _, body) = served(&kit, ask(dialect, body, &[])).await;
        assert_eq!(status, 503, "{body}");
        for part in ["policy `auto`", "Rule 1", "`a`, `b` beyond the bound `local_only`", "relax the bound"] {
            assert!(body.contains(part), "{body} has not {part}");
        }
        let record = kit.journal.record().await;
        assert_eq!((record.outcome, record.error), (Outcome::Refused, Some(Code::ModelUnavailable)));
        assert_eq!(record.decision.unwrap().candidates.len(), 2);
    }
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn a_budget_leaves_what_it_can_pay_for() {
    let dear = Upstream::start(vec![whole()]).await;
    let cheap = Upstream::start(vec![whole()]).await;
    let bounded = r#"{"model":"auto","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#;
    let setup = |limit| Setup {
        offers: vec![Offer::new("dear", 0).dear(1_000), Offer::new("cheap", 1)],
        policies: vec![policy("auto", &in_order(&["dear", "cheap"]))],
        budgets: vec![budget(limit)],
        ..Setup::default()
    };
    let kit = set_up(&[&dear, &cheap], setup(1_000_000));
    assert_eq!(text(&served(&kit, chat(KEY, bounded)).await.1, "x-megarouter-model"), "cheap");
    let mut kit = set_up(&[&dear, &cheap], setup(1_000));
    let (status, headers, body) = served(&kit, chat(KEY, bounded)).await;
    assert!(status == 429 && body.contains("budget.exceeded"), "{status} {body}");
    assert_eq!(text(&headers, "x-should-retry"), "false");
    let record = kit.journal.record().await;
    assert_eq!((record.outcome, record.error), (Outcome::Refused, Some(Code::BudgetExceeded)));
    assert_eq!((dear.seen().requests.len(), cheap.seen().requests.len()), (0, 1));
}

#[tokio::test]
async fn what_a_budget_refuses_is_final_for_every_model() {
    let upstreams = [Upstream::start(vec![whole()]).await, Upstream::start(vec![whole()]).await];
    // A short answer is expected, and can be paid; all that the client wants cannot.
    let wants = r#"{"model":"auto","max_tokens":100000,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut kit = set_up(
        &[&upstreams[0], &upstreams[1]],
        Setup {
            offers: offers(&["a", "b"]),
            policies: vec![policy("auto", &in_order(&["a", "b"]))],
            budgets: vec![budget(10_000_000)],
            ..Setup::default()
        },
    );
    let (status, headers, body) = served(&kit, chat(KEY, wants)).await;
    assert!(status == 429 && body.contains("The budget of the team Payments"), "{status} {body}");
    assert!(headers.contains_key("x-megarouter-budget-remaining") && headers.contains_key("x-megarouter-route"));
    assert_eq!(kit.journal.record().await.attempts.len(), 0);
    assert!(upstreams.iter().all(|upstream| upstream.seen().requests.is_empty()));
}

#[tokio::test]
async fn a_budget_of_one_provider_spares_the_others() {
    let upstreams = [Upstream::start(vec![whole()]).await, Upstream::start(vec![whole()]).await];
    let own = Budget { scope: Scope::Provider(ProviderId::new(kit::START, [0; 10])), ..budget(1_000) };
    let bounded = r#"{"model":"auto","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut kit = set_up(
        &[&upstreams[0], &upstreams[1]],
        Setup {
            offers: offers(&["a", "b"]),
            policies: vec![policy("auto", &in_order(&["a", "b"]))],
            budgets: vec![own],
            ..Setup::default()
        },
    );
    let (status, headers, body) = served(&kit, chat(KEY, bounded)).await;
    assert_eq!((status, text(&headers, "x-megarouter-model")), (200, "b".to_owned()), "{body}");
    let record = kit.journal.record().await;
    assert_eq!((record.refusal, record.attempts.len()), (None, 1));
    assert!(upstreams[0].seen().requests.is_empty());
}

fn feedback(key: &str, body: &Value) -> Request<Full<Bytes>> {
    let mut request = chat(key, &body.to_string());
    *request.uri_mut() = "/v1/feedback".parse().expect("a path");
    request
}

#[tokio::test]
async fn a_word_on_an_answer_goes_to_those_who_learn_from_it() {
    let upstream = Upstream::start(vec![whole()]).await;
    let kit = routed(&[&upstream], &["a"], &json!({ "strategy": "learned_utility" }));
    let (told, mut signals) = mpsc::channel(8);
    kit.gateway.tell_signals_to(told);
    let (_, headers, _) = served(&kit, chat(KEY, WHOLE)).await;
    let request_id = text(&headers, "x-request-id");
    let good = json!({ "request_id": request_id, "thumbs": "up", "comment": "just right" });
    let (status, _, body) = served(&kit, feedback(KEY, &good)).await;
    assert!(status == 202 && body.contains(&request_id), "{status} {body}");
    let signalled = signals.recv().await.unwrap();
    let answered = signalled.answered.unwrap();
    assert_eq!((signalled.feedback.score.get(), signalled.feedback.signal), (1_000, Signal::Rated));
    assert_eq!((&*answered.model, answered.task.is_some(), answered.sketch.is_some()), ("a", true, true));
    // Of a request that is not remembered, whoever has the ledger says whether there is one.
    let old = json!({ "request_id": "0193a5f0-0000-7000-8000-000000000000", "score": 0.25 });
    for (is_known, expected) in [(true, 202), (false, 404)] {
        let gateway = Arc::clone(&kit.gateway);
        let asked = tokio::spawn({
            let request = feedback(KEY, &old);
            async move { gateway.serve(request).await.status().as_u16() }
        });
        let signalled = signals.recv().await.unwrap();
        assert!(signalled.answered.is_none());
        signalled.is_known.unwrap().send(is_known).unwrap();
        assert_eq!(asked.await.unwrap(), expected);
    }
    assert_eq!(served(&kit, feedback(KEY, &json!({ "request_id": request_id, "stars": 5 }))).await.0, 400);
    assert_eq!(served(&kit, feedback("mr-wrong", &good)).await.0, 401);
}

#[tokio::test]
async fn the_same_words_again_are_noticed() {
    let upstream = Upstream::start(vec![whole()]).await;
    let kit = routed(&[&upstream], &["a"], &in_order(&["a"]));
    let (told, mut signals) = mpsc::channel(8);
    kit.gateway.tell_signals_to(told);
    let (_, first, _) = served(&kit, in_session(WHOLE, "s")).await;
    served(&kit, in_session(&WHOLE.replace("hi", "and now?"), "s")).await;
    served(&kit, in_session(WHOLE, "other")).await;
    assert!(signals.try_recv().is_err());
    served(&kit, in_session(WHOLE, "s")).await;
    let signalled = signals.recv().await.unwrap();
    assert_eq!(signalled.feedback.signal, Signal::Regenerated);
    assert_eq!(signalled.feedback.request_id.to_string(), text(&first, "x-request-id"));
}

#[tokio::test]
async fn an_answer_off_its_schema_or_its_tools_is_noticed_streamed_or_not() {
    let off = r#"{\"n\":\"one\"}"#;
    let streamed = events(&[ROLE, &HELLO.replace("Hello", off), STOP, USAGE, DONE]);
    let cut = events(&[ROLE, &HELLO.replace("Hello", off)]);
    let called = ANSWER.replace(
        r#""content":"Hello""#,
        r#""content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"other","arguments":"{}"}}]"#,
    );
    let upstream = Upstream::start(vec![
        says(r#"{"n":"one"}"#),
        Play::Close(cut),
        Play::Close(streamed),
        Play::Close(json(200, &called)),
    ])
    .await;
    let kit = routed(&[&upstream], &["a"], &json!({ "strategy": "learned_utility" }));
    let (told, mut signals) = mpsc::channel(8);
    kit.gateway.tell_signals_to(told);
    let schema = r#"{"model":"auto","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"n":{"type":"integer"}}}}}}"#;
    let stream = schema.replacen('{', r#"{"stream":true,"#, 1);
    let tools = WHOLE.replacen('{', r#"{"tools":[{"type":"function","function":{"name":"read"}}],"#, 1);
    let mut expected = vec![];
    for (body, signal) in [
        (schema, Some(Signal::BrokeSchema)),
        // What was cut short says nothing.
        (stream.as_str(), None),
        (stream.as_str(), Some(Signal::BrokeSchema)),
        (tools.as_str(), Some(Signal::BrokeTool)),
    ] {
        let (status, headers, answer) = served(&kit, chat(KEY, body)).await;
        assert_eq!(status, 200, "{answer}");
        expected.extend(signal.map(|signal| (signal, text(&headers, "x-request-id"))));
    }
    for (signal, request_id) in expected {
        let feedback = signals.recv().await.unwrap().feedback;
        assert_eq!((feedback.signal, feedback.request_id.to_string()), (signal, request_id));
    }
}

#[tokio::test]
async fn bodies_are_copied_only_when_somebody_keeps_them() {
    let upstream = Upstream::start(vec![whole(), complete(), whole()]).await;
    let kit = routed(&[&upstream], &["a"], &in_order(&["a"]));
    served(&kit, chat(KEY, WHOLE)).await;
    let (sender, mut copies) = mpsc::channel(8);
    kit.gateway.keep_copies(Some(Arc::new(Keep::new(sender, 64))));
    let (_, _, body) = served(&kit, chat(KEY, STREAM)).await;
    let copied = copies.recv().await.unwrap();
    assert_eq!((&copied.request[..], copied.request_bytes), (&STREAM.as_bytes()[..64], STREAM.len()));
    assert_eq!((&copied.response[..], copied.response_bytes), (&body.as_bytes()[..64], body.len()));
    assert_eq!(copied.status, 200);
    let failed = served(&kit, chat(KEY, &WHOLE.replace("[{", "[{\"x\":1,"))).await;
    assert_eq!(copies.recv().await.unwrap().status, failed.0);
    kit.gateway.keep_copies(None);
    served(&kit, chat(KEY, WHOLE)).await;
    assert!(copies.recv().await.is_none(), "nobody keeps them any more");
}

#[tokio::test]
async fn a_shadow_gets_a_copy_whose_answer_nobody_sees_and_which_is_paid() {
    let shown = Upstream::start(vec![complete()]).await;
    let mut hidden =
        Upstream::start(vec![Play::Close(events(&[ROLE, &HELLO.replace("Hello", "Hidden"), STOP, USAGE, DONE]))]).await;
    let route = |cents: u64| {
        let settings = json!({ "candidate": "new", "percent": 100, "daily_cost": cents });
        json!({ "strategy": "shadow", "settings": settings, "candidates": [{ "model": "old" }, { "model": "new" }] })
    };
    let mut kit = routed(&[&shown, &hidden], &["old", "new"], &route(1));
    let (_, headers, body) = served(&kit, chat(KEY, STREAM)).await;
    assert!(body.contains("Hello") && !body.contains("Hidden"));
    hidden.until(|seen| seen.requests.len() == 1).await;
    let records = kit.journal.records(2).await;
    let own = records.iter().position(|record| record.model.as_deref() == Some("old")).unwrap();
    let (own, copy) = (&records[own], &records[1 - own]);
    assert_eq!(own.request_id.to_string(), text(&headers, "x-request-id"));
    assert_eq!((copy.model.as_deref(), copy.attempts[0].purpose), (Some("new"), Some(Purpose::Shadow)));
    assert_eq!((copy.key_id, copy.outcome), (own.key_id, Outcome::Completed));
    let mut kit = routed(&[&shown, &hidden], &["old", "new"], &route(0));
    served(&kit, chat(KEY, STREAM)).await;
    assert_eq!(kit.journal.record().await.model.as_deref(), Some("old"));
    assert_eq!(hidden.seen().requests.len(), 1, "copies may cost nothing any more");
}

#[tokio::test]
async fn what_is_decided_can_be_asked_without_sending_anything() {
    let upstream = Upstream::start(vec![whole()]).await;
    let kit = routed(&[&upstream], &["a"], &in_order(&["a"]));
    let names: Vec<_> =
        kit.gateway.look_around(|table, _| table.served().iter().map(|served| served.name.to_string()).collect());
    assert_eq!(names, ["a"]);
    let learnt = kit.gateway.learnt();
    kit.gateway.set_learnt(Arc::clone(&learnt));
    assert!(Arc::ptr_eq(&learnt, &kit.gateway.learnt()));
    assert!(upstream.seen().requests.is_empty());
}

#[tokio::test]
async fn a_model_of_several_providers_is_served_in_their_order_and_the_decision_is_kept() {
    let upstreams = [Upstream::start(vec![whole()]).await, Upstream::start(vec![whole()]).await];
    let mut kit = kit::gateway(&[&upstreams[0], &upstreams[1]], Limits::default());
    let (_, headers, _) = served(&kit, chat(KEY, &WHOLE.replace("auto", "m"))).await;
    assert_eq!(text(&headers, "x-megarouter-route"), "strategy=fixed_order; model=m; provider=p0; attempts=1");
    let decision = kit.journal.record().await.decision.unwrap();
    assert_eq!((decision.rule, decision.candidates.len()), (None, 2));
}
