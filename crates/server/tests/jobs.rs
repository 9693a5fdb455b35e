//! What is done with answers afterwards: learning from them, keeping texts, asking again.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may")]
#![expect(dead_code, reason = "not every test uses all of the support")]

mod support;

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use megarouter_api::context::Context;
use megarouter_domain::access::Principal;
use megarouter_domain::feedback::{Feedback, Signal};
use megarouter_domain::id::{ReplayId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::permille::Permille;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Operation;
use megarouter_gateway::feedback::Signalled;
use megarouter_server::instance::{Instance, Purpose};
use megarouter_store::bodies::Kept;
use megarouter_store::settings::Change;
use megarouter_store::settings::replays::{Replay, ReplayAnswer, ReplayItem, ReplayState};
use support::{Reply, Upstream, Workshop, call};
use tokio::sync::oneshot;

const SETUP: &str = "
providers:
- {name: mock, kind: openai_compatible, base_url: 'http://UPSTREAM/v1', credential: {store: {env: MOCK_SECRET}}}
models:
- name: small
  deployments:
  - {provider: mock, upstream_model: tiny-1, price: {input: 0.5, output: 2}}
- name: large
  deployments:
  - {provider: mock, upstream_model: big-1, price: {input: 5, output: 20}}
";
const PATIENCE: Duration = Duration::from_secs(30);

fn workshop() -> (Workshop, Upstream) {
    let (workshop, upstream) = (Workshop::new(), Upstream::start(Reply::Whole));
    let file = workshop.write("setup.yaml", &SETUP.replace("UPSTREAM", &upstream.address));
    let applied = workshop.run(&["apply", "-f", &file]);
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    (workshop, upstream)
}

/// Asks a model or a policy something; gives the request's id.
async fn ask(context: &Context, model: &str, text: &str) -> RequestId {
    let everything = context.everything().await.unwrap();
    let key = context.gateway.snapshot().key(everything.playground_key).cloned().unwrap();
    let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let request = http::Request::post("/v1/chat/completions").header("content-type", "application/json");
    let request = request.body(http_body_util::Full::new(bytes::Bytes::from(body))).unwrap();
    let answer = context.gateway.serve_as(Principal { key }, request).await;
    assert_eq!(answer.status(), 200);
    let id = answer.headers()["x-request-id"].to_str().unwrap().parse().unwrap();
    answer.into_body().collect().await.unwrap();
    id
}

/// Asks again and again until there is an answer.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Says how good an answer was; whether the request is known.
async fn rate(context: &Context, request_id: RequestId, score: Permille) -> bool {
    let (sender, is_known) = oneshot::channel();
    let feedback = Feedback { request_id, at: context.now(), signal: Signal::Rated, score, comment: None };
    let signalled = Signalled { feedback, answered: None, by: None, is_known: Some(sender) };
    context.signals.send(signalled).await.unwrap();
    is_known.await.unwrap()
}

#[test]
fn what_people_say_is_learnt_and_outlives_a_restart() {
    let (workshop, _upstream) = workshop();
    let learnt = async |instance: &Instance, outcomes| {
        let gateway = &instance.context().gateway;
        until("it is learnt", async || (gateway.learnt().outcomes() == outcomes).then_some(())).await;
    };
    workshop.in_process(Purpose::Desktop, async |instance| {
        let context = instance.context();
        let decided = ask(context, "auto", "write a function that sorts a list").await;
        until("it is on the ledger", async || context.ledger.request(decided).await.unwrap()).await;
        assert!(rate(context, decided, Permille::ONE).await);
        let nobodys = RequestId::new(context.now(), [1; 10]);
        assert!(!rate(context, nobodys, Permille::ONE).await);
        learnt(instance, 1).await;
        let outcomes = context.settings.outcomes_of(decided).await.unwrap();
        let [outcome] = outcomes.as_slice() else { panic!("{outcomes:?}") };
        assert!(outcome.policy_id.is_some() && outcome.expected.is_some() && outcome.task.is_some(), "{outcome:?}");
        assert!(outcome.model.as_deref().is_some_and(|model| ["small", "large"].contains(&model)), "{outcome:?}");
        assert!(outcome.traits.contains("input_price"), "{}", outcome.traits);
    });
    workshop.in_process(Purpose::Desktop, async |instance| {
        learnt(instance, 1).await;
        let context = instance.context();
        let plain = ask(context, "small", "hello").await;
        until("it is on the ledger", async || context.ledger.request(plain).await.unwrap()).await;
        assert!(rate(context, plain, Permille::ZERO).await);
        until("it is written", async || (context.settings.outcome_news().await.unwrap().last == 2).then_some(())).await;
        context.settings.replace_learnt(None, context.now()).await.unwrap();
        context.learnt_replaced.notify_one();
        learnt(instance, 0).await;
    });
    workshop.in_process(Purpose::Desktop, async |instance| learnt(instance, 0).await);
}

async fn keep_texts(context: &Context, is_on: bool) {
    let value = format!(r#"{{"is_on":{is_on},"retention_days":7,"max_mb":10,"redacts":true}}"#);
    let change = Change::PutPreference { name: "bodies".to_owned(), value };
    let patterns =
        Change::PutPreference { name: "redaction_patterns".to_owned(), value: r#"["ACME-\\d+"]"#.to_owned() };
    context.change(vec![change, patterns], megarouter_api::configuration::Reread::Nothing, &[]).await.unwrap();
}

#[test]
fn texts_are_kept_only_while_somebody_wants_that_and_without_secrets() {
    let (workshop, _upstream) = workshop();
    let kept = async |context: &Context, id| context.bodies.get(id, context.now()).await.unwrap();
    let (mut before, mut during, mut after) = (None, None, None);
    workshop.in_process(Purpose::Desktop, async |instance| {
        let context = instance.context();
        before = Some(ask(context, "small", "not kept").await);
        keep_texts(context, true).await;
        let text = "ticket ACME-7 of jane@mail.example";
        let found: Kept = until("a text is kept", async || {
            let id = ask(context, "small", text).await;
            kept(context, id).await
        })
        .await;
        assert_eq!((found.operation, found.status), (Operation::ChatCompletions, 200));
        let request = found.request.text.unwrap();
        assert!(request.contains("ticket [redacted] of [redacted: e-mail]"), "{request}");
        assert_eq!(found.request.redactions, 2);
        assert!(found.response.text.unwrap().contains("hello from upstream"));
        during = Some(found.request_id);
        keep_texts(context, false).await;
        // The switch takes effect beside this; what is asked after a while is not kept.
        after = Some(
            until("texts are not kept any more", async || {
                let id = ask(context, "small", "off").await;
                tokio::time::sleep(Duration::from_millis(200)).await;
                kept(context, id).await.is_none().then_some(id)
            })
            .await,
        );
    });
    workshop.in_process(Purpose::Desktop, async |instance| {
        let context = instance.context();
        assert!(kept(context, during.unwrap()).await.is_some());
        assert!(kept(context, before.unwrap()).await.is_none() && kept(context, after.unwrap()).await.is_none());
    });
}

fn replay(seed: u8, max_cost: i64, context: &Context) -> Replay {
    Replay {
        id: ReplayId::new(context.now(), [seed; 10]),
        name: "Is small enough?".to_owned(),
        candidates: vec!["small".to_owned(), "large".to_owned(), "gone".to_owned()],
        judge: None,
        max_cost: NanoUsd(max_cost),
        cost: NanoUsd::ZERO,
        state: ReplayState::Waiting,
        detail: None,
        promotion: None,
        created_at: context.now(),
        finished_at: None,
    }
}

fn prompt(number: u32, answers: Vec<ReplayAnswer>) -> ReplayItem {
    ReplayItem {
        number,
        request_id: None,
        operation: Operation::ChatCompletions,
        body: r#"{"messages":[{"role":"user","content":"hello"}]}"#.to_owned(),
        answers,
        vote: None,
        judgement: None,
        reason: None,
    }
}

/// Runs a replay to its end.
async fn run(context: &Context, replay: &Replay, items: &[ReplayItem]) -> (Replay, Vec<ReplayItem>) {
    context.settings.add_replay(replay, items).await.unwrap();
    context.replays_changed.notify_one();
    until("the replay ends", async || {
        let (replay, items) = context.settings.replay(replay.id).await.unwrap().unwrap();
        (!replay.state.is_open()).then_some((replay, items))
    })
    .await
}

#[test]
fn a_replay_asks_every_candidate_and_stops_at_its_cap() {
    let (workshop, upstream) = workshop();
    workshop.in_process(Purpose::Desktop, async |instance| {
        let context = instance.context();
        // 4 x 0.5 + 2 x 2 and 4 x 5 + 2 x 20 USD per million tokens.
        let each = 6_000 + 60_000;
        let (ended, items) =
            run(context, &replay(1, 10 * each, context), &[prompt(1, vec![]), prompt(2, vec![])]).await;
        assert_eq!((ended.state, ended.cost), (ReplayState::Finished, NanoUsd(2 * each)));
        for item in &items {
            let [small, large, gone] = item.answers.as_slice() else { panic!("{item:?}") };
            assert_eq!([small.text.as_deref(), large.text.as_deref()], [Some("hello from upstream"); 2]);
            assert_eq!((small.output_tokens, small.cost.map(Cost::amount)), (Some(2), Some(NanoUsd(6_000))));
            assert!(
                gone.text.is_none() && gone.error.as_deref().is_some_and(|error| error.contains("gone")),
                "{gone:?}"
            );
        }
        let prompts: Vec<ReplayItem> = (1..=5).map(|number| prompt(number, vec![])).collect();
        let (ended, items) = run(context, &replay(2, 2 * each + 1_000, context), &prompts).await;
        assert_eq!((ended.state, ended.cost), (ReplayState::CostReached, NanoUsd(2 * each)));
        assert_eq!(items.iter().filter(|item| !item.answers.is_empty()).count(), 2);
        let requests = upstream.requests();
        let answered = |position| ReplayAnswer { position, ..items[0].answers[0].clone() };
        let half = prompt(1, vec![answered(1), answered(2)]);
        let (ended, _) = run(context, &replay(3, 10 * each, context), &[half]).await;
        assert_eq!(
            (ended.state, upstream.requests()),
            (ReplayState::Finished, requests),
            "only what is missing is asked"
        );
        let judged = Replay { judge: Some("large".to_owned()), ..replay(4, 10 * each, context) };
        let (ended, items) = run(context, &judged, &[prompt(1, vec![])]).await;
        assert_eq!((ended.state, items[0].judgement), (ReplayState::Finished, None), "no verdict is in what it says");
        assert!(upstream.last_request().contains("Answer B:"), "{}", upstream.last_request());
        let own = call(instance, "GET", "/api/v1/requests", "").await;
        assert!(own["rows"].as_array().is_some_and(|rows| rows.len() >= 8), "every call is on the ledger");
    });
}
