//! The .NET surface: the types and members an expression may use.
//!
//! One table serves the checker and the evaluator. A member is one entry in its
//! type's file: its C# declaration, which gives its name, parameters and static
//! type, and the function behind it. A type is one file with a `TYPES` list,
//! named in [`TABLES`]. What is not in the table does not compile.

mod collections;
mod context;
mod convert;
pub(crate) mod credentials;
mod cryptography;
mod date_time;
mod decimal;
mod enums;
mod exceptions;
mod json;
mod linq;
mod math;
mod message;
mod object;
pub(crate) mod objects;
mod overload;
mod page;
mod primitives;
mod random;
pub(crate) mod regex;
mod signature;
mod string;
mod text;
pub(crate) mod time_zone;
pub(crate) mod xml;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(crate) use exceptions::exception_type;
pub(crate) use overload::{Chosen, Failure, Filled, Shape, ShapeType, choose, implicit_cost};
pub(crate) use page::page;
pub(crate) use signature::{Member, MemberKind};

use super::eval::Vm;
use super::exception::Exception;
use super::types::Type;
use super::value::Value;

/// What stands behind a member.
pub(crate) type Function = for<'a, 'c> fn(&mut Call<'a, 'c>) -> Result<Value, Exception>;

/// One member: its C# declaration and its function.
pub(crate) struct Entry(pub(crate) &'static str, pub(crate) Function);

/// One type of the library.
pub(crate) struct TypeDef {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    /// Generic parameters.
    pub(crate) parameters: &'static [&'static str],
    /// Base class and interfaces, as C# types.
    pub(crate) bases: &'static [&'static str],
    /// Members of an enumeration.
    pub(crate) values: &'static [(&'static str, i32)],
    pub(crate) members: &'static [Entry],
}

impl TypeDef {
    pub(crate) const fn new(namespace: &'static str, name: &'static str) -> Self {
        Self { namespace, name, parameters: &[], bases: &["object"], values: &[], members: &[] }
    }

    pub(crate) const fn generic(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = parameters;
        self
    }

    pub(crate) const fn bases(mut self, bases: &'static [&'static str]) -> Self {
        self.bases = bases;
        self
    }

    pub(crate) const fn values(mut self, values: &'static [(&'static str, i32)]) -> Self {
        self.values = values;
        self
    }

    pub(crate) const fn members(mut self, members: &'static [Entry]) -> Self {
        self.members = members;
        self
    }
}

/// Every file of types.
const TABLES: &[&[TypeDef]] = &[
    object::TYPES,
    primitives::TYPES,
    string::TYPES,
    collections::TYPES,
    linq::TYPES,
    json::TYPES,
    date_time::TYPES,
    decimal::TYPES,
    math::TYPES,
    convert::TYPES,
    text::TYPES,
    regex::TYPES,
    random::TYPES,
    enums::TYPES,
    exceptions::TYPES,
    context::TYPES,
    message::TYPES,
    credentials::TYPES,
    cryptography::TYPES,
    time_zone::TYPES,
    xml::TYPES,
];

/// One call of a member.
pub(crate) struct Call<'a, 'c> {
    pub(crate) vm: &'a mut Vm<'c>,
    /// The receiver; null for static members.
    pub(crate) this: Value,
    /// One per parameter, defaults filled in.
    pub(crate) args: &'a mut [Value],
    pub(crate) types: &'a [Type],
}

struct TypeInfo {
    def: &'static TypeDef,
    bases: Vec<Type>,
    /// Names of its bases, of theirs, and so on: casts ask for them.
    ancestors: Vec<&'static str>,
    members: BTreeMap<&'static str, Vec<Member>>,
}

struct Registry {
    types: BTreeMap<&'static str, TypeInfo>,
    /// Declarations that do not parse: a test demands that there are none.
    mistakes: Vec<String>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry { types: BTreeMap::new(), mistakes: Vec::new() };
    for def in TABLES.iter().flat_map(|table| table.iter()) {
        let (bases, ancestors) = (Vec::new(), Vec::new());
        let mut info = TypeInfo { def, bases, ancestors, members: BTreeMap::new() };
        for base in def.bases {
            match signature::parse_type(base, def.parameters) {
                Ok(base) => info.bases.push(base),
                Err(problem) => registry.mistakes.push(format!("{}: {base}: {problem}", def.name)),
            }
        }
        for entry in def.members {
            match signature::parse(entry, def) {
                Ok(member) => info.members.entry(member.name).or_default().push(member),
                Err(problem) => {
                    registry.mistakes.push(format!("{}: {}: {problem}", def.name, entry.0));
                }
            }
        }
        if registry.types.insert(def.name, info).is_some() {
            registry.mistakes.push(format!("{}: registered twice", def.name));
        }
    }
    let names: Vec<_> = registry.types.keys().copied().collect();
    for name in names {
        let ancestors = ancestors(&registry.types, name);
        if let Some(info) = registry.types.get_mut(name) {
            info.ancestors = ancestors;
        }
    }
    registry
});

fn ancestors(types: &BTreeMap<&str, TypeInfo>, name: &'static str) -> Vec<&'static str> {
    let (mut found, mut next) = (Vec::new(), vec![name]);
    while let Some(name) = next.pop() {
        let Some(info) = types.get(name) else { continue };
        for base in info.bases.iter().map(Type::name).filter(|base| !base.is_empty()) {
            if !found.contains(&base) {
                found.push(base);
                next.push(base);
            }
        }
    }
    found
}

/// The type of this name without its namespace.
pub(crate) fn find(name: &str) -> Option<&'static TypeDef> {
    REGISTRY.types.get(name).map(|info| info.def)
}

/// Every type's name.
pub(crate) fn type_names() -> impl Iterator<Item = &'static str> {
    REGISTRY.types.keys().copied()
}

/// `Namespace.Name`.
pub(crate) fn full_name(name: &str) -> String {
    match find(name) {
        Some(def) if !def.namespace.is_empty() => format!("{}.{name}", def.namespace),
        _ => name.to_owned(),
    }
}

pub(crate) fn is_enum(name: &str) -> bool {
    find(name).is_some_and(|def| !def.values.is_empty())
}

/// Whether a namespace begins so: `System`, `System.Text`.
pub(crate) fn is_namespace(path: &str) -> bool {
    REGISTRY.types.values().any(|info| {
        info.def
            .namespace
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whether a type is another or derives from it, by names.
pub(crate) fn derives(name: &str, base: &str) -> bool {
    if name == base {
        return !name.is_empty();
    }
    REGISTRY.types.get(name).is_some_and(|info| info.ancestors.contains(&base))
}

/// A type and all its bases, arguments substituted, nearest first.
fn lineage(ty: &Type) -> Vec<Type> {
    let mut found = vec![ty.without_null().clone()];
    let mut at = 0;
    while let Some(current) = found.get(at).cloned() {
        at += 1;
        let Some(info) = REGISTRY.types.get(current.name()) else { continue };
        let bindings = class_bindings(&current, info.def);
        for base in &info.bases {
            let base = base.substitute(&bindings);
            if !found.contains(&base) {
                found.push(base);
            }
        }
    }
    // `object`'s own members come last.
    if let Some(at) = found.iter().position(Type::is_object) {
        let object = found.remove(at);
        found.push(object);
    }
    found
}

fn class_bindings(ty: &Type, def: &'static TypeDef) -> Vec<(&'static str, Type)> {
    def.parameters.iter().enumerate().map(|(at, name)| (*name, ty.argument(at))).collect()
}

/// What `foreach` and LINQ get of a type.
pub(crate) fn element_of(ty: &Type) -> Option<Type> {
    lineage(ty).into_iter().find_map(|base| match base {
        Type::Of("IEnumerable", args) => args.first().cloned(),
        _ => None,
    })
}

/// A member as found on a type: with what the type's parameters stand for.
pub(crate) struct Candidate {
    pub(crate) member: &'static Member,
    pub(crate) bindings: Vec<(&'static str, Type)>,
}

/// The members of this name and kind, nearest type first.
pub(crate) fn members(ty: &Type, name: &str, kind: MemberKind, is_static: bool) -> Vec<Candidate> {
    let mut found = Vec::new();
    for base in lineage(ty) {
        let Some(info) = REGISTRY.types.get(base.name()) else { continue };
        let Some(members) = info.members.get(name) else { continue };
        for member in members {
            if member.kind == kind && member.is_static == is_static {
                found.push(Candidate { member, bindings: class_bindings(&base, info.def) });
            }
        }
    }
    found
}

/// All names a type has, for suggestions.
pub(crate) fn member_names(ty: &Type, is_static: bool) -> Vec<&'static str> {
    let mut names = Vec::new();
    for base in lineage(ty) {
        let Some(info) = REGISTRY.types.get(base.name()) else { continue };
        names.extend(info.def.values.iter().map(|(name, _)| *name).filter(|_| is_static));
        names.extend(
            info.members
                .iter()
                .filter(|(_, members)| members.iter().any(|member| member.is_static == is_static))
                .map(|(name, _)| *name),
        );
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_parses() {
        assert_eq!(REGISTRY.mistakes, Vec::<String>::new());
    }

    #[test]
    fn every_type_named_in_a_declaration_exists() {
        fn check(ty: &Type, place: &str) {
            if let Type::Of(name, args) = ty {
                assert!(find(name).is_some(), "{place}: no type {name}");
                args.iter().for_each(|arg| check(arg, place));
            }
        }
        for info in REGISTRY.types.values() {
            info.bases.iter().for_each(|base| check(base, info.def.name));
            for member in info.members.values().flatten() {
                check(&member.result, member.declaration);
                member.params.iter().for_each(|param| check(&param.ty, member.declaration));
            }
        }
    }
}
