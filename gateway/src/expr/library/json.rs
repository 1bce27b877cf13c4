//! Newtonsoft: `JToken`, `JObject`, `JArray`, `JValue`, `JProperty`,
//! `JsonConvert`.

use super::{Call, Entry, TypeDef};
use crate::expr::check::default_of;
use crate::expr::collection::{Collection, Kind};
use crate::expr::eval::{change_type, is_instance, to_token};
use crate::expr::exception::Exception;
use crate::expr::json::{self, Node};
use crate::expr::types::Type;
use crate::expr::value::Value;

const LINQ: &str = "Newtonsoft.Json.Linq";

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(LINQ, "JToken").bases(&["IEnumerable<JToken>", "object"]).members(&[
        Entry("static JToken Parse(string json)", |c| parse(c, "JToken", |_| true)),
        Entry("static JToken FromObject(object o)", |c| {
            if matches!(c.arg(0), Value::Null) {
                return Err(Exception::argument_null("o"));
            }
            token(c, 0).map(Value::Json)
        }),
        Entry("static bool DeepEquals(JToken t1, JToken t2)", |c| {
            Ok(Value::Bool(match (c.arg(0), c.arg(1)) {
                (Value::Json(a), Value::Json(b)) => a.deep_equals(b),
                (Value::Null, Value::Null) => true,
                _ => false,
            }))
        }),
        Entry("JTokenType Type", |c| {
            let name = c.this_node()?.token_type();
            Ok(super::enums::member("JTokenType", name))
        }),
        Entry("bool HasValues", |c| Ok(Value::Bool(c.this_node()?.len() != 0))),
        Entry("string Path", |c| Ok(Value::from(c.this_node()?.path()))),
        Entry("JToken Parent", |c| optional(c.this_node()?.visible_parent())),
        Entry("JToken Root", |c| {
            let mut node = c.this_node()?;
            while let Some(parent) = node.parent() {
                node = parent;
            }
            Ok(Value::Json(node))
        }),
        Entry("JToken First", |c| optional(c.this_node()?.children().into_iter().next())),
        Entry("JToken Last", |c| optional(c.this_node()?.children().pop())),
        Entry("JToken Next", |c| sibling(c, 1)),
        Entry("JToken Previous", |c| sibling(c, -1)),
        Entry("JToken this[object key]", item),
        Entry("set JToken this[object key]", |c| {
            let node = c.this_node()?;
            let value = token(c, 1)?;
            let done = match c.arg(0) {
                Value::String(name) => node.set(name, value)?,
                key => match key.to_integer().and_then(|at| usize::try_from(at).ok()) {
                    Some(at) if node.type_name() == "JArray" => {
                        if !node.set_at(at, value)? {
                            return Err(Exception::list_index());
                        }
                        true
                    }
                    _ => false,
                },
            };
            if done { Ok(Value::Null) } else { Err(bad_key(&node, c.arg(0))) }
        }),
        Entry("T Value<T>(object key)", |c| {
            let found = item(c)?;
            convert(&found, &c.type_arg(0))
        }),
        Entry("T Value<T>()", |c| convert(&c.this, &c.type_arg(0))),
        Entry("T ToObject<T>()", |c| to_object(&c.this, &c.type_arg(0), 0)),
        Entry("JToken SelectToken(string path)", |c| {
            let mut found = select(c)?;
            match (found.pop(), found.is_empty()) {
                (Some(only), true) => Ok(Value::Json(only)),
                (None, _) => Ok(Value::Null),
                _ => Err(Exception::new(
                    "Newtonsoft.Json.JsonException",
                    "Path returned multiple tokens.",
                )),
            }
        }),
        Entry("JToken SelectToken(string path, bool errorWhenNoMatch)", |c| {
            match select(c)?.into_iter().next() {
                Some(found) => Ok(Value::Json(found)),
                None if c.bool(1) => Err(Exception::new(
                    "Newtonsoft.Json.JsonException",
                    format!("Path '{}' does not exist.", c.str(0, "path")?),
                )),
                None => Ok(Value::Null),
            }
        }),
        Entry("IEnumerable<JToken> SelectTokens(string path)", |c| {
            let found = select(c)?;
            Ok(tokens(found))
        }),
        Entry("IEnumerable<JToken> Children()", |c| Ok(tokens(c.this_node()?.children()))),
        Entry("IEnumerable<T> Children<T>()", |c| {
            let to = c.type_arg(0);
            let found = c.this_node()?.children().into_iter().map(Value::Json);
            Ok(Collection::lazy(found.filter(|child| is_instance(child, &to)).collect()))
        }),
        Entry("IEnumerable<JToken> Descendants()", |c| {
            let mut found = Vec::new();
            let mut pending: Vec<Node> = c.this_node()?.children();
            pending.reverse();
            while let Some(node) = pending.pop() {
                pending.extend(node.children().into_iter().rev());
                found.push(node);
                c.vm.charge(1)?;
            }
            Ok(tokens(found))
        }),
        Entry("IEnumerable<T> Values<T>()", |c| {
            let to = c.type_arg(0);
            let mut found = Vec::new();
            for child in c.this_node()?.children() {
                found.push(convert(&Value::Json(child), &to)?);
            }
            Ok(Collection::lazy(found))
        }),
        Entry("IEnumerable<JToken> Values()", |c| {
            let node = c.this_node()?;
            let members = node.members().into_iter().map(|(_, value)| value).collect();
            Ok(tokens(if node.type_name() == "JObject" { members } else { node.children() }))
        }),
        Entry("JToken DeepClone()", |c| {
            let node = c.this_node()?;
            c.vm.charge(node.print_compact().len() / 64)?;
            Ok(Value::Json(node.deep_clone()))
        }),
        Entry("void Remove()", |c| {
            if c.this_node()?.detach() {
                Ok(Value::Null)
            } else {
                Err(Exception::invalid_operation("The parent is missing."))
            }
        }),
        Entry("void Replace(JToken value)", |c| {
            let node = c.this_node()?;
            let value = token(c, 0)?;
            let Some(parent) = node.parent() else {
                return Err(Exception::invalid_operation("The parent is missing."));
            };
            let name = parent.members().into_iter().find(|(_, value)| value.same(&node));
            match name {
                Some((name, _)) => parent.set(&name, value)?,
                None => {
                    let at = parent.children().iter().position(|child| child.same(&node));
                    parent.set_at(at.unwrap_or(usize::MAX), value)?
                }
            };
            Ok(Value::Null)
        }),
        Entry("string ToString(Formatting formatting)", |c| print(c, 0)),
        Entry("string ToString(Formatting formatting, params object[] converters)", |c| {
            print(c, 0)
        }),
    ]),
    TypeDef::new(LINQ, "JContainer").bases(&["JToken"]).members(&[
        Entry("int Count", |c| Ok(count(c.this_node()?.len()))),
        Entry("void RemoveAll()", clear),
        Entry("void Merge(object content)", |c| {
            let node = c.this_node()?;
            let content = token(c, 0)?;
            c.vm.charge(content.print_compact().len() / 16)?;
            merge(&node, &content)?;
            Ok(Value::Null)
        }),
    ]),
    TypeDef::new(LINQ, "JObject").bases(&["JContainer"]).members(&[
        Entry("new()", |_| Ok(Value::Json(Node::object()))),
        Entry("new(params object[] content)", |c| {
            let object = Node::object();
            let items = c.items(0, "content")?;
            add_content(c, &object, &items)?;
            Ok(Value::Json(object))
        }),
        Entry("static JObject Parse(string json)", |c| {
            parse(c, "JObject", |node| node.type_name() == "JObject")
        }),
        Entry("static JObject FromObject(object o)", |c| {
            if matches!(c.arg(0), Value::Null) {
                return Err(Exception::argument_null("o"));
            }
            let node = token(c, 0)?;
            if node.type_name() == "JObject" {
                Ok(Value::Json(node))
            } else {
                Err(Exception::argument("Object serialized to Array. JObject instance expected."))
            }
        }),
        Entry("JToken this[string propertyName]", |c| {
            let name = c.str(0, "propertyName")?;
            optional(c.this_node()?.get(&name))
        }),
        Entry("set JToken this[string propertyName]", |c| {
            c.vm.items(1)?;
            let name = c.str(0, "propertyName")?;
            c.this_node()?.set(&name, token(c, 1)?)?;
            Ok(Value::Null)
        }),
        Entry("void Add(string propertyName, JToken value)", |c| {
            c.vm.items(1)?;
            let name = c.str(0, "propertyName")?;
            let value = token(c, 1)?;
            add_member(&c.this_node()?, &name, value)
        }),
        Entry("void Add(object content)", |c| {
            let node = c.this_node()?;
            let content = c.arg(0).clone();
            add_content(c, &node, &[content])?;
            Ok(Value::Null)
        }),
        Entry("bool ContainsKey(string propertyName)", |c| {
            let name = c.str(0, "propertyName")?;
            Ok(Value::Bool(c.this_node()?.get(&name).is_some()))
        }),
        Entry("bool TryGetValue(string propertyName, out JToken value)", |c| {
            let name = c.str(0, "propertyName")?;
            let found = c.this_node()?.get(&name).map(Value::Json);
            Ok(c.out(1, found, Value::Null))
        }),
        Entry(
            "bool TryGetValue(string propertyName, StringComparison comparison, out JToken value)",
            |c| {
                let name = c.str(0, "propertyName")?;
                let found = get_value(&c.this_node()?, &name, c.flag(1)).map(Value::Json);
                Ok(c.out(2, found, Value::Null))
            },
        ),
        Entry("JToken GetValue(string propertyName)", |c| {
            let name = c.str(0, "propertyName")?;
            optional(c.this_node()?.get(&name))
        }),
        Entry("JToken GetValue(string propertyName, StringComparison comparison)", |c| {
            let name = c.str(0, "propertyName")?;
            optional(get_value(&c.this_node()?, &name, c.flag(1)))
        }),
        Entry("IEnumerable<JProperty> Properties()", |c| Ok(tokens(c.this_node()?.children()))),
        Entry("JProperty Property(string name)", |c| {
            let name = c.str(0, "name")?;
            let found = c.this_node()?.children().into_iter();
            optional(found.into_iter().find(|property| property.name().as_deref() == Some(&*name)))
        }),
        Entry("IEnumerable<JToken> PropertyValues()", |c| {
            Ok(tokens(c.this_node()?.members().into_iter().map(|(_, value)| value).collect()))
        }),
        Entry("bool Remove(string propertyName)", |c| {
            let name = c.str(0, "propertyName")?;
            Ok(Value::Bool(c.this_node()?.remove(&name)))
        }),
    ]),
    TypeDef::new(LINQ, "JArray").bases(&["JContainer"]).members(&[
        Entry("new()", |_| Ok(Value::Json(Node::array()))),
        Entry("new(params object[] content)", |c| {
            let array = Node::array();
            let items = c.items(0, "content")?;
            add_content(c, &array, &items)?;
            Ok(Value::Json(array))
        }),
        Entry("static JArray Parse(string json)", |c| {
            parse(c, "JArray", |node| node.type_name() == "JArray")
        }),
        Entry("static JArray FromObject(object o)", |c| {
            let node = token(c, 0)?;
            if node.type_name() == "JArray" {
                Ok(Value::Json(node))
            } else {
                Err(Exception::argument("Object serialized to Object. JArray instance expected."))
            }
        }),
        Entry("JToken this[int index]", item),
        Entry("set JToken this[int index]", |c| {
            let at = usize::try_from(c.int(0)).unwrap_or(usize::MAX);
            let value = token(c, 1)?;
            if c.this_node()?.set_at(at, value)? {
                Ok(Value::Null)
            } else {
                Err(Exception::list_index())
            }
        }),
        Entry("void Add(object content)", |c| {
            let node = c.this_node()?;
            let content = c.arg(0).clone();
            add_content(c, &node, &[content])?;
            Ok(Value::Null)
        }),
        Entry("void Clear()", clear),
        Entry("void Insert(int index, JToken item)", |c| {
            c.vm.items(1)?;
            let at = usize::try_from(c.int(0)).unwrap_or(usize::MAX);
            if c.this_node()?.insert(at, token(c, 1)?)? {
                Ok(Value::Null)
            } else {
                Err(Exception::list_index())
            }
        }),
        Entry("int IndexOf(JToken item)", |c| {
            let found = match c.arg(0) {
                Value::Json(wanted) => {
                    c.this_node()?.children().iter().position(|node| node.same(wanted))
                }
                _ => None,
            };
            Ok(found.map_or(Value::Int(-1), count))
        }),
        Entry("void RemoveAt(int index)", |c| {
            let at = usize::try_from(c.int(0)).unwrap_or(usize::MAX);
            if c.this_node()?.remove_at(at) {
                Ok(Value::Null)
            } else {
                Err(Exception::list_index())
            }
        }),
        Entry("bool Remove(JToken item)", |c| {
            let node = c.this_node()?;
            let wanted = token(c, 0)?;
            let at = node
                .children()
                .iter()
                .position(|child| child.same(&wanted) || child.value_equals(&wanted));
            Ok(Value::Bool(at.is_some_and(|at| node.remove_at(at))))
        }),
    ]),
    TypeDef::new(LINQ, "JValue").bases(&["JToken"]).members(&[
        Entry("new(object value)", |c| Ok(Value::Json(Node::from_scalar(c.arg(0).clone())))),
        Entry("object Value", |c| Ok(c.this_node()?.scalar().unwrap_or(Value::Null))),
        Entry("string ToString(string format)", super::primitives::formatted),
    ]),
    TypeDef::new(LINQ, "JProperty").bases(&["JContainer"]).members(&[
        Entry("new(string name, object content)", |c| {
            let name = c.str(0, "name")?;
            let value = match c.arg(1) {
                Value::Json(node) => node.clone(),
                Value::Collection(_) => token(c, 1)?,
                scalar => Node::from_scalar(scalar.clone()),
            };
            Node::property(&name, value).map(Value::Json)
        }),
        Entry("new(string name, params object[] content)", |c| {
            let name = c.str(0, "name")?;
            let array = Node::array();
            let items = c.items(1, "content")?;
            add_content(c, &array, &items)?;
            Node::property(&name, array).map(Value::Json)
        }),
        Entry("string Name", |c| Ok(c.this_node()?.name().map_or(Value::Null, Value::String))),
        Entry("JToken Value", |c| optional(c.this_node()?.at(0))),
        Entry("set JToken Value", |c| {
            let value = token(c, 0)?;
            c.this_node()?.set_property_value(value)?;
            Ok(Value::Null)
        }),
    ]),
    TypeDef::new("Newtonsoft.Json", "JsonConvert").members(&[
        Entry("static string SerializeObject(object value)", |c| {
            let text = token(c, 0)?.print_compact();
            c.give(text)
        }),
        Entry("static string SerializeObject(object value, Formatting formatting)", |c| {
            print(c, 1)
        }),
        Entry("static object DeserializeObject(string value)", |c| parse(c, "JToken", |_| true)),
        Entry("static T DeserializeObject<T>(string value)", |c| {
            let parsed = parse(c, "JToken", |_| true)?;
            to_object(&parsed, &c.type_arg(0), 0)
        }),
    ]),
];

fn count(n: usize) -> Value {
    Value::Int(i32::try_from(n).unwrap_or(i32::MAX))
}

fn optional(node: Option<Node>) -> Result<Value, Exception> {
    Ok(node.map_or(Value::Null, Value::Json))
}

fn tokens(nodes: Vec<Node>) -> Value {
    let ty = Type::Of("IEnumerable", vec![Type::JTOKEN]);
    let items = nodes.into_iter().map(Value::Json).collect();
    Value::Collection(Collection::sequence(Kind::Sequence, ty, items))
}

fn clear(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    c.this_node()?.clear();
    Ok(Value::Null)
}

fn sibling(c: &mut Call<'_, '_>, step: isize) -> Result<Value, Exception> {
    let node = c.this_node()?;
    let siblings = node.parent().map(|parent| parent.children()).unwrap_or_default();
    let at = siblings.iter().position(|other| {
        other.same(&node) || (other.name().is_some() && other.name() == node.name())
    });
    let wanted = at.and_then(|at| at.checked_add_signed(step));
    optional(wanted.and_then(|at| siblings.get(at).cloned()))
}

/// Parses text into a token of a kind.
pub(super) fn parse_token(
    text: &str,
    kind: &str,
    accept: impl Fn(&Node) -> bool,
) -> Result<Node, Exception> {
    let node = json::parse(text).map_err(|exception| Exception {
        message: exception
            .message
            .replace("Error reading JToken", &format!("Error reading {kind}")),
        ..exception
    })?;
    if accept(&node) {
        return Ok(node);
    }
    let wanted = if kind == "JArray" { "an array" } else { "an object" };
    let found = match node.type_name() {
        "JArray" => "StartArray",
        "JObject" => "StartObject",
        _ => node.token_type(),
    };
    Err(Exception::json_reader(format!(
        "Error reading {kind} from JsonReader. Current JsonReader item is not {wanted}: {found}. Path '', line 1, position 1."
    )))
}

/// An argument as a token; one made of a collection costs what it holds.
fn token(c: &mut Call<'_, '_>, at: usize) -> Result<Node, Exception> {
    let node = to_token(c.arg(at))?;
    if matches!(c.arg(at), Value::Collection(_)) {
        c.vm.charge_tokens(&node)?;
    }
    Ok(node)
}

fn parse(c: &mut Call<'_, '_>, kind: &str, accept: fn(&Node) -> bool) -> Result<Value, Exception> {
    let text = c.str(0, "s")?;
    c.vm.charge(text.len() / 16)?;
    parse_token(&text, kind, accept).map(Value::Json)
}

fn print(c: &mut Call<'_, '_>, formatting: usize) -> Result<Value, Exception> {
    let subject = if formatting == 0 { c.this.clone() } else { c.arg(0).clone() };
    let node = to_token(&subject)?;
    c.vm.charge_tokens(&node)?;
    let text = if c.flag(formatting) == 0 {
        node.print_compact()
    } else {
        node.print_indented(c.vm.style.newline)
    };
    c.give(text)
}

fn bad_key(node: &Node, key: &Value) -> Exception {
    let wanted = match node.type_name() {
        "JObject" => "Object property name expected.",
        "JArray" => "Int32 array index expected.",
        other => {
            return Exception::invalid_operation(format!(
                "Cannot access child value on Newtonsoft.Json.Linq.{other}."
            ));
        }
    };
    let kind = match node.type_name() {
        "JArray" => "JArray",
        _ => "JObject",
    };
    Exception::argument(format!(
        "Accessed {kind} values with invalid key value: {}. {wanted}",
        match key {
            Value::String(text) => format!("\"{text}\""),
            other => other.to_text(),
        }
    ))
}

/// `token[key]` for any kind of token.
fn item(c: &mut Call<'_, '_>) -> Result<Value, Exception> {
    let node = c.this_node()?;
    match (node.type_name(), c.arg(0)) {
        ("JObject", Value::String(name)) => optional(node.get(name)),
        ("JArray", key) => match key.to_integer().filter(|_| !matches!(key, Value::String(_))) {
            Some(at) => match usize::try_from(at).ok().and_then(|at| node.at(at)) {
                Some(found) => Ok(Value::Json(found)),
                None => Err(Exception::list_index()),
            },
            None => Err(bad_key(&node, key)),
        },
        (_, key) => Err(bad_key(&node, key)),
    }
}

fn select(c: &mut Call<'_, '_>) -> Result<Vec<Node>, Exception> {
    let path = c.str(0, "path")?;
    let found = c.this_node()?.select(&path)?;
    c.vm.items(found.len())?;
    Ok(found)
}

fn get_value(node: &Node, name: &str, comparison: i32) -> Option<Node> {
    node.get(name).or_else(|| {
        let ignore = comparison % 2 == 1;
        let mut members = node.members().into_iter();
        members.find(|(own, _)| ignore && own.to_lowercase() == name.to_lowercase()).map(|m| m.1)
    })
}

fn add_member(object: &Node, name: &str, value: Node) -> Result<Value, Exception> {
    if object.get(name).is_some() {
        return Err(Exception::argument(format!(
            "Can not add property {name} to Newtonsoft.Json.Linq.JObject. Property with the same name already exists on object."
        )));
    }
    object.set(name, value)?;
    Ok(Value::Null)
}

/// What `new JObject(…)`, `new JArray(…)` and `Add(object)` take: tokens,
/// plain values, and sequences of them, which are unfolded.
fn add_content(c: &mut Call<'_, '_>, target: &Node, content: &[Value]) -> Result<(), Exception> {
    for item in content {
        c.vm.items(1)?;
        let is_object = target.type_name() == "JObject";
        match item {
            Value::Json(node) if is_object => match node.name() {
                Some(name) => {
                    let value = node.at(0).unwrap_or_else(Node::null);
                    add_member(target, &name, value)?;
                }
                // `new JObject(other)` copies its members.
                None if node.type_name() == "JObject" => {
                    for (name, value) in node.members() {
                        add_member(target, &name, value.deep_clone())?;
                    }
                }
                None => return Err(not_addable(node.type_name())),
            },
            Value::Json(node) => {
                target.push(node.clone())?;
            }
            Value::Collection(items)
                if !matches!(items.kind, Kind::Dictionary | Kind::Anonymous | Kind::Pair) =>
            {
                let items = items.items();
                // One level at a time; collections in collections recurse as
                // deep as the JSON they make may be.
                if items.iter().any(|item| matches!(item, Value::Collection(_))) {
                    let node = to_token(item)?;
                    c.vm.charge_tokens(&node)?;
                    for child in node.children() {
                        target.push(child)?;
                    }
                } else {
                    add_content(c, target, &items)?;
                }
            }
            other if is_object => return Err(not_addable(&other.type_name())),
            other => {
                target.push(to_token(other)?)?;
            }
        }
    }
    Ok(())
}

fn not_addable(what: &str) -> Exception {
    Exception::argument(format!(
        "Can not add {} to Newtonsoft.Json.Linq.JObject.",
        if what.starts_with('J') {
            format!("Newtonsoft.Json.Linq.{what}")
        } else {
            what.to_owned()
        }
    ))
}

fn merge(target: &Node, content: &Node) -> Result<(), Exception> {
    if target.type_name() == "JArray" {
        for item in content.children() {
            target.push(item.deep_clone())?;
        }
        return Ok(());
    }
    for (name, value) in content.members() {
        match target.get(&name) {
            Some(own) if own.type_name() == value.type_name() && own.type_name() != "JValue" => {
                merge(&own, &value)?;
            }
            // Null does not overwrite by default.
            Some(_) if value.is_null() => {}
            _ => {
                target.set(&name, value.deep_clone())?;
            }
        }
    }
    Ok(())
}

/// `Value<T>`: a missing token is the default, a token converts.
fn convert(value: &Value, to: &Type) -> Result<Value, Exception> {
    match value {
        Value::Null => Ok(default_of(to)),
        Value::Json(node) => {
            if to.is_json() || to.is_unknown() {
                return cast_token(node, to);
            }
            match node.scalar() {
                Some(scalar) if node.name().is_none() => change_type(&scalar, to),
                _ => Err(Exception::new(
                    "System.InvalidCastException",
                    format!(
                        "Cannot cast Newtonsoft.Json.Linq.{} to Newtonsoft.Json.Linq.JToken.",
                        node.type_name()
                    ),
                )),
            }
        }
        other => change_type(other, to),
    }
}

fn cast_token(node: &Node, to: &Type) -> Result<Value, Exception> {
    let value = Value::Json(node.clone());
    if is_instance(&value, to) {
        return Ok(value);
    }
    Err(Exception::invalid_cast(&value.type_name(), &to.full_name()))
}

/// `ToObject<T>`: scalars, tokens, lists, arrays and dictionaries of them.
fn to_object(value: &Value, to: &Type, depth: usize) -> Result<Value, Exception> {
    let Value::Json(node) = value else { return change_type(value, to) };
    if json::MAX_DEPTH <= depth {
        return Err(Exception::limit("nested types"));
    }
    if to.is_json() || to.is_unknown() || to.is_object() {
        return cast_token(node, to);
    }
    match to.name() {
        "List" | "IList" | "IEnumerable" | "ICollection" | "Array" | "HashSet"
            if *to != Type::array(Type::BYTE) =>
        {
            if node.is_null() {
                return Ok(Value::Null);
            }
            if node.type_name() != "JArray" {
                return Err(Exception::new(
                    "Newtonsoft.Json.JsonSerializationException",
                    format!("Cannot deserialize the current JSON into type '{}'.", to.full_name()),
                ));
            }
            let element = to.argument(0);
            let items = node
                .children()
                .into_iter()
                .map(|child| to_object(&Value::Json(child), &element, depth + 1))
                .collect::<Result<Vec<_>, _>>()?;
            match to.name() {
                "Array" => Ok(Collection::array(element, items)),
                "HashSet" => {
                    let set = Collection::map(Kind::Set, to.clone(), false);
                    for item in items {
                        set.insert(item.clone(), item);
                    }
                    Ok(Value::Collection(set))
                }
                _ => Ok(Collection::list(element, items)),
            }
        }
        "Dictionary" | "IDictionary" => {
            let ty = Type::Of("Dictionary", vec![to.argument(0), to.argument(1)]);
            let dictionary = Collection::map(Kind::Dictionary, ty, false);
            for (name, value) in node.members() {
                let value = to_object(&Value::Json(value), &to.argument(1), depth + 1)?;
                dictionary.insert(change_type(&Value::String(name), &to.argument(0))?, value);
            }
            Ok(Value::Collection(dictionary))
        }
        _ => match node.scalar() {
            Some(scalar) => change_type(&scalar, to),
            None => Err(Exception::new(
                "Newtonsoft.Json.JsonReaderException",
                format!(
                    "Error reading {}. Unexpected token: Start{}. Path '{}'.",
                    to.to_string().to_lowercase(),
                    node.token_type(),
                    node.path()
                ),
            )),
        },
    }
}
