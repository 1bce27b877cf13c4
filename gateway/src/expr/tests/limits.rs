//! Bounds and robustness: nothing a document says makes the gateway hang,
//! overflow or panic.

use proptest::prelude::*;

use super::{context, in_runtime, run};
use crate::expr::{compile, expression_end};

#[track_caller]
fn limited(text: &str, what: &str) {
    let exception = run(text).expect_err(text);
    assert_eq!(exception.type_name, "Gateway.ExpressionLimitException", "{text}: {exception}");
    assert!(exception.message.contains(what), "{text}: {exception}");
}

#[test]
fn steps_are_bounded() {
    limited("@{ while (true) { } }", "steps");
    limited("@{ for (;;) { } }", "steps");
    limited("@{ var i = 0; while (true) { try { i++; } catch { } finally { i--; } } }", "steps");
    limited("@(Enumerable.Range(0, 900000).Select(x => x + 1).Sum())", "steps");
}

#[test]
fn texts_are_bounded() {
    limited("@{ var s = \"abcdefgh\"; while (true) { s += s; } }", "bytes in a text");
    limited(
        "@{ var s = \"aaaaaaaaaaaaaaaa\"; while (true) { s = s.Replace(\"a\", s); } }",
        "bytes in a text",
    );
    limited("@{ var b = new StringBuilder(\"x\"); while (true) { b.Append(b); } }", "text");
    // Many large texts cost steps.
    limited(
        "@{ var s = new string('x', 900000); var l = new List<string>(); while (true) { l.Add(s + \"y\"); } }",
        "steps",
    );
}

#[test]
fn collections_are_bounded() {
    limited("@(new int[2000000].Length)", "items");
    limited("@{ var l = new List<int>(); while (true) { l.Add(1); } }", "steps");
    limited("@{ var a = new JArray(); while (true) { a.Add(1); } }", "steps");
    limited("@(Enumerable.Repeat(1, 2000000).Count())", "items");
    limited("@(\"\".PadLeft(2000000000))", "items");
    limited("@{ var a = new JArray(); while (true) { a = new JArray(a); } }", "nested JSON");
}

#[test]
fn collections_may_nest_deeply_without_harm() {
    let text = "@{ object x = null; for (int i = 0; i < 50000; i++) { x = new object[] { x }; } return x == null; }";
    assert_eq!(run(text).unwrap().to_text(), "False");
    let text = "@{ var l = new List<object>(); l.Add(l); return l.Count; }";
    assert_eq!(run(text).unwrap().to_text(), "1");
}

#[test]
fn calls_are_bounded() {
    limited("@{ Func<int, int> f = null; f = x => f(x + 1); return f(0); }", "nested calls");
    let text = "@{ Func<int, int> f = null; f = x => x <= 1 ? 1 : x * f(x - 1); return f(10); }";
    assert_eq!(run(text).unwrap().to_text(), "3628800");
}

#[test]
fn backtracking_is_bounded() {
    let text = format!(r#"@(Regex.IsMatch("{}", "(a|b|ab)*\\1c"))"#, "ab".repeat(40));
    let exception = run(&text).expect_err("it backtracks");
    assert!(exception.type_name.ends_with("RegexMatchTimeoutException"), "{exception}");
}

/// Deep and long expressions on the small stack of a worker thread.
#[test]
fn nesting_is_bounded() {
    let deep =
        |open: &str, close: &str, n: usize| format!("@({}1{})", open.repeat(n), close.repeat(n));
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for n in [10, 30, 60, 100, 1_000, 20_000] {
            for text in [
                deep("(", ")", n),
                deep("new JArray(", ")", n),
                deep("-(", ")", n),
                deep("!", "", n),
                deep("new [] { ", " }", n),
                deep("true ? ", " : 1", n),
                deep("$\"{", "}\"", n),
                deep("(int)", "", n),
                format!("@(1{})", " + 1".repeat(n)),
                format!("@(\"a\"{})", ".ToString()".repeat(n)),
                format!("@(\"a\"{})", "?.ToString()".repeat(n)),
                format!("@{{ {} return 1; {} }}", "if (true) {".repeat(n), "}".repeat(n)),
                format!("@{{ {} return 1; }}", "if (false) return 2; else ".repeat(n)),
                format!("@({}x)", "x => ".repeat(n)),
            ] {
                if let Ok(expression) = compile(&text) {
                    let _ = in_runtime(|| expression.evaluate(&mut context()));
                }
            }
        }
    });
    worker.unwrap().join().unwrap();
    // A long concatenation is no nesting.
    assert_eq!(run(&format!("@(1{})", " + 1".repeat(2_000))).unwrap().to_text(), "2001");
}

/// Expressions that between them use all of the grammar.
const SEEDS: &[&str] = &[
    r#"@(((JArray)context.Variables["array"]).Where(x => (string)x != "a").Select(x => x.ToString()).FirstOrDefault() ?? "none")"#,
    r#"@{ var s = ""; for (int i = 0; i < 3; i++) { if (i % 2 == 0) continue; s += $"{i,3:D2}"; } return s; }"#,
    r#"@{ try { var o = JObject.Parse("{\"a\":[1,2]}"); foreach (var p in o) { o["b"] = p.Value; } return o.ToString(Formatting.None); } catch (Exception e) { return e.Message; } finally { } }"#,
    r#"@(context.Request.Headers.GetValueOrDefault("api-key", "").Substring(0, 2) + context.Request.Url.Path.Split('/')[1])"#,
    r#"@{ switch ((string)context.Variables["text"]) { case "abc": return 1; default: return 2; } }"#,
    r#"@(new JObject(new JProperty("a", new { x = 1 }), new JProperty("b", DateTime.UtcNow.AddSeconds(1.5))).ToString())"#,
    r#"@{ var d = new Dictionary<string, int>() { { "a", 1 }, }; int n; d["b"] = d.TryGetValue("a", out n) ? n++ : --n; return string.Join(",", d.Select(kv => kv.Key + "=" + kv.Value)); }"#,
    r#"@(context.Variables["text"] is string t && t.Length > 2 ? t?.Substring(1)?.ToUpper() : (string)null)"#,
    r#"@(Regex.Match("a=1", @"(\w)=(\d)").Groups[2].Value + Convert.ToInt32("7") * -2 / 3.0)"#,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in "\\PC{0,60}") {
        let _ = expression_end(&text);
        for text in [format!("@({text})"), format!("@{{{text}}}"), format!("@({text}")] {
            let _ = expression_end(&text);
            if let Ok(expression) = compile(&text) {
                let _ = in_runtime(|| expression.evaluate(&mut context()));
            }
        }
    }

    #[test]
    fn token_soup_is_survived(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..25), block: bool) {
        let inner = words.join(" ");
        let text = if block { format!("@{{ {inner} }}") } else { format!("@( {inner} )") };
        let _ = expression_end(&text);
        if let Ok(expression) = compile(&text) {
            let _ = in_runtime(|| expression.evaluate(&mut context()));
        }
    }

    #[test]
    fn mutated_expressions_are_survived(
        seed in prop::sample::select(SEEDS.to_vec()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..3, prop::sample::select(WORDS.to_vec())), 1..4),
    ) {
        let mut chars: Vec<char> = seed.chars().collect();
        for (at, kind, word) in edits {
            let at = at.index(chars.len());
            match kind {
                0 => { chars.remove(at); }
                1 => { chars.splice(at..at, word.chars()); }
                _ => { let c = chars[at]; chars.insert(at, c); }
            }
        }
        let text: String = chars.into_iter().collect();
        let _ = expression_end(&text);
        if let Ok(expression) = compile(&text) {
            let _ = in_runtime(|| expression.evaluate(&mut context()));
        }
    }
}

const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ".",
    "?.",
    "?",
    ":",
    "??",
    "=>",
    "=",
    "==",
    "!=",
    "<",
    ">",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "&&",
    "||",
    "++",
    "+=",
    "\"a\"",
    "'c'",
    "'text'",
    "$\"{",
    "}\"",
    "1",
    "2.5",
    "null",
    "true",
    "new",
    "var",
    "int",
    "string",
    "x",
    "y",
    "return",
    "if",
    "else",
    "for",
    "foreach",
    "in",
    "while",
    "try",
    "catch",
    "throw",
    "switch",
    "case",
    "default",
    "break",
    "is",
    "as",
    "out",
    "context",
    "Variables",
    "Request",
    "Body",
    "JObject",
    "JArray",
    "List<int>",
    "DateTime",
    "UtcNow",
    "ToString()",
    "Parse",
    "Length",
    "Count",
    "Select",
    "//",
    "/*",
    "@",
    "\\",
];

#[test]
fn the_seeds_work() {
    for text in SEEDS {
        run(text).unwrap_or_else(|exception| panic!("{text}\n{exception}"));
    }
}
