//! `Convert`, `BitConverter`.

use base64::Engine as _;

use super::objects::from_base64;
use super::{Call, Entry, TypeDef};
use crate::expr::check::default_of;
use crate::expr::eval::change_type;
use crate::expr::exception::Exception;
use crate::expr::types::Type;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System", "Convert").members(&[
        Entry("static int ToInt32(object value)", |c| to(c, &Type::INT)),
        Entry("static int ToInt32(string value, int fromBase)", |c| {
            let text = c.str(0, "value")?;
            let base = u32::try_from(c.int(1)).ok().filter(|b| matches!(b, 2 | 8 | 10 | 16));
            let Some(base) = base else { return Err(Exception::argument("Invalid Base.")) };
            let digits = text.trim_start_matches("0x");
            match u32::from_str_radix(digits, base) {
                Ok(n) => Ok(Value::Int(n.cast_signed())),
                Err(_) => Err(Exception::format("Could not find any recognizable digits.")),
            }
        }),
        Entry("static long ToInt64(object value)", |c| to(c, &Type::LONG)),
        Entry("static double ToDouble(object value)", |c| to(c, &Type::DOUBLE)),
        Entry("static decimal ToDecimal(object value)", |c| to(c, &Type::named("Decimal"))),
        Entry("static float ToSingle(object value)", |c| to(c, &Type::named("Single"))),
        Entry("static short ToInt16(object value)", |c| to(c, &Type::named("Int16"))),
        Entry("static ushort ToUInt16(object value)", |c| to(c, &Type::named("UInt16"))),
        Entry("static uint ToUInt32(object value)", |c| to(c, &Type::named("UInt32"))),
        Entry("static ulong ToUInt64(object value)", |c| to(c, &Type::named("UInt64"))),
        Entry("static sbyte ToSByte(object value)", |c| to(c, &Type::named("SByte"))),
        Entry("static bool ToBoolean(object value)", |c| to(c, &Type::BOOL)),
        Entry("static byte ToByte(object value)", |c| to(c, &Type::BYTE)),
        Entry("static char ToChar(object value)", |c| to(c, &Type::CHAR)),
        Entry("static DateTime ToDateTime(object value)", |c| to(c, &Type::named("DateTime"))),
        Entry("static string ToString(object value)", |c| {
            let text = c.vm.to_text(c.arg(0));
            c.give(text)
        }),
        Entry("static byte[] FromBase64String(string s)", |c| {
            let text = c.str(0, "s")?;
            c.vm.charge(text.len() / 64)?;
            from_base64(&text).map(Value::Bytes)
        }),
        Entry("static string ToBase64String(byte[] inArray)", |c| match c.arg(0).clone() {
            Value::Bytes(bytes) => c.give(base64::engine::general_purpose::STANDARD.encode(bytes)),
            _ => Err(Exception::argument_null("inArray")),
        }),
    ]),
    TypeDef::new("System", "BitConverter").members(&[
        Entry("static string ToString(byte[] value)", |c| match c.arg(0).clone() {
            Value::Bytes(bytes) => {
                let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                c.give(parts.join("-"))
            }
            _ => Err(Exception::argument_null("value")),
        }),
        Entry("static int ToInt32(byte[] value, int startIndex)", |c| {
            let Value::Bytes(bytes) = c.arg(0) else {
                return Err(Exception::argument_null("value"));
            };
            let start = usize::try_from(c.int(1)).unwrap_or(usize::MAX);
            let part = start.checked_add(4).and_then(|end| bytes.get(start..end));
            match part.and_then(|part| <[u8; 4]>::try_from(part).ok()) {
                Some(part) => Ok(Value::Int(i32::from_le_bytes(part))),
                None => Err(Exception::list_index()),
            }
        }),
    ]),
];

/// Null converts to zero here, unlike in `ChangeType`.
fn to(c: &mut Call<'_, '_>, ty: &Type) -> Result<Value, Exception> {
    match c.arg(0) {
        Value::Null => Ok(default_of(ty)),
        value => change_type(value, ty),
    }
}
