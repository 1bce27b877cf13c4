//! Conditions, variables, tokens, and the names of refusals.

use super::{call, document, each_way, gateway, get, says};
use crate::support::Backend;

#[tokio::test(start_paused = true)]
async fn a_condition_that_is_text() {
    let chooses = |condition: &str| {
        let when =
            format!("<choose><when condition=\"{condition}\"><return-response /></when></choose>");
        document(&when, "<forward-request />", "", "")
    };
    each_way(
        "condition_values",
        &[("\"bool_or_text\"", "200"), ("\"bool\"", "500")],
        async |setting| call(&chooses(r#"@("TRUE")"#), setting).await.status.to_string(),
    )
    .await;
    // A literal is text, and no expression's.
    for condition in ["true", "@(1 == 1)"] {
        let answer = call(&chooses(condition), "condition_values = \"bool\"").await;
        assert_eq!(answer.status, 200, "{condition}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_in_a_variable() {
    let inbound = r#"<set-variable name="l" value="@(new List<string> { "a", "b" })" /><return-response><set-body>@(((List<string>)context.Variables["l"]).Count.ToString())</set-body></return-response>"#;
    each_way("variable_types", &[("\"listed\"", "500"), ("\"any\"", "2")], async |setting| {
        let answer = call(&document(inbound, "", "", ""), setting).await;
        if answer.status == 200 { answer.body } else { answer.status.to_string() }
    })
    .await;
    // A part of `context` belongs to its request's moment.
    let part = r#"<set-variable name="u" value="@(context.Request.Url)" />"#;
    let document = document(part, "<forward-request />", "", "");
    assert_eq!(call(&document, "variable_types = \"any\"").await.status, 500);
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_limit_concurrency() {
    let limit = |inside: &str| {
        format!("<limit-concurrency key='k' max-count='1'>{inside}</limit-concurrency>")
    };
    let reason =
        "<set-header name='x-reason'><value>@(context.LastError.Reason)</value></set-header>";
    let document = document(&limit(&limit("")), "", "", reason);
    each_way(
        "concurrency_reason",
        &[
            ("\"ConcurrencyLimitExceeded\"", "429 ConcurrencyLimitExceeded"),
            ("\"RateLimitExceeded\"", "429 RateLimitExceeded"),
        ],
        async |setting| {
            let answer = call(&document, setting).await;
            format!("{} {}", answer.status, answer.header("x-reason").unwrap_or("-"))
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_variable_of_a_token_there_is_not() {
    let inbound = r#"<authentication-managed-identity resource="https://r" output-token-variable-name="t" ignore-error="true" /><return-response><set-body>@(context.Variables.ContainsKey("t") ? (context.Variables["t"] == null ? "null" : "token") : "unset")</set-body></return-response>"#;
    each_way(
        "identity_error_variable",
        &[("\"unset\"", "unset"), ("\"null\"", "null")],
        async |setting| {
            let fail = "[identity]\nfail = [\"https://r\"]";
            let bench = gateway(&document(inbound, "", "", ""), fail, setting, &Backend::default());
            bench.answer(get("/api/x")).await.body
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn how_long_a_token_lives() {
    let inbound = r#"<authentication-managed-identity resource="https://r" output-token-variable-name="t" /><return-response><set-body>@{ var jwt = ((string)context.Variables["t"]).AsJwt(); return ((int)((DateTime)jwt.ExpirationTime - DateTime.UtcNow).TotalHours).ToString(); }</set-body></return-response>"#;
    each_way("identity_token_lifetime", &[("\"1d\"", "24"), ("\"1h\"", "1")], async |setting| {
        call(&document(inbound, "", "", ""), setting).await.body
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_culture() {
    let date = "new DateTime(2026, 1, 2, 15, 4, 5)";
    for (expression, invariant, american) in [
        (date.to_owned(), "01/02/2026 15:04:05", "1/2/2026 3:04:05 PM"),
        (format!("{date} + \"\""), "01/02/2026 15:04:05", "1/2/2026 3:04:05 PM"),
        (format!("$\"{{{date}:t}}\""), "15:04", "3:04 PM"),
        (
            format!("string.Format(\"{{0:D}}\", {date})"),
            "Friday, 02 January 2026",
            "Friday, January 2, 2026",
        ),
        ("0.5.ToString(\"P\")".to_owned(), "50.00 %", "50.00%"),
        ("(-1234.5).ToString(\"C\")".to_owned(), "(¤1,234.50)", "($1,234.50)"),
        (
            format!("{date}.ToString(\"g\", CultureInfo.CurrentCulture)"),
            "01/02/2026 15:04",
            "1/2/2026 3:04 PM",
        ),
    ] {
        each_way(
            "culture",
            &[("\"invariant\"", invariant), ("\"en_us\"", american)],
            async |setting| call(&says(&expression), setting).await.body,
        )
        .await;
    }
    let given = says(&format!("{date}.ToString(\"d\", CultureInfo.InvariantCulture)"));
    assert_eq!(call(&given, "culture = \"en_us\"").await.body, "01/02/2026");
}
