//! `object`, and what a function reads its arguments with.

use std::sync::Arc;

use super::objects::Object;
use super::{Call, Entry, TypeDef};
use crate::expr::exception::Exception;
use crate::expr::json::Node;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System", "Object").bases(&[]).members(&[
        Entry("new()", |c| Ok(c.make_object())),
        Entry("string ToString()", |c| {
            let text = c.vm.to_text(&c.this);
            if let Value::Object(Object::Xml(_)) = &c.this {
                super::xml::charge_printed(c.vm, &text)?;
            }
            c.vm.text(text)
        }),
        Entry("bool Equals(object obj)", |c| Ok(Value::Bool(c.this.equals(c.arg(0))))),
        Entry("int GetHashCode()", |c| Ok(Value::Int(hash_code(&c.this)))),
        Entry("Type GetType()", |c| Ok(Value::Object(Object::Type(c.this.type_name().into())))),
        Entry("static bool Equals(object objA, object objB)", |c| {
            Ok(Value::Bool(c.arg(0).equals(c.arg(1))))
        }),
        Entry("static bool ReferenceEquals(object objA, object objB)", |c| {
            Ok(Value::Bool(c.arg(0).same_reference(c.arg(1))))
        }),
    ]),
    TypeDef::new("System", "Nullable").generic(&["T"]).members(&[]),
    TypeDef::new("System", "Type").members(&[
        Entry("string Name", |c| {
            let full = c.this.to_text();
            Ok(Value::from(full.rsplit('.').next().unwrap_or_default()))
        }),
        Entry("string FullName", |c| Ok(Value::from(c.this.to_text()))),
    ]),
    TypeDef::new("System", "Delegate"),
    TypeDef::new("System", "Func").bases(&["Delegate"]),
    TypeDef::new("", "AnonymousType"),
];

/// A hash that is the same in every run, unlike .NET's.
pub(super) fn hash_code(value: &Value) -> i32 {
    match value {
        Value::Int(n) => *n,
        Value::Bool(b) => i32::from(*b),
        other => {
            let text = other.to_text();
            let mut hash: u32 = 0x811c_9dc5;
            for unit in text.encode_utf16() {
                hash = (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193);
            }
            hash.cast_signed()
        }
    }
}

impl Call<'_, '_> {
    pub(super) fn arg(&self, index: usize) -> &Value {
        self.args.get(index).unwrap_or(&Value::Null)
    }

    fn make_object(&self) -> Value {
        Value::Object(Object::Type("System.Object".into()))
    }

    /// The name of a parameter is not at hand: .NET's own is given here.
    pub(super) fn str(&self, index: usize, parameter: &str) -> Result<Arc<str>, Exception> {
        match self.arg(index) {
            Value::Null => Err(Exception::argument_null(parameter)),
            other => Ok(text_of(other)),
        }
    }

    /// A text that may be null.
    pub(super) fn opt_str(&self, index: usize) -> Option<Arc<str>> {
        match self.arg(index) {
            Value::Null => None,
            other => Some(text_of(other)),
        }
    }

    pub(super) fn int(&self, index: usize) -> i32 {
        let n = self.arg(index).to_integer().unwrap_or(0);
        i32::try_from(n).unwrap_or(if n < 0 { i32::MIN } else { i32::MAX })
    }

    pub(super) fn long(&self, index: usize) -> i64 {
        self.arg(index).to_integer().unwrap_or(0)
    }

    pub(super) fn double(&self, index: usize) -> f64 {
        self.arg(index).as_number().map_or(0.0, crate::expr::numbers::Number::as_double)
    }

    pub(super) fn bool(&self, index: usize) -> bool {
        matches!(self.arg(index), Value::Bool(true))
    }

    /// The number of an enumeration's member.
    pub(super) fn flag(&self, index: usize) -> i32 {
        match self.arg(index) {
            Value::Enum(value) => value.number,
            _ => 0,
        }
    }

    pub(super) fn this_str(&self) -> Arc<str> {
        text_of(&self.this)
    }

    pub(super) fn this_node(&self) -> Result<Node, Exception> {
        match &self.this {
            Value::Json(node) => Ok(node.clone()),
            other => {
                Err(Exception::invalid_cast(&other.type_name(), "Newtonsoft.Json.Linq.JToken"))
            }
        }
    }

    /// The receiver's items.
    pub(super) fn this_items(&mut self) -> Result<Vec<Value>, Exception> {
        let this = self.this.clone();
        self.vm.enumerate(&this)
    }

    /// An argument's items.
    pub(super) fn items(&mut self, index: usize, name: &str) -> Result<Vec<Value>, Exception> {
        match self.arg(index).clone() {
            Value::Null => Err(Exception::argument_null(name)),
            value => self.vm.enumerate(&value),
        }
    }

    /// Finished text, paid for.
    pub(super) fn give(&mut self, text: impl Into<String>) -> Result<Value, Exception> {
        self.vm.text(text.into())
    }

    /// Calls the lambda of an argument.
    pub(super) fn apply(&mut self, index: usize, args: &[Value]) -> Result<Value, Exception> {
        let function = self.arg(index).clone();
        self.vm.invoke(&function, args)
    }

    /// A predicate's answer.
    pub(super) fn test(&mut self, index: usize, args: &[Value]) -> Result<bool, Exception> {
        match self.apply(index, args)? {
            Value::Bool(answer) => Ok(answer),
            other => Err(Exception::invalid_cast(&other.type_name(), "System.Boolean")),
        }
    }

    pub(super) fn type_arg(&self, index: usize) -> crate::expr::types::Type {
        self.types.get(index).cloned().unwrap_or(crate::expr::types::Type::Unknown)
    }
}

pub(super) fn text_of(value: &Value) -> Arc<str> {
    match value {
        Value::String(text) => Arc::clone(text),
        other => other.to_text().into(),
    }
}
