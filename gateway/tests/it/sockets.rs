//! Over real sockets, byte for byte: what only a connection shows.

use std::collections::BTreeMap;
use std::time::Duration;

use seam::env::Env;
use seam::server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::Bench;

const POLICY: &str = "<policies><inbound><base/></inbound><backend><base/></backend></policies>";

/// A gateway on a socket in front of a backend that answers every connection's
/// first request with these bytes, then closes.
struct World {
    server: Server,
    seen: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl World {
    async fn new(policy: &str, backend_answers: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = listener.local_addr().unwrap();
        let (tell, seen) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let head = read_until(&mut socket, |text| text.contains("\r\n\r\n")).await;
                let _ = tell.send(head);
                let _ = socket.write_all(backend_answers).await;
            }
        });
        let config = format!(
            r#"version = 1
            [settings]
            max_request_body_bytes = 4000000
            [[apis]]
            id = "open"
            path = "api"
            service_url = "http://{backend}/base"
            subscription_required = false
            policy = "api.xml"
            operations = [
                {{ id = "get", method = "GET", url_template = "/*" }},
                {{ id = "head", method = "HEAD", url_template = "/*" }},
                {{ id = "post", method = "POST", url_template = "/*" }},
            ]
            [[apis]]
            id = "closed"
            path = "closed"
            operations = [{{ id = "post", method = "POST", url_template = "/*" }}]
            "#
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.toml");
        std::fs::write(&path, config).unwrap();
        std::fs::write(folder.path().join("api.xml"), policy).unwrap();
        let client = seam::http::network(BTreeMap::new());
        let bench = Bench::load(&path, &Env::empty(), client);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { server: Server::start(listener, bench.router), seen }
    }

    /// Sends bytes; what comes back until the client has seen `until`.
    async fn exchange(&self, request: &[u8], until: &str) -> String {
        let mut socket = TcpStream::connect(self.server.address().unwrap()).await.unwrap();
        socket.write_all(request).await.unwrap();
        read_until(&mut socket, |text| text.contains(until)).await
    }
}

async fn read_until(socket: &mut TcpStream, done: impl Fn(&str) -> bool) -> String {
    let mut text = Vec::new();
    let reading = async {
        let mut part = [0; 4096];
        while !done(&String::from_utf8_lossy(&text)) {
            match socket.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(length) => text.extend_from_slice(&part[..length]),
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await;
    String::from_utf8_lossy(&text).into_owned()
}

const END: &str = " HTTP/1.1\r\nHost: gateway\r\n\r\n";

#[tokio::test]
async fn paths_and_queries_pass_byte_for_byte() {
    let mut world = World::new(POLICY, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    for target in ["/a%2Fb%20c/~x//y?A=b+c&flag&e=%7E%ff&x=a=b;c,d(1)&z=", "//x//?%20=+", "/x"] {
        world.exchange(format!("GET /api{target}{END}").as_bytes(), "\r\n\r\n").await;
        let seen = world.seen.recv().await.unwrap();
        assert_eq!(seen.lines().next(), Some(format!("GET /base{target} HTTP/1.1").as_str()));
    }
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_of_its_body_or_none() {
    let chunked =
        World::new(POLICY, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let answer = chunked.exchange(format!("HEAD /api/x{END}").as_bytes(), "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!answer.contains("content-length"), "{answer}");

    let sized = World::new(POLICY, b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n").await;
    let answer = sized.exchange(format!("HEAD /api/x{END}").as_bytes(), "\r\n\r\n").await;
    assert!(answer.contains("content-length: 12\r\n"), "{answer}");

    let own = "<policies><inbound><return-response><set-body>hello</set-body></return-response></inbound></policies>";
    let own = World::new(own, b"").await;
    let answer = own.exchange(format!("HEAD /api/x{END}").as_bytes(), "\r\n\r\n").await;
    assert!(answer.contains("content-length: 5\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn statuses_without_content_have_no_body() {
    for status in [204, 205, 304] {
        let policy = format!(
            "<policies><inbound><return-response><set-status code='{status}'/><set-body>hello</set-body></return-response></inbound></policies>"
        );
        let world = World::new(&policy, b"").await;
        // The connection goes on: nothing is left over of the first answer.
        let twice = format!("GET /api/x{END}GET /nothing{END}");
        let answer = world.exchange(twice.as_bytes(), "not found").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(!answer.contains("hello") && !answer.contains("content-length: 5\r"), "{answer}");
        assert!(answer.contains("\r\n\r\nHTTP/1.1 404 "), "{answer}");
    }
}

#[tokio::test]
async fn a_refused_client_that_still_sends_gets_its_answer() {
    let world = World::new(POLICY, b"").await;
    for (path, status, length) in [("closed", 401, 3_000_000), ("api", 413, 6_000_000)] {
        let head =
            format!("POST /{path}/x HTTP/1.1\r\nHost: g\r\nContent-Length: {length}\r\n\r\n");
        let request = [head.as_bytes(), &vec![b'x'; length]].concat();
        // `write_all` would fail on a connection that is reset.
        let answer = world.exchange(&request, "}").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_refused_client_that_asks_first_is_not_told_to_continue() {
    let world = World::new(POLICY, b"").await;
    let ask =
        "POST /closed/x HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let answer = world.exchange(ask.as_bytes(), "}").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn a_backend_that_breaks_off_breaks_the_stream() {
    let policy = "<policies><inbound/><backend><forward-request buffer-response='false'/></backend></policies>";
    let world =
        World::new(policy, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            .await;
    // Chunked without its last chunk: the client can tell it is not whole.
    let answer = world.exchange(format!("GET /api/x{END}").as_bytes(), "0\r\n\r\n").await;
    assert!(answer.ends_with("3\r\nabc\r\n"), "{answer}");
}
