//! The language as `docs/gateway.md` lists it: what is there and what is not.

use super::check;
use crate::expr::compile;

#[test]
fn statements() {
    for (text, expected) in [
        ("@{ var x = 1; const int y = 2; int z = x + y; return z; }", "3"),
        ("@{ if (1 < 2) return 1; else return 2; }", "1"),
        ("@{ var n = 0; for (var i = 0; i < 3; i++) { n += i; } return n; }", "3"),
        ("@{ var n = 0; foreach (var i in new [] { 1, 2 }) { n += i; } return n; }", "3"),
        ("@{ var n = 0; while (true) { if (3 < ++n) break; else continue; } return n; }", "4"),
        ("@{ var n = 0; do { n++; } while (n < 5); return n; }", "5"),
        (
            "@{ switch (\"a\") { case \"b\": return 1; case \"a\": return 2; default: return 3; } }",
            "2",
        ),
        ("@{ using (var hash = SHA256.Create()) { return 1; } }", "1"),
        (
            "@{ try { throw new Exception(\"a\"); } catch (Exception e) when (e.Message == \"a\") { return 1; } }",
            "1",
        ),
        ("@{ var n = 0; try { n = 1; } finally { n += 1; } return n; }", "2"),
    ] {
        check(text, expected);
    }
}

#[test]
fn expressions() {
    for (text, expected) in [
        ("@(((string)null)?.Length == null)", "True"),
        ("@(((int[])null)?[0] == null)", "True"),
        ("@((string)null ?? \"a\")", "a"),
        ("@((object)1 is int n ? n + 1 : 0)", "2"),
        ("@((object)\"a\" is \"a\")", "True"),
        ("@((object)null is null)", "True"),
        ("@(((object)1 as string) == null)", "True"),
        ("@(default(int) + default(long))", "0"),
        ("@(typeof(int).Name + nameof(context))", "Int32context"),
        ("@(new [] { 3, 1 }.OrderBy(x => x).First())", "1"),
        ("@($\"{1 + 1}\" + @\"\\\")", "2\\"),
        ("@(new Dictionary<string, int> { { \"a\", 1 } }[\"a\"])", "1"),
        ("@(new { A = 1 }.A)", "1"),
        ("@(int.TryParse(s: \"5\", result: out var n) ? n : 0)", "5"),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_is_missing_is_an_error_at_load() {
    for text in [
        "@{ goto a; }",
        "@{ lock (context) { } return 1; }",
        "@{ int f(int x) { return x; } return f(1); }",
        "@{ class A { } return 1; }",
        "@(await context)",
        "@(1 switch { 1 => 2, _ => 3 })",
        "@((1, 2).Item1)",
        "@(\"abc\"[1..])",
        "@((object)1 is not null)",
        "@{ string s = null; s ??= \"a\"; return s; }",
        "@(from x in new [] { 1 } select x)",
    ] {
        assert!(compile(text).is_err(), "{text}");
    }
}
