//! The C# expression language of policy documents: `@( … )` and `@{ … }`.
//!
//! A library of its own: text in, compiled [`Expression`] out, evaluated
//! synchronously over a [`Context`]. It knows nothing of XML or of policies.
//!
//! The way of an expression: `scan` finds its end in a document, `lexer`
//! and `parser` make a syntax tree (`ast`), `check` resolves names and
//! types against the `library` into a program (`ir`), `eval` runs it over
//! [`Value`]s. `library` is the .NET surface: one file per type, one table for
//! checker and evaluator. `json`, `dates`, `numbers` and `collection` are the
//! data behind it and know nothing of the language.

mod ast;
mod check;
mod collection;
pub(crate) mod dates;
mod decimal;
mod eval;
mod exception;
mod ir;
mod json;
mod lexer;
mod library;
mod numbers;
mod numeric;
mod parser;
mod scan;
#[cfg(test)]
mod tests;
mod types;
mod value;
mod xml;

use std::ops::Range;

use crate::pipeline::context::Context;

pub use exception::Exception;
pub use json::Newline;
pub(crate) use library::page as expressions_page;
pub use scan::expression_end;
pub use value::Value;

/// A problem found while compiling, with its byte range in the given text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// Byte range within the text given to [`compile`].
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// What kind of thing it is about: `syntax`, `type`, `member`.
    pub subject: Option<&'static str>,
}

impl CompileError {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None, subject: None }
    }

    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(crate) fn about(self, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..self }
    }
}

/// Which bodies an expression may read, found at compile time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    /// `context.Request.Body`.
    pub request_body: bool,
    /// `context.Response.Body`.
    pub response_body: bool,
}

/// How dates and numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Culture {
    /// `01/31/2026 15:04:05`.
    #[default]
    Invariant,
    /// `1/31/2026 3:04:05 PM`.
    EnUs,
}

/// How texts are written, where gateways differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// The line end of indented JSON and of `AppendLine`.
    pub newline: Newline,
    /// How dates and numbers are written.
    pub culture: Culture,
}

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: String,
    style: Style,
    checked: check::Checked,
}

/// Compiles `@( … )` or `@{ … }`, entities already decoded, for a classic
/// gateway. All problems are collected, but for syntax errors: the first one
/// ends it.
pub fn compile(text: &str) -> Result<Expression, Vec<CompileError>> {
    compile_with(text, Style::default())
}

/// The same for another generation of gateway.
pub fn compile_with(text: &str, style: Style) -> Result<Expression, Vec<CompileError>> {
    let program = parser::parse(text).map_err(|error| vec![error.about("syntax")])?;
    let checked = check::check(&program)?;
    Ok(Expression { text: text.to_owned(), style, checked })
}

impl Expression {
    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The static type of its result in C# words: `string`, `object`, `JArray`;
    /// `dynamic` when it is not known.
    #[must_use]
    pub fn result_type(&self) -> String {
        self.checked.ty.to_string()
    }

    /// What compiles but is hardly meant: comparisons of references (W003).
    #[must_use]
    pub fn warnings(&self) -> &[CompileError] {
        &self.checked.warnings
    }

    /// How it writes texts.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style
    }

    /// Which bodies must be complete before [`Expression::evaluate`].
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.checked.reads
    }

    /// Runs it. Bounded in steps, depth and memory.
    pub fn evaluate(&self, context: &mut Context) -> Result<Value, Exception> {
        eval::run(&self.checked, self.style, context)
    }
}
