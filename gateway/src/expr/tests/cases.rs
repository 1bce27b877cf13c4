//! One line a case.

use super::{check, fails};

#[test]
fn latency_routing() {
    check("@(new JArray())", "[]");
    check("@(context.Response.StatusCode == 429)", "False");
    check(r#"@((string)((JArray)context.Variables["array"]).ElementAtOrDefault(0))"#, "payg-1");
    check(r#"@((string)((JArray)context.Variables["array"]).ElementAtOrDefault(9))"#, "");
    check(
        r#"@(String.IsNullOrEmpty((string)context.Variables["null"]) ? (string)context.Variables["text"] : (string)context.Variables["null"])"#,
        "abc",
    );
    check(
        r#"@(((JArray)context.Request.Body.As<JObject>(preserveContent: true).SelectToken("preferredBackends")).ToString(Formatting.None))"#,
        r#"["ptu-1","payg-1"]"#,
    );
    fails(
        r#"@((int)context.Variables["text"])"#,
        "System.InvalidCastException: Unable to cast object of type 'System.String' to type 'System.Int32'.",
    );
}
