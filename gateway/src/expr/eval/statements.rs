//! Statements.

use super::nodes::thrown;
use super::{Flow, Vm, convert};
use crate::expr::exception::Exception;
use crate::expr::ir::{Catch, Mode, Node, Stmt};
use crate::expr::value::Value;

impl Vm<'_> {
    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Result<Flow, Exception> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Stmt) -> Result<Flow, Exception> {
        self.charge(1)?;
        match statement {
            Stmt::Expr(node) => self.node(node).map(|_| Flow::Next),
            Stmt::Set(slot, node) => {
                let value = self.node(node)?;
                self.set(*slot, value);
                Ok(Flow::Next)
            }
            Stmt::Block(statements) => self.statements(statements),
            Stmt::If(arms, otherwise) => {
                for (condition, then) in arms {
                    if self.condition(condition)? {
                        return self.statement(then);
                    }
                }
                match otherwise {
                    Some(otherwise) => self.statement(otherwise),
                    None => Ok(Flow::Next),
                }
            }
            Stmt::Loop { init, test_first, condition, step, body } => {
                self.statements(init)?;
                let mut test = *test_first;
                loop {
                    if test
                        && let Some(condition) = condition
                        && !self.condition(condition)?
                    {
                        return Ok(Flow::Next);
                    }
                    test = true;
                    match self.statement(body)? {
                        Flow::Break => return Ok(Flow::Next),
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::Next | Flow::Continue => {}
                    }
                    for step in step {
                        self.node(step)?;
                    }
                }
            }
            Stmt::ForEach { slot, source, pairs, convert: to, body } => {
                let source = self.node(source)?;
                let items = if *pairs { self.pairs(&source)? } else { self.enumerate(&source)? };
                for item in items {
                    let item = match to {
                        Some(to) => convert(&item, to, Mode::Dynamic)?,
                        None => item,
                    };
                    self.set(*slot, item);
                    match self.statement(body)? {
                        Flow::Break => return Ok(Flow::Next),
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::Next | Flow::Continue => {}
                    }
                }
                Ok(Flow::Next)
            }
            Stmt::Return(None) => Ok(Flow::Return(Value::Null)),
            Stmt::Return(Some(node)) => self.node(node).map(Flow::Return),
            Stmt::Break => Ok(Flow::Break),
            Stmt::Continue => Ok(Flow::Continue),
            Stmt::Throw(Some(node)) => {
                let value = self.node(node)?;
                Err(thrown(&value))
            }
            Stmt::Throw(None) => {
                Err(self.handling.last().cloned().unwrap_or_else(Exception::null_reference))
            }
            Stmt::Try { body, catches, finally } => {
                let mut result = self.statements(body);
                if let Err(exception) = &result
                    && !exception.is_limit()
                {
                    let exception = exception.clone();
                    result = self.handle(catches, exception);
                }
                // A limit passes by `finally` as well.
                let limited = matches!(&result, Err(exception) if exception.is_limit());
                if let (Some(finally), false) = (finally, limited) {
                    match self.statements(finally)? {
                        Flow::Next => {}
                        other => return Ok(other),
                    }
                }
                result
            }
            Stmt::Switch(value, sections) => self.switch(value, sections),
        }
    }

    fn handle(&mut self, catches: &[Catch], exception: Exception) -> Result<Flow, Exception> {
        for catch in catches {
            if !exception.is_a(catch.ty) {
                continue;
            }
            if let Some(slot) = catch.slot {
                self.set(slot, Value::Exception(exception.clone().into()));
            }
            if let Some(filter) = &catch.filter
                && !self.condition(filter)?
            {
                continue;
            }
            self.handling.push(exception);
            let result = self.statements(&catch.body);
            self.handling.pop();
            return result;
        }
        Err(exception)
    }

    fn switch(
        &mut self,
        value: &Node,
        sections: &[(Vec<Option<Node>>, Vec<Stmt>)],
    ) -> Result<Flow, Exception> {
        let value = self.node(value)?;
        self.charge_read(&value)?;
        let mut chosen = None;
        'search: for (labels, body) in sections {
            for label in labels.iter().flatten() {
                if self.node(label)?.equals(&value) {
                    chosen = Some(body);
                    break 'search;
                }
            }
        }
        let default = || sections.iter().find(|(labels, _)| labels.iter().any(Option::is_none));
        let Some(body) = chosen.or_else(|| default().map(|(_, body)| body)) else {
            return Ok(Flow::Next);
        };
        match self.statements(body)? {
            Flow::Break => Ok(Flow::Next),
            other => Ok(other),
        }
    }
}
