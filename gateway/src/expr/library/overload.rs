//! Which overload a call means (C# 7, 7.5.3, simplified): the applicable one
//! whose parameters are nearest to the arguments.

use super::{Candidate, Member, derives, element_of};
use crate::expr::types::Type;
use crate::expr::value::Value;

/// An argument as seen from outside.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) name: Option<String>,
    pub(crate) ty: ShapeType,
}

#[derive(Clone, Debug)]
pub(crate) enum ShapeType {
    Value(Type),
    /// A lambda of so many parameters.
    Lambda(usize),
    Out,
}

impl Shape {
    pub(crate) fn value(ty: Type) -> Self {
        Self { name: None, ty: ShapeType::Value(ty) }
    }
}

/// Where a parameter's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Filled {
    /// The argument of this position.
    Given(usize),
    Default(Value),
    /// A `params` array of these arguments.
    Params(Vec<usize>),
}

/// The overload chosen.
pub(crate) struct Chosen {
    pub(crate) member: &'static Member,
    /// What class and method parameters stand for, as far as arguments without
    /// lambdas tell.
    pub(crate) bindings: Vec<(&'static str, Type)>,
    /// One per parameter.
    pub(crate) filled: Vec<Filled>,
}

/// Why no overload fits.
pub(crate) enum Failure {
    /// None takes so many arguments, or these names.
    Arity,
    /// The argument at this position does not convert to this type.
    Argument(usize, Type),
}

/// Chooses among candidates.
pub(crate) fn choose(
    candidates: Vec<Candidate>,
    shapes: &[Shape],
    explicit: &[Type],
) -> Result<Chosen, Failure> {
    let mut best: Option<(u32, Chosen)> = None;
    let mut failure = Failure::Arity;
    for Candidate { member, mut bindings } in candidates {
        if !explicit.is_empty() && explicit.len() != member.parameters.len() {
            continue;
        }
        bindings.extend(member.parameters.iter().copied().zip(explicit.iter().cloned()));
        for expanded in [false, true] {
            let Some(filled) = fill(member, shapes, expanded) else { continue };
            match cost(member, shapes, &filled, bindings.clone()) {
                Ok((cost, bindings)) => {
                    // Better conversions first; the plain form only breaks a tie.
                    let cost = cost * 4 + u32::from(expanded);
                    if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                        best = Some((cost, Chosen { member, bindings, filled }));
                    }
                }
                Err(argument) => failure = argument,
            }
        }
    }
    best.map(|(_, chosen)| chosen).ok_or(failure)
}

/// Assigns arguments to parameters.
fn fill(member: &Member, shapes: &[Shape], expanded: bool) -> Option<Vec<Filled>> {
    if expanded && !member.params.last().is_some_and(|param| param.is_params) {
        return None;
    }
    let mut filled: Vec<Option<Filled>> = vec![None; member.params.len()];
    let last = member.params.len().saturating_sub(1);
    for (position, shape) in shapes.iter().enumerate() {
        let at = match &shape.name {
            Some(name) => member.params.iter().position(|param| param.name == name)?,
            None => position,
        };
        if expanded && last <= at {
            match &mut filled[last] {
                Some(Filled::Params(positions)) => positions.push(position),
                slot => *slot = Some(Filled::Params(vec![position])),
            }
            continue;
        }
        let slot = filled.get_mut(at)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(Filled::Given(position));
    }
    filled
        .into_iter()
        .zip(&member.params)
        .map(|(filled, param)| match (filled, &param.default) {
            (Some(filled), _) => Some(filled),
            (None, Some(default)) => Some(Filled::Default(default.clone())),
            (None, None) if param.is_params && expanded => Some(Filled::Params(Vec::new())),
            (None, None) => None,
        })
        .collect()
}

type Bindings = Vec<(&'static str, Type)>;

fn cost(
    member: &Member,
    shapes: &[Shape],
    filled: &[Filled],
    mut bindings: Bindings,
) -> Result<(u32, Bindings), Failure> {
    let each = |param_type: &Type, positions: &[usize], infer: &mut dyn FnMut(&Type, &Type)| {
        for &position in positions {
            if let Some(Shape { ty: ShapeType::Value(actual), .. }) = shapes.get(position) {
                infer(param_type, actual);
            }
        }
    };
    let explicit = member.parameters.iter().all(|p| bindings.iter().any(|(name, _)| name == p));
    if !explicit || member.parameters.is_empty() {
        for (param, filled) in member.params.iter().zip(filled) {
            let mut infer = |declared: &Type, actual: &Type| declared.infer(actual, &mut bindings);
            match filled {
                Filled::Given(position) => each(&param.ty, &[*position], &mut infer),
                Filled::Params(positions) => each(&param.ty.argument(0), positions, &mut infer),
                Filled::Default(_) => {}
            }
        }
    }
    widen(member, shapes, filled, &mut bindings);
    let mut total = 0;
    for (param, filled) in member.params.iter().zip(filled) {
        let (declared, positions) = match filled {
            Filled::Given(position) => (param.ty.clone(), vec![*position]),
            Filled::Params(positions) => (param.ty.argument(0), positions.clone()),
            // Fewer defaults are better.
            Filled::Default(_) => {
                total += 1;
                continue;
            }
        };
        for position in positions {
            let Some(shape) = shapes.get(position) else { continue };
            let wanted = declared.substitute(&bindings);
            match (&shape.ty, declared.name()) {
                (ShapeType::Lambda(arity), "Func") => {
                    let Type::Of(_, args) = &declared else { continue };
                    if args.len() != arity + 1 {
                        return Err(Failure::Arity);
                    }
                }
                (ShapeType::Lambda(_), _) => return Err(Failure::Argument(position, wanted)),
                (ShapeType::Out, _) if param.is_out => {}
                (ShapeType::Out, _) => return Err(Failure::Arity),
                (ShapeType::Value(_), _) if param.is_out => return Err(Failure::Arity),
                (ShapeType::Value(actual), _) => match implicit_cost(actual, &wanted) {
                    Some(cost) => total += cost,
                    None => return Err(Failure::Argument(position, wanted)),
                },
            }
        }
    }
    Ok((total, bindings))
}

/// LINQ's methods are extensions in C#: their `T` is inferred from the other
/// arguments as well, and a sequence of a reference type is one of each of its
/// base types, too. `Contains(object)` of a `string[]` compares objects.
fn widen(member: &Member, shapes: &[Shape], filled: &[Filled], bindings: &mut Bindings) {
    if member.owner != "IEnumerable" {
        return;
    }
    for (param, filled) in member.params.iter().zip(filled) {
        let Filled::Given(position) = filled else { continue };
        let Some(Shape { ty: ShapeType::Value(actual), .. }) = shapes.get(*position) else {
            continue;
        };
        let (name, given) = match &param.ty {
            Type::Parameter(name) => (*name, actual.clone()),
            Type::Of("IEnumerable", args) => match (args.first(), element_of(actual)) {
                (Some(Type::Parameter(name)), Some(element)) => (*name, element),
                _ => continue,
            },
            _ => continue,
        };
        let bound = bindings.iter_mut().find(|(own, _)| *own == name).map(|(_, bound)| bound);
        if let Some(bound) = bound
            && !bound.is_value_type()
            && !bound.is_unknown()
            && (given.is_object() || derives(bound.name(), given.name()))
            && implicit_cost(bound, &given).is_some()
        {
            *bound = given;
        }
    }
}

/// How far an implicit conversion goes; `None` when C# has none.
pub(crate) fn implicit_cost(from: &Type, to: &Type) -> Option<u32> {
    if from == to {
        return Some(0);
    }
    if from.is_unknown() || to.is_unknown() {
        return Some(1);
    }
    if *from == Type::Void || *to == Type::Void {
        return None;
    }
    if *from == Type::Null {
        return (!to.is_value_type() || to.underlying().is_some()).then_some(1);
    }
    if let Some(inner) = to.underlying() {
        return implicit_cost(from.without_null(), inner).map(|cost| cost + 1);
    }
    if from.underlying().is_some() {
        return to.is_object().then_some(5);
    }
    if let (Some(own), Some(wanted)) = (from.numeric(), to.numeric()) {
        return own.widens_to(wanted).then(|| own.distance(wanted));
    }
    if to.is_object() {
        return Some(6);
    }
    if to.name() == "JToken" && converts_to_token(from) {
        return Some(4);
    }
    if to.name() == "Delegate" || to.name() == "Func" {
        return (from.name() == "Func").then_some(0);
    }
    if matches!(to.name(), "XName" | "XNamespace") && from.is_string() {
        return Some(2);
    }
    if to.name() == "DateTimeOffset" && from.name() == "DateTime" {
        return Some(2);
    }
    if derives(from.name(), to.name()) {
        // Arguments must fit too, as far as both are known.
        let wanted = to.argument(0);
        let given = if to.name() == "IEnumerable" {
            element_of(from).unwrap_or(Type::Unknown)
        } else {
            from.argument(0)
        };
        let fits = wanted.is_unknown()
            || given.is_unknown()
            || wanted == given
            || (!given.is_value_type() && implicit_cost(&given, &wanted).is_some())
            || !matches!(to, Type::Of(_, args) if !args.is_empty());
        return fits.then_some(if from.name() == to.name() { 1 } else { 2 });
    }
    None
}

/// Types with an implicit conversion to `JToken`.
fn converts_to_token(from: &Type) -> bool {
    from.numeric().is_some()
        || matches!(
            from.name(),
            "String" | "Boolean" | "DateTime" | "DateTimeOffset" | "TimeSpan" | "Guid" | "Uri"
        )
        || *from == Type::array(Type::BYTE)
}
