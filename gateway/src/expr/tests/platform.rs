//! Members of the platform's list beyond what most documents use.

use super::{check, context, fails, in_runtime};
use crate::expr::{Value, compile};
use crate::pipeline::context::MessageBody;

#[test]
fn hashes() {
    let hex = |of: &str| {
        format!(
            r#"@(BitConverter.ToString({of}.ComputeHash(Encoding.UTF8.GetBytes("abc"))).Replace("-", "").ToLower())"#
        )
    };
    // RFC 1321, FIPS 180-4, RFC 2202 and RFC 2104.
    check(&hex("MD5.Create()"), "900150983cd24fb0d6963f7d28e17f72");
    check(&hex("new MD5CryptoServiceProvider()"), "900150983cd24fb0d6963f7d28e17f72");
    check(&hex("SHA1.Create()"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    check(&hex("new SHA1Managed()"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    let keyed = |of: &str| {
        format!(
            r#"@(BitConverter.ToString(new {of}(Encoding.UTF8.GetBytes("Jefe")).ComputeHash(Encoding.UTF8.GetBytes("what do ya want for nothing?"))).Replace("-", "").ToLower())"#
        )
    };
    check(&keyed("HMACMD5"), "750c783e6ab0b503eaa86e310a5db738");
    check(
        &keyed("System.Security.Cryptography.HMACSHA1"),
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    );
    check(
        r#"@{ var b = Encoding.UTF8.GetBytes("xabcx"); return BitConverter.ToString(MD5.Create().ComputeHash(b, 1, 3)).Substring(0, 5); }"#,
        "90-01",
    );
    fails(
        r#"@(SHA1.Create().ComputeHash(Encoding.UTF8.GetBytes("abc"), 2, 2))"#,
        "System.ArgumentException: Value was invalid.",
    );
}

#[test]
fn enumerations_are_read() {
    check(r#"@((DayOfWeek)Enum.Parse(typeof(DayOfWeek), "Monday"))"#, "Monday");
    check(r#"@((int)(DayOfWeek)Enum.Parse(typeof(System.DayOfWeek), "friday", true))"#, "5");
    check(
        r#"@{ DayOfWeek day; return Enum.TryParse("Sunday", out day) + " " + day; }"#,
        "True Sunday",
    );
    check(
        r#"@(Enum.TryParse<DayOfWeek>("Someday", out var day) ? "yes" : day.ToString())"#,
        "Sunday",
    );
    check(r#"@{ Enum.TryParse("tuesday", true, out DayOfWeek day); return day; }"#, "Tuesday");
    check(
        r#"@((RegexOptions)Enum.Parse(typeof(RegexOptions), "IgnoreCase, Multiline"))"#,
        "IgnoreCase, Multiline",
    );
    check(r#"@(Enum.GetName(typeof(DayOfWeek), 3))"#, "Wednesday");
    check("@(typeof(string).Name)", "String");
    fails(
        r#"@(Enum.Parse(typeof(DayOfWeek), "x"))"#,
        "System.ArgumentException: Requested value 'x' was not found.",
    );
    fails(
        r#"@(Enum.Parse(typeof(string), "x"))"#,
        "System.ArgumentException: Type provided must be an Enum.",
    );
}

#[test]
fn dates_are_read_as_their_format_says() {
    check(
        r#"@(DateTime.ParseExact("02.01.2026", "dd.MM.yyyy", null).ToString("s"))"#,
        "2026-01-02T00:00:00",
    );
    check(
        r#"@(DateTime.ParseExact("20260102T030405", "yyyyMMddTHHmmss", CultureInfo.InvariantCulture).Hour)"#,
        "3",
    );
    fails(
        r#"@(DateTime.ParseExact("2026-01-02", "dd.MM.yyyy", null))"#,
        "System.FormatException: String was not recognized as a valid DateTime.",
    );
}

#[test]
fn time_zones() {
    check(
        r#"@(TimeZoneInfo.ConvertTimeFromUtc(new DateTime(2026, 7, 1, 12, 0, 0, DateTimeKind.Utc), TimeZoneInfo.FindSystemTimeZoneById("W. Europe Standard Time")).ToString("s"))"#,
        "2026-07-01T14:00:00",
    );
    check(
        r#"@(TimeZoneInfo.ConvertTimeBySystemTimeZoneId(new DateTime(2026, 1, 1), "Eastern Standard Time").Hour)"#,
        "19",
    );
    check(
        r#"@(TimeZoneInfo.ConvertTimeToUtc(new DateTime(2026, 1, 1), TimeZoneInfo.FindSystemTimeZoneById("India Standard Time")).ToString("o"))"#,
        "2025-12-31T18:30:00.0000000Z",
    );
    check("@(TimeZoneInfo.Local.Id + TimeZoneInfo.Utc.BaseUtcOffset)", "UTC00:00:00");
    check(
        r#"@(TimeZoneInfo.FindSystemTimeZoneById("GMT Standard Time").IsDaylightSavingTime(new DateTime(2026, 7, 1)))"#,
        "True",
    );
    check(
        r#"@(TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeSeconds(0), TimeZoneInfo.FindSystemTimeZoneById("Tokyo Standard Time")).ToString("HHzzz"))"#,
        "09+09:00",
    );
    fails(
        r#"@(TimeZoneInfo.FindSystemTimeZoneById("Mars"))"#,
        "System.TimeZoneNotFoundException: The time zone ID 'Mars' was not found on the local computer.",
    );
}

#[test]
fn replacements_know_all_substitutions() {
    let replaced = |with: &str| format!(r#"@(Regex.Replace("abc", "(b)(x)?", "{with}"))"#);
    check(&replaced("[$1]"), "a[b]c");
    check(&replaced("[$2]"), "a[]c");
    check(&replaced("[$0$&]"), "a[bb]c");
    check(&replaced("[$`|$']"), "a[a|c]c");
    check(&replaced("[$_]"), "a[abc]c");
    check(&replaced("[$+]"), "a[]c");
    check(&replaced("[$$]"), "a[$]c");
    check(&replaced("[$9$x$]"), "a[$9$x$]c");
    check(r#"@(Regex.Replace("abab", "(?<n>a)b", "${n}-"))"#, "a-a-");
}

/// A replacement that holds the input each time pays for it.
#[test]
fn replacements_are_bounded() {
    let text = r#"@(Regex.Replace(new string('a', 100000), "a", "$_$_"))"#;
    let exception = super::run(text).expect_err(text);
    assert!(exception.is_limit(), "{exception}");
}

#[test]
fn parts_of_context() {
    check("@(string.Join(\",\", context.Api.Protocols))", "https");
    check(
        "@(context.Api.SubscriptionKeyParameterNames.Header + context.Api.SubscriptionKeyParameterNames.Query)",
        "api-keysubscription-key",
    );
    check("@(context.Subscription.CreatedDate.Year > 2000)", "True");
    check("@(context.Subscription.EndDate == null)", "True");
    check(
        "@(context.Request.Certificate == null || !context.Request.Certificate.Verify())",
        "True",
    );
    check("@(context.Request.Foundry?.Deployment?.Name ?? \"none\")", "none");
    check("@(context.Deployment.Certificates.Count)", "0");
    check("@(context.User?.Note == null && context.Workspace == null)", "True");
    check("@(context.Product?.State == ProductState.Published)", "False");
}

#[test]
fn a_response_is_null_where_a_setting_says_so() {
    let of = |text: &str, null: bool| {
        let expression = compile(text).unwrap();
        in_runtime(|| {
            let mut context = context();
            context.response.null = null;
            expression.evaluate(&mut context).map(|value| value.to_text())
        })
    };
    assert_eq!(of("@(context.Response == null)", true).unwrap(), "True");
    assert_eq!(of("@(context.Response == null)", false).unwrap(), "False");
    assert!(of("@(context.Response.StatusCode)", true).is_err());
}

const SOAP: &str = "<s:Envelope xmlns:s=\"http://e\"><s:Body><order id=\"7\" xmlns=\"urn:o\"><sum>12.50</sum><sum>2</sum></order></s:Body></s:Envelope>";

#[track_caller]
fn of_body(body: &'static str, text: &str) -> String {
    let expression = compile(text).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"));
    let value = in_runtime(|| {
        let mut context = context();
        context.request.body = MessageBody::Bytes(body.into());
        expression.evaluate(&mut context)
    });
    value.map(|value| value.to_text()).unwrap_or_else(|exception| panic!("{text}\n{exception}"))
}

#[test]
fn xml_bodies_are_read() {
    let root = "var root = context.Request.Body.As<XElement>(preserveContent: true); XNamespace o = \"urn:o\";";
    for (text, expect) in [
        ("root.Name.LocalName + root.Name.NamespaceName", "Envelopehttp://e"),
        ("(string)root.Descendants(o + \"sum\").First()", "12.50"),
        ("root.Descendants(o + \"sum\").Sum(sum => (decimal)sum)", "14.50"),
        ("(int)root.Descendants(o + \"order\").First().Attribute(\"id\") + 1", "8"),
        ("root.Descendants(\"{urn:o}order\").First().Element(o + \"none\") == null", "True"),
        ("(string)root.Element(\"none\") ?? \"null\"", "null"),
        ("root.Descendants().Count()", "4"),
        ("root.Descendants().Last().Parent.Name", "{urn:o}order"),
        ("root.Value", "12.502"),
        ("root.Elements().First().HasElements", "True"),
        ("root.Descendants(o + \"sum\").Select(sum => sum.Value).ToArray()[1]", "2"),
        (
            "root.Descendants(o + \"order\").First().ToString(SaveOptions.DisableFormatting)",
            "<order id=\"7\" xmlns=\"urn:o\"><sum>12.50</sum><sum>2</sum></order>",
        ),
    ] {
        let found = of_body(SOAP, &format!("@{{ {root} return {text}; }}"));
        // Attributes come in the parser's order: declarations first.
        let expect = expect.replace("id=\"7\" xmlns=\"urn:o\"", "xmlns=\"urn:o\" id=\"7\"");
        assert_eq!(found, expect, "{text}");
    }
    assert_eq!(
        of_body(SOAP, "@(context.Request.Body.As<XDocument>().Root.Name.LocalName)"),
        "Envelope"
    );
    assert_eq!(of_body("<a>1</a>", "@(context.Request.Body.As<XNode>().ToString())"), "<a>1</a>");
}

#[test]
fn xml_is_made() {
    check(
        r#"@(new XElement("a", new XAttribute("k", 1), new XElement("b", true), new [] { 1, 2 }.Select(n => new XElement("c", n)), null).ToString())"#,
        "<a k=\"1\">\r\n  <b>true</b>\r\n  <c>1</c>\r\n  <c>2</c>\r\n</a>",
    );
    check(r#"@(new XDocument(new XElement("a")).Root)"#, "<a />");
    check(
        r#"@{ XNamespace n = "u"; return new XElement(n + "a", new XElement(n + "b")).ToString(SaveOptions.DisableFormatting); }"#,
        "<a xmlns=\"u\"><b /></a>",
    );
    check(r#"@(XElement.Parse("<a><b>x</b></a>").Element("b").Value)"#, "x");
    check(r#"@(XDocument.Parse("<a/>").Root.Ancestors().Count())"#, "0");
    fails(
        r#"@(new XElement("a", new XAttribute("k", 1), new XAttribute("k", 2)))"#,
        "System.InvalidOperationException: Duplicate attribute.",
    );
    fails(
        r#"@(new XElement("a b"))"#,
        "System.Xml.XmlException: The name 'a b' is not a valid XML name.",
    );
    fails(
        r#"@((int)XElement.Parse("<a>x</a>"))"#,
        "System.FormatException: Input string was not in a correct format.",
    );
    let broken = super::run(r#"@(XElement.Parse("<a>"))"#).unwrap_err();
    assert_eq!(broken.type_name, "System.Xml.XmlException");
}

/// Elements put into elements again and again grow by a factor each time.
#[test]
fn xml_is_bounded() {
    for text in [
        r#"@{ var x = new XElement("a"); while (true) { x = new XElement("a", x, x); } }"#,
        r#"@{ var x = new XElement("a"); while (true) { x = new XElement("a", x); } }"#,
        r#"@{ var x = new XElement("a", Enumerable.Range(0, 20000).Select(n => new XElement("b"))); while (true) { x.Descendants("c").Count(); } }"#,
        r#"@{ var x = new XElement("a", new string('x', 1000000)); while (true) { var y = x.Value; } }"#,
        r#"@{ var x = new XElement("a", new string('x', 1000000)); while (true) { var y = x.ToString(); } }"#,
    ] {
        let exception = super::run(text).expect_err(text);
        assert!(exception.is_limit(), "{text}: {exception}");
    }
}

#[test]
fn a_number_attribute_takes_the_new_types() {
    assert_eq!(Value::Decimal("5.0".parse().unwrap()).to_integer(), Some(5));
    assert_eq!(Value::Decimal("5.5".parse().unwrap()).to_integer(), None);
    assert_eq!(Value::Decimal("5.5".parse().unwrap()).to_double(), Some(5.5));
    assert_eq!(Value::Float(2.0).to_integer(), Some(2));
    assert_eq!(Value::ULong(u64::MAX).to_integer(), None);
    assert!(Value::Decimal("5.5".parse().unwrap()).is_storable());
}
