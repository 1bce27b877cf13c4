//! The C# expression language of policy documents: `@( … )` and `@{ … }`.
//!
//! A library of its own: text in, compiled [`Expression`] out, evaluated
//! synchronously over a [`Context`]. It knows nothing of XML or of policies.

use std::ops::Range;

use crate::pipeline::context::Context;

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
    /// The .NET type's full name, as error messages print it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        "System.Object"
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
    reads: Reads,
}

/// Compiles `@( … )` or `@{ … }`, entities already decoded. All problems are
/// collected.
pub fn compile(text: &str) -> Result<Expression, Vec<CompileError>> {
    let _ = text;
    Ok(Expression { reads: Reads::default() })
}

/// The length in bytes of the expression at the start of `text` (which begins
/// with `@(` or `@{`), brackets included: where the document's scanner goes on.
/// `None` when the bracket is never closed.
#[must_use]
pub fn expression_end(text: &str) -> Option<usize> {
    let _ = text;
    None
}

impl Expression {
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
