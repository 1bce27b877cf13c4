//! Metrics to a collector (feature `otlp`): a socket stands for it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use seam::http::{Body, call, network};

use crate::process::{CONFIG, Files, Process};

/// One request's path and body; it is answered with an empty success.
fn accept(listener: &TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    answer(&mut stream);
    (head.lines().next().unwrap().to_owned(), body)
}

fn answer(stream: &mut TcpStream) {
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(reply).unwrap();
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_collector_gets_the_seed_systems_metrics_when_the_process_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = tokio::task::spawn_blocking(move || accept(&listener));
    let files = Files::new(CONFIG);
    let mut command = files.command(&["--config", "simulator.toml", "--log", "off"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    let mut process = Process::start(command, 2);
    let uri = format!("http://{}{}", process.served[0].1, crate::support::CHAT);
    let request = http::Request::post(uri)
        .header("api-key", "k1")
        .body(Body::from(r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":3}"#))
        .unwrap();
    let answer = call(&network(BTreeMap::new()), request).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer);
    process.terminate();
    let (line, body) = collector.await.unwrap();
    assert_eq!(line, "post /v1/metrics http/1.1");
    for text in [
        "aoai-api-simulator.latency.base",
        "aoai-api-simulator.latency.full",
        "aoai-api-simulator.tokens.used",
        "aoai-api-simulator.tokens.requested",
        "aoai-api-simulator.tokens.rate-limit",
        "status_code",
        "token_type",
        "service.name",
        "chat",
    ] {
        assert!(contains(&body, text), "no {text}");
    }
    assert_eq!(process.end().0, Some(0));
}
