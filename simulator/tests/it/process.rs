//! The binary as a process that serves.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};

use http_body_util::BodyExt as _;
use seam::http::{Body, HttpService, Response, call, network, network_trusting};
use tempfile::TempDir;

use crate::support::{CHAT, KEY};

/// Two resources whose ports are chosen at start; a token every 20 ms.
pub(crate) const CONFIG: &str = r#"
version = 1
[[deployments]]
name = "chat"
model = "gpt-4o"
tpm = 1_000_000
latency = { profile = "payg-gpt-4o", overhead_ms = 0, base_ms = 0, itl_ms = 20, tail_probability = 0 }
[[resources]]
name = "one"
port = 0
keys = ["k1"]
[[resources]]
name = "two"
port = 0
keys = ["k1"]
"#;
/// All variables of options, empty.
const EMPTY: [&str; 7] = ["CONFIG", "RESOURCES", "HOST", "SEED", "DRAIN", "LOG", "LOG_FORMAT"];

pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    pub(crate) fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("simulator.toml"), config).unwrap();
        Self { folder }
    }

    fn healthcheck(&self, variables: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(&["healthcheck"]);
        let output = command.args(args).envs(variables.iter().copied()).output().unwrap();
        let text = [output.stdout, b"--- stderr\n".to_vec(), output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }
}

/// A simulator that has said it is ready; killed when dropped.
pub(crate) struct Process {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// Name and address of each resource it serves.
    pub(crate) served: Vec<(String, SocketAddr)>,
    /// Addresses of the HTTPS listeners.
    https: Vec<SocketAddr>,
}

impl Process {
    pub(crate) fn start(mut command: Command, resources: usize) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (mut served, mut https, mut all) = (Vec::new(), Vec::new(), String::new());
        while served.len() < resources {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "ended early: {all}");
            if let Some((name, addresses)) = line.split_once("  http://") {
                let (address, secure) = match addresses.trim().split_once("  https://") {
                    Some((address, secure)) => (address, Some(secure)),
                    None => (addresses.trim(), None),
                };
                served.push((name.to_owned(), address.parse().unwrap()));
                https.extend(secure.map(|secure| secure.parse::<SocketAddr>().unwrap()));
            }
            all.push_str(&line);
        }
        Self { child, stderr, served, https }
    }

    fn names(&self) -> Vec<&str> {
        self.served.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Its exit code, and what it still had to say.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
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

fn both() -> &'static [&'static str] {
    &["one", "two"]
}

#[test]
fn empty_variables_count_as_unset() {
    let files = Files::new(CONFIG);
    let mut command = files.command(&["--config", "simulator.toml", "--log", "off"]);
    command.envs(EMPTY.map(|name| (format!("SIMULATOR_{name}"), "")));
    assert_eq!(Process::start(command, 2).names(), both());
}

#[cfg(target_os = "linux")]
#[test]
fn memory_comes_in_small_pages() {
    let files = Files::new(CONFIG);
    let options = ["--config", "simulator.toml", "--log", "off"];
    let process = Process::start(files.command(&options), 2);
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    assert!(status.contains("THP_enabled:\t0\n"), "{status}");
}

#[test]
fn some_resources_are_served_and_the_others_are_not() {
    let files = Files::new(CONFIG);
    let options = ["--config", "simulator.toml", "--log", "off", "--resource", "two"];
    assert_eq!(Process::start(files.command(&options), 1).names(), ["two"]);
    let mut command = files.command(&[]);
    command.envs([
        ("SIMULATOR_CONFIG", "simulator.toml"),
        ("SIMULATOR_LOG", "off"),
        ("SIMULATOR_RESOURCES", "two, one"),
    ]);
    assert_eq!(Process::start(command, 2).names(), both(), "in the file's order");
}

#[test]
fn healthcheck_asks_every_served_port() {
    let files = Files::new(CONFIG);
    let options = ["--config", "simulator.toml", "--log", "off"];
    let process = Process::start(files.command(&options), 2);
    let [one, two] = [process.served[0].1, process.served[1].1];
    // The same configuration with the ports they got.
    let fixed = CONFIG.replacen("port = 0", &format!("port = {}", one.port()), 1).replacen(
        "port = 0",
        &format!("port = {}", two.port()),
        1,
    );
    let files = Files::new(&fixed);
    let config = ["--config", "simulator.toml"];
    let both = format!("healthy: one http://{one}\nhealthy: two http://{two}\n--- stderr\n");
    assert_eq!(files.healthcheck(&[], &config), (Some(0), both.clone()));
    let everywhere = [("SIMULATOR_CONFIG", "simulator.toml"), ("SIMULATOR_HOST", "0.0.0.0")];
    assert_eq!(files.healthcheck(&everywhere, &[]), (Some(0), both));
    let only = format!("healthy: two http://{two}\n--- stderr\n");
    let [config, host] = everywhere;
    let two_only = [config, host, ("SIMULATOR_RESOURCES", "two")];
    assert_eq!(files.healthcheck(&two_only, &[]), (Some(0), only));
    drop(process);
    let (code, text) = files.healthcheck(&[config], &[]);
    assert_eq!(code, Some(1));
    for (name, address) in [("one", one), ("two", two)] {
        let line = format!("unhealthy: {name} http://{address}: connection failed");
        assert!(text.contains(&line) && text.contains("refused"), "{text}");
    }
}

#[test]
fn healthcheck_says_what_is_wrong() {
    // A port that accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let files = Files::new(&CONFIG.replacen("port = 0", &format!("port = {}", address.port()), 1));
    let config = ("SIMULATOR_CONFIG", "simulator.toml");
    let (code, text) = files.healthcheck(&[config], &["--timeout", "50ms"]);
    assert_eq!(code, Some(1));
    let expected = format!(
        "--- stderr\nunhealthy: one http://{address}: no answer within 50ms\n\
         unhealthy: two http://127.0.0.1:0: port 0 is chosen when the server starts; a check needs a fixed port\n"
    );
    assert_eq!(text, expected);
    let (code, text) = files.healthcheck(&[config, ("SIMULATOR_RESOURCES", "tow")], &[]);
    assert_eq!(code, Some(1), "never 2: container engines reserve it");
    assert!(text.contains("there is no resource `tow`") && text.contains("`two`?"), "{text}");
    assert_eq!(files.healthcheck(&[("SIMULATOR_CONFIG", "/nowhere.toml")], &[]).0, Some(1));
}

fn chat(address: SocketAddr, max_tokens: u32) -> http::Request<Body> {
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":"hi"}}],"max_tokens":{max_tokens},"stream":true}}"#
    );
    http::Request::post(format!("http://{address}{CHAT}"))
        .header("api-key", KEY)
        .body(Body::from(body))
        .unwrap()
}

/// Asks for a stream and waits for its first bytes.
async fn begin(client: &HttpService, address: SocketAddr, max_tokens: u32) -> Response {
    let mut response = call(client, chat(address, max_tokens)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.body_mut().frame().await.is_some_and(|frame| frame.is_ok()));
    response
}

#[tokio::test]
async fn sigterm_lets_a_request_under_way_finish() {
    let files = Files::new(CONFIG);
    let options = ["--config", "simulator.toml", "--resource", "one", "--drain", "60s"];
    let mut process = Process::start(files.command(&options), 1);
    let address = process.served[0].1;
    let client = network(BTreeMap::new());
    // 25 tokens, half a second.
    let response = begin(&client, address, 25).await;
    process.terminate();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.ends_with(b"data: [DONE]\n\n"));
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("cut"), "{log}");
    assert!(call(&client, chat(address, 1)).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn sigterm_cuts_a_request_longer_than_the_drain() {
    let files = Files::new(CONFIG);
    let options = ["--config", "simulator.toml", "--resource", "one", "--drain", "200ms"];
    let mut process = Process::start(files.command(&options), 1);
    // 10,000 tokens, 200 seconds: far more than any machine is slow.
    let response = begin(&network(BTreeMap::new()), process.served[0].1, 10_000).await;
    let start = tokio::time::Instant::now();
    process.terminate();
    let body = response.into_body().collect().await;
    assert!(body.is_err(), "a stream that was cut must not look whole");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("the drain time ran out: requests were cut"), "{log}");
    assert!(start.elapsed().as_secs() < 100, "{:?}", start.elapsed());
}

/// A listener whose certificate is made at start, another with that of files.
#[tokio::test]
async fn https_is_served_with_a_made_or_a_given_certificate() {
    let config = CONFIG.replacen("keys = [\"k1\"]", "keys = [\"k1\"]\nhttps = { port = 0, write_authority = \"ca.pem\", names = [\"aoai.test\"] }", 1);
    let files = Files::new(&config);
    let options = ["--config", "simulator.toml", "--log", "off"];
    let process = Process::start(files.command(&options), 2);
    let [address] = process.https[..] else { panic!("{:?}", process.https) };
    let authority = std::fs::read_to_string(files.folder.path().join("ca.pem")).unwrap();
    let hosts = BTreeMap::from([(format!("aoai.test:{}", address.port()), address)]);
    let trusting = network_trusting(hosts.clone(), &seam::tls::certificates(&authority));
    for name in ["localhost", "127.0.0.1", "aoai.test"] {
        let uri = format!("https://{name}:{}/healthz", address.port());
        let request = http::Request::get(uri).body(Body::empty()).unwrap();
        assert_eq!(call(&trusting, request).await.unwrap().status(), 200, "{name}");
    }
    let request =
        http::Request::get(format!("https://{address}/healthz")).body(Body::empty()).unwrap();
    let refused = call(&network_trusting(hosts, &[]), request).await.unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");

    let lost = config.replace(
        "write_authority = \"ca.pem\", names = [\"aoai.test\"]",
        "certificate = \"no.pem\", key = \"no.key\"",
    );
    let files = Files::new(&lost);
    let output = files.command(&options).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("no HTTPS for `one`: cannot read `") && text.contains("no.pem"),
        "{text}"
    );
}

/// The environment of the toolkit's own simulator, and its port.
#[test]
fn the_toolkits_variables_make_a_configuration() {
    let files = Files::new(CONFIG);
    let deployments =
        r#"{"gpt-35-turbo-1k-token":{"model":"gpt-3.5-turbo","tokensPerMinute":1000}}"#;
    std::fs::write(files.folder.path().join("deployments.json"), deployments).unwrap();
    let variables = [
        ("SIMULATOR_MODE", "generate"),
        ("SIMULATOR_API_KEY", "secret"),
        ("OPENAI_DEPLOYMENT_CONFIG_PATH", "deployments.json"),
        ("ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS", "False"),
    ];
    let output =
        files.command(&["default-config", "--from-environment"]).envs(variables).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("port = 8000") && text.contains("tpm = 1000"), "{text}");
    // Our own configuration wins where it is named.
    let mut command = files.command(&["--config", "simulator.toml", "--log", "off"]);
    command.envs(variables);
    assert_eq!(Process::start(command, 2).names(), both());
    let mut wrong = files.command(&["healthcheck"]);
    wrong.envs(variables).env("OPENAI_DEPLOYMENT_CONFIG_PATH", "nowhere.json");
    let output = wrong.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("cannot read `nowhere.json`"), "{text}");
}
