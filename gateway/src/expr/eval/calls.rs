//! Members, known or looked up, and places.

use super::Vm;
use super::nodes::array_of;
use crate::expr::collection::{Collection, Kind};
use crate::expr::exception::Exception;
use crate::expr::ir::{Access, Arg, Call, CallByName, Mode, Node, Place, Target};
use crate::expr::library::{self, Filled, Member, MemberKind, Shape, ShapeType};
use crate::expr::types::Type;
use crate::expr::value::Value;

/// A place whose receiver and index are evaluated.
pub(super) enum Located<'p> {
    Slot(usize),
    Member { receiver: Value, index: Vec<Value>, get: Option<&'p Target>, set: &'p Target },
}

impl Vm<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Result<Value, Exception> {
        let this = match &call.receiver {
            Some(receiver) => self.node(receiver)?,
            None => Value::Null,
        };
        let mut args = Vec::with_capacity(call.args.len());
        let mut has_out = false;
        for arg in &call.args {
            args.push(match arg {
                Arg::Value(Node::Constant(value)) => value.clone(),
                Arg::Value(node) => self.node(node)?,
                Arg::Params(element, nodes) => {
                    let items: Vec<Value> =
                        nodes.iter().map(|node| self.node(node)).collect::<Result<_, _>>()?;
                    array_of(element, items)
                }
                Arg::Out(_) => {
                    has_out = true;
                    Value::Null
                }
            });
        }
        let value = self.run_member(call.member, this, &mut args, &call.types)?;
        if has_out {
            for (arg, out) in call.args.iter().zip(args) {
                if let Arg::Out(Some(place)) = arg {
                    let place = self.locate(place)?;
                    self.write(&place, out)?;
                }
            }
        }
        Ok(value)
    }

    /// Runs a member's function, which may change the arguments: `out`.
    pub(super) fn run_member(
        &mut self,
        member: &'static Member,
        this: Value,
        args: &mut [Value],
        types: &[Type],
    ) -> Result<Value, Exception> {
        self.charge(1)?;
        self.charge_call(member, &this, args)?;
        if matches!(this, Value::Null) && !member.is_static {
            // LINQ's methods are extensions: they complain themselves.
            return Err(match member.owner {
                "IEnumerable" => Exception::argument_null("source"),
                _ => Exception::null_reference(),
            });
        }
        (member.function)(&mut library::Call { vm: self, this, args, types })
    }

    pub(super) fn call_by_name(&mut self, call: &CallByName) -> Result<Value, Exception> {
        let receiver = self.node(&call.receiver)?;
        let mut values = Vec::with_capacity(call.args.len());
        for (name, node) in &call.args {
            values.push((name.clone(), self.node(node)?));
        }
        self.by_name(receiver, &call.name, call.access, values, &call.types)
    }

    pub(super) fn by_name(
        &mut self,
        receiver: Value,
        name: &str,
        access: Access,
        values: Vec<(Option<String>, Value)>,
        types: &[Type],
    ) -> Result<Value, Exception> {
        if matches!(receiver, Value::Null) {
            return Err(Exception::null_reference());
        }
        if name == "Invoke" && matches!(receiver, Value::Lambda(_)) {
            let args: Vec<Value> = values.into_iter().map(|(_, value)| value).collect();
            return self.invoke(&receiver, &args);
        }
        if let (Value::Collection(object), Access::Get) = (&receiver, access)
            && object.kind == Kind::Anonymous
            && let Some(value) = object.get(&Value::from(name))
        {
            return Ok(value);
        }
        let ty = receiver.type_of();
        let kind = match access {
            Access::Get => MemberKind::Property,
            Access::Set => MemberKind::Setter,
            Access::Call => MemberKind::Method,
            Access::Index => MemberKind::Indexer,
            Access::SetIndex => MemberKind::IndexSetter,
        };
        let candidates = library::members(&ty, name, kind, false);
        let no_member = || {
            Exception::new(
                "Microsoft.CSharp.RuntimeBinder.RuntimeBinderException",
                format!("'{}' does not contain a definition for '{name}'", ty.full_name()),
            )
        };
        // A setter's value comes last and is no parameter.
        let settable = matches!(access, Access::Set | Access::SetIndex);
        let count = values.len() - usize::from(settable && !values.is_empty());
        let shapes: Vec<Shape> = values
            .iter()
            .take(count)
            .map(|(name, value)| Shape {
                name: name.clone(),
                ty: match value {
                    Value::Lambda(lambda) => ShapeType::Lambda(lambda.0.params.len()),
                    value => ShapeType::Value(value.type_of()),
                },
            })
            .collect();
        let chosen = library::choose(candidates, &shapes, types).map_err(|_| no_member())?;
        let mut args = Vec::new();
        for (filled, param) in chosen.filled.iter().zip(&chosen.member.params) {
            let to = param.ty.substitute(&chosen.bindings);
            let value = |at: &usize| values.get(*at).map_or(Value::Null, |(_, v)| v.clone());
            args.push(match filled {
                Filled::Default(value) => value.clone(),
                Filled::Given(at) => match value(at) {
                    lambda @ Value::Lambda(_) => lambda,
                    value => super::convert(&value, &to, Mode::Implicit)?,
                },
                Filled::Params(positions) => {
                    let element = to.argument(0);
                    let items = positions
                        .iter()
                        .map(|at| super::convert(&value(at), &element, Mode::Implicit))
                        .collect::<Result<Vec<_>, _>>()?;
                    array_of(&element, items)
                }
            });
        }
        if settable && let Some((_, value)) = values.last() {
            args.push(value.clone());
        }
        let types: Vec<Type> = chosen
            .member
            .parameters
            .iter()
            .map(|name| Type::Parameter(name).substitute(&chosen.bindings))
            .collect();
        self.run_member(chosen.member, receiver, &mut args, &types)
    }

    pub(super) fn locate<'p>(&mut self, place: &'p Place) -> Result<Located<'p>, Exception> {
        match place {
            Place::Slot(slot) => Ok(Located::Slot(*slot)),
            Place::Member { receiver, index, get, set } => {
                let receiver = self.node(receiver)?;
                let index =
                    index.iter().map(|node| self.node(node)).collect::<Result<Vec<_>, _>>()?;
                Ok(Located::Member { receiver, index, get: get.as_ref(), set })
            }
        }
    }

    pub(super) fn read(&mut self, place: &Located<'_>) -> Result<Value, Exception> {
        match place {
            Located::Slot(slot) => Ok(self.get(*slot)),
            Located::Member { get: None, .. } => {
                Err(Exception::unsupported("this place can only be written"))
            }
            Located::Member { receiver, index, get: Some(target), .. } => match target {
                Target::Known(member) => {
                    self.run_member(member, receiver.clone(), &mut index.clone(), &[])
                }
                Target::Named(name, access) => {
                    let index = index.iter().map(|value| (None, value.clone())).collect();
                    self.by_name(receiver.clone(), name, *access, index, &[])
                }
            },
        }
    }

    pub(super) fn write(&mut self, place: &Located<'_>, value: Value) -> Result<(), Exception> {
        match place {
            Located::Slot(slot) => {
                self.set(*slot, value);
                Ok(())
            }
            Located::Member { receiver, index, set, .. } => match set {
                Target::Known(member) => {
                    let mut args = index.clone();
                    args.push(value);
                    self.run_member(member, receiver.clone(), &mut args, &[]).map(|_| ())
                }
                Target::Named(name, access) => {
                    let mut args: Vec<(Option<String>, Value)> =
                        index.iter().map(|value| (None, value.clone())).collect();
                    args.push((None, value));
                    self.by_name(receiver.clone(), name, *access, args, &[]).map(|_| ())
                }
            },
        }
    }

    /// The items of anything that `foreach` goes through.
    pub(crate) fn enumerate(&mut self, value: &Value) -> Result<Vec<Value>, Exception> {
        let items = match value {
            // A group is its key and its items.
            Value::Collection(group) if group.ty.name() == "IGrouping" => {
                return match group.at(1) {
                    Some(Value::Collection(items)) => Ok(items.items()),
                    _ => Ok(Vec::new()),
                };
            }
            Value::Collection(items) if items.kind != Kind::Anonymous => items.items(),
            Value::Json(node) => node.children().into_iter().map(Value::Json).collect(),
            Value::String(text) => text.encode_utf16().map(Value::Char).collect(),
            Value::Bytes(bytes) => bytes.iter().map(|byte| Value::Byte(*byte)).collect(),
            Value::Host(host) => library::objects::host_items(*host, self.context)?,
            Value::Null => return Err(Exception::null_reference()),
            other => {
                return Err(Exception::invalid_cast(
                    &other.type_name(),
                    "System.Collections.IEnumerable",
                ));
            }
        };
        self.items(items.len())?;
        for item in &items {
            self.charge_read(item)?;
        }
        Ok(items)
    }

    /// The members of a JObject as pairs.
    pub(super) fn pairs(&mut self, value: &Value) -> Result<Vec<Value>, Exception> {
        match value {
            Value::Json(node) => {
                let members = node.members();
                self.items(members.len())?;
                Ok(members
                    .into_iter()
                    .map(|(name, value)| Collection::pair(Value::String(name), Value::Json(value)))
                    .collect())
            }
            other => self.enumerate(other),
        }
    }
}
