//! Traces: on request of a client that holds the control key, and `gateway trace`.

use std::process::Command;

use http::Request;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Answer, Backend, Bench, CONFIG, post};

const DOCUMENT: &str = r#"<policies>
    <inbound>
        <base />
        <set-variable name="backend" value="b1" />
        <set-variable name="secret" value="@("key " + context.Request.Headers["api-key"][0])" />
        <authentication-managed-identity resource="https://r" output-token-variable-name="token" />
        <set-header name="Authorization"><value>@("Bearer " + context.Variables["token"])</value></set-header>
        <emit-metric name="Asked" namespace="ns"><dimension name="API ID" /></emit-metric>
        <trace source="mine" severity="information"><message>calling</message></trace>
    </inbound>
    <backend>
        <retry condition="@(context.Response.StatusCode == 429)" count="2" interval="@(int.Parse(context.Response.Headers.GetValueOrDefault("retry-after", "5")))">
            <choose>
                <when condition="@(context.Response.StatusCode == 429)">
                    <set-backend-service id="second" backend-id="b2" />
                </when>
                <otherwise>
                    <set-backend-service backend-id="@((string)context.Variables["backend"])" />
                </otherwise>
            </choose>
            <forward-request buffer-request-body="true" />
        </retry>
    </backend>
    <outbound><base /><set-header name="x-done"><value>yes</value></set-header></outbound>
    <on-error><base /></on-error>
</policies>"#;

fn bench(control: &str, document: &str) -> Bench {
    let network = InProcessNetwork::new()
        .host("b1:80", Backend::answering(&[429]).router())
        .host("b2:80", Backend::default().router());
    let config = format!("{CONFIG}\n{control}");
    Bench::new(&config, &[("api.xml", document)], network.into_service())
}

fn traced(key: Option<&str>) -> Request<Body> {
    let mut request = post("/api/x?subscription-key=key-one&v=1", "hello");
    request.headers_mut().insert("ocp-apim-trace", "true".parse().unwrap());
    if let Some(key) = key {
        request.headers_mut().insert("apim-debug-authorization", key.parse().unwrap());
    }
    request
}

async fn fetch(bench: &Bench, place: &str, key: &str) -> Answer {
    let request = Request::get(place).header("api-key", key).body(Body::empty()).unwrap();
    bench.answer(request).await
}

#[tokio::test(start_paused = true)]
async fn a_client_with_the_control_key_gets_a_trace() {
    let bench = bench("[control]\nkey = \"control-key\"", DOCUMENT);
    let answer = bench.answer(traced(Some("control-key"))).await;
    assert_eq!((answer.status, answer.header("x-done")), (200, Some("yes")));
    let place = answer.header("ocp-apim-trace-location").unwrap();
    assert_eq!(
        Some(place),
        answer.header("apim-trace-id").map(|id| format!("/++/traces/{id}")).as_deref()
    );
    assert_eq!(fetch(&bench, place, "wrong").await.status, 401);
    let trace = fetch(&bench, place, "control-key").await;
    assert_eq!(trace.status, 200);
    for secret in ["key-one", "backend-key", "control-key", "eyJ"] {
        assert!(!trace.body.contains(secret), "{secret} in {}", trace.body);
    }
    let trace: serde_json::Value = serde_json::from_str(&trace.body).unwrap();
    insta::assert_json_snapshot!("trace-json", trace);
    assert_eq!(fetch(&bench, "/++/traces/nothing", "control-key").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn without_the_key_there_is_no_trace() {
    for key in [None, Some("wrong")] {
        let bench = bench("[control]\nkey = \"control-key\"", DOCUMENT);
        let answer = bench.answer(traced(key)).await;
        assert_eq!((answer.status, answer.header("apim-trace-id")), (200, None));
        assert!(answer.header("ocp-apim-trace-error").is_some());
    }
    // An open control API has open traces; nobody gets one unasked.
    let open = bench("", DOCUMENT);
    assert!(open.answer(traced(None)).await.header("apim-trace-id").is_some());
    assert_eq!(open.post("/api/x", "").await.header("apim-trace-id"), None);
}

#[tokio::test(start_paused = true)]
async fn backends_do_not_see_what_asked_for_the_trace() {
    let backend = Backend::default();
    let network = InProcessNetwork::new().host("b1:80", backend.router());
    let config = format!("{CONFIG}\n[control]\nkey = \"control-key\"");
    let files = [("api.xml", crate::support::PLAIN)];
    let bench = Bench::new(&config, &files, network.into_service());
    bench.answer(traced(Some("control-key"))).await;
    bench.answer(traced(Some("wrong"))).await;
    for seen in backend.requests() {
        assert!(!seen.headers.contains_key("apim-debug-authorization"));
        assert!(!seen.headers.contains_key("ocp-apim-trace"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_once_and_the_document_may_ask() {
    let document = r#"<policies><inbound>
        <choose><when condition="@(context.Tracing)"><set-variable name="x" value="@(int.Parse("no"))" /></when></choose>
        </inbound><backend /><outbound /><on-error><set-status code="418" /></on-error></policies>"#;
    let bench = bench("", document);
    let answer = bench.answer(traced(None)).await;
    assert_eq!(answer.status, 418);
    let place = answer.header("ocp-apim-trace-location").unwrap();
    let trace: serde_json::Value =
        serde_json::from_str(&fetch(&bench, place, "").await.body).unwrap();
    let errors: Vec<_> = trace["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == "error")
        .map(|entry| entry["reason"].as_str().unwrap())
        .collect();
    assert_eq!(errors, ["ExpressionValueEvaluationFailure"]);
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_bounded() {
    let set = r#"<set-variable name="x" value="@(context.Variables.GetValueOrDefault("x", "") + "0123456789")" />"#;
    let document = format!(
        r#"<policies><inbound><retry condition="true" count="50" interval="0">{}</retry></inbound><backend /></policies>"#,
        set.repeat(100)
    );
    let bench = bench("", &document);
    let answer = bench.answer(traced(None)).await;
    let place = answer.header("ocp-apim-trace-location").unwrap();
    let text = fetch(&bench, place, "").await.body;
    assert!(text.len() < 10 << 20, "{}", text.len());
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(trace["entries"].as_array().unwrap().len() <= 10_000);
    assert!(0 < trace["dropped"].as_u64().unwrap());
}

fn command(config: &str, arguments: &[&str]) -> String {
    command_with(config, DOCUMENT, arguments)
}

fn command_with(config: &str, document: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gateway.toml"), config).unwrap();
    std::fs::write(folder.path().join("api.xml"), document).unwrap();
    std::fs::write(folder.path().join("busy.http"), "HTTP/1.1 429 Too Many Requests\nretry-after: 60\ncontent-type: application/json\n\n{\"busy\":true}").unwrap();
    let request = "POST /api/x HTTP/1.1\nHost: gateway.test\napi-key: key-one\n\n{}";
    std::fs::write(folder.path().join("request.http"), request).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .args(["trace", "--config", "gateway.toml"])
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_policys_author_sees_what_a_429_does() {
    let shown = command(CONFIG, &["--request", "request.http", "--answers", "429:busy.http,200"]);
    let trace = shown.split("\n\n").next().unwrap();
    assert!(trace.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(!shown.contains("key-one"), "{shown}");
    insta::assert_snapshot!("command-429", shown);
}

#[test]
fn requests_may_come_from_options_and_answers_may_fail() {
    let arguments = [
        "--path",
        "/api/x?a=1",
        "--header",
        "api-key: key-one",
        "--body",
        "{}",
        "--answers",
        "refused",
    ];
    let shown = command(CONFIG, &arguments);
    assert!(shown.contains("call b1 -> no answer"), "{shown}");
    assert!(shown.contains("error BackendConnectionFailure in forward-request"), "{shown}");
    let json = command(CONFIG, &["--path", "/nowhere", "--answers", "200", "--format", "json"]);
    assert!(json.contains("\"reason\": \"OperationNotFound\""), "{json}");
}

/// Each attempt goes to the pool's next member.
#[test]
fn a_pool_shows_its_members() {
    let pool = r#"
[[backends]]
id = "pool"
pool = { services = [{ id = "b1" }, { id = "b3" }] }

[[backends]]
id = "b3"
url = "http://b3/base"
"#;
    let document = r#"<policies><inbound><set-backend-service backend-id="pool" /></inbound>
        <backend><retry condition="@(context.Response.StatusCode == 429)" count="3" interval="1"><forward-request buffer-request-body="true" /></retry></backend></policies>"#;
    let config = format!("{CONFIG}{pool}");
    let shown =
        command_with(&config, document, &["--request", "request.http", "--answers", "429,429,200"]);
    let calls: Vec<&str> =
        shown.lines().filter_map(|line| line.split_once("call ")).map(|(_, call)| call).collect();
    assert_eq!(
        calls,
        [
            "b1 of pool -> 429 after 0 s",
            "b3 of pool -> 429 after 0 s",
            "b1 of pool -> 200 after 0 s"
        ],
        "{shown}"
    );
    assert_eq!(shown.matches("waited 1 s").count(), 2, "{shown}");
}

#[test]
fn what_cannot_be_sent_is_said() {
    insta::assert_snapshot!(
        "command-errors",
        [
            command(CONFIG, &["--path", "/x", "--header", "nonsense"]),
            command(CONFIG, &["--path", "/x", "--answers", "99"]),
            command(CONFIG, &["--request", "nowhere.http"]),
            command("version = 2", &["--path", "/x"]),
        ]
        .join("\n")
    );
}

#[test]
fn a_secret_named_value_is_not_printed() {
    let document = r#"<policies><inbound>
        <set-variable name="a" value="@("{{hidden}}" + "!")" />
        <set-header name="x-key"><value>{{hidden}}</value></set-header>
        <return-response><set-body>@("shown {{open}}")</set-body></return-response>
        </inbound></policies>"#;
    let values = r#"
[[named_values]]
name = "hidden"
value = "hush-hush"
secret = true

[[named_values]]
name = "open"
value = "visible"
"#;
    let config = format!("{CONFIG}{values}");
    let shown = command_with(&config, document, &["--request", "request.http", "--answers", "200"]);
    assert!(!shown.contains("hush-hush"), "{shown}");
    assert!(shown.contains("= [redacted]! (String)"), "{shown}");
    assert!(shown.contains("= shown visible (String)"), "{shown}");
}
