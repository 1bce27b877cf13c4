//! What is wrong with an expression, and where: one snapshot of all.

use seam::diagnostic::{Diagnostic, Source};

use crate::expr::compile;

/// The problems as the gateway shows them, the expression standing for its file.
fn shown(text: &str) -> String {
    let source = Source::new("expression", text);
    let errors = compile(text).expect_err(text);
    errors
        .into_iter()
        .map(|error| {
            let diagnostic = Diagnostic::error(&source, error.span, error.message);
            match error.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
            .render(false)
        })
        .collect()
}

const BAD: &[&str] = &[
    "context.Variables",
    "@()",
    "@(1 + )",
    "@(1 + 2",
    "@(\"abc)",
    "@(1 2)",
    "@(context.Varables[\"x\"])",
    "@(context.Request.Headers.GetValueOrDefualt(\"x\"))",
    "@(contxt.Request)",
    "@(\"a\".Length())",
    "@(\"a\".ToUpper + 1)",
    "@(string.Lenght)",
    "@(\"a\".Substring(\"b\"))",
    "@(\"a\".Substring())",
    "@(new JObjekt())",
    "@(context.Variables[\"x\"] == 5)",
    "@(context.Variables[\"x\"].Length)",
    "@((int)\"5\")",
    "@(context.Variables[\"x\"] ? 1 : 2)",
    "@(1 == 1 ? \"a\" : 2)",
    "@(System.Txt.Encoding.UTF8)",
    "@(1.5m + 2.0)",
    "@{ var x = 1 return x; }",
    "@{ if (true) { return 1; } }",
    "@{ int x = \"a\"; return x; }",
    "@{ string s = context.Variables[\"x\"]; return s; }",
    "@{ var x = null; var x = 2; y = 3; return x; }",
    "@{ x.Foo(); break; return File.ReadAllText(\"a\"); }",
    "@{ foreach (var x in 5) { } switch (1) { case 1: var y = 2; } return 1; }",
    "@{ 1 + 2; return 1; }",
    "@{ context.Response.StatusCode = 200; return await 1; }",
    "@(((JObject)context.Variables[\"x\"])[\"a\"] + 1)",
    "@(new [] { 1, 2 }.Contains(context.Variables[\"x\"]))",
    "@(new HMACSHA256(\"key\"))",
];

#[test]
fn problems_point_at_their_place() {
    let all: Vec<String> = BAD.iter().map(|text| shown(text)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_condition_is_pointed_at_alone() {
    let errors = compile("@(context.Variables[\"x\"] ? 1 : 2)").unwrap_err();
    assert_eq!(errors[0].span, 2..24);
}

#[test]
fn reads_are_found() {
    let reads = |text: &str| {
        let reads = compile(text).unwrap().reads();
        (reads.request_body, reads.response_body)
    };
    assert_eq!(reads("@(context.Response.StatusCode)"), (false, false));
    assert_eq!(reads("@(context.Request.Body.As<string>(true))"), (true, false));
    assert_eq!(
        reads("@{ var r = context.Response; return r.Body?.As<JObject>(); }"),
        (false, true)
    );
    assert_eq!(
        reads("@(context.Request.Body.As<string>() + context.Response.Body.As<string>())"),
        (true, true)
    );
}

#[test]
fn result_types_are_known() {
    let ty = |text: &str| compile(text).unwrap().result_type();
    assert_eq!(ty("@(1 + 1)"), "int");
    assert_eq!(ty("@(context.Variables[\"x\"])"), "object");
    assert_eq!(ty("@((string)context.Variables[\"x\"])"), "string");
    assert_eq!(ty("@(new JArray())"), "JArray");
    assert_eq!(ty("@{ if (1 == 1) { return null; } return \"a\"; }"), "string");
    assert_eq!(ty("@(new [] { 1 }.Select(x => x.ToString()).ToList())"), "List<string>");
    assert_eq!(ty("@(context.Subscription?.Id.Length)"), "int?");
}

/// W003: where and how often.
#[test]
fn comparisons_of_references_are_doubted() {
    let doubts = |text: &str| -> Vec<String> {
        let expression = compile(text).unwrap();
        let places = expression.warnings().iter().map(|doubt| doubt.span.clone());
        places.map(|span| text[span].to_owned()).collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(doubts(r#"@(context.Variables["a"] == "1")"#), ["=="]);
    assert_eq!(doubts(r#"@("1" != context.Variables.GetValueOrDefault("a"))"#), ["!="]);
    assert_eq!(doubts(r#"@(context.Variables["a"] == context.Variables["b"])"#), ["=="]);
    assert_eq!(doubts(r#"@((string)context.Variables["a"] == "1")"#), none);
    assert_eq!(doubts(r#"@(context.Variables["a"] == null)"#), none);
    assert_eq!(doubts(r#"@(context.Variables["a"].Equals("1"))"#), none);
    assert_eq!(doubts(r#"@(context.Variables.GetValueOrDefault("a", "") == "1")"#), none);
    assert_eq!(doubts(r#"@(((JObject)context.Variables["a"])["b"] == "1")"#), none);
}
