//! The binary as a process that serves.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::stream;
use http_body_util::BodyExt as _;
use seam::http::{Body, Response, call, network};
use seam::server::Server;
use tempfile::TempDir;

const CONFIG: &str = r#"
version = 1
[[apis]]
id = "open"
path = "api"
service_url = "${BACKEND:-http://127.0.0.1:1}"
subscription_required = false
policy = "api.xml"
operations = [{ id = "get", method = "GET", url_template = "/*" }]
"#;
const POLICY: &str =
    "<policies><inbound/><backend><forward-request buffer-response='false'/></backend></policies>";

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gateway.toml"), CONFIG).unwrap();
        std::fs::write(folder.path().join("api.xml"), POLICY).unwrap();
        Self { folder }
    }

    fn command(&self, variables: &[(&str, &str)], args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        command
    }

    fn healthcheck(&self, variables: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String) {
        let output = self.command(variables, &["healthcheck"]).args(args).output().unwrap();
        let text = [output.stdout, b"--- stderr\n".to_vec(), output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }
}

/// A gateway that has said it listens; killed when dropped.
struct Process {
    child: Child,
    stderr: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once(' ')?.0.parse().ok())
            .unwrap_or_else(|| panic!("{line}"));
        Self { child, stderr, address }
    }

    fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Its exit code, and what it still had to say.
    fn end(&mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_comes_in_small_pages() {
    let files = Files::new();
    let variables = [("GATEWAY_CONFIG", "gateway.toml"), ("GATEWAY_LISTEN", "127.0.0.1:0")];
    let process = Process::start(files.command(&variables, &[]));
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    assert!(status.contains("THP_enabled:\t0\n"), "{status}");
}

#[test]
fn healthcheck_asks_where_the_gateway_listens() {
    let files = Files::new();
    let process = Process::start(
        files
            .command(&[("GATEWAY_CONFIG", "gateway.toml"), ("GATEWAY_LISTEN", "127.0.0.1:0")], &[]),
    );
    let port = process.address.port();
    let healthy = format!("healthy: gateway http://127.0.0.1:{port}\n--- stderr\n");
    let everywhere = format!("0.0.0.0:{port}");
    let listen = ("GATEWAY_LISTEN", everywhere.as_str());
    assert_eq!(files.healthcheck(&[listen], &[]), (Some(0), healthy.clone()));
    // By the file alone, in which only `listen` matters.
    let file = files.folder.path().join("gateway.toml");
    std::fs::remove_file(files.folder.path().join("api.xml")).unwrap();
    std::fs::write(&file, CONFIG.replacen('\n', &format!("\nlisten = \"{everywhere}\"\n"), 1))
        .unwrap();
    assert_eq!(files.healthcheck(&[], &["--config", "gateway.toml"]), (Some(0), healthy));
    drop(process);
    let (code, text) = files.healthcheck(&[("GATEWAY_CONFIG", "gateway.toml")], &[]);
    assert_eq!(code, Some(1));
    let line = format!("unhealthy: gateway http://127.0.0.1:{port}: connection failed");
    assert!(text.contains(&line) && text.contains("refused"), "{text}");
    std::fs::write(&file, "version = 1\nlisten = \"here\"\n").unwrap();
    let (code, text) = files.healthcheck(&[("GATEWAY_CONFIG", "gateway.toml")], &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("`here` is no address to listen on"), "{text}");
}

#[test]
fn healthcheck_gives_up_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let answer = Files::new().healthcheck(&[], &["--listen", &address, "--timeout", "50ms"]);
    let line = format!("--- stderr\nunhealthy: gateway http://{address}: no answer within 50ms\n");
    assert_eq!(answer, (Some(1), line));
}

/// A backend that sends a byte every 20 ms: 25 of them, or without end.
async fn backend() -> Server {
    let ticking = |most: usize| {
        let bytes = stream::unfold(0, move |sent| async move {
            if sent == most {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::convert::Infallible>("x"), sent + 1))
        });
        async move { axum::body::Body::from_stream(bytes) }
    };
    let router = Router::new()
        .route("/short", get(move || ticking(25)))
        .route("/long", get(move || ticking(usize::MAX)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server::start(listener, router)
}

/// A gateway in front of the backend, and an answer that has begun.
async fn under_way(
    files: &Files,
    backend: &Server,
    drain: &str,
    path: &str,
) -> (Process, Response) {
    let url = format!("http://{}", backend.address().unwrap());
    let options = ["--config", "gateway.toml", "--listen", "127.0.0.1:0", "--drain", drain];
    let process = Process::start(files.command(&[("BACKEND", &url)], &options));
    let uri = format!("http://{}/api/{path}", process.address);
    let request = http::Request::get(uri).body(Body::empty()).unwrap();
    let mut response = call(&network(BTreeMap::new()), request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.body_mut().frame().await.is_some_and(|frame| frame.is_ok()));
    (process, response)
}

#[tokio::test]
async fn sigterm_lets_a_request_under_way_finish() {
    let (files, backend) = (Files::new(), backend().await);
    let (mut process, response) = under_way(&files, &backend, "60s", "short").await;
    process.terminate();
    let rest = response.into_body().collect().await.unwrap().to_bytes();
    assert!((1..25).contains(&rest.len()), "{}", rest.len());
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopping") && !log.contains("cut off"), "{log}");
}

#[tokio::test]
async fn sigterm_cuts_a_request_longer_than_the_drain() {
    let (files, backend) = (Files::new(), backend().await);
    let (mut process, response) = under_way(&files, &backend, "200ms", "long").await;
    process.terminate();
    assert!(response.into_body().collect().await.is_err(), "what was cut must not look whole");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("some requests were cut off"), "{log}");
}
