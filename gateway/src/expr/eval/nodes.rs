//! Expressions.

use std::sync::Arc;

use super::{Vm, convert, is_instance};
use crate::expr::Style;
use crate::expr::ast::BinaryOp;
use crate::expr::check::default_of;
use crate::expr::collection::Collection;
use crate::expr::dates::TimeSpan;
use crate::expr::exception::Exception;
use crate::expr::ir::{Assign, Mode, Node, Piece, Step};
use crate::expr::library;
use crate::expr::numbers::Number;
use crate::expr::types::Type;
use crate::expr::value::{LambdaValue, Value};

impl Vm<'_> {
    pub(crate) fn node(&mut self, node: &Node) -> Result<Value, Exception> {
        self.charge(1)?;
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Slot(slot) => Ok(self.get(*slot)),
            Node::Call(call) => self.call(call),
            Node::CallByName(call) => self.call_by_name(call),
            Node::Binary(first, rest) => self.binary(first, rest),
            Node::And(operands) => {
                for operand in operands {
                    if !self.condition(operand)? {
                        return Ok(Value::Bool(false));
                    }
                }
                Ok(Value::Bool(true))
            }
            Node::Or(operands) => {
                for operand in operands {
                    if self.condition(operand)? {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            Node::Not(operand) => Ok(Value::Bool(!self.condition(operand)?)),
            Node::Negate(operand) => negate(&self.node(operand)?),
            Node::Complement(operand) => match self.node(operand)? {
                Value::Null => Ok(Value::Null),
                other => match other.as_number() {
                    Some(Number::Int(n)) => Ok(Value::Int(!n)),
                    Some(Number::UInt(n)) => Ok(Value::UInt(!n)),
                    Some(Number::Long(n)) => Ok(Value::Long(!n)),
                    Some(Number::ULong(n)) => Ok(Value::ULong(!n)),
                    _ => Err(Exception::invalid_cast(&other.type_name(), "System.Int32")),
                },
            },
            Node::Coalesce(left, right) => match self.node(left)? {
                Value::Null => self.node(right),
                value => Ok(value),
            },
            Node::Ternary(parts) => {
                let (condition, then, otherwise) = &**parts;
                if self.condition(condition)? { self.node(then) } else { self.node(otherwise) }
            }
            Node::Convert(value, to, mode) => {
                let value = self.node(value)?;
                self.charge_read(&value)?;
                let converted = convert(&value, to, *mode)?;
                if let (Value::Collection(_), Value::Json(node)) = (&value, &converted) {
                    self.charge_tokens(node)?;
                }
                Ok(converted)
            }
            Node::Is(value, ty, slot) => {
                let value = self.node(value)?;
                let found = is_instance(&value, ty);
                if let (true, Some(slot)) = (found, slot) {
                    self.set(*slot, value);
                }
                Ok(Value::Bool(found))
            }
            Node::As(value, ty) => {
                let value = self.node(value)?;
                Ok(if is_instance(&value, ty) { value } else { Value::Null })
            }
            Node::Conditional(receiver, slot, rest) => match self.node(receiver)? {
                Value::Null => Ok(Value::Null),
                value => {
                    self.set(*slot, value);
                    self.node(rest)
                }
            },
            Node::Assign(assign) => self.assign(assign),
            Node::Step(step) => self.step(step),
            Node::Interpolated(pieces) => self.interpolated(pieces),
            Node::Array(element, items) => {
                let items: Vec<Value> =
                    items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?;
                Ok(array_of(element, items))
            }
            Node::SizedArray(element, size) => self.sized_array(element, size),
            Node::Anonymous(members) => self.anonymous(members),
            Node::Initialise(value, slot, effects) => {
                let value = self.node(value)?;
                // Inner initialisers of a recursive lambda use other slots.
                self.set(*slot, value.clone());
                for effect in effects {
                    self.node(effect)?;
                }
                Ok(value)
            }
            Node::Lambda(lambda) => Ok(Value::Lambda(LambdaValue(Arc::clone(lambda)))),
            Node::Throw(value) => {
                let value = self.node(value)?;
                Err(thrown(&value))
            }
        }
    }

    pub(super) fn condition(&mut self, node: &Node) -> Result<bool, Exception> {
        match self.node(node)? {
            Value::Bool(condition) => Ok(condition),
            Value::Null => Err(Exception::null_reference()),
            other => Err(Exception::invalid_cast(&other.type_name(), "System.Boolean")),
        }
    }

    fn binary(
        &mut self,
        first: &Node,
        rest: &[(BinaryOp, bool, Node)],
    ) -> Result<Value, Exception> {
        let mut left = self.node(first)?;
        for (op, reference, right) in rest {
            self.charge(1)?;
            let right = self.node(right)?;
            left = if *reference {
                let same = left.same_reference(&right);
                Value::Bool(same == (*op == BinaryOp::Equal))
            } else {
                self.charge_read(&left)?;
                self.charge_read(&right)?;
                self.operate(*op, &left, &right)?
            };
        }
        Ok(left)
    }

    fn sized_array(&mut self, element: &Type, size: &Node) -> Result<Value, Exception> {
        let size = self.node(size)?;
        let Some(count) = size.to_integer().and_then(|n| usize::try_from(n).ok()) else {
            return Err(Exception::overflow("Arithmetic operation resulted in an overflow."));
        };
        self.items(count)?;
        if element.name() == "Byte" {
            return Ok(Value::Bytes(vec![0; count].into()));
        }
        Ok(Collection::array(element.clone(), vec![default_of(element); count]))
    }

    fn anonymous(&mut self, members: &[(Arc<str>, Node)]) -> Result<Value, Exception> {
        let mut values = Vec::with_capacity(members.len());
        for (name, value) in members {
            values.push((Arc::clone(name), self.node(value)?));
        }
        Ok(Collection::anonymous(values))
    }

    fn assign(&mut self, assign: &Assign) -> Result<Value, Exception> {
        let Assign { place, op, value, ty } = assign;
        let place = self.locate(place)?;
        let value = match op {
            None => self.node(value)?,
            Some(op) => {
                let old = self.read(&place)?;
                let value = self.node(value)?;
                let result = self.operate(*op, &old, &value)?;
                // `byte += 1` casts back.
                match ty.without_null().numeric() {
                    Some(_) if result.as_number().is_some() => {
                        convert(&result, ty, Mode::Explicit)?
                    }
                    _ => result,
                }
            }
        };
        let value =
            if ty.name() == "JToken" { convert(&value, ty, Mode::Implicit)? } else { value };
        self.write(&place, value.clone())?;
        Ok(value)
    }

    fn step(&mut self, step: &Step) -> Result<Value, Exception> {
        let place = self.locate(&step.place)?;
        let old = self.read(&place)?;
        let new = match old {
            Value::Null => Value::Null,
            _ if old.as_number().is_none() => {
                return Err(Exception::invalid_cast(&old.type_name(), "System.Int32"));
            }
            _ => {
                let next = self.operate(BinaryOp::Add, &old, &step_of(&old, step.by))?;
                convert(&next, &old.type_of(), Mode::Explicit)?
            }
        };
        self.write(&place, new.clone())?;
        Ok(if step.prefix { new } else { old })
    }

    fn interpolated(&mut self, pieces: &[Piece]) -> Result<Value, Exception> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Hole { value, alignment, format } => {
                    let value = self.node(value)?;
                    let hole = self.format(&value, format.as_deref())?;
                    self.charge(hole.len() / super::BYTES_A_STEP)?;
                    align(&hole, alignment.unwrap_or(0), &mut text);
                }
            }
        }
        self.text(text)
    }

    /// `IFormattable.ToString(format)`.
    pub(crate) fn format(&self, value: &Value, format: Option<&str>) -> Result<String, Exception> {
        format_as(value, format, self.style)
    }
}

/// The same in a style that is given.
pub(crate) fn format_as(
    value: &Value,
    format: Option<&str>,
    style: Style,
) -> Result<String, Exception> {
    match format.filter(|format| !format.is_empty()) {
        Some(format) => library::objects::format(value, format, style),
        None => Ok(value.to_text_with(style)),
    }
}

/// Pads to a width; negative is left-aligned.
pub(crate) fn align(hole: &str, width: i32, text: &mut String) {
    let length = hole.encode_utf16().count();
    let missing = (width.unsigned_abs() as usize).saturating_sub(length);
    if 0 < width {
        text.extend(std::iter::repeat_n(' ', missing));
    }
    text.push_str(hole);
    if width < 0 {
        text.extend(std::iter::repeat_n(' ', missing));
    }
}

pub(super) fn thrown(value: &Value) -> Exception {
    match value {
        Value::Exception(exception) => Exception::clone(exception),
        _ => Exception::null_reference(),
    }
}

/// An array; of bytes it is the compact kind.
pub(crate) fn array_of(element: &Type, items: Vec<Value>) -> Value {
    if element.name() == "Byte" {
        let bytes: Vec<u8> = items
            .iter()
            .map(|item| match item {
                Value::Byte(byte) => *byte,
                _ => 0,
            })
            .collect();
        return Value::Bytes(bytes.into());
    }
    Collection::array(element.clone(), items)
}

/// What `++` adds, of a type that does not change the sum's.
fn step_of(old: &Value, by: i32) -> Value {
    match old {
        // A minus one of the unsigned types wraps to what minus one is.
        Value::UInt(_) => Value::UInt(by.cast_unsigned()),
        Value::ULong(_) => Value::ULong(i64::from(by).cast_unsigned()),
        _ => Value::Int(by),
    }
}

fn negate(value: &Value) -> Result<Value, Exception> {
    match (value, value.as_number()) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::TimeSpan(span), _) => Ok(Value::TimeSpan(TimeSpan(span.0.wrapping_neg()))),
        (_, Some(Number::Int(n))) => Ok(Value::Int(n.wrapping_neg())),
        (_, Some(Number::UInt(n))) => Ok(Value::Long(-i64::from(n))),
        (_, Some(Number::Long(n))) => Ok(Value::Long(n.wrapping_neg())),
        (_, Some(Number::Float(n))) => Ok(Value::Float(-n)),
        (_, Some(Number::Double(n))) => Ok(Value::Double(-n)),
        (_, Some(Number::Decimal(n))) => Ok(Value::Decimal(-n)),
        (_, Some(Number::ULong(_)) | None) => {
            Err(Exception::invalid_cast(&value.type_name(), "System.Int32"))
        }
    }
}
