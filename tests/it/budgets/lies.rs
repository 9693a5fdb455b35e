//! A budget before a provider that claims more than it was allowed to use, and one that never ends.

use futures_util::future::join_all;
use megarouter_tests::budget::{self, Budget};
use megarouter_tests::client;
use megarouter_tests::control::Control;
use megarouter_tests::evil_upstream::{Act, Dialect, EvilUpstream, Figures, Play};
use megarouter_tests::world::NANOS_PER_TOKEN;

const CLIENTS: usize = 16;
/// Half as much again as the thousand tokens that the requests allow.
const CLAIMED: u64 = 1_500;
const COST: u64 = 12 * NANOS_PER_TOKEN.0 + CLAIMED * NANOS_PER_TOKEN.1;
const LIMIT: u64 = 60 * COST;

#[tokio::test]
async fn a_provider_that_claims_half_as_much_again_exceeds_a_budget_by_no_more_than_is_stated() {
    let upstream = EvilUpstream::start().await.unwrap();
    let (program, key) = upstream.program(&[]).unwrap();
    let control = Control::of(&program.install().data_folder());
    let budget = Budget::nanos(LIMIT).set(&control).await.unwrap();
    upstream.stage("lie", Play::claiming([Figures::of(12, i64::try_from(CLAIMED).unwrap())]));
    let http = client::new();
    join_all((0..CLIENTS).map(async |client| {
        for number in client.. {
            let dialect = Dialect::ALL[number % Dialect::ALL.len()];
            let request = http.post(program.url(&dialect.path(dialect.model(), number % 3 == 0))).bearer_auth(&key);
            let answer = request.json(&dialect.request(dialect.model(), "lie", number % 3 == 0)).send().await.unwrap();
            let status = answer.status().as_u16();
            let text = client::text_of(answer).await;
            if status == 429 {
                return;
            }
            assert_eq!(status, 200, "{text}");
        }
    }))
    .await;
    let state = budget::settled_state(&control, &budget).await.unwrap();
    // The stated bound: what the requests under way cost beyond what was set aside for them.
    let beyond = COST - 1_000 * NANOS_PER_TOKEN.1;
    let bound = LIMIT + u64::try_from(CLIENTS).unwrap() * beyond;
    assert!(state.used <= bound, "{} of at most {bound}", state.used);
    assert!(state.used * 10 >= LIMIT * 9, "{state:?}");
    let calls = u64::try_from(upstream.stages().len()).unwrap();
    assert_eq!(state.used, calls * COST, "what was claimed is not what was booked");
    let verdict = program.install().run(&["ledger", "verify"]).unwrap();
    assert!(verdict.contains("0 unexplained"), "{verdict}");
}

#[tokio::test]
async fn a_stream_without_an_end_is_cut_when_its_budget_is_used_up() {
    for dialect in Dialect::ALL {
        let upstream = EvilUpstream::start().await.unwrap();
        let (program, key) = upstream.program(&[]).unwrap();
        let control = Control::of(&program.install().data_folder());
        // Room for the thousand tokens that the request allows, twice.
        let limit = 2_100 * NANOS_PER_TOKEN.1;
        let budget = Budget::nanos(limit).strict().set(&control).await.unwrap();
        upstream.stage("forever", Play::of([Act::Answer(Some(dialect.before_word(1))), Act::Forever(1)]));
        let request = client::new().post(program.url(&dialect.path(dialect.model(), true))).bearer_auth(&key);
        let answer = request.json(&dialect.request(dialect.model(), "forever", true)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = client::text_of(answer).await;
        assert!(dialect.tells_error(&text), "{dialect:?}: {}", &text[text.len().saturating_sub(500)..]);
        assert!(text.contains("budget"), "{dialect:?}: {}", &text[text.len().saturating_sub(500)..]);
        assert!(!text.contains(dialect.end_mark()), "{dialect:?} looks whole");
        let calls = upstream.wait_for("forever", "the close", |calls| calls[0].end.is_some()).await;
        assert!(calls[0].closed_at().is_some());
        let state = budget::settled_state(&control, &budget).await.unwrap();
        // It says more than it was allowed to: what it had said by then is booked too.
        let rows = control.requests_once_there_are(1).await.unwrap();
        let record = control.request(rows[0]["id"].as_str().unwrap()).await.unwrap();
        let words = text.matches("again ").count();
        assert!(state.used <= limit * 105 / 100, "{dialect:?}: {state:?} for {words} words delivered, {record:#}");
        assert!(state.used >= limit / 3, "{dialect:?}: {state:?}");
    }
}
