//! Headers, bodies and URLs that policies write.

use super::{call, document, each_way, gateway, get, says};
use crate::models;
use crate::support::{Backend, Bench, CONFIG, post};

#[tokio::test(start_paused = true)]
async fn a_header_set_to_null() {
    let nothing = r#"<set-header name="x-a"><value>@((string)null)</value></set-header>"#;
    let document = document(nothing, "<forward-request />", "", "");
    each_way(
        "null_header",
        &[("\"empty\"", "Some(\"\")"), ("\"omitted\"", "None")],
        async |setting| {
            let backend = Backend::default();
            gateway(&document, "", setting, &backend).answer(get("/api/x")).await;
            format!("{:?}", backend.requests()[0].headers.get("x-a"))
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_of_json() {
    let json = says(r#"new JObject { { "a", new JArray(1) } }"#);
    each_way(
        "set_body_json",
        &[("\"indented\"", "{\r\n  \"a\": [\r\n    1\r\n  ]\r\n}"), ("\"compact\"", "{\"a\":[1]}")],
        async |setting| call(&json, setting).await.body,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn line_ends_of_indented_texts() {
    // What `ToString()` makes, and what `set-body` makes of a token.
    for json in [r#"new JObject { { "a", 1 } }.ToString()"#, r#"new JObject { { "a", 1 } }"#] {
        let (crlf, lf) = ("{\r\n  \"a\": 1\r\n}", "{\n  \"a\": 1\n}");
        for (tier, ways) in [
            ("classic", [("\"by_tier\"", crlf), ("\"lf\"", lf)]),
            ("v2", [("\"by_tier\"", lf), ("\"crlf\"", crlf)]),
        ] {
            for (way, expected) in ways {
                let more = format!("[gateway]\ntier = \"{tier}\"");
                let setting = format!("json_newline = {way}");
                let bench = gateway(&says(json), &more, &setting, &Backend::default());
                assert_eq!(bench.answer(get("/api/x")).await.body, expected, "{tier} {way}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_where_there_was_none() {
    let sets = "<set-body>new</set-body>";
    let document = document(sets, "<forward-request />", "", "");
    each_way(
        "set_body_without_body",
        &[("\"sets\"", "200"), ("\"fails\"", "500")],
        async |setting| {
            let bench = gateway(&document, "", setting, &Backend::default());
            assert_eq!(bench.answer(post("/api/x", "old")).await.status, 200);
            bench.answer(get("/api/x")).await.status.to_string()
        },
    )
    .await;
    // A response of the gateway's own has none to begin with.
    let own = says("1");
    assert_eq!(call(&own, "set_body_without_body = \"fails\"").await.body, "1");
}

#[tokio::test(start_paused = true)]
async fn a_parameter_the_operation_does_not_have() {
    let rewrite = r#"<rewrite-uri template="/y/{nobody}?q={nobody}" />"#;
    let document = document(rewrite, "<forward-request />", "", "");
    each_way(
        "rewrite_unknown_parameter",
        &[("\"fails\"", "500"), ("\"kept\"", "/base/y/{nobody}?q=%7Bnobody%7D")],
        async |setting| {
            let backend = Backend::default();
            let answer = gateway(&document, "", setting, &backend).answer(get("/api/x")).await;
            let seen = backend.requests();
            seen.first().map_or(answer.status.to_string(), |seen| seen.uri.clone())
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_an_expression_took() {
    let takes = r#"<set-variable name="b" value="@(context.Request.Body.As<string>())" />"#;
    let document = document(takes, "<forward-request />", "", "");
    each_way("strict_body", &[("true", ""), ("false", "hello")], async |setting| {
        let backend = Backend::default();
        gateway(&document, "", setting, &backend).answer(post("/api/x", "hello")).await;
        backend.requests()[0].body.clone()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_stream_in_outbound() {
    let outbound = r#"<set-header name="x-body"><value>@(context.Response.Body == null ? "null" : context.Response.Body.As<string>(preserveContent: true).Length.ToString())</value></set-header>"#;
    let request = r#"{"stream": true, "texts": ["a"]}"#;
    each_way("streamed_body", &[("\"held\"", "92 92"), ("\"null\"", "null 92")], async |setting| {
        let document = document("", "<forward-request buffer-response='false' />", outbound, "");
        let network = seam::http::InProcessNetwork::new().host("b1:80", models::model());
        let config = format!("{CONFIG}\n[settings]\n{setting}");
        let bench = Bench::new(&config, &[("api.xml", &document)], network.into_service());
        let answer = bench.post("/api/x", request).await;
        format!("{} {}", answer.header("x-body").unwrap(), answer.body.len())
    })
    .await;
}
