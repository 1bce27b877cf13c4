//! The evaluator: walks a checked program over numbered slots.
//!
//! Bounded: every node, loop turn and produced byte costs steps of one budget,
//! (`cost`) so an endless loop or a text doubled again and again ends with an exception
//! no `catch` sees. Depth is bounded by the checker.

mod calls;
mod convert;
mod cost;
mod nodes;
mod operators;
mod statements;

pub(crate) use convert::{
    bad_date, bad_guid, change_type, convert, is_instance, parse_bool, to_token,
};
pub(crate) use nodes::{align, array_of, format_as};
pub(crate) use operators::{compare_texts, compare_values, date_range};

use super::Style;
use super::check::Checked;
use super::exception::Exception;
use super::ir::{Lambda, LambdaBody, Program};
use super::value::Value;
use crate::pipeline::context::Context;

/// Steps one evaluation may take.
const MAX_STEPS: u64 = 1_000_000;
/// UTF-8 bytes in one text.
pub(crate) const MAX_TEXT: usize = 16 << 20;
/// Bytes produced per step.
const BYTES_A_STEP: usize = 256;
/// Lambdas calling lambdas.
const MAX_CALLS: usize = 32;

/// How a statement ended.
enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

/// One evaluation.
pub(crate) struct Vm<'c> {
    pub(crate) context: &'c mut Context,
    pub(crate) style: Style,
    slots: Vec<Value>,
    steps: u64,
    calls: usize,
    /// Exceptions being handled, for `throw;`.
    handling: Vec<Exception>,
    /// Regular expressions made so far.
    pub(crate) patterns: Vec<std::sync::Arc<super::library::regex::RegexValue>>,
}

/// Runs a program.
pub(crate) fn run(
    checked: &Checked,
    style: Style,
    context: &mut Context,
) -> Result<Value, Exception> {
    let mut vm = Vm {
        context,
        style,
        slots: vec![Value::Null; checked.slots],
        steps: 0,
        calls: 0,
        handling: Vec::new(),
        patterns: Vec::new(),
    };
    match &checked.program {
        Program::Expression(node) => vm.node(node),
        Program::Block(statements) => match vm.statements(statements)? {
            Flow::Return(value) => Ok(value),
            _ => Ok(Value::Null),
        },
    }
}

impl Vm<'_> {
    /// Pays for work.
    pub(crate) fn charge(&mut self, steps: usize) -> Result<(), Exception> {
        self.steps = self.steps.saturating_add(steps as u64);
        if MAX_STEPS < self.steps {
            return Err(Exception::limit(format_args!("{MAX_STEPS} steps")));
        }
        Ok(())
    }

    /// Pays for a text and makes it a value.
    pub(crate) fn text(&mut self, text: String) -> Result<Value, Exception> {
        if MAX_TEXT < text.len() {
            return Err(Exception::limit(format_args!("{MAX_TEXT} bytes in a text")));
        }
        self.charge(text.len() / BYTES_A_STEP)?;
        Ok(Value::from(text))
    }

    /// Pays for items.
    pub(crate) fn items(&mut self, count: usize) -> Result<(), Exception> {
        if super::collection::MAX_ITEMS < count {
            return Err(Exception::limit(format_args!(
                "{} items in a collection",
                super::collection::MAX_ITEMS
            )));
        }
        self.charge(count / 4)
    }

    /// `ToString()` as this gateway does it.
    pub(crate) fn to_text(&self, value: &Value) -> String {
        value.to_text_with(self.style)
    }

    /// Calls a function value.
    pub(crate) fn invoke(&mut self, function: &Value, args: &[Value]) -> Result<Value, Exception> {
        match function {
            Value::Lambda(lambda) => {
                let lambda = std::sync::Arc::clone(&lambda.0);
                self.call_lambda(&lambda, args)
            }
            Value::Null => Err(Exception::argument_null("predicate")),
            other => Err(Exception::invalid_cast(&other.type_name(), "System.Func")),
        }
    }

    fn call_lambda(&mut self, lambda: &Lambda, args: &[Value]) -> Result<Value, Exception> {
        if self.calls == MAX_CALLS {
            return Err(Exception::limit(format_args!("{MAX_CALLS} nested calls")));
        }
        self.calls += 1;
        let saved: Vec<Value> =
            self.slots.get(lambda.slots.clone()).map(<[Value]>::to_vec).unwrap_or_default();
        for (slot, arg) in lambda.params.iter().zip(args) {
            self.set(*slot, arg.clone());
        }
        let result = match &lambda.body {
            LambdaBody::Node(node) => self.node(node),
            LambdaBody::Block(statements) => self.statements(statements).map(|flow| match flow {
                Flow::Return(value) => value,
                _ => Value::Null,
            }),
        };
        if let Some(slots) = self.slots.get_mut(lambda.slots.clone()) {
            slots.clone_from_slice(&saved);
        }
        self.calls -= 1;
        result
    }

    fn get(&self, slot: usize) -> Value {
        self.slots.get(slot).cloned().unwrap_or(Value::Null)
    }

    fn set(&mut self, slot: usize, value: Value) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value;
        }
    }
}
