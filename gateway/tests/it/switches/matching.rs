//! How requests are matched, and keys checked.

use http::Request;
use seam::http::{Body, InProcessNetwork};

use super::{call, document, each_way, gateway, get, says};
use crate::support::{Backend, Bench, CONFIG};

fn without_key(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_product_of_a_key_of_all_apis() {
    let wide = "[[subscriptions]]\nid = \"wide\"\nprimary_key = \"wide-key\"";
    let own = "[[subscriptions]]\nid = \"own\"\napi = \"test\"\nprimary_key = \"wide-key\"";
    let document = says(r#"context.Product == null ? "null" : context.Product.Id"#);
    for subscription in [wide, own] {
        each_way(
            "wide_key_product",
            &[("\"none\"", "null"), ("\"first\"", "product")],
            async |setting| {
                let bench = gateway(&document, subscription, setting, &Backend::default());
                let request = Request::get("/api/x").header("api-key", "wide-key");
                bench.answer(request.body(Body::empty()).unwrap()).await.body
            },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_fits_as_well() {
    let operations = r#"
[[apis.operations]]
id = "parameter"
method = "GET"
url_template = "/{name}"

[[apis.operations]]
id = "literal"
method = "GET"
url_template = "/special"

[[products]]"#;
    each_way(
        "operation_match",
        &[("\"most_specific\"", "literal"), ("\"first_declared\"", "parameter")],
        async |setting| {
            let config = CONFIG.replacen("[[products]]", operations, 1);
            let config = format!("{config}\n[settings]\n{setting}");
            let files = [("api.xml", says("context.Operation.Id"))];
            let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
            let network = InProcessNetwork::new().into_service();
            Bench::new(&config, &files, network).answer(get("/api/special")).await.body
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_404() {
    each_way(
        "not_found_message",
        &[
            ("\"resource_not_found\"", r#"{ "statusCode": 404, "message": "Resource not found" }"#),
            (
                "\"last_error\"",
                r#"{ "statusCode": 404, "message": "Unable to match incoming request to an operation." }"#,
            ),
        ],
        async |setting| {
            let bench = gateway(&says("1"), "", setting, &Backend::default());
            bench.answer(get("/api/nowhere")).await.body
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_in_header_and_query() {
    let second =
        "[[subscriptions]]\nid = \"two\"\nproduct = \"product\"\nprimary_key = \"key-two\"";
    each_way(
        "key_lookup",
        &[("\"header_first\"", "one"), ("\"query_first\"", "two")],
        async |setting| {
            let document = says("context.Subscription.Id");
            let bench = gateway(&document, second, setting, &Backend::default());
            bench.answer(get("/api/x?subscription-key=key-two")).await.body
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_key_for_an_operation_that_is_not_there() {
    each_way(
        "key_check",
        &[("\"after_operation\"", "404"), ("\"before_operation\"", "401")],
        async |setting| {
            let bench = gateway(&says("1"), "", setting, &Backend::default());
            bench.answer(without_key("/api/nowhere")).await.status.to_string()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_preflight_request_without_a_key() {
    let cors = r#"<cors><allowed-origins><origin>https://page.example</origin></allowed-origins><allowed-methods><method>GET</method></allowed-methods></cors>"#;
    let document = document(cors, "<forward-request />", "", "");
    each_way(
        "preflight",
        &[("\"before_key\"", "200 Some(\"https://page.example\")"), ("\"after_key\"", "401 None")],
        async |setting| {
            let bench = gateway(&document, "", setting, &Backend::default());
            let request = Request::options("/api/x")
                .header("origin", "https://page.example")
                .header("access-control-request-method", "GET");
            let answer = bench.answer(request.body(Body::empty()).unwrap()).await;
            format!("{} {:?}", answer.status, answer.header("access-control-allow-origin"))
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_preflight_request_with_a_key_is_answered_either_way() {
    let cors = r#"<cors><allowed-origins><origin>*</origin></allowed-origins></cors>"#;
    let document = document(cors, "<forward-request />", "", "");
    for setting in ["", "preflight = \"after_key\""] {
        let bench = gateway(&document, "", setting, &Backend::default());
        let request = Request::options("/api/x")
            .header("api-key", "key-one")
            .header("origin", "https://page.example")
            .header("access-control-request-method", "GET");
        assert_eq!(bench.answer(request.body(Body::empty()).unwrap()).await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn the_challenge_of_a_401() {
    each_way(
        "key_challenge",
        &[("\"sent\"", "401 AzureApiManagementKey"), ("\"none\"", "401 -")],
        async |setting| {
            let bench = gateway(&says("1"), "", setting, &Backend::default());
            let answer = bench.answer(without_key("/api/x")).await;
            let challenge = answer.header("www-authenticate").unwrap_or("-");
            format!("{} {}", answer.status, challenge.split(' ').next().unwrap_or_default())
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whether_the_key_goes_on() {
    let document = document("", "<forward-request />", "", "");
    let plain = CONFIG.replace("credentials = { headers = { \"api-key\" = \"backend-key\" } }", "");
    each_way(
        "forward_subscription_key",
        &[("true", "Some(\"key-one\")"), ("false", "None")],
        async |setting| {
            let backend = Backend::default();
            let network = InProcessNetwork::new().host("b1:80", backend.router()).into_service();
            let config = format!("{plain}\n[settings]\n{setting}");
            let bench = Bench::new(&config, &[("api.xml", &document)], network);
            bench.answer(get("/api/x")).await;
            format!("{:?}", backend.requests()[0].headers.get("api-key"))
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_error_where_there_is_none() {
    let seen = r#"context.LastError == null ? "null" : "'" + context.LastError.Reason + "'""#;
    each_way(
        "last_error_outside_on_error",
        &[("\"null\"", "null"), ("\"empty\"", "''")],
        async |setting| call(&says(seen), setting).await.body,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_on_error() {
    let fails = r#"<set-variable name="x" value="@(int.Parse("no"))" />"#;
    let unauthorised = document("", "<forward-request />", "", fails);
    each_way(
        "error_in_on_error",
        &[("\"original\"", "401"), ("\"500\"", "500")],
        async |setting| {
            let bench = gateway(&unauthorised, "", setting, &Backend::default());
            bench.answer(without_key("/api/x")).await.status.to_string()
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_message_of_a_missing_key() {
    each_way(
        "key_missing_message",
        &[("\"this_api\"", "requests to this API."), ("\"an_api\"", "requests to an API.")],
        async |setting| {
            let bench = gateway(&says("1"), "", setting, &Backend::default());
            let body = bench.answer(without_key("/api/x")).await.body;
            let from = body.find("requests").unwrap();
            body[from..body.rfind('"').unwrap()].to_owned()
        },
    )
    .await;
}
