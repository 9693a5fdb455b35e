//! Calls to the control API with an answer in one piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use serde::Serialize;
use tauri::State;

use crate::backend::Backend;
use crate::graphics;

/// Where the control API begins; the page has no business elsewhere.
const PREFIX: &str = "/api/v1/";

/// An answer of the control API, whatever its status.
#[derive(Serialize)]
pub struct Answer {
    status: u16,
    /// Names in lower case.
    headers: BTreeMap<String, String>,
    /// Text, or base64 from `api_bytes`.
    body: String,
}

/// Answers one call with text.
#[tauri::command]
pub async fn api_call(
    backend: State<'_, Arc<Backend>>,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<String>,
) -> Result<Answer, String> {
    let (status, headers, bytes) = call(&backend, request(&method, &path, &headers, body)?).await?;
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Answers one GET with the bytes of a file in base64.
#[tauri::command]
pub async fn api_bytes(backend: State<'_, Arc<Backend>>, path: String) -> Result<Answer, String> {
    let (status, headers, bytes) = call(&backend, request("GET", &path, &BTreeMap::new(), None)?).await?;
    Ok(Answer { status, headers, body: STANDARD.encode(bytes) })
}

async fn call(backend: &Backend, request: Request<Bytes>) -> Result<(u16, BTreeMap<String, String>, Bytes), String> {
    // A page that calls has come up.
    graphics::started();
    let (head, body) = backend.call(request).await.map_err(|error| format!("{error:#}"))?.into_parts();
    let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok((head.status.as_u16(), plain(&head.headers), bytes))
}

/// The page's words as a request to the control API and to nothing else.
pub fn request(
    method: &str,
    path: &str,
    headers: &BTreeMap<String, String>,
    body: Option<String>,
) -> Result<Request<Bytes>, String> {
    if !path.starts_with(PREFIX) {
        return Err(format!("{path:?} is not a path of the control API"));
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Bytes::from(body.unwrap_or_default())).map_err(|error| error.to_string())
}

/// Headers as the page gets them; one that is not text is left out.
pub fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_paths_outside_of_the_control_api() {
        let none = BTreeMap::new();
        for path in ["/v1/models", "http://evil.example/api/v1/x", "", "api/v1/status", "/api/v1"] {
            assert!(request("GET", path, &none, None).is_err(), "{path}");
        }
        assert!(request("GET", "/api/v1/status?x=1", &none, None).is_ok());
    }

    #[test]
    fn refuses_what_is_not_http() {
        let broken = BTreeMap::from([("x".to_owned(), "a\nb".to_owned())]);
        assert!(request("GET", "/api/v1/status", &broken, None).is_err());
        assert!(request("GE T", "/api/v1/status", &BTreeMap::new(), None).is_err());
    }

    #[test]
    fn passes_the_body_on() {
        let headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
        let request = request("POST", "/api/v1/keys", &headers, Some("{}".to_owned())).unwrap();
        assert_eq!(request.body(), "{}");
        assert_eq!(plain(request.headers()), headers);
    }
}
