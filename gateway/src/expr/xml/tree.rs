//! The tree: nodes in one list, a node is a place in it.

use std::sync::Arc;

/// The namespace of `xmlns` declarations.
pub(crate) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// An expanded name: `{namespace}local`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) namespace: Arc<str>,
    pub(crate) local: Arc<str>,
}

impl Name {
    pub(crate) fn new(namespace: &str, local: &str) -> Self {
        Self { namespace: namespace.into(), local: local.into() }
    }

    /// `{namespace}local` or `local`, if it is one name of XML.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (namespace, local) = match text.strip_prefix('{') {
            Some(rest) => rest.split_once('}')?,
            None => ("", text),
        };
        is_name(local).then(|| Self::new(namespace, local))
    }

    pub(crate) fn to_text(&self) -> String {
        if self.namespace.is_empty() {
            return self.local.to_string();
        }
        format!("{{{}}}{}", self.namespace, self.local)
    }
}

/// Letters, digits, `-`, `.`, `_`, not beginning with one of the first three but
/// letters: a name without a colon.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '\u{b7}'))
}

/// An attribute; declarations of namespaces are some, as in .NET.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: Name,
    pub(crate) value: Arc<str>,
}

impl Attribute {
    pub(crate) fn is_declaration(&self) -> bool {
        &*self.name.namespace == XMLNS
            || (self.name.namespace.is_empty() && &*self.name.local == "xmlns")
    }
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Document,
    Element { name: Name, attributes: Vec<Attribute> },
    Text(Arc<str>),
    Comment(Arc<str>),
    Instruction { target: Arc<str>, data: Arc<str> },
}

#[derive(Debug)]
struct Item {
    parent: Option<usize>,
    kind: Kind,
    children: Vec<usize>,
}

/// All nodes of a document or of an element that stands alone.
#[derive(Debug, Default)]
pub(crate) struct Tree(Vec<Item>);

/// A node: its tree and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    tree: Arc<Tree>,
    at: usize,
}

static NOTHING: Kind = Kind::Document;

impl Node {
    pub(crate) fn same(&self, other: &Node) -> bool {
        self.at == other.at && Arc::ptr_eq(&self.tree, &other.tree)
    }

    fn item(&self) -> Option<&Item> {
        self.tree.0.get(self.at)
    }

    fn sibling(&self, at: usize) -> Node {
        Node { tree: Arc::clone(&self.tree), at }
    }

    pub(crate) fn kind(&self) -> &Kind {
        self.item().map_or(&NOTHING, |item| &item.kind)
    }

    /// Nodes in the whole tree: what a walk may cost.
    pub(crate) fn size(&self) -> usize {
        self.tree.0.len()
    }

    pub(crate) fn parent(&self) -> Option<Node> {
        self.item().and_then(|item| item.parent).map(|at| self.sibling(at))
    }

    pub(crate) fn children(&self) -> impl Iterator<Item = Node> + '_ {
        self.item().into_iter().flat_map(|item| &item.children).map(|&at| self.sibling(at))
    }

    pub(crate) fn is_element(&self) -> bool {
        matches!(self.kind(), Kind::Element { .. })
    }

    pub(crate) fn name(&self) -> Option<&Name> {
        match self.kind() {
            Kind::Element { name, .. } => Some(name),
            _ => None,
        }
    }

    pub(crate) fn attributes(&self) -> &[Attribute] {
        match self.kind() {
            Kind::Element { attributes, .. } => attributes,
            _ => &[],
        }
    }

    pub(crate) fn attribute(&self, name: &Name) -> Option<usize> {
        self.attributes().iter().position(|attribute| attribute.name == *name)
    }

    /// Everything inside, in the order of the document; without recursion, since
    /// elements stand as deep as a text allows.
    pub(crate) fn descendants(&self) -> Vec<Node> {
        let mut found = Vec::new();
        let mut pending: Vec<Node> = self.children().collect();
        pending.reverse();
        while let Some(node) = pending.pop() {
            let at = pending.len();
            pending.extend(node.children());
            if let Some(new) = pending.get_mut(at..) {
                new.reverse();
            }
            found.push(node);
        }
        found
    }

    /// The texts inside, one after the other.
    pub(crate) fn text(&self) -> String {
        match self.kind() {
            Kind::Text(text) | Kind::Comment(text) => text.to_string(),
            _ => {
                let mut text = String::new();
                for node in self.descendants() {
                    if let Kind::Text(part) = node.kind() {
                        text.push_str(part);
                    }
                }
                text
            }
        }
    }

    /// The prefix that means a namespace here; empty for the default one.
    pub(crate) fn prefix(&self, namespace: &str) -> Option<Arc<str>> {
        let mut hidden: Vec<Arc<str>> = Vec::new();
        let mut at = Some(self.clone());
        while let Some(node) = at {
            for attribute in node.attributes().iter().filter(|own| own.is_declaration()) {
                let prefix: Arc<str> = match &*attribute.name.namespace {
                    "" => "".into(),
                    _ => Arc::clone(&attribute.name.local),
                };
                if &*attribute.value == namespace && !hidden.contains(&prefix) {
                    return Some(prefix);
                }
                hidden.push(prefix);
            }
            at = node.parent();
        }
        None
    }
}

/// Makes a tree, from the outside in.
#[derive(Debug, Default)]
pub(crate) struct Builder(Tree);

impl Builder {
    /// Adds a node at the end of its parent; the first one is the root.
    pub(crate) fn add(&mut self, parent: Option<usize>, kind: Kind) -> usize {
        let at = self.0.0.len();
        self.0.0.push(Item { parent, kind, children: Vec::new() });
        if let Some(parent) = parent.and_then(|parent| self.0.0.get_mut(parent)) {
            parent.children.push(at);
        }
        at
    }

    /// Adds a copy of a node and of all inside it.
    pub(crate) fn copy(&mut self, parent: usize, node: &Node) {
        // The copy's place by the original's.
        let mut pending = vec![(parent, node.clone())];
        while let Some((parent, node)) = pending.pop() {
            let at = self.add(Some(parent), node.kind().clone());
            let children: Vec<Node> = node.children().collect();
            pending.extend(children.into_iter().rev().map(|child| (at, child)));
        }
    }

    pub(crate) fn attribute(&mut self, at: usize, attribute: Attribute) -> bool {
        match self.0.0.get_mut(at).map(|item| &mut item.kind) {
            Some(Kind::Element { attributes, .. }) => {
                let new = attributes.iter().all(|own| own.name != attribute.name);
                attributes.push(attribute);
                new
            }
            _ => false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.0.len()
    }

    /// The finished tree's first node.
    pub(crate) fn root(self) -> Node {
        Node { tree: Arc::new(self.0), at: 0 }
    }
}
