//! How a call that cannot be read is refused.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use megarouter_api::extract::MAX_BODY_BYTES;
use serde_json::Value;

use crate::kit::Kit;

async fn sent(kit: &Kit, content_type: &str, body: impl Into<Body>) -> (u16, Value) {
    let request = Request::post("/api/v1/keys").header("content-type", content_type);
    let response = kit.send(request.body(body.into()).unwrap()).await;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice::<Value>(&bytes).unwrap()["error"].take())
}

#[tokio::test]
async fn broken_json_is_told_with_its_place() {
    let kit = Kit::start().await;
    let (status, error) = sent(&kit, "application/json", "{\n  \"name\": }").await;
    assert_eq!((status, error["code"].as_str()), (400, Some("request.malformed")));
    assert!(error["message"].as_str().unwrap().contains("line 2, column 11"), "{error}");
    for body in ["", "{\"name\":\"a\"} x"] {
        assert_eq!(sent(&kit, "application/json", body).await.1["code"], "request.malformed");
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let kit = Kit::start().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let (status, error) = sent(&kit, content_type, "{\"name\":\"a\"}").await;
        assert_eq!((status, error["code"].as_str()), (415, Some("request.not_json")), "{content_type}");
    }
    let request = Request::post("/api/v1/keys").header("content-type", "application/json; charset=utf-8");
    let response = kit.send(request.body(Body::from("{\"name\":\"a\"}")).unwrap()).await;
    assert_eq!(response.status(), 201);
}

#[tokio::test]
async fn fields_are_named_and_come_once() {
    let kit = Kit::start().await;
    let (_, error) = sent(&kit, "application/json", "{\"name\":\"a\",\"name\":\"b\"}").await;
    assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some("request.invalid"), Some("name")));
    let (_, error) = sent(&kit, "application/json", "{\"name\":\"a\",\"nmae\":\"b\"}").await;
    assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some("request.invalid"), Some("nmae")));
    let (_, error) = sent(&kit, "application/json", "{\"name\":5}").await;
    assert_eq!(error["field"], "name");
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let kit = Kit::start().await;
    let (status, error) = sent(&kit, "application/json", vec![b' '; MAX_BODY_BYTES + 1]).await;
    assert_eq!((status, error["code"].as_str()), (413, Some("request.too_large")));
    let (status, _) = sent(&kit, "application/json", vec![b' '; MAX_BODY_BYTES]).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn queries_name_what_is_wrong_with_them() {
    let kit = Kit::start().await;
    for (path, field) in [
        ("/requests?limit=201", "limit"),
        ("/requests?limit=x", "limit"),
        ("/requests?cursor=x", "cursor"),
        ("/requests?colour=red", "colour"),
        ("/requests?outcome=fine", "outcome"),
        ("/requests?from=yesterday", "from"),
        ("/overview?bucket=year", "bucket"),
        ("/overview?key_id=x", "key_id"),
        ("/overview?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("/reports/spend_by_day.svg?from=1990-01-01T00:00:00Z", "from"),
    ] {
        let (status, _, blamed) = kit.refused("GET", path, Value::Null).await;
        assert_eq!((status, blamed.as_str()), (400, Some(field)), "{path}");
    }
}
