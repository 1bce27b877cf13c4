//! What documents load, and what their texts are.

use seam::env::Env;

use super::{call, document, each_way, gateway, get, says};
use crate::support::{Backend, CONFIG};

/// `loads`, or the first error.
fn loaded(documents: &[(&str, &str)], more: &str, setting: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}\n{more}\n[settings]\n{setting}\n");
    std::fs::write(folder.path().join("gateway.toml"), config).unwrap();
    for (name, text) in documents {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    match gateway::load(&folder.path().join("gateway.toml"), &Env::empty()) {
        Ok(_) => "loads".to_owned(),
        Err(problems) => problems.iter().map(|problem| problem.message()).collect(),
    }
}

#[tokio::test]
async fn a_fragment_in_a_fragment() {
    let fragments = r#"
[[fragments]]
id = "outer"
file = "outer.xml"

[[fragments]]
id = "inner"
file = "inner.xml"
"#;
    let including = r#"<include-fragment fragment-id="outer" />"#;
    let files = [
        ("api.xml", document(including, "", "", "")),
        (
            "outer.xml",
            r#"<fragment><include-fragment fragment-id="inner" /></fragment>"#.to_owned(),
        ),
        ("inner.xml", "<fragment />".to_owned()),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    each_way(
        "fragment_nesting",
        &[("\"allowed\"", "loads"), ("\"refused\"", "fragment `outer` includes fragment `inner`")],
        async |setting| loaded(&files, fragments, setting),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_name_of_no_named_value() {
    let body = "<return-response><set-body>{{nobody}}</set-body></return-response>";
    let naming = document(body, "", "", "");
    each_way(
        "unknown_named_value",
        &[("\"error\"", "unknown named value `nobody`"), ("\"kept\"", "{{nobody}}")],
        async |setting| match loaded(&[("api.xml", &naming)], "", setting) {
            loads if loads == "loads" => call(&naming, setting).await.body,
            problem => problem,
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn white_space_around_a_literal() {
    let trace = r#"<trace source="t"><message> a b </message></trace>"#;
    let document = document(trace, "<forward-request />", "", "");
    each_way("literal_values", &[("\"trimmed\"", "a b"), ("\"kept\"", " a b ")], async |setting| {
        let bench = gateway(&document, "", setting, &Backend::default());
        bench.answer(get("/api/x")).await;
        bench.record(1).messages[0].message.clone()
    })
    .await;
}

#[tokio::test]
async fn a_policy_in_a_section_its_page_does_not_name() {
    for (policy, refusal) in [
        (
            r#"<trace source="t"><message>a</message></trace>"#,
            "`trace` is not documented for on-error",
        ),
        ("<set-body>a</set-body>", "`set-body` is not documented for on-error"),
    ] {
        let document = document("", "", "", policy);
        each_way(
            "undocumented_sections",
            &[("\"warned\"", "loads"), ("\"refused\"", refusal)],
            async |setting| loaded(&[("api.xml", &document)], "", setting),
        )
        .await;
    }
}

#[tokio::test]
async fn a_request_without_a_method() {
    let send =
        r#"<send-request response-variable-name="r"><set-url>http://b1/</set-url></send-request>"#;
    let sending = document(send, "", "", "");
    each_way(
        "send_request_method",
        &[("\"get\"", "loads"), ("\"required\"", "`send-request` needs a `set-method`")],
        async |setting| loaded(&[("api.xml", &sending)], "", setting),
    )
    .await;
    let given = send.replace("</set-url>", "</set-url><set-method>GET</set-method>");
    let copied = send.replace("<send-request", "<send-request mode=\"copy\"");
    for sent in [given, copied] {
        let required = "send_request_method = \"required\"";
        let sending = document(&sent, "", "", "");
        assert_eq!(loaded(&[("api.xml", &sending)], "", required), "loads");
    }
}

#[tokio::test]
async fn all_members_of_a_pool_weigh_nothing() {
    let pool = r#"
[[backends]]
id = "p"
[backends.pool]
services = [{ id = "b1", weight = 0 }]"#;
    let files = [("api.xml", says("1"))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    assert_eq!(loaded(&files, pool, ""), "all members of pool `p` have weight 0");
    assert_eq!(loaded(&files, pool, "pool_zero_weight = \"one\""), "loads");
}

#[tokio::test]
async fn white_space_around_what_is_read_never_counts() {
    let filter = "<ip-filter action=\"allow\"><address>\n 127.0.0.1\n </address></ip-filter><set-method>\n GET\n </set-method>";
    let document = document(filter, "<forward-request />", "", "");
    let bench = gateway(&document, "", "literal_values = \"kept\"", &Backend::default());
    assert_eq!(bench.answer(get("/api/x")).await.status, 200);
}
