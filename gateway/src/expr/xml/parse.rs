//! Text to trees. No DTDs, so no entities but the five of XML.

use super::tree::{Attribute, Builder, Kind, Name, Node, XMLNS};

/// Nodes and attributes of one text.
pub(crate) const MAX_NODES: usize = 100_000;

/// Attributes of one element: they are compared with one another.
const MAX_ATTRIBUTES: usize = 256;
/// Elements inside one another.
const MAX_DEPTH: usize = 256;
/// Namespaces that one element knows.
const MAX_NAMESPACES: usize = 64;

/// Reads a document. White space between elements goes, as `Parse` of .NET does
/// by default.
pub(crate) fn parse(text: &str) -> Result<Node, String> {
    // Before the parser, which compares attributes pairwise.
    let (most, depth) = measure(text);
    if MAX_ATTRIBUTES < most {
        return Err(format!("more than {MAX_ATTRIBUTES} attributes in one element"));
    }
    if MAX_DEPTH < depth {
        return Err(format!("elements more than {MAX_DEPTH} deep"));
    }
    let options = roxmltree::ParsingOptions {
        allow_dtd: false,
        nodes_limit: u32::try_from(MAX_NODES).unwrap_or(u32::MAX),
        ..roxmltree::ParsingOptions::default()
    };
    let document = roxmltree::Document::parse_with_options(text, options)
        .map_err(|error| error.to_string())?;
    let mut builder = Builder::default();
    let root = builder.add(None, Kind::Document);
    let mut pending: Vec<(usize, roxmltree::Node<'_, '_>)> =
        document.root().children().rev().map(|child| (root, child)).collect();
    while let Some((parent, node)) = pending.pop() {
        if MAX_NAMESPACES < node.namespaces().len() {
            return Err(format!("more than {MAX_NAMESPACES} namespaces"));
        }
        let kind = match node.node_type() {
            roxmltree::NodeType::Element => {
                Kind::Element { name: name_of(node.tag_name()), attributes: attributes(node) }
            }
            roxmltree::NodeType::Text => {
                let text = node.text().unwrap_or_default();
                let blank = text.chars().all(char::is_whitespace);
                if blank && (node.prev_sibling().is_some() || node.next_sibling().is_some()) {
                    continue;
                }
                Kind::Text(text.into())
            }
            roxmltree::NodeType::Comment => Kind::Comment(node.text().unwrap_or_default().into()),
            roxmltree::NodeType::PI => match node.pi() {
                Some(pi) => Kind::Instruction {
                    target: pi.target.into(),
                    data: pi.value.unwrap_or_default().into(),
                },
                None => continue,
            },
            roxmltree::NodeType::Root => continue,
        };
        let at = builder.add(Some(parent), kind);
        pending.extend(node.children().rev().map(|child| (at, child)));
    }
    Ok(builder.root())
}

/// The most equal signs in one tag, outside quotes, and the greatest depth.
fn measure(text: &str) -> (usize, usize) {
    let (mut most, mut depth, mut deepest) = (0, 0_usize, 0);
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let close = match () {
            () if rest.starts_with("!--") => "-->",
            () if rest.starts_with("![CDATA[") => "]]>",
            () if rest.starts_with('?') => "?>",
            () => "",
        };
        if !close.is_empty() {
            let end = rest.find(close).map_or(rest.len(), |end| end + close.len());
            rest = rest.get(end..).unwrap_or_default();
            continue;
        }
        let (mut count, mut quote, mut end) = (0, None, rest.len());
        for (at, byte) in rest.bytes().enumerate() {
            match (quote, byte) {
                (Some(open), close) if open == close => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => count += 1,
                (None, b'>') => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        most = most.max(count);
        if rest.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !rest.get(..end).is_some_and(|tag| tag.ends_with('/')) {
            depth += 1;
            deepest = deepest.max(depth);
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    (most, deepest)
}

fn name_of(name: roxmltree::ExpandedName<'_, '_>) -> Name {
    Name::new(name.namespace().unwrap_or_default(), name.name())
}

/// Declarations first, since the parser keeps them apart.
fn attributes(node: roxmltree::Node<'_, '_>) -> Vec<Attribute> {
    let inherited = |own: &roxmltree::Namespace<'_>| {
        node.parent_element().is_some_and(|parent| {
            parent.namespaces().any(|other| other.name() == own.name() && other.uri() == own.uri())
        })
    };
    let declarations = node
        .namespaces()
        .filter(|own| own.name() != Some("xml") && !inherited(own))
        .map(|own| Attribute {
            name: match own.name() {
                Some(prefix) => Name::new(XMLNS, prefix),
                None => Name::new("", "xmlns"),
            },
            value: own.uri().into(),
        });
    let written = node.attributes().map(|own| Attribute {
        name: Name::new(own.namespace().unwrap_or_default(), own.name()),
        value: own.value().into(),
    });
    declarations.chain(written).collect()
}
