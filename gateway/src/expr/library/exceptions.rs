//! Exception types a document may throw or catch.

use std::sync::Arc;

use super::{Call, Entry, TypeDef, find};
use crate::expr::exception::Exception;
use crate::expr::value::Value;

const NEW: &[Entry] = &[];

macro_rules! exception {
    ($namespace:literal, $name:literal, $base:literal) => {
        TypeDef::new($namespace, $name).bases(&[$base]).members(&[
            Entry("new()", |_| {
                Ok(make(
                    $namespace,
                    $name,
                    concat!("Exception of type '", $namespace, ".", $name, "' was thrown.").into(),
                ))
            }),
            Entry("new(string message)", |c| Ok(make($namespace, $name, message(c)))),
            Entry("new(string message, Exception innerException)", |c| {
                Ok(make($namespace, $name, message(c)))
            }),
        ])
    };
}

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System", "Exception").members(&[
        Entry("new()", |_| {
            Ok(make(
                "System",
                "Exception",
                "Exception of type 'System.Exception' was thrown.".into(),
            ))
        }),
        Entry("new(string message)", |c| Ok(make("System", "Exception", message(c)))),
        Entry("new(string message, Exception innerException)", |c| {
            Ok(make("System", "Exception", message(c)))
        }),
        Entry("string Message", |c| match &c.this {
            Value::Exception(exception) => Ok(Value::from(exception.message.as_str())),
            _ => Err(Exception::null_reference()),
        }),
        Entry("string StackTrace", |_| Ok(Value::from(""))),
        Entry("string Source", |_| Ok(Value::from(""))),
        Entry("Exception InnerException", |_| Ok(Value::Null)),
    ]),
    exception!("System", "SystemException", "Exception"),
    exception!("System", "ArgumentException", "SystemException"),
    exception!("System", "ArgumentNullException", "ArgumentException"),
    exception!("System", "ArgumentOutOfRangeException", "ArgumentException"),
    exception!("System", "ArithmeticException", "SystemException"),
    exception!("System", "DivideByZeroException", "ArithmeticException"),
    exception!("System", "OverflowException", "ArithmeticException"),
    exception!("System", "FormatException", "SystemException"),
    exception!("System", "IndexOutOfRangeException", "SystemException"),
    exception!("System", "InvalidCastException", "SystemException"),
    exception!("System", "InvalidOperationException", "SystemException"),
    exception!("System", "NotSupportedException", "SystemException"),
    exception!("System", "NullReferenceException", "SystemException"),
    exception!("System", "UriFormatException", "FormatException"),
    exception!("System.Collections.Generic", "KeyNotFoundException", "SystemException"),
    TypeDef::new("Newtonsoft.Json", "JsonException").bases(&["Exception"]).members(NEW),
    TypeDef::new("Newtonsoft.Json", "JsonReaderException").bases(&["JsonException"]).members(NEW),
    TypeDef::new("Newtonsoft.Json", "JsonSerializationException")
        .bases(&["JsonException"])
        .members(NEW),
];

fn make(namespace: &str, name: &str, message: String) -> Value {
    Value::Exception(Arc::new(Exception::new(format!("{namespace}.{name}"), message)))
}

fn message(c: &Call<'_, '_>) -> String {
    c.opt_str(0).unwrap_or_default().to_string()
}

/// The registered type of an exception; one the table lacks is an `Exception`.
pub(crate) fn exception_type(exception: &Exception) -> &'static str {
    let name = exception.type_name.rsplit('.').next().unwrap_or_default();
    find(name).map_or("Exception", |def| def.name)
}
