//! The C# expression language of policy documents: `@( … )` and `@{ … }`.
//!
//! A library of its own: text in, compiled [`Expression`] out, evaluated
//! synchronously over a [`Context`]. It knows nothing of XML or of policies.

use std::ops::Range;

use bytes::Bytes;

use crate::pipeline::context::Context;

mod scan;

pub use scan::expression_end;

/// A value of the expression language. (Contract stub: `expr` owns it.)
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `System.Boolean`.
    Bool(bool),
    /// `System.Int32`.
    Int(i32),
    /// `System.String`.
    String(std::sync::Arc<str>),
}

impl Value {
    /// `ToString()` as attributes and text need it: null is empty, booleans
    /// `True`/`False`, JSON indented (specification 5.2).
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Value::Null => String::new(),
            Value::Bool(true) => "True".into(),
            Value::Bool(false) => "False".into(),
            Value::Int(n) => n.to_string(),
            Value::String(text) => text.to_string(),
        }
    }
    /// A condition: a bool, or a string `true`/`false` in any case.
    #[must_use]
    pub fn to_condition(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }
    /// An integer attribute: an integer, a double without fraction, a numeric string.
    #[must_use]
    pub fn to_integer(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(i64::from(*n)),
            Value::String(s) => s.trim().parse().ok(),
            _ => None,
        }
    }
    /// A copy that shares nothing with this value: for the cache's border.
    #[must_use]
    pub fn deep_copy(&self) -> Value {
        self.clone()
    }
    /// What a `set-body` writes: a string's UTF-8, a byte array as it is, JSON
    /// text, nothing for null.
    #[must_use]
    pub fn to_body_bytes(&self) -> Bytes {
        Bytes::from(self.to_text())
    }
    /// A literal attribute's value: always a string.
    #[must_use]
    pub fn from_literal(text: &str) -> Value {
        Value::String(text.into())
    }
    /// Whether a `set-variable` may hold it (specification 4.1).
    #[must_use]
    pub fn is_storable(&self) -> bool {
        true
    }
    /// The .NET type's full name, as error messages print it.
    #[must_use]
    pub fn type_name(&self) -> String {
        "System.Object".into()
    }
}

/// A .NET exception raised by an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Full type name: `System.InvalidCastException`.
    pub type_name: String,
    /// `Exception.Message`.
    pub message: String,
}

/// A problem found while compiling, with its byte range in the given text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// Byte range within the text given to [`compile`].
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// Which bodies an expression may read, found at compile time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    /// `context.Request.Body`.
    pub request_body: bool,
    /// `context.Response.Body`.
    pub response_body: bool,
}

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: String,
    reads: Reads,
}

/// Compiles `@( … )` or `@{ … }`, entities already decoded. All problems are
/// collected.
pub fn compile(text: &str) -> Result<Expression, Vec<CompileError>> {
    Ok(Expression { text: text.to_owned(), reads: Reads::default() })
}

impl Expression {
    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The static type of its result in C# words: `string`, `object`, `JArray`.
    #[must_use]
    pub fn result_type(&self) -> String {
        "object".into()
    }

    /// Which bodies must be complete before [`Expression::evaluate`].
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// Runs it. Bounded in steps, depth and memory.
    pub fn evaluate(&self, context: &mut Context) -> Result<Value, Exception> {
        let _ = context;
        Ok(Value::Null)
    }
}
