//! Usage by any two of its dimensions.

use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

const NOVEMBER: &str = "from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z";

#[tokio::test]
async fn usage_is_added_up_by_team_and_day() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "m", Some(json!({"input": "1", "output": "2"}))).await;
    let team = kit.unit("team", "Search", None).await;
    let (_, secret) = kit.key("app", Some(&team)).await;
    kit.ask(&secret, "m", "env=prod").await;
    kit.ask(&secret, "m", "").await;
    kit.chat("m").await;
    let table = kit.get(&format!("/usage?rows=team&columns=day&{NOVEMBER}")).await;
    assert_eq!((table["columns"].as_array().unwrap().len(), &table["total"]["requests"]), (1, &json!(3)));
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(
        (&rows[0]["name"], &rows[0]["key"], &rows[0]["total"]["requests"]),
        (&json!("Search"), &json!(team), &json!(2))
    );
    assert_eq!((&rows[1]["key"], &rows[1]["cells"][0]["requests"]), (&Value::Null, &json!(1)));
    let cell = &rows[0]["cells"][0];
    assert_eq!((&cell["cost"]["amount"], &cell["cost_per_request"]), (&json!("40000"), &json!("20000")));
    assert_eq!((&cell["input_tokens"], &cell["output_tokens"]), (&json!(20), &json!(10)));
    let by_tag = kit.get(&format!("/usage?rows=tag&tag_name=env&{NOVEMBER}")).await;
    let tagged = by_tag["rows"].as_array().unwrap().iter().find(|row| row["key"] == "prod").unwrap();
    assert_eq!((&tagged["total"]["requests"], &tagged["cells"]), (&json!(1), &json!([])));
    let filtered = kit.get(&format!("/usage?rows=outcome&unit={team}&{NOVEMBER}")).await;
    assert_eq!((&filtered["rows"][0]["key"], &filtered["total"]["requests"]), (&json!("completed"), &json!(2)));
}

#[tokio::test]
async fn a_question_without_sense_names_its_field() {
    let kit = Kit::start().await;
    for (query, field) in [
        (format!("rows=planet&{NOVEMBER}"), "rows"),
        (format!("rows=team&columns=team&{NOVEMBER}"), "columns"),
        (format!("rows=tag&{NOVEMBER}"), "tag_name"),
        (format!("rows=team&zone=Mars&{NOVEMBER}"), "zone"),
        (format!("rows=team&tag=x&{NOVEMBER}"), "tag"),
        ("rows=team&from=2026-12-01T00:00:00Z&to=2026-11-01T00:00:00Z".to_owned(), "from"),
        ("rows=hour&from=2016-12-01T00:00:00Z&to=2026-11-01T00:00:00Z".to_owned(), "from"),
    ] {
        let (status, _, blamed) = kit.refused("GET", &format!("/usage?{query}"), Value::Null).await;
        assert_eq!((status, blamed.as_str()), (400, Some(field)), "{query}");
    }
}
