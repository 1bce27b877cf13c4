//! Static types: what the checker knows about a value before it exists.
//!
//! A hint, not a proof: [`Type::Unknown`] allows everything and leaves the
//! decision to the evaluator. The library names the types; this file knows
//! only the ones the language itself treats specially.

use std::fmt;

use super::numeric::Numeric;

/// A static type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Nothing is known: anything goes, checked when it runs.
    Unknown,
    /// The type of `null`.
    Null,
    /// No value.
    Void,
    /// A generic parameter in a member's declaration.
    Parameter(&'static str),
    /// A type of the library by its registered name, with its arguments.
    Of(&'static str, Vec<Type>),
}

impl Type {
    pub(crate) const fn named(name: &'static str) -> Self {
        Self::Of(name, Vec::new())
    }

    pub(crate) const OBJECT: Self = Self::named("Object");
    pub(crate) const STRING: Self = Self::named("String");
    pub(crate) const BOOL: Self = Self::named("Boolean");
    pub(crate) const INT: Self = Self::named("Int32");
    pub(crate) const LONG: Self = Self::named("Int64");
    pub(crate) const DOUBLE: Self = Self::named("Double");
    pub(crate) const CHAR: Self = Self::named("Char");
    pub(crate) const BYTE: Self = Self::named("Byte");
    pub(crate) const JTOKEN: Self = Self::named("JToken");

    pub(crate) fn array(element: Type) -> Self {
        Self::Of("Array", vec![element])
    }

    pub(crate) fn nullable(inner: Type) -> Self {
        match inner {
            inner if !inner.is_value_type() || inner.underlying().is_some() => inner,
            inner => Self::Of("Nullable", vec![inner]),
        }
    }

    /// `T` of `T?`.
    pub(crate) fn underlying(&self) -> Option<&Type> {
        match self {
            Self::Of("Nullable", args) => args.first(),
            _ => None,
        }
    }

    /// The type without a `?`.
    pub(crate) fn without_null(&self) -> &Type {
        self.underlying().unwrap_or(self)
    }

    /// Registered name, empty for the special ones.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Of(name, _) => name,
            _ => "",
        }
    }

    pub(crate) fn argument(&self, index: usize) -> Type {
        match self {
            Self::Of(_, args) => args.get(index).cloned().unwrap_or(Type::Unknown),
            _ => Type::Unknown,
        }
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown | Self::Parameter(_))
    }

    pub(crate) fn is_object(&self) -> bool {
        self.name() == "Object"
    }

    pub(crate) fn is_string(&self) -> bool {
        self.name() == "String"
    }

    pub(crate) fn is_json(&self) -> bool {
        crate::expr::library::derives(self.name(), "JToken")
    }

    /// Which numeric type it is.
    pub(crate) fn numeric(&self) -> Option<Numeric> {
        Numeric::named(self.name())
    }

    pub(crate) fn is_value_type(&self) -> bool {
        self.numeric().is_some()
            || matches!(
                self.name(),
                "Boolean"
                    | "DateTime"
                    | "DateTimeOffset"
                    | "TimeSpan"
                    | "Guid"
                    | "KeyValuePair"
                    | "Nullable"
            )
            || crate::expr::library::is_enum(self.name())
    }

    /// Replaces parameters by what they stand for.
    pub(crate) fn substitute(&self, bindings: &[(&'static str, Type)]) -> Type {
        match self {
            Self::Parameter(name) => bindings
                .iter()
                .find(|(bound, _)| bound == name)
                .map_or(Type::Unknown, |(_, ty)| ty.clone()),
            Self::Of("Nullable", args) => {
                Type::nullable(args.first().map_or(Type::Unknown, |arg| arg.substitute(bindings)))
            }
            Self::Of(name, args) => {
                Self::Of(name, args.iter().map(|arg| arg.substitute(bindings)).collect())
            }
            other => other.clone(),
        }
    }

    /// Binds this declaration's parameters by matching it against a real type.
    pub(crate) fn infer(&self, actual: &Type, bindings: &mut Vec<(&'static str, Type)>) {
        match (self, actual) {
            (Self::Parameter(name), actual) => {
                match bindings.iter_mut().find(|(bound, _)| bound == name) {
                    None if *actual != Type::Null => bindings.push((name, actual.clone())),
                    None => {}
                    // The wider of two numbers; else the first one stays.
                    Some((_, bound))
                        if let (Some(own), Some(other)) = (bound.numeric(), actual.numeric())
                            && own.widens_to(other) =>
                    {
                        *bound = actual.clone();
                    }
                    Some(_) => {}
                }
            }
            (Self::Of("IEnumerable", args), actual) => {
                if let (Some(own), Some(element)) =
                    (args.first(), crate::expr::library::element_of(actual))
                {
                    own.infer(&element, bindings);
                }
            }
            (Self::Of(own, own_args), Self::Of(other, args)) if own == other => {
                for (own, actual) in own_args.iter().zip(args) {
                    own.infer(actual, bindings);
                }
            }
            _ => {}
        }
    }

    /// The .NET full name as exceptions print it.
    pub(crate) fn full_name(&self) -> String {
        match self {
            Self::Of("Array", args) => {
                format!("{}[]", args.first().unwrap_or(&Type::OBJECT).full_name())
            }
            Self::Of(name, args) => {
                let own = crate::expr::library::full_name(name);
                if args.is_empty() {
                    return own;
                }
                let args: Vec<String> = args.iter().map(Type::full_name).collect();
                format!("{own}`{}[{}]", args.len(), args.join(","))
            }
            _ => "System.Object".into(),
        }
    }
}

impl fmt::Display for Type {
    /// In C# words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("dynamic"),
            Self::Null => f.write_str("null"),
            Self::Void => f.write_str("void"),
            Self::Parameter(name) => f.write_str(name),
            Self::Of("Array", args) => match args.first() {
                Some(element) => write!(f, "{element}[]"),
                None => f.write_str("Array"),
            },
            Self::Of("Nullable", args) => match args.first() {
                Some(inner) => write!(f, "{inner}?"),
                None => f.write_str("Nullable"),
            },
            Self::Of(name, args) => {
                f.write_str(keyword(name))?;
                for (index, arg) in args.iter().enumerate() {
                    f.write_str(if index == 0 { "<" } else { ", " })?;
                    arg.fmt(f)?;
                }
                if args.is_empty() { Ok(()) } else { f.write_str(">") }
            }
        }
    }
}

/// C#'s keyword for a type, or its name.
fn keyword(name: &'static str) -> &'static str {
    match name {
        "Object" => "object",
        "String" => "string",
        "Boolean" => "bool",
        "SByte" => "sbyte",
        "Byte" => "byte",
        "Char" => "char",
        "Int16" => "short",
        "UInt16" => "ushort",
        "Int32" => "int",
        "UInt32" => "uint",
        "Int64" => "long",
        "UInt64" => "ulong",
        "Single" => "float",
        "Double" => "double",
        "Decimal" => "decimal",
        name => name,
    }
}

/// The registered name behind a C# keyword.
pub(crate) fn from_keyword(word: &str) -> Option<&'static str> {
    Some(match word {
        "object" => "Object",
        "string" => "String",
        "bool" => "Boolean",
        "sbyte" => "SByte",
        "byte" => "Byte",
        "char" => "Char",
        "short" => "Int16",
        "ushort" => "UInt16",
        "int" => "Int32",
        "uint" => "UInt32",
        "long" => "Int64",
        "ulong" => "UInt64",
        "float" => "Single",
        "double" => "Double",
        "decimal" => "Decimal",
        _ => return None,
    })
}
