//! Expressions, by binding power.

use std::sync::Arc;

use super::{Parsed, Parser, RESERVED, TYPE_KEYWORDS};
use crate::expr::CompileError;
use crate::expr::ast::{
    Argument, ArgumentValue, BinaryOp, Expr, ExprKind, Initialiser, InitialiserTarget,
    InterpolatedPart, IsPattern, LambdaBody, Name, TypeRef, UnaryOp,
};
use crate::expr::lexer::{Part, Span, Token};
use crate::expr::value::Value;

/// Members, calls and indexers behind one operand.
const MAX_CHAIN: usize = 48;

/// Binding powers, weakest first.
mod power {
    pub(super) const ASSIGNMENT: u8 = 1;
    pub(super) const TERNARY: u8 = 2;
    pub(super) const COALESCE: u8 = 3;
    pub(super) const OR: u8 = 4;
    pub(super) const AND: u8 = 5;
    pub(super) const BIT_OR: u8 = 6;
    pub(super) const BIT_XOR: u8 = 7;
    pub(super) const BIT_AND: u8 = 8;
    pub(super) const EQUALITY: u8 = 9;
    pub(super) const RELATIONAL: u8 = 10;
    pub(super) const SHIFT: u8 = 11;
    pub(super) const ADDITIVE: u8 = 12;
    pub(super) const MULTIPLICATIVE: u8 = 13;
}

fn expr(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

impl Parser<'_> {
    pub(crate) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(|parser| parser.operators(power::ASSIGNMENT))
    }

    fn operators(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let Some((power, symbol)) = self.infix() else { return Ok(left) };
            if power < least {
                return Ok(left);
            }
            left = self.operator(left, power, symbol)?;
        }
    }

    /// The operator at the cursor and its binding power.
    fn infix(&self) -> Option<(u8, &'static str)> {
        let symbol = match self.token() {
            Token::Symbol(symbol) => *symbol,
            Token::Word(word) if word == "is" => return Some((power::RELATIONAL, "is")),
            Token::Word(word) if word == "as" => return Some((power::RELATIONAL, "as")),
            _ => return None,
        };
        let power = match symbol {
            "=" | "+=" | "-=" | "*=" | "/=" | "%=" | "&=" | "|=" | "^=" | "<<=" => {
                power::ASSIGNMENT
            }
            "?" => power::TERNARY,
            "??" => power::COALESCE,
            "||" => power::OR,
            "&&" => power::AND,
            "|" => power::BIT_OR,
            "^" => power::BIT_XOR,
            "&" => power::BIT_AND,
            "==" | "!=" => power::EQUALITY,
            ">" if self.is_shift_right() => return Some((power::SHIFT, ">>")),
            "<" | ">" | "<=" | ">=" => power::RELATIONAL,
            "<<" => power::SHIFT,
            "+" | "-" => power::ADDITIVE,
            "*" | "/" | "%" => power::MULTIPLICATIVE,
            _ => return None,
        };
        Some((power, symbol))
    }

    /// Two `>` without a blank between.
    fn is_shift_right(&self) -> bool {
        matches!(self.peek(1), Token::Symbol(">"))
            && self.lexemes.get(self.at + 1).is_some_and(|next| next.span.start == self.span().end)
    }

    fn operator(&mut self, left: Expr, power: u8, symbol: &'static str) -> Parsed<Expr> {
        let at = self.span();
        let start = left.span.start;
        self.at += if symbol == ">>" { 2 } else { 1 };
        let kind = match symbol {
            "is" => {
                let pattern = self.is_pattern()?;
                ExprKind::Is(Box::new(left), pattern)
            }
            "as" => ExprKind::As(Box::new(left), self.type_ref()?),
            "?" => {
                let then = self.expression()?;
                self.expect(":")?;
                let otherwise = self.nested(|parser| parser.operators(power::ASSIGNMENT))?;
                ExprKind::Ternary(Box::new(left), Box::new(then), Box::new(otherwise))
            }
            "??" => {
                let right = self.nested(|parser| parser.operators(power::COALESCE))?;
                ExprKind::Coalesce(Box::new(left), Box::new(right))
            }
            "&&" => ExprKind::And(self.logical(left, "&&", power::AND)?),
            "||" => ExprKind::Or(self.logical(left, "||", power::OR)?),
            _ if power == power::ASSIGNMENT => {
                let value = self.nested(|parser| parser.operators(power::ASSIGNMENT))?;
                let op = binary(symbol.trim_end_matches('='));
                ExprKind::Assign(op, Box::new(left), Box::new(value))
            }
            _ => {
                let Some(op) = binary(symbol) else { return Err(self.unexpected("an operator")) };
                let right = self.operators(power + 1)?;
                let mut rest = vec![(op, at, right)];
                while let Some((next, symbol)) = self.infix() {
                    let at = self.span();
                    let Some(op) = binary(symbol).filter(|_| next == power) else { break };
                    self.at += if symbol == ">>" { 2 } else { 1 };
                    rest.push((op, at, self.operators(power + 1)?));
                }
                ExprKind::Binary(Box::new(left), rest)
            }
        };
        Ok(expr(kind, self.since(start)))
    }

    fn logical(&mut self, first: Expr, symbol: &str, power: u8) -> Parsed<Vec<Expr>> {
        let mut operands = vec![first, self.operators(power + 1)?];
        while self.eat(symbol) {
            operands.push(self.operators(power + 1)?);
        }
        Ok(operands)
    }

    fn is_pattern(&mut self) -> Parsed<IsPattern> {
        let constant = matches!(self.token(), Token::Char(_) | Token::String(_))
            || self.token().is_number()
            || self.is_word("null")
            || self.is_word("true")
            || self.is_word("false")
            || self.is_symbol("-");
        if constant {
            return Ok(IsPattern::Constant(Box::new(self.unary()?)));
        }
        let ty = self.type_ref()?;
        let name = if self.is_name(0) { Some(self.name()?) } else { None };
        Ok(IsPattern::Type(ty, name))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.nested(Self::unary_inner)
    }

    fn unary_inner(&mut self) -> Parsed<Expr> {
        let start = self.span().start;
        let op = match self.token() {
            Token::Symbol("!") => UnaryOp::Not,
            Token::Symbol("-") => UnaryOp::Negate,
            Token::Symbol("+") => UnaryOp::Plus,
            Token::Symbol("~") => UnaryOp::Complement,
            Token::Symbol(symbol @ ("++" | "--")) => {
                let by = if *symbol == "++" { 1 } else { -1 };
                self.at += 1;
                let target = Box::new(self.unary()?);
                return Ok(expr(ExprKind::Step { target, by, prefix: true }, self.since(start)));
            }
            Token::Symbol("(") => {
                if let Some(ty) = self.cast() {
                    let value = Box::new(self.unary()?);
                    return Ok(expr(ExprKind::Cast(ty, value), self.since(start)));
                }
                return self.postfix();
            }
            Token::Word(word) if word == "throw" => {
                self.at += 1;
                let value = Box::new(self.expression()?);
                return Ok(expr(ExprKind::Throw(value), self.since(start)));
            }
            Token::Word(word) if word == "await" => {
                return Err(CompileError::new(
                    self.span(),
                    "`await` is not part of policy expressions",
                ));
            }
            _ => return self.postfix(),
        };
        self.at += 1;
        let operand = self.unary()?;
        // `-2147483648` is an int although `2147483648` is a long.
        if op == UnaryOp::Negate
            && let ExprKind::Literal(Value::UInt(2_147_483_648)) = operand.kind
        {
            return Ok(expr(ExprKind::Literal(Value::Int(i32::MIN)), self.since(start)));
        }
        Ok(expr(ExprKind::Unary(op, Box::new(operand)), self.since(start)))
    }

    /// `(T)` when what follows makes it a cast (C# 7 specification, 12.9.7).
    fn cast(&mut self) -> Option<TypeRef> {
        self.attempt(|parser| {
            parser.eat("(").then_some(())?;
            let keyword = matches!(parser.token(), Token::Word(word)
                if TYPE_KEYWORDS.contains(&word.as_str()));
            let ty = parser.try_type()?;
            parser.eat(")").then_some(())?;
            let operand = match parser.token() {
                Token::Word(word) => !matches!(word.as_str(), "is" | "as" | "in"),
                Token::Symbol(symbol) => {
                    matches!(*symbol, "(" | "!" | "~") || (keyword && matches!(*symbol, "-" | "+"))
                }
                Token::End => false,
                _ => true,
            };
            operand.then_some(ty)
        })
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let operand = self.primary()?;
        self.chain(operand)
    }

    /// Members, calls, indexers and `?.` behind an operand.
    fn chain(&mut self, mut left: Expr) -> Parsed<Expr> {
        let start = left.span.start;
        for _ in 0..MAX_CHAIN {
            let kind = match self.token() {
                Token::Symbol(".") => {
                    self.at += 1;
                    self.member(left)?
                }
                Token::Symbol("(") => {
                    let args = self.arguments("(", ")")?;
                    ExprKind::Call(Box::new(left), args)
                }
                Token::Symbol("[") => {
                    let args = self.arguments("[", "]")?;
                    ExprKind::Index(Box::new(left), args)
                }
                Token::Symbol("?.") => {
                    self.at += 1;
                    let receiver = expr(ExprKind::Receiver, left.span.clone());
                    let member = self.member(receiver)?;
                    let member = expr(member, self.since(start));
                    let rest = self.nested(|parser| parser.chain(member))?;
                    ExprKind::Conditional(Box::new(left), Box::new(rest))
                }
                Token::Symbol("?") if self.is_conditional_index() => {
                    self.at += 1;
                    let receiver = expr(ExprKind::Receiver, left.span.clone());
                    let args = self.arguments("[", "]")?;
                    let index = expr(ExprKind::Index(Box::new(receiver), args), self.since(start));
                    let rest = self.nested(|parser| parser.chain(index))?;
                    ExprKind::Conditional(Box::new(left), Box::new(rest))
                }
                Token::Symbol(symbol @ ("++" | "--")) => {
                    let by = if *symbol == "++" { 1 } else { -1 };
                    self.at += 1;
                    ExprKind::Step { target: Box::new(left), by, prefix: false }
                }
                _ => return Ok(left),
            };
            left = expr(kind, self.since(start));
        }
        Err(CompileError::new(left.span, "too many members in a row"))
    }

    /// `a?[0]`, not `a ? [` (no expression begins with a bracket).
    fn is_conditional_index(&self) -> bool {
        matches!(self.peek(1), Token::Symbol("["))
    }

    fn member(&mut self, target: Expr) -> Parsed<ExprKind> {
        let span = self.span();
        let text = match self.token() {
            Token::Word(word) => word.clone(),
            _ => return Err(self.unexpected("a member's name")),
        };
        self.at += 1;
        let args = self.generic_arguments();
        Ok(ExprKind::Member(Box::new(target), Name { text, span }, args))
    }

    /// `<T>` behind a name, where it cannot be a comparison (C# 7, 7.4.7).
    fn generic_arguments(&mut self) -> Vec<TypeRef> {
        let found = self.attempt(|parser| {
            let args = parser.try_type_args()?;
            let follows = match parser.token() {
                Token::Symbol(symbol) => matches!(
                    *symbol,
                    "(" | ")" | "]" | "}" | ":" | ";" | "," | "." | "?" | "==" | "!=" | "?."
                ),
                Token::End => true,
                _ => false,
            };
            follows.then_some(args)
        });
        found.unwrap_or_default()
    }

    fn arguments(&mut self, open: &str, close: &str) -> Parsed<Vec<Argument>> {
        self.expect(open)?;
        let mut args = Vec::new();
        while !self.is_symbol(close) {
            args.push(self.argument()?);
            if !self.eat(",") {
                break;
            }
        }
        match self.eat(close) {
            true => Ok(args),
            false => Err(self.unexpected(&format!("`,` or `{close}`"))),
        }
    }

    fn argument(&mut self) -> Parsed<Argument> {
        let start = self.span().start;
        let named = self.is_name(0)
            && matches!(self.peek(1), Token::Symbol(":"))
            && !matches!(self.peek(2), Token::Symbol(":"));
        let name = if named {
            let name = self.name()?;
            self.at += 1;
            Some(name)
        } else {
            None
        };
        let value = if self.eat_word("out") {
            let declared = self.attempt(|parser| {
                let ty = parser.try_type()?;
                let name = parser.name().ok()?;
                Some((ty, name))
            });
            match declared {
                Some((ty, name)) if ty.path == "var" => ArgumentValue::OutDeclare(None, name),
                Some((ty, name)) => ArgumentValue::OutDeclare(Some(ty), name),
                None if self.eat_word("_") => ArgumentValue::OutDiscard,
                None => ArgumentValue::Out(self.postfix()?),
            }
        } else {
            ArgumentValue::Expr(self.expression()?)
        };
        Ok(Argument { name, value, span: self.since(start) })
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let span = self.span();
        if let Some((params, body)) = self.lambda()? {
            return Ok(expr(ExprKind::Lambda(params, body), self.since(span.start)));
        }
        let literal = |value| expr(ExprKind::Literal(value), span.clone());
        match self.token().clone() {
            Token::Int(n) => {
                self.at += 1;
                Ok(literal(Value::Int(n)))
            }
            Token::UInt(n) => {
                self.at += 1;
                Ok(literal(Value::UInt(n)))
            }
            Token::Long(n) => {
                self.at += 1;
                Ok(literal(Value::Long(n)))
            }
            Token::ULong(n) => {
                self.at += 1;
                Ok(literal(Value::ULong(n)))
            }
            Token::Float(n) => {
                self.at += 1;
                Ok(literal(Value::Float(n)))
            }
            Token::Decimal(n) => {
                self.at += 1;
                Ok(literal(Value::Decimal(n)))
            }
            Token::Double(n) => {
                self.at += 1;
                Ok(literal(Value::Double(n)))
            }
            Token::Char(unit) => {
                self.at += 1;
                Ok(literal(Value::Char(unit)))
            }
            Token::String(text) => {
                self.at += 1;
                Ok(literal(Value::String(Arc::from(text))))
            }
            Token::Interpolated(parts) => {
                self.at += 1;
                let parts = self.interpolated(parts)?;
                Ok(expr(ExprKind::Interpolated(parts), span))
            }
            Token::Symbol("(") => {
                self.at += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                // Kept as its own node only by its span: precedence is in the tree.
                Ok(Expr { span: self.since(span.start), ..inner })
            }
            Token::Word(word) => self.word(&word, span),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn word(&mut self, word: &str, span: Span) -> Parsed<Expr> {
        let literal = |value| Ok(expr(ExprKind::Literal(value), span.clone()));
        match word {
            "true" | "false" => {
                self.at += 1;
                literal(Value::Bool(word == "true"))
            }
            "null" => {
                self.at += 1;
                literal(Value::Null)
            }
            "new" => {
                self.at += 1;
                let kind = self.creation()?;
                Ok(expr(kind, self.since(span.start)))
            }
            "default" => {
                self.at += 1;
                let ty = if self.eat("(") {
                    let ty = self.type_ref()?;
                    self.expect(")")?;
                    Some(ty)
                } else {
                    None
                };
                Ok(expr(ExprKind::Default(ty), self.since(span.start)))
            }
            "typeof" => {
                self.at += 1;
                self.expect("(")?;
                let ty = self.type_ref()?;
                self.expect(")")?;
                Ok(expr(ExprKind::TypeOf(ty), self.since(span.start)))
            }
            "nameof" if matches!(self.peek(1), Token::Symbol("(")) => {
                self.at += 2;
                let inner = self.expression()?;
                self.expect(")")?;
                let text = match inner.kind {
                    ExprKind::Name(name, _) | ExprKind::Member(_, name, _) => name.text,
                    _ => return Err(CompileError::new(inner.span, "`nameof` takes a name")),
                };
                Ok(expr(ExprKind::NameOf(text), self.since(span.start)))
            }
            _ if TYPE_KEYWORDS.contains(&word) => {
                self.at += 1;
                if !self.is_symbol(".") {
                    return Err(CompileError::new(
                        span,
                        format!("`{word}` is a type; a value was expected"),
                    ));
                }
                Ok(expr(ExprKind::Keyword(word.to_owned()), span))
            }
            _ if RESERVED.contains(&word) => Err(self.unexpected("a value")),
            _ => {
                let name = self.name()?;
                let args = self.generic_arguments();
                Ok(expr(ExprKind::Name(name, args), self.since(span.start)))
            }
        }
    }

    fn interpolated(&mut self, parts: Vec<Part>) -> Parsed<Vec<InterpolatedPart>> {
        let mut found = Vec::new();
        for part in parts {
            found.push(match part {
                Part::Text(text) => InterpolatedPart::Text(text),
                Part::Hole { span, alignment, format } => {
                    let mut inner = Parser::new(self.text, span.clone())?;
                    inner.nesting = self.nesting;
                    if inner.token() == &Token::End {
                        return Err(CompileError::new(span, "a hole `{}` needs a value"));
                    }
                    let value = inner.expression()?;
                    if inner.token() != &Token::End {
                        return Err(inner.unexpected("`}`"));
                    }
                    InterpolatedPart::Hole { value, alignment, format }
                }
            });
        }
        Ok(found)
    }

    /// `x => …`, `(x, y) => …`, `(string x) => …`, if one stands here.
    fn lambda(&mut self) -> Parsed<Option<(Vec<Name>, LambdaBody)>> {
        let params = self.attempt(|parser| {
            let mut params = Vec::new();
            if parser.is_name(0) && matches!(parser.peek(1), Token::Symbol("=>")) {
                params.push(parser.name().ok()?);
            } else if parser.eat("(") {
                while !parser.is_symbol(")") {
                    if !(parser.is_name(0) && matches!(parser.peek(1), Token::Symbol("," | ")"))) {
                        parser.try_type()?;
                    }
                    params.push(parser.name().ok()?);
                    if !parser.eat(",") {
                        break;
                    }
                }
                parser.eat(")").then_some(())?;
            } else {
                return None;
            }
            parser.eat("=>").then_some(params)
        });
        let Some(params) = params else { return Ok(None) };
        let body = if self.is_symbol("{") {
            LambdaBody::Block(self.nested(Self::block)?)
        } else {
            LambdaBody::Expr(Box::new(self.expression()?))
        };
        Ok(Some((params, body)))
    }

    /// Behind `new`.
    fn creation(&mut self) -> Parsed<ExprKind> {
        if self.is_symbol("[") && matches!(self.peek(1), Token::Symbol("]")) {
            self.at += 2;
            let items = Some(self.items()?);
            return Ok(ExprKind::NewArray { element: None, size: None, items });
        }
        if self.is_symbol("{") {
            return self.anonymous();
        }
        let Some(mut ty) = self.attempt(Self::try_type_without_rank) else {
            return Err(self.unexpected("a type"));
        };
        if self.is_symbol("[") {
            self.at += 1;
            let size = if self.is_symbol("]") { None } else { Some(Box::new(self.expression()?)) };
            self.expect("]")?;
            while self.is_symbol("[") && matches!(self.peek(1), Token::Symbol("]")) {
                self.at += 2;
                ty.rank += 1;
            }
            let items = if self.is_symbol("{") { Some(self.items()?) } else { None };
            if size.is_none() && items.is_none() {
                return Err(self.unexpected("the array's items in `{ … }`"));
            }
            return Ok(ExprKind::NewArray { element: Some(ty), size, items });
        }
        let args = match self.is_symbol("(") {
            true => self.arguments("(", ")")?,
            false if self.is_symbol("{") => Vec::new(),
            false => return Err(self.unexpected("`(`, `[` or `{`")),
        };
        let initialiser = if self.is_symbol("{") { Some(self.initialiser()?) } else { None };
        Ok(ExprKind::New(ty, args, initialiser))
    }

    fn items(&mut self) -> Parsed<Vec<Expr>> {
        self.expect("{")?;
        let mut items = Vec::new();
        while !self.is_symbol("}") {
            items.push(self.expression()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(items)
    }

    fn anonymous(&mut self) -> Parsed<ExprKind> {
        self.expect("{")?;
        let mut members = Vec::new();
        while !self.is_symbol("}") {
            if self.is_name(0) && matches!(self.peek(1), Token::Symbol("=")) {
                let name = self.name()?;
                self.at += 1;
                members.push((name, self.expression()?));
            } else {
                let value = self.expression()?;
                let name = match &value.kind {
                    ExprKind::Name(name, _) | ExprKind::Member(_, name, _) => name.clone(),
                    _ => {
                        return Err(CompileError::new(
                            value.span,
                            "a member of an anonymous type needs a name: `name = value`",
                        ));
                    }
                };
                members.push((name, value));
            }
            if !self.eat(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(ExprKind::Anonymous(members))
    }

    fn initialiser(&mut self) -> Parsed<Initialiser> {
        self.expect("{")?;
        let members =
            self.is_symbol("[") || (self.is_name(0) && matches!(self.peek(1), Token::Symbol("=")));
        let mut collection = Vec::new();
        let mut assigned = Vec::new();
        while !self.is_symbol("}") {
            let start = self.span().start;
            if members {
                let target = if self.eat("[") {
                    let index = self.expression()?;
                    self.expect("]")?;
                    InitialiserTarget::Index(index)
                } else {
                    InitialiserTarget::Member(self.name()?)
                };
                self.expect("=")?;
                assigned.push((target, self.expression()?));
            } else if self.is_symbol("{") {
                let items = self.items()?;
                collection.push((items, self.since(start)));
            } else {
                let item = self.expression()?;
                collection.push((vec![item], self.since(start)));
            }
            if !self.eat(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(if members {
            Initialiser::Members(assigned)
        } else {
            Initialiser::Collection(collection)
        })
    }
}

fn binary(symbol: &str) -> Option<BinaryOp> {
    Some(match symbol {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Remainder,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "&" => BinaryOp::BitAnd,
        "|" => BinaryOp::BitOr,
        "^" => BinaryOp::BitXor,
        "<<" => BinaryOp::ShiftLeft,
        ">>" => BinaryOp::ShiftRight,
        _ => return None,
    })
}
