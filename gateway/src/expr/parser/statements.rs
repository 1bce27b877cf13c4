//! Statements of `@{ … }`.

use super::{Parsed, Parser};
use crate::expr::CompileError;
use crate::expr::ast::{Catch, Name, Section, Stmt, StmtKind, TypeRef};
use crate::expr::lexer::Token;

impl Parser<'_> {
    pub(super) fn statements_until_end(&mut self) -> Parsed<Vec<Stmt>> {
        let mut found = Vec::new();
        while self.token() != &Token::End {
            found.push(self.statement()?);
        }
        Ok(found)
    }

    /// `{ … }`.
    pub(super) fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.expect("{")?;
        let mut found = Vec::new();
        while !self.is_symbol("}") {
            if self.token() == &Token::End {
                return Err(self.unexpected("`}`"));
            }
            found.push(self.statement()?);
        }
        self.expect("}")?;
        Ok(found)
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        self.nested(Self::statement_inner)
    }

    fn statement_inner(&mut self) -> Parsed<Stmt> {
        let start = self.span().start;
        let kind = match self.token().clone() {
            Token::Symbol("{") => StmtKind::Block(self.block()?),
            Token::Symbol(";") => {
                self.at += 1;
                StmtKind::Empty
            }
            Token::Word(word) => match word.as_str() {
                "if" => self.if_statement()?,
                "while" => {
                    self.at += 1;
                    let condition = self.condition()?;
                    StmtKind::While(condition, Box::new(self.statement()?))
                }
                "do" => {
                    self.at += 1;
                    let body = Box::new(self.statement()?);
                    if !self.eat_word("while") {
                        return Err(self.unexpected("`while`"));
                    }
                    let condition = self.condition()?;
                    self.expect(";")?;
                    StmtKind::DoWhile(body, condition)
                }
                "for" => self.for_statement()?,
                "foreach" => self.foreach_statement()?,
                "switch" => self.switch_statement()?,
                "try" => self.try_statement()?,
                "using" => self.using_statement()?,
                "return" => {
                    self.at += 1;
                    let value = if self.is_symbol(";") { None } else { Some(self.expression()?) };
                    self.semicolon()?;
                    StmtKind::Return(value)
                }
                "throw" => {
                    self.at += 1;
                    let value = if self.is_symbol(";") { None } else { Some(self.expression()?) };
                    self.semicolon()?;
                    StmtKind::Throw(value)
                }
                "break" => {
                    self.at += 1;
                    self.semicolon()?;
                    StmtKind::Break
                }
                "continue" => {
                    self.at += 1;
                    self.semicolon()?;
                    StmtKind::Continue
                }
                "goto" | "lock" | "class" | "struct" | "enum" | "static" | "namespace" => {
                    return Err(CompileError::new(
                        self.span(),
                        format!("`{word}` is not supported in policy expressions here"),
                    ));
                }
                _ => self.simple_statement()?,
            },
            _ => self.simple_statement()?,
        };
        Ok(Stmt { kind, span: self.since(start) })
    }

    fn semicolon(&mut self) -> Parsed<()> {
        if self.eat(";") {
            return Ok(());
        }
        // Point behind what came before: the next line is not at fault.
        let before = self.since(0).end;
        let mut error = self.unexpected("`;`");
        error.span = before..before;
        Err(error)
    }

    fn simple_statement(&mut self) -> Parsed<StmtKind> {
        let kind = self.declaration_or_expression()?;
        self.semicolon()?;
        Ok(kind)
    }

    fn declaration_or_expression(&mut self) -> Parsed<StmtKind> {
        self.eat_word("const");
        if let Some((ty, first)) = self.declared_type_and_name(&["=", ";", ","]) {
            return self.locals(ty, first);
        }
        Ok(StmtKind::Expr(self.expression()?))
    }

    /// `T name` where one of the symbols follows. `var` gives no type.
    fn declared_type_and_name(&mut self, follow: &[&str]) -> Option<(Option<TypeRef>, Name)> {
        self.attempt(|parser| {
            let ty = parser.try_type()?;
            let name = parser.name().ok()?;
            let follows = follow.iter().any(|symbol| match *symbol {
                "in" => parser.is_word("in"),
                symbol => parser.is_symbol(symbol),
            });
            let ty = (ty.path != "var").then_some(ty);
            follows.then_some((ty, name))
        })
    }

    fn locals(&mut self, ty: Option<TypeRef>, first: Name) -> Parsed<StmtKind> {
        let mut variables = Vec::new();
        let mut name = first;
        loop {
            let value = if self.eat("=") {
                // `string[] x = { … }` has no `new`; it is rare and not taken.
                Some(self.expression()?)
            } else {
                None
            };
            variables.push((name, value));
            if !self.eat(",") {
                return Ok(StmtKind::Local(ty, variables));
            }
            name = self.name()?;
        }
    }

    fn condition(&mut self) -> Parsed<crate::expr::ast::Expr> {
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn if_statement(&mut self) -> Parsed<StmtKind> {
        let mut arms = Vec::new();
        loop {
            self.at += 1;
            let condition = self.condition()?;
            arms.push((condition, self.statement()?));
            if !self.eat_word("else") {
                return Ok(StmtKind::If(arms, None));
            }
            if !self.is_word("if") {
                return Ok(StmtKind::If(arms, Some(Box::new(self.statement()?))));
            }
        }
    }

    fn for_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        self.expect("(")?;
        let mut init = Vec::new();
        if !self.is_symbol(";") {
            loop {
                let start = self.span().start;
                let kind = self.declaration_or_expression()?;
                init.push(Stmt { kind, span: self.since(start) });
                if !self.eat(",") {
                    break;
                }
            }
        }
        self.expect(";")?;
        let condition = if self.is_symbol(";") { None } else { Some(self.expression()?) };
        self.expect(";")?;
        let mut step = Vec::new();
        while !self.is_symbol(")") {
            step.push(self.expression()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        let body = Box::new(self.statement()?);
        Ok(StmtKind::For { init, condition, step, body })
    }

    fn foreach_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        self.expect("(")?;
        let Some((ty, name)) = self.declared_type_and_name(&["in"]) else {
            return Err(self.unexpected("`var name in …`"));
        };
        self.at += 1;
        let source = self.expression()?;
        self.expect(")")?;
        let body = Box::new(self.statement()?);
        Ok(StmtKind::ForEach { ty, name, source, body })
    }

    fn using_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        self.expect("(")?;
        let start = self.span().start;
        let kind = self.declaration_or_expression()?;
        let resource = Stmt { kind, span: self.since(start) };
        self.expect(")")?;
        Ok(StmtKind::Using(Box::new(resource), Box::new(self.statement()?)))
    }

    fn try_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        let body = self.block()?;
        let mut catches = Vec::new();
        while self.eat_word("catch") {
            let (mut ty, mut name) = (None, None);
            if self.eat("(") {
                ty = Some(self.type_ref()?);
                if !self.is_symbol(")") {
                    name = Some(self.name()?);
                }
                self.expect(")")?;
            }
            let filter = if self.eat_word("when") { Some(self.condition()?) } else { None };
            catches.push(Catch { ty, name, filter, body: self.block()? });
        }
        let finally = if self.eat_word("finally") { Some(self.block()?) } else { None };
        if catches.is_empty() && finally.is_none() {
            return Err(self.unexpected("`catch` or `finally`"));
        }
        Ok(StmtKind::Try { body, catches, finally })
    }

    fn switch_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        let value = self.condition()?;
        self.expect("{")?;
        let mut sections = Vec::new();
        while !self.eat("}") {
            let start = self.span().start;
            let mut labels = Vec::new();
            loop {
                if self.eat_word("case") {
                    labels.push(Some(self.expression()?));
                } else if self.is_word("default") && matches!(self.peek(1), Token::Symbol(":")) {
                    self.at += 1;
                    labels.push(None);
                } else {
                    break;
                }
                self.expect(":")?;
            }
            if labels.is_empty() {
                return Err(self.unexpected("`case` or `default`"));
            }
            let mut body = Vec::new();
            while !(self.is_word("case")
                || self.is_symbol("}")
                || (self.is_word("default") && matches!(self.peek(1), Token::Symbol(":"))))
            {
                if self.token() == &Token::End {
                    return Err(self.unexpected("`}`"));
                }
                body.push(self.statement()?);
            }
            sections.push(Section { labels, body, span: self.since(start) });
        }
        Ok(StmtKind::Switch(value, sections))
    }
}
