//! Over real sockets: what only a connection can show.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::BodyExt as _;
use seam::http::{Body, HttpService, call, network};
use seam::server::{Server, Stopped};
use tokio::net::TcpListener;

use crate::support::{Bench, CHAT, KEY};

const DEPLOYMENTS: &str = r#"
  { name = "chat", model = "gpt-4o", tpm = 1000000, latency = { profile = "payg-gpt-4o", overhead_ms = 0, base_ms = 0, itl_ms = 20, tail_probability = 0 } },
"#;

fn request(uri: &str, key: &str, body: &str) -> http::Request<Body> {
    http::Request::builder()
        .method(if body.is_empty() { "GET" } else { "POST" })
        .uri(uri)
        .header("api-key", key)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

async fn text(client: &HttpService, uri: &str, key: &str, body: &str) -> (u16, String) {
    let response = call(client, request(uri, key, body)).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_closed_connection_is_a_cancelled_request_and_the_rest_drains() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::start(listener, Bench::new(DEPLOYMENTS).router());
    let client = network(BTreeMap::new());
    let uri = format!("http://{address}{CHAT}");
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":3,"stream":true}"#;
    let (status, stream) = text(&client, &uri, KEY, body).await;
    assert_eq!(status, 200);
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    // A refusal leaves the connection usable.
    assert_eq!(text(&client, &uri, "wrong", body).await.0, 401);
    let long = body.replace("\"max_tokens\":3", "\"max_tokens\":10000");
    let mut response = call(&client, request(&uri, KEY, &long)).await.unwrap();
    let first = response.body_mut().frame().await;
    assert!(first.is_some_and(|frame| frame.is_ok()));
    drop(response);
    let journal = format!("http://{address}/++/journal?after=2");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let (_, page) = text(&client, &journal, KEY, "").await;
        if page.contains("\"status\":499") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "not cancelled: {page}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A stream under way at shutdown is finished.
    let short = body.replace("\"max_tokens\":3", "\"max_tokens\":20");
    let response = call(&client, request(&uri, KEY, &short)).await.unwrap();
    let reader = tokio::spawn(response.into_body().collect());
    assert_eq!(server.stop(Duration::from_secs(20)).await, Stopped::Drained);
    let bytes = reader.await.unwrap().unwrap().to_bytes();
    assert!(bytes.ends_with(b"data: [DONE]\n\n"));
}
