//! `IEnumerable<T>` with LINQ's methods, evaluated at once.

use super::{Call, Entry, TypeDef};
use crate::expr::check::default_of;
use crate::expr::collection::{Collection, Kind, normal_key};
use crate::expr::eval::{array_of, is_instance};
use crate::expr::exception::Exception;
use crate::expr::numbers::Number;
use crate::expr::types::Type;
use crate::expr::value::Value;

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new("System.Collections.Generic", "IEnumerable").generic(&["T"]).members(&[
        Entry("int Count()", |c| {
            let count = c.this_items()?.len();
            Ok(int(count))
        }),
        Entry("int Count(Func<T, bool> predicate)", |c| {
            let found = filter(c)?.len();
            Ok(int(found))
        }),
        Entry("bool Any()", |c| Ok(Value::Bool(!c.this_items()?.is_empty()))),
        Entry("bool Any(Func<T, bool> predicate)", |c| {
            for item in c.this_items()? {
                if c.test(0, &[item])? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }),
        Entry("bool All(Func<T, bool> predicate)", |c| {
            for item in c.this_items()? {
                if !c.test(0, &[item])? {
                    return Ok(Value::Bool(false));
                }
            }
            Ok(Value::Bool(true))
        }),
        Entry("bool Contains(T value)", |c| {
            let items = c.this_items()?;
            Ok(Value::Bool(items.iter().any(|item| item.equals(c.arg(0)))))
        }),
        Entry("bool Contains(T value, StringComparer comparer)", |c| {
            let items = c.this_items()?;
            let ignore = matches!(c.arg(1), Value::Object(super::objects::Object::Comparer(true)));
            let wanted = normal_key(c.arg(0), ignore);
            Ok(Value::Bool(items.iter().any(|item| normal_key(item, ignore) == wanted)))
        }),
        Entry("T First()", |c| c.this_items()?.into_iter().next().ok_or_else(no_elements)),
        Entry("T First(Func<T, bool> predicate)", |c| {
            filter(c)?.into_iter().next().ok_or_else(no_match)
        }),
        Entry("T FirstOrDefault()", |c| {
            let first = c.this_items()?.into_iter().next();
            Ok(first.unwrap_or_else(|| element_default(&c.this)))
        }),
        Entry("T FirstOrDefault(Func<T, bool> predicate)", |c| {
            let first = filter(c)?.into_iter().next();
            Ok(first.unwrap_or_else(|| element_default(&c.this)))
        }),
        Entry("T Last()", |c| c.this_items()?.pop().ok_or_else(no_elements)),
        Entry("T Last(Func<T, bool> predicate)", |c| filter(c)?.pop().ok_or_else(no_match)),
        Entry("T LastOrDefault()", |c| {
            let last = c.this_items()?.pop();
            Ok(last.unwrap_or_else(|| element_default(&c.this)))
        }),
        Entry("T LastOrDefault(Func<T, bool> predicate)", |c| {
            let last = filter(c)?.pop();
            Ok(last.unwrap_or_else(|| element_default(&c.this)))
        }),
        Entry("T Single()", |c| only(c.this_items()?, no_elements())),
        Entry("T Single(Func<T, bool> predicate)", |c| only(filter(c)?, no_match())),
        Entry("T SingleOrDefault()", |c| {
            let default = element_default(&c.this);
            let items = c.this_items()?;
            if items.is_empty() { Ok(default) } else { only(items, no_elements()) }
        }),
        Entry("T SingleOrDefault(Func<T, bool> predicate)", |c| {
            let default = element_default(&c.this);
            let items = filter(c)?;
            if items.is_empty() { Ok(default) } else { only(items, no_match()) }
        }),
        Entry("T ElementAt(int index)", |c| {
            let at = usize::try_from(c.int(0)).ok();
            let items = c.this_items()?;
            at.and_then(|at| items.get(at).cloned()).ok_or_else(Exception::list_index)
        }),
        Entry("T ElementAtOrDefault(int index)", |c| {
            let at = usize::try_from(c.int(0)).ok();
            let items = c.this_items()?;
            let found = at.and_then(|at| items.get(at).cloned());
            Ok(found.unwrap_or_else(|| element_default(&c.this)))
        }),
        Entry("IEnumerable<T> Where(Func<T, bool> predicate)", |c| {
            Ok(Collection::lazy(filter(c)?))
        }),
        Entry("IEnumerable<T> Where(Func<T, int, bool> predicate)", |c| {
            let mut found = Vec::new();
            for (at, item) in c.this_items()?.into_iter().enumerate() {
                if c.test(0, &[item.clone(), int(at)])? {
                    found.push(item);
                }
            }
            Ok(Collection::lazy(found))
        }),
        Entry("IEnumerable<R> Select<R>(Func<T, R> selector)", |c| {
            Ok(Collection::lazy(map(c, 0)?))
        }),
        Entry("IEnumerable<R> Select<R>(Func<T, int, R> selector)", |c| {
            let mut found = Vec::new();
            for (at, item) in c.this_items()?.into_iter().enumerate() {
                found.push(c.apply(0, &[item, int(at)])?);
            }
            Ok(Collection::lazy(found))
        }),
        Entry("IEnumerable<R> SelectMany<R>(Func<T, IEnumerable<R>> selector)", |c| {
            let mut found = Vec::new();
            for inner in map(c, 0)? {
                found.extend(c.vm.enumerate(&inner)?);
                c.vm.items(found.len() / 16)?;
            }
            Ok(Collection::lazy(found))
        }),
        Entry("IOrderedEnumerable<T> OrderBy<K>(Func<T, K> keySelector)", |c| ordered(c, false)),
        Entry("IOrderedEnumerable<T> OrderByDescending<K>(Func<T, K> keySelector)", |c| {
            ordered(c, true)
        }),
        Entry("IEnumerable<T> Reverse()", |c| {
            let mut items = c.this_items()?;
            items.reverse();
            Ok(Collection::lazy(items))
        }),
        Entry("IEnumerable<T> Skip(int count)", |c| {
            let count = usize::try_from(c.int(0)).unwrap_or(0);
            Ok(Collection::lazy(c.this_items()?.into_iter().skip(count).collect()))
        }),
        Entry("IEnumerable<T> Take(int count)", |c| {
            let count = usize::try_from(c.int(0)).unwrap_or(0);
            Ok(Collection::lazy(c.this_items()?.into_iter().take(count).collect()))
        }),
        Entry("IEnumerable<T> SkipWhile(Func<T, bool> predicate)", |c| {
            let mut items = c.this_items()?.into_iter();
            let mut kept = Vec::new();
            for item in items.by_ref() {
                if !c.test(0, std::slice::from_ref(&item))? {
                    kept.push(item);
                    break;
                }
            }
            kept.extend(items);
            Ok(Collection::lazy(kept))
        }),
        Entry("IEnumerable<T> TakeWhile(Func<T, bool> predicate)", |c| {
            let mut kept = Vec::new();
            for item in c.this_items()? {
                if !c.test(0, std::slice::from_ref(&item))? {
                    break;
                }
                kept.push(item);
            }
            Ok(Collection::lazy(kept))
        }),
        Entry("IEnumerable<T> Distinct()", |c| {
            let items = c.this_items()?;
            let mut seen = std::collections::BTreeSet::new();
            let kept = items.into_iter().filter(|item| seen.insert(normal_key(item, false)));
            Ok(Collection::lazy(kept.collect()))
        }),
        Entry("IEnumerable<T> Concat(IEnumerable<T> second)", |c| {
            let mut items = c.this_items()?;
            items.extend(c.items(0, "second")?);
            c.vm.items(items.len())?;
            Ok(Collection::lazy(items))
        }),
        Entry("IEnumerable<T> Union(IEnumerable<T> second)", |c| {
            let mut items = c.this_items()?;
            items.extend(c.items(0, "second")?);
            let mut seen = std::collections::BTreeSet::new();
            let kept = items.into_iter().filter(|item| seen.insert(normal_key(item, false)));
            Ok(Collection::lazy(kept.collect()))
        }),
        Entry("IEnumerable<T> Intersect(IEnumerable<T> second)", |c| common(c, true)),
        Entry("IEnumerable<T> Except(IEnumerable<T> second)", |c| common(c, false)),
        Entry("IEnumerable<T> Append(T element)", |c| {
            let mut items = c.this_items()?;
            items.push(c.arg(0).clone());
            Ok(Collection::lazy(items))
        }),
        Entry("IEnumerable<T> DefaultIfEmpty(T defaultValue)", |c| {
            let mut items = c.this_items()?;
            if items.is_empty() {
                items.push(c.arg(0).clone());
            }
            Ok(Collection::lazy(items))
        }),
        Entry("IEnumerable<R> Zip<U, R>(IEnumerable<U> second, Func<T, U, R> resultSelector)", |c| {
            let (first, second) = (c.this_items()?, c.items(0, "second")?);
            let mut found = Vec::new();
            for (a, b) in first.into_iter().zip(second) {
                found.push(c.apply(1, &[a, b])?);
            }
            Ok(Collection::lazy(found))
        }),
        Entry("IEnumerable<IGrouping<K, T>> GroupBy<K>(Func<T, K> keySelector)", |c| {
            let mut groups: indexmap::IndexMap<String, (Value, Vec<Value>)> =
                indexmap::IndexMap::new();
            for item in c.this_items()? {
                let key = c.apply(0, std::slice::from_ref(&item))?;
                groups
                    .entry(normal_key(&key, false))
                    .or_insert_with(|| (key, Vec::new()))
                    .1
                    .push(item);
            }
            let ty = Type::Of("IGrouping", vec![Type::Unknown, Type::Unknown]);
            let groups = groups.into_values().map(|(key, items)| {
                // The key goes first, the items follow as one sequence.
                let parts = vec![key, Collection::lazy(items)];
                Value::Collection(Collection::sequence(Kind::Pair, ty.clone(), parts))
            });
            Ok(Collection::lazy(groups.collect()))
        }),
        Entry("Dictionary<K, T> ToDictionary<K>(Func<T, K> keySelector)", |c| {
            let items = c.this_items()?;
            to_dictionary(c, items, None)
        }),
        Entry(
            "Dictionary<K, V> ToDictionary<K, V>(Func<T, K> keySelector, Func<T, V> elementSelector)",
            |c| {
                let items = c.this_items()?;
                to_dictionary(c, items, Some(1))
            },
        ),
        Entry("List<T> ToList()", |c| {
            let element = element_type(&c.this);
            Ok(Collection::list(element, c.this_items()?))
        }),
        Entry("T[] ToArray()", |c| {
            let items = c.this_items()?;
            let element = match element_type(&c.this) {
                Type::Unknown => common_type(&items),
                known => known,
            };
            Ok(array_of(&element, items))
        }),
        Entry("U[] ToArray<U>()", |c| {
            let items = c.this_items()?;
            Ok(array_of(&c.type_arg(0), items))
        }),
        Entry("HashSet<T> ToHashSet()", |c| {
            let set = Collection::map(
                Kind::Set,
                Type::Of("HashSet", vec![element_type(&c.this)]),
                false,
            );
            for item in c.this_items()? {
                if set.get(&item).is_none() {
                    set.insert(item.clone(), item);
                }
            }
            Ok(Value::Collection(set))
        }),
        Entry("IEnumerable<U> Cast<U>()", |c| {
            let to = c.type_arg(0);
            let items = c.this_items()?;
            let cast: Result<Vec<Value>, Exception> = items
                .iter()
                .map(|item| {
                    crate::expr::eval::convert(item, &to, crate::expr::ir::Mode::Unbox)
                })
                .collect();
            Ok(Collection::lazy(cast?))
        }),
        Entry("IEnumerable<U> OfType<U>()", |c| {
            let to = c.type_arg(0);
            let items = c.this_items()?;
            Ok(Collection::lazy(items.into_iter().filter(|item| is_instance(item, &to)).collect()))
        }),
        Entry("R Aggregate<R>(R seed, Func<R, T, R> func)", |c| {
            let mut total = c.arg(0).clone();
            for item in c.this_items()? {
                total = c.apply(1, &[total, item])?;
            }
            Ok(total)
        }),
        Entry("T Aggregate(Func<T, T, T> func)", |c| {
            let mut items = c.this_items()?.into_iter();
            let mut total = items.next().ok_or_else(no_elements)?;
            for item in items {
                total = c.apply(0, &[total, item])?;
            }
            Ok(total)
        }),
        Entry("T Sum()", |c| {
            let items = c.this_items()?;
            sum(items)
        }),
        Entry("R Sum<R>(Func<T, R> selector)", |c| sum(map(c, 0)?)),
        Entry("double Average()", |c| {
            let items = c.this_items()?;
            average(&items)
        }),
        Entry("double Average<R>(Func<T, R> selector)", |c| average(&map(c, 0)?)),
        Entry("T Max()", |c| {
            let items = c.this_items()?;
            extreme(items, std::cmp::Ordering::Greater)
        }),
        Entry("R Max<R>(Func<T, R> selector)", |c| {
            extreme(map(c, 0)?, std::cmp::Ordering::Greater)
        }),
        Entry("T Min()", |c| {
            let items = c.this_items()?;
            extreme(items, std::cmp::Ordering::Less)
        }),
        Entry("R Min<R>(Func<T, R> selector)", |c| extreme(map(c, 0)?, std::cmp::Ordering::Less)),
        Entry("bool SequenceEqual(IEnumerable<T> second)", |c| {
            let (a, b) = (c.this_items()?, c.items(0, "second")?);
            Ok(Value::Bool(a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.equals(b))))
        }),
    ]),
    TypeDef::new("System.Linq", "IOrderedEnumerable")
        .generic(&["T"])
        .bases(&["IEnumerable<T>"])
        ,
    TypeDef::new("System.Linq", "IGrouping").generic(&["K", "T"]).bases(&["IEnumerable<T>"]).members(
        &[Entry("K Key", |c| match &c.this {
            Value::Collection(group) => Ok(group.at(0).unwrap_or(Value::Null)),
            _ => Ok(Value::Null),
        })],
    ),
    TypeDef::new("System.Linq", "Enumerable").members(&[
        Entry("static IEnumerable<int> Range(int start, int count)", |c| {
            let count = usize::try_from(c.int(1))
                .map_err(|_| Exception::out_of_range("Specified argument was out of the range of valid values.", "count"))?;
            c.vm.items(count)?;
            let start = c.int(0);
            let numbers = (0..count).map(|at| {
                Value::Int(start.wrapping_add(i32::try_from(at).unwrap_or(0)))
            });
            Ok(Collection::lazy(numbers.collect()))
        }),
        Entry("static IEnumerable<U> Repeat<U>(U element, int count)", |c| {
            let count = usize::try_from(c.int(1)).unwrap_or(0);
            c.vm.items(count)?;
            Ok(Collection::lazy(vec![c.arg(0).clone(); count]))
        }),
        Entry("static IEnumerable<U> Empty<U>()", |_| Ok(Collection::lazy(Vec::new()))),
    ]),
];

fn int(n: usize) -> Value {
    Value::Int(i32::try_from(n).unwrap_or(i32::MAX))
}

fn no_elements() -> Exception {
    Exception::invalid_operation("Sequence contains no elements")
}

fn no_match() -> Exception {
    Exception::invalid_operation("Sequence contains no matching element")
}

fn only(mut items: Vec<Value>, none: Exception) -> Result<Value, Exception> {
    match (items.pop(), items.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(none),
        _ => Err(Exception::invalid_operation("Sequence contains more than one element")),
    }
}

fn filter(c: &mut Call<'_, '_>) -> Result<Vec<Value>, Exception> {
    let mut found = Vec::new();
    for item in c.this_items()? {
        if c.test(0, std::slice::from_ref(&item))? {
            found.push(item);
        }
    }
    Ok(found)
}

fn map(c: &mut Call<'_, '_>, index: usize) -> Result<Vec<Value>, Exception> {
    let mut found = Vec::new();
    for item in c.this_items()? {
        found.push(c.apply(index, &[item])?);
    }
    Ok(found)
}

fn element_type(this: &Value) -> Type {
    super::element_of(&this.type_of()).unwrap_or(Type::Unknown)
}

fn element_default(this: &Value) -> Value {
    match element_type(this) {
        Type::Unknown => match this {
            Value::Collection(items) => match items.at(0) {
                Some(first) => default_of(&first.type_of()),
                None => Value::Null,
            },
            _ => Value::Null,
        },
        known => default_of(&known),
    }
}

/// The type all items have.
fn common_type(items: &[Value]) -> Type {
    let mut types = items.iter().map(Value::type_of);
    match types.next() {
        Some(first) if types.all(|ty| ty == first) => first,
        _ => Type::OBJECT,
    }
}

/// A stable sort by a key, which may fail to have an order.
pub(super) fn sort(
    items: &mut [Value],
    key: impl Fn(&Value) -> Value,
    descending: bool,
) -> Result<(), Exception> {
    let mut failure = None;
    items.sort_by(|a, b| match super::collections::order_of(&key(a), &key(b)) {
        Ok(order) if descending => order.reverse(),
        Ok(order) => order,
        Err(exception) => {
            failure = Some(exception);
            std::cmp::Ordering::Equal
        }
    });
    failure.map_or(Ok(()), Err)
}

fn ordered(c: &mut Call<'_, '_>, descending: bool) -> Result<Value, Exception> {
    let items = c.this_items()?;
    c.vm.items(items.len().saturating_mul(4))?;
    let mut keyed = Vec::new();
    for item in items {
        let key = c.apply(0, std::slice::from_ref(&item))?;
        keyed.push(Collection::pair(key, item));
    }
    let part = |pair: &Value, at: usize| match pair {
        Value::Collection(pair) => pair.at(at).unwrap_or(Value::Null),
        _ => Value::Null,
    };
    sort(&mut keyed, |pair| part(pair, 0), descending)?;
    let items = keyed.iter().map(|pair| part(pair, 1)).collect();
    let ty = Type::Of("IOrderedEnumerable", vec![Type::Unknown]);
    Ok(Value::Collection(Collection::sequence(Kind::Sequence, ty, items)))
}

fn common(c: &mut Call<'_, '_>, wanted: bool) -> Result<Value, Exception> {
    let items = c.this_items()?;
    let others: std::collections::BTreeSet<String> =
        c.items(0, "second")?.iter().map(|item| normal_key(item, false)).collect();
    let mut seen = std::collections::BTreeSet::new();
    let kept = items.into_iter().filter(|item| {
        let key = normal_key(item, false);
        others.contains(&key) == wanted && seen.insert(key)
    });
    Ok(Collection::lazy(kept.collect()))
}

fn to_dictionary(
    c: &mut Call<'_, '_>,
    items: Vec<Value>,
    element: Option<usize>,
) -> Result<Value, Exception> {
    let ty = Type::Of("Dictionary", vec![c.type_arg(0), Type::Unknown]);
    let dictionary = Collection::map(Kind::Dictionary, ty, false);
    for item in items {
        let key = c.apply(0, std::slice::from_ref(&item))?;
        let value = match element {
            Some(index) => c.apply(index, &[item])?,
            None => item,
        };
        if dictionary.get(&key).is_some() {
            return Err(Exception::argument("An item with the same key has already been added."));
        }
        dictionary.insert(key, value);
    }
    Ok(Value::Collection(dictionary))
}

fn number(value: &Value) -> Result<Number, Exception> {
    let scalar = match value {
        Value::Json(node) => node.scalar(),
        other => Some(other.clone()),
    };
    scalar
        .as_ref()
        .and_then(Value::as_number)
        .ok_or_else(|| Exception::invalid_cast(&value.type_name(), "System.Double"))
}

fn sum(items: Vec<Value>) -> Result<Value, Exception> {
    let overflow = || Exception::overflow("Arithmetic operation resulted in an overflow.");
    let mut total = Value::Int(0);
    for item in items.iter().filter(|item| !matches!(item, Value::Null)) {
        total = match (total, number(item)?) {
            (Value::Int(a), Number::Int(b)) => Value::Int(a.checked_add(b).ok_or_else(overflow)?),
            (Value::Int(a), Number::Long(b)) => {
                Value::Long(i64::from(a).checked_add(b).ok_or_else(overflow)?)
            }
            (Value::Long(a), Number::Int(b)) => {
                Value::Long(a.checked_add(i64::from(b)).ok_or_else(overflow)?)
            }
            (Value::Long(a), Number::Long(b)) => {
                Value::Long(a.checked_add(b).ok_or_else(overflow)?)
            }
            (total, b)
                if matches!((&total, b), (Value::Decimal(_), _) | (_, Number::Decimal(_))) =>
            {
                let total = total.as_number().and_then(Number::as_decimal);
                let (Some(a), Some(b)) = (total, b.as_decimal()) else {
                    return Err(Exception::invalid_cast("System.Double", "System.Decimal"));
                };
                Value::Decimal(a.checked_add(b).ok_or_else(crate::expr::decimal::too_large)?)
            }
            (Value::Int(0), Number::Float(b)) => Value::Float(b),
            (Value::Float(a), b) => Value::Float(a + b.as_float()),
            (total, b) => {
                Value::Double(total.as_number().map_or(0.0, Number::as_double) + b.as_double())
            }
        };
    }
    Ok(total)
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn average(items: &[Value]) -> Result<Value, Exception> {
    if items.is_empty() {
        return Err(no_elements());
    }
    let mut total = 0.0;
    for item in items {
        total += number(item)?.as_double();
    }
    Ok(Value::Double(total / items.len() as f64))
}

fn extreme(items: Vec<Value>, wanted: std::cmp::Ordering) -> Result<Value, Exception> {
    let mut items = items.into_iter();
    let mut best = items.next().ok_or_else(no_elements)?;
    for item in items {
        if super::collections::order_of(&item, &best)? == wanted {
            best = item;
        }
    }
    Ok(best)
}
