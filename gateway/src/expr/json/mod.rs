//! JSON with Newtonsoft's semantics: a tree of shared, mutable tokens.
//!
//! A token belongs to at most one parent; putting it somewhere else as well
//! stores a copy, as Newtonsoft does. That also keeps the tree free of cycles.
//! Nesting is bounded on every insertion, so walks may recurse.

mod parse;
mod print;
mod select;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use indexmap::IndexMap;

pub(crate) use parse::parse;
pub use print::Newline;

use super::exception::Exception;
use super::value::Value;

/// Containers inside one another. Newtonsoft's own reader stops at 64.
pub(crate) const MAX_DEPTH: usize = 64;

/// A JSON token, shared: clones are the same token.
#[derive(Clone)]
pub struct Node(Arc<Mutex<Inner>>);

struct Inner {
    kind: Kind,
    parent: Weak<Mutex<Inner>>,
}

/// What a token holds.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A `JValue`: null, bool, long, double, string, date, bytes, guid or span.
    Scalar(Value),
    Object(IndexMap<Arc<str>, Node>),
    Array(Vec<Node>),
    /// A `JProperty` that is in no object, or a view of one that is.
    Property(Arc<str>, Node),
}

impl Node {
    fn new(kind: Kind) -> Self {
        Self(Arc::new(Mutex::new(Inner { kind, parent: Weak::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn null() -> Self {
        Self::new(Kind::Scalar(Value::Null))
    }

    /// A `JValue`. Integers are longs, characters strings.
    pub(crate) fn from_scalar(value: Value) -> Self {
        Self::new(Kind::Scalar(match value {
            Value::Int(n) => Value::Long(i64::from(n)),
            Value::SByte(n) => Value::Long(i64::from(n)),
            Value::Byte(n) => Value::Long(i64::from(n)),
            Value::Short(n) => Value::Long(i64::from(n)),
            Value::UShort(n) => Value::Long(i64::from(n)),
            Value::UInt(n) => Value::Long(i64::from(n)),
            Value::ULong(n) => i64::try_from(n).map_or(Value::ULong(n), Value::Long),
            Value::Enum(value) => Value::Long(i64::from(value.number)),
            Value::Char(_) => Value::from(value.to_text()),
            other => other,
        }))
    }

    pub(crate) fn object() -> Self {
        Self::new(Kind::Object(IndexMap::new()))
    }

    pub(crate) fn array() -> Self {
        Self::new(Kind::Array(Vec::new()))
    }

    pub(crate) fn property(name: &str, value: Node) -> Result<Self, Exception> {
        let property = Self::new(Kind::Property(name.into(), Self::null()));
        let value = property.adopt(value)?;
        property.lock().kind = Kind::Property(name.into(), value);
        Ok(property)
    }

    /// A property of an object: shares its value.
    fn property_view(&self, name: Arc<str>, value: Node) -> Self {
        let view = Self::new(Kind::Property(name, value));
        view.lock().parent = Arc::downgrade(&self.0);
        view
    }

    /// The contents; children are shared, not copied.
    pub(crate) fn kind(&self) -> Kind {
        self.lock().kind.clone()
    }

    /// Where it is in memory.
    pub(crate) fn place(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    pub(crate) fn same(&self, other: &Node) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// `JObject`, `JArray`, `JValue` or `JProperty`.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.lock().kind {
            Kind::Scalar(_) => "JValue",
            Kind::Object(_) => "JObject",
            Kind::Array(_) => "JArray",
            Kind::Property(..) => "JProperty",
        }
    }

    /// The member of `JTokenType`.
    pub(crate) fn token_type(&self) -> &'static str {
        match &self.lock().kind {
            Kind::Object(_) => "Object",
            Kind::Array(_) => "Array",
            Kind::Property(..) => "Property",
            Kind::Scalar(value) => match value {
                Value::Null => "Null",
                Value::Bool(_) => "Boolean",
                Value::Long(_) | Value::ULong(_) => "Integer",
                Value::Float(_) | Value::Double(_) | Value::Decimal(_) => "Float",
                Value::DateTime(_) | Value::DateTimeOffset(_) => "Date",
                Value::Bytes(_) => "Bytes",
                Value::Guid(_) => "Guid",
                Value::TimeSpan(_) => "TimeSpan",
                _ => "String",
            },
        }
    }

    /// The value of a `JValue`, or of the `JValue` in a `JProperty`.
    pub(crate) fn scalar(&self) -> Option<Value> {
        match self.kind() {
            Kind::Scalar(value) => Some(value),
            Kind::Property(_, node) => match node.kind() {
                Kind::Scalar(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.lock().kind, Kind::Scalar(Value::Null))
    }

    /// An object's member.
    pub(crate) fn get(&self, name: &str) -> Option<Node> {
        match &self.lock().kind {
            Kind::Object(members) => members.get(name).cloned(),
            _ => None,
        }
    }

    /// An array's item, an object's member by position.
    pub(crate) fn at(&self, index: usize) -> Option<Node> {
        match &self.lock().kind {
            Kind::Array(items) => items.get(index).cloned(),
            Kind::Object(members) => members.get_index(index).map(|(_, node)| node.clone()),
            Kind::Property(_, value) if index == 0 => Some(value.clone()),
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.lock().kind {
            Kind::Array(items) => items.len(),
            Kind::Object(members) => members.len(),
            Kind::Property(..) => 1,
            Kind::Scalar(_) => 0,
        }
    }

    /// `Children()`: an object's are its properties.
    pub(crate) fn children(&self) -> Vec<Node> {
        match self.kind() {
            Kind::Array(items) => items,
            Kind::Object(members) => {
                members.into_iter().map(|(name, value)| self.property_view(name, value)).collect()
            }
            Kind::Property(_, value) => vec![value],
            Kind::Scalar(_) => Vec::new(),
        }
    }

    /// An object's names and values.
    pub(crate) fn members(&self) -> Vec<(Arc<str>, Node)> {
        match self.kind() {
            Kind::Object(members) => members.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The name of a `JProperty`.
    pub(crate) fn name(&self) -> Option<Arc<str>> {
        match &self.lock().kind {
            Kind::Property(name, _) => Some(Arc::clone(name)),
            _ => None,
        }
    }

    pub(crate) fn parent(&self) -> Option<Node> {
        self.lock().parent.upgrade().map(Node)
    }

    /// `Parent` as Newtonsoft shows it: a member's parent is its property.
    pub(crate) fn visible_parent(&self) -> Option<Node> {
        let parent = self.parent()?;
        if self.name().is_some() {
            return Some(parent);
        }
        let members = parent.members();
        match members.into_iter().find(|(_, value)| value.same(self)) {
            Some((name, value)) => Some(parent.property_view(name, value)),
            None => Some(parent),
        }
    }

    /// Levels of containers from here down.
    fn height(&self) -> usize {
        match self.kind() {
            Kind::Scalar(_) => 0,
            Kind::Object(members) => 1 + members.values().map(Node::height).max().unwrap_or(0),
            Kind::Array(items) => 1 + items.iter().map(Node::height).max().unwrap_or(0),
            Kind::Property(_, value) => 1 + value.height(),
        }
    }

    /// Makes `child` ours: the token itself when it is free, else a copy.
    fn adopt(&self, child: Node) -> Result<Node, Exception> {
        let mut levels = 1;
        let mut ancestor = Some(self.clone());
        let mut inside = false;
        while let Some(node) = ancestor {
            inside |= node.same(&child);
            levels += 1;
            if MAX_DEPTH < levels {
                return Err(Exception::limit(format_args!("{MAX_DEPTH} nested JSON containers")));
            }
            ancestor = node.parent();
        }
        // A scalar is the usual case; do not walk it.
        let height = if child.is_scalar() { 0 } else { child.height() };
        if MAX_DEPTH < levels + height {
            return Err(Exception::limit(format_args!("{MAX_DEPTH} nested JSON containers")));
        }
        let child = if inside || child.parent().is_some() { child.deep_clone() } else { child };
        child.lock().parent = Arc::downgrade(&self.0);
        Ok(child)
    }

    /// Tokens of this one and all inside it, counted no further than `most`.
    pub(crate) fn count(&self, most: usize) -> usize {
        let mut pending = vec![self.clone()];
        let mut count = 0;
        while let Some(node) = pending.pop() {
            count += 1;
            match &node.lock().kind {
                Kind::Scalar(Value::String(text)) => count += text.len() / 1024,
                Kind::Scalar(_) => {}
                Kind::Array(items) => pending.extend(items.iter().cloned()),
                Kind::Object(members) => pending.extend(members.values().cloned()),
                Kind::Property(_, value) => pending.push(value.clone()),
            }
            if most <= count + pending.len() {
                return most;
            }
        }
        count
    }

    fn is_scalar(&self) -> bool {
        matches!(self.lock().kind, Kind::Scalar(_))
    }

    fn orphan(&self) {
        self.lock().parent = Weak::new();
    }

    /// Sets an object's member; false when this is no object.
    pub(crate) fn set(&self, name: &str, value: Node) -> Result<bool, Exception> {
        if self.type_name() != "JObject" {
            return Ok(false);
        }
        // Assigning a token to where it already is changes nothing.
        if self.get(name).is_some_and(|old| old.same(&value)) {
            return Ok(true);
        }
        let value = self.adopt(value)?;
        let old = match &mut self.lock().kind {
            Kind::Object(members) => members.insert(name.into(), value),
            _ => None,
        };
        if let Some(old) = old {
            old.orphan();
        }
        Ok(true)
    }

    /// Sets an array's item; false when there is no such item.
    pub(crate) fn set_at(&self, index: usize, value: Node) -> Result<bool, Exception> {
        let value = self.adopt(value)?;
        let old = match &mut self.lock().kind {
            Kind::Array(items) => items.get_mut(index).map(|slot| std::mem::replace(slot, value)),
            _ => None,
        };
        Ok(match old {
            Some(old) => {
                old.orphan();
                true
            }
            None => false,
        })
    }

    /// Inserts into an array; past the end is refused.
    pub(crate) fn insert(&self, index: usize, value: Node) -> Result<bool, Exception> {
        let value = self.adopt(value)?;
        match &mut self.lock().kind {
            Kind::Array(items) if index <= items.len() => {
                if super::collection::MAX_ITEMS <= items.len() {
                    return Err(Exception::limit("items in an array"));
                }
                items.insert(index, value);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn push(&self, value: Node) -> Result<bool, Exception> {
        self.insert(self.len(), value)
    }

    pub(crate) fn remove(&self, name: &str) -> bool {
        let old = match &mut self.lock().kind {
            Kind::Object(members) => members.shift_remove(name),
            _ => None,
        };
        old.inspect(Node::orphan).is_some()
    }

    pub(crate) fn remove_at(&self, index: usize) -> bool {
        let old = match &mut self.lock().kind {
            Kind::Array(items) if index < items.len() => Some(items.remove(index)),
            _ => None,
        };
        old.inspect(Node::orphan).is_some()
    }

    pub(crate) fn clear(&self) {
        for child in self.children() {
            child.orphan();
        }
        match &mut self.lock().kind {
            Kind::Array(items) => items.clear(),
            Kind::Object(members) => members.clear(),
            _ => {}
        }
    }

    /// Sets a property's value, also in the object it stands in.
    pub(crate) fn set_property_value(&self, value: Node) -> Result<(), Exception> {
        let Some(name) = self.name() else { return Ok(()) };
        let value = match self.parent().filter(|parent| parent.get(&name).is_some()) {
            Some(parent) => {
                parent.set(&name, value)?;
                parent.get(&name).unwrap_or_else(Node::null)
            }
            None => self.adopt(value)?,
        };
        self.lock().kind = Kind::Property(name, value);
        Ok(())
    }

    /// `Remove()`: takes this token out of its parent.
    pub(crate) fn detach(&self) -> bool {
        let Some(parent) = self.parent() else { return false };
        if let Some(name) = self.name() {
            return parent.remove(&name);
        }
        match parent.kind() {
            Kind::Object(members) => members
                .iter()
                .find(|(_, value)| value.same(self))
                .is_some_and(|(name, _)| parent.remove(name)),
            Kind::Array(items) => items
                .iter()
                .position(|item| item.same(self))
                .is_some_and(|index| parent.remove_at(index)),
            _ => false,
        }
    }

    /// A copy that shares nothing and has no parent.
    pub(crate) fn deep_clone(&self) -> Node {
        let copy = match self.kind() {
            Kind::Scalar(value) => return Self::new(Kind::Scalar(value)),
            Kind::Object(members) => Self::new(Kind::Object(
                members.into_iter().map(|(name, node)| (name, node.deep_clone())).collect(),
            )),
            Kind::Array(items) => {
                Self::new(Kind::Array(items.iter().map(Node::deep_clone).collect()))
            }
            Kind::Property(name, value) => Self::new(Kind::Property(name, value.deep_clone())),
        };
        copy.own_children();
        copy
    }

    /// Points the direct children's parents here.
    fn own_children(&self) {
        let children: Vec<Node> = match self.kind() {
            Kind::Object(members) => members.into_values().collect(),
            Kind::Array(items) => items,
            Kind::Property(_, value) => vec![value],
            Kind::Scalar(_) => Vec::new(),
        };
        for child in children {
            child.lock().parent = Arc::downgrade(&self.0);
        }
    }

    /// `JValue.Equals`: values of scalars; containers are equal to themselves only.
    pub(crate) fn value_equals(&self, other: &Node) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::Scalar(a), Kind::Scalar(b)) => a.equals(&b),
            _ => false,
        }
    }

    /// `JToken.DeepEquals`.
    pub(crate) fn deep_equals(&self, other: &Node) -> bool {
        if self.same(other) {
            return true;
        }
        match (self.kind(), other.kind()) {
            (Kind::Scalar(a), Kind::Scalar(b)) => a.equals(&b),
            (Kind::Array(a), Kind::Array(b)) => {
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.deep_equals(b))
            }
            (Kind::Object(a), Kind::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| a.deep_equals(b)))
            }
            (Kind::Property(a, x), Kind::Property(b, y)) => a == b && x.deep_equals(&y),
            _ => false,
        }
    }

    /// `Path`: `a.b[0]`.
    pub(crate) fn path(&self) -> String {
        let mut steps: Vec<String> = Vec::new();
        let mut node = self.clone();
        while let Some(parent) = node.parent() {
            match (node.name(), parent.kind()) {
                (Some(name), _) => steps.push(name.to_string()),
                (None, Kind::Object(members)) => {
                    let name = members.iter().find(|(_, value)| value.same(&node));
                    steps.extend(name.map(|(name, _)| name.to_string()));
                }
                (None, Kind::Array(items)) => {
                    let index = items.iter().position(|item| item.same(&node));
                    steps.extend(index.map(|index| format!("[{index}]")));
                }
                (None, Kind::Property(name, _)) => steps.push(name.to_string()),
                (None, Kind::Scalar(_)) => {}
            }
            node = parent;
        }
        let mut path = String::new();
        for step in steps.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path += step;
        }
        path
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print_compact())
    }
}
