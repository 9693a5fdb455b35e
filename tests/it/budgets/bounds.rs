//! The bound on the output that is inserted when a client gives none and the budget could not pay it.

use megarouter_tests::budget::{self, Budget};
use megarouter_tests::client;
use megarouter_tests::control::Control;
use megarouter_tests::evil_upstream::{Dialect, EvilUpstream, Figures, Play};
use megarouter_tests::world::NANOS_PER_TOKEN;
use serde_json::{Value, json};

/// Enough for about this many tokens of output.
const AFFORDABLE: u64 = 500;

fn unbounded(dialect: Dialect) -> Value {
    let model = dialect.model();
    let messages = json!([{"role": "user", "content": "Say a few words. [play plain]"}]);
    match dialect {
        Dialect::Chat => json!({"model": model, "messages": messages}),
        Dialect::Responses => json!({"model": model, "input": "Say a few words. [play plain]"}),
        // Anthropic's clients must give a bound; this one is more than the budget can pay.
        Dialect::Messages => json!({"model": model, "max_tokens": 100_000, "messages": messages}),
        Dialect::Gemini => {
            json!({"contents": [{"role": "user", "parts": [{"text": "Say a few words. [play plain]"}]}]})
        }
    }
}

/// The bound in a body as it arrived at the provider.
fn bound_of(body: &Value) -> Option<u64> {
    let fields = [
        &body["max_tokens"],
        &body["max_completion_tokens"],
        &body["max_output_tokens"],
        &body["generationConfig"]["maxOutputTokens"],
    ];
    fields.into_iter().find_map(Value::as_u64)
}

#[tokio::test]
async fn without_a_bound_of_the_client_one_is_sent_that_the_budget_can_pay() {
    let upstream = EvilUpstream::start().await.unwrap();
    let (program, key) = upstream.program(&[]).unwrap();
    let control = Control::of(&program.install().data_folder());
    upstream.stage("plain", Play::claiming([Figures::of(12, 8)]));
    let http = client::new();
    let ask = async |dialect: Dialect| {
        let request = http.post(program.url(&dialect.path(dialect.model(), false))).bearer_auth(&key);
        let answer = request.json(&unbounded(dialect)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{dialect:?}: {}", answer.text().await.unwrap());
        serde_json::from_slice::<Value>(&upstream.stages().pop().unwrap().body).unwrap()
    };
    let unbound = [Dialect::Chat, Dialect::Responses, Dialect::Gemini];
    for dialect in unbound {
        assert_eq!(bound_of(&ask(dialect).await), None, "{dialect:?}: a bound that no budget asked for");
    }
    let limit = AFFORDABLE * NANOS_PER_TOKEN.1 + 3 * (12 * NANOS_PER_TOKEN.0 + 8 * NANOS_PER_TOKEN.1);
    let budget = Budget::nanos(limit).strict().set(&control).await.unwrap();
    let used_before = budget::settled_state(&control, &budget).await.unwrap().used;
    let left = limit - used_before;
    for dialect in unbound {
        let sent = ask(dialect).await;
        let bound = bound_of(&sent).unwrap_or_else(|| panic!("{dialect:?}: no bound in {sent}"));
        assert!(bound > 0 && bound * NANOS_PER_TOKEN.1 <= left, "{dialect:?}: {bound} tokens cost more than {left}");
        assert!(bound * NANOS_PER_TOKEN.1 * 4 >= left, "{dialect:?}: {bound} tokens are much less than {left} buys");
    }
    let state = budget::settled_state(&control, &budget).await.unwrap();
    assert!(state.used <= state.limit, "{state:?}");
}
