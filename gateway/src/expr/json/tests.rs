use super::*;
use crate::expr::Style;

#[track_caller]
fn round(text: &str, expect: &str) {
    assert_eq!(parse(text).map(|node| node.print_compact()).as_deref(), Ok(expect));
}

#[test]
fn keeps_order_and_the_last_duplicate() {
    round(r#"{"b":1,"a":2,"b":3}"#, r#"{"b":3,"a":2}"#);
}

#[test]
fn is_as_lenient_as_newtonsoft() {
    round("{a: 'x', /* c */ b: [1, 2,], }", r#"{"a":"x","b":[1,2]}"#);
    round("[1.0, 1e3, -0.5, 12345678901234567890]", "[1.0,1000.0,-0.5,1.2345678901234567E+19]");
    round(r#""\u00e4\ud83d\ude00\n""#, "\"ä😀\\n\"");
    round("[]// done", "[]");
}

#[test]
fn reads_iso_dates_as_dates() {
    round(r#"["2026-01-02T03:04:05.500Z"]"#, r#"["2026-01-02T03:04:05.5Z"]"#);
    assert_eq!(parse(r#""2026-01-02T03:04:05Z""#).unwrap().token_type(), "Date");
    assert_eq!(parse(r#""2026-01-02""#).unwrap().token_type(), "String");
}

#[test]
fn errors_say_where() {
    for (text, expect) in [
        ("", "Error reading JToken from JsonReader. Path '', line 0, position 0."),
        (
            "{\"a\": [1, }",
            "Unexpected character encountered while parsing value: }. Path 'a[1]', line 1, position 10.",
        ),
        (
            "{\"a\"",
            "Invalid character after parsing property name. Expected ':' but got: . Path 'a', line 1, position 4.",
        ),
        (
            "[1] 2",
            "Additional text encountered after finished reading JSON content: 2. Path '', line 1, position 4.",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().message, expect, "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    assert!(parse(&"[".repeat(100_000)).is_err());
    let mut node = Node::array();
    let mut levels = 0;
    loop {
        let outer = Node::array();
        match outer.push(node) {
            Ok(_) => node = outer,
            Err(error) => {
                assert!(error.is_limit());
                break;
            }
        }
        levels += 1;
        assert!(levels < 1000);
    }
    let inner = Node::array();
    let mut last = inner.clone();
    for _ in 0..1000 {
        let next = Node::array();
        if last.push(next.clone()).is_err() {
            return;
        }
        last = next;
    }
    panic!("nesting from the outside in is not bounded");
}

#[test]
fn a_token_has_one_parent() {
    let child = parse("{\"x\":1}").unwrap();
    let (a, b) = (Node::array(), Node::array());
    a.push(child.clone()).unwrap();
    b.push(child.clone()).unwrap();
    child.set("x", Node::from_scalar(Value::Int(2))).unwrap();
    assert_eq!(a.print_compact(), "[{\"x\":2}]");
    assert_eq!(b.print_compact(), "[{\"x\":1}]");
    a.push(a.clone()).unwrap();
    assert_eq!(a.print_compact(), "[{\"x\":2},[{\"x\":2}]]");
}

#[test]
fn selects() {
    let node = parse(r#"{"a":{"b":[{"c":1,"n":"x"},{"c":2,"n":"y"}]},"e.f":3}"#).unwrap();
    for (path, expect) in [
        ("a.b[0].c", "[1]"),
        ("$.a.b[1].n", "[y]"),
        ("$['e.f']", "[3]"),
        ("a.b[*].c", "[1, 2]"),
        ("$..c", "[1, 2]"),
        ("a.b[?(@.n == 'y')].c", "[2]"),
        ("a.missing.c", "[]"),
        ("", "[object]"),
    ] {
        let found: Vec<String> = node
            .select(path)
            .unwrap()
            .iter()
            .map(|n| n.scalar().map_or("object".into(), |v| v.to_text()))
            .collect();
        assert_eq!(format!("[{}]", found.join(", ")), expect, "{path}");
    }
    assert!(node.select("a[").is_err());
    assert_eq!(node.select("a.b[1].c").unwrap()[0].path(), "a.b[1].c");
}

#[test]
fn prints_indented() {
    let node = parse(r#"{"a":[],"b":{"c":[1,null]},"d":"\u2028"}"#).unwrap();
    let expect = "{\n  \"a\": [],\n  \"b\": {\n    \"c\": [\n      1,\n      null\n    ]\n  },\n  \"d\": \"\\u2028\"\n}";
    assert_eq!(node.to_text(Style { newline: Newline::Lf, ..Style::default() }), expect);
    assert_eq!(node.to_text(Style::default()), expect.replace('\n', "\r\n"));
}
