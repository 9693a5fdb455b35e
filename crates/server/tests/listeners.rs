//! A listener under attack, over raw sockets. Each case is followed by a marker request that must
//! not be answered as a request of its own when it was smuggled in a body.
#![expect(clippy::unwrap_used, reason = "a test may")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use megarouter_server::listeners::{Answer, Caps, Patience, Stop, bind, serve_tcp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const MARKER: &str = "GET /marker HTTP/1.1\r\nhost: x\r\n\r\n";
const PATIENCE: Patience = Patience {
    header_bytes: 64 * 1024,
    first_byte: Duration::from_secs(5),
    header: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    read_stall: Duration::from_secs(5),
};

/// Answers with the length of the body it read, and remembers the paths it was asked for.
#[derive(Clone, Default)]
struct Echo {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Answer for Echo {
    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>, _peer: Option<IpAddr>) -> Response<Full<Bytes>> {
        self.asked.lock().unwrap().push(request.uri().path().to_owned());
        let is_echo = request.headers().contains_key("x-echo");
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let answer = if is_echo { body } else { Bytes::from(format!("read {}\n", body.len())) };
        Response::new(Full::new(answer))
    }
}

struct Stand {
    address: SocketAddr,
    echo: Echo,
    stop: Stop,
}

impl Stand {
    async fn open(patience: Patience, connections: usize) -> Self {
        let (echo, stop) = (Echo::default(), Stop::default());
        let listener = bind(&[LOCAL], 0).await.unwrap().pop().unwrap();
        let address = listener.address();
        tokio::spawn(serve_tcp(listener, echo.clone(), Caps::new(connections, connections), patience, stop.clone()));
        Self { address, echo, stop }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and gives everything that comes back until the connection is closed.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The other side may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.echo.asked.lock().unwrap())
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("nothing")
}

#[tokio::test]
async fn refuses_what_can_be_read_in_two_ways_and_answers_nothing_after_it() {
    let stand = Stand::open(PATIENCE, 100).await;
    let in_head = [
        ("content-length: 40\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
        ("transfer-encoding: chunked\r\ncontent-length: 4", "0\r\n\r\n"),
        ("content-length: 0\r\ncontent-length: 40", ""),
        ("content-length: 40\r\ncontent-length: 0", ""),
        ("content-length: 0\r\ncontent-length: 0", ""),
        ("content-length: 0, 40", ""),
        ("content-length: +0", ""),
        ("content-length: 0x10", ""),
        ("content-length: 1e1", ""),
        ("content-length: -1", ""),
        ("content-length: 18446744073709551616", ""),
        ("content-length:", ""),
        ("content-length : 0", ""),
        ("content-length\t: 0", ""),
        ("transfer-encoding: identity", ""),
        ("transfer-encoding: xchunked", ""),
        ("transfer-encoding: chunked, chunked", "0\r\n\r\n"),
        ("transfer-encoding: gzip, chunked", "0\r\n\r\n"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity", "0\r\n\r\n"),
        ("transfer-encoding: \"chunked\"", "0\r\n\r\n"),
        ("transfer-encoding : chunked", "0\r\n\r\n"),
        ("transfer-encoding:\r\n chunked", "0\r\n\r\n"),
        ("x: one\r\n two", ""),
        ("x: one\r\n\ttwo", ""),
        (" x: one", ""),
        ("x: one\rtwo: three", ""),
        ("x: one\ntwo: three", ""),
        ("x: one\r\r", ""),
        ("no colon here", ""),
        (": nameless", ""),
        ("b\u{e4}d: name", ""),
        ("x y: name with space", ""),
        ("upgrade: websocket\r\nconnection: upgrade", ""),
    ];
    for (fields, body) in in_head {
        let request = format!("POST /first HTTP/1.1\r\nhost: x\r\n{fields}\r\n\r\n{body}{MARKER}");
        let answer = stand.exchange(request.as_bytes()).await;
        assert!(["400", "501"].contains(&status(&answer)), "{fields:?} was answered {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{fields:?} was answered {answer:?}");
        assert_eq!(stand.asked(), Vec::<String>::new(), "{fields:?} reached the program");
    }
}

#[tokio::test]
async fn refuses_other_protocols() {
    let stand = Stand::open(PATIENCE, 100).await;
    let lines = [
        "POST / HTTP/1.0\r\ntransfer-encoding: chunked",
        "CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443",
        "PRI * HTTP/2.0",
        "GET / HTTP/1.2\r\nhost: x",
        "GET / HTTP/0.9",
        "GET /",
        "GET  / HTTP/1.1\r\nhost: x",
        "GET / http/1.1\r\nhost: x",
        "G\u{0}T / HTTP/1.1\r\nhost: x",
        "\u{16}\u{3}\u{1}\u{2}",
    ];
    for line in lines {
        let answer = stand.exchange(format!("{line}\r\n\r\n{MARKER}").as_bytes()).await;
        assert!(["400", "501", "505"].contains(&status(&answer)), "{line:?} was answered {answer:?}");
        assert_eq!(stand.asked(), Vec::<String>::new(), "{line:?} reached the program");
    }
    let bare_line_feeds = stand.exchange(format!("GET / HTTP/1.1\nhost: x\n\n{MARKER}").as_bytes()).await;
    assert_eq!(status(&bare_line_feeds), "400");
    assert_eq!(stand.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_body_is_read_to_its_end_and_not_beyond() {
    let stand = Stand::open(PATIENCE, 100).await;
    let close = "GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let smuggled = MARKER.len();
    let answer = stand
        .exchange(
            format!("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: {smuggled}\r\n\r\n{MARKER}{close}").as_bytes(),
        )
        .await;
    assert!(answer.contains(&format!("read {smuggled}")), "{answer}");
    assert_eq!(stand.asked(), ["/a", "/last"]);
    // Nothing may follow a chunked body on the same connection.
    let chunked =
        format!("POST /b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n{MARKER}");
    let answer = stand.exchange(chunked.as_bytes()).await;
    assert!(answer.contains("read 3") && answer.contains("connection: close"), "{answer}");
    assert_eq!(stand.asked(), ["/b"]);
    // HTTP/2 that a client's library offers is ignored.
    let offered = "GET /c HTTP/1.1\r\nhost: x\r\nconnection: close, upgrade\r\nupgrade: h2c\r\n\r\n";
    assert_eq!(status(&stand.exchange(offered.as_bytes()).await), "200");
}

#[tokio::test]
async fn a_head_may_arrive_byte_by_byte() {
    let stand = Stand::open(PATIENCE, 100).await;
    let mut stream = stand.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("read 3"), "{answer}");
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let stand = Stand::open(PATIENCE, 100).await;
    let head =
        |size: usize| format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx: {}\r\n\r\n", "y".repeat(size));
    assert_eq!(status(&stand.exchange(head(60 * 1024).as_bytes()).await), "200");
    assert_eq!(status(&stand.exchange(head(64 * 1024).as_bytes()).await), "431");
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    assert_eq!(status(&stand.exchange(many.as_bytes()).await), "431");
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let short = Duration::from_millis(50);
    let stand = Stand::open(Patience { first_byte: short, header: short, idle: short, ..PATIENCE }, 100).await;
    assert_eq!(stand.exchange(b"").await, "", "a silent connection is closed without a word");
    assert_eq!(status(&stand.exchange(b"GET / HTTP/1.1\r\nhost:").await), "408");
    let kept_alive = stand.exchange(MARKER.as_bytes()).await;
    assert_eq!(kept_alive.matches("HTTP/1.1 ").count(), 1, "a resting connection is closed without a word");
    assert_eq!(status(&kept_alive), "200");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let stand = Stand::open(Patience { read_stall: Duration::from_millis(100), ..PATIENCE }, 1).await;
    let mut stream = stand.connect().await;
    // More than the buffers of both sides hold; it is echoed back and never read.
    let head = "POST /large HTTP/1.1\r\nhost: x\r\nx-echo: yes\r\ncontent-length: 33554432\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; 33_554_432]).await.unwrap();
    // The one place is free again when the connection was cut.
    loop {
        let answer = stand.exchange(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if status(&answer) == "200" {
            break;
        }
        assert_eq!(status(&answer), "503");
    }
    drop(stream);
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back() {
    let stand = Stand::open(PATIENCE, 1).await;
    let mut first = stand.connect().await;
    first.write_all(MARKER.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    first.read_exact(&mut start).await.unwrap();
    let answer = stand.exchange(MARKER.as_bytes()).await;
    assert_eq!(status(&answer), "503");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    drop(first);
}

#[tokio::test]
async fn closing_lets_a_request_end_and_turns_nobody_away_early() {
    let stand = Stand::open(PATIENCE, 100).await;
    let mut stream = stand.connect().await;
    stream.write_all(b"POST /long HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na").await.unwrap();
    while stand.echo.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let ending = tokio::spawn({
        let stop = stand.stop.clone();
        async move { stop.end(Duration::from_secs(10)).await }
    });
    stand.stop.closing.cancelled().await;
    stream.write_all(b"bc").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("read 3"), "{answer}");
    assert!(ending.await.unwrap(), "every request came to its end");
    assert!(TcpStream::connect(stand.address).await.is_err(), "nothing new is accepted");
}

#[tokio::test]
async fn what_outlasts_the_grace_is_cut() {
    let stand = Stand::open(PATIENCE, 100).await;
    let mut stream = stand.connect().await;
    stream.write_all(b"POST /never HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na").await.unwrap();
    while stand.echo.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!stand.stop.end(Duration::from_millis(20)).await);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}
