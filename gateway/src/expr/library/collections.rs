//! `List`, `Dictionary`, `HashSet`, `Queue`, `Stack`, `KeyValuePair`, `Tuple`.

use super::{Call, Entry, TypeDef};
use crate::expr::collection::{Collection, Items, Kind, MAX_ITEMS};
use crate::expr::eval::compare_values;
use crate::expr::exception::Exception;
use crate::expr::types::Type;
use crate::expr::value::Value;

const NAMESPACE: &str = "System.Collections.Generic";

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "ICollection").generic(&["T"]).bases(&["IEnumerable<T>"]),
    TypeDef::new(NAMESPACE, "IList").generic(&["T"]).bases(&["ICollection<T>"]).members(&[
        Entry("int Count", count),
        Entry("T this[int index]", item),
        Entry("set T this[int index]", set_item),
        Entry("void Add(T item)", add),
        Entry("int IndexOf(T item)", index_of),
        Entry("void Insert(int index, T item)", insert),
        Entry("bool Remove(T item)", remove),
        Entry("void RemoveAt(int index)", remove_at),
        Entry("void Clear()", clear),
    ]),
    TypeDef::new(NAMESPACE, "List").generic(&["T"]).bases(&["IList<T>", "object"]).members(&[
        Entry("new()", |c| Ok(Collection::list(c.type_arg(0), Vec::new()))),
        Entry("new(int capacity)", |c| Ok(Collection::list(c.type_arg(0), Vec::new()))),
        Entry("new(IEnumerable<T> collection)", |c| {
            let items = c.items(0, "collection")?;
            Ok(Collection::list(c.type_arg(0), items))
        }),
        Entry("void AddRange(IEnumerable<T> collection)", |c| {
            let new = c.items(0, "collection")?;
            c.vm.items(new.len())?;
            let this = this(c)?;
            full(this.len().saturating_add(new.len().saturating_sub(1)))?;
            for item in &new {
                c.vm.no_circle(item, &this)?;
            }
            with_items(c, |items| {
                items.extend(new);
                Ok(Value::Null)
            })
        }),
        Entry("void Sort()", |c| {
            let mut items = c.this_items()?;
            c.vm.items(items.len().saturating_mul(4))?;
            super::linq::sort(&mut items, |item| item.clone(), false)?;
            with_items(c, |own| {
                *own = items;
                Ok(Value::Null)
            })
        }),
        Entry("void Reverse()", |c| {
            let count = this(c)?.len();
            c.vm.items(count)?;
            with_items(c, |items| {
                items.reverse();
                Ok(Value::Null)
            })
        }),
        Entry("T Find(Func<T, bool> match)", |c| {
            for item in c.this_items()? {
                if c.test(0, std::slice::from_ref(&item))? {
                    return Ok(item);
                }
            }
            Ok(Value::Null)
        }),
        Entry("int FindIndex(Func<T, bool> match)", |c| {
            for (at, item) in c.this_items()?.into_iter().enumerate() {
                if c.test(0, &[item])? {
                    return Ok(Value::Int(i32::try_from(at).unwrap_or(-1)));
                }
            }
            Ok(Value::Int(-1))
        }),
        Entry("bool Exists(Func<T, bool> match)", |c| {
            for item in c.this_items()? {
                if c.test(0, &[item])? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }),
        Entry("int RemoveAll(Func<T, bool> match)", |c| {
            let mut kept = Vec::new();
            let mut removed = 0;
            for item in c.this_items()? {
                if c.test(0, std::slice::from_ref(&item))? {
                    removed += 1;
                } else {
                    kept.push(item);
                }
            }
            with_items(c, |items| {
                *items = kept;
                Ok(Value::Int(removed))
            })
        }),
    ]),
    TypeDef::new(NAMESPACE, "KeyValuePair").generic(&["K", "V"]).members(&[
        Entry("new(K key, V value)", |c| Ok(Collection::pair(c.arg(0).clone(), c.arg(1).clone()))),
        Entry("K Key", |c| Ok(part(&c.this, 0))),
        Entry("V Value", |c| Ok(part(&c.this, 1))),
    ]),
    TypeDef::new(NAMESPACE, "IDictionary")
        .generic(&["K", "V"])
        .bases(&["IEnumerable<KeyValuePair<K, V>>"])
        .members(&[
            Entry("int Count", count),
            Entry("V this[K key]", |c| {
                if matches!(c.arg(0), Value::Null) {
                    return Err(Exception::argument_null("key"));
                }
                this(c)?.get(c.arg(0)).ok_or_else(Exception::key_not_found)
            }),
            Entry("set V this[K key]", |c| {
                put(c)?;
                Ok(Value::Null)
            }),
            Entry("void Add(K key, V value)", |c| {
                if this(c)?.get(c.arg(0)).is_some() {
                    return Err(Exception::argument(
                        "An item with the same key has already been added.",
                    ));
                }
                put(c)?;
                Ok(Value::Null)
            }),
            Entry("bool ContainsKey(K key)", |c| Ok(Value::Bool(this(c)?.get(c.arg(0)).is_some()))),
            Entry("bool ContainsValue(V value)", |c| {
                let values = this(c)?.values();
                c.vm.items(values.len())?;
                for value in &values {
                    c.vm.charge_read(value)?;
                }
                Ok(Value::Bool(values.iter().any(|value| value.equals(c.arg(0)))))
            }),
            Entry("bool TryGetValue(K key, out V value)", |c| {
                let found = this(c)?.get(c.arg(0));
                let default = match &this(c)?.ty {
                    Type::Of(_, args) => {
                        args.get(1).map_or(Value::Null, crate::expr::check::default_of)
                    }
                    _ => Value::Null,
                };
                Ok(c.out(1, found, default))
            }),
            Entry("bool Remove(K key)", |c| {
                moves(c)?;
                Ok(Value::Bool(this(c)?.remove(c.arg(0))))
            }),
            Entry("void Clear()", clear),
            Entry("IEnumerable<K> Keys", |c| {
                let keys = this(c)?.keys();
                c.vm.items(keys.len())?;
                Ok(Collection::lazy(keys))
            }),
            Entry("IEnumerable<V> Values", |c| {
                let values = this(c)?.values();
                c.vm.items(values.len())?;
                Ok(Collection::lazy(values))
            }),
            Entry("V GetValueOrDefault(K key, V defaultValue)", |c| {
                Ok(this(c)?.get(c.arg(0)).unwrap_or_else(|| c.arg(1).clone()))
            }),
        ]),
    TypeDef::new(NAMESPACE, "Dictionary")
        .generic(&["K", "V"])
        .bases(&["IDictionary<K, V>", "object"])
        .members(&[
            Entry("new()", |c| Ok(dictionary(c, false))),
            Entry("new(int capacity)", |c| Ok(dictionary(c, false))),
            Entry("new(StringComparer comparer)", |c| {
                let ignore = ignores_case(c.arg(0));
                Ok(dictionary(c, ignore))
            }),
            Entry("new(IDictionary<K, V> dictionary)", |c| {
                let new = dictionary(c, false);
                if let (Value::Collection(new), Value::Collection(old)) = (&new, c.arg(0)) {
                    for (key, value) in old.keys().into_iter().zip(old.values()) {
                        new.insert(key, value);
                    }
                }
                Ok(new)
            }),
        ]),
    TypeDef::new(NAMESPACE, "HashSet")
        .generic(&["T"])
        .bases(&["ICollection<T>", "object"])
        .members(&[
            Entry("new()", |c| Ok(set(c, false))),
            Entry("new(StringComparer comparer)", |c| {
                let ignore = ignores_case(c.arg(0));
                Ok(set(c, ignore))
            }),
            Entry("new(IEnumerable<T> collection)", |c| fill_set(c, false)),
            Entry("new(IEnumerable<T> collection, StringComparer comparer)", |c| {
                let ignore = ignores_case(c.arg(1));
                fill_set(c, ignore)
            }),
            Entry("int Count", count),
            Entry("bool Add(T item)", |c| {
                c.vm.items(1)?;
                let set = this(c)?;
                if set.get(c.arg(0)).is_some() {
                    return Ok(Value::Bool(false));
                }
                full(set.len())?;
                let item = c.arg(0).clone();
                c.vm.no_circle(&item, &set)?;
                set.insert(c.arg(0).clone(), c.arg(0).clone());
                Ok(Value::Bool(true))
            }),
            Entry("bool Contains(T item)", |c| Ok(Value::Bool(this(c)?.get(c.arg(0)).is_some()))),
            Entry("bool Remove(T item)", |c| {
                moves(c)?;
                Ok(Value::Bool(this(c)?.remove(c.arg(0))))
            }),
            Entry("void Clear()", clear),
        ]),
    TypeDef::new(NAMESPACE, "Queue").generic(&["T"]).bases(&["ICollection<T>", "object"]).members(
        &[
            Entry("new()", |c| Ok(sequence(c, Kind::Queue, "Queue", Vec::new()))),
            Entry("new(IEnumerable<T> collection)", |c| {
                let items = c.items(0, "collection")?;
                Ok(sequence(c, Kind::Queue, "Queue", items))
            }),
            Entry("int Count", count),
            Entry("void Enqueue(T item)", add),
            Entry("T Dequeue()", |c| {
                moves(c)?;
                with_items(c, |items| {
                    if items.is_empty() {
                        Err(Exception::invalid_operation("Queue empty."))
                    } else {
                        Ok(items.remove(0))
                    }
                })
            }),
            Entry("T Peek()", |c| {
                this(c)?.at(0).ok_or_else(|| Exception::invalid_operation("Queue empty."))
            }),
            Entry("void Clear()", clear),
        ],
    ),
    // Kept with its top first, the order in which it is enumerated.
    TypeDef::new(NAMESPACE, "Stack").generic(&["T"]).bases(&["ICollection<T>", "object"]).members(
        &[
            Entry("new()", |c| Ok(sequence(c, Kind::Stack, "Stack", Vec::new()))),
            Entry("int Count", count),
            Entry("void Push(T item)", |c| {
                let item = new_item(c, 0)?;
                moves(c)?;
                with_items(c, |items| {
                    full(items.len())?;
                    items.insert(0, item);
                    Ok(Value::Null)
                })
            }),
            Entry("T Pop()", |c| {
                moves(c)?;
                with_items(c, |items| {
                    if items.is_empty() {
                        Err(Exception::invalid_operation("Stack empty."))
                    } else {
                        Ok(items.remove(0))
                    }
                })
            }),
            Entry("T Peek()", |c| {
                this(c)?.at(0).ok_or_else(|| Exception::invalid_operation("Stack empty."))
            }),
            Entry("void Clear()", clear),
        ],
    ),
    TypeDef::new("System", "Tuple").generic(&["A", "B"]).members(&[
        Entry("static Tuple<T, U> Create<T, U>(T item1, U item2)", |c| {
            let items = vec![c.arg(0).clone(), c.arg(1).clone()];
            let ty = Type::Of("Tuple", vec![c.type_arg(0), c.type_arg(1)]);
            Ok(Value::Collection(Collection::sequence(Kind::Tuple, ty, items)))
        }),
        Entry("new(A item1, B item2)", |c| {
            let items = vec![c.arg(0).clone(), c.arg(1).clone()];
            let ty = Type::Of("Tuple", vec![c.type_arg(0), c.type_arg(1)]);
            Ok(Value::Collection(Collection::sequence(Kind::Tuple, ty, items)))
        }),
        Entry("A Item1", |c| Ok(part(&c.this, 0))),
        Entry("B Item2", |c| Ok(part(&c.this, 1))),
    ]),
];

fn this(c: &Call<'_, '_>) -> Result<std::sync::Arc<Collection>, Exception> {
    match &c.this {
        Value::Collection(items) => Ok(std::sync::Arc::clone(items)),
        other => Err(Exception::invalid_cast(&other.type_name(), "System.Collections.ICollection")),
    }
}

fn part(pair: &Value, index: usize) -> Value {
    match pair {
        Value::Collection(items) => items.at(index).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn full(count: usize) -> Result<(), Exception> {
    if MAX_ITEMS <= count {
        return Err(Exception::limit(format_args!("{MAX_ITEMS} items in a collection")));
    }
    Ok(())
}

/// Changes the items in place; the closure runs no code of the expression.
fn with_items(
    c: &mut Call<'_, '_>,
    change: impl FnOnce(&mut Vec<Value>) -> Result<Value, Exception>,
) -> Result<Value, Exception> {
    let this = this(c)?;
    let mut items = this.lock();
    match &mut *items {
        Items::Sequence(items) => change(items),
        Items::Map(_) => Err(Exception::unsupported("this collection has no order")),
    }
}

/// An argument that becomes an item of the receiver.
fn new_item(c: &mut Call<'_, '_>, at: usize) -> Result<Value, Exception> {
    c.vm.items(1)?;
    let item = c.arg(at).clone();
    let this = this(c)?;
    c.vm.no_circle(&item, &this)?;
    Ok(item)
}

/// Pays for the receiver's items moving up or down.
fn moves(c: &mut Call<'_, '_>) -> Result<(), Exception> {
    let count = this(c)?.len();
    c.vm.charge_move(count)
}

fn put(c: &mut Call<'_, '_>) -> Result<(), Exception> {
    if matches!(c.arg(0), Value::Null) {
        return Err(Exception::argument_null("key"));
    }
    c.vm.items(1)?;
    let this = this(c)?;
    full(this.len())?;
    for at in 0..2 {
        new_item(c, at)?;
    }
    this.insert(c.arg(0).clone(), c.arg(1).clone());
    Ok(())
}

pub(super) fn count(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let count = match &c.this {
        Value::Bytes(bytes) => bytes.len(),
        Value::Collection(items) => items.len(),
        _ => c.this_items()?.len(),
    };
    Ok(Value::Int(i32::try_from(count).unwrap_or(i32::MAX)))
}

pub(super) fn item(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let at = usize::try_from(c.int(0)).ok();
    let found = match &c.this {
        Value::Bytes(bytes) => at.and_then(|at| bytes.get(at)).map(|byte| Value::Byte(*byte)),
        Value::Collection(items) => at.and_then(|at| items.at(at)),
        _ => None,
    };
    found.ok_or_else(|| match &c.this {
        Value::Collection(items) if items.kind != Kind::Array => Exception::list_index(),
        _ => Exception::index_out_of_range(),
    })
}

pub(super) fn set_item(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let at = usize::try_from(c.int(0)).ok();
    if matches!(c.this, Value::Bytes(_)) {
        return Err(Exception::unsupported("bytes of a byte array cannot be set here"));
    }
    let value = new_item(c, 1)?;
    let is_array = this(c)?.kind == Kind::Array;
    with_items(c, |items| match at.and_then(|at| items.get_mut(at)) {
        Some(place) => {
            *place = value;
            Ok(Value::Null)
        }
        None if is_array => Err(Exception::index_out_of_range()),
        None => Err(Exception::list_index()),
    })
}

fn add(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let item = new_item(c, 0)?;
    with_items(c, |items| {
        full(items.len())?;
        items.push(item);
        Ok(Value::Null)
    })
}

fn insert(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let (at, item) = (usize::try_from(c.int(0)).ok(), new_item(c, 1)?);
    moves(c)?;
    with_items(c, |items| {
        full(items.len())?;
        match at.filter(|&at| at <= items.len()) {
            Some(at) => {
                items.insert(at, item);
                Ok(Value::Null)
            }
            None => Err(Exception::list_index()),
        }
    })
}

fn index_of(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let found = c.this_items()?.iter().position(|item| item.equals(c.arg(0)));
    Ok(Value::Int(found.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1)))
}

fn remove(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let found = c.this_items()?.iter().position(|item| item.equals(c.arg(0)));
    with_items(c, |items| {
        if let Some(at) = found.filter(|&at| at < items.len()) {
            items.remove(at);
        }
        Ok(Value::Bool(found.is_some()))
    })
}

fn remove_at(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let at = usize::try_from(c.int(0)).ok();
    moves(c)?;
    with_items(c, |items| match at.filter(|&at| at < items.len()) {
        Some(at) => {
            items.remove(at);
            Ok(Value::Null)
        }
        None => Err(Exception::list_index()),
    })
}

fn clear(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    match &mut *this(c)?.lock() {
        Items::Sequence(items) => items.clear(),
        Items::Map(map) => map.clear(),
    }
    Ok(Value::Null)
}

fn sequence(c: &Call<'_, '_>, kind: Kind, name: &'static str, items: Vec<Value>) -> Value {
    let ty = Type::Of(name, vec![c.type_arg(0)]);
    Value::Collection(Collection::sequence(kind, ty, items))
}

fn dictionary(c: &Call<'_, '_>, ignore_case: bool) -> Value {
    let ty = Type::Of("Dictionary", vec![c.type_arg(0), c.type_arg(1)]);
    Value::Collection(Collection::map(Kind::Dictionary, ty, ignore_case))
}

fn set(c: &Call<'_, '_>, ignore_case: bool) -> Value {
    let ty = Type::Of("HashSet", vec![c.type_arg(0)]);
    Value::Collection(Collection::map(Kind::Set, ty, ignore_case))
}

fn fill_set(c: &mut Call<'_, '_>, ignore_case: bool) -> Result<Value, Exception> {
    let items = c.items(0, "collection")?;
    let new = set(c, ignore_case);
    if let Value::Collection(new) = &new {
        for item in items {
            if new.get(&item).is_none() {
                new.insert(item.clone(), item);
            }
        }
    }
    Ok(new)
}

fn ignores_case(comparer: &Value) -> bool {
    matches!(comparer, Value::Object(super::objects::Object::Comparer(true)))
}

/// Sorting needs an order of the items themselves.
pub(super) fn order_of(a: &Value, b: &Value) -> Result<std::cmp::Ordering, Exception> {
    compare_values(a, b)
        .ok_or_else(|| Exception::invalid_operation("Failed to compare two elements in the array."))
}
