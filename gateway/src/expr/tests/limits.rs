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

/// A step's work is bounded: else a million steps could be days. Every one of
/// these took minutes or all memory before its work cost steps.
#[test]
fn work_costs_steps() {
    let big = "var s = new string('a', 1000000); s = s + s + s + s; var n = 0;";
    let numbers = "var a = JArray.FromObject(Enumerable.Range(0, 20000)); var n = 0;";
    for body in [
        // Texts that are read, not made.
        &format!("{big} while (true) {{ n = string.Compare(s, s + \"\"); }}"),
        &format!(
            "{big} var t = s + \"b\"; var u = s + \"c\"; while (true) {{ n = t == u ? 1 : 2; }}"
        ),
        &format!("{big} while (true) {{ int.TryParse(s, out n); }}"),
        &format!("{big} var b = new StringBuilder(s); while (true) {{ b.Append(1); }}"),
        // Items that move.
        "var b = new Stack<int>(); while (true) { b.Push(1); }",
        "var b = new List<int>(); while (true) { b.Insert(0, 1); }",
        "var b = new Queue<int>(Enumerable.Range(0, 900000)); while (true) { b.Dequeue(); }",
        // Texts as keys, and inside collections.
        "var a = Enumerable.Repeat(new string('x', 900000), 1000).ToList(); while (true) { a.IndexOf(\"y\"); }",
        "var a = Enumerable.Repeat(new string('x', 900000), 200000); return a.Distinct().Count();",
        "var a = Enumerable.Repeat(new string('x', 900000), 200000); return new HashSet<string>(a).Count;",
        // JSON that is copied, compared and searched.
        "var a = new JArray(); while (true) { a.Insert(0, 1); }",
        "var a = new JArray(1); while (true) { a = new JArray(a, a); }",
        "var a = new JArray(1, 2); while (true) { a.Merge(a); }",
        &format!("{numbers} while (true) {{ a.DeepClone(); }}"),
        &format!("{numbers} while (true) {{ n += a.SelectTokens(\"$..zz\").Count(); }}"),
        // Patterns: made, linear in the text, and looking around.
        "var i = 0; while (true) { i++; Regex.IsMatch(\"a\", \"[a-z]{9}\" + i); }",
        &format!(
            "{big} var r = new Regex(\"[ab]*a[ab]{{500}}c\"); while (true) {{ r.IsMatch(s); }}"
        ),
        &format!("{big} return Regex.Matches(s, \"(?=.*z)b|a(?!.*z)\").Count;"),
    ] {
        limited(&format!("@{{ {body} }}"), "steps");
    }
    // The same list in many places is many tokens.
    let doubled = "object t = 1; for (var i = 0; i < 60; i++) { t = new object[] { t, t }; }";
    limited(&format!("@{{ {doubled} return JArray.FromObject(t).Count; }}"), "tokens");
}

/// .NET would need 2^60 letters for the text.
#[test]
fn values_in_values_are_followed_to_an_end() {
    let tuples = "object t = 1; object u = 1; for (var i = 0; i < COUNT; i++) { t = Tuple.Create(t, t); u = Tuple.Create(u, u); }";
    for count in ["10", "60", "20000"] {
        let tuples = tuples.replace("COUNT", count);
        let equal = run(&format!("@{{ {tuples} return t.Equals(u); }}")).unwrap().to_text();
        let text = run(&format!("@{{ {tuples} return t.ToString(); }}")).unwrap().to_text();
        // Small ones are compared and written out.
        assert_eq!(equal, if count == "10" { "True" } else { "False" }, "{count}");
        assert_eq!(text.starts_with("((((("), count == "10", "{text:.80}");
        let copied = run(&format!("@{{ {tuples} return t; }}")).unwrap().deep_copy();
        assert_eq!(copied.type_name(), "System.Tuple`2[System.Object,System.Object]");
        // As a key, too.
        let key = run(&format!(
            "@{{ {tuples} var d = new Dictionary<object, int>(); d[t] = 1; return d[t]; }}"
        ));
        assert_eq!(key.unwrap().to_text(), "1");
    }
}

/// Counted references would never free it: each request would leave one behind.
#[test]
fn no_collection_gets_inside_itself() {
    for text in [
        "@{ var l = new List<object>(); l.Add(l); return 1; }",
        "@{ var l = new List<object>(); var a = new object[] { l }; l.Add(new { a }); return 1; }",
        "@{ var l = new List<object>(); l.AddRange(new object[] { l }); return 1; }",
        "@{ var l = new List<object>() { 1 }; l[0] = Tuple.Create(l, 1); return 1; }",
        "@{ var l = new List<object>(); l.Insert(0, l); return 1; }",
        "@{ var d = new Dictionary<string, object>(); d[\"a\"] = d; return 1; }",
        "@{ var d = new Dictionary<string, object>(); d.Add(\"a\", new List<object> { d }); return 1; }",
        "@{ var s = new Stack<object>(); s.Push(s); return 1; }",
        "@{ var s = new HashSet<object>(); s.Add(s); return 1; }",
    ] {
        limited(text, "inside itself");
    }
    // Twice beside each other is no circle.
    let text = "@{ var a = new List<object> { 1 }; var l = new List<object>(); l.Add(a); l.Add(a); return l.Count; }";
    assert_eq!(run(text).unwrap().to_text(), "2");
}

#[test]
fn usual_work_is_far_from_the_bounds() {
    // A large prompt: parsed, searched, written again.
    let text = "@{ var o = new JObject(); var m = new JArray(); for (var i = 0; i < 500; i++) { m.Add(new JObject(new JProperty(\"role\", \"user\"), new JProperty(\"content\", new string('x', 1000)))); } o[\"messages\"] = m; var p = JObject.Parse(o.ToString()); var n = 0; foreach (var x in (JArray)p[\"messages\"]) { if (Regex.IsMatch((string)x[\"content\"], @\"\\d{3}-\\d{4}\") || ((string)x[\"role\"]).ToLower() == \"user\") { n++; } } return n; }";
    assert_eq!(run(text).unwrap().to_text(), "500");
    let text = "@{ var s = string.Join(\",\", Enumerable.Range(0, 4000)); var n = 0; foreach (var p in s.Split(',')) { n += p.Length; } return Regex.Matches(s, @\"\\d+9\").Count + n; }";
    assert_eq!(run(text).unwrap().to_text(), "15883");
}

#[test]
fn collections_may_nest_deeply_without_harm() {
    let text = "@{ object x = null; for (int i = 0; i < 50000; i++) { x = new object[] { x }; } return x == null; }";
    assert_eq!(run(text).unwrap().to_text(), "False");
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
