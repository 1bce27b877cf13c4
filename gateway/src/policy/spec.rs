//! What a policy element may look like: the tables loader, lint and reference
//! read. Each module of `crate::policies` holds one [`PolicySpec`].

use std::fmt;

use super::compile::{Compiler, Node};
use crate::pipeline::exchange::Policy;

/// The four sections of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// Before the backend is called.
    Inbound,
    /// The call.
    Backend,
    /// After it.
    Outbound,
    /// Instead, when something failed.
    OnError,
}

impl Section {
    /// All four, in the order of a document.
    pub(crate) const ALL: [Self; 4] = [Self::Inbound, Self::Backend, Self::Outbound, Self::OnError];

    /// The element's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Backend => "backend",
            Self::Outbound => "outbound",
            Self::OnError => "on-error",
        }
    }

    /// The section of this element name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Anywhere.
pub(crate) const ANY_SECTION: &[Section] = &Section::ALL;

/// One policy element: how it is written and how it is compiled.
pub(crate) struct PolicySpec {
    /// Name, attributes, content.
    pub(crate) element: ElementSpec,
    /// Where the platform accepts it.
    pub(crate) sections: &'static [Section],
    /// From XML to something that runs. `None` after a diagnostic.
    pub(crate) compile: fn(&Node<'_>, &mut Compiler<'_>) -> Option<Box<dyn Policy>>,
}

/// An element: a policy, or a part of one (`when`, `value`).
pub(crate) struct ElementSpec {
    /// Its name.
    pub(crate) name: &'static str,
    /// The attributes it takes; `id` is always allowed on a policy.
    pub(crate) attributes: &'static [AttributeSpec],
    /// What may stand inside.
    pub(crate) content: ContentSpec,
}

/// What may stand inside an element.
#[derive(Clone, Copy)]
pub(crate) enum ContentSpec {
    /// Nothing.
    Empty,
    /// Any policies.
    Policies,
    /// These parts, each by its own table.
    Parts(&'static [&'static ElementSpec]),
    /// A literal or an expression.
    Value,
    /// A literal (which may be markup itself) or an expression.
    Body,
}

/// Whether something must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// An error without it.
    Required,
    /// Has a default.
    Optional,
}

/// Whether an attribute may hold an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expressions {
    /// `@( … )` is evaluated at run time.
    Allowed,
    /// Only a literal, checked at load.
    Refused,
}

/// The longest time an attribute may give, in seconds: 136 years. Literals and
/// expressions have the same bound.
pub(crate) const MAX_SECONDS: i64 = u32::MAX as i64;

/// What a literal must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Anything.
    Text,
    /// At least one character.
    Name,
    /// A whole number in a range.
    Integer(i64, i64),
    /// A number, with a decimal point perhaps.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttributeSpec {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether it must be there.
    pub(crate) presence: Presence,
    /// Whether it may hold an expression.
    pub(crate) expressions: Expressions,
    /// What a literal must look like.
    pub(crate) form: Form,
}

/// A required attribute that may hold an expression.
pub(crate) const fn required(name: &'static str, form: Form) -> AttributeSpec {
    AttributeSpec { name, presence: Presence::Required, expressions: Expressions::Allowed, form }
}

/// An optional attribute that may hold an expression.
pub(crate) const fn optional(name: &'static str, form: Form) -> AttributeSpec {
    AttributeSpec { name, presence: Presence::Optional, expressions: Expressions::Allowed, form }
}

impl AttributeSpec {
    /// The same, but for literals only.
    pub(crate) const fn literal(self) -> Self {
        Self { expressions: Expressions::Refused, ..self }
    }
}

impl Form {
    /// Why a literal does not fit, as "expected …".
    pub(crate) fn refuses(self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        let fits = match self {
            Self::Text => true,
            Self::Name => !trimmed.is_empty(),
            Self::Integer(low, high) => trimmed.parse::<i64>().is_ok_and(|n| low <= n && n <= high),
            Self::Number => trimmed.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Boolean => {
                trimmed.eq_ignore_ascii_case("true") || trimmed.eq_ignore_ascii_case("false")
            }
            Self::OneOf(words) => words.contains(&trimmed),
        };
        (!fits).then(|| format!("expected {self}"))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Name => f.write_str("a name"),
            Self::Integer(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Number => f.write_str("a number"),
            Self::Boolean => f.write_str("`true` or `false`"),
            Self::OneOf(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                write!(f, "one of {}", quoted.join(", "))
            }
        }
    }
}
