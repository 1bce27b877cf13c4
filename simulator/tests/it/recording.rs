//! Record and replay: a simulator stands for the real endpoint.

use std::path::Path;

use http::{Request, StatusCode};
use seam::diagnostic::Source;
use seam::env::Env;
use seam::server::Server;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::{Answer, Bench, CHAT, KEY, events, ms, render};

const UPSTREAM: &str =
    r#"{ name = "chat", model = "gpt-4o", tpm = 1000000, latency = { profile = "zero" } }"#;
const BODY: &str = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#;
const STREAM: &str =
    r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":5,"stream":true}"#;
/// What clients of the proxy send; the real endpoint knows [`KEY`] only.
const OWN_KEY: &str = "own-key";

fn config(folder: &Path, recording: &str) -> String {
    format!(
        "version = 1\n[[resources]]\nname = \"r\"\nport = 0\nkeys = [\"{OWN_KEY}\", \"{KEY}\"]\nrecording = {{ folder = {folder:?}, {recording} }}\n"
    )
}

async fn ask(bench: &Bench, uri: &str, body: &str) -> Answer {
    let request = Request::post(uri)
        .header("api-key", OWN_KEY)
        .header("x-ms-client-request-id", "c1")
        .body(body.to_owned().into())
        .unwrap();
    bench.send(request).await
}

/// Records a whole answer, a stream and a refusal.
async fn record(folder: &Path) -> [Answer; 3] {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _server = Server::start(listener, Bench::new(UPSTREAM).router());
    let recording =
        format!("mode = \"record\", upstream = \"http://{address}/\", upstream_key = \"{KEY}\"");
    let proxy = Bench::with(&config(folder, &recording), 1);
    let unknown = CHAT.replace("/chat/chat/", "/none/chat/");
    let answers = [
        ask(&proxy, CHAT, BODY).await,
        ask(&proxy, CHAT, STREAM).await,
        ask(&proxy, &unknown, BODY).await,
    ];
    // The proxy's own keys are checked before anybody is called.
    let mut stranger = Bench::request(CHAT, BODY);
    stranger.headers_mut().insert("api-key", "wrong".parse().unwrap());
    assert_eq!(proxy.send(stranger).await.status, 401);
    answers
}

fn files(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn what_is_recorded_is_played_back_and_holds_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = record(folder.path()).await;
    assert_eq!(recorded.each_ref().map(|a| a.status.as_u16()), [200, 200, 404]);
    assert!(recorded[0].header("x-ratelimit-remaining-tokens").is_some());
    assert!(recorded[1].body.ends_with("data: [DONE]\n\n"), "{}", recorded[1].body);
    let names = files(&folder);
    assert_eq!(
        names,
        [
            "000001-chat-completions.json",
            "000002-chat-completions.json",
            "000003-chat-completions.json"
        ]
    );
    for name in names {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(!text.contains(KEY) && !text.contains(OWN_KEY), "{text}");
    }
    let replay = Bench::with(&config(folder.path(), "mode = \"replay\", time_factor = 0"), 1);
    for (uri, body, recorded) in
        [(CHAT, BODY, &recorded[0]), (CHAT, STREAM, &recorded[1]), (CHAT, BODY, &recorded[0])]
    {
        let played = ask(&replay, uri, body).await;
        assert_eq!((played.status, &played.body), (recorded.status, &recorded.body));
        for name in ["content-type", "x-ratelimit-remaining-tokens", "x-ms-region"] {
            assert_eq!(played.header(name), recorded.header(name), "{name}");
        }
    }
    // The stream was not asked for its usage, and says none.
    let journal = replay.journal().await;
    let used: Vec<_> = journal.iter().map(|record| record["completion_tokens"].as_u64()).collect();
    assert_eq!(used, [Some(5), None, Some(5)]);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_a_502_and_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let recording = "mode = \"record\", upstream = \"http://127.0.0.1:1\"";
    let proxy = Bench::with(&config(folder.path(), recording), 1);
    let answer = ask(&proxy, CHAT, BODY).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.body.contains("connection failed"), "{}", answer.body);
    assert!(files(&folder).is_empty());
}

/// Written by hand, as somebody would edit one.
const SLOW: &str = r#"{
  "version": 1,
  "request": {
    "method": "POST",
    "path": "/openai/deployments/chat/chat/completions",
    "json": { "stream": true, "messages": [{ "content": "hi", "role": "user" }], "max_tokens": 5 }
  },
  "response": {
    "status": 200,
    "headers": { "content-type": ["text/event-stream; charset=utf-8"], "x-many": ["1", "2"] },
    "headers_ms": 100,
    "frames": [
      { "at_ms": 100, "text": "data: {}\n\n" },
      { "at_ms": 500, "base64": "ZGF0YTogW0RPTkVdCgo=" }
    ]
  }
}"#;

async fn times(time_factor: &str) -> (Vec<String>, std::time::Duration) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("by-hand.json"), SLOW).unwrap();
    let recording = format!("mode = \"replay\"{time_factor}");
    let bench = Bench::with(&config(folder.path(), &recording), 1);
    let start = tokio::time::Instant::now();
    let answer = ask(&bench, CHAT, STREAM).await;
    assert_eq!(answer.headers.get_all("x-many").iter().count(), 2);
    (events(&answer.body).into_iter().map(str::to_owned).collect(), start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn times_are_kept_scaled_or_left_out() {
    for (time_factor, expected) in
        [("", ms(500)), (", time_factor = 0.5", ms(250)), (", time_factor = 0", ms(0))]
    {
        let (events, elapsed) = times(time_factor).await;
        assert_eq!(events, ["{}", "[DONE]"]);
        assert!((expected..=expected + ms(1)).contains(&elapsed), "{time_factor}: {elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_miss_says_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("by-hand.json"), SLOW).unwrap();
    let bench = Bench::with(&config(folder.path(), "mode = \"replay\""), 1);
    let answer = ask(&bench, CHAT, &STREAM.replace("\"max_tokens\":5", "\"max_tokens\":6")).await;
    insta::assert_snapshot!(answer.redacted());
}

#[test]
fn a_folder_that_cannot_be_played_is_a_problem_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let problems = |text: &str| {
        let source = Source::new("test.toml", text);
        let problems = simulator::load(&source, &Env::empty()).err().unwrap();
        render(&problems).replace(&folder.path().display().to_string(), "FOLDER")
    };
    let replay = config(folder.path(), "mode = \"replay\"");
    assert!(problems(&replay).contains("no recordings in `FOLDER`"));
    std::fs::write(folder.path().join("a.json"), SLOW.replace("\"base64\"", "\"text\"")).unwrap();
    assert!(simulator::load(&Source::new("test.toml", replay.as_str()), &Env::empty()).is_ok());
    std::fs::write(folder.path().join("b.json"), SLOW.replace("\"version\": 1", "\"version\": 7"))
        .unwrap();
    assert!(problems(&replay).contains("b.json` is no recording: version 7 is unknown"));
}
