//! .NET exceptions: what an expression raises, and what `catch` tells apart.
//!
//! Texts are those of the .NET Framework, which the classic gateways run on:
//! policies and traces quote them.

use std::fmt;

/// A .NET exception raised by an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Full type name: `System.InvalidCastException`.
    pub type_name: String,
    /// `Exception.Message`.
    pub message: String,
}

/// The type of exceptions that mean "this engine's bound was reached". No
/// `catch` sees them: a document must not run on past its budget.
const LIMIT: &str = "Gateway.ExpressionLimitException";

impl Exception {
    /// An exception by full type name and message.
    #[must_use]
    pub fn new(type_name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { type_name: type_name.into(), message: message.into() }
    }

    /// A bound of this engine was reached.
    pub(crate) fn limit(what: impl fmt::Display) -> Self {
        Self::new(LIMIT, format!("The expression exceeded its limit of {what}."))
    }

    pub(crate) fn is_limit(&self) -> bool {
        self.type_name == LIMIT
    }

    /// Something the checker should have prevented, or a part the engine lacks.
    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::new("System.NotSupportedException", what)
    }

    pub(crate) fn null_reference() -> Self {
        Self::new(
            "System.NullReferenceException",
            "Object reference not set to an instance of an object.",
        )
    }

    pub(crate) fn invalid_cast(from: &str, to: &str) -> Self {
        Self::new(
            "System.InvalidCastException",
            format!("Unable to cast object of type '{from}' to type '{to}'."),
        )
    }

    pub(crate) fn format(message: impl Into<String>) -> Self {
        Self::new("System.FormatException", message)
    }

    pub(crate) fn input_string() -> Self {
        Self::format("Input string was not in a correct format.")
    }

    pub(crate) fn key_not_found() -> Self {
        Self::new(
            "System.Collections.Generic.KeyNotFoundException",
            "The given key was not present in the dictionary.",
        )
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new("System.ArgumentException", message)
    }

    pub(crate) fn argument_null(parameter: &str) -> Self {
        Self::new(
            "System.ArgumentNullException",
            format!("Value cannot be null.\r\nParameter name: {parameter}"),
        )
    }

    pub(crate) fn out_of_range(message: &str, parameter: &str) -> Self {
        Self::new(
            "System.ArgumentOutOfRangeException",
            format!("{message}\r\nParameter name: {parameter}"),
        )
    }

    pub(crate) fn index_out_of_range() -> Self {
        Self::new("System.IndexOutOfRangeException", "Index was outside the bounds of the array.")
    }

    pub(crate) fn list_index() -> Self {
        Self::out_of_range(
            "Index was out of range. Must be non-negative and less than the size of the collection.",
            "index",
        )
    }

    pub(crate) fn invalid_operation(message: impl Into<String>) -> Self {
        Self::new("System.InvalidOperationException", message)
    }

    pub(crate) fn divide_by_zero() -> Self {
        Self::new("System.DivideByZeroException", "Attempted to divide by zero.")
    }

    pub(crate) fn overflow(message: impl Into<String>) -> Self {
        Self::new("System.OverflowException", message)
    }

    pub(crate) fn json_reader(message: impl Into<String>) -> Self {
        Self::new("Newtonsoft.Json.JsonReaderException", message)
    }

    /// Whether `catch (name)` takes it; `name` without its namespace.
    pub(crate) fn is_a(&self, name: &str) -> bool {
        let mut own = self.type_name.rsplit('.').next().unwrap_or_default();
        loop {
            if own == name {
                return true;
            }
            own = match base(own) {
                Some(base) => base,
                None => return name == "Object",
            };
        }
    }
}

/// The base class of an exception type. One unknown derives from `Exception`.
fn base(name: &str) -> Option<&'static str> {
    Some(match name {
        "Exception" => return None,
        "ArgumentNullException" | "ArgumentOutOfRangeException" => "ArgumentException",
        "ArgumentException"
        | "ArithmeticException"
        | "FormatException"
        | "IndexOutOfRangeException"
        | "InvalidCastException"
        | "InvalidOperationException"
        | "KeyNotFoundException"
        | "NotSupportedException"
        | "NullReferenceException" => "SystemException",
        "DivideByZeroException" | "OverflowException" => "ArithmeticException",
        "JsonReaderException" | "JsonSerializationException" => "JsonException",
        "UriFormatException" => "FormatException",
        _ => "Exception",
    })
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.type_name, self.message)
    }
}

impl std::error::Error for Exception {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catches_by_base_class() {
        let error = Exception::argument_null("source");
        for name in ["ArgumentNullException", "ArgumentException", "SystemException", "Exception"] {
            assert!(error.is_a(name), "{name}");
        }
        assert!(!error.is_a("FormatException"));
        assert!(Exception::json_reader("x").is_a("JsonException"));
    }
}
