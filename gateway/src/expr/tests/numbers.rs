//! The numeric types beside `int`, `long` and `double`.

use super::{check, fails};
use crate::expr::compile;

#[test]
fn decimals_are_exact_and_keep_their_zeros() {
    check("@(0.1m + 0.2m)", "0.3");
    check("@(1.10m + 2.20m)", "3.30");
    check("@(1.50m * 2)", "3.00");
    check("@(10m / 4m)", "2.5");
    check("@(1m / 3m)", "0.3333333333333333333333333333");
    check("@(7m % 3)", "1");
    check("@(-1.5m)", "-1.5");
    check("@(1e3m)", "1000");
    check("@(0.1m == 0.10m)", "True");
    check("@(1.5m > 1)", "True");
    check("@(79228162514264337593543950335m)", "79228162514264337593543950335");
    check("@(decimal.MaxValue == 79228162514264337593543950335m)", "True");
    check("@{ decimal a = 5; a += 0.5m; a++; return a; }", "6.5");
    check("@{ decimal? a = null; return (a ?? 1.0m) + 1; }", "2.0");
    fails(
        "@(decimal.MaxValue + 1)",
        "System.OverflowException: Value was either too large or too small for a Decimal.",
    );
    fails("@(1m / (1m - 1))", "System.DivideByZeroException: Attempted to divide by zero.");
}

#[test]
fn decimals_are_read_and_converted() {
    check(r#"@(decimal.Parse("1,234.50") * 2)"#, "2469.00");
    check(r#"@{ decimal d; return decimal.TryParse("x", out d) + " " + d; }"#, "False 0");
    check(r#"@{ return Decimal.TryParse("2.5", out var d) ? d : 0m; }"#, "2.5");
    check("@((decimal)0.1 + 0.2m)", "0.3");
    check("@((decimal)1.23456789012345678)", "1.23456789012346");
    check("@((double)0.1m + 1)", "1.1");
    check("@((int)-3.99m)", "-3");
    check("@(Convert.ToInt32(2.5m) + Convert.ToInt32(3.5m))", "6");
    check("@(Convert.ToDecimal(\"1.5\") + Convert.ToDecimal(2))", "3.5");
    check(r#"@((decimal)JObject.Parse("{\"p\":0.1}")["p"] + 0.2m)"#, "0.3");
    check(r#"@(JObject.Parse("{\"p\":19.99}").Value<decimal>("p") * 3)"#, "59.97");
    check(
        r#"@(new JObject { { "a", 1m }, { "b", 1.50m } }.ToString(Formatting.None))"#,
        r#"{"a":1.0,"b":1.50}"#,
    );
    check("@(new [] { 0.1m, 0.2m, 0.3m }.Sum())", "0.6");
    fails(
        "@((int)3000000000m)",
        "System.OverflowException: Value was either too large or too small for an Int32.",
    );
    fails(
        "@((decimal)1e30)",
        "System.OverflowException: Value was either too large or too small for a Decimal.",
    );
    fails(
        r#"@(decimal.Parse("1e3"))"#,
        "System.FormatException: Input string was not in a correct format.",
    );
    assert!(compile("@(1.5m + 1.5)").is_err(), "decimal and double do not mix");
    assert!(compile("@{ decimal d = 1.5; return d; }").is_err());
    assert!(compile("@(99999999999999999999999999999m)").is_err());
}

#[test]
fn decimals_are_rounded_and_formatted() {
    check("@(Math.Round(2.345m, 2))", "2.34");
    check("@(Math.Round(2.345m, 2, MidpointRounding.AwayFromZero))", "2.35");
    check("@(Math.Round(2.5) + Math.Round(3.5))", "6");
    check("@(Math.Round(2.5, MidpointRounding.AwayFromZero))", "3");
    check("@(Math.Max(1.5m, 2) + Math.Abs(-1m) + Math.Ceiling(0.1m) + Math.Floor(-0.1m))", "3");
    check("@(decimal.Truncate(-1.9m) + Math.Sign(-2m))", "-2");
    check("@(1234.5m.ToString(\"N2\"))", "1,234.50");
    check("@(0.1234567890123456789012345678m.ToString(\"F28\"))", "0.1234567890123456789012345678");
    check("@($\"{0.256m:P1} {1.005m:F2} {12m:C}\")", "25.6 % 1.01 ¤12.00");
    check("@(1234.5m.ToString(\"#,##0.##\"))", "1,234.5");
    check("@(9007199254740993L.ToString(\"N0\"))", "9,007,199,254,740,993");
    fails("@(1m.ToString(\"D2\"))", "System.FormatException: Format specifier was invalid.");
    fails(
        "@(Math.Round(1m, 29))",
        "System.ArgumentOutOfRangeException: Decimal can only round to between 0 and 28 digits of precision.\r\nParameter name: decimals",
    );
}

#[test]
fn floats() {
    check("@(0.1f + 0.2f)", "0.3");
    check("@(1f / 3)", "0.33333334");
    check("@((double)0.1f)", "0.10000000149011612");
    check("@((decimal)0.1f)", "0.1");
    check("@(1e10f)", "1E+10");
    check("@((float)1 + 1L)", "2");
    check("@(float.Parse(\"2.5\") * 2)", "5");
    check("@{ float f = 3; return f / 2; }", "1.5");
    check("@((int)2.9f)", "2");
    check("@(new JArray(0.1f, 2f).ToString(Formatting.None))", "[0.1,2.0]");
}

#[test]
fn small_and_unsigned_numbers() {
    check("@{ short s = 300; s += 1; return s; }", "301");
    check("@((short)40000)", "-25536");
    check("@((sbyte)200)", "-56");
    check("@(((sbyte)-1).ToString(\"x2\"))", "ff");
    check("@((ushort)65535 + 1)", "65536");
    check("@(uint.MaxValue)", "4294967295");
    check("@(uint.MaxValue + 1)", "0");
    check("@(2147483648)", "2147483648");
    check("@((uint)5 - 6 > 0)", "True");
    check("@{ uint a = 1; int b = -2; return a + b; }", "-1");
    check("@(-5u)", "-5");
    check("@(~0u)", "4294967295");
    check("@(ulong.MaxValue)", "18446744073709551615");
    check("@(18446744073709551615 / 2)", "9223372036854775807");
    check("@(0xFFUL << 60)", "17293822569102704640");
    check("@{ ulong n = 7; n--; return n == 6; }", "True");
    check("@{ byte b = 255; b++; return b; }", "0");
    check("@(5u > 4 && 5UL != 6)", "True");
    check(r#"@(ushort.Parse("7") + Convert.ToInt16("8"))"#, "15");
    check(r#"@{ short s; return short.TryParse("70000", out s); }"#, "False");
    check(
        "@(new JArray((uint)1, ulong.MaxValue).ToString(Formatting.None))",
        "[1,18446744073709551615]",
    );
    check("@((object)5u is uint)", "True");
    fails(
        r#"@(byte.Parse("256"))"#,
        "System.OverflowException: Value was either too large or too small for an unsigned byte.",
    );
    assert!(compile("@{ ulong a = 1; long b = 2; return a + b; }").is_err());
    assert!(compile("@{ short s = 70000; return s; }").is_err());
    assert!(compile("@{ uint n = -1; return n; }").is_err());
    assert!(compile("@(1.5 << 2)").is_err());
    assert!(compile("@(-(5UL))").is_err());
}
