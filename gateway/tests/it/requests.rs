//! Policies that change the request, or send one of their own.

use http::Request;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Backend, Bench, CONFIG, post};

fn inbound(policies: &str) -> String {
    format!(
        "<policies><inbound><base />{policies}</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"
    )
}

const OPERATION: &str = r#"
[[apis.operations]]
id = "deployment"
method = "POST"
url_template = "/deployments/{deployment-id}/chat?user={user}"
"#;

async fn uri(policies: &str, path: &str) -> String {
    let backend = Backend::default();
    let network = InProcessNetwork::new().host("b1:80", backend.router());
    let config = CONFIG.replace("[[products]]", &format!("{OPERATION}\n[[products]]"));
    let document = inbound(policies);
    let bench = Bench::new(&config, &[("api.xml", &document)], network.into_service());
    let answer = bench.post(path, "").await;
    match backend.requests().first() {
        Some(seen) => seen.uri.clone(),
        None => format!("{} {:?}", answer.status, bench.record(1).error_reason),
    }
}

#[tokio::test(start_paused = true)]
async fn rewrites_path_and_query() {
    let check = async |policies: &str, path: &str, expected: &str| {
        assert_eq!(uri(policies, path).await, expected, "{policies}");
    };
    check(r#"<rewrite-uri template="/y/z" />"#, "/api/x?a=1&b=c+d", "/base/y/z?a=1&b=c+d").await;
    check(r#"<rewrite-uri template="y?c=3" />"#, "/api/x?a=1", "/base/y?c=3&a=1").await;
    check(
        r#"<rewrite-uri template="/y" copy-unmatched-params="false" />"#,
        "/api/x?a=1",
        "/base/y",
    )
    .await;
    // The operation's own query parameter is not copied; values are encoded.
    check(
        r#"<rewrite-uri template="/models/{deployment-id}/x?who={user}" />"#,
        "/api/deployments/a%20b/chat?user=me&v=1",
        "/base/models/a%20b/x?who=me&v=1",
    )
    .await;
    check(
        r#"<rewrite-uri template="@("/openai/deployments/" + context.Request.MatchedParameters["deployment-id"] + "/{x}")" />"#,
        "/api/deployments/d/chat",
        "/base/openai/deployments/d/{x}",
    )
    .await;
    check(
        r#"<rewrite-uri template="/{nothing}" />"#,
        "/api/x",
        "500 Some(\"TemplateParameterNotFound\")",
    )
    .await;
    // Before and after the backend is chosen.
    check(
        r#"<set-backend-service backend-id="b1" /><rewrite-uri template="/y" />"#,
        "/api/x?a=1",
        "/base/y?a=1",
    )
    .await;
    check(
        r#"<rewrite-uri template="/y" /><set-backend-service base-url="http://b1/other" />"#,
        "/api/x?a=1",
        "/other/y?a=1",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn sets_query_parameters() {
    let check = async |attributes: &str, values: &str, expected: &str| {
        let policy = format!("<set-query-parameter {attributes}>{values}</set-query-parameter>");
        assert_eq!(uri(&policy, "/api/x?a=1&b=2&a=3").await, expected, "{policy}");
    };
    check("name='a'", "<value>x y</value>", "/base/x?a=x%20y&b=2").await;
    check("name='c'", "<value>1</value><value>2</value>", "/base/x?a=1&b=2&a=3&c=1&c=2").await;
    check("name='A' exists-action='skip'", "<value>9</value>", "/base/x?a=1&b=2&a=3").await;
    check("name='b' exists-action='append'", "<value>9</value>", "/base/x?a=1&b=2&a=3&b=9").await;
    check("name='a' exists-action='delete'", "", "/base/x?b=2").await;
    check(r#"name='@("b")' exists-action='@("delete")'"#, "", "/base/x?a=1&a=3").await;
}

#[tokio::test(start_paused = true)]
async fn changes_the_method() {
    let backend = axum::Router::new()
        .fallback(|request: Request<Body>| async move { request.method().to_string() });
    let network = InProcessNetwork::new().host("b1:80", backend).into_service();
    let document = inbound("<set-method>@(\"pa\" + \"tch\")</set-method>");
    let bench = Bench::new(CONFIG, &[("api.xml", &document)], network);
    assert_eq!(bench.post("/api/x", "a").await.body, "PATCH");
}

#[tokio::test(start_paused = true)]
async fn replaces_texts_in_either_direction() {
    let document = r#"<policies><inbound><find-and-replace from="cat" to="@("d" + "og")" /></inbound>
        <backend><forward-request buffer-response="false" /></backend>
        <outbound><find-and-replace from="backend saw" to="seen" /></outbound></policies>"#;
    let (bench, backend) = Bench::policy(document);
    let answer = bench.post("/api/x", "a cat, two cats").await;
    assert_eq!(backend.requests()[0].body, "a dog, two dogs");
    assert_eq!(answer.body, "seen /base/x");
}

#[tokio::test(start_paused = true)]
async fn a_mock_ends_the_pipeline() {
    let document =
        inbound(r#"<mock-response status-code="201" content-type="application/json" />"#);
    let (bench, backend) = Bench::policy(&document);
    let answer = bench.post("/api/x", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (201, Some("application/json")));
    assert_eq!(answer.body, "");
    assert!(backend.requests().is_empty());
}

/// A bench with `b1` behind the API and another host, `side`.
fn beside(document: &str, statuses: &[u16]) -> (Bench, Backend) {
    let side = Backend::answering(statuses);
    let network = InProcessNetwork::new()
        .host("b1:80", Backend::default().router())
        .host("side:80", side.router());
    (Bench::new(CONFIG, &[("api.xml", document)], network.into_service()), side)
}

#[tokio::test(start_paused = true)]
async fn a_request_of_its_own_gives_a_response_to_read() {
    let document = inbound(
        r#"<send-request mode="new" response-variable-name="answer" timeout="5">
            <set-url>@($"http://side/check?k={context.Subscription.Id}")</set-url>
            <set-method>PUT</set-method>
            <set-header name="x-from" exists-action="override"><value>policy</value></set-header>
            <set-body>@(context.Request.Body.As<string>(true).ToUpper())</set-body>
        </send-request>
        <set-header name="x-side"><value>@{
            var answer = (IResponse)context.Variables["answer"];
            return answer.StatusCode + "|" + answer.StatusReason + "|" + answer.Headers.GetValueOrDefault("retry-after", "")
                + "|" + answer.Body.As<string>(preserveContent: true)
                + "|" + context.Variables.GetValueOrDefault<IResponse>("answer").Body.As<string>().Length
                + "|" + context.Response.StatusCode;
        }</value></set-header>"#,
    );
    let (bench, side) = beside(&document, &[202]);
    assert_eq!(bench.post("/api/x", "hello").await.status, 200);
    let seen = &side.requests()[0];
    assert_eq!((seen.uri.as_str(), seen.body.as_str()), ("/check?k=one", "HELLO"));
    assert_eq!(seen.headers["x-from"], "policy");
    // Nothing of the client's request goes along.
    assert!(!seen.headers.contains_key("api-key"), "{:?}", seen.headers);
    assert_eq!(seen.headers["content-length"], "5");
    let record = bench.record(1);
    assert_eq!(record.calls.len(), 1);
    assert_eq!(
        (record.calls[0].url.as_str(), record.calls[0].status),
        ("http://side/check", Some(202))
    );
    assert_eq!(record.attempts.len(), 1);
    let (again, side) = beside(&document.replace("<base /></backend>", "<return-response response-variable-name=\"answer\"><set-header name=\"x-side\"><value>@(context.Request.Headers[\"x-side\"][0])</value></set-header></return-response></backend>"), &[202]);
    let answer = again.post("/api/x", "hello").await;
    assert_eq!(side.requests().len(), 1);
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("x-side"), Some("202|Accepted|7|backend saw /check?k=one|24|200"));
}

#[tokio::test(start_paused = true)]
async fn a_stored_response_can_be_returned_whole() {
    let document = inbound(
        r#"<send-request mode="new" response-variable-name="answer"><set-url>http://side/a</set-url></send-request>
        <return-response response-variable-name="answer"><set-header name="x-more"><value>1</value></set-header></return-response>"#,
    );
    let (bench, _) = beside(&document, &[418]);
    let answer = bench.post("/api/x", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (418, "backend saw /a"));
    assert_eq!((answer.header("x-more"), answer.header("retry-after")), (Some("1"), Some("7")));
    // Hop-by-hop headers stayed behind.
    assert_eq!(answer.header("x-private"), None);
}

#[tokio::test(start_paused = true)]
async fn a_copy_takes_the_clients_request_along() {
    let document = inbound(
        r#"<send-request mode="copy" response-variable-name="answer">
            <set-url>http://side/copy</set-url>
            <set-header name="api-key" exists-action="delete" />
        </send-request>"#,
    );
    let (bench, side) = beside(&document, &[200]);
    let mut request = post("/api/x", "body");
    request.headers_mut().insert("x-client", "1".parse().unwrap());
    bench.answer(request).await;
    let seen = &side.requests()[0];
    assert_eq!((seen.headers["x-client"].as_bytes(), seen.body.as_str()), (&b"1"[..], "body"));
    assert!(!seen.headers.contains_key("api-key"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_request_is_null_or_an_error() {
    let document = |attributes: &str, url: &str| {
        inbound(&format!(
            r#"<send-request mode="new" response-variable-name="answer" {attributes}><set-url>{url}</set-url></send-request>
            <return-response><set-body>@(context.Variables["answer"] == null ? "null" : "there")</set-body></return-response>"#
        ))
    };
    let (bench, _) = beside(&document("ignore-error='true'", "http://nobody/"), &[200]);
    assert_eq!(bench.post("/api/x", "").await.body, "null");
    assert_eq!(bench.record(1).calls[0].status, None);
    let (bench, _) = beside(&document("", "http://nobody/"), &[200]);
    assert_eq!(bench.post("/api/x", "").await.status, 500);
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("BackendConnectionFailure"));
    let (bench, _) = beside(&document("", "@(\"nonsense\")"), &[200]);
    bench.post("/api/x", "").await;
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("InvalidRequestUrl"));

    // A host that never answers: the timeout is in virtual seconds.
    let silent = axum::Router::new().fallback(std::future::pending::<&'static str>);
    let network = InProcessNetwork::new().host("side:80", silent).into_service();
    let text = document("timeout='3'", "http://side/");
    let bench = Bench::new(CONFIG, &[("api.xml", &text)], network);
    let started = tokio::time::Instant::now();
    bench.post("/api/x", "").await;
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!(bench.record(1).error_reason.as_deref(), Some("Timeout"));
}

#[tokio::test(start_paused = true)]
async fn the_cache_holds_no_responses() {
    let document = inbound(
        r#"<send-request mode="new" response-variable-name="answer"><set-url>http://side/a</set-url></send-request>
        <cache-store-value key="k" value="@(context.Variables["answer"])" duration="9" />"#,
    );
    let (bench, _) = beside(&document, &[200]);
    assert_eq!(bench.post("/api/x", "").await.status, 500);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_one_way_request() {
    let document = inbound(
        r#"<send-one-way-request mode="new"><set-url>http://side/log</set-url><set-method>POST</set-method>
            <set-body>note</set-body></send-one-way-request>
        <return-response />"#,
    );
    let (bench, side) = beside(&document, &[500]);
    let started = tokio::time::Instant::now();
    assert_eq!(bench.post("/api/x", "").await.status, 200);
    assert_eq!(started.elapsed().as_millis(), 0);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let seen = side.requests();
    assert_eq!((seen.len(), seen[0].body.as_str()), (1, "note"));
    assert!(bench.record(1).calls.is_empty());
}

/// The claims of a bearer token or of a token alone.
fn claims(token: &str) -> serde_json::Value {
    use base64::Engine as _;
    let part = token.trim_start_matches("Bearer ").split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_managed_identity_brings_a_token() {
    let document = inbound(
        r#"<authentication-managed-identity resource="https://cognitiveservices.azure.com" />
        <authentication-managed-identity resource="https://other" client-id="me" output-token-variable-name="token" ignore-error="false" />
        <set-header name="x-token"><value>@((string)context.Variables["token"])</value></set-header>"#,
    );
    let (bench, backend) = Bench::policy(&document);
    bench.post("/api/x", "").await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    bench.post("/api/x", "").await;
    let seen = backend.requests();
    let header = |at: usize, name: &str| seen[at].headers[name].to_str().unwrap().to_owned();
    let token = claims(&header(0, "authorization"));
    assert_eq!(token["aud"], "https://cognitiveservices.azure.com");
    assert_eq!(token["iat"], 1_767_225_600 - 300);
    assert_eq!(token["exp"], 1_767_225_600 + 86_400);
    assert_eq!(claims(&header(0, "x-token"))["appid"], "me");
    assert_eq!(header(0, "authorization"), header(1, "authorization"));
}

#[tokio::test(start_paused = true)]
async fn a_token_may_be_refused() {
    let run = async |attributes: &str| {
        let policy = format!(
            r#"<authentication-managed-identity resource="https://r/" {attributes} />
            <return-response><set-body>@(context.Variables.ContainsKey("t") ? "set" : "not set")</set-body></return-response>"#
        );
        let config = format!("{CONFIG}\n[identity]\nfail = [\"https://r\"]");
        let network = InProcessNetwork::new().into_service();
        let bench = Bench::new(&config, &[("api.xml", &inbound(&policy))], network);
        let answer = bench.post("/api/x", "").await;
        (answer.status, answer.body, bench.record(1).error_reason)
    };
    let (status, _, reason) = run("").await;
    assert_eq!((status, reason.as_deref()), (500, Some("ManagedIdentityTokenFailure")));
    let (status, body, _) = run("output-token-variable-name='t' ignore-error='true'").await;
    assert_eq!((status, body.as_str()), (200, "not set"));
}

#[tokio::test(start_paused = true)]
async fn a_token_for_a_request_of_its_own() {
    let document = inbound(
        r#"<send-request mode="new" response-variable-name="answer"><set-url>http://side/a</set-url>
            <authentication-managed-identity resource="https://r" /></send-request>"#,
    );
    let (bench, side) = beside(&document, &[200]);
    bench.post("/api/x", "").await;
    let token = side.requests()[0].headers["authorization"].to_str().unwrap().to_owned();
    assert_eq!(claims(&token)["aud"], "https://r");
}

/// Two hosts that take 3 s and 1 s to answer.
fn slow_and_fast(document: &str) -> Bench {
    let after = |seconds| {
        axum::Router::new().fallback(move || async move {
            tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
            seconds.to_string()
        })
    };
    let network = InProcessNetwork::new().host("slow:80", after(3)).host("fast:80", after(1));
    Bench::new(CONFIG, &[("api.xml", document)], network.into_service())
}

fn waiting(until: &str) -> String {
    inbound(&format!(
        r#"<wait {until}>
            <send-request mode="new" response-variable-name="slow"><set-url>http://slow/</set-url></send-request>
            <choose><when condition="@(true)">
                <send-request mode="new" response-variable-name="fast"><set-url>http://fast/</set-url></send-request>
                <set-header name="x-branch"><value>ran</value></set-header>
            </when></choose>
        </wait>
        <return-response><set-body>@{{
            var text = "";
            foreach (var name in new [] {{ "slow", "fast" }}) {{
                if (context.Variables.ContainsKey(name)) {{
                    text += name + "=" + ((IResponse)context.Variables[name]).Body.As<string>() + ";";
                }}
            }}
            return text + context.Request.Headers.GetValueOrDefault("x-branch", "-");
        }}</set-body></return-response>"#
    ))
}

#[tokio::test(start_paused = true)]
async fn waits_for_all_or_any() {
    for (until, expected, seconds, calls) in [
        ("", "slow=3;fast=1;ran", 3, 2),
        ("for='all'", "slow=3;fast=1;ran", 3, 2),
        ("for='any'", "fast=1;ran", 1, 1),
    ] {
        let bench = slow_and_fast(&waiting(until));
        let started = tokio::time::Instant::now();
        let answer = bench.post("/api/x", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, expected), "{until}");
        assert_eq!(started.elapsed().as_secs(), seconds, "{until}");
        assert_eq!(bench.record(1).calls.len(), calls, "{until}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_branch_may_end_the_pipeline_or_fail() {
    let document = |branch: &str| {
        inbound(&format!(
            r#"<wait><send-request mode="new" response-variable-name="fast"><set-url>http://fast/</set-url></send-request>
            <choose><when condition="@(true)">{branch}</when></choose></wait>
            <set-header name="x" ><value>not reached</value></set-header>"#
        ))
    };
    let ends = r#"<return-response><set-status code="418" /></return-response>"#;
    let bench = slow_and_fast(&document(ends));
    assert_eq!(bench.post("/api/x", "").await.status, 418);
    assert_eq!(bench.record(1).error_reason, None);
    let fails = r#"<set-variable name="n" value="@(int.Parse("x"))" />"#;
    let bench = slow_and_fast(&document(fails));
    assert_eq!(bench.post("/api/x", "").await.status, 500);
    let reason = bench.record(1).error_reason;
    assert_eq!(reason.as_deref(), Some("ExpressionValueEvaluationFailure"));
}
