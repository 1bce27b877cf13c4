//! The scanner against an XML parser, and what is not well-formed XML.

use gateway::policy::scanner::scan;
use gateway::policy::tree::{Child, Content, Element};

use crate::support::{Bench, CONFIG};

const WELL_FORMED: &[&str] = &[
    "<policies/>",
    "<?xml version='1.0'?><!-- c --><policies>\r\n <a x = \"1\" y='2'/>t &lt; &#65;&#x42;<!-- c -->u<b/>\r\n</policies>",
    "<p a='x\ty\nz &quot;q&quot;'><![CDATA[<raw> & ]]>tail</p>",
    "<p v=\"@(1 &lt; 2 &amp;&amp; &quot;a)b&quot; == 'c')\">@{ return &quot;}&quot;; }</p>",
    "<p v='  @(&quot;x&quot;)  '><q>\n   @(&quot;y&quot;)\n  </q></p>",
    include_str!("../../../capabilities/latency-routing/latency-routing.xml"),
    include_str!("../../../capabilities/latency-routing/read-backend-order.xml"),
    include_str!("../../../capabilities/latency-routing/forward-by-order.xml"),
    include_str!("../../../capabilities/latency-routing/set-preferred-backends.xml"),
];

/// White space in expressions is C#'s business; an XML parser normalises it.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn content(content: &Content) -> String {
    match content {
        Content::Literal(text) => format!("{text:?}"),
        Content::Expression(mapped) => format!("{:?}", squeeze(&mapped.text)),
    }
}

fn ours(element: &Element, out: &mut String) {
    *out += &format!("<{}", element.name);
    for attribute in &element.attributes {
        *out += &format!(" {}={}", attribute.name, content(&attribute.value.content));
    }
    *out += ">";
    for child in &element.children {
        match child {
            Child::Element(element) => ours(element, out),
            Child::Text(text) => *out += &content(&text.content),
        }
    }
    *out += "</>";
}

fn text_of(text: &str) -> String {
    let squeezed = squeeze(text);
    if squeezed.starts_with("@(") || squeezed.starts_with("@{") {
        format!("{squeezed:?}")
    } else {
        format!("{text:?}")
    }
}

fn theirs(node: roxmltree::Node<'_, '_>, out: &mut String) {
    *out += &format!("<{}", node.tag_name().name());
    for attribute in node.attributes() {
        *out += &format!(" {}={}", attribute.name(), text_of(attribute.value()));
    }
    *out += ">";
    let mut text = String::new();
    for child in node.children() {
        if child.is_text() {
            text += child.text().unwrap_or_default();
        } else if child.is_element() {
            if !text.is_empty() {
                *out += &text_of(&std::mem::take(&mut text));
            }
            theirs(child, out);
        }
    }
    if !text.is_empty() {
        *out += &text_of(&text);
    }
    *out += "</>";
}

#[test]
fn a_well_formed_document_gives_an_xml_parsers_tree() {
    for text in WELL_FORMED {
        let (mut mine, mut other) = (String::new(), String::new());
        ours(&scan(text).unwrap_or_else(|problem| panic!("{problem:?}\n{text}")), &mut mine);
        theirs(roxmltree::Document::parse(text).unwrap().root_element(), &mut other);
        assert_eq!(mine, other, "{text}");
    }
}

#[track_caller]
fn expression_of(text: &str) -> String {
    let root = scan(text).unwrap_or_else(|problem| panic!("{problem:?}"));
    let texts = root.attributes.iter().map(|a| &a.value).chain(root.texts());
    let mut found = texts.filter_map(|text| match &text.content {
        Content::Expression(mapped) => Some(mapped.text.clone()),
        Content::Literal(_) => None,
    });
    found.next().expect("an expression")
}

#[test]
fn reads_what_is_no_well_formed_xml() {
    for (document, expression) in [
        (r#"<a v="@(x["k"] == "v")" />"#, r#"@(x["k"] == "v")"#),
        (r#"<a v=" @(a < b && c > d) " w="1"/>"#, "@(a < b && c > d)"),
        (r#"<a>@(x.As<JObject>()["k"])</a>"#, r#"@(x.As<JObject>()["k"])"#),
        ("<a v=\"@{ // don't\n return \"}\"; }\"/>", "@{ // don't\n return \"}\"; }"),
        (r#"<a v='@($"{x["k"]} {{)")'/>"#, r#"@($"{x["k"]} {{)")"#),
        (r#"<a v="@(@"c:\" + "\")")"/>"#, r#"@(@"c:\" + "\")")"#),
        (r#"<a v="@(s == &quot;)&quot; && t == ")")"/>"#, r#"@(s == ")" && t == ")")"#),
        ("<a><![CDATA[ @(1 < 2) ]]></a>", "@(1 < 2)"),
    ] {
        assert_eq!(expression_of(document), expression, "{document}");
    }
}

/// The load balancer of a public sample keeps its list so.
#[tokio::test(start_paused = true)]
async fn a_named_value_may_hold_json() {
    let value = r#"[{"name":"b1"}]"#;
    let config = format!("{CONFIG}\n[[named_values]]\nname = \"list\"\nvalue = '{value}'\n");
    for quote in ['"', '\''] {
        let document = r#"<policies><inbound>
            <set-variable name="list" value=QUOTE{{list}}QUOTE />
            <return-response>
                <set-body>@(JArray.Parse((string)context.Variables["list"])[0]["name"].ToString())</set-body>
            </return-response></inbound></policies>"#
            .replace("QUOTE", &quote.to_string());
        let client = seam::http::InProcessNetwork::new().into_service();
        let bench = Bench::new(&config, &[("api.xml", &document)], client);
        assert_eq!(bench.post("/api/x", "").await.body, "b1");
    }
}

/// Found by fuzzing: a span of so many bytes cut a letter.
#[test]
fn a_problem_lies_between_letters() {
    for text in
        ["<a><!--nb<\u{450}", "<a><![CDATA[ab\u{e9}", "<?x\u{10000}", "<!\u{e9}\u{e9}\u{e9}"]
    {
        let problem = scan(text).unwrap_err();
        assert!(text.get(problem.span.clone()).is_some(), "{text}: {:?}", problem.span);
    }
}
