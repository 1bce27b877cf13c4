//! Metrics, events and messages: in the journal, in `/metrics`, in sinks.

use axum::Router;
use http::Request;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Backend, Bench, CONFIG, post};

fn inbound(policies: &str) -> String {
    format!(
        "<policies><inbound><base />{policies}</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"
    )
}

/// A backend that answers every request with one text.
fn answering(kind: &'static str, text: &'static str) -> Router {
    Router::new().fallback(move || async move { ([("content-type", kind)], text) })
}

fn bench(document: &str, extra: &str, backend: Router) -> Bench {
    let network = InProcessNetwork::new().host("b1:80", backend);
    let config = format!("{CONFIG}\n{extra}");
    Bench::new(&config, &[("api.xml", document)], network.into_service())
}

const COMPLETION: &str = r#"{"choices":[{"message":{"content":"abc"}}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#;

#[tokio::test(start_paused = true)]
async fn a_metric_has_its_value_and_dimensions() {
    let document = inbound(
        r#"<set-variable name="n" value="@(12)" />
        <emit-metric name="Consumed" value="@((int)context.Variables["n"])" namespace="ns">
            <dimension name="Client" value="@(context.Request.IpAddress)" />
            <dimension name="API ID" />
            <dimension name="Operation ID" />
            <dimension name="Product ID" />
            <dimension name="User ID" />
            <dimension name="Subscription ID" />
            <dimension name="Location" />
            <dimension name="Gateway ID" />
            <dimension name="Backend ID" />
            <dimension name="@("dyn" + "amic")" value="x" />
        </emit-metric>
        <set-backend-service backend-id="b1" />
        <emit-metric name="One"><dimension name="Backend ID" /></emit-metric>
        <emit-metric name="Text" value="2.5"><dimension name="API ID" value="overridden" /></emit-metric>"#,
    );
    let (bench, _) = Bench::policy(&document);
    assert_eq!(bench.post("/api/x", "").await.status, 200);
    insta::assert_json_snapshot!(bench.record(1).metrics);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_no_number_fails() {
    let document = inbound(
        r#"<emit-metric name="m" value="@("many")"><dimension name="API ID" /></emit-metric>"#,
    );
    let (bench, backend) = Bench::policy(&document);
    assert_eq!(bench.post("/api/x", "").await.status, 500);
    assert!(backend.requests().is_empty());
    let record = bench.record(1);
    assert_eq!(record.error_reason.as_deref(), Some("ExpressionValueEvaluationFailure"));
    assert!(record.metrics.is_empty());
}

fn tokens(bench: &Bench, number: u64) -> Vec<(String, f64)> {
    let record = bench.record(number);
    record.metrics.iter().map(|metric| (metric.name.clone(), metric.value)).collect()
}

const TOKENS: &str = r#"<set-backend-service backend-id="b1" /><azure-openai-emit-token-metric namespace="usage">
    <dimension name="Subscription ID" /><dimension name="Backend ID" /><dimension name="Client" value="@(context.Request.Method)" />
    </azure-openai-emit-token-metric>"#;

#[tokio::test(start_paused = true)]
async fn token_metrics_are_the_answers_usage() {
    let bench = bench(&inbound(TOKENS), "", answering("application/json", COMPLETION));
    for _ in 0..2 {
        assert_eq!(bench.post("/api/x", "{}").await.body, COMPLETION);
    }
    let expected = [("Total Tokens", 10.0), ("Prompt Tokens", 7.0), ("Completion Tokens", 3.0)];
    assert_eq!(tokens(&bench, 2), expected.map(|(name, value)| (name.to_owned(), value)));
    let metric = &bench.record(2).metrics[0];
    assert_eq!(metric.namespace, "usage");
    let dimensions: Vec<_> =
        metric.dimensions.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(dimensions, [("Subscription ID", "one"), ("Backend ID", "b1"), ("Client", "POST")]);
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let series = bench.answer(request).await.body;
    let line = r#"gateway_emitted_metrics_sum{namespace="usage",name="Total Tokens",subscription_id="one",backend_id="b1",client="POST"} 20.0"#;
    assert!(series.contains(line), "{series}");
}

#[tokio::test(start_paused = true)]
async fn token_metrics_of_streams_are_usage_or_estimates() {
    let document = r#"<policies><inbound><llm-emit-token-metric><dimension name="API ID" /></llm-emit-token-metric></inbound>
        <backend><forward-request buffer-response="false" /></backend></policies>"#;
    let with_usage = "data: {\"choices\":[{\"delta\":{\"content\":\"abc\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4,\"total_tokens\":9}}\n\ndata: [DONE]\n\n";
    let exact = bench(document, "", answering("text/event-stream", with_usage));
    exact.post("/api/x", r#"{"stream":true}"#).await;
    assert_eq!(tokens(&exact, 1)[0], ("Total Tokens".to_owned(), 9.0));
    assert_eq!(exact.record(1).metrics[0].namespace, "API Management");

    let without = "data: {\"choices\":[{\"delta\":{\"content\":\"Some words of an answer.\"}}]}\n\ndata: [DONE]\n\n";
    let estimated = bench(document, "", answering("text/event-stream", without));
    let prompt = r#"{"stream":true,"messages":[{"role":"user","content":"Tell me something"}]}"#;
    estimated.post("/api/x", prompt).await;
    let found = tokens(&estimated, 1);
    let [total, prompt, completion] = [0, 1, 2].map(|at: usize| found[at].1);
    assert!(0.0 < prompt && 0.0 < completion, "{found:?}");
    assert!((total - prompt - completion).abs() < 0.5, "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_usage_emits_no_tokens() {
    let document = inbound(TOKENS);
    let bench = bench(&document, "", answering("application/json", r#"{"error":{}}"#));
    bench.post("/api/x", "{}").await;
    assert!(bench.record(1).metrics.is_empty());
}

const EVENT: &str = r#"<policies><inbound><base /></inbound><backend><base /></backend><outbound>
    <choose><when condition="@(context.Response.StatusCode == 200)">
        <log-to-eventhub logger-id="usage" partition-key="@(context.Subscription.Id)">@{
            var body = context.Response.Body.As<JObject>(true);
            return new JObject(
                new JProperty("SubscriptionId", context.Subscription?.Id),
                new JProperty("TotalTokens", body["usage"]["total_tokens"].ToString())
            ).ToString(Newtonsoft.Json.Formatting.None);
        }</log-to-eventhub>
    </when></choose></outbound></policies>"#;

#[tokio::test(start_paused = true)]
async fn events_are_in_the_journal() {
    let backend = answering("application/json", COMPLETION);
    let bench = bench(EVENT, "[[loggers]]\nid = \"usage\"", backend);
    assert_eq!(bench.post("/api/x", "{}").await.body, COMPLETION);
    insta::assert_json_snapshot!(bench.record(1).events, @r#"
    [
      {
        "logger": "usage",
        "partition_key": "one",
        "body": "{\"SubscriptionId\":\"one\",\"TotalTokens\":\"10\"}"
      }
    ]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_logger_writes_lines_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("usage.jsonl");
    let logger = format!("[[loggers]]\nid = \"usage\"\nfile = '{}'", file.display());
    let bench = bench(EVENT, &logger, answering("application/json", COMPLETION));
    bench.post("/api/x", "{}").await;
    bench.post("/api/x", "{}").await;
    bench.gateway.flush().await;
    let line = r#"{"time":"2026-01-01T00:00:00.000Z","logger":"usage","partition_key":"one","body":"{\"SubscriptionId\":\"one\",\"TotalTokens\":\"10\"}"}"#;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{line}\n{line}\n"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_written_loses_events_but_no_requests() {
    let logger = "[[loggers]]\nid = \"usage\"\nfile = '/nowhere/at/all'";
    let bench = bench(EVENT, logger, answering("application/json", COMPLETION));
    assert_eq!(bench.post("/api/x", "{}").await.status, 200);
    bench.gateway.flush().await;
    assert_eq!(lost(&bench).await, ["{logger=\"usage\",reason=\"write failed\"} 1"]);
}

async fn lost(bench: &Bench) -> Vec<String> {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let text = bench.answer(request).await.body;
    let lines = text.lines().filter_map(|line| line.strip_prefix("gateway_events_lost_total"));
    lines.map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_logger_posts_to_its_url_and_counts_refusals() {
    let sink = Backend::answering(&[200, 503]);
    let network = InProcessNetwork::new()
        .host("b1:80", answering("application/json", COMPLETION))
        .host("hub:80", sink.router());
    let config = format!("{CONFIG}\n[[loggers]]\nid = \"usage\"\nurl = \"http://hub/events\"");
    let bench = Bench::new(&config, &[("api.xml", EVENT)], network.into_service());
    let started = tokio::time::Instant::now();
    bench.post("/api/x", "{}").await;
    bench.post("/api/x", "{}").await;
    // The sink takes 10 ms an event; nobody waited for it.
    assert_eq!(started.elapsed().as_millis(), 0);
    bench.gateway.flush().await;
    let seen = sink.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].body, r#"{"SubscriptionId":"one","TotalTokens":"10"}"#);
    assert_eq!(seen[0].headers["brokerproperties"], r#"{"PartitionKey":"one"}"#);
    assert_eq!(seen[0].headers["content-type"], "application/json");
    assert_eq!(lost(&bench).await, ["{logger=\"usage\",reason=\"refused\"} 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_event_is_cut_and_an_unknown_logger_fails() {
    let document = inbound(
        r#"<log-to-eventhub logger-id="@(context.Request.Headers.GetValueOrDefault("x-logger", "usage"))">@(new string('é', 150000))</log-to-eventhub>"#,
    );
    let backend = Backend::default();
    let bench = bench(&document, "[[loggers]]\nid = \"usage\"", backend.router());
    bench.post("/api/x", "").await;
    let body = &bench.record(1).events[0].body;
    assert_eq!((body.len(), body.chars().last()), (204_800, Some('é')));
    let mut request = post("/api/x", "");
    request.headers_mut().insert("x-logger", "other".parse().unwrap());
    assert_eq!(bench.answer(request).await.status, 500);
    assert_eq!(bench.record(2).error_reason.as_deref(), Some("LoggerNotFound"));
}

#[tokio::test(start_paused = true)]
async fn messages_are_in_the_journal() {
    let document = inbound(
        r#"<trace source="mine" severity="information"><message>@("Hello " + context.Request.Method)</message>
            <metadata name="who" value="@(context.Subscription.Id)" /></trace>
        <set-variable name="x" value="@{ context.Trace("from code"); return 1; }" />"#,
    );
    let (bench, _) = Bench::policy(&document);
    bench.post("/api/x", "").await;
    insta::assert_json_snapshot!(bench.record(1).messages, @r#"
    [
      {
        "source": "mine",
        "severity": "information",
        "message": "Hello POST",
        "metadata": {
          "who": "one"
        }
      },
      {
        "source": "context.Trace",
        "severity": "verbose",
        "message": "from code"
      }
    ]
    "#);
}

#[tokio::test(start_paused = true)]
async fn the_journal_is_bounded_in_bytes() {
    let document =
        inbound(r#"<log-to-eventhub logger-id="usage">@(new string('x', 1000))</log-to-eventhub>"#);
    let extra = "[[loggers]]\nid = \"usage\"\n[settings]\njournal_bytes = 5000";
    let bench = bench(&document, extra, Backend::default().router());
    for _ in 0..10 {
        bench.post("/api/x", "").await;
    }
    let numbers: Vec<u64> = bench.gateway.journal(0).iter().map(|record| record.number).collect();
    assert_eq!(numbers, [7, 8, 9, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_cannot_fill_a_record() {
    let emit = r#"<emit-metric name="m"><dimension name="API ID" /></emit-metric>"#.repeat(30);
    let document =
        inbound(&format!(r#"<retry condition="true" count="50" interval="0">{emit}</retry>"#));
    let (bench, _) = Bench::policy(&document);
    bench.post("/api/x", "").await;
    let record = bench.record(1);
    assert_eq!((record.metrics.len(), record.telemetry_dropped), (1_000, 530));
}

/// As the seed toolkit tracks usage: every answer's tokens are in its metrics
/// and in one event, under the subscription whose key was sent.
#[tokio::test(start_paused = true)]
async fn what_is_tracked_adds_up() {
    let document = r#"<policies><inbound><base />
        <azure-openai-emit-token-metric namespace="usage-tracking">
            <dimension name="API ID" /><dimension name="Subscription ID" />
            <dimension name="Client IP" value="@(context.Request.IpAddress)" />
        </azure-openai-emit-token-metric></inbound>
        <backend><forward-request /></backend>
        <outbound><choose><when condition="@(context.Response.StatusCode == 200)">
            <log-to-eventhub logger-id="usage">@(new JObject(
                new JProperty("SubscriptionId", context.Subscription.Id),
                new JProperty("TotalTokens", context.Response.Body.As<JObject>(true)["usage"]["total_tokens"].ToString())
            ).ToString())</log-to-eventhub>
        </when></choose></outbound></policies>"#;
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let backend = Router::new().fallback(move || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            let status = if n % 5 == 4 { 429 } else { 200 };
            let usage = serde_json::json!({
                "prompt_tokens": 3 + n, "completion_tokens": 2 * n, "total_tokens": 3 + 3 * n,
            });
            let body = match status {
                200 => serde_json::json!({ "usage": usage }),
                _ => serde_json::json!({ "error": { "code": "429" } }),
            };
            let status = http::StatusCode::from_u16(status).unwrap();
            (status, [("content-type", "application/json")], body.to_string())
        }
    });
    let subscriptions = ["two", "three"].map(|id| {
        format!(
            "[[subscriptions]]\nid = \"{id}\"\nproduct = \"product\"\nprimary_key = \"key-{id}\"\n"
        )
    });
    let extra = format!("{}[[loggers]]\nid = \"usage\"", subscriptions.concat());
    let bench = bench(document, &extra, backend);
    let mut answered = std::collections::BTreeMap::<String, u64>::new();
    for n in 0..30 {
        let id = ["one", "two", "three"][n % 3];
        let mut request = post("/api/x", "{}");
        request.headers_mut().insert("api-key", format!("key-{id}").parse().unwrap());
        let answer = bench.answer(request).await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        *answered.entry(id.to_owned()).or_default() +=
            body["usage"]["total_tokens"].as_u64().unwrap_or(0);
    }
    let mut metrics = std::collections::BTreeMap::<String, u64>::new();
    let mut events = std::collections::BTreeMap::<String, u64>::new();
    for record in bench.gateway.journal(0) {
        let value = |name: &str| {
            let found = record.metrics.iter().find(|metric| metric.name == name);
            found.map_or(0.0, |metric| metric.value)
        };
        let total = value("Total Tokens");
        assert!((total - value("Prompt Tokens") - value("Completion Tokens")).abs() < 0.5);
        assert_eq!(record.events.len(), usize::from(record.status == 200));
        assert_eq!(record.metrics.len(), 3 * record.events.len());
        for event in &record.events {
            let body: serde_json::Value = serde_json::from_str(&event.body).unwrap();
            let id = body["SubscriptionId"].as_str().unwrap();
            assert_eq!(Some(id), record.subscription.as_deref());
            assert_eq!(id, record.metrics[0].dimensions["Subscription ID"]);
            let tokens = body["TotalTokens"].as_str().unwrap().parse::<u64>().unwrap();
            *events.entry(id.to_owned()).or_default() += tokens;
            *metrics.entry(id.to_owned()).or_default() +=
                format!("{total:.0}").parse::<u64>().unwrap();
        }
    }
    assert_eq!(metrics, answered);
    assert_eq!(events, answered);
}

/// A sink that never answers costs events, not requests.
#[tokio::test(start_paused = true)]
async fn a_full_queue_loses_events() {
    let event = r#"<log-to-eventhub logger-id="usage">x</log-to-eventhub>"#.repeat(201);
    let document = inbound(&format!(
        r#"<retry condition="true" count="50" interval="0">{event}</retry><return-response />"#
    ));
    let silent = Router::new().fallback(std::future::pending::<&'static str>);
    let network = InProcessNetwork::new().host("hub:80", silent);
    let config = format!("{CONFIG}\n[[loggers]]\nid = \"usage\"\nurl = \"http://hub/events\"");
    let bench = Bench::new(&config, &[("api.xml", &document)], network.into_service());
    assert_eq!(bench.post("/api/x", "").await.status, 200);
    let lost = lost(&bench).await;
    // 51 turns of 201 events; 10,000 wait, and one may be on its way.
    let count = lost[0].strip_prefix("{logger=\"usage\",reason=\"queue full\"} ").unwrap();
    assert!(matches!(count, "250" | "251"), "{lost:?}");
}
