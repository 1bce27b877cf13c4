//! One line a case: text in, value out.

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
}

#[test]
fn arithmetic_is_csharps() {
    check("@(1 + 2 * 3)", "7");
    check("@((1 + 2) * 3)", "9");
    check("@(7 / 2)", "3");
    check("@(-7 / 2)", "-3");
    check("@(-7 % 3)", "-1");
    check("@(7 / 2.0)", "3.5");
    check("@(2147483647 + 1)", "-2147483648");
    check("@(2147483647 + 1L)", "2147483648");
    check("@(-2147483648)", "-2147483648");
    check("@(1 - 2 - 3)", "-4");
    check("@(10 >> 1 << 2)", "20");
    check("@(6 & 3 | 8 ^ 1)", "11");
    check("@(~5)", "-6");
    check("@('a' + 1)", "98");
    check("@((char)('a' + 1))", "b");
    check("@((int)3.9)", "3");
    check("@((int)-3.9)", "-3");
    check("@(0.1 + 0.2)", "0.30000000000000004");
    check("@(1.0 / 0)", "Infinity");
    fails("@(1 / (1 - 1))", "System.DivideByZeroException: Attempted to divide by zero.");
}

#[test]
fn texts_concatenate_with_anything() {
    check(r#"@("a" + 1 + 2)"#, "a12");
    check(r#"@(1 + 2 + "a")"#, "3a");
    check(r#"@("a" + null + true + 'c' + 1.5)"#, "aTruec1.5");
    check(r#"@("x" + context.Variables["null"])"#, "x");
    check(r#"@("" + context.RequestId)"#, "01234567-89ab-cdef-0123-456789abcdef");
    check("@('single quoted text')", "single quoted text");
    check(r#"@(@"c:\x" + "\t|")"#, "c:\\x\t|");
}

#[test]
fn operators_short_circuit() {
    check(r#"@(true || context.Variables["missing"] == null)"#, "True");
    check(r#"@(false && context.Variables["missing"] == null)"#, "False");
    check(r#"@((string)null ?? "x" ?? "y")"#, "x");
    check(r#"@(1 == 1 ? "a" : 2 == 2 ? "b" : "c")"#, "a");
    check("@(!(1 < 2) || 2 <= 2 && 3 != 4)", "True");
    check("@(context.Product?.Id)", "");
    check(r#"@(context.Product?.Name.ToLower() ?? "none")"#, "none");
    check("@(context.Subscription?.Id?.Length)", "6");
    check("@((context.Product?.Name?.Length ?? 0) + 1)", "1");
    check(r#"@((context.Variables["object"] as JObject)?["a"]?["b"]?[1])"#, "2");
    check(r#"@((context.Variables["object"] as JObject)?["x"]?["b"]?[1] == null)"#, "True");
    check(r#"@((context.Variables["text"] as JObject)?["a"] == null)"#, "True");
}

#[test]
fn interpolation() {
    check(r#"@($"a{1 + 1}b{{x}}")"#, "a2b{x}");
    check(r#"@($"{1.005:F2}|{255:X}|{5,4}|{5,-4}|")"#, "1.01|FF|   5|5   |");
    check(r#"@($"{(1 == 1 ? "y" : "n")}")"#, "y");
    check(
        r#"@($"{context.Variables["text"]}-{context.Variables.GetValueOrDefault<int>("number"):D3}")"#,
        "abc-005",
    );
    check(r#"@($@"\{"x"}""")"#, "\\x\"");
    check(r#"@(string.Format("{0}-{1:00}-{0,3}|", "a", 7))"#, "a-07-  a|");
}

#[test]
fn casts_and_types() {
    check(r#"@((int)context.Variables["number"] + 1)"#, "6");
    check(r#"@((Int32)context.Variables["number"])"#, "5");
    check(r#"@((string)context.Variables["null"] == null)"#, "True");
    check(r#"@((long)(int)context.Variables["number"])"#, "5");
    check(r#"@(context.Variables["text"] is string)"#, "True");
    check(r#"@(context.Variables["text"] is string t ? t.Length : 0)"#, "3");
    check(r#"@(context.Variables["text"] is int)"#, "False");
    check(r#"@(context.Variables["null"] is null)"#, "True");
    check(r#"@((context.Variables["text"] as string).Length)"#, "3");
    check(r#"@((int?)null ?? 3)"#, "3");
    check(r#"@(((int?)4).HasValue)"#, "True");
    check(r#"@(((int?)4).Value + 1)"#, "5");
    check("@(default(int) + default(DateTime).Year)", "1");
    check("@(Convert.ToInt32(2.5) + Convert.ToInt32(3.5))", "6");
    check(r#"@(Convert.ToInt32("42") + Convert.ToInt32(true))"#, "43");
    check(r#"@(int.Parse(" 42 ") + Int32.Parse("1"))"#, "43");
    check(r#"@(double.Parse("1.5e3"))"#, "1500");
    check(r#"@(bool.Parse("TRUE"))"#, "True");
    fails(
        r#"@((int)context.Variables["text"])"#,
        "System.InvalidCastException: Unable to cast object of type 'System.String' to type 'System.Int32'.",
    );
    fails(
        r#"@((int)context.Variables["long"])"#,
        "System.InvalidCastException: Specified cast is not valid.",
    );
    fails(
        r#"@((string)context.Variables["number"])"#,
        "System.InvalidCastException: Unable to cast object of type 'System.Int32' to type 'System.String'.",
    );
    fails(
        r#"@((JObject)context.Variables["array"])"#,
        "System.InvalidCastException: Unable to cast object of type 'Newtonsoft.Json.Linq.JArray' to type 'Newtonsoft.Json.Linq.JObject'.",
    );
    fails(
        r#"@((int)context.Variables["null"])"#,
        "System.NullReferenceException: Object reference not set to an instance of an object.",
    );
    fails(
        r#"@(int.Parse("x"))"#,
        "System.FormatException: Input string was not in a correct format.",
    );
    fails(
        r#"@(int.Parse("99999999999"))"#,
        "System.OverflowException: Value was either too large or too small for an Int32.",
    );
}

#[test]
fn comparing_objects_compares_references() {
    check(r#"@(context.Variables["text"] == "abc")"#, "False");
    check(r#"@(context.Variables["text"] != "abc")"#, "True");
    check(r#"@("abc".Equals(context.Variables["text"]))"#, "True");
    check(r#"@(context.Variables["text"].Equals("abc"))"#, "True");
    check(r#"@(context.Variables["null"] == null)"#, "True");
    check(r#"@((string)context.Variables["text"] == "abc")"#, "True");
    check(r#"@(context.Variables["text"].ToString() == "abc")"#, "True");
    check(r#"@(context.Variables["object"] == context.Variables["object"])"#, "True");
    check(r#"@(context.Variables["number"] == context.Variables["number"])"#, "False");
}

#[test]
fn variables() {
    check(r#"@(context.Variables.ContainsKey("text"))"#, "True");
    check(r#"@(context.Variables.GetValueOrDefault<string>("missing") == null)"#, "True");
    check(r#"@(context.Variables.GetValueOrDefault<int>("missing"))"#, "0");
    check(r#"@(context.Variables.GetValueOrDefault<int>("missing", 7))"#, "7");
    check(r#"@(context.Variables.GetValueOrDefault("missing", "d"))"#, "d");
    check(r#"@(context.Variables.GetValueOrDefault<string>("text", "d").Length)"#, "3");
    check(r#"@(context.Variables.GetValueOrDefault<bool>("flag") ? 1 : 2)"#, "1");
    check(r#"@(context.Variables.GetValueOrDefault<JObject>("object")["s"])"#, "x");
    check(
        r#"@{ object v; return context.Variables.TryGetValue("text", out v) ? (string)v : "no"; }"#,
        "abc",
    );
    check(r#"@{ return context.Variables.TryGetValue("nope", out var v) ? "yes" : "no"; }"#, "no");
    fails(
        r#"@(context.Variables["missing"])"#,
        "System.Collections.Generic.KeyNotFoundException: The given key was not present in the dictionary.",
    );
    fails(
        r#"@(context.Variables.GetValueOrDefault<int>("text"))"#,
        "System.InvalidCastException: Unable to cast object of type 'System.String' to type 'System.Int32'.",
    );
}

#[test]
fn the_context_tree() {
    check("@(context.Request.Method + context.Request.IpAddress)", "POST10.0.0.1");
    check(
        "@(context.Request.Url.Host + context.Request.OriginalUrl.Host)",
        "backend.examplegateway.example",
    );
    check(
        "@(context.Request.OriginalUrl.ToString())",
        "https://gateway.example/openai/deployments/gpt-4o/chat/completions?api-version=2024-02-01&x=1",
    );
    check("@(context.Request.Url.Path.Split('/').Last())", "completions");
    check("@(context.Request.Url.QueryString)", "?api-version=2024-02-01&x=1");
    check(r#"@(context.Request.Url.Query.GetValueOrDefault("API-version"))"#, "2024-02-01");
    check(r#"@(context.Request.Url.Query["x"][0])"#, "1");
    check(r#"@(context.Request.Url.Port == 443)"#, "True");
    check(r#"@(context.Request.MatchedParameters["deployment-id"])"#, "gpt-4o");
    check(r#"@(context.Request.MatchedParameters.GetValueOrDefault("nope", "d"))"#, "d");
    check(r#"@(context.Request.Headers.GetValueOrDefault("API-KEY", ""))"#, "key-1");
    check(r#"@(context.Request.Headers.GetValueOrDefault("accept"))"#, "a,b");
    check(r#"@(context.Request.Headers["accept"][1])"#, "b");
    check(r#"@(context.Request.Headers.ContainsKey("nope"))"#, "False");
    check(
        r#"@(string.Join(";", context.Request.Headers.Where(h => h.Key != "api-key").Select(h => h.Key + "=" + string.Join("+", h.Value))))"#,
        "accept=a+b",
    );
    check("@(context.Response.StatusCode.ToString() + context.Response.StatusReason)", "200OK");
    check("@(context.Response.Body == null)", "True");
    check(
        "@(context.Api.Id + context.Api.Name + context.Api.Revision)",
        "azure-openaiAzure OpenAI1",
    );
    check("@(context.Operation.Name + context.Operation.Method)", "ChatPOST");
    check("@(context.Subscription.Id + context.Subscription.Key)", "team-akey-1");
    check(
        "@(context.Product == null && context.LastError == null && context.User == null)",
        "True",
    );
    check("@(context.Deployment.Region + context.Deployment.ServiceName)", "West Europebench");
    check("@(context.Deployment.Gateway.Id + context.Deployment.Gateway.IsManaged)", "managedTrue");
    check("@(context.Timestamp.ToString(\"s\"))", "2026-01-01T00:00:00");
    check("@(context.Elapsed.TotalMilliseconds)", "0");
    fails(
        "@(context.Product.Id)",
        "System.NullReferenceException: Object reference not set to an instance of an object.",
    );
}

#[test]
fn json() {
    let object = r#"((JObject)context.Variables["object"])"#;
    check(&format!(r#"@({object}["missing"] == null)"#), "True");
    check(&format!(r#"@({object}["n"] == null)"#), "False");
    check(&format!(r#"@({object}["n"].Type == JTokenType.Null)"#), "True");
    check(&format!(r#"@((string){object}["n"] == null)"#), "True");
    check(&format!(r#"@({object}["a"]["b"][0])"#), "1");
    check(&format!(r#"@((int){object}["a"]["b"][1] + 1)"#), "3");
    check(&format!(r#"@({object}["s"] == "x")"#), "True");
    check(&format!(r#"@({object}.Value<string>("s"))"#), "x");
    check(&format!(r#"@({object}.Value<int>("missing"))"#), "0");
    check(&format!(r#"@({object}["a"].Value<JArray>("b").Count)"#), "2");
    check(&format!(r#"@({object}["d"].Value<double>() * 2)"#), "3");
    check(&format!(r#"@({object}["d"].ToObject<int>())"#), "2");
    check(&format!(r#"@({object}["a"]["b"].ToObject<List<int>>().Sum())"#), "3");
    check(&format!("@({object}.SelectToken(\"$.a.b[1]\"))"), "2");
    check(&format!("@({object}.SelectToken(\"a.x.y\") == null)"), "True");
    check(&format!(r#"@({object}.ContainsKey("s"))"#), "True");
    check(&format!("@({object}.Properties().Count())"), "4");
    check(&format!("@(string.Join(\",\", {object}.Properties().Select(p => p.Name)))"), "a,s,n,d");
    check(
        &format!("@({object}[\"a\"][\"b\"].First.ToString() + {object}[\"a\"][\"b\"].Last)"),
        "12",
    );
    check(&format!("@({object}[\"s\"].Parent.Type)"), "Property");
    check(&format!("@({object}[\"a\"][\"b\"][1].Path)"), "a.b[1]");
    check(
        &format!("@({object}[\"a\"].ToString())"),
        "{\r\n  \"b\": [\r\n    1,\r\n    2\r\n  ]\r\n}",
    );
    check(&format!("@({object}[\"a\"].ToString(Formatting.None))"), r#"{"b":[1,2]}"#);
    check(&format!("@(JsonConvert.SerializeObject({object}[\"a\"]))"), r#"{"b":[1,2]}"#);
    check(
        r#"@(JsonConvert.SerializeObject(new { a = 1, b = new [] { "x" } }))"#,
        r#"{"a":1,"b":["x"]}"#,
    );
    check(
        r#"@(JObject.Parse("{\"d\":\"2026-01-02T03:04:05.50Z\"}").ToString(Formatting.None))"#,
        r#"{"d":"2026-01-02T03:04:05.5Z"}"#,
    );
    check(
        r#"@(JObject.Parse("{\"a\":1.0,\"b\":12345678901}").ToString(Newtonsoft.Json.Formatting.None))"#,
        r#"{"a":1.0,"b":12345678901}"#,
    );
    check(
        r#"@(new JObject(new JProperty("a", 1), new JProperty("b", new JArray("x", 2, true)), new JProperty("c", null)).ToString(Formatting.None))"#,
        r#"{"a":1,"b":["x",2,true],"c":null}"#,
    );
    check(
        r#"@(new JObject() { { "a", 1 }, { "b", new JArray { 1, "x" } }, }.ToString(Formatting.None))"#,
        r#"{"a":1,"b":[1,"x"]}"#,
    );
    check(
        r#"@(new JObject { ["a"] = 1, ["b"] = "x" }.ToString(Formatting.None))"#,
        r#"{"a":1,"b":"x"}"#,
    );
    check(
        r#"@(new Newtonsoft.Json.Linq.JObject(new Newtonsoft.Json.Linq.JProperty("a", new { x = 1 }.x)).ToString(Newtonsoft.Json.Formatting.None))"#,
        r#"{"a":1}"#,
    );
    check(
        r#"@(new JArray(new [] { 1, 2 }.Select(x => x * 2)).ToString(Formatting.None))"#,
        "[2,4]",
    );
    check(r#"@(JArray.Parse("[1,2]").Count + JArray.Parse("[3]").Count())"#, "3");
    check(
        r#"@(JArray.Parse("[{\"n\":\"a\"},{\"n\":\"b\"}]").FirstOrDefault(x => (string)x["n"] == "b")?.ToString(Formatting.None))"#,
        r#"{"n":"b"}"#,
    );
    check(
        r#"@(JToken.DeepEquals(JObject.Parse("{a:1,b:2}"), JObject.Parse("{b:2,a:1}")))"#,
        "True",
    );
    fails(
        r#"@(JObject.Parse("[]"))"#,
        "Newtonsoft.Json.JsonReaderException: Error reading JObject from JsonReader. Current JsonReader item is not an object: StartArray. Path '', line 1, position 1.",
    );
    fails(
        &format!(r#"@((int){object}["n"])"#),
        "System.ArgumentException: Can not convert Null to Int32.",
    );
    fails(
        &format!(r#"@((string){object}["a"])"#),
        "System.ArgumentException: Can not convert Object to String.",
    );
    fails(
        &format!(r#"@((int){object}["s"])"#),
        "System.FormatException: Input string was not in a correct format.",
    );
}

#[test]
fn json_has_reference_semantics() {
    check(
        r#"@{ var o = (JObject)context.Variables["object"]; o["s"] = "new"; return ((JObject)context.Variables["object"])["s"]; }"#,
        "new",
    );
    check(
        r#"@{ var a = new JArray(); var o = new JObject(); a.Add(o); o["x"] = 1; return a.ToString(Formatting.None); }"#,
        r#"[{"x":1}]"#,
    );
    check(
        r#"@{ var o = new JObject(); var a = new JArray(o); var b = new JArray(o); o["x"] = 1; return a.ToString(Formatting.None) + b.ToString(Formatting.None); }"#,
        r#"[{"x":1}][{}]"#,
    );
    check(
        r#"@{ var o = JObject.Parse("{a:{b:1},c:2}"); o.Remove("c"); o["a"]["b"].Replace(5); o.Add("d", 3); o["e"] = new JArray(1); ((JArray)o["e"])[0] = "z"; return o.ToString(Formatting.None); }"#,
        r#"{"a":{"b":5},"d":3,"e":["z"]}"#,
    );
    check(
        r#"@{ var o = JObject.Parse("{a:1,b:{c:1}}"); o.Merge(JObject.Parse("{b:{d:2},e:3}")); var p = o.DeepClone(); p["a"] = 9; return o.ToString(Formatting.None); }"#,
        r#"{"a":1,"b":{"c":1,"d":2},"e":3}"#,
    );
    check(
        r#"@{ var o = JObject.Parse("{a:1,b:2}"); o.Property("a").Remove(); o.Property("b").Value = 7; return o.ToString(Formatting.None); }"#,
        r#"{"b":7}"#,
    );
    check(
        r#"@{ var s = ""; foreach (var p in JObject.Parse("{a:1,b:2}")) { s += p.Key + p.Value; } return s; }"#,
        "a1b2",
    );
    check(
        r#"@{ var s = ""; foreach (JProperty p in JObject.Parse("{a:1,b:2}").Properties()) { s += p.Name + p.Value; } return s; }"#,
        "a1b2",
    );
    check(
        r#"@{ var s = 0; foreach (JObject o in JArray.Parse("[{n:1},{n:2}]")) { s += (int)o["n"]; } return s; }"#,
        "3",
    );
}

#[test]
fn bodies() {
    check("@(context.Request.Body.As<string>(preserveContent: true).Length)", "87");
    check(r#"@((bool)context.Request.Body.As<JObject>(true)["stream"])"#, "True");
    check(r#"@(context.Request.Body.As<JObject>()["model"])"#, "gpt-4o");
    check("@(context.Request.Body?.As<byte[]>(true).Length)", "87");
    check("@(context.Response.Body?.As<string>() ?? \"none\")", "none");
    check(
        "@{ var a = context.Request.Body.As<string>(); var b = context.Request.Body.As<string>(); return a.Length + \",\" + b.Length; }",
        "87,0",
    );
    fails(
        "@(context.Response.Body.As<string>())",
        "System.NullReferenceException: Object reference not set to an instance of an object.",
    );
}

#[test]
fn statements() {
    check("@{ int x = 1; x += 2; x++; return x; }", "4");
    check("@{ var i = 5; return i++ + ++i; }", "12");
    check("@{ double d = 1; return d / 2; }", "0.5");
    check("@{ long a = 1, b = 2; return a + b; }", "3");
    check(
        "@{ var s = 0; for (int i = 0; i < 5; i++) { if (i == 1) continue; if (i == 4) break; s += i; } return s; }",
        "5",
    );
    check("@{ var s = 0; for (int i = 0, j = 9; i < j; i++, j--) s++; return s; }", "5");
    check("@{ var i = 0; while (true) { if (++i > 3) break; } return i; }", "4");
    check("@{ var i = 0; do { i++; } while (i < 3); return i; }", "3");
    check(r#"@{ var s = ""; foreach (var c in "abc") s = c + s; return s; }"#, "cba");
    check(r#"@{ if (1 > 2) return "a"; else if (2 > 3) return "b"; else return "c"; }"#, "c");
    check(
        r#"@{ switch (context.Response.StatusCode) { case 429: return "limited"; case 200: case 201: return "ok"; default: return "other"; } }"#,
        "ok",
    );
    check(
        r#"@{ var r = ""; switch ("b") { case "a": r = "1"; break; case "b": r = "2"; break; } return r; }"#,
        "2",
    );
    check(
        r#"@{ try { return int.Parse("x").ToString(); } catch (FormatException e) { return e.Message; } }"#,
        "Input string was not in a correct format.",
    );
    check(
        r#"@{ try { return ((JObject)null)["x"].ToString(); } catch { return "caught"; } }"#,
        "caught",
    );
    check(
        r#"@{ var s = ""; try { s += "t"; throw new Exception("x"); } catch (ArgumentException) { s += "a"; } catch (Exception e) when (e.Message == "x") { s += "c"; } finally { s += "f"; } return s; }"#,
        "tcf",
    );
    check(
        r#"@{ try { try { throw new InvalidOperationException("in"); } catch { throw; } } catch (InvalidOperationException e) { return e.Message; } }"#,
        "in",
    );
    check("@{ using (var a = new JArray()) { return a.Count; } }", "0");
    check("@{ const int x = 3; { var y = x; return y; } }", "3");
    check("@{ // don't )\n return 1; /* } */ }", "1");
    check(
        "@{ var x = new { a = 1, context.Response.StatusCode }; return x.a + x.StatusCode; }",
        "201",
    );
    check("@{ int? x = null; if (x == null) x = 2; return x + 1; }", "3");
    check("@{ string s = null; s = s ?? \"d\"; return s; }", "d");
    check("@{ var a = new int[3]; a[1] = 5; a[1] += 2; return a[0] + a[1] + a.Length; }", "10");
    fails("@{ throw new Exception(\"boom\"); }", "System.Exception: boom");
}

#[test]
fn lambdas_and_linq() {
    let numbers = "new [] { 3, 1, 2 }";
    check(&format!("@({numbers}.Max() + {numbers}.Min() + {numbers}.Sum())"), "10");
    check(&format!("@(string.Join(\",\", {numbers}.OrderBy(x => x)))"), "1,2,3");
    check(&format!("@(string.Join(\",\", {numbers}.OrderByDescending(x => x).Take(2)))"), "3,2");
    check(&format!("@({numbers}.Where(x => x > 1).Select(x => x * 2).First())"), "6");
    check(&format!("@({numbers}.Select((x, i) => x * i).Sum())"), "5");
    check(&format!("@({numbers}.Any(x => x == 2) && {numbers}.All(x => x < 9))"), "True");
    check(&format!("@({numbers}.Aggregate(0, (a, x) => a * 10 + x))"), "312");
    check(&format!("@({numbers}.Count(x => x > 1))"), "2");
    check(&format!("@({numbers}.Skip(1).Reverse().ToList()[0])"), "2");
    check(&format!("@({numbers}.ToDictionary(x => x, x => \"v\" + x)[2])"), "v2");
    check(&format!("@({numbers}.Average())"), "2");
    check(&format!("@({numbers}.FirstOrDefault(x => x > 5))"), "0");
    check(
        r#"@(new [] { "a", "bb", "cc" }.GroupBy(s => s.Length).Select(g => g.Key + ":" + g.Count()).Last())"#,
        "2:2",
    );
    check(r#"@("b,a".Split(',').Zip(new [] { 1, 2 }, (s, n) => s + n).ElementAt(1))"#, "a2");
    check("@{ Func<int, int> f = x => x * 2; return f(4); }", "8");
    check(
        "@{ var n = 2; var t = new [] { 1, 2 }.Select(x => { var y = x * n; return y + 1; }).ToArray(); return t[1]; }",
        "5",
    );
    check("@(string.Join(\"\", Enumerable.Range(1, 3)))", "123");
    fails(
        "@(new int[0].First())",
        "System.InvalidOperationException: Sequence contains no elements",
    );
}

#[test]
fn collections() {
    check(
        "@{ var l = new List<int>(); l.Add(1); l.Add(5); l.RemoveAt(0); return l[0] + l.Count; }",
        "6",
    );
    check("@(new List<string> { \"a\", \"b\" }.Contains(\"b\"))", "True");
    check(
        "@{ var d = new Dictionary<string, int>(); d[\"a\"] = 1; d[\"a\"] += 2; int v; return d.TryGetValue(\"a\", out v) ? v : 0; }",
        "3",
    );
    check("@(new Dictionary<string, int> { { \"a\", 1 }, { \"b\", 2 } }.Values.Sum())", "3");
    check(
        "@(new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { { \"A\", \"x\" } }[\"a\"])",
        "x",
    );
    check(
        "@(new HashSet<string>(new [] { \"a\", \"A\" }, StringComparer.OrdinalIgnoreCase).Count)",
        "1",
    );
    check(
        "@(new HashSet<string>(StringComparer.OrdinalIgnoreCase) { \"gpt\" }.Contains(\"GPT\"))",
        "True",
    );
    check(
        "@{ var s = \"\"; foreach (var p in new Dictionary<string, int> { { \"a\", 1 } }) s += p.Key + p.Value; return s; }",
        "a1",
    );
    check("@{ var q = new Queue<int>(); q.Enqueue(1); q.Enqueue(2); return q.Dequeue(); }", "1");
    check("@(new List<int>(new [] { 3, 1 }))", "System.Collections.Generic.List`1[System.Int32]");
    fails(
        "@(new List<int>()[0])",
        "System.ArgumentOutOfRangeException: Index was out of range. Must be non-negative and less than the size of the collection.\r\nParameter name: index",
    );
    fails(
        "@(\"a\".Split(',')[1])",
        "System.IndexOutOfRangeException: Index was outside the bounds of the array.",
    );
}

#[test]
fn string_members() {
    check(r#"@("😀a".Length + "😀a".IndexOf("a"))"#, "5");
    check(r#"@("héllo".Substring(1, 3))"#, "éll");
    check(r#"@("a,b;c".Split(',', ';').Length)"#, "3");
    check(r#"@("a,,b".Split(new [] { ',' }, StringSplitOptions.RemoveEmptyEntries).Length)"#, "2");
    check(r#"@("a--b".Split(new string[] { "--" }, StringSplitOptions.None)[1])"#, "b");
    check(r#"@(" x ".Trim() + "xxay".TrimStart('x') + "a/".TrimEnd('/'))"#, "xaya");
    check(r#"@("ABC".ToLower() + "abc".ToUpperInvariant())"#, "abcABC");
    check(r#"@("abc".Replace("b", "x").Replace('c', 'y'))"#, "axy");
    check(r#"@("abc".StartsWith("AB", StringComparison.OrdinalIgnoreCase))"#, "True");
    check(r#"@("Abc".Equals("aBC", StringComparison.OrdinalIgnoreCase))"#, "True");
    check(r#"@("abc".IndexOf('c') + "abc".LastIndexOf("x"))"#, "1");
    check(r#"@("abc"[1])"#, "b");
    check(r#"@(string.Concat("a", 1, true))"#, "a1True");
    check(r#"@(string.Join(", ", new [] { 1, 2 }) + String.Join("-", "a", "b"))"#, "1, 2a-b");
    check(r#"@(string.IsNullOrWhiteSpace(" ") && !String.IsNullOrEmpty(" "))"#, "True");
    check(r#"@("7".PadLeft(3, '0') + "x".PadRight(2) + "|")"#, "007x |");
    check(r#"@("abc".Insert(1, "-").Remove(0, 1))"#, "-bc");
    check(r#"@("Content-Type".ToLowerInvariant().Contains("type"))"#, "True");
    check(r#"@(string.Compare("a", "b") < 0)"#, "True");
    fails(
        r#"@("abc".Substring(5))"#,
        "System.ArgumentOutOfRangeException: startIndex cannot be larger than length of string.\r\nParameter name: startIndex",
    );
    fails(
        "@(((string)null).Length)",
        "System.NullReferenceException: Object reference not set to an instance of an object.",
    );
}

#[test]
fn dates() {
    check("@(DateTime.UtcNow)", "01/01/2026 00:00:00");
    check("@(DateTime.UtcNow.ToString(\"o\"))", "2026-01-01T00:00:00.0000000Z");
    check("@(DateTime.UtcNow.AddSeconds(90).ToString(\"HH:mm:ss\"))", "00:01:30");
    check("@(DateTime.Now > DateTime.MinValue)", "True");
    check("@((DateTime.UtcNow.AddMinutes(1) - DateTime.UtcNow).TotalSeconds)", "60");
    check("@(DateTime.UtcNow.Subtract(TimeSpan.FromHours(1)).Hour)", "23");
    check("@(DateTimeOffset.UtcNow.ToUnixTimeSeconds())", "1767225600");
    check("@(DateTime.Parse(\"2026-03-01\").AddDays(-1).Day)", "28");
    check("@(new DateTime(2024, 2, 29).DayOfWeek)", "Thursday");
    check("@(TimeSpan.FromSeconds(90))", "00:01:30");
    check("@(TimeSpan.FromMilliseconds(1500).TotalSeconds)", "1.5");
    check("@(DateTime.UtcNow.Ticks)", "639028224000000000");
    check("@(DateTime.MaxValue.Year - DateTime.MinValue.Year)", "9998");
    fails(
        "@(DateTime.Parse(\"x\"))",
        "System.FormatException: String was not recognized as a valid DateTime.",
    );
}

#[test]
fn the_rest_of_the_library() {
    check("@(Math.Max(1, 2) + Math.Min(1.5, 2) + Math.Round(2.5))", "5.5");
    check("@(Math.Ceiling(1.2) + Math.Floor(-1.2) + Math.Abs(-3))", "3");
    check(r#"@(System.Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("hé")))"#, "aMOp");
    check(r#"@(Encoding.UTF8.GetString(Convert.FromBase64String("aMOp")))"#, "hé");
    check(r#"@(BitConverter.ToString(Encoding.UTF8.GetBytes("AZ")).Replace("-", ""))"#, "415A");
    check(r#"@(System.Net.WebUtility.UrlEncode("a b&c/ü"))"#, "a+b%26c%2F%C3%BC");
    check(r#"@(System.Net.WebUtility.UrlDecode("a+b%26"))"#, "a b&");
    check(r#"@(System.Net.WebUtility.HtmlEncode("<a & 'b'>"))"#, "&lt;a &amp; &#39;b&#39;&gt;");
    check(r#"@(System.Uri.EscapeDataString("a b"))"#, "a%20b");
    check(r#"@(new Uri("https://h.example:8080/p?q=1#f").Port)"#, "8080");
    check(r#"@(new Uri("https://h.example/p").Host)"#, "h.example");
    check(r#"@(Regex.IsMatch("abc123", "^[a-z]+\\d+$"))"#, "True");
    check(
        r#"@(System.Text.RegularExpressions.Regex.Match("id=42;", @"id=(?<n>\d+)").Groups["n"].Value)"#,
        "42",
    );
    check(r#"@(new Regex("B", RegexOptions.IgnoreCase).Replace("abcb", "x"))"#, "axcx");
    check(r#"@(Regex.Matches("a1b22", @"\d+").Count)"#, "2");
    check(r#"@(Regex.Replace("a-b", "(a)-(b)", "$1x$2"))"#, "axb");
    check(r#"@(Regex.Replace("a-b", "(?<l>a)-(z)?b", "[${l}$2$&$$$9$x]"))"#, "[aa-b$$9$x]");
    check(r#"@(Regex.Match("x", "y").Success)"#, "False");
    check(
        "@{ var b = new StringBuilder(); b.Append(\"a\").Append(1).AppendLine(); return b.ToString(); }",
        "a1\r\n",
    );
    check("@(Guid.NewGuid() != Guid.NewGuid())", "True");
    check("@(Guid.NewGuid().ToString().Length)", "36");
    check("@(new Random().Next(5) < 5 && new Random().NextDouble() < 1)", "True");
    check("@(new Random(42).Next(100))", "66");
    check("@(new Random(context.RequestId.GetHashCode()).Next(1, 2))", "1");
    check("@{ int n; return int.TryParse(\"12\", out n) ? n : -1; }", "12");
    check("@(double.TryParse(\"x\", out var d) ? d : 7)", "7");
    check("@(context.Request.Url.Query.Count)", "2");
    check("@(Tuple.Create(1, \"a\").Item2)", "a");
    check("@{ context.Trace(\"seen\"); return 1; }", "1");
    check("@(nameof(context.Request))", "Request");
    check("@(StringComparison.OrdinalIgnoreCase)", "OrdinalIgnoreCase");
    check("@(Array.IndexOf(new [] { \"a\", \"b\" }, \"b\"))", "1");
}

/// `{"typ":"JWT","alg":"RS256"}`, `{"aud":["a","b"],"iss":"me","sub":"you","exp":1767225600,"roles":["r1","r2"],"admin":true}`.
const TOKEN: &str = "eyJ0eXAiOiAiSldUIiwgImFsZyI6ICJSUzI1NiJ9.eyJhdWQiOiBbImEiLCAiYiJdLCAiaXNzIjogIm1lIiwgInN1YiI6ICJ5b3UiLCAiZXhwIjogMTc2NzIyNTYwMCwgInJvbGVzIjogWyJyMSIsICJyMiJdLCAiYWRtaW4iOiB0cnVlfQ.c2ln";

#[test]
fn tokens_are_read() {
    let with = |rest: &str| format!(r#"@("Bearer {TOKEN}".AsJwt(){rest})"#);
    for (rest, expected) in [
        (".Algorithm", "RS256"),
        (".Type", "JWT"),
        (".Issuer", "me"),
        (".Subject", "you"),
        (".Audiences.Count()", "2"),
        (".ExpirationTime.ToString()", "01/01/2026 00:00:00"),
        (".NotBefore == null", "True"),
        (r#".Claims["roles"][1]"#, "r2"),
        (r#".Claims.GetValueOrDefault("roles", "")"#, "r1,r2"),
        (r#".Claims.GetValueOrDefault("admin")"#, "true"),
        (r#".Claims.GetValueOrDefault("x", "none")"#, "none"),
        (r#".Claims.GetValueOrDefault("roles", new string[0])[1]"#, "r2"),
        (r#".Claims.GetValueOrDefault("x", new string[0]).Length"#, "0"),
        (r#".Claims.GetValueOrDefault("x", new [] { "a", "b" })[1]"#, "b"),
        (r#".Claims.GetValueOrDefault("x", null) == null"#, "True"),
        (r#".Claims.ContainsKey("aud")"#, "True"),
    ] {
        check(&with(rest), expected);
    }
    check(r#"@("nonsense".AsJwt() == null)"#, "True");
    check(
        r#"@{ Jwt token; return "a.b".TryParseJwt(out token) + "," + (token == null); }"#,
        "False,True",
    );
    check(
        &format!(
            r#"@{{ Jwt token; return "{TOKEN}".TryParseJwt(out token) ? token.Id ?? "no id" : "?"; }}"#
        ),
        "no id",
    );
    check(r#"@("Basic dXNlcjpwYTpzcw==".AsBasic().UserId)"#, "user");
    check(r#"@("dXNlcjpwYTpzcw==".AsBasic()?.Password)"#, "pa:ss");
    check(r#"@("Basic !".AsBasic()?.Password == null)"#, "True");
}

/// A dictionary of texts gives all of a key's when the default is an array.
#[test]
fn an_array_as_default_gives_arrays() {
    check(r#"@(context.Request.Headers.GetValueOrDefault("accept", new string[0]).Length)"#, "2");
    check(r#"@(context.Request.Headers.GetValueOrDefault("nope", new string[0]).Any())"#, "False");
    check(
        r#"@(context.Request.Url.Query.GetValueOrDefault("nope", new string[] { "" })[0] == "")"#,
        "True",
    );
    check(r#"@(context.Request.Url.Query.GetValueOrDefault("x", new string[] { "" })[0])"#, "1");
}

/// LINQ's `T` is `object` when an argument is one: texts compare by value.
#[test]
fn sequences_widen_to_objects() {
    check(r#"@(new [] { "abc", "b" }.Contains(context.Variables["text"] ?? ""))"#, "True");
    check(r#"@(new [] { "b" }.Contains(context.Variables["text"]))"#, "False");
    check(r#"@(new [] { "5" }.Contains(context.Variables["number"]))"#, "False");
    check(r#"@(new List<string> { "abc" }.Contains(context.Variables["text"]))"#, "True");
    check(r#"@(new [] { "b" }.Concat(new object[] { 1, "c" }).Count())"#, "3");
}

#[test]
fn hashes() {
    let hash = |create: &str, text: &str, expect: &str| {
        check(
            &format!(
                r#"@{{
                    using (var algorithm = {create}) {{
                        var hash = algorithm.ComputeHash(Encoding.UTF8.GetBytes("{text}"));
                        return BitConverter.ToString(hash).Replace("-", "").ToLowerInvariant();
                    }}
                }}"#
            ),
            expect,
        );
    };
    // FIPS 180-4's examples.
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    hash("System.Security.Cryptography.SHA256.Create()", "abc", sha256);
    hash("new System.Security.Cryptography.SHA256Managed()", "abc", sha256);
    hash(
        "System.Security.Cryptography.SHA384.Create()",
        "abc",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    );
    hash(
        "System.Security.Cryptography.SHA512.Create()",
        "abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    // RFC 4231, test cases 2 and 6.
    hash(
        r#"new HMACSHA256(Encoding.UTF8.GetBytes("Jefe"))"#,
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    hash(
        r#"new HMACSHA256(Enumerable.Repeat((byte)0xaa, 131).ToArray())"#,
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
    check(
        r#"@(Convert.ToBase64String(SHA256.Create().ComputeHash(Encoding.UTF8.GetBytes("abc"))))"#,
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
    );
    check(r#"@(new HMACSHA512(new byte[3]).Key.Length + SHA384.Create().HashSize)"#, "387");
    fails(
        "@(new HMACSHA256(null))",
        "System.ArgumentNullException: Value cannot be null.\r\nParameter name: key",
    );
}
