//! Tokens to syntax tree: a Pratt parser with bounded nesting.
//!
//! `expressions` and `statements` hold the grammar; this file the cursor, the
//! types (needed everywhere, and with look-ahead) and the way in. It stops at
//! the first syntax error: what follows one is guesswork.

mod expressions;
mod statements;
#[cfg(test)]
mod tests;

use super::CompileError;
use super::ast::{Name, Program, TypeRef};
use super::lexer::{self, LexError, Lexeme, Span, Token};

/// Brackets, prefix operators and statements inside one another.
pub(crate) const MAX_NESTING: usize = 64;

/// Predefined types' keywords.
pub(crate) const TYPE_KEYWORDS: &[&str] = &[
    "bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "sbyte",
    "short", "string", "uint", "ulong", "ushort", "dynamic",
];

/// Words that are never a name.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "default",
    "do",
    "else",
    "enum",
    "false",
    "finally",
    "for",
    "foreach",
    "goto",
    "if",
    "in",
    "is",
    "lock",
    "namespace",
    "new",
    "null",
    "out",
    "params",
    "public",
    "private",
    "ref",
    "return",
    "sizeof",
    "static",
    "struct",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "using",
    "void",
    "while",
];

type Parsed<T> = Result<T, CompileError>;

/// Parses `@( … )` or `@{ … }`.
pub(crate) fn parse(text: &str) -> Parsed<Program> {
    let end = super::expression_end(text);
    let whole = text.trim_end();
    let closed = match end {
        Some(end) if end == whole.len() => end,
        Some(end) => {
            return Err(CompileError::new(
                end..whole.len(),
                "nothing may follow the expression's closing bracket",
            ));
        }
        None if text.starts_with("@(") || text.starts_with("@{") => return Err(unclosed(text)),
        None => {
            return Err(CompileError::new(
                0..whole.len(),
                "an expression is written `@( … )` or `@{ … }`",
            ));
        }
    };
    let inner = 2..closed - 1;
    let mut parser = Parser::new(text, inner)?;
    let program = if text.starts_with("@(") {
        if parser.token() == &Token::End {
            return Err(CompileError::new(0..closed, "the expression is empty"));
        }
        Program::Expression(parser.expression()?)
    } else {
        let block = parser.statements_until_end()?;
        Program::Block(block, 0..closed)
    };
    match parser.token() {
        Token::End => Ok(program),
        _ => Err(parser.unexpected("an operator or the expression's end")),
    }
}

/// Says what is not closed: a lexing error explains more than "no bracket".
fn unclosed(text: &str) -> CompileError {
    if let Err(LexError { span, message }) = lexer::lex(text, 2..text.len()) {
        return CompileError::new(span, message);
    }
    CompileError::new(0..2, "this bracket is never closed")
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    lexemes: Vec<Lexeme>,
    at: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, range: Span) -> Parsed<Self> {
        let lexemes = lexer::lex(text, range)
            .map_err(|LexError { span, message }| CompileError::new(span, message))?;
        Ok(Self { text, lexemes, at: 0, nesting: 0 })
    }

    pub(crate) fn token(&self) -> &Token {
        self.peek(0)
    }

    fn peek(&self, ahead: usize) -> &Token {
        self.lexemes.get(self.at + ahead).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn span(&self) -> Span {
        let last = self.lexemes.len().saturating_sub(1);
        self.lexemes.get(self.at.min(last)).map_or(0..0, |lexeme| lexeme.span.clone())
    }

    /// From `start` to the end of the token before the cursor.
    fn since(&self, start: usize) -> Span {
        let end = self.at.checked_sub(1).and_then(|at| self.lexemes.get(at));
        start..end.map_or(start, |lexeme| lexeme.span.end).max(start)
    }

    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        if self.at < self.lexemes.len() {
            self.at += 1;
        }
        token
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.token(), Token::Symbol(found) if *found == symbol)
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.token(), Token::Word(found) if found == word)
    }

    pub(crate) fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.at += 1;
        }
        found
    }

    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    pub(crate) fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    pub(crate) fn unexpected(&self, expected: &str) -> CompileError {
        let found = match self.token() {
            Token::End => "the expression ends".to_owned(),
            Token::Word(word) => format!("found `{word}`"),
            Token::Symbol(symbol) => format!("found `{symbol}`"),
            Token::Char(_) | Token::String(_) | Token::Interpolated(_) => "found a text".to_owned(),
            _ => "found a number".to_owned(),
        };
        CompileError::new(self.span(), format!("expected {expected}, {found}"))
    }

    fn is_name(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), Token::Word(word)
            if !RESERVED.contains(&word.as_str()) && !TYPE_KEYWORDS.contains(&word.as_str()))
    }

    pub(crate) fn name(&mut self) -> Parsed<Name> {
        if !self.is_name(0) {
            return Err(self.unexpected("a name"));
        }
        let span = self.span();
        match self.advance() {
            Token::Word(text) => Ok(Name { text, span }),
            _ => Err(self.unexpected("a name")),
        }
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting == MAX_NESTING {
            return Err(CompileError::new(self.span(), "the expression is nested too deeply"));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// Tries a parse; on failure the cursor stays.
    fn attempt<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let (at, nesting) = (self.at, self.nesting);
        let result = parse(self);
        if result.is_none() {
            self.at = at;
            self.nesting = nesting;
        }
        result
    }

    /// A type that must stand here.
    pub(crate) fn type_ref(&mut self) -> Parsed<TypeRef> {
        match self.attempt(Self::try_type) {
            Some(found) => Ok(found),
            None => Err(self.unexpected("a type")),
        }
    }

    /// A type, if one stands here: `A.B<C, D>?[]`.
    fn try_type(&mut self) -> Option<TypeRef> {
        let mut found = self.try_type_without_rank()?;
        while self.is_symbol("[") && matches!(self.peek(1), Token::Symbol("]")) {
            self.at += 2;
            found.rank += 1;
        }
        found.span = self.since(found.span.start);
        Some(found)
    }

    /// The same without `[]`: what stands behind `new`.
    fn try_type_without_rank(&mut self) -> Option<TypeRef> {
        if self.nesting == MAX_NESTING {
            return None;
        }
        self.nesting += 1;
        let start = self.span().start;
        let mut path = match self.advance() {
            Token::Word(word) if !RESERVED.contains(&word.as_str()) => word,
            _ => return None,
        };
        let mut args = Vec::new();
        if !TYPE_KEYWORDS.contains(&path.as_str()) {
            while self.is_symbol(".") && self.is_name(1) {
                self.at += 1;
                if let Token::Word(word) = self.advance() {
                    path.push('.');
                    path.push_str(&word);
                }
            }
            if self.is_symbol("<") {
                args = self.try_type_args()?;
            }
        }
        self.nesting -= 1;
        // `a is T ? b : c` and `(x as T?)`: a `?` is the type's only where a
        // value cannot follow.
        let nullable = self.is_symbol("?") && !self.value_follows(1);
        if nullable {
            self.at += 1;
        }
        Some(TypeRef { path, args, nullable, rank: 0, span: self.since(start) })
    }

    fn try_type_args(&mut self) -> Option<Vec<TypeRef>> {
        if !self.eat("<") {
            return None;
        }
        let mut args = vec![self.try_type()?];
        while self.eat(",") {
            args.push(self.try_type()?);
        }
        self.eat(">").then_some(args)
    }

    /// Whether the token `ahead` begins an operand. A word behind `T?` may be a
    /// declared name (`int? x = …`): then `=`, `;` or `)` follows it.
    fn value_follows(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            Token::Word(word) if matches!(word.as_str(), "is" | "as" | "in") => false,
            Token::Word(_) => {
                !(self.is_name(ahead)
                    && matches!(self.peek(ahead + 1), Token::Symbol("=" | ";" | ",") | Token::End))
            }
            Token::Symbol(symbol) => matches!(*symbol, "(" | "!" | "~" | "-" | "+"),
            Token::End => false,
            _ => true,
        }
    }
}
