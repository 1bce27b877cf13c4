//! Members, indexers, and places that can be assigned to.

use super::{Checker, Typed};
use crate::expr::ast::{Argument, ArgumentValue, BinaryOp, Expr, ExprKind, Name, TypeRef};
use crate::expr::exception::Exception;
use crate::expr::ir::{self, Access, Node, Place, Target};
use crate::expr::lexer::Span;
use crate::expr::library::{self, Filled, MemberKind, Shape};
use crate::expr::types::{Type, from_keyword};
use crate::expr::value::Value;

/// What stands left of a dot.
pub(super) enum Owner {
    Type(Type),
    Value(Typed),
}

impl Checker {
    /// Left of a dot: a type if it names one, else a value.
    pub(super) fn owner(&mut self, target: &Expr) -> Owner {
        match self.type_named(target) {
            Some(ty) => Owner::Type(ty),
            None => {
                let value = self.value(target);
                Owner::Value(value)
            }
        }
    }

    /// `string`, `DateTime`, `System.Text.Encoding`, `List<int>`, unless a
    /// local has the first name.
    fn type_named(&mut self, target: &Expr) -> Option<Type> {
        if let ExprKind::Keyword(word) = &target.kind {
            return match from_keyword(word) {
                Some(name) => Some(Type::named(name)),
                None => {
                    self.error(target.span.clone(), format!("the type `{word}` is not supported"));
                    self.about("type");
                    Some(Type::Unknown)
                }
            };
        }
        let (path, args) = dotted(target)?;
        let first = path.split('.').next().unwrap_or_default();
        if self.local(first).is_some() || first == "context" {
            return None;
        }
        let (namespace, name) = path.rsplit_once('.').unwrap_or(("", &path));
        match library::find(name) {
            Some(def) if namespace.is_empty() || namespace == def.namespace => {
                let args = args.iter().map(|arg| self.resolve(arg)).collect();
                Some(Type::Of(def.name, args))
            }
            // `System.Txt.Encoding`: a namespace that goes wrong.
            // A member of a type further left is the caller's business.
            _ if begins_with_type(namespace) => None,
            _ if library::is_namespace(first) && !namespace.is_empty() => {
                if library::is_namespace(&path) {
                    self.error(target.span.clone(), format!("`{path}` is a namespace"));
                } else {
                    self.find_type(&path, &target.span);
                }
                Some(Type::Unknown)
            }
            _ => None,
        }
    }

    pub(super) fn member(
        &mut self,
        target: &Expr,
        name: &Name,
        args: &[TypeRef],
        span: &Span,
    ) -> Typed {
        if !args.is_empty() {
            self.error(span.clone(), format!("`{}` with type arguments must be called", name.text));
            return Typed::broken();
        }
        match self.owner(target) {
            Owner::Type(Type::Unknown) => Typed::broken(),
            Owner::Type(ty) => self.static_property(&ty, name),
            Owner::Value(value) => self.property(value, name),
        }
    }

    fn static_property(&mut self, ty: &Type, name: &Name) -> Typed {
        if let Some(def) = library::find(ty.name())
            && let Some((_, number)) = def.values.iter().find(|(value, _)| *value == name.text)
        {
            let value = library::objects::EnumValue { of: def, number: *number };
            return Typed::new(Node::Constant(Value::Enum(value)), ty.clone());
        }
        let found = library::members(ty, &name.text, MemberKind::Property, true);
        match found.into_iter().next() {
            Some(candidate) => self.known(candidate.member, None, candidate.bindings),
            None => {
                self.no_member(ty, name, true, false);
                Typed::broken()
            }
        }
    }

    fn property(&mut self, value: Typed, name: &Name) -> Typed {
        if value.ty.is_unknown() {
            return Typed::new(
                Node::CallByName(Box::new(ir::CallByName {
                    receiver: value.node,
                    name: name.text.clone(),
                    access: Access::Get,
                    args: Vec::new(),
                    types: Vec::new(),
                })),
                Type::Unknown,
            );
        }
        // `Value` and `HasValue` of a `T?`.
        if let Some(inner) = value.ty.underlying().cloned() {
            match name.text.as_str() {
                "HasValue" => {
                    let null = Node::Constant(Value::Null);
                    let test = vec![(BinaryOp::NotEqual, false, null)];
                    return Typed::new(Node::Binary(Box::new(value.node), test), Type::BOOL);
                }
                "Value" => {
                    let exception =
                        Exception::invalid_operation("Nullable object must have a value.");
                    let thrown = Node::Constant(Value::Exception(exception.into()));
                    let otherwise = Node::Throw(Box::new(thrown));
                    let node = Node::Coalesce(Box::new(value.node), Box::new(otherwise));
                    return Typed::new(node, inner);
                }
                _ => {
                    let help = Some(format!("`{}?.{}` or `.Value.{0}`", "…", name.text));
                    self.error_with(
                        name.span.clone(),
                        format!("`{}` has no member `{}`", value.ty, name.text),
                        help,
                    );
                    return Typed::broken();
                }
            }
        }
        let found = library::members(&value.ty, &name.text, MemberKind::Property, false);
        match found.into_iter().next() {
            Some(candidate) => {
                self.note_reads(candidate.member.owner, candidate.member.name);
                self.known(candidate.member, Some(value.node), candidate.bindings)
            }
            None => {
                self.no_member(&value.ty, name, false, false);
                Typed::broken()
            }
        }
    }

    fn known(
        &mut self,
        member: &'static library::Member,
        receiver: Option<Node>,
        bindings: Vec<(&'static str, Type)>,
    ) -> Typed {
        let ty = member.result.substitute(&bindings);
        let call = ir::Call { member, receiver, args: Vec::new(), types: Vec::new() };
        Typed::new(Node::Call(Box::new(call)), ty)
    }

    pub(super) fn note_reads(&mut self, owner: &str, name: &str) {
        match (owner, name) {
            ("IRequest", "Body") => self.reads.request_body = true,
            ("IResponse", "Body") => self.reads.response_body = true,
            _ => {}
        }
    }

    pub(super) fn no_member(&mut self, ty: &Type, name: &Name, is_static: bool, called: bool) {
        let wanted = |kind: MemberKind| (kind == MemberKind::Method) == called;
        let other = if called { MemberKind::Property } else { MemberKind::Method };
        let help = if !library::members(ty, &name.text, other, is_static).is_empty() {
            Some(if called {
                format!("`{}` is a property: leave out the brackets", name.text)
            } else {
                format!("`{}` is a method: write `{0}(…)`", name.text)
            })
        } else if !library::members(
            ty,
            &name.text,
            if called { MemberKind::Method } else { MemberKind::Property },
            !is_static,
        )
        .is_empty()
        {
            Some(if is_static {
                format!("`{}` belongs to a value, not to the type", name.text)
            } else {
                format!("`{}` belongs to the type: `{ty}.{0}`", name.text)
            })
        } else {
            let names = [is_static, !is_static]
                .into_iter()
                .flat_map(|is_static| library::member_names(ty, is_static));
            seam::diagnostic::nearest(&name.text, names)
                .map(|near| format!("did you mean `{near}`?"))
                .or_else(|| {
                    (ty.is_object() && wanted(MemberKind::Property) | called)
                        .then(|| "cast the object first: `((JObject)…)`".to_owned())
                })
        };
        let message = format!("`{ty}` has no member `{}`", name.text);
        self.error_with(name.span.clone(), message, help);
        self.about("member");
    }

    pub(super) fn index(&mut self, target: &Expr, args: &[Argument], span: &Span) -> Typed {
        let receiver = self.value(target);
        let Some(values) = self.plain_arguments(args) else { return Typed::broken() };
        if receiver.ty.is_unknown() {
            let args = values.into_iter().map(|(value, _)| (None, value.node)).collect();
            return Typed::new(
                Node::CallByName(Box::new(ir::CallByName {
                    receiver: receiver.node,
                    name: "this".into(),
                    access: Access::Index,
                    args,
                    types: Vec::new(),
                })),
                Type::Unknown,
            );
        }
        match self.indexer(&receiver.ty, MemberKind::Indexer, values, span) {
            Some((member, args, ty)) => {
                let args = args.into_iter().map(ir::Arg::Value).collect();
                let receiver = Some(receiver.node);
                let call = ir::Call { member, receiver, args, types: Vec::new() };
                Typed::new(Node::Call(Box::new(call)), ty)
            }
            None => Typed::broken(),
        }
    }

    /// An indexer's arguments: values only.
    fn plain_arguments<'e>(&mut self, args: &'e [Argument]) -> Option<Vec<(Typed, &'e Span)>> {
        let mut values = Vec::new();
        for arg in args {
            match &arg.value {
                ArgumentValue::Expr(expr) => values.push((self.value(expr), &arg.span)),
                _ => {
                    self.error(arg.span.clone(), "an index cannot be `out`");
                    return None;
                }
            }
        }
        Some(values)
    }

    fn indexer(
        &mut self,
        ty: &Type,
        kind: MemberKind,
        values: Vec<(Typed, &Span)>,
        span: &Span,
    ) -> Option<(&'static library::Member, Vec<Node>, Type)> {
        let candidates = library::members(ty, "this", kind, false);
        if candidates.is_empty() {
            let (message, help) = match kind {
                MemberKind::IndexSetter
                    if !library::members(ty, "this", MemberKind::Indexer, false).is_empty() =>
                {
                    (format!("items of `{ty}` cannot be set"), None)
                }
                _ if ty.is_object() => (
                    "`object` has no indexer".to_owned(),
                    Some("cast the object first: `((JObject)…)[…]`".to_owned()),
                ),
                _ => (format!("`{ty}` has no indexer"), None),
            };
            self.error_with(span.clone(), message, help);
            return None;
        }
        let shapes: Vec<Shape> =
            values.iter().map(|(value, _)| Shape::value(value.ty.clone())).collect();
        match library::choose(candidates, &shapes, &[]) {
            Ok(chosen) => {
                let result = chosen.member.result.substitute(&chosen.bindings);
                let mut values: Vec<Option<(Typed, &Span)>> =
                    values.into_iter().map(Some).collect();
                let mut args = Vec::new();
                for (filled, param) in chosen.filled.iter().zip(&chosen.member.params) {
                    let Filled::Given(at) = filled else { continue };
                    if let Some((value, span)) = values.get_mut(*at).and_then(Option::take) {
                        let to = param.ty.substitute(&chosen.bindings);
                        args.push(self.coerce(value, &to, span));
                    }
                }
                Some((chosen.member, args, result))
            }
            Err(failure) => {
                let spans: Vec<Span> = values.iter().map(|(_, span)| (*span).clone()).collect();
                let types: Vec<Type> = values.into_iter().map(|(value, _)| value.ty).collect();
                self.no_overload(failure, ty, "this", kind, &spans, &types, span);
                None
            }
        }
    }

    /// What an assignment writes to, with its type.
    pub(super) fn place(&mut self, target: &Expr, reads: bool) -> Option<(Place, Type)> {
        match &target.kind {
            ExprKind::Name(name, _) => {
                if let Some(local) = self.local(&name.text) {
                    return Some((Place::Slot(local.slot), local.ty.clone()));
                }
                self.name_error(target);
                None
            }
            ExprKind::Member(owner, name, _) => match self.owner(owner) {
                Owner::Value(value) if value.ty.is_unknown() => {
                    let get = Some(Target::Named(name.text.clone(), Access::Get));
                    let set = Target::Named(name.text.clone(), Access::Set);
                    let place = Place::Member { receiver: value.node, index: Vec::new(), get, set };
                    Some((place, Type::Unknown))
                }
                Owner::Value(value) => {
                    let set = library::members(&value.ty, &name.text, MemberKind::Setter, false)
                        .into_iter()
                        .next();
                    let get = library::members(&value.ty, &name.text, MemberKind::Property, false)
                        .into_iter()
                        .next();
                    match (set, get) {
                        (Some(set), get) => {
                            let ty = set.member.result.substitute(&set.bindings);
                            let place = Place::Member {
                                receiver: value.node,
                                index: Vec::new(),
                                get: get.map(|get| Target::Known(get.member)),
                                set: Target::Known(set.member),
                            };
                            Some((place, ty))
                        }
                        (None, Some(_)) => {
                            let message = format!("`{}.{}` cannot be set", value.ty, name.text);
                            self.error(name.span.clone(), message);
                            None
                        }
                        (None, None) => {
                            self.no_member(&value.ty, name, false, false);
                            None
                        }
                    }
                }
                Owner::Type(_) => {
                    self.error(target.span.clone(), "this cannot be assigned to");
                    None
                }
            },
            ExprKind::Index(receiver, args) => self.indexed_place(receiver, args, target, reads),
            _ => {
                self.error(target.span.clone(), "this cannot be assigned to");
                None
            }
        }
    }

    fn name_error(&mut self, target: &Expr) {
        let before = self.errors.len();
        self.expr(target);
        if self.errors.len() == before {
            self.error(target.span.clone(), "this cannot be assigned to");
        }
    }

    fn indexed_place(
        &mut self,
        receiver: &Expr,
        args: &[Argument],
        target: &Expr,
        reads: bool,
    ) -> Option<(Place, Type)> {
        let value = self.value(receiver);
        let values = self.plain_arguments(args)?;
        if value.ty.is_unknown() {
            let place = Place::Member {
                receiver: value.node,
                index: values.into_iter().map(|(value, _)| value.node).collect(),
                get: Some(Target::Named("this".into(), Access::Index)),
                set: Target::Named("this".into(), Access::SetIndex),
            };
            return Some((place, Type::Unknown));
        }
        let get = library::members(&value.ty, "this", MemberKind::Indexer, false)
            .into_iter()
            .find(|candidate| {
                let shapes: Vec<Shape> =
                    values.iter().map(|(value, _)| Shape::value(value.ty.clone())).collect();
                let candidate = library::Candidate {
                    member: candidate.member,
                    bindings: candidate.bindings.clone(),
                };
                library::choose(vec![candidate], &shapes, &[]).is_ok()
            })
            .map(|candidate| Target::Known(candidate.member));
        let (set, index, ty) =
            self.indexer(&value.ty, MemberKind::IndexSetter, values, &target.span)?;
        let get = get.filter(|_| reads);
        Some((Place::Member { receiver: value.node, index, get, set: Target::Known(set) }, ty))
    }

    pub(super) fn assign(
        &mut self,
        op: Option<BinaryOp>,
        target: &Expr,
        value: &Expr,
        span: &Span,
    ) -> Typed {
        let place = self.place(target, op.is_some());
        let value_span = value.span.clone();
        let value = match (&place, op) {
            (Some((_, ty)), None) => self.value_for(value, &ty.clone()),
            _ => self.value(value),
        };
        let Some((place, ty)) = place else { return Typed::broken() };
        let node = match op {
            None => self.coerce(value, &ty, &value_span),
            Some(op) => {
                let (result, _) = self.operator(op, &ty, &value.ty, span);
                // A compound assignment casts back: `byte += int`, `int += long` not.
                let numbers = result.numeric().is_some() && ty.numeric().is_some();
                if !numbers && library::implicit_cost(&result, &ty).is_none() {
                    let message = format!("cannot convert from `{result}` to `{ty}`");
                    self.error(span.clone(), message);
                }
                value.node
            }
        };
        let assign = ir::Assign { place, op, value: node, ty: ty.clone() };
        Typed::new(Node::Assign(Box::new(assign)), ty)
    }

    pub(super) fn step(&mut self, target: &Expr, by: i32, prefix: bool, span: &Span) -> Typed {
        let Some((place, ty)) = self.place(target, true) else { return Typed::broken() };
        if !ty.is_unknown() && ty.without_null().numeric().is_none() {
            let symbol = if by < 0 { "--" } else { "++" };
            self.error(span.clone(), format!("`{symbol}` does not apply to `{ty}`"));
        }
        let step = ir::Step { place, by, prefix };
        Typed::new(Node::Step(Box::new(step)), ty)
    }
}

/// Whether some `A.B` of a path `A.B.C.D` is a type.
fn begins_with_type(path: &str) -> bool {
    let mut rest = path;
    while !rest.is_empty() {
        let (namespace, name) = rest.rsplit_once('.').unwrap_or(("", rest));
        if library::find(name).is_some_and(|def| namespace.is_empty() || namespace == def.namespace)
        {
            return true;
        }
        rest = namespace;
    }
    false
}

/// `A.B.C<D>` as a path and its last type arguments.
fn dotted(target: &Expr) -> Option<(String, &[TypeRef])> {
    match &target.kind {
        ExprKind::Name(name, args) => Some((name.text.clone(), args)),
        ExprKind::Member(inner, name, args) => {
            let (mut path, before) = dotted(inner)?;
            if !before.is_empty() {
                return None;
            }
            path.push('.');
            path.push_str(&name.text);
            Some((path, args))
        }
        _ => None,
    }
}
