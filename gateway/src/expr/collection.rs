//! Arrays, lists, dictionaries, sets, sequences, pairs, tuples and anonymous
//! objects: one shared, mutable structure with a kind.
//!
//! Nobody holds the lock while running other code of an expression: readers
//! take a copy of the items (they are cheap to clone) and let go.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

use super::Style;
use super::json::Node;
use super::types::Type;
use super::value::Value;

/// Items in one collection.
pub(crate) const MAX_ITEMS: usize = 1_000_000;
/// How far copies, texts and comparisons follow values in values.
const MAX_DEPTH: usize = 64;
/// Parts of a pair, tuple or anonymous object with all those inside: larger
/// ones have no text and equal themselves only. A tuple of one tuple twice,
/// again and again, has as many parts as there are atoms.
const MAX_PARTS: u32 = 100_000;
/// Bytes of a text that count as one part.
const BYTES_A_PART: usize = 256;

/// What a collection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Array,
    List,
    /// What LINQ gives: evaluated at once, unlike .NET's (nothing here can tell).
    Sequence,
    Queue,
    Stack,
    Set,
    Dictionary,
    Pair,
    Tuple,
    Anonymous,
}

/// A shared collection.
pub struct Collection {
    pub(crate) kind: Kind,
    pub(crate) ty: Type,
    /// Keys of a set or dictionary that compare without case.
    pub(crate) ignore_case: bool,
    /// Of a value made of parts.
    parts: Parts,
    items: Mutex<Items>,
}

/// The size of a pair, tuple or anonymous object: it does not change, as its
/// parts do not.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    depth: usize,
    count: u32,
}

impl Parts {
    fn of<'v>(values: impl Iterator<Item = &'v Value>) -> Self {
        let mut parts = Self { depth: 1, count: 1 };
        for value in values {
            let own = match value {
                Value::Collection(nested) => nested.parts,
                Value::String(text) => Self {
                    depth: 0,
                    count: u32::try_from(text.len() / BYTES_A_PART).unwrap_or(u32::MAX),
                },
                Value::Json(node) => {
                    let most = MAX_PARTS as usize + 1;
                    Self { depth: 0, count: u32::try_from(node.count(most)).unwrap_or(u32::MAX) }
                }
                _ => Self { depth: 0, count: 1 },
            };
            parts.depth = parts.depth.max(own.depth + 1);
            parts.count = parts.count.saturating_add(own.count).saturating_add(1);
        }
        parts
    }

    /// Too large to be followed.
    fn beyond(self) -> bool {
        MAX_DEPTH < self.depth || MAX_PARTS < self.count
    }
}

/// The contents.
#[derive(Debug)]
pub(crate) enum Items {
    Sequence(Vec<Value>),
    /// Normalised key to key and value, in order of insertion.
    Map(IndexMap<String, (Value, Value)>),
}

impl Collection {
    pub(crate) fn sequence(kind: Kind, ty: Type, items: Vec<Value>) -> Arc<Self> {
        let parts = match kind {
            Kind::Pair | Kind::Tuple => Parts::of(items.iter()),
            _ => Parts::default(),
        };
        Self::of(kind, ty, false, parts, Items::Sequence(items))
    }

    fn of(kind: Kind, ty: Type, ignore_case: bool, parts: Parts, items: Items) -> Arc<Self> {
        Arc::new(Self { kind, ty, ignore_case, parts, items: Mutex::new(items) })
    }

    /// `new { name = value, … }`
    pub(crate) fn anonymous(members: Vec<(Arc<str>, Value)>) -> Value {
        let parts = Parts::of(members.iter().map(|(_, value)| value));
        let map = members.into_iter().map(|(name, value)| {
            let name = Value::String(name);
            (normal_key(&name, false), (name, value))
        });
        let ty = Type::named("AnonymousType");
        Value::Collection(Self::of(Kind::Anonymous, ty, false, parts, Items::Map(map.collect())))
    }

    pub(crate) fn array(element: Type, items: Vec<Value>) -> Value {
        Value::Collection(Self::sequence(Kind::Array, Type::array(element), items))
    }

    pub(crate) fn list(element: Type, items: Vec<Value>) -> Value {
        let ty = Type::Of("List", vec![element]);
        Value::Collection(Self::sequence(Kind::List, ty, items))
    }

    pub(crate) fn lazy(items: Vec<Value>) -> Value {
        let ty = Type::Of("IEnumerable", vec![Type::Unknown]);
        Value::Collection(Self::sequence(Kind::Sequence, ty, items))
    }

    pub(crate) fn strings(items: impl IntoIterator<Item = String>) -> Value {
        Self::array(Type::STRING, items.into_iter().map(Value::from).collect())
    }

    pub(crate) fn pair(key: Value, value: Value) -> Value {
        let ty = Type::Of("KeyValuePair", vec![key.type_of(), value.type_of()]);
        Value::Collection(Self::sequence(Kind::Pair, ty, vec![key, value]))
    }

    pub(crate) fn map(kind: Kind, ty: Type, ignore_case: bool) -> Arc<Self> {
        Self::of(kind, ty, ignore_case, Parts::default(), Items::Map(IndexMap::new()))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        match &*self.lock() {
            Items::Sequence(items) => items.len(),
            Items::Map(map) => map.len(),
        }
    }

    /// The items as `foreach` sees them; a dictionary's are pairs.
    pub(crate) fn items(&self) -> Vec<Value> {
        match &*self.lock() {
            Items::Sequence(items) => items.clone(),
            Items::Map(map) if self.kind == Kind::Dictionary => {
                map.values().map(|(key, value)| Self::pair(key.clone(), value.clone())).collect()
            }
            Items::Map(map) => map.values().map(|(_, value)| value.clone()).collect(),
        }
    }

    pub(crate) fn at(&self, index: usize) -> Option<Value> {
        match &*self.lock() {
            Items::Sequence(items) => items.get(index).cloned(),
            Items::Map(map) => map.get_index(index).map(|(_, (_, value))| value.clone()),
        }
    }

    /// A dictionary's value, an anonymous object's member.
    pub(crate) fn get(&self, key: &Value) -> Option<Value> {
        match &*self.lock() {
            Items::Map(map) => map.get(&self.normal(key)).map(|(_, value)| value.clone()),
            Items::Sequence(_) => None,
        }
    }

    /// Sets a key; whether it was there.
    pub(crate) fn insert(&self, key: Value, value: Value) -> bool {
        let normal = self.normal(&key);
        match &mut *self.lock() {
            Items::Map(map) => map.insert(normal, (key, value)).is_some(),
            Items::Sequence(_) => false,
        }
    }

    pub(crate) fn remove(&self, key: &Value) -> bool {
        let normal = self.normal(key);
        match &mut *self.lock() {
            Items::Map(map) => map.shift_remove(&normal).is_some(),
            Items::Sequence(_) => false,
        }
    }

    pub(crate) fn keys(&self) -> Vec<Value> {
        match &*self.lock() {
            Items::Map(map) => map.values().map(|(key, _)| key.clone()).collect(),
            Items::Sequence(_) => Vec::new(),
        }
    }

    pub(crate) fn values(&self) -> Vec<Value> {
        match &*self.lock() {
            Items::Map(map) => map.values().map(|(_, value)| value.clone()).collect(),
            Items::Sequence(items) => items.clone(),
        }
    }

    fn normal(&self, key: &Value) -> String {
        normal_key(key, self.ignore_case)
    }

    pub(crate) fn member_equals(&self, other: &Collection) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        if self.parts.beyond() || other.parts.beyond() {
            return false;
        }
        let (own, others) = (self.values(), other.values());
        // Nested ones recurse through `equals`.
        own.len() == others.len() && own.iter().zip(&others).all(|(a, b)| a.equals(b))
    }

    /// Adds the collections directly inside.
    pub(crate) fn nested(&self, found: &mut Vec<Arc<Self>>) {
        let mut look = |value: &Value| {
            if let Value::Collection(nested) = value {
                found.push(Arc::clone(nested));
            }
        };
        match &*self.lock() {
            Items::Sequence(items) => items.iter().for_each(look),
            Items::Map(map) => map.values().for_each(|(key, value)| {
                look(key);
                look(value);
            }),
        }
    }

    /// A copy that shares nothing; what was shared inside is shared inside it.
    pub(crate) fn deep_copy(&self) -> Arc<Self> {
        self.copy(0, &mut Copies::default())
    }

    fn copy(&self, depth: usize, copies: &mut Copies) -> Arc<Self> {
        let mut copy = |value: &Value| match value {
            Value::Collection(items) => {
                let place = Arc::as_ptr(items) as usize;
                match copies.collections.get(&place) {
                    Some(known) => Value::Collection(Arc::clone(known)),
                    None if depth < MAX_DEPTH => {
                        let copy = items.copy(depth + 1, copies);
                        copies.collections.insert(place, Arc::clone(&copy));
                        Value::Collection(copy)
                    }
                    None => Value::Null,
                }
            }
            Value::Json(node) => {
                let copy = copies.nodes.entry(node.place()).or_insert_with(|| node.deep_clone());
                Value::Json(copy.clone())
            }
            other => other.deep_copy(),
        };
        let items = match &*self.lock() {
            Items::Sequence(items) => Items::Sequence(items.iter().map(copy).collect()),
            Items::Map(map) => Items::Map(
                map.iter().map(|(k, (key, value))| (k.clone(), (copy(key), copy(value)))).collect(),
            ),
        };
        Self::of(self.kind, self.ty.clone(), self.ignore_case, self.parts, items)
    }

    pub(crate) fn to_text(&self, style: Style) -> String {
        self.to_text_at(style, 0)
    }

    fn to_text_at(&self, style: Style, depth: usize) -> String {
        let text = |value: Value| match value {
            Value::Collection(items) if depth < MAX_DEPTH => items.to_text_at(style, depth + 1),
            Value::Collection(_) => "…".into(),
            other => other.to_text_with(style),
        };
        match self.kind {
            _ if self.parts.beyond() => self.ty.full_name(),
            Kind::Pair => {
                let parts: Vec<String> = self.items().into_iter().map(text).collect();
                format!("[{}]", parts.join(", "))
            }
            Kind::Tuple => {
                let parts: Vec<String> = self.items().into_iter().map(text).collect();
                format!("({})", parts.join(", "))
            }
            Kind::Anonymous => {
                let parts: Vec<String> = self
                    .keys()
                    .into_iter()
                    .zip(self.values())
                    .map(|(name, value)| format!("{} = {}", name.to_text(), text(value)))
                    .collect();
                format!("{{ {} }}", parts.join(", "))
            }
            _ => self.ty.full_name(),
        }
    }
}

/// Copies made so far, by the place of their originals.
#[derive(Default)]
struct Copies {
    collections: BTreeMap<usize, Arc<Collection>>,
    nodes: BTreeMap<usize, Node>,
}

/// A key's text with its type: `1` and `"1"` are two keys.
pub(crate) fn normal_key(key: &Value, ignore_case: bool) -> String {
    match key {
        Value::String(text) if ignore_case => format!("s{}", text.to_lowercase()),
        Value::String(text) => format!("s{text}"),
        Value::Char(unit) => format!("c{unit}"),
        Value::Json(node) => format!("j{}", node.print_compact()),
        Value::Collection(items) => match items.kind {
            Kind::Pair | Kind::Tuple | Kind::Anonymous if !items.parts.beyond() => {
                format!("v{}", items.to_text(Style::default()))
            }
            _ => format!("r{:p}", Arc::as_ptr(items)),
        },
        other => match other.as_number() {
            Some(_) => format!("n{}", other.to_text()),
            None => format!("{}:{}", other.type_name(), other.to_text()),
        },
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Contents may be cyclic.
        write!(f, "{}({} items)", self.ty, self.len())
    }
}

impl Drop for Collection {
    /// Takes nested collections apart in a loop: a list in a list in a list,
    /// as deep as a document likes, must not overflow the stack.
    fn drop(&mut self) {
        let mut pending: Vec<Value> = Vec::new();
        let mut items = self.items.get_mut().unwrap_or_else(PoisonError::into_inner);
        take_collections(items, &mut pending);
        while let Some(value) = pending.pop() {
            if let Value::Collection(shared) = value
                && let Some(mut own) = Arc::into_inner(shared)
            {
                items = own.items.get_mut().unwrap_or_else(PoisonError::into_inner);
                take_collections(items, &mut pending);
            }
        }
    }
}

fn take_collections(items: &mut Items, pending: &mut Vec<Value>) {
    let nested = |value: &Value| matches!(value, Value::Collection(_));
    match items {
        Items::Sequence(items) => pending.extend(items.drain(..).filter(nested)),
        Items::Map(map) => {
            pending.extend(map.drain(..).flat_map(|(_, (key, value))| [key, value]).filter(nested))
        }
    }
}
