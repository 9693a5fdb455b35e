//! Who is let in: hosts and origins, before anything else, for every path.

use std::net::SocketAddr;

use megarouter_tests::mock_provider::DEFAULT_MODEL;
use megarouter_tests::raw_http::{self, RawAnswer};
use megarouter_tests::world::World;

const PATHS: [(&str, &str); 7] = [
    ("GET", "/v1/models"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/healthz"),
    ("OPTIONS", "/v1/models"),
    ("GET", "/no/such/path"),
    ("DELETE", "/"),
];

async fn send(address: SocketAddr, method: &str, target: &str, headers: &str) -> RawAnswer {
    let length = if method == "POST" { "content-length: 0\r\n" } else { "" };
    let request = format!("{method} {target} HTTP/1.1\r\n{headers}connection: close\r\n{length}\r\n");
    raw_http::send(address, request.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn another_host_is_misdirected_on_every_path_whatever_the_key() {
    let world = World::start().await.unwrap();
    let address = world.program.proxy();
    let port = address.port();
    let hosts = [
        "host: evil.example\r\n".to_owned(),
        format!("host: evil.example:{port}\r\n"),
        format!("host: 127.0.0.1.nip.io:{port}\r\n"),
        format!("host: localhost.evil.example:{port}\r\n"),
        format!("host: LOCALHOST:{port}\r\n"),
        format!("host: localhost.:{port}\r\n"),
        format!("host: 0.0.0.0:{port}\r\n"),
        "host: localhost\r\n".to_owned(),
        "host:\r\n".to_owned(),
    ];
    for host in &hosts {
        for (method, path) in PATHS {
            let with_key = format!("{host}authorization: Bearer {}\r\n", world.key);
            let good = send(address, method, path, &with_key).await;
            let bad = send(address, method, path, host).await;
            assert_eq!((good.status, bad.status), (421, 421), "{host:?} {method} {path}");
            assert_eq!(good.body, bad.body, "the body tells a good key from none: {host:?} {method} {path}");
        }
    }
    assert!(world.mock.calls().is_empty());
}

#[tokio::test]
async fn a_missing_double_or_contradicted_host_is_refused() {
    let world = World::start().await.unwrap();
    let address = world.program.proxy();
    let host = format!("host: {address}\r\n");
    for headers in [String::new(), format!("{host}{host}"), format!("{host}host: evil.example\r\n")] {
        let status = send(address, "GET", "/healthz", &headers).await.status;
        assert!([400, 421].contains(&status), "{headers:?}: {status}");
    }
    let absolute = send(address, "GET", "http://evil.example/healthz", &host).await;
    assert_eq!(absolute.status, 421);
    let agreeing = send(address, "GET", &format!("http://{address}/healthz"), &host).await;
    assert_eq!(agreeing.status, 200);
}

#[tokio::test]
async fn the_machines_own_names_are_let_in() {
    let world = World::start().await.unwrap();
    let address = world.program.proxy();
    for name in ["127.0.0.1", "localhost", "[::1]"] {
        let answer = send(address, "GET", "/healthz", &format!("host: {name}:{}\r\n", address.port())).await;
        assert_eq!(answer.status, 200, "{name}");
    }
}

#[tokio::test]
async fn web_pages_are_refused_and_told_nothing_they_could_read() {
    let world = World::start().await.unwrap();
    let address = world.program.proxy();
    let host = format!("host: {address}\r\nauthorization: Bearer {}\r\n", world.key);
    let pages = [
        "origin: https://evil.example\r\n".to_owned(),
        "origin: null\r\n".to_owned(),
        format!("origin: http://{address}\r\n"),
        format!("origin: http://localhost:{}\r\n", address.port()),
        "sec-fetch-site: cross-site\r\n".to_owned(),
        "sec-fetch-site: same-site\r\n".to_owned(),
        "origin: https://evil.example\r\naccess-control-request-method: POST\r\n".to_owned(),
    ];
    for page in &pages {
        for (method, path) in PATHS {
            let answer = send(address, method, path, &format!("{host}{page}")).await;
            assert_eq!(answer.status, 403, "{page:?} {method} {path}");
            assert!(!answer.has_header("access-control-allow-origin"), "{page:?} {method} {path}");
        }
    }
    assert!(world.mock.calls().is_empty());
    assert!(world.control.requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_on_the_list_may_call_and_read() {
    let page = "https://app.example";
    let script = megarouter_tests::mock_provider::Script::default();
    let world = World::with_arguments([(DEFAULT_MODEL, script)], &["--allowed-origin", page]).await.unwrap();
    let address = world.program.proxy();
    let host = format!("host: {address}\r\norigin: {page}\r\n");
    let preflight =
        format!("{host}access-control-request-method: POST\r\naccess-control-request-headers: authorization\r\n");
    let answer = send(address, "OPTIONS", "/v1/chat/completions", &preflight).await;
    assert!([200, 204].contains(&answer.status), "{}", answer.head);
    let allowed = format!("access-control-allow-origin: {page}");
    assert!(answer.head.contains(&allowed) && !answer.head.contains("credentials"), "{}", answer.head);
    let answer = send(address, "GET", "/v1/models", &format!("{host}authorization: Bearer {}\r\n", world.key)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains(&allowed), "{}", answer.head);
    let other =
        send(address, "GET", "/v1/models", &format!("host: {address}\r\norigin: {page}.evil.example\r\n")).await;
    assert_eq!(other.status, 403);
}
