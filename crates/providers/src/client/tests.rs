//! Against real sockets: what is sent, what comes back, what closes when.

use std::time::Instant;

use super::*;
use crate::scripted::{Act, Scripted, Seen, json, target};

const NOW: Timestamp = Timestamp::from_micros(0);
const PATIENT: Duration = Duration::from_secs(10);
const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn client() -> Client {
    Client::new(&ClientOptions::default()).unwrap()
}

async fn post(client: &Client, target: &Target, timeout: Duration) -> Result<UpstreamResponse, CallError> {
    let none = HeaderMap::new();
    let call = Call::post("/chat/completions", Bytes::from_static(b"{\"a\":1}"), &none, true, timeout);
    client.call(target, call, NOW).await
}

async fn error_of(target: &Target) -> CallError {
    post(&client(), target, PATIENT).await.unwrap_err()
}

#[tokio::test]
async fn sends_the_body_the_credential_and_only_known_headers() {
    let mut server = Scripted::start(vec![Act::Answer(json("200 OK", "{}"))]).await;
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer mr-virtual"));
    headers.insert("cookie", HeaderValue::from_static("a=b"));
    headers.insert("x-title", HeaderValue::from_static("app"));
    let call = Call::post("/chat/completions", Bytes::from_static(b"{\"a\":1}"), &headers, true, PATIENT);
    let answer = client().call(&server.target(), call, NOW).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let request = server.next_request().await.to_ascii_lowercase();
    assert!(request.starts_with("post /v1/chat/completions http/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    for sent in ["authorization: bearer sk-canary", "accept: text/event-stream", "x-title: app"] {
        assert!(request.contains(sent), "{sent} in {request}");
    }
    for kept in ["mr-virtual", "cookie", "accept-encoding", "referer"] {
        assert!(!request.contains(kept), "{kept} in {request}");
    }
}

#[tokio::test]
async fn gives_the_head_back_without_what_a_client_must_not_see() {
    let head = "HTTP/1.1 429 Too Many Requests\r\nset-cookie: a=b\r\nx-request-id: up-1\r\nretry-after: 7\r\n\
                x-ratelimit-limit-requests: 5\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let server = Scripted::start(vec![Act::Answer(head.to_owned())]).await;
    let answer = post(&client(), &server.target(), PATIENT).await.unwrap();
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.request_id.as_deref(), Some("up-1"));
    assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    assert!(answer.headers.contains_key("x-ratelimit-limit-requests"));
    assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("retry-after"));
    assert_eq!(answer.body.read_all(2).await.unwrap(), "{}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let mut elsewhere = Scripted::start(vec![]).await;
    let location = format!("http://127.0.0.1:{}/", elsewhere.port);
    let redirect = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let server = Scripted::start(vec![Act::Answer(redirect)]).await;
    let answer = post(&client(), &server.target(), PATIENT).await.unwrap();
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert!(answer.headers.is_empty());
    assert_eq!(elsewhere.so_far(), []);
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_whole_answer() {
    let acts = vec![Act::Answer(json("200 OK", "{}")), Act::Answer(json("200 OK", "{}"))];
    let mut server = Scripted::start(acts).await;
    let client = client();
    for _ in 0..2 {
        let answer = post(&client, &server.target(), PATIENT).await.unwrap();
        answer.body.read_all(10).await.unwrap();
    }
    let connections = server.so_far().into_iter().filter(|seen| *seen == Seen::Connected).count();
    assert_eq!(connections, 1);
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection_at_once() {
    let chunk = "13\r\ndata: {\"choices\":[]\r\n";
    let mut server = Scripted::start(vec![Act::AnswerAndHold(format!("{STREAM}{chunk}"))]).await;
    let mut answer = post(&client(), &server.target(), PATIENT).await.unwrap();
    assert!(answer.is_event_stream());
    assert!(answer.body.next().await.unwrap().is_some());
    server.next_request().await;
    let dropped = Instant::now();
    drop(answer);
    assert_eq!(server.next().await, Seen::Closed);
    assert!(dropped.elapsed() < Duration::from_millis(250), "{:?}", dropped.elapsed());
}

#[tokio::test]
async fn dropping_a_call_without_an_answer_closes_its_connection_at_once() {
    let mut server = Scripted::start(vec![Act::AnswerAndHold(String::new())]).await;
    let (client, target) = (client(), server.target());
    let call = tokio::spawn(async move { post(&client, &target, PATIENT).await });
    server.next_request().await;
    let dropped = Instant::now();
    call.abort();
    assert_eq!(server.next().await, Seen::Closed);
    assert!(dropped.elapsed() < Duration::from_millis(250), "{:?}", dropped.elapsed());
}

#[tokio::test]
async fn a_late_answer_is_given_up_and_its_connection_closed() {
    let mut server = Scripted::start(vec![Act::AnswerAndHold(String::new())]).await;
    let error = post(&client(), &server.target(), Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error, CallError::FirstByteTimeout);
    assert!(error.may_have_run());
    server.next_request().await;
    assert_eq!(server.next().await, Seen::Closed);
}

#[tokio::test]
async fn faults_are_told_apart() {
    let port = {
        let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        unused.local_addr().unwrap().port()
    };
    assert_eq!(error_of(&target(&format!("http://127.0.0.1:{port}/v1"))).await, CallError::ConnectRefused);
    // Reserved never to resolve (RFC 6761); a machine without a network may take its time to say so.
    let patient = Client::new(&ClientOptions { connect_timeout: PATIENT * 6, ..ClientOptions::default() }).unwrap();
    let unknown = post(&patient, &target("https://provider.invalid/v1"), PATIENT * 6).await.unwrap_err();
    assert_eq!(unknown, CallError::Dns);
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let insecure = target(&format!("https://{}/v1", plain.local_addr().unwrap()));
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let error = error_of(&insecure).await;
    assert!(matches!(&error, CallError::Tls(_)) && !error.may_have_run(), "{error:?}");
    let silent = Scripted::start(vec![Act::AnswerAndClose(String::new())]).await;
    let error = error_of(&silent.target()).await;
    assert!(matches!(&error, CallError::Broken(_)) && error.may_have_run(), "{error:?}");
    let garbage = Scripted::start(vec![Act::AnswerAndClose("hello, I am no HTTP\r\n\r\n".to_owned())]).await;
    assert!(matches!(error_of(&garbage.target()).await, CallError::Broken(_)));
    let address = error_of(&target("http://api.example.com/v1")).await;
    assert_eq!(address, CallError::Address(BaseUrlError::Insecure));
}

#[tokio::test]
async fn no_error_holds_the_credential_or_the_address() {
    let silent = Scripted::start(vec![Act::AnswerAndClose(String::new())]).await;
    for target in [silent.target(), target("http://127.0.0.1:1/v1")] {
        let error = error_of(&target).await;
        let text = format!("{error} {error:?}");
        assert!(!text.contains("canary") && !text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn a_body_cut_short_is_an_error_not_an_end() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_owned(),
        format!("{STREAM}5\r\n12345\r\n"),
        format!("{STREAM}a\r\n12345"),
    ] {
        let server = Scripted::start(vec![Act::AnswerAndClose(cut.clone())]).await;
        let answer = post(&client(), &server.target(), PATIENT).await.unwrap();
        assert!(matches!(answer.body.read_all(100).await, Err(CallError::Broken(_))), "{cut}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_and_no_further() {
    let acts = vec![Act::Answer(json("200 OK", "12345")), Act::Answer(json("200 OK", "12345"))];
    let server = Scripted::start(acts).await;
    let client = client();
    let fits = post(&client, &server.target(), PATIENT).await.unwrap();
    assert_eq!(fits.body.read_all(5).await.unwrap(), "12345");
    let larger = post(&client, &server.target(), PATIENT).await.unwrap();
    assert!(matches!(larger.body.read_all(4).await, Err(CallError::Unacceptable(_))));
}

#[tokio::test]
async fn a_packed_answer_is_refused() {
    let packed = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n";
    let server = Scripted::start(vec![Act::Answer(packed.to_owned())]).await;
    assert!(matches!(error_of(&server.target()).await, CallError::Unacceptable(_)));
}

#[tokio::test]
async fn a_proxy_is_used_only_when_configured_and_never_for_this_machine() {
    let mut proxy = Scripted::start(vec![Act::Answer(json("200 OK", "{}"))]).await;
    let url = OutgoingProxy::parse(&format!("http://127.0.0.1:{}", proxy.port)).unwrap();
    let client = Client::new(&ClientOptions { proxy: Some(url), ..ClientOptions::default() }).unwrap();
    let server = Scripted::start(vec![Act::Answer(json("200 OK", "{}"))]).await;
    post(&client, &server.target(), PATIENT).await.unwrap();
    assert_eq!(proxy.so_far(), []);
    post(&client, &target("http://models.internal/v1"), PATIENT).await.unwrap();
    assert!(proxy.next_request().await.starts_with("POST http://models.internal/v1/chat/completions"));
}

mod credentials;
