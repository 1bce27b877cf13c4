//! The cache.

use super::{call, document, each_way, gateway, get};
use crate::support::Backend;

#[tokio::test(start_paused = true)]
async fn a_stored_value_that_changes() {
    let inbound = r#"
        <set-variable name="o" value="@(JObject.Parse("{\"a\":1}"))" />
        <cache-store-value key="k" value="@((JObject)context.Variables["o"])" duration="60" />
        <set-variable name="changed" value="@{ ((JObject)context.Variables["o"])["a"] = 2; return true; }" />
        <cache-lookup-value key="k" variable-name="found" />
        <return-response><set-body>@(((JObject)context.Variables["found"])["a"].ToString())</set-body></return-response>"#;
    each_way("cache_values", &[("\"copied\"", "1"), ("\"shared\"", "2")], async |setting| {
        call(&document(inbound, "", "", ""), setting).await.body
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stored_value_looked_up_at_once() {
    let inbound = r#"
        <cache-store-value key="k" value="@(1)" duration="60" />
        <cache-lookup-value key="k" variable-name="found" />
        <return-response><set-body>@(context.Variables.ContainsKey("found").ToString())</set-body></return-response>"#;
    each_way(
        "cache_visible",
        &[("\"at_once\"", "True True"), ("\"after_request\"", "False True")],
        async |setting| {
            let bench = gateway(&document(inbound, "", "", ""), "", setting, &Backend::default());
            let first = bench.answer(get("/api/x")).await.body;
            format!("{first} {}", bench.answer(get("/api/x")).await.body)
        },
    )
    .await;
}
