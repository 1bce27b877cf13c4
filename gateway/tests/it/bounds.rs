//! Documents and bodies made to do harm: each ends at its bound, and the
//! gateway serves on. Bounds of single expressions are tested beside them, in
//! `expr/tests/limits.rs`; those of fragments and retries in `pipeline.rs`.

use gateway::policy::scanner::{MAX_DEPTH, scan};
use seam::diagnostic::Source;
use seam::env::Env;

use crate::support::{Bench, CONFIG};

fn first_error(document: &str, values: &[(&str, &str)]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut config = "version = 1\npolicies = { global = \"p.xml\" }\n".to_owned();
    for (name, value) in values {
        config += &format!("[[named_values]]\nname = \"{name}\"\nvalue = '''{value}'''\n");
    }
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, config).unwrap();
    std::fs::write(folder.path().join("p.xml"), document).unwrap();
    let problems = gateway::load(&path, &Env::empty()).err()?;
    problems.first().map(|problem| problem.message().to_owned())
}

fn policies(inbound: &str) -> String {
    format!("<policies><inbound>{inbound}</inbound><backend><base /></backend></policies>")
}

#[test]
fn documents_are_bounded_in_size() {
    let of = |bytes: usize| policies(&format!("<!--{}-->", "x".repeat(bytes)));
    assert_eq!(first_error(&of(500 * 1024), &[]), None);
    let expected = Some("the document is larger than 512 KiB".to_owned());
    assert_eq!(first_error(&of(512 * 1024), &[]), expected);
    // Small as written, large with its named values.
    let value = "x".repeat(10_000);
    let of = |times: usize| policies(&format!("<!--{}-->", "{{v}}".repeat(times)));
    assert_eq!(first_error(&of(90), &[("v", &value)]), None);
    assert_eq!(first_error(&of(110), &[("v", &value)]), expected);
}

/// Ten values of ten names each, ten deep, are no ten thousand million letters.
#[test]
fn named_values_are_pasted_once() {
    let names: Vec<String> = (0..10).map(|n| format!("v{n}")).collect();
    let values: Vec<String> = (0..10).map(|n| format!("{{{{v{}}}}}", n + 1).repeat(10)).collect();
    let values: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    let document = policies("<set-variable name=\"a\" value=\"{{v0}}\" />");
    assert_eq!(first_error(&document, &values), None);
}

#[test]
fn elements_nest_only_so_deep() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(scan(&nested(MAX_DEPTH)).is_ok());
    for depth in [MAX_DEPTH + 1, 100_000] {
        let problem = scan(&nested(depth)).unwrap_err();
        assert_eq!(problem.message, format!("elements nest deeper than {MAX_DEPTH}"));
    }
}

/// A document checked by itself has the same bounds.
#[test]
fn a_document_alone_is_bounded() {
    for document in [
        policies(&format!("<!--{}-->", "x".repeat(600 * 1024))),
        policies(&format!(
            "{}{}",
            "<choose><when condition='true'>".repeat(50),
            "</when></choose>".repeat(50)
        )),
        policies(&"{{a}}".repeat(100_000)),
        policies(&"<a/>".repeat(100_000)),
        policies("<include-fragment fragment-id='a' />"),
    ] {
        let problems = gateway::check_document(&Source::new("p.xml", document.as_str()));
        assert!(problems.len() <= 1_001, "{}", problems.len());
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_bodies_cost_their_own_request_only() {
    let document = policies(
        r#"<choose>
            <when condition="@(context.Request.Headers.GetValueOrDefault("x-how", "") == "regex")">
                <return-response><set-body>@(Regex.Matches(context.Request.Body.As<string>(), "(x+x+)+y|(?=.*z)x").Count.ToString())</set-body></return-response>
            </when>
            <otherwise>
                <return-response><set-body>@(context.Request.Body.As<JToken>().SelectTokens("$..a").Count().ToString())</set-body></return-response>
            </otherwise>
        </choose>"#,
    );
    let client = seam::http::InProcessNetwork::new().into_service();
    let bench = Bench::new(CONFIG, &[("api.xml", &document)], client);
    let ask = async |body: &str, how: &str| {
        let request =
            http::Request::post("/api/x").header("api-key", "key-one").header("x-how", how);
        let body = seam::http::Body::from(body.to_owned());
        bench.answer(request.body(body).unwrap()).await.status
    };
    let deep = |open: &str, close: &str, n: usize| open.repeat(n) + &close.repeat(n);
    for (body, how) in [
        (deep("[", "]", 100_000), "json"),
        (deep("[", "", 1_000_000), "json"),
        (deep("{\"a\":", "1", 100_000), "json"),
        (format!("[{}]", "{\"a\":1},".repeat(700_000)), "json"),
        (format!("{{\"a\":\"{}\"}}", "\\u0041".repeat(1_000_000)), "text"),
        ("x".repeat(1_000_000), "regex"),
        (format!("{}z", "x".repeat(60_000)), "regex"),
    ] {
        let status = ask(&body, how).await;
        assert!(matches!(status, 200 | 500), "{how}: {status}");
        // A deep one and one that backtracks are refused.
        if body.starts_with("[[") || body.starts_with("{\"a\":{") || how == "regex" {
            assert_eq!(status, 500, "{how}: {:.20}", body);
        }
    }
    assert_eq!(ask(r#"{"a":[{"a":1}]}"#, "json").await, 200);
}

#[tokio::test(start_paused = true)]
async fn variables_hold_a_few_responses_only() {
    let send = |count: usize| {
        let one = |n| {
            format!(
                r#"<send-request mode="new" response-variable-name="r{n}"><set-url>http://b1/</set-url></send-request>"#
            )
        };
        policies(&((0..count).map(one).collect::<String>() + "<return-response />"))
    };
    let (bench, backend) = Bench::policy(&send(32));
    assert_eq!(bench.post("/api/x", "").await.status, 200);
    assert_eq!(backend.requests().len(), 32);
    let (bench, _) = Bench::policy(&send(33));
    assert_eq!(bench.post("/api/x", "").await.status, 500);
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("ResponseLimitExceeded"));
}

/// Nobody waits for one-way requests: those of a backend that never answers must
/// not pile up.
#[tokio::test(start_paused = true)]
async fn one_way_requests_on_their_way_are_bounded() {
    let send =
        r#"<send-one-way-request mode="new"><set-url>http://b1/</set-url></send-one-way-request>"#;
    let document = policies(&format!("{}<return-response />", send.repeat(1_003)));
    let silent = axum::Router::new().fallback(std::future::pending::<&'static str>);
    let network = seam::http::InProcessNetwork::new().host("b1:80", silent);
    let bench = Bench::new(CONFIG, &[("api.xml", &document)], network.into_service());
    assert_eq!(bench.post("/api/x", "").await.status, 200);
    let metrics = http::Request::get("/metrics").body(seam::http::Body::empty()).unwrap();
    let metrics = bench.answer(metrics).await.body;
    let lost: Vec<_> =
        metrics.lines().filter(|line| line.contains("one_way_requests_lost")).collect();
    assert!(lost.iter().any(|line| line.ends_with("_total 3")), "{lost:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_cut() {
    let document = policies(
        r#"<trace source="t"><message>@(new string('x', 40000))</message>
            <metadata name="m" value="@(new string('y', 40000))" /></trace>
        <log-to-eventhub logger-id="usage">@(new string('z', 300000))</log-to-eventhub>
        <return-response />"#,
    );
    let config = format!("{CONFIG}\n[[loggers]]\nid = \"usage\"\n");
    let client = seam::http::InProcessNetwork::new().into_service();
    let bench = Bench::new(&config, &[("api.xml", &document)], client);
    assert_eq!(bench.post("/api/x", "").await.status, 200);
    let record = bench.record(1);
    assert_eq!((record.messages[0].message.len(), record.events[0].body.len()), (32_768, 204_800));
    assert_eq!(record.messages[0].metadata["m"].len(), 32_768);
}
