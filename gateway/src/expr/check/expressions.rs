//! Expressions but for members and calls.

use std::sync::Arc;

use super::conversions::{explicit_exists, narrowed};
use super::{Checker, MAX_DEPTH, Typed};
use crate::expr::CompileError;
use crate::expr::ast::{
    BinaryOp, Expr, ExprKind, InterpolatedPart, IsPattern, LambdaBody, Name, UnaryOp,
};
use crate::expr::ir::{self, Mode, Node, Piece};
use crate::expr::lexer::Span;
use crate::expr::library::{self, implicit_cost};
use crate::expr::numeric::Numeric;
use crate::expr::types::Type;
use crate::expr::value::Value;

impl Checker {
    pub(super) fn expr(&mut self, expr: &Expr) -> Typed {
        if self.depth == MAX_DEPTH {
            self.error(expr.span.clone(), "the expression is nested too deeply");
            return Typed::broken();
        }
        self.depth += 1;
        let value = self.expr_inner(expr);
        self.depth -= 1;
        value
    }

    /// An expression whose value is used.
    pub(super) fn value(&mut self, expr: &Expr) -> Typed {
        let value = self.expr(expr);
        if value.ty == Type::Void {
            self.error(expr.span.clone(), "this call gives no value");
            return Typed::broken();
        }
        value
    }

    pub(super) fn condition(&mut self, expr: &Expr) -> Node {
        let value = self.value(expr);
        self.coerce(value, &Type::BOOL, &expr.span)
    }

    fn expr_inner(&mut self, expr: &Expr) -> Typed {
        let span = &expr.span;
        match &expr.kind {
            ExprKind::Literal(value) => Typed::new(Node::Constant(value.clone()), value.type_of()),
            ExprKind::Interpolated(parts) => self.interpolated(parts),
            ExprKind::Name(name, args) => self.name(name, args.is_empty()),
            ExprKind::Keyword(word) => {
                self.error(span.clone(), format!("`{word}` is a type; a value was expected"));
                Typed::broken()
            }
            ExprKind::Member(target, name, args) => self.member(target, name, args, span),
            ExprKind::Call(target, args) => self.call(target, args, span),
            ExprKind::Index(target, args) => self.index(target, args, span),
            ExprKind::Conditional(target, rest) => self.conditional(target, rest),
            ExprKind::Receiver => match self.receivers.last() {
                Some((slot, ty)) => Typed::new(Node::Slot(*slot), ty.clone()),
                None => Typed::broken(),
            },
            ExprKind::Unary(op, operand) => self.unary(*op, operand, span),
            ExprKind::Binary(first, rest) => self.binary(first, rest),
            ExprKind::And(operands) => {
                let operands = operands.iter().map(|operand| self.condition(operand)).collect();
                Typed::new(Node::And(operands), Type::BOOL)
            }
            ExprKind::Or(operands) => {
                let operands = operands.iter().map(|operand| self.condition(operand)).collect();
                Typed::new(Node::Or(operands), Type::BOOL)
            }
            ExprKind::Coalesce(left, right) => self.coalesce(left, right, span),
            ExprKind::Ternary(condition, then, otherwise) => {
                self.ternary(condition, then, otherwise, span)
            }
            ExprKind::Assign(op, target, value) => self.assign(*op, target, value, span),
            ExprKind::Step { target, by, prefix } => self.step(target, *by, *prefix, span),
            ExprKind::Cast(to, value) => {
                let to = self.resolve(to);
                let value = self.value(value);
                self.cast(value, &to, span)
            }
            ExprKind::Is(value, pattern) => self.is(value, pattern, span),
            ExprKind::As(value, to) => {
                let to = self.resolve(to);
                let value = self.value(value);
                if to.is_value_type() && to.underlying().is_none() {
                    let message = format!("`as` needs a type that can be null, `{to}` cannot");
                    let help = Some(format!("use a cast: `({to})…`, or `as {to}?`"));
                    self.error_with(span.clone(), message, help);
                } else if !value.ty.is_unknown()
                    && !to.is_unknown()
                    && !explicit_exists(&value.ty, &to)
                {
                    self.error(span.clone(), format!("a `{}` is never a `{to}`", value.ty));
                }
                Typed::new(Node::As(Box::new(value.node), to.clone()), to)
            }
            ExprKind::New(ty, args, initialiser) => {
                self.creation(ty, args, initialiser.as_ref(), span)
            }
            ExprKind::NewArray { element, size, items } => {
                self.array(element.as_ref(), size.as_deref(), items.as_deref(), span)
            }
            ExprKind::Anonymous(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (Arc::from(name.text.as_str()), self.value(value).node))
                    .collect();
                Typed::new(Node::Anonymous(members), Type::Unknown)
            }
            ExprKind::Lambda(params, body) => {
                let types = vec![Type::Unknown; params.len()];
                let (lambda, result) = self.lambda(params, body, &types);
                let mut args = types;
                args.push(result);
                Typed::new(lambda, Type::Of("Func", args))
            }
            ExprKind::Default(ty) => {
                let ty = ty.as_ref().map(|ty| self.resolve(ty));
                match ty {
                    Some(ty) => Typed::new(Node::Constant(default_of(&ty)), ty),
                    None => Typed::new(Node::Constant(Value::Null), Type::Unknown),
                }
            }
            ExprKind::TypeOf(ty) => {
                let ty = self.resolve(ty);
                let object = library::objects::Object::Type(ty.full_name().into());
                Typed::new(Node::Constant(Value::Object(object)), Type::named("Type"))
            }
            ExprKind::NameOf(name) => {
                Typed::new(Node::Constant(Value::from(name.as_str())), Type::STRING)
            }
            ExprKind::Throw(value) => {
                let thrown = self.value(value);
                let node = self.coerce(thrown, &Type::named("Exception"), &value.span);
                Typed::new(Node::Throw(Box::new(node)), Type::Null)
            }
        }
    }

    fn name(&mut self, name: &Name, plain: bool) -> Typed {
        if let Some(local) = self.local(&name.text) {
            return Typed::new(Node::Slot(local.slot), local.ty.clone());
        }
        if name.text == "context" && plain {
            let host = library::objects::Host::Context;
            let ty = Type::named(host.type_name());
            return Typed::new(Node::Constant(Value::Host(host)), ty);
        }
        if library::find(&name.text).is_some() {
            self.error(
                name.span.clone(),
                format!("`{}` is a type; a value was expected", name.text),
            );
            return Typed::broken();
        }
        let locals = self.scopes.iter().flatten().map(|local| local.name.as_str());
        let types = library::type_names().map(|name| -> &str { name });
        let known = locals.chain(["context"]).chain(types);
        let help = seam::diagnostic::nearest(&name.text, known)
            .map(|near| format!("did you mean `{near}`?"));
        self.error_with(name.span.clone(), format!("unknown name `{}`", name.text), help);
        self.about("type");
        Typed::broken()
    }

    fn interpolated(&mut self, parts: &[InterpolatedPart]) -> Typed {
        let pieces = parts
            .iter()
            .map(|part| match part {
                InterpolatedPart::Text(text) => Piece::Text(Arc::from(text.as_str())),
                InterpolatedPart::Hole { value, alignment, format } => Piece::Hole {
                    value: self.value(value).node,
                    alignment: *alignment,
                    format: format.clone(),
                },
            })
            .collect();
        Typed::new(Node::Interpolated(pieces), Type::STRING)
    }

    fn conditional(&mut self, target: &Expr, rest: &Expr) -> Typed {
        let receiver = self.value(target);
        if receiver.ty.is_value_type() && receiver.ty.underlying().is_none() {
            let message = format!("`?.` needs a value that can be null, `{}` cannot", receiver.ty);
            self.error(target.span.clone(), message);
        }
        let slot = self.slot();
        self.receivers.push((slot, receiver.ty.without_null().clone()));
        let rest = self.expr(rest);
        self.receivers.pop();
        let ty = match rest.ty {
            Type::Void => Type::Void,
            ty => Type::nullable(ty),
        };
        Typed::new(Node::Conditional(Box::new(receiver.node), slot, Box::new(rest.node)), ty)
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: &Span) -> Typed {
        if op == UnaryOp::Not {
            return Typed::new(Node::Not(Box::new(self.condition(operand))), Type::BOOL);
        }
        let value = self.value(operand);
        let inner = value.ty.without_null();
        let span_type = inner.name() == "TimeSpan" && op == UnaryOp::Negate;
        let fits = match (inner.numeric(), op) {
            (Some(Numeric::ULong), UnaryOp::Negate) => false,
            (Some(kind), UnaryOp::Complement) => kind.is_whole(),
            (kind, _) => kind.is_some() || span_type,
        };
        if !inner.is_unknown() && !fits {
            let symbol = match op {
                UnaryOp::Negate => "-",
                UnaryOp::Plus => "+",
                _ => "~",
            };
            let message = format!("`{symbol}` does not apply to `{}`", value.ty);
            self.error(span.clone(), message);
            return Typed::broken();
        }
        let ty = match inner.numeric() {
            Some(kind) if kind < Numeric::Int => Type::INT,
            Some(Numeric::UInt) if op == UnaryOp::Negate => Type::LONG,
            _ => value.ty.clone(),
        };
        let node = match op {
            UnaryOp::Negate => Node::Negate(Box::new(value.node)),
            UnaryOp::Complement => Node::Complement(Box::new(value.node)),
            _ => value.node,
        };
        Typed::new(node, ty)
    }

    fn binary(&mut self, first: &Expr, rest: &[(BinaryOp, Span, Expr)]) -> Typed {
        let mut left = self.value(first);
        let mut ty = left.ty.clone();
        let mut operations = Vec::with_capacity(rest.len());
        for (op, span, right) in rest {
            let mut right = self.value(right);
            // A constant integer takes the other side's unsigned type, but as the
            // count of a shift.
            let shift = matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight);
            if let Some(constant) = unsigned(&right.node, &ty).filter(|_| !shift) {
                right = Typed::new(Node::Constant(constant), ty.without_null().clone());
            } else if !shift
                && operations.is_empty()
                && let Some(constant) = unsigned(&left.node, &right.ty)
            {
                ty = right.ty.without_null().clone();
                left = Typed::new(Node::Constant(constant), ty.clone());
            }
            let (result, reference) = self.operator(*op, &ty, &right.ty, span);
            operations.push((*op, reference, right.node));
            ty = result;
        }
        left = Typed::new(Node::Binary(Box::new(left.node), operations), ty);
        left
    }

    /// An operator's static type, and whether it compares references.
    pub(super) fn operator(
        &mut self,
        op: BinaryOp,
        left: &Type,
        right: &Type,
        span: &Span,
    ) -> (Type, bool) {
        use BinaryOp::{Add, Equal, NotEqual, Subtract};
        let equality = matches!(op, Equal | NotEqual);
        let ordering = matches!(
            op,
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual
        );
        if equality && (left.is_object() || right.is_object()) {
            let other = if left.is_object() { right } else { left };
            if other.is_value_type() {
                let message = format!("`{}` does not apply to `{left}` and `{right}`", op.symbol());
                let help = format!("cast the object first: `({})…`", other.without_null());
                self.error_with(span.clone(), message, Some(help));
            }
            let reference = !other.is_unknown() && *other != Type::Null;
            if other.is_string() || other.is_object() {
                let message = format!(
                    "`{}` of `{left}` and `{right}` compares references, not what they hold",
                    op.symbol()
                );
                let help = if other.is_string() {
                    "cast the object first: `(string)…`; as it is, two equal texts differ"
                } else {
                    "compare with `object.Equals(…, …)`, or cast both sides"
                };
                self.warnings.push(CompileError::new(span.clone(), message).with_help(help));
            }
            return (Type::BOOL, reference);
        }
        if left.is_unknown() || right.is_unknown() {
            let ty = match op {
                _ if equality || ordering => Type::BOOL,
                Add if left.is_string() || right.is_string() => Type::STRING,
                _ => Type::Unknown,
            };
            return (ty, false);
        }
        if op == Add && left.name() == "XNamespace" && right.is_string() {
            return (Type::named("XName"), false);
        }
        if op == Add && (left.is_string() || right.is_string()) {
            return (Type::STRING, false);
        }
        let (a, b) = (left.without_null(), right.without_null());
        let lift = |ty: Type| {
            if left.underlying().is_some() || right.underlying().is_some() {
                Type::nullable(ty)
            } else {
                ty
            }
        };
        if let (Some(x), Some(y)) = (a.numeric(), b.numeric()) {
            let shift = matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight);
            let bits = matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor);
            let result = match x.promoted(y) {
                // The count is an int and has no say in the type.
                _ if shift => x.promoted(Numeric::SByte).or(Some(x)).filter(|_| y.widens_to_int()),
                found => found,
            };
            match result.filter(|kind| kind.is_whole() || !(bits || shift)) {
                Some(_) if equality || ordering => return (Type::BOOL, false),
                Some(kind) => return (lift(kind.ty()), false),
                None => {}
            }
        }
        if (equality || ordering)
            && a == b
            && matches!(a.name(), "DateTime" | "DateTimeOffset" | "TimeSpan")
        {
            return (Type::BOOL, false);
        }
        if equality && comparable(left, right) {
            return (Type::BOOL, false);
        }
        let dated = |name: &'static str| Some(lift(Type::named(name)));
        let result = match (a.name(), op, b.name()) {
            ("DateTime", Add | Subtract, "TimeSpan") => dated("DateTime"),
            ("DateTimeOffset", Add | Subtract, "TimeSpan") => dated("DateTimeOffset"),
            ("TimeSpan", Add | Subtract, "TimeSpan") => dated("TimeSpan"),
            ("DateTime", Subtract, "DateTime") => dated("TimeSpan"),
            ("DateTimeOffset", Subtract, "DateTimeOffset") => dated("TimeSpan"),
            ("Boolean", BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor, "Boolean") => {
                Some(lift(Type::BOOL))
            }
            (x, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor, y)
                if x == y && library::is_enum(x) =>
            {
                Some(a.clone())
            }
            _ => None,
        };
        match result {
            Some(ty) => (ty, false),
            None => {
                let message = format!("`{}` does not apply to `{left}` and `{right}`", op.symbol());
                let json = left.is_json() || right.is_json();
                let object = left.is_object() || right.is_object();
                let help = (json || object)
                    .then(|| "cast it first, for example `(int)…` or `(string)…`".to_owned());
                self.error_with(span.clone(), message, help);
                (if equality || ordering { Type::BOOL } else { Type::Unknown }, false)
            }
        }
    }

    fn coalesce(&mut self, left: &Expr, right: &Expr, span: &Span) -> Typed {
        let value = self.value(left);
        if value.ty.is_value_type() && value.ty.underlying().is_none() {
            let message = format!("`??` needs a value that can be null, `{}` cannot", value.ty);
            self.error(left.span.clone(), message);
        }
        let other = self.value(right);
        // `a ?? b` has a's type without its null when b fits it, else b's.
        let inner = value.ty.without_null().clone();
        let (left_node, right_node, ty) = if value.ty == Type::Null || value.ty.is_unknown() {
            (value.node, other.node, other.ty)
        } else if implicit_cost(&other.ty, &inner).is_some() {
            let ty = if other.ty == Type::Null || other.ty.underlying().is_some() {
                value.ty
            } else {
                inner
            };
            (value.node, self.coerce(other, &ty, span), ty)
        } else if implicit_cost(&value.ty, &other.ty).is_some() {
            let ty = other.ty.clone();
            (self.coerce(value, &ty, span), other.node, ty)
        } else {
            let message = format!("`??` does not apply to `{}` and `{}`", value.ty, other.ty);
            self.error(span.clone(), message);
            (value.node, other.node, Type::Unknown)
        };
        Typed::new(Node::Coalesce(Box::new(left_node), Box::new(right_node)), ty)
    }

    fn ternary(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr, span: &Span) -> Typed {
        let condition = self.condition(condition);
        let then = self.value(then);
        let otherwise = self.value(otherwise);
        let ty = if then.ty.is_unknown() || otherwise.ty.is_unknown() {
            if then.ty.is_unknown() { otherwise.ty.clone() } else { then.ty.clone() }
        } else if implicit_cost(&otherwise.ty, &then.ty).is_some() && then.ty != Type::Null {
            then.ty.clone()
        } else if implicit_cost(&then.ty, &otherwise.ty).is_some() {
            otherwise.ty.clone()
        } else {
            let message = format!(
                "both sides of `? :` must have one type, found `{}` and `{}`",
                then.ty, otherwise.ty
            );
            self.error(span.clone(), message);
            Type::Unknown
        };
        let unknown = then.ty.is_unknown() || otherwise.ty.is_unknown();
        let (then, otherwise) = if unknown {
            (then.node, otherwise.node)
        } else {
            (self.coerce(then, &ty, span), self.coerce(otherwise, &ty, span))
        };
        let ty = if unknown { Type::Unknown } else { ty };
        Typed::new(Node::Ternary(Box::new((condition, then, otherwise))), ty)
    }

    fn is(&mut self, value: &Expr, pattern: &IsPattern, span: &Span) -> Typed {
        let value = self.value(value);
        let node = match pattern {
            IsPattern::Constant(constant) => {
                let constant = self.value(constant);
                Node::Binary(Box::new(value.node), vec![(BinaryOp::Equal, false, constant.node)])
            }
            IsPattern::Type(ty, name) => {
                let ty = self.resolve(ty);
                let open = value.ty.is_unknown() || ty.is_unknown() || value.ty == Type::Null;
                if !open && !explicit_exists(&value.ty, &ty) {
                    self.error(span.clone(), format!("a `{}` is never a `{ty}`", value.ty));
                }
                let slot = name.as_ref().map(|name| self.declare(name, ty.clone()));
                Node::Is(Box::new(value.node), ty, slot)
            }
        };
        Typed::new(node, Type::BOOL)
    }

    /// A lambda whose parameters have these types: its node and result type.
    pub(super) fn lambda(
        &mut self,
        params: &[Name],
        body: &LambdaBody,
        types: &[Type],
    ) -> (Node, Type) {
        let first = self.slots;
        let receivers = std::mem::take(&mut self.receivers);
        let (loops, catches) = (self.loops, self.catches);
        (self.loops, self.catches) = (0, 0);
        self.scopes.push(Vec::new());
        self.functions.push(super::Function::default());
        let slots: Vec<usize> = params
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let ty = types.get(at).cloned().unwrap_or(Type::Unknown);
                self.declare(name, ty)
            })
            .collect();
        let (body, result) = match body {
            LambdaBody::Expr(value) => {
                let value = self.expr(value);
                (ir::LambdaBody::Node(value.node), value.ty)
            }
            LambdaBody::Block(statements) => {
                let statements = self.statements(statements);
                (ir::LambdaBody::Block(statements), self.function_result())
            }
        };
        self.functions.pop();
        self.scopes.pop();
        self.receivers = receivers;
        (self.loops, self.catches) = (loops, catches);
        let lambda = ir::Lambda { params: slots, slots: first..self.slots, body };
        (Node::Lambda(Arc::new(lambda)), result)
    }

    fn array(
        &mut self,
        element: Option<&crate::expr::ast::TypeRef>,
        size: Option<&Expr>,
        items: Option<&[Expr]>,
        span: &Span,
    ) -> Typed {
        let declared = element.map(|element| self.resolve(element));
        let Some(items) = items else {
            let element = declared.unwrap_or(Type::OBJECT);
            let size = match size {
                Some(size) => {
                    let value = self.value(size);
                    self.coerce(value, &Type::INT, &size.span)
                }
                None => Node::Constant(Value::Int(0)),
            };
            let ty = Type::array(element.clone());
            return Typed::new(Node::SizedArray(element, Box::new(size)), ty);
        };
        let values: Vec<(Typed, &Span)> =
            items.iter().map(|item| (self.value(item), &item.span)).collect();
        let element = match declared {
            Some(element) => element,
            None => {
                let mut best: Option<Type> = None;
                for (value, _) in &values {
                    best = match best {
                        None => Some(value.ty.clone()),
                        Some(known) if implicit_cost(&value.ty, &known).is_some() => Some(known),
                        Some(known) if implicit_cost(&known, &value.ty).is_some() => {
                            Some(value.ty.clone())
                        }
                        Some(_) => Some(Type::Unknown),
                    };
                }
                match best {
                    Some(Type::Null) | None => {
                        self.error(span.clone(), "the array's element type is not clear");
                        Type::Unknown
                    }
                    Some(ty) => ty,
                }
            }
        };
        let nodes =
            values.into_iter().map(|(value, span)| self.coerce(value, &element, span)).collect();
        Typed::new(Node::Array(element.clone(), nodes), Type::array(element))
    }

    /// Something a dynamic conversion is put around, for declared locals.
    pub(super) fn dynamic(node: Node, to: &Type) -> Node {
        Node::Convert(Box::new(node), to.clone(), Mode::Dynamic)
    }
}

/// A constant integer beside an unsigned operand.
fn unsigned(node: &Node, other: &Type) -> Option<Value> {
    let other = other.without_null();
    matches!(other.numeric(), Some(Numeric::UInt | Numeric::ULong))
        .then(|| narrowed(node, other))
        .flatten()
}

/// Whether `==` between two known types makes sense.
fn comparable(left: &Type, right: &Type) -> bool {
    let nullable = |ty: &Type| !ty.is_value_type() || ty.underlying().is_some();
    match (left, right) {
        (Type::Null, other) | (other, Type::Null) => nullable(other),
        _ if left.without_null() == right.without_null() => true,
        _ if left.is_json() || right.is_json() => {
            // A token against what converts to one.
            implicit_cost(left, &Type::JTOKEN).is_some()
                && implicit_cost(right, &Type::JTOKEN).is_some()
        }
        _ => {
            !left.is_value_type()
                && !right.is_value_type()
                && (library::derives(left.name(), right.name())
                    || library::derives(right.name(), left.name()))
        }
    }
}

/// `default(T)`.
pub(crate) fn default_of(ty: &Type) -> Value {
    use crate::expr::dates::{DateKind, DateTime, DateTimeOffset, TimeSpan};
    match ty.name() {
        "Boolean" => Value::Bool(false),
        "SByte" => Value::SByte(0),
        "Byte" => Value::Byte(0),
        "Int16" => Value::Short(0),
        "UInt16" => Value::UShort(0),
        "Int32" => Value::Int(0),
        "UInt32" => Value::UInt(0),
        "Int64" => Value::Long(0),
        "UInt64" => Value::ULong(0),
        "Single" => Value::Float(0.0),
        "Double" => Value::Double(0.0),
        "Decimal" => Value::Decimal(rust_decimal::Decimal::ZERO),
        "Char" => Value::Char(0),
        "Guid" => Value::Guid(0),
        "DateTime" => Value::DateTime(DateTime { ticks: 0, kind: DateKind::Unspecified }),
        "DateTimeOffset" => Value::DateTimeOffset(DateTimeOffset { ticks: 0, offset_minutes: 0 }),
        "TimeSpan" => Value::TimeSpan(TimeSpan(0)),
        name => match library::find(name) {
            Some(def) if !def.values.is_empty() => {
                Value::Enum(library::objects::EnumValue { of: def, number: 0 })
            }
            _ => Value::Null,
        },
    }
}
