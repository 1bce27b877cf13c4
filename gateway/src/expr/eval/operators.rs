//! Operators on values.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::Vm;
use crate::expr::ast::BinaryOp;
use crate::expr::dates::{DateTimeOffset, TimeSpan};
use crate::expr::decimal;
use crate::expr::exception::Exception;
use crate::expr::library::objects::{EnumValue, Object};
use crate::expr::library::xml::{XmlValue, in_namespace};
use crate::expr::numbers::{self, Number};
use crate::expr::numeric::Numeric;
use crate::expr::value::Value;

/// One operator on two whole numbers of one type.
macro_rules! whole {
    ($op:expr, $a:expr, $b:expr) => {{
        let (a, b) = ($a, $b);
        match $op {
            BinaryOp::Add => Ok(a.wrapping_add(b)),
            BinaryOp::Subtract => Ok(a.wrapping_sub(b)),
            BinaryOp::Multiply => Ok(a.wrapping_mul(b)),
            BinaryOp::Divide | BinaryOp::Remainder if b == 0 => Err(Exception::divide_by_zero()),
            BinaryOp::Divide => a.checked_div(b).ok_or_else(arithmetic_overflow),
            BinaryOp::Remainder => Ok(a.wrapping_rem(b)),
            BinaryOp::BitAnd => Ok(a & b),
            BinaryOp::BitOr => Ok(a | b),
            BinaryOp::BitXor => Ok(a ^ b),
            _ => Err(Exception::unsupported("this operator on whole numbers")),
        }
    }};
}

impl Vm<'_> {
    pub(super) fn operate(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
    ) -> Result<Value, Exception> {
        match op {
            BinaryOp::Equal => return Ok(Value::Bool(equal(left, right))),
            BinaryOp::NotEqual => return Ok(Value::Bool(!equal(left, right))),
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
                return ordered(op, left, right);
            }
            _ => {}
        }
        if let (
            BinaryOp::Add,
            Value::Object(Object::Xml(XmlValue::Namespace(namespace))),
            Value::String(local),
        ) = (op, left, right)
        {
            return in_namespace(namespace, local);
        }
        let text = matches!(left, Value::String(_)) || matches!(right, Value::String(_));
        if op == BinaryOp::Add && text {
            let mut joined = self.to_text(left);
            let right = self.to_text(right);
            // Refuse before the copy is made.
            if super::MAX_TEXT < joined.len() + right.len() {
                return Err(Exception::limit(format_args!("{} bytes in a text", super::MAX_TEXT)));
            }
            joined.push_str(&right);
            return self.text(joined);
        }
        if matches!(left, Value::Null) || matches!(right, Value::Null) {
            // Lifted operators; two nulls of `string` type make an empty text.
            let both = matches!((left, right), (Value::Null, Value::Null));
            return Ok(if op == BinaryOp::Add && both { Value::from("") } else { Value::Null });
        }
        if let (Some(a), Some(b)) = (left.as_number(), right.as_number()) {
            return arithmetic(op, a, b);
        }
        let wrong = || {
            Exception::new(
                "Microsoft.CSharp.RuntimeBinder.RuntimeBinderException",
                format!(
                    "Operator '{}' cannot be applied to operands of type '{}' and '{}'",
                    op.symbol(),
                    left.type_name(),
                    right.type_name()
                ),
            )
        };
        match (left, op, right) {
            (Value::Bool(a), BinaryOp::BitAnd, Value::Bool(b)) => Ok(Value::Bool(a & b)),
            (Value::Bool(a), BinaryOp::BitOr, Value::Bool(b)) => Ok(Value::Bool(a | b)),
            (Value::Bool(a), BinaryOp::BitXor, Value::Bool(b)) => Ok(Value::Bool(a ^ b)),
            (Value::Enum(a), _, Value::Enum(b)) => {
                match arithmetic(op, Number::Int(a.number), Number::Int(b.number))? {
                    Value::Int(number) => Ok(Value::Enum(EnumValue { of: a.of, number })),
                    _ => Err(wrong()),
                }
            }
            (Value::DateTime(date), BinaryOp::Add, Value::TimeSpan(span)) => {
                date.add(span.0).map(Value::DateTime).ok_or_else(date_range)
            }
            (Value::DateTime(date), BinaryOp::Subtract, Value::TimeSpan(span)) => {
                date.add(span.0.wrapping_neg()).map(Value::DateTime).ok_or_else(date_range)
            }
            (Value::DateTime(a), BinaryOp::Subtract, Value::DateTime(b)) => {
                Ok(Value::TimeSpan(TimeSpan(a.ticks - b.ticks)))
            }
            (Value::DateTimeOffset(a), BinaryOp::Subtract, Value::DateTimeOffset(b)) => {
                Ok(Value::TimeSpan(TimeSpan(a.utc_ticks() - b.utc_ticks())))
            }
            (
                Value::DateTimeOffset(date),
                BinaryOp::Add | BinaryOp::Subtract,
                Value::TimeSpan(span),
            ) => {
                let ticks = if op == BinaryOp::Add { span.0 } else { span.0.wrapping_neg() };
                let ticks = date.ticks.checked_add(ticks).ok_or_else(date_range)?;
                Ok(Value::DateTimeOffset(DateTimeOffset { ticks, ..*date }))
            }
            (Value::TimeSpan(a), BinaryOp::Add, Value::TimeSpan(b)) => {
                a.0.checked_add(b.0).map(|t| Value::TimeSpan(TimeSpan(t))).ok_or_else(span_range)
            }
            (Value::TimeSpan(a), BinaryOp::Subtract, Value::TimeSpan(b)) => {
                a.0.checked_sub(b.0).map(|t| Value::TimeSpan(TimeSpan(t))).ok_or_else(span_range)
            }
            _ => Err(wrong()),
        }
    }
}

pub(crate) fn date_range() -> Exception {
    Exception::out_of_range(
        "The added or subtracted value results in an un-representable DateTime.",
        "value",
    )
}

fn span_range() -> Exception {
    Exception::overflow("TimeSpan overflowed because the duration is too long.")
}

/// `==` on values whose static types are known or dynamic.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        // A token against a plain value: by the implicit conversion, and by value.
        (Value::Json(node), other) | (other, Value::Json(node))
            if !matches!(other, Value::Json(_) | Value::Null) =>
        {
            node.scalar().is_some_and(|scalar| scalar.equals(other))
        }
        (Value::Json(a), Value::Json(b)) => a.same(b),
        (left, right) => left.equals(right),
    }
}

/// Order of two comparable values.
pub(crate) fn compare_values(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => Some(Ordering::Less),
        (_, Value::Null) => Some(Ordering::Greater),
        (Value::String(a), Value::String(b)) => Some(compare_texts(a, b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::DateTime(a), Value::DateTime(b)) => Some(a.ticks.cmp(&b.ticks)),
        (Value::DateTimeOffset(a), Value::DateTimeOffset(b)) => {
            Some(a.utc_ticks().cmp(&b.utc_ticks()))
        }
        (Value::TimeSpan(a), Value::TimeSpan(b)) => Some(a.cmp(b)),
        (Value::Guid(a), Value::Guid(b)) => Some(a.cmp(b)),
        (Value::Enum(a), Value::Enum(b)) => Some(a.number.cmp(&b.number)),
        (Value::Json(a), Value::Json(b)) => compare_values(&a.scalar()?, &b.scalar()?),
        (a, b) => numbers::compare(a.as_number()?, b.as_number()?),
    }
}

/// Culture order, near enough: letters without case first, then small before
/// capital.
pub(crate) fn compare_texts(a: &str, b: &str) -> Ordering {
    let folded = a.to_lowercase().cmp(&b.to_lowercase());
    folded.then_with(|| b.cmp(a))
}

fn ordered(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, Exception> {
    // Lifted: null is in no order.
    if matches!(left, Value::Null) || matches!(right, Value::Null) {
        return Ok(Value::Bool(false));
    }
    let order = compare_values(left, right);
    let numbers = left.as_number().is_some() && right.as_number().is_some();
    if order.is_none() && !numbers {
        return Err(Exception::invalid_cast(&right.type_name(), &left.type_name()));
    }
    Ok(Value::Bool(match op {
        BinaryOp::Less => order == Some(Ordering::Less),
        BinaryOp::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        BinaryOp::Greater => order == Some(Ordering::Greater),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

/// Unchecked arithmetic after C#'s promotions; that of decimals is checked.
fn arithmetic(op: BinaryOp, left: Number, right: Number) -> Result<Value, Exception> {
    if matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight) {
        return shift(op, left, right);
    }
    match left.kind().promoted(right.kind()) {
        Some(Numeric::Decimal) => match (left.as_decimal(), right.as_decimal()) {
            (Some(a), Some(b)) => decimals(op, a, b),
            _ => Err(ambiguous(op, left, right)),
        },
        Some(Numeric::Double) => real(op, left.as_double(), right.as_double()).map(Value::Double),
        Some(Numeric::Float) => real(op, left.as_float(), right.as_float()).map(Value::Float),
        Some(Numeric::ULong) => whole!(op, ulong(left), ulong(right)).map(Value::ULong),
        Some(Numeric::Long) => whole!(op, long(left), long(right)).map(Value::Long),
        Some(Numeric::UInt) => whole!(op, uint(left), uint(right)).map(Value::UInt),
        Some(_) => whole!(op, int(left), int(right)).map(Value::Int),
        None => Err(ambiguous(op, left, right)),
    }
}

// Promoted before, so that the types hold the numbers.
#[expect(clippy::cast_possible_truncation, reason = "an int or narrower")]
fn int(n: Number) -> i32 {
    n.truncated() as i32
}

#[expect(clippy::cast_possible_truncation, reason = "a long or narrower")]
fn long(n: Number) -> i64 {
    n.truncated() as i64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an uint or narrower")]
fn uint(n: Number) -> u32 {
    n.truncated() as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "unsigned")]
fn ulong(n: Number) -> u64 {
    n.truncated() as u64
}

fn real<T>(op: BinaryOp, a: T, b: T) -> Result<T, Exception>
where
    T: std::ops::Add<Output = T>
        + std::ops::Sub<Output = T>
        + std::ops::Mul<Output = T>
        + std::ops::Div<Output = T>
        + std::ops::Rem<Output = T>,
{
    Ok(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide => a / b,
        BinaryOp::Remainder => a % b,
        _ => return Err(Exception::unsupported("bit operations on real numbers")),
    })
}

fn decimals(op: BinaryOp, a: Decimal, b: Decimal) -> Result<Value, Exception> {
    if matches!(op, BinaryOp::Divide | BinaryOp::Remainder) && b.is_zero() {
        return Err(Exception::divide_by_zero());
    }
    let result = match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Subtract => a.checked_sub(b),
        BinaryOp::Multiply => a.checked_mul(b),
        BinaryOp::Divide => decimal::divide(a, b),
        BinaryOp::Remainder => a.checked_rem(b),
        _ => return Err(Exception::unsupported("bit operations on decimal")),
    };
    result.map(Value::Decimal).ok_or_else(decimal::too_large)
}

/// The count is masked to the bits of the left operand, as in C#.
#[expect(clippy::cast_sign_loss, reason = "masked")]
fn shift(op: BinaryOp, left: Number, right: Number) -> Result<Value, Exception> {
    if !right.kind().is_whole() {
        return Err(ambiguous(op, left, right));
    }
    let count = (right.truncated() & 63) as u32;
    let up = op == BinaryOp::ShiftLeft;
    Ok(match left {
        Number::Int(a) if up => Value::Int(a.wrapping_shl(count)),
        Number::Int(a) => Value::Int(a.wrapping_shr(count)),
        Number::UInt(a) if up => Value::UInt(a.wrapping_shl(count)),
        Number::UInt(a) => Value::UInt(a.wrapping_shr(count)),
        Number::Long(a) if up => Value::Long(a.wrapping_shl(count)),
        Number::Long(a) => Value::Long(a.wrapping_shr(count)),
        Number::ULong(a) if up => Value::ULong(a.wrapping_shl(count)),
        Number::ULong(a) => Value::ULong(a.wrapping_shr(count)),
        _ => return Err(ambiguous(op, left, right)),
    })
}

/// Operands that only a dynamic value can bring together.
fn ambiguous(op: BinaryOp, left: Number, right: Number) -> Exception {
    Exception::new(
        "Microsoft.CSharp.RuntimeBinder.RuntimeBinderException",
        format!(
            "Operator '{}' cannot be applied to operands of type '{}' and '{}'",
            op.symbol(),
            left.kind().ty().full_name(),
            right.kind().ty().full_name()
        ),
    )
}

fn arithmetic_overflow() -> Exception {
    Exception::overflow("Arithmetic operation resulted in an overflow.")
}
