//! Policies and expressions together: what only shows in a running document.

use seam::http::InProcessNetwork;

use crate::support::{Backend, Bench, CONFIG};

/// What a document's on-error sees.
const LAST_ERROR: &str = r#"<on-error>
    <set-header name="x-error"><value>@(string.Join("|", new string[] {
        context.LastError.Source, context.LastError.Reason, context.LastError.Scope,
        context.LastError.Section, context.LastError.Path, context.LastError.PolicyId }))</value></set-header>
    <set-header name="x-message"><value>@(context.LastError.Message)</value></set-header>
    <set-header name="x-status"><value>@(context.Response.StatusCode.ToString())</value></set-header>
</on-error>"#;

async fn error_of(inbound: &str) -> (String, String) {
    let document = format!(
        "<policies><inbound>{inbound}</inbound><backend><base /></backend>{LAST_ERROR}</policies>"
    );
    let (bench, _) = Bench::policy(&document);
    let answer = bench.post("/api/x", "").await;
    assert_eq!((answer.status, answer.header("x-status")), (500, Some("500")));
    let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
    (header("x-error"), header("x-message"))
}

#[tokio::test(start_paused = true)]
async fn last_error_names_the_policy_and_its_place() {
    let (error, message) = error_of(
        r#"<base />
        <choose><when condition="false" /><otherwise /></choose>
        <choose>
            <when condition="@(context.LastError != null)" />
            <when condition="@(true)">
                <set-variable name="a" value="1" />
                <set-variable id="cast" name="b" value="@((int)context.Variables["a"])" />
            </when>
        </choose>"#,
    )
    .await;
    assert_eq!(
        error,
        "set-variable|ExpressionValueEvaluationFailure|api|inbound|choose[2]/when[2]/set-variable[2]|cast"
    );
    assert!(message.starts_with("Expression evaluation failed. "), "{message}");
}

#[tokio::test(start_paused = true)]
async fn values_of_the_wrong_type_are_expression_errors() {
    for (policy, source) in [
        ("<choose><when condition='@(null)' /></choose>", "choose"),
        ("<choose><when condition='@(1)' /></choose>", "choose"),
        ("<retry condition='false' count='@(51)' interval='0' />", "retry"),
        ("<retry condition='false' count='@(\"x\")' interval='0' />", "retry"),
        ("<set-variable name='x' value='@(new List<int>())' />", "set-variable"),
        ("<set-variable name='x' value='@(context.Variables[\"missing\"])' />", "set-variable"),
        ("<set-header name='x'><value>@(\"a\\nb\")</value></set-header>", "set-header"),
    ] {
        let (error, _) = error_of(policy).await;
        let expected =
            format!("{source}|ExpressionValueEvaluationFailure|api|inbound|{source}[1]|");
        assert_eq!(error, expected, "{policy}");
    }
    let (error, _) = error_of("<set-backend-service backend-id='@(\"b\" + 3)' />").await;
    assert_eq!(error, "set-backend-service|BackendNotFound|api|inbound|set-backend-service[1]|");
}

#[tokio::test(start_paused = true)]
async fn built_in_steps_reach_on_error_too() {
    let document =
        format!("<policies><backend><forward-request /></backend>{LAST_ERROR}</policies>");
    let config =
        CONFIG.replace("version = 1", "version = 1\npolicies = { global = \"global.xml\" }");
    let nobody = InProcessNetwork::new().into_service();
    let files = [("api.xml", crate::support::PLAIN), ("global.xml", document.as_str())];
    let bench = Bench::new(&config, &files, nobody);
    let answer = bench.post("/api/nothing", "").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("x-error"), Some("configuration|OperationNotFound||||"));
    assert_eq!(
        answer.header("x-message"),
        Some("Unable to match incoming request to an operation.")
    );
    let answer = bench.post("/api/x", "").await;
    assert_eq!(
        answer.header("x-error"),
        Some("forward-request|BackendConnectionFailure|global|backend|forward-request[1]|")
    );
}

#[tokio::test(start_paused = true)]
async fn a_consumed_body_is_gone_unless_the_gateway_is_lenient() {
    let document = r#"<policies><inbound>
        <set-variable name="read" value="@(context.Request.Body.As<string>())" />
        </inbound><backend><base /></backend></policies>"#;
    for (settings, sent) in [("", ""), ("strict_body = false", "hello")] {
        let backend = Backend::default();
        let network = InProcessNetwork::new().host("b1:80", backend.router());
        let config = format!("{CONFIG}\n[settings]\n{settings}");
        let bench = Bench::new(&config, &[("api.xml", document)], network.into_service());
        assert_eq!(bench.post("/api/x", "hello").await.status, 200);
        assert_eq!(backend.requests()[0].body, sent);
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_are_read_and_written() {
    let document = r#"<policies>
        <inbound><set-body>@{
            var body = context.Request.Body.As<JObject>(preserveContent: true);
            body["seen"] = context.Request.MatchedParameters.ContainsKey("none");
            return body.ToString(Newtonsoft.Json.Formatting.None);
        }</set-body></inbound>
        <backend><forward-request buffer-response="false" /></backend>
        <outbound><set-body>@(context.Response.Body.As<string>().ToUpper())</set-body></outbound>
    </policies>"#;
    let (bench, backend) = Bench::policy(document);
    let answer = bench.post("/api/x", "{\"a\": [1, 2]}").await;
    assert_eq!(answer.body, "BACKEND SAW /BASE/X");
    assert_eq!(answer.header("content-length"), Some("19"));
    assert_eq!(backend.requests()[0].body, "{\"a\":[1,2],\"seen\":false}");
}

#[tokio::test(start_paused = true)]
async fn the_cache_keeps_types_and_shares_nothing() {
    let document = r#"<policies><inbound>
        <cache-lookup-value key="list" variable-name="list" />
        <choose>
            <when condition="@(!context.Variables.ContainsKey("list"))">
                <set-variable name="list" value="@(new JArray(1))" />
                <cache-store-value key="list" value="@((JArray)context.Variables["list"])" duration="60" />
            </when>
        </choose>
        <set-variable name="count" value="@{
            var list = (JArray)context.Variables["list"];
            list.Add(2);
            return list.Count;
        }" />
        <return-response><set-body>@(((int)context.Variables["count"]).ToString())</set-body></return-response>
        </inbound></policies>"#;
    let (bench, _) = Bench::policy(document);
    for _ in 0..3 {
        assert_eq!(bench.post("/api/x", "").await.body, "2");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_override_append_skip_and_delete() {
    let document = r#"<policies><inbound>
        <set-header name="x-a" exists-action="skip"><value>gateway</value></set-header>
        <set-header name="x-b" exists-action="skip"><value>@("gateway")</value></set-header>
        <set-header name="x-c" exists-action="append"><value>2</value><value>3</value></set-header>
        <set-header name="@("x-" + "d")" exists-action="delete" />
        <set-header name="x-e"><value>@((string)null)</value></set-header>
        </inbound><backend><base /></backend></policies>"#;
    let (bench, backend) = Bench::policy(document);
    let mut request = crate::support::post("/api/x", "");
    for name in ["x-a", "x-c", "x-d", "x-e"] {
        request.headers_mut().insert(name, "client".parse().unwrap());
    }
    bench.answer(request).await;
    let headers = &backend.requests()[0].headers;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("x-a"), Some("client"));
    assert_eq!(header("x-b"), Some("gateway"));
    assert_eq!(header("x-c"), Some("client,2,3"));
    assert_eq!(header("x-d"), None);
    assert_eq!(header("x-e"), Some(""));
}

#[tokio::test(start_paused = true)]
async fn the_url_is_the_backends_once_one_is_chosen() {
    let document = r#"<policies><inbound>
        <set-variable name="before" value="@(context.Request.Url.Path)" />
        <set-backend-service base-url="@("http://elsewhere:81/v2/")" />
        <return-response>
            <set-body>@(context.Variables["before"] + " " + context.Request.Url.Host + context.Request.Url.Path + " " + context.Request.OriginalUrl.Host)</set-body>
        </return-response></inbound></policies>"#;
    let (bench, _) = Bench::policy(document);
    assert_eq!(bench.post("/api/x?q=1", "").await.body, "/api/x elsewhere/v2/x gateway.test");
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_request_id() {
    let document = r#"<policies><inbound><return-response>
        <set-body>@(context.RequestId + " " + new Random().Next(1000000))</set-body>
        </return-response></inbound></policies>"#;
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (bench, _) = Bench::policy(document);
        runs.push([bench.post("/api/x", "").await.body, bench.post("/api/x", "").await.body]);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0][0], runs[0][1]);
}

#[tokio::test(start_paused = true)]
async fn on_error_sets_the_body_of_its_answer() {
    let document = r#"<policies>
        <inbound><set-body template="none">@(context.Variables["missing"].ToString())</set-body></inbound>
        <on-error><set-body>@("sorry: " + context.LastError.Reason)</set-body></on-error>
    </policies>"#;
    let (bench, _) = Bench::policy(document);
    let answer = bench.post("/api/x", "").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.body, "sorry: ExpressionValueEvaluationFailure");
}
