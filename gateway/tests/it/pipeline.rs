//! Scopes, sections, forwarding, errors.

use std::time::Duration;

use http::Request;
use seam::clock::VIRTUAL_EPOCH;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Backend, Bench, CONFIG, PLAIN, post};

#[tokio::test(start_paused = true)]
async fn forwards_path_query_headers_and_body() {
    let (bench, backend) = Bench::policy(PLAIN);
    let mut request = post("/API/x?api-version=2023-05-15&q=a%26b", "hello");
    let headers = request.headers_mut();
    headers.insert("connection", "keep-alive, x-hop".parse().unwrap());
    headers.insert("x-hop", "1".parse().unwrap());
    headers.insert("x-ms-client-request-id", "r-1".parse().unwrap());
    let answer = bench.answer(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "backend saw /base/x?api-version=2023-05-15&q=a%26b");
    assert_eq!(answer.header("x-private"), None);
    assert_eq!(answer.header("content-type"), Some("text/plain"));

    let seen = &backend.requests()[0];
    assert_eq!(seen.body, "hello");
    let header = |name: &str| seen.headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("host"), Some("b1"));
    assert_eq!(header("x-hop"), None);
    assert_eq!(header("connection"), None);
    assert_eq!(header("content-length"), Some("5"));
    // The subscription key goes on: no credentials belong to a service URL.
    assert_eq!(header("api-key"), Some("key-one"));

    let record = bench.record(1);
    assert_eq!(record.correlation_id.as_deref(), Some("r-1"));
    assert_eq!(record.api.as_deref(), Some("test"));
    assert_eq!(record.operation.as_deref(), Some("post"));
    assert_eq!(record.subscription.as_deref(), Some("one"));
    assert_eq!((record.status, record.error_reason), (200, None));
    assert_eq!(record.received_us, 1_767_225_600_000_000);
    assert!((10_000..12_000).contains(&(record.done_us - record.received_us)));
    let attempt = &record.attempts[0];
    assert_eq!((attempt.backend.as_str(), attempt.status), ("http://b1/base", Some(200)));
}

#[tokio::test(start_paused = true)]
async fn credentials_replace_the_subscription_key() {
    let (bench, backend) = Bench::policy(
        "<policies><inbound><set-backend-service backend-id='b1' /></inbound><backend><base /></backend></policies>",
    );
    assert_eq!(bench.post("/api/x", "").await.status, 200);
    assert_eq!(backend.requests()[0].headers["api-key"], "backend-key");
    assert_eq!(bench.record(1).attempts[0].backend, "b1");
}

#[tokio::test(start_paused = true)]
async fn scopes_nest_through_base() {
    let mark = |name: &str| {
        let header = format!(
            "<set-header name='x-order' exists-action='append'><value>{name}</value></set-header>"
        );
        format!(
            "<policies><inbound>{header}<base /></inbound><backend><base /></backend><outbound><base />{header}</outbound></policies>"
        )
    };
    let config = CONFIG
        .replace("version = 1", "version = 1\npolicies = { global = \"global.xml\" }")
        .replace("id = \"post\"", "id = \"post\"\npolicy = \"operation.xml\"")
        .replace("apis = [\"test\"]", "apis = [\"test\"]\npolicy = \"product.xml\"");
    let global = mark("global")
        .replace("<backend><base /></backend>", "<backend><forward-request /></backend>");
    let backend = Backend::default();
    let bench = Bench::new(
        &config,
        &[
            ("global.xml", &global),
            ("product.xml", &mark("product")),
            ("api.xml", &mark("api")),
            ("operation.xml", &mark("operation")),
        ],
        InProcessNetwork::new().host("b1:80", backend.router()).into_service(),
    );
    let answer = bench.post("/api/x", "").await;
    assert_eq!(backend.requests()[0].headers["x-order"], "operation,api,product,global");
    assert_eq!(answer.header("x-order"), Some("global,product,api,operation"));
    // Without an operation policy the API's document is the innermost.
    let request = Request::get("/api/x").header("api-key", "key-one").body(Body::empty()).unwrap();
    assert_eq!(bench.answer(request).await.header("x-order"), Some("global,product,api"));
}

#[tokio::test(start_paused = true)]
async fn a_missing_section_inherits_nothing() {
    let (bench, backend) = Bench::policy(
        "<policies><inbound><base /></inbound><outbound><set-header name='x-outbound'><value>ran</value></set-header></outbound></policies>",
    );
    let answer = bench.post("/api/x", "").await;
    insta::assert_snapshot!(answer.golden(), @r"
    200
    x-outbound: ran
    content-length: 0
    ");
    assert!(backend.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn return_response_ends_the_pipeline() {
    let (bench, backend) = Bench::policy(
        r#"<policies>
            <inbound>
                <return-response response-variable-name="existing context variable">
                    <set-status code="202" reason="Taken" />
                    <set-header name="Content-Type" exists-action="override"><value> application/json </value></set-header>
                    <set-header name="x-many"><value>a</value><value>b</value></set-header>
                    <set-header name="set-cookie"><value>a=1</value><value>b=2</value></set-header>
                    <set-body>{"message": "done"}</set-body>
                </return-response>
                <set-header name="x-after"><value>1</value></set-header>
            </inbound>
            <backend><base /></backend>
            <outbound><set-header name="x-outbound"><value>ran</value></set-header></outbound>
        </policies>"#,
    );
    insta::assert_snapshot!(bench.post("/api/x", "").await.golden(), @r#"
    202
    content-type: application/json
    x-many: a,b
    set-cookie: a=1
    set-cookie: b=2
    content-length: 19

    {"message": "done"}
    "#);
    assert!(backend.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_there_is_a_404() {
    let (bench, _) = Bench::policy(PLAIN);
    let answers = [
        bench.post("/api/y", "").await.golden(),
        bench.post("/other", "").await.golden(),
        bench.post("/++/nothing", "").await.golden(),
    ];
    insta::assert_snapshot!(answers.join("\n---\n"));
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("OperationNotFound"));
    let request = Request::delete("/api/x").header("api-key", "key-one").body(Body::empty());
    assert_eq!(bench.answer(request.unwrap()).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_not_there_is_a_500() {
    let nobody = InProcessNetwork::new().into_service();
    let bench = Bench::new(CONFIG, &[("api.xml", PLAIN)], nobody);
    insta::assert_snapshot!(bench.post("/api/x", "").await.golden());
    let record = bench.record(1);
    assert_eq!(record.error_reason.as_deref(), Some("BackendConnectionFailure"));
    assert_eq!(record.attempts[0].status, None);
}

#[tokio::test(start_paused = true)]
async fn on_error_shapes_the_answer() {
    let nobody = InProcessNetwork::new().into_service();
    let document = r#"<policies>
        <inbound><base /></inbound><backend><base /></backend>
        <on-error>
            <set-status code="503" reason="Try later" />
            <set-header name="Retry-After"><value>9</value></set-header>
        </on-error></policies>"#;
    let bench = Bench::new(CONFIG, &[("api.xml", document)], nobody);
    let answer = bench.post("/api/x", "").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("9")));
    assert!(answer.body.starts_with("{ \"statusCode\": 500"), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_on_error_sends_the_original_error() {
    let nobody = InProcessNetwork::new().into_service();
    let document = r#"<policies>
        <inbound><base /></inbound><backend><base /></backend>
        <on-error>
            <set-status code="503" />
            <set-header name="@(&quot;no header name&quot;)"><value>9</value></set-header>
        </on-error></policies>"#;
    let bench = Bench::new(CONFIG, &[("api.xml", document)], nobody);
    let answer = bench.post("/api/x", "").await;
    assert_eq!(answer.status, 500);
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("BackendConnectionFailure"));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_runs_until_the_headers() {
    let slow = axum::Router::new().fallback(|| async {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        "late"
    });
    let network = || InProcessNetwork::new().host("b1:80", slow.clone()).into_service();
    let document = |seconds: u32| {
        format!(
            "<policies><inbound /><backend><forward-request timeout='{seconds}' /></backend></policies>"
        )
    };
    let started = tokio::time::Instant::now();
    let bench = Bench::new(CONFIG, &[("api.xml", &document(4))], network());
    let answer = bench.post("/api/x", "").await;
    assert_eq!((answer.status, started.elapsed().as_millis() / 10), (500, 400));
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("Timeout"));
    assert_eq!(bench.record(1).attempts[0].status, None);
    let bench = Bench::new(CONFIG, &[("api.xml", &document(6))], network());
    assert_eq!(bench.post("/api/x", "").await.body, "late");
}

#[tokio::test(start_paused = true)]
async fn a_failed_status_becomes_an_error_with_the_backends_answer() {
    let backend = Backend::answering(&[429]);
    let document = "<policies><inbound /><backend><forward-request fail-on-error-status-code='true' /></backend><outbound><set-header name='x-outbound'><value>1</value></set-header></outbound></policies>";
    let network = InProcessNetwork::new().host("b1:80", backend.router());
    let bench = Bench::new(CONFIG, &[("api.xml", document)], network.into_service());
    insta::assert_snapshot!(bench.post("/api/x", "").await.golden(), @r"
    429
    content-type: text/plain
    retry-after: 7
    content-length: 19

    backend saw /base/x
    ");
}

#[tokio::test(start_paused = true)]
async fn bodies_have_a_limit() {
    let config = format!(
        "{CONFIG}\n[settings]\nmax_request_body_bytes = 10\nmax_response_body_bytes = 10\n"
    );
    let backend = Backend::default();
    let network = InProcessNetwork::new().host("b1:80", backend.router());
    let bench = Bench::new(&config, &[("api.xml", PLAIN)], network.into_service());
    assert_eq!(bench.post("/api/x", "12345678901").await.status, 413);
    assert!(backend.requests().is_empty());
    // Ten bytes go out; what comes back is longer.
    assert_eq!(bench.post("/api/x", "1234567890").await.status, 500);
    assert_eq!(bench.record(2).error_reason.as_deref(), Some("ResponseBodyTooLarge"));
}

#[tokio::test(start_paused = true)]
async fn the_gateways_own_paths() {
    let config = format!("{CONFIG}\n[control]\nkey = \"control\"\n");
    let backend = Backend::default();
    let network = InProcessNetwork::new().host("b1:80", backend.router());
    let bench = Bench::new(&config, &[("api.xml", PLAIN)], network.into_service());
    for _ in 0..3 {
        bench.post("/api/x", "").await;
    }
    let get = |path: &str, key: &str| {
        Request::get(path).header("api-key", key).body(Body::empty()).unwrap()
    };
    assert_eq!(bench.answer(get("/healthz", "")).await.body, "ok");
    assert_eq!(bench.answer(get("/++/journal", "wrong")).await.status, 401);
    assert_eq!(bench.answer(get("/++/journal?after=x", "control")).await.status, 400);
    let page = bench.answer(get("/++/journal?after=1", "control")).await.body;
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!((&page["next"], &page["dropped"]), (&3.into(), &0.into()));
    assert_eq!(page["records"][0]["number"], 2);
    assert_eq!(page["records"][1]["attempts"][0]["status"], 200);
    insta::assert_snapshot!(bench.answer(get("/metrics", "")).await.body);
}

#[tokio::test(start_paused = true)]
async fn a_full_journal_drops_its_oldest_records() {
    let config = format!("{CONFIG}\n[settings]\njournal_records = 2\n");
    let bench = Bench::new(&config, &[("api.xml", PLAIN)], InProcessNetwork::new().into_service());
    for _ in 0..5 {
        bench.post("/api/x", "").await;
    }
    let numbers: Vec<_> = bench.gateway.journal(0).iter().map(|record| record.number).collect();
    assert_eq!(numbers, [4, 5]);
    let request = Request::get("/++/journal").body(Body::empty()).unwrap();
    assert!(bench.answer(request).await.body.ends_with("\"next\":5,\"dropped\":3}"));
}

#[tokio::test(start_paused = true)]
async fn the_journal_says_which_start_of_the_process_wrote_it() {
    async fn instance(bench: &Bench) -> String {
        let request = Request::get("/++/journal").body(Body::empty()).unwrap();
        let page: serde_json::Value =
            serde_json::from_str(&bench.answer(request).await.body).unwrap();
        page["instance"].as_str().unwrap().to_owned()
    }
    let start =
        || Bench::new(CONFIG, &[("api.xml", PLAIN)], InProcessNetwork::new().into_service());
    let bench = start();
    let first = instance(&bench).await;
    assert!(!first.is_empty());
    tokio::time::advance(Duration::from_secs(1)).await;
    bench.post("/api/x", "").await;
    assert_eq!(instance(&bench).await, first, "as long as the process lives");
    assert_eq!(instance(&start()).await, first, "virtual runs start on one date");
    assert_ne!(instance(&Bench::at(VIRTUAL_EPOCH + Duration::from_millis(1))).await, first);
}

#[test]
fn fragments_nest_only_so_deep() {
    use std::fmt::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let mut config = "version = 1\npolicies = { global = \"p.xml\" }\n".to_owned();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for n in 0..100 {
        write(
            &format!("f{n}.xml"),
            &format!(
                "<fragment><choose><when condition='true'><include-fragment fragment-id='f{}' /></when></choose></fragment>",
                n + 1
            ),
        );
        writeln!(config, "[[fragments]]\nid = \"f{n}\"\nfile = \"f{n}.xml\"").unwrap();
    }
    write("f100.xml", "<fragment />");
    config += "[[fragments]]\nid = \"f100\"\nfile = \"f100.xml\"\n";
    write("p.xml", "<policies><inbound><include-fragment fragment-id='f0' /></inbound></policies>");
    write("gateway.toml", &config);
    let path = folder.path().join("gateway.toml");
    let problems = gateway::load(&path, &seam::env::Env::empty()).unwrap_err();
    assert_eq!(problems[0].message(), "policies nest deeper than 64");
}

#[test]
fn fragments_multiply_only_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = "version = 1\npolicies = { global = \"p.xml\" }\n".to_owned();
    for n in 0..20 {
        let include = format!("<include-fragment fragment-id='f{}' />", n + 1);
        let text = if n < 19 { include.repeat(3) } else { "<base />".to_owned() };
        std::fs::write(
            folder.path().join(format!("f{n}.xml")),
            format!("<fragment>{text}</fragment>"),
        )
        .unwrap();
        config += &format!("[[fragments]]\nid = \"f{n}\"\nfile = \"f{n}.xml\"\n");
    }
    std::fs::write(
        folder.path().join("p.xml"),
        "<policies><inbound><include-fragment fragment-id='f0' /></inbound></policies>",
    )
    .unwrap();
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, config).unwrap();
    let problems = gateway::load(&path, &seam::env::Env::empty()).unwrap_err();
    assert_eq!(problems[0].message(), "the document has more than 20000 policies");
}

#[tokio::test(start_paused = true)]
async fn a_panic_stays_within_its_request() {
    async fn broken(
        _: seam::http::Request,
    ) -> Result<seam::http::Response, seam::http::TransportError> {
        panic!("a client's defect, on purpose")
    }
    let client = seam::http::HttpService::new(tower::service_fn(broken));
    let bench = Bench::new(CONFIG, &[("api.xml", PLAIN)], client);
    let answer = bench.post("/api/x", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (500, Some("application/json")));
    assert_eq!(bench.record(1).status, 500);
    assert_eq!(bench.post("/api/nothing", "").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn nested_retries_end() {
    let open = "<retry condition='true' count='50' interval='0'>";
    let document = format!(
        "<policies><inbound>{}<set-variable name='x' value='1' />{}</inbound></policies>",
        open.repeat(8),
        "</retry>".repeat(8)
    );
    let (bench, backend) = Bench::policy(&document);
    assert_eq!(bench.post("/api/x", "").await.status, 500);
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("PolicyLimitExceeded"));
    assert!(backend.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_on_error_that_fails_gives_back_the_body_it_read() {
    let (bench, _) = Bench::policy(
        r#"<policies><inbound><set-variable name="x" value="@(1 / int.Parse("0"))" /></inbound><on-error>
            <set-variable name="y" value="@(context.Response.Body.As<string>())" />
            <set-variable name="z" value="@(1 / int.Parse("0"))" /></on-error></policies>"#,
    );
    let answer = bench.post("/api/x", "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.starts_with("{ \"statusCode\": 500"), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn correlation_ids_are_kept_up_to_a_length() {
    let (bench, _) = Bench::policy(PLAIN);
    let mut request = post("/api/x", "");
    request.headers_mut().insert("x-ms-client-request-id", "x".repeat(5_000).parse().unwrap());
    bench.answer(request).await;
    assert_eq!(bench.record(1).correlation_id.map(|id| id.len()), Some(1024));
}

/// Milliseconds, not minutes: no step compares every part with every other.
#[test]
fn hostile_documents_load_in_time() {
    let named = format!("<policies><!-- -->{}</policies>", "{{a}}".repeat(100_000));
    let unknown = format!("<policies><inbound>{}</inbound></policies>", "<a/>\n".repeat(100_000));
    let attributes: String = (0..40_000).map(|n| format!(" a{n}=''")).collect();
    let wide = format!("<policies><inbound{attributes}/></policies>");
    for (text, message) in [
        (named, "more than 1000 `{{…}}` in this document name nothing"),
        (unknown, "unknown policy `a`"),
        (wide, "`<inbound>` has more than 100 attributes"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.toml");
        std::fs::write(&path, "version = 1\npolicies = { global = \"p.xml\" }\n").unwrap();
        std::fs::write(folder.path().join("p.xml"), text).unwrap();
        let problems = gateway::load(&path, &seam::env::Env::empty()).unwrap_err();
        assert!(problems.len() <= 1_001, "{}", problems.len());
        assert!(problems.iter().any(|problem| problem.message() == message), "{message}");
    }
}

#[test]
fn the_control_key_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    for (text, expected) in [("", None), ("[control]\nkey = \"secret\"\n", Some("secret"))] {
        std::fs::write(&path, format!("version = 1\n{text}")).unwrap();
        let (config, _) = gateway::load(&path, &seam::env::Env::empty()).unwrap();
        assert_eq!(config.control_key(), expected);
        assert!(!format!("{config:?}").contains("secret"));
    }
}

#[test]
fn passwords_in_urls_are_refused_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let config = "version = 1\n[[backends]]\nid = \"b\"\nurl = \"${URL}\"\n";
    std::fs::write(&path, config).unwrap();
    let env = seam::env::Env::empty().with("URL", "http://me:secret@host/");
    let problems = gateway::load(&path, &env).unwrap_err();
    assert_eq!(problems[0].message(), "a URL with a user name is not supported: use a header");
    assert!(!problems[0].to_string().contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn computed_base_urls_are_one_series_of_metrics() {
    let (bench, _) = Bench::policy(
        r#"<policies><inbound><set-backend-service base-url="@("http://b1/" + context.Request.Url.Query.GetValueOrDefault("p"))" /></inbound><backend><base /></backend></policies>"#,
    );
    for n in 0..3 {
        assert_eq!(bench.post(&format!("/api/x?p={n}"), "").await.status, 200);
    }
    assert_eq!(bench.record(3).attempts[0].backend, "http://b1/2");
    let metrics = bench.answer(Request::get("/metrics").body(Body::empty()).unwrap()).await.body;
    let series: Vec<_> =
        metrics.lines().filter(|line| line.starts_with("gateway_backend_attempts_total")).collect();
    assert_eq!(
        series,
        ["gateway_backend_attempts_total{backend=\"computed base-url\",status=\"200\"} 3"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_tier_decides_how_json_breaks_lines() {
    for (tier, expected) in [("classic", "{\r\n  \"a\": 1\r\n}"), ("v2", "{\n  \"a\": 1\n}")] {
        let config = format!("{CONFIG}\n[gateway]\ntier = \"{tier}\"\n");
        let document = r#"<policies><inbound><return-response><set-body>@(JObject.Parse("{'a':1}").ToString())</set-body></return-response></inbound></policies>"#;
        let client = InProcessNetwork::new().into_service();
        let bench = Bench::new(&config, &[("api.xml", document)], client);
        assert_eq!(bench.post("/api/x", "").await.body, expected);
    }
}
