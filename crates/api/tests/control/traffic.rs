//! A request through the playground, and everything that shows it.

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use megarouter_api::events::Tag;
use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

/// Ten tokens in and five out at these rates are 20,000 nano-dollars.
fn rates() -> Value {
    json!({"input": "1", "output": "2"})
}

const COST: &str = "20000";

async fn with_request() -> (Kit, String) {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "m", Some(rates())).await;
    let (status, id, answer) = kit.chat("m").await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("Hello") && answer.ends_with("data: [DONE]\n\n"), "{answer}");
    (kit, id)
}

#[tokio::test]
async fn a_playground_request_is_listed_with_its_cost() {
    let (kit, id) = with_request().await;
    let page = kit.get("/requests").await;
    let row = &page["rows"][0];
    assert_eq!((row["id"].as_str(), &row["key_name"]), (Some(id.as_str()), &json!("Playground")));
    assert_eq!(
        (&row["operation"], &row["outcome"], &row["status"]),
        (&json!("chat_completions"), &json!("completed"), &json!(200))
    );
    assert_eq!(
        (&row["model"], &row["provider"], &row["upstream_model"]),
        (&json!("m"), &json!("fake"), &json!("up-1"))
    );
    assert_eq!(
        (&row["usage"]["total_input"], &row["usage"]["total_output"], &row["usage"]["reasoning"]),
        (&json!(10), &json!(5), &Value::Null)
    );
    assert_eq!((&row["cost"], &row["usage_source"]), (&json!({"state": "exact", "amount": COST}), &json!("reported")));
    assert_eq!((&row["attempts"], &row["is_streaming"]), (&json!(1), &json!(true)));
    assert_eq!(page["total"], json!({"requests": 1, "cost": {"state": "exact", "amount": COST}}));
    assert_eq!(page["next_cursor"], Value::Null);
    let today = &kit.get("/status").await["today"];
    assert_eq!(*today, page["total"]);
    assert_eq!(kit.get("/providers").await[0]["last_24h"]["requests"], 1);
    let keys = kit.get("/keys").await;
    assert_eq!((&keys[0]["last_24h"]["requests"], keys[0]["last_used_at"].is_string()), (&json!(1), true));
}

#[tokio::test]
async fn a_request_is_explained_call_by_call() {
    let (kit, id) = with_request().await;
    let detail = kit.get(&format!("/requests/{id}")).await;
    assert_eq!(detail["id"].as_str(), Some(id.as_str()));
    let call = &detail["attempt_list"][0];
    assert_eq!(
        (&call["provider"], &call["status"], &call["resolution"]),
        (&json!("fake"), &json!(200), &json!("settled"))
    );
    assert_eq!((&call["cost"]["amount"], &call["price"]["rates"]["output"]), (&json!(COST), &json!("2")));
    let amount = |field: &str| call[field].as_str().unwrap().parse::<i64>().unwrap();
    assert!(amount("hold") > 0 && amount("hold") + amount("overage") >= 20_000, "{call}");
    let nobody = "/requests/019a0000-0000-7000-8000-000000000000";
    let (status, code, _) = kit.refused("GET", nobody, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "request.not_found"));
}

#[tokio::test]
async fn filters_and_pages_agree_with_their_total() {
    let (kit, _) = with_request().await;
    kit.chat("m").await;
    let (status, _, answer) = kit.chat("nobody").await;
    assert_eq!(status, 404);
    assert!(answer.contains("\"error\""), "OpenAI's error shape: {answer}");
    let first = kit.get("/requests?limit=2").await;
    assert_eq!((first["rows"].as_array().unwrap().len(), &first["total"]["requests"]), (2, &json!(3)));
    let second = kit.get(&format!("/requests?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((second["rows"].as_array().unwrap().len(), &second["next_cursor"]), (1, &Value::Null));
    let count = async |query: &str| kit.get(&format!("/requests?{query}")).await["total"]["requests"].as_u64().unwrap();
    assert_eq!(count("outcome=refused").await, 1);
    assert_eq!(count("model=m").await, 2);
    assert_eq!(count("provider=fake&outcome=completed").await, 2);
    assert_eq!(count("provider=other").await, 0);
    assert_eq!(count("q=up-1").await, 2);
    assert_eq!(count("to=2020-01-01T00:00:00Z").await, 0);
}

#[tokio::test]
async fn the_overview_sums_up_and_fills_its_series() {
    let (kit, _) = with_request().await;
    let overview = kit.get("/overview?bucket=hour").await;
    assert_eq!((&overview["bucket"], &overview["current"]["requests"]), (&json!("hour"), &json!(1)));
    assert_eq!(
        (&overview["current"]["cost"]["amount"], &overview["current"]["input_tokens"]),
        (&json!(COST), &json!(10))
    );
    assert_eq!((&overview["previous"]["requests"], &overview["previous"]["p95_us"]), (&json!(0), &Value::Null));
    let series = overview["series"].as_array().unwrap();
    assert!(series.len() >= 24);
    assert_eq!(series.iter().map(|point| point["requests"].as_u64().unwrap()).sum::<u64>(), 1);
    assert_eq!(overview["by_model"], json!([{"name": "m", "cost": {"state": "exact", "amount": COST}, "requests": 1}]));
    assert_eq!(overview["by_key"][0]["name"], "Playground");
    assert_eq!(kit.get("/overview?model=other").await["current"]["requests"], 0);
}

#[tokio::test]
async fn a_report_is_a_file() {
    let (kit, _) = with_request().await;
    assert_eq!(kit.get("/reports").await[0]["formats"], json!(["svg", "png", "csv"]));
    let file = async |name: &str| {
        let request = Request::get(format!("/api/v1/reports/{name}")).body(Body::empty()).unwrap();
        let response = kit.send(request).await;
        assert_eq!(response.headers()["content-disposition"], format!("attachment; filename=\"{name}\""));
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.into_body().collect().await.unwrap().to_bytes())
    };
    let (kind, csv) = file("spend_by_day.csv").await;
    let csv = String::from_utf8(csv.to_vec()).unwrap();
    assert_eq!(kind, "text/csv; charset=utf-8");
    assert!(csv.contains(",0.00002,1,0,0\r\n"), "{csv}");
    assert!(csv.lines().count() > 30, "days without requests are there");
    let (kind, svg) = file("spend_by_day.svg").await;
    assert!(kind == "image/svg+xml" && svg.starts_with(b"<svg"));
    let (kind, png) = file("spend_by_day.png").await;
    assert!(kind == "image/png" && png.starts_with(b"\x89PNG"));
    for name in ["spend_by_day.pdf", "nothing.svg", "spend_by_day"] {
        assert_eq!(kit.refused("GET", &format!("/reports/{name}"), Value::Null).await.1, "report.not_found");
    }
}

#[tokio::test]
async fn listeners_hear_of_requests_and_changes() {
    let kit = Kit::start().await;
    let mut events = listen(&kit).await;
    let upstream = Upstream::start("sk-one").await;
    kit.post("/providers", upstream.draft("fake")).await;
    assert_eq!(next(&mut events).await, ("changed".to_owned(), json!({"tags": ["providers"]})));
    kit.post("/models", json!({"name": "m", "deployments": [{"provider": "fake", "upstream_model": "up-1"}]})).await;
    assert_eq!(next(&mut events).await.1, json!({"tags": ["models", "providers"]}));
    let (_, id, _) = kit.chat("m").await;
    let (name, row) = next(&mut events).await;
    assert_eq!(
        (name.as_str(), row["id"].as_str(), &row["cost"]["state"]),
        ("request", Some(id.as_str()), &json!("unknown"))
    );
    kit.post("/proxy/pause", json!({})).await;
    let (name, status) = next(&mut events).await;
    assert_eq!((name.as_str(), &status["proxy"]["state"]), ("status", &json!("paused")));
}

#[tokio::test]
async fn a_listener_that_falls_behind_is_told_to_read_everything_again() {
    let kit = Kit::start().await;
    let mut events = listen(&kit).await;
    for _ in 0..1_000 {
        kit.context.status_changed();
    }
    let (name, changed) = next(&mut events).await;
    assert_eq!((name.as_str(), changed), ("changed", json!({"tags": Tag::ALL})));
}

async fn listen(kit: &Kit) -> Response<Body> {
    let response = kit.send(Request::get("/api/v1/events").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

/// The name and the data of the next event.
async fn next(response: &mut Response<Body>) -> (String, Value) {
    let frame = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    let text = String::from_utf8(frame.to_vec()).unwrap();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    (field("event:"), serde_json::from_str(&field("data:")).unwrap())
}
