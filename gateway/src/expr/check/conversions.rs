//! Conversions C# does by itself, and casts.

use super::{Checker, Typed};
use crate::expr::ir::{Mode, Node};
use crate::expr::lexer::Span;
use crate::expr::library::{self, implicit_cost};
use crate::expr::types::Type;
use crate::expr::value::Value;

impl Checker {
    /// Converts to what is wanted here, or reports that C# would not.
    pub(super) fn coerce(&mut self, value: Typed, to: &Type, span: &Span) -> Node {
        if implicit_cost(&value.ty, to).is_none() {
            if let Some(constant) = narrowed(&value.node, to.without_null()) {
                return Node::Constant(constant);
            }
            let help = match value.ty {
                Type::Void => None,
                _ if explicit_exists(&value.ty, to) => Some(format!("add a cast: `({to})…`")),
                _ if to.is_string() => Some("call `.ToString()`".into()),
                _ => None,
            };
            self.error_with(
                span.clone(),
                format!("cannot convert from `{}` to `{to}`", value.ty),
                help,
            );
            return value.node;
        }
        convert_implicitly(value, to)
    }

    /// `(T)value`.
    pub(super) fn cast(&mut self, value: Typed, to: &Type, span: &Span) -> Typed {
        let from = &value.ty;
        if from == to {
            return Typed::new(value.node, to.clone());
        }
        let mode = if from.is_unknown() || to.is_unknown() {
            Mode::Dynamic
        } else if implicit_cost(from, to).is_some() {
            let node = convert_implicitly(value, to);
            return Typed::new(node, to.clone());
        } else if explicit_exists(from, to) {
            let content = matches!(from.name(), "XElement" | "XAttribute");
            let json = from.is_json() && !to.is_json();
            if json
                || content
                || from.without_null().numeric().is_some()
                || library::is_enum(from.name())
            {
                Mode::Explicit
            } else {
                Mode::Unbox
            }
        } else {
            self.error(span.clone(), format!("cannot convert from `{from}` to `{to}`"));
            return Typed::new(value.node, to.clone());
        };
        Typed::new(Node::Convert(Box::new(value.node), to.clone(), mode), to.clone())
    }
}

/// A constant integer as the smaller or unsigned type it fits, without a cast.
pub(super) fn narrowed(node: &Node, to: &Type) -> Option<Value> {
    let number = match node {
        Node::Constant(Value::Int(n)) => i64::from(*n),
        // Of constant longs only those that an unsigned long holds.
        Node::Constant(Value::Long(n)) if to.name() == "UInt64" => *n,
        _ => return None,
    };
    Some(match to.name() {
        "SByte" => Value::SByte(number.try_into().ok()?),
        "Byte" => Value::Byte(number.try_into().ok()?),
        "Int16" => Value::Short(number.try_into().ok()?),
        "UInt16" => Value::UShort(number.try_into().ok()?),
        "UInt32" => Value::UInt(number.try_into().ok()?),
        "UInt64" => Value::ULong(number.try_into().ok()?),
        _ => return None,
    })
}

/// Whether a cast between known types may work at run time.
pub(super) fn explicit_exists(from: &Type, to: &Type) -> bool {
    let (inner_from, inner_to) = (from.without_null(), to.without_null());
    let number = |ty: &Type| ty.numeric().is_some() || library::is_enum(ty.name());
    if *from == Type::Void || *to == Type::Void {
        return false;
    }
    if from.is_object() || to.is_object() || implicit_cost(from, to).is_some() {
        return true;
    }
    if number(inner_from) && number(inner_to) {
        return true;
    }
    if inner_from == inner_to {
        return true;
    }
    if from.is_json() && !to.is_json() {
        return number(inner_to)
            || matches!(
                inner_to.name(),
                "String" | "Boolean" | "DateTime" | "DateTimeOffset" | "TimeSpan" | "Guid" | "Uri"
            )
            || *inner_to == Type::array(Type::BYTE)
            || library::derives("JToken", inner_to.name());
    }
    if matches!(from.name(), "XElement" | "XAttribute")
        && (number(inner_to) && inner_to.name() != "Char"
            || matches!(
                inner_to.name(),
                "String" | "Boolean" | "DateTime" | "DateTimeOffset" | "TimeSpan" | "Guid"
            ))
    {
        return true;
    }
    if to.is_json() && !from.is_json() {
        return implicit_cost(from, &Type::JTOKEN).is_some();
    }
    // Down the hierarchy, or to and from interfaces.
    let interface = |name: &str| {
        name.len() > 1
            && name.starts_with('I')
            && name.chars().nth(1).is_some_and(char::is_uppercase)
            && !from.is_value_type()
            && !to.is_value_type()
    };
    library::derives(to.name(), from.name())
        || library::derives(from.name(), to.name())
        || (interface(from.name()) && !to.is_string())
        || (interface(to.name()) && !from.is_string())
}

/// The conversion at run time, where there is anything to do.
fn convert_implicitly(value: Typed, to: &Type) -> Node {
    let from = &value.ty;
    let needed = from != to
        && !to.is_unknown()
        && !to.is_object()
        && *from != Type::Null
        && (from.is_unknown()
            || (to.without_null().numeric().is_some() && from.without_null() != to.without_null())
            || (to.name() == "JToken" && !from.is_json())
            || (matches!(to.name(), "XName" | "XNamespace") && from.is_string())
            || (to.name() == "DateTimeOffset" && from.name() == "DateTime"));
    if !needed {
        return value.node;
    }
    // Constants are converted here, once.
    match (&value.node, to.without_null().name()) {
        (Node::Constant(Value::Int(n)), "Double") => {
            return Node::Constant(Value::Double(f64::from(*n)));
        }
        (Node::Constant(Value::Int(n)), "Int64") => {
            return Node::Constant(Value::Long(i64::from(*n)));
        }
        _ => {}
    }
    let mode = if from.is_unknown() { Mode::Dynamic } else { Mode::Implicit };
    Node::Convert(Box::new(value.node), to.clone(), mode)
}
