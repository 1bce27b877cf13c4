//! Switches of what no public source settles: each way of each.

use http::Request;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Answer, Backend, Bench, CONFIG};

/// A gateway with one setting; its backend answers 500 once, then 200.
async fn answer(document: &str, setting: &str, backend: Option<&Backend>) -> Answer {
    let mut network = InProcessNetwork::new();
    if let Some(backend) = backend {
        network = network.host("b1:80", backend.router());
    }
    let config = format!("{CONFIG}\n[settings]\n{setting}\n");
    let bench = Bench::new(&config, &[("api.xml", document)], network.into_service());
    let request = Request::get("/api/x").header("api-key", "key-one").body(Body::empty());
    bench.answer(request.unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_response_before_the_backend() {
    let document = r#"<policies><inbound><set-variable name="before" value="@(context.Response == null ? "null" : context.Response.StatusCode.ToString())" /></inbound><backend><forward-request /></backend><outbound><set-header name="x-before"><value>@((string)context.Variables["before"] + context.Response.StatusCode)</value></set-header></outbound><on-error /></policies>"#;
    let backend = Backend::default();
    for (setting, expect) in [
        ("", "200200"),
        ("response_before_backend = \"200\"", "200200"),
        ("response_before_backend = \"null\"", "null200"),
    ] {
        let answer = answer(document, setting, Some(&backend)).await;
        assert_eq!(answer.header("x-before"), Some(expect), "{setting}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_after_a_transport_error() {
    let document = r#"<policies><inbound /><backend><retry condition="@{ context.Variables["seen"] }" count="1" interval="0"><forward-request /></retry></backend><outbound /><on-error><set-header name="x-status"><value>@(context.Response.StatusCode.ToString())</value></set-header></on-error></policies>"#
        .replace(
            "@{ context.Variables[\"seen\"] }",
            "@(context.Response == null || context.Response.StatusCode == 418)",
        );
    // A condition that holds for null only makes one more attempt.
    for (setting, attempts) in [
        ("", 1),
        ("response_on_transport_error = \"500\"", 1),
        ("response_on_transport_error = \"null\"", 2),
    ] {
        let config = format!("{CONFIG}\n[settings]\n{setting}\n");
        let files = [("api.xml", document.as_str())];
        let bench = Bench::new(&config, &files, InProcessNetwork::new().into_service());
        let request = Request::get("/api/x").header("api-key", "key-one").body(Body::empty());
        let answer = bench.answer(request.unwrap()).await;
        assert_eq!((answer.status, answer.header("x-status")), (500, Some("500")), "{setting}");
        assert_eq!(bench.record(1).attempts.len(), attempts, "{setting}");
    }
}

#[tokio::test(start_paused = true)]
async fn outbound_after_return_response() {
    let document = |inbound: &str, backend: &str| {
        format!(
            r#"<policies><inbound>{inbound}</inbound><backend>{backend}</backend><outbound><set-header name="x-out"><value>yes</value></set-header></outbound><on-error /></policies>"#
        )
    };
    let returned = r#"<return-response><set-status code="418" reason="Tea" /></return-response>"#;
    for document in [document(returned, "<forward-request />"), document("", returned)] {
        for (setting, expect) in
            [("", None), ("outbound_after_return_response = true", Some("yes"))]
        {
            let answer = answer(&document, setting, None).await;
            assert_eq!((answer.status, answer.header("x-out")), (418, expect), "{setting}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn line_ends_of_indented_texts() {
    let document = r#"<policies><inbound><return-response><set-body>@(new JObject { { "a", 1 } }.ToString())</set-body></return-response></inbound><backend /><outbound /><on-error /></policies>"#;
    for (setting, expect) in [
        ("", "{\r\n  \"a\": 1\r\n}"),
        ("json_newline = \"crlf\"", "{\r\n  \"a\": 1\r\n}"),
        ("json_newline = \"lf\"", "{\n  \"a\": 1\n}"),
    ] {
        assert_eq!(answer(document, setting, None).await.body, expect, "{setting}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_of_an_open_breaker() {
    let breaker = r#"circuit_breaker = { rules = [{ failure_condition = { count = 1, interval = "1m", status_code_ranges = [{ min = 500, max = 599 }] }, trip_duration = "30s" }] }"#;
    let url = "url = \"http://b1/base\"\n";
    let document = r#"<policies><inbound><set-backend-service backend-id="b1" /></inbound><backend><forward-request /></backend><outbound /><on-error /></policies>"#;
    for (setting, expect) in [("", Some("30")), ("[settings]\npool_retry_after = \"none\"", None)] {
        let backend = Backend::answering(&[500]);
        let network = InProcessNetwork::new().host("b1:80", backend.router()).into_service();
        let config = CONFIG.replacen(url, &format!("{url}{breaker}\n"), 1);
        let bench = Bench::new(&format!("{config}\n{setting}"), &[("api.xml", document)], network);
        let call = || {
            let request = Request::get("/api/x").header("api-key", "key-one");
            bench.answer(request.body(Body::empty()).unwrap())
        };
        assert_eq!(call().await.status, 500);
        let refused = call().await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, expect), "{setting}");
    }
}
