//! Calls to backends and others: failures, retries, times.

use std::time::Duration;

use axum::Router;
use http::Request;
use seam::http::{Body, InProcessNetwork};

use super::{document, each_way, gateway, get};
use crate::support::{Answer, Backend, Bench, CONFIG, post};

/// What a call gets when nobody is there.
async fn unreachable(document: &str, setting: &str) -> Answer {
    let config = format!("{CONFIG}\n[settings]\n{setting}");
    let network = InProcessNetwork::new().into_service();
    Bench::new(&config, &[("api.xml", document)], network).answer(get("/api/x")).await
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_late() {
    let forward = document("", "<forward-request timeout-ms='5' />", "", "");
    let slow = |time: &str| {
        format!(
            "<send-request response-variable-name='r' timeout='{time}'><set-url>http://b1/</set-url></send-request>"
        )
    };
    each_way("timeout_status", &[("\"500\"", "500"), ("\"504\"", "504")], async |setting| {
        let bench = gateway(&forward, "", setting, &Backend::default());
        bench.answer(get("/api/x")).await.status.to_string()
    })
    .await;
    each_way("timeout_status", &[("\"500\"", "500"), ("\"504\"", "504")], async |setting| {
        let network = InProcessNetwork::new().host("b1:80", dawdling()).into_service();
        let config = format!("{CONFIG}\n[settings]\n{setting}");
        let document = document(&slow("1"), "", "", "");
        let bench = Bench::new(&config, &[("api.xml", &document)], network);
        bench.answer(get("/api/x")).await.status.to_string()
    })
    .await;
}

/// A service whose headers come at once, and its body after two seconds.
fn dawdling() -> Router {
    Router::new().fallback(|| async {
        let body = futures_util::stream::once(async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Ok::<_, std::io::Error>("late")
        });
        Body::from_stream(body)
    })
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_send_request() {
    let send = r#"<send-request response-variable-name="r" timeout="1"><set-url>http://b1/</set-url></send-request><return-response response-variable-name="r" />"#;
    let document = document(send, "", "", "");
    each_way(
        "send_request_timeout",
        &[("\"whole_answer\"", "500"), ("\"headers\"", "200 late")],
        async |setting| {
            let network = InProcessNetwork::new().host("b1:80", dawdling()).into_service();
            let config = format!("{CONFIG}\n[settings]\n{setting}");
            let bench = Bench::new(&config, &[("api.xml", &document)], network);
            let answer = bench.answer(get("/api/x")).await;
            match answer.status {
                200 => format!("200 {}", answer.body),
                status => status.to_string(),
            }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_not_there() {
    let sends =
        r#"<send-request response-variable-name="r"><set-url>http://b1/</set-url></send-request>"#;
    for document in [document("", "<forward-request />", "", ""), document(sends, "", "", "")] {
        each_way(
            "connection_failure_status",
            &[("\"500\"", "500"), ("\"502\"", "502")],
            async |setting| unreachable(&document, setting).await.status.to_string(),
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_before_the_backend() {
    let document = document(
        r#"<set-variable name="before" value="@(context.Response == null ? "null" : context.Response.StatusCode.ToString())" />"#,
        "<forward-request />",
        r#"<set-header name="x-before"><value>@((string)context.Variables["before"] + context.Response.StatusCode)</value></set-header>"#,
        "",
    );
    each_way(
        "response_before_backend",
        &[("\"200\"", "200200"), ("\"null\"", "null200")],
        async |setting| {
            let bench = gateway(&document, "", setting, &Backend::default());
            bench.answer(get("/api/x")).await.header("x-before").unwrap().to_owned()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_response_after_a_transport_error() {
    // A condition that holds for null only makes one more attempt.
    let document = document(
        "",
        r#"<retry condition="@(context.Response == null || context.Response.StatusCode == 418)" count="1" interval="0"><forward-request /></retry>"#,
        "",
        r#"<set-header name="x-status"><value>@(context.Response.StatusCode.ToString())</value></set-header>"#,
    );
    each_way(
        "response_on_transport_error",
        &[("\"500\"", "1"), ("\"null\"", "2")],
        async |setting| {
            let config = format!("{CONFIG}\n[settings]\n{setting}");
            let network = InProcessNetwork::new().into_service();
            let bench = Bench::new(&config, &[("api.xml", &document)], network);
            let answer = bench.answer(get("/api/x")).await;
            assert_eq!((answer.status, answer.header("x-status")), (500, Some("500")), "{setting}");
            bench.record(1).attempts.len().to_string()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn outbound_after_a_return_response() {
    let returned = r#"<return-response><set-status code="418" reason="Tea" /></return-response>"#;
    let outbound = r#"<set-header name="x-out"><value>yes</value></set-header>"#;
    for document in [
        document(returned, "<forward-request />", outbound, ""),
        document("", returned, outbound, ""),
    ] {
        each_way(
            "outbound_after_return_response",
            &[("false", "418 -"), ("true", "418 yes")],
            async |setting| {
                let answer = super::call(&document, setting).await;
                format!("{} {}", answer.status, answer.header("x-out").unwrap_or("-"))
            },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_response_of_a_failing_status() {
    let document = document("", "<forward-request fail-on-error-status-code='true' />", "", "");
    each_way(
        "fail_on_error_response",
        &[
            ("\"backend\"", "429 7 backend saw /base/x"),
            (
                "\"gateway\"",
                r#"429 - { "statusCode": 429, "message": "The backend service answered with status code 429." }"#,
            ),
        ],
        async |setting| {
            let bench = gateway(&document, "", setting, &Backend::answering(&[429]));
            let answer = bench.answer(get("/api/x")).await;
            let retry_after = answer.header("retry-after").unwrap_or("-");
            format!("{} {retry_after} {}", answer.status, answer.body)
        },
    )
    .await;
}

/// Seconds between the calls of a retry.
async fn waits(attributes: &str, setting: &str) -> String {
    let retry = format!(
        "<retry condition='@(context.Response.StatusCode == 500)' count='3' {attributes}><forward-request /></retry>"
    );
    let backend = Backend::answering(&[500]);
    let bench = gateway(&document("", &retry, "", ""), "", setting, &backend);
    bench.answer(get("/api/x")).await;
    let at: Vec<_> = backend.requests().iter().map(|seen| seen.at).collect();
    let wait = |pair: &[tokio::time::Instant]| (pair[1] - pair[0]).as_secs().to_string();
    at.windows(2).map(wait).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn the_wait_after_a_fast_retry() {
    each_way(
        "retry_after_fast",
        &[("\"first_wait\"", "0 2 5"), ("\"second_wait\"", "0 5 8")],
        async |setting| waits("interval='2' delta='3' first-fast-retry='true'", setting).await,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_wait_of_a_growing_retry() {
    // Without a delta there is nothing to draw.
    each_way(
        "retry_backoff",
        &[("\"example\"", "10"), ("\"formula\"", "18 to 22")],
        async |setting| {
            let all = waits("interval='10' delta='10' max-interval='100'", setting).await;
            let first: u64 = all.split(' ').next().unwrap().parse().unwrap();
            if (18..=22).contains(&first) { "18 to 22".to_owned() } else { first.to_string() }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_retry() {
    let retry = "<retry condition='@(context.Response.StatusCode == 500)' count='1' interval='1'><forward-request /></retry>";
    let document = document("", retry, "", "");
    each_way(
        "strict_retry_body",
        &[("false", "hello hello"), ("true", "hello ")],
        async |setting| {
            let backend = Backend::answering(&[500, 200]);
            gateway(&document, "", setting, &backend).answer(post("/api/x", "hello")).await;
            let bodies: Vec<_> = backend.requests().into_iter().map(|seen| seen.body).collect();
            bodies.join(" ")
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_wins_in_a_wait() {
    let send = |path: &str| {
        format!(
            "<send-request response-variable-name='r'><set-url>http://b1/{path}</set-url></send-request>"
        )
    };
    let wait = format!("<wait for='all'>{}{}</wait>", send("3"), send("1"));
    let document = document(&wait, "<return-response response-variable-name='r' />", "", "");
    each_way(
        "wait_merge",
        &[("\"document_order\"", "/1"), ("\"completion_order\"", "/3")],
        async |setting| {
            // The path says how many seconds it takes.
            let router = Router::new().fallback(|request: Request<Body>| async move {
                let path = request.uri().path().to_owned();
                let seconds = path.trim_start_matches('/').parse().unwrap();
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                path
            });
            let config = format!("{CONFIG}\n[settings]\n{setting}");
            let network = InProcessNetwork::new().host("b1:80", router).into_service();
            let bench = Bench::new(&config, &[("api.xml", &document)], network);
            bench.answer(get("/api/x")).await.body
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_opens_a_breaker() {
    let breaker = r#"circuit_breaker = { rules = [{ failure_condition = { count = 1, interval = "1m", status_code_ranges = [{ min = 500, max = 599 }] }, trip_duration = "30s" }] }"#;
    let url = "url = \"http://b1/base\"\n";
    let config = CONFIG.replacen(url, &format!("{url}{breaker}\n"), 1);
    let document =
        document("<set-backend-service backend-id='b1' />", "<forward-request />", "", "");
    // The statuses of two calls, and the `Retry-After` of the second.
    let see = async |setting: &str| {
        let network = InProcessNetwork::new().host("b1:80", Backend::answering(&[500]).router());
        let config = format!("{config}\n[settings]\n{setting}");
        let bench = Bench::new(&config, &[("api.xml", &document)], network.into_service());
        let first = bench.answer(get("/api/x")).await;
        let second = bench.answer(get("/api/x")).await;
        let retry_after = second.header("retry-after").unwrap_or("-");
        format!("{} {} {retry_after}", first.status, second.status)
    };
    each_way(
        "breaker_tripping_call",
        &[("\"pass\"", "500 503 30"), ("\"503\"", "503 503 30")],
        see,
    )
    .await;
    each_way(
        "pool_retry_after",
        &[("\"first_closes\"", "500 503 30"), ("\"none\"", "500 503 -")],
        see,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_copied_request() {
    let copies = r#"<set-header name="x-kept"><value>yes</value></set-header><set-backend-service base-url="http://b1" /><send-request mode="copy" response-variable-name="r" /><return-response />"#;
    let document = document(copies, "", "", "");
    each_way(
        "send_request_copied_key",
        &[
            ("\"sent\"", "/x?subscription-key=key-one&a=1 Some(\"key-one\") Some(\"yes\")"),
            ("\"removed\"", "/x?a=1 None Some(\"yes\")"),
        ],
        async |setting| {
            let backend = Backend::default();
            let bench = gateway(&document, "", setting, &backend);
            bench.answer(get("/api/x?subscription-key=key-one&a=1")).await;
            let seen = backend.requests().remove(0);
            let [key, kept] = ["api-key", "x-kept"].map(|name| seen.headers.get(name).cloned());
            format!("{} {key:?} {kept:?}", seen.uri)
        },
    )
    .await;
}
