//! The reference page of the library: what [`super::TABLES`] says, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{TABLES, TypeDef};

const INTRODUCTION: &str = "\
# Types and members of policy expressions

Generated from the gateway's own table by `gateway schema --expressions`; a test
compares them. A type or member that is not here is an error at load, with its
place. [The guide](gateway.md#expression-language) has the statements and
operators.

Each member is its C# declaration: `new` is a constructor, `this[…]` an indexer.
Members of base types and of `object` apply, too. Methods that extend sequences
are those of `Enumerable`.
";

/// The page as committed at `docs/gateway-expressions.md`.
pub(crate) fn page() -> String {
    let mut namespaces: BTreeMap<&str, BTreeMap<&str, &TypeDef>> = BTreeMap::new();
    for def in TABLES.iter().flat_map(|table| table.iter()) {
        // One without a namespace has no name that a document can write.
        if !def.namespace.is_empty() {
            namespaces.entry(def.namespace).or_default().insert(def.name, def);
        }
    }
    let mut text = INTRODUCTION.to_owned();
    // Writing to a string cannot fail.
    for (namespace, types) in namespaces {
        let _ = writeln!(text, "\n## {namespace}");
        for def in types.values() {
            describe(def, &mut text);
        }
    }
    text
}

fn describe(def: &TypeDef, text: &mut String) {
    let parameters = match def.parameters {
        [] => String::new(),
        some => format!("<{}>", some.join(", ")),
    };
    let bases: Vec<&str> = def.bases.iter().copied().filter(|base| *base != "object").collect();
    let bases = if bases.is_empty() { String::new() } else { format!(" : {}", bases.join(", ")) };
    let _ = writeln!(text, "\n### {}\n\n```csharp\n{}{parameters}{bases}", def.name, def.name);
    for (name, value) in def.values {
        let _ = writeln!(text, "    {name} = {value}");
    }
    for entry in def.members {
        let _ = writeln!(text, "    {}", entry.0);
    }
    text.push_str("```\n");
}
