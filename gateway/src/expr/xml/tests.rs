use super::{Kind, Name, parse};

#[track_caller]
fn printed(text: &str) -> String {
    parse(text).unwrap().print(Some("\n"))
}

#[test]
fn trees_are_printed_as_dotnet_prints_them() {
    for (text, expect) in [
        ("<a/>", "<a />"),
        ("<a> <b/> <b>x</b> </a>", "<a>\n  <b />\n  <b>x</b>\n</a>"),
        ("<a>x<b/> y</a>", "<a>x<b /> y</a>"),
        ("<a k='1 &lt; \"2\"'>&amp;</a>", "<a k=\"1 &lt; &quot;2&quot;\">&amp;</a>"),
        ("<?p q?><!--c--><a/>", "<?p q?>\n<!--c-->\n<a />"),
        (
            "<s:e xmlns:s='u'><s:b t='1'><c xmlns='v'/></s:b></s:e>",
            "<s:e xmlns:s=\"u\">\n  <s:b t=\"1\">\n    <c xmlns=\"v\" />\n  </s:b>\n</s:e>",
        ),
    ] {
        assert_eq!(printed(text), expect, "{text}");
        // What was printed reads as the same.
        assert_eq!(printed(expect), expect, "{text}");
    }
    assert_eq!(parse("<a> <b/> </a>").unwrap().print(None), "<a><b /></a>");
}

#[test]
fn texts_and_names() {
    let root = parse("<a xmlns='u'><b>1<c>2</c></b><!--3--></a>").unwrap();
    assert_eq!(root.text(), "12");
    let names: Vec<String> =
        root.descendants().iter().filter_map(|node| Some(node.name()?.to_text())).collect();
    assert_eq!(names, ["{u}a", "{u}b", "{u}c"]);
    assert_eq!(Name::parse("{u}a"), Some(Name::new("u", "a")));
    for text in ["", "{u", "a b", "1a", "a:b", "{u}"] {
        assert_eq!(Name::parse(text), None, "{text}");
    }
}

/// What would cost the parser much is refused before.
#[test]
fn depth_and_entities_are_no_danger() {
    let deep = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert_eq!(parse(&deep(256)).unwrap().descendants().len(), 256);
    assert!(parse(&deep(257)).is_err());
    assert!(parse(&deep(500_000)).is_err());
    assert!(parse("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>").is_err());
    let many = |count: usize| (0..count).map(|n| format!(" a{n}='>'")).collect::<String>();
    assert!(parse(&format!("<!--{0}--><a{0}/>", many(256))).is_ok());
    assert!(parse(&format!("<a{}/>", many(257))).is_err());
    let spaces: String = (0..65).map(|n| format!("<a xmlns:n{n}='u{n}'>")).collect();
    assert!(parse(&(spaces + &"</a>".repeat(65))).is_err());
    for text in ["", "<a>", "<a></b>", "text", "<a/><b/>", "<a b='1' b='2'/>"] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(matches!(parse("<a/>").unwrap().kind(), Kind::Document));
}
