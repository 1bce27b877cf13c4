//! Calls of methods and constructors: overloads, lambdas, `out`.

use super::members::Owner;
use super::{Checker, Typed};
use crate::expr::ast::{
    Argument, ArgumentValue, Expr, ExprKind, Initialiser, InitialiserTarget, TypeRef,
};
use crate::expr::ir::{self, Access, Node, Place, Target};
use crate::expr::lexer::Span;
use crate::expr::library::{self, Chosen, Failure, Filled, MemberKind, Shape, ShapeType};
use crate::expr::types::Type;
use crate::expr::value::Value;

/// An argument before its parameter is known.
enum Given<'e> {
    Value(Typed),
    /// Checked when the parameter's type is known.
    Lambda(&'e Expr),
    Out(&'e ArgumentValue),
}

impl Checker {
    pub(super) fn call(&mut self, target: &Expr, args: &[Argument], span: &Span) -> Typed {
        match &target.kind {
            ExprKind::Member(owner, name, types) => {
                let owner = self.owner(owner);
                let types: Vec<Type> = types.iter().map(|ty| self.resolve(ty)).collect();
                match owner {
                    Owner::Type(Type::Unknown) => {
                        self.given(args);
                        Typed::broken()
                    }
                    Owner::Type(ty) => self.method(None, &ty, name, types, args, span),
                    Owner::Value(value) if value.ty.is_unknown() => {
                        self.call_by_name(value.node, &name.text, types, args)
                    }
                    Owner::Value(value) => {
                        let ty = value.ty.clone();
                        self.method(Some(value.node), &ty, name, types, args, span)
                    }
                }
            }
            ExprKind::Name(name, _) if self.local(&name.text).is_none() => {
                self.given(args);
                let message = format!("unknown function `{}`", name.text);
                let help = "methods are called on a value or a type: `value.Method(…)`";
                self.error_with(name.span.clone(), message, Some(help.into()));
                Typed::broken()
            }
            _ => {
                // A local that holds a lambda.
                let function = self.value(target);
                let result = match &function.ty {
                    Type::Of("Func", args) => args.last().cloned().unwrap_or(Type::Unknown),
                    ty if ty.is_unknown() => Type::Unknown,
                    ty => {
                        let message = format!("a `{ty}` cannot be called");
                        self.error(target.span.clone(), message);
                        return Typed::broken();
                    }
                };
                let mut typed = self.call_by_name(function.node, "Invoke", Vec::new(), args);
                typed.ty = result;
                typed
            }
        }
    }

    /// A call on a value of unknown type.
    fn call_by_name(
        &mut self,
        receiver: Node,
        name: &str,
        types: Vec<Type>,
        args: &[Argument],
    ) -> Typed {
        let given = self.given(args);
        let mut nodes = Vec::new();
        for (given, arg) in given.into_iter().zip(args) {
            let node = match given {
                Given::Value(value) => value.node,
                Given::Lambda(lambda) => self.value(lambda).node,
                Given::Out(_) => {
                    let message = "`out` needs a receiver whose type is known";
                    self.error(arg.span.clone(), message);
                    continue;
                }
            };
            nodes.push((arg.name.as_ref().map(|name| name.text.clone()), node));
        }
        let call = ir::CallByName {
            receiver,
            name: name.to_owned(),
            access: Access::Call,
            args: nodes,
            types,
        };
        Typed::new(Node::CallByName(Box::new(call)), Type::Unknown)
    }

    fn given<'e>(&mut self, args: &'e [Argument]) -> Vec<Given<'e>> {
        args.iter()
            .map(|arg| match &arg.value {
                ArgumentValue::Expr(expr) if matches!(expr.kind, ExprKind::Lambda(..)) => {
                    Given::Lambda(expr)
                }
                ArgumentValue::Expr(expr) => Given::Value(self.value(expr)),
                out => Given::Out(out),
            })
            .collect()
    }

    fn method(
        &mut self,
        receiver: Option<Node>,
        ty: &Type,
        name: &crate::expr::ast::Name,
        types: Vec<Type>,
        args: &[Argument],
        span: &Span,
    ) -> Typed {
        let is_static = receiver.is_none();
        let candidates = library::members(ty, &name.text, MemberKind::Method, is_static);
        if candidates.is_empty() {
            self.given(args);
            self.no_member(ty, name, is_static, true);
            return Typed::broken();
        }
        self.overloaded(candidates, receiver, ty, &name.text, types, args, &name.span, span)
    }

    #[expect(clippy::too_many_arguments, reason = "a call's parts, used once each")]
    fn overloaded(
        &mut self,
        candidates: Vec<library::Candidate>,
        receiver: Option<Node>,
        ty: &Type,
        name: &str,
        types: Vec<Type>,
        args: &[Argument],
        name_span: &Span,
        _span: &Span,
    ) -> Typed {
        let kind = candidates.first().map_or(MemberKind::Method, |first| first.member.kind);
        let given = self.given(args);
        let shapes: Vec<Shape> = given
            .iter()
            .zip(args)
            .map(|(given, arg)| Shape {
                name: arg.name.as_ref().map(|name| name.text.clone()),
                ty: match given {
                    Given::Value(value) => ShapeType::Value(value.ty.clone()),
                    Given::Lambda(lambda) => ShapeType::Lambda(match &lambda.kind {
                        ExprKind::Lambda(params, _) => params.len(),
                        _ => 0,
                    }),
                    Given::Out(_) => ShapeType::Out,
                },
            })
            .collect();
        match library::choose(candidates, &shapes, &types) {
            Ok(chosen) => self.chosen(chosen, receiver, given, args),
            Err(failure) => {
                let spans: Vec<Span> = args.iter().map(|arg| arg.span.clone()).collect();
                let actual: Vec<Type> = shapes
                    .iter()
                    .map(|shape| match &shape.ty {
                        ShapeType::Value(ty) => ty.clone(),
                        _ => Type::Unknown,
                    })
                    .collect();
                self.no_overload(failure, ty, name, kind, &spans, &actual, name_span);
                Typed::broken()
            }
        }
    }

    fn chosen(
        &mut self,
        chosen: Chosen,
        receiver: Option<Node>,
        given: Vec<Given<'_>>,
        written: &[Argument],
    ) -> Typed {
        let Chosen { member, mut bindings, filled } = chosen;
        self.note_reads(member.owner, member.name);
        let mut given: Vec<Option<Given<'_>>> = given.into_iter().map(Some).collect();
        let mut args = Vec::new();
        for (filled, param) in filled.into_iter().zip(&member.params) {
            args.push(match filled {
                Filled::Default(value) => ir::Arg::Value(Node::Constant(value)),
                Filled::Given(at) => {
                    let Some(one) = given.get_mut(at).and_then(Option::take) else { continue };
                    let span = written.get(at).map_or(0..0, |arg| arg.span.clone());
                    self.argument(one, &param.ty, &mut bindings, &span)
                }
                Filled::Params(positions) => {
                    let element = param.ty.argument(0);
                    let mut nodes = Vec::new();
                    for at in positions {
                        let Some(one) = given.get_mut(at).and_then(Option::take) else { continue };
                        let span = written.get(at).map_or(0..0, |arg| arg.span.clone());
                        if let ir::Arg::Value(node) =
                            self.argument(one, &element, &mut bindings, &span)
                        {
                            nodes.push(node);
                        }
                    }
                    ir::Arg::Params(element.substitute(&bindings), nodes)
                }
            });
        }
        let types = member
            .parameters
            .iter()
            .map(|name| Type::Parameter(name).substitute(&bindings))
            .collect();
        let ty = member.result.substitute(&bindings);
        let call = ir::Call { member, receiver, args, types };
        Typed::new(Node::Call(Box::new(call)), ty)
    }

    fn argument(
        &mut self,
        given: Given<'_>,
        declared: &Type,
        bindings: &mut Vec<(&'static str, Type)>,
        span: &Span,
    ) -> ir::Arg {
        match given {
            Given::Value(value) => {
                let to = declared.substitute(bindings);
                ir::Arg::Value(self.coerce(value, &to, span))
            }
            Given::Lambda(lambda) => {
                let (ExprKind::Lambda(params, body), Type::Of(_, declared)) =
                    (&lambda.kind, declared)
                else {
                    return ir::Arg::Value(Node::Constant(Value::Null));
                };
                let (result, inputs) = match declared.split_last() {
                    Some((result, inputs)) => (result.clone(), inputs),
                    None => (Type::Unknown, &declared[..]),
                };
                let types: Vec<Type> = inputs.iter().map(|ty| ty.substitute(bindings)).collect();
                let (node, actual) = self.lambda(params, body, &types);
                result.infer(&actual, bindings);
                let wanted = result.substitute(bindings);
                let fits =
                    wanted == Type::Void || library::implicit_cost(&actual, &wanted).is_some();
                if !fits {
                    let message = format!("the lambda gives `{actual}` where `{wanted}` is needed");
                    self.error(span.clone(), message);
                }
                ir::Arg::Value(node)
            }
            Given::Out(out) => {
                // `out DayOfWeek day` says what the method's own parameter is.
                if let ArgumentValue::OutDeclare(Some(written), _) = out {
                    let local = self.resolve(written);
                    declared.infer(&local, bindings);
                }
                let ty = declared.substitute(bindings);
                match out {
                    ArgumentValue::OutDeclare(written, name) => {
                        let local = match written {
                            Some(written) => self.resolve(written),
                            None => ty.clone(),
                        };
                        // `out` declares in the enclosing statement's scope.
                        let slot = self.declare(name, local);
                        ir::Arg::Out(Some(Place::Slot(slot)))
                    }
                    ArgumentValue::Out(target) => {
                        let place = self.place(target, false);
                        if let Some((_, ty)) = &place {
                            declared.infer(ty, bindings);
                        }
                        ir::Arg::Out(place.map(|(place, _)| place))
                    }
                    _ => ir::Arg::Out(None),
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all that the message needs")]
    pub(super) fn no_overload(
        &mut self,
        failure: Failure,
        ty: &Type,
        name: &str,
        kind: MemberKind,
        spans: &[Span],
        actual: &[Type],
        at: &Span,
    ) {
        let shown = match kind {
            MemberKind::Constructor => format!("new {ty}(…)"),
            MemberKind::Indexer | MemberKind::IndexSetter => format!("the indexer of `{ty}`"),
            _ => format!("`{ty}.{name}`"),
        };
        match failure {
            Failure::Argument(position, wanted) => {
                let span = spans.get(position).cloned().unwrap_or_else(|| at.clone());
                let found = actual.get(position).cloned().unwrap_or(Type::Unknown);
                let help = super::conversions::explicit_exists(&found, &wanted)
                    .then(|| format!("add a cast: `({wanted})…`"));
                let message = format!(
                    "{shown} takes a `{wanted}` as argument {}, found `{found}`",
                    position + 1
                );
                self.error_with(span, message, help);
            }
            Failure::Arity => {
                let is_static = kind == MemberKind::Constructor;
                let mut known: Vec<&str> = [is_static, !is_static]
                    .into_iter()
                    .flat_map(|is_static| library::members(ty, name, kind, is_static))
                    .map(|candidate| candidate.member.declaration)
                    .collect();
                known.truncate(4);
                let help =
                    (!known.is_empty()).then(|| format!("there is `{}`", known.join("`, `")));
                let message = format!("{shown} does not take these {} arguments", spans.len());
                self.error_with(at.clone(), message, help);
                self.about("member");
            }
        }
    }

    pub(super) fn creation(
        &mut self,
        written: &TypeRef,
        args: &[Argument],
        initialiser: Option<&Initialiser>,
        span: &Span,
    ) -> Typed {
        let ty = self.resolve(written);
        if ty.is_unknown() {
            self.given(args);
            return Typed::broken();
        }
        let candidates = library::members(&ty, "new", MemberKind::Constructor, true)
            .into_iter()
            .filter(|candidate| candidate.member.owner == ty.name())
            .collect::<Vec<_>>();
        if candidates.is_empty() {
            self.given(args);
            self.error(written.span.clone(), format!("`{ty}` cannot be created with `new`"));
            return Typed::broken();
        }
        // A generic class's own arguments are known from its name.
        let value = self.overloaded(
            candidates,
            None,
            &ty,
            "new",
            type_arguments(&ty),
            args,
            &written.span,
            span,
        );
        let value = Typed::new(value.node, ty.clone());
        match initialiser {
            None => value,
            Some(initialiser) => self.initialise(value, initialiser, span),
        }
    }

    fn initialise(&mut self, value: Typed, initialiser: &Initialiser, span: &Span) -> Typed {
        let slot = self.slot();
        let ty = value.ty.clone();
        let mut effects = Vec::new();
        match initialiser {
            Initialiser::Collection(elements) => {
                for (items, item_span) in elements {
                    let given: Vec<Typed> = items.iter().map(|item| self.value(item)).collect();
                    let candidates = library::members(&ty, "Add", MemberKind::Method, false);
                    let shapes: Vec<Shape> =
                        given.iter().map(|value| Shape::value(value.ty.clone())).collect();
                    match library::choose(candidates, &shapes, &[]) {
                        Ok(chosen) => {
                            let given = given.into_iter().map(Given::Value).collect();
                            let written: Vec<Argument> = Vec::new();
                            let receiver = Some(Node::Slot(slot));
                            effects.push(self.chosen(chosen, receiver, given, &written).node);
                        }
                        Err(failure) => {
                            let spans: Vec<Span> =
                                items.iter().map(|item| item.span.clone()).collect();
                            let types: Vec<Type> =
                                given.into_iter().map(|value| value.ty).collect();
                            let kind = MemberKind::Method;
                            self.no_overload(failure, &ty, "Add", kind, &spans, &types, item_span);
                        }
                    }
                }
            }
            Initialiser::Members(members) => {
                for (target, value) in members {
                    let typed = self.value(value);
                    let (set, index, wanted) = match target {
                        InitialiserTarget::Member(name) => {
                            let found =
                                library::members(&ty, &name.text, MemberKind::Setter, false);
                            let Some(set) = found.into_iter().next() else {
                                self.no_member(&ty, name, false, false);
                                continue;
                            };
                            let wanted = set.member.result.substitute(&set.bindings);
                            (set.member, Vec::new(), wanted)
                        }
                        InitialiserTarget::Index(index) => {
                            let key = self.value(index);
                            let found =
                                library::members(&ty, "this", MemberKind::IndexSetter, false);
                            let shapes = [Shape::value(key.ty.clone())];
                            match library::choose(found, &shapes, &[]) {
                                Ok(chosen) => {
                                    let wanted = chosen.member.result.substitute(&chosen.bindings);
                                    let to = chosen
                                        .member
                                        .params
                                        .first()
                                        .map_or(Type::Unknown, |param| {
                                            param.ty.substitute(&chosen.bindings)
                                        });
                                    let key = self.coerce(key, &to, &index.span);
                                    (chosen.member, vec![key], wanted)
                                }
                                Err(failure) => {
                                    let spans = [index.span.clone()];
                                    let types = [key.ty];
                                    let kind = MemberKind::IndexSetter;
                                    self.no_overload(
                                        failure, &ty, "this", kind, &spans, &types, span,
                                    );
                                    continue;
                                }
                            }
                        }
                    };
                    let node = self.coerce(typed, &wanted, &value.span);
                    let place = Place::Member {
                        receiver: Node::Slot(slot),
                        index,
                        get: None,
                        set: Target::Known(set),
                    };
                    let assign = ir::Assign { place, op: None, value: node, ty: wanted };
                    effects.push(Node::Assign(Box::new(assign)));
                }
            }
        }
        Typed::new(Node::Initialise(Box::new(value.node), slot, effects), ty)
    }

    /// A value for a place of known type: a lambda learns its parameters.
    pub(super) fn value_for(&mut self, value: &Expr, to: &Type) -> Typed {
        if let (ExprKind::Lambda(params, body), Type::Of("Func", args)) = (&value.kind, to)
            && args.len() == params.len() + 1
        {
            let (node, _) = self.lambda(params, body, args);
            return Typed::new(node, to.clone());
        }
        self.value(value)
    }
}

fn type_arguments(ty: &Type) -> Vec<Type> {
    match ty {
        Type::Of(_, args) => args.clone(),
        _ => Vec::new(),
    }
}
