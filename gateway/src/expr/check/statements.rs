//! Statements, and whether a path through them returns.

use super::expressions::default_of;
use super::{Checker, Typed};
use crate::expr::ast::{Expr, ExprKind, Name, Stmt, StmtKind, TypeRef};
use crate::expr::ir;
use crate::expr::ir::Node;
use crate::expr::library;
use crate::expr::types::Type;
use crate::expr::value::Value;

impl Checker {
    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Vec<ir::Stmt> {
        self.scoped(|checker| {
            statements.iter().map(|statement| checker.statement(statement)).collect()
        })
    }

    fn nested(&mut self, statement: &Stmt) -> ir::Stmt {
        self.scoped(|checker| checker.statement(statement))
    }

    fn body(&mut self, statement: &Stmt) -> Box<ir::Stmt> {
        self.loops += 1;
        let body = self.nested(statement);
        self.loops -= 1;
        Box::new(body)
    }

    fn statement(&mut self, statement: &Stmt) -> ir::Stmt {
        match &statement.kind {
            StmtKind::Empty => ir::Stmt::Block(Vec::new()),
            StmtKind::Block(inner) => ir::Stmt::Block(self.statements(inner)),
            StmtKind::Local(ty, variables) => self.locals(ty.as_ref(), variables),
            StmtKind::Expr(expr) => {
                let effect = matches!(
                    expr.kind,
                    ExprKind::Call(..)
                        | ExprKind::Assign(..)
                        | ExprKind::Step { .. }
                        | ExprKind::New(..)
                        | ExprKind::Conditional(..)
                );
                let value = self.expr(expr);
                if !effect {
                    self.error_with(
                        expr.span.clone(),
                        "this value is not used",
                        Some("a statement is a call, an assignment, `++` or `--`".into()),
                    );
                }
                ir::Stmt::Expr(value.node)
            }
            StmtKind::If(arms, otherwise) => {
                let arms = arms
                    .iter()
                    .map(|(condition, then)| {
                        let condition = self.condition(condition);
                        (condition, self.nested(then))
                    })
                    .collect();
                let otherwise =
                    otherwise.as_ref().map(|otherwise| Box::new(self.nested(otherwise)));
                ir::Stmt::If(arms, otherwise)
            }
            StmtKind::While(condition, body) => {
                let condition = Some(self.condition(condition));
                let body = self.body(body);
                ir::Stmt::Loop {
                    init: Vec::new(),
                    test_first: true,
                    condition,
                    step: Vec::new(),
                    body,
                }
            }
            StmtKind::DoWhile(body, condition) => {
                let body = self.body(body);
                let condition = Some(self.condition(condition));
                ir::Stmt::Loop {
                    init: Vec::new(),
                    test_first: false,
                    condition,
                    step: Vec::new(),
                    body,
                }
            }
            StmtKind::For { init, condition, step, body } => self.scoped(|checker| {
                let init = init.iter().map(|init| checker.statement(init)).collect();
                let condition = condition.as_ref().map(|condition| checker.condition(condition));
                let step = step.iter().map(|step| checker.expr(step).node).collect();
                let body = checker.body(body);
                ir::Stmt::Loop { init, test_first: true, condition, step, body }
            }),
            StmtKind::ForEach { ty, name, source, body } => {
                self.for_each(ty.as_ref(), name, source, body)
            }
            StmtKind::Return(value) => {
                let value = value.as_ref().map(|value| self.value(value));
                match &value {
                    Some(value) => self.returned(&value.ty.clone()),
                    None if self.functions.len() == 1 => {
                        self.error(statement.span.clone(), "`return` needs a value");
                    }
                    None => {}
                }
                ir::Stmt::Return(value.map(|value| value.node))
            }
            StmtKind::Break => {
                self.inside_loop(statement, "break");
                ir::Stmt::Break
            }
            StmtKind::Continue => {
                self.inside_loop(statement, "continue");
                ir::Stmt::Continue
            }
            StmtKind::Throw(value) => match value {
                Some(value) => {
                    let thrown = self.value(value);
                    let node = self.coerce(thrown, &Type::named("Exception"), &value.span);
                    ir::Stmt::Throw(Some(node))
                }
                None => {
                    if self.catches == 0 {
                        let message = "`throw` alone is for a `catch` block";
                        self.error(statement.span.clone(), message);
                    }
                    ir::Stmt::Throw(None)
                }
            },
            StmtKind::Try { body, catches, finally } => {
                let body = self.statements(body);
                let catches = catches.iter().map(|one| self.catch(one)).collect();
                let finally = finally.as_ref().map(|finally| self.statements(finally));
                ir::Stmt::Try { body, catches, finally }
            }
            StmtKind::Switch(value, sections) => self.switch(value, sections),
            StmtKind::Using(resource, body) => self.scoped(|checker| {
                let resource = checker.statement(resource);
                let body = checker.statement(body);
                ir::Stmt::Block(vec![resource, body])
            }),
        }
    }

    fn inside_loop(&mut self, statement: &Stmt, word: &str) {
        if self.loops == 0 {
            self.error(statement.span.clone(), format!("`{word}` stands in no loop"));
        }
    }

    fn locals(&mut self, ty: Option<&TypeRef>, variables: &[(Name, Option<Expr>)]) -> ir::Stmt {
        let declared = ty.map(|ty| self.resolve(ty));
        let mut statements = Vec::new();
        for (name, value) in variables {
            let typed = match (value, &declared) {
                (Some(value), Some(ty)) => Some((self.value_for(value, ty), value)),
                (Some(value), None) => Some((self.value(value), value)),
                (None, _) => None,
            };
            let (ty, node) = match (&declared, typed) {
                (Some(ty), Some((typed, value))) if !ty.is_unknown() => {
                    let unknown = typed.ty.is_unknown();
                    let node = self.coerce(typed, ty, &value.span);
                    let node = if unknown { Self::dynamic(node, ty) } else { node };
                    (ty.clone(), node)
                }
                (Some(ty), Some((typed, _))) => (ty.clone(), typed.node),
                (Some(ty), None) => (ty.clone(), Node::Constant(default_of(ty))),
                (None, Some((Typed { node, ty }, value))) => {
                    if ty == Type::Null {
                        self.error_with(
                            value.span.clone(),
                            "`var` cannot take its type from `null`",
                            Some("name the type: `string x = null;`".into()),
                        );
                    }
                    (ty, node)
                }
                (None, None) => {
                    self.error(name.span.clone(), "`var` needs a value to take its type from");
                    (Type::Unknown, Node::Constant(Value::Null))
                }
            };
            let slot = self.declare(name, ty);
            statements.push(ir::Stmt::Set(slot, node));
        }
        match (statements.pop(), statements.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                statements.push(last);
                ir::Stmt::Block(statements)
            }
            (None, _) => ir::Stmt::Block(Vec::new()),
        }
    }

    fn for_each(
        &mut self,
        ty: Option<&TypeRef>,
        name: &Name,
        source: &Expr,
        body: &Stmt,
    ) -> ir::Stmt {
        let value = self.value(source);
        // A JObject enumerates as pairs, a JToken that happens to be one as
        // properties.
        let pairs = value.ty.name() == "JObject";
        let element = if pairs {
            Some(Type::Of("KeyValuePair", vec![Type::STRING, Type::JTOKEN]))
        } else if value.ty.is_unknown() {
            Some(Type::Unknown)
        } else {
            library::element_of(&value.ty)
        };
        let element = element.unwrap_or_else(|| {
            self.error(source.span.clone(), format!("a `{}` has no items to go through", value.ty));
            Type::Unknown
        });
        let declared = ty.map(|ty| self.resolve(ty));
        self.scoped(|checker| {
            let convert = declared.clone().filter(|ty| *ty != element && !ty.is_unknown());
            if let Some(to) = &convert {
                // The loop variable is cast to its type, item by item.
                let item = Typed::new(ir::Node::Constant(Value::Null), element.clone());
                checker.cast(item, to, &name.span);
            }
            let slot = checker.declare(name, declared.unwrap_or(element));
            let body = checker.body(body);
            ir::Stmt::ForEach { slot, source: value.node, pairs, convert, body }
        })
    }

    fn catch(&mut self, one: &crate::expr::ast::Catch) -> ir::Catch {
        let ty = match &one.ty {
            Some(written) => {
                let ty = self.resolve(written);
                if !ty.is_unknown() && !library::derives(ty.name(), "Exception") {
                    self.error(written.span.clone(), format!("`{ty}` is no exception"));
                }
                ty
            }
            None => Type::named("Exception"),
        };
        self.catches += 1;
        let found = self.scoped(|checker| {
            let name = if ty.is_unknown() { "Exception" } else { ty.name() };
            let slot = one.name.as_ref().map(|name| checker.declare(name, ty.clone()));
            let filter = one.filter.as_ref().map(|filter| checker.condition(filter));
            let body = checker.statements(&one.body);
            ir::Catch { ty: name, slot, filter, body }
        });
        self.catches -= 1;
        found
    }

    fn switch(&mut self, value: &Expr, sections: &[crate::expr::ast::Section]) -> ir::Stmt {
        let typed = self.value(value);
        self.loops += 1;
        let mut found = Vec::new();
        for section in sections {
            let labels = section
                .labels
                .iter()
                .map(|label| {
                    label.as_ref().map(|label| {
                        let constant = self.value(label);
                        self.coerce(constant, &typed.ty, &label.span)
                    })
                })
                .collect();
            if !ends_all(&section.body) {
                self.error_with(
                    section.span.clone(),
                    "a `case` may not run on into the next",
                    Some("end it with `break;` or `return …;`".into()),
                );
            }
            found.push((labels, self.statements(&section.body)));
        }
        self.loops -= 1;
        ir::Stmt::Switch(typed.node, found)
    }
}

/// Whether control never reaches the end of these statements.
pub(super) fn ends_all(statements: &[Stmt]) -> bool {
    statements.iter().any(ends)
}

fn ends(statement: &Stmt) -> bool {
    match &statement.kind {
        StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Break | StmtKind::Continue => true,
        StmtKind::Block(inner) => ends_all(inner),
        StmtKind::If(arms, otherwise) => {
            arms.iter().all(|(_, then)| ends(then))
                && otherwise.as_ref().is_some_and(|otherwise| ends(otherwise))
        }
        StmtKind::While(condition, body) => is_true(condition) && !breaks(body),
        StmtKind::DoWhile(body, condition) => (ends(body) || is_true(condition)) && !breaks(body),
        StmtKind::For { condition, body, .. } => {
            condition.as_ref().is_none_or(is_true) && !breaks(body)
        }
        StmtKind::Try { body, catches, finally } => {
            finally.as_ref().is_some_and(|finally| ends_all(finally))
                || (ends_all(body) && catches.iter().all(|one| ends_all(&one.body)))
        }
        StmtKind::Switch(_, sections) => {
            sections.iter().any(|section| section.labels.iter().any(Option::is_none))
                && sections
                    .iter()
                    .all(|section| ends_all(&section.body) && !section.body.iter().any(breaks))
        }
        StmtKind::Using(_, body) => ends(body),
        _ => false,
    }
}

fn is_true(condition: &Expr) -> bool {
    matches!(condition.kind, ExprKind::Literal(Value::Bool(true)))
}

/// Whether a `break` in here leaves the statement around it.
fn breaks(statement: &Stmt) -> bool {
    match &statement.kind {
        StmtKind::Break => true,
        StmtKind::Block(inner) => inner.iter().any(breaks),
        StmtKind::If(arms, otherwise) => {
            arms.iter().any(|(_, then)| breaks(then))
                || otherwise.as_ref().is_some_and(|otherwise| breaks(otherwise))
        }
        StmtKind::Try { body, catches, finally } => {
            body.iter().any(breaks)
                || catches.iter().any(|one| one.body.iter().any(breaks))
                || finally.as_ref().is_some_and(|finally| finally.iter().any(breaks))
        }
        StmtKind::Using(_, body) => breaks(body),
        _ => false,
    }
}
