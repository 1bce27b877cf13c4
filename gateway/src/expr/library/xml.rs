//! `System.Xml.Linq`: reading trees, and making new ones. A tree does not change
//! once it is made.

use std::sync::Arc;

use super::objects::Object;
use super::{Call, Entry, TypeDef};
use crate::expr::collection::Collection;
use crate::expr::eval::Vm;
use crate::expr::exception::Exception;
use crate::expr::value::Value;
use crate::expr::xml::{Attribute, Builder, Kind, MAX_NODES, Name, Node, XMLNS, parse};

const NAMESPACE: &str = "System.Xml.Linq";

/// A part of a tree, or a name.
#[derive(Clone, Debug)]
pub enum XmlValue {
    /// `XDocument`, `XElement`, `XText`, `XComment`, `XProcessingInstruction`.
    Node(XmlNode),
    /// An attribute of an element, by its number.
    Attribute(XmlNode, usize),
    /// `XName`.
    Name(XmlName),
    /// `XNamespace`.
    Namespace(Arc<str>),
}

/// A node; opaque outside.
#[derive(Clone, Debug)]
pub struct XmlNode(pub(crate) Node);
/// A name; opaque outside.
#[derive(Clone, Debug)]
pub struct XmlName(pub(crate) Name);

impl XmlValue {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Node(node) => match node.0.kind() {
                Kind::Document => "XDocument",
                Kind::Element { .. } => "XElement",
                Kind::Text(_) => "XText",
                Kind::Comment(_) => "XComment",
                Kind::Instruction { .. } => "XProcessingInstruction",
            },
            Self::Attribute(..) => "XAttribute",
            Self::Name(_) => "XName",
            Self::Namespace(_) => "XNamespace",
        }
    }

    pub(crate) fn to_text(&self, newline: &str) -> String {
        match self {
            Self::Node(node) => node.0.print(Some(newline)),
            Self::Attribute(node, at) => node.0.print_attribute(*at),
            Self::Name(name) => name.0.to_text(),
            Self::Namespace(name) => name.to_string(),
        }
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Node(a), Self::Node(b)) => a.0.same(&b.0),
            (Self::Attribute(a, x), Self::Attribute(b, y)) => x == y && a.0.same(&b.0),
            // .NET has one object for each name.
            (Self::Name(a), Self::Name(b)) => a.0 == b.0,
            (Self::Namespace(a), Self::Namespace(b)) => a == b,
            _ => false,
        }
    }

    /// Nodes that reading it may visit.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Node(node) => node.0.size(),
            _ => 1,
        }
    }

    /// What a cast to a plain type converts: the text inside.
    pub(crate) fn content(&self) -> Option<String> {
        match self {
            Self::Node(node) if node.0.is_element() => Some(node.0.text()),
            Self::Attribute(node, at) => {
                node.0.attributes().get(*at).map(|attribute| attribute.value.to_string())
            }
            _ => None,
        }
    }
}

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "SaveOptions").values(&[
        ("None", 0),
        ("DisableFormatting", 1),
        ("OmitDuplicateNamespaces", 2),
    ]),
    TypeDef::new("System.Xml", "XmlNodeType").values(&[
        ("None", 0),
        ("Element", 1),
        ("Attribute", 2),
        ("Text", 3),
        ("CDATA", 4),
        ("ProcessingInstruction", 7),
        ("Comment", 8),
        ("Document", 9),
    ]),
    TypeDef::new(NAMESPACE, "XObject").members(&[
        Entry("XElement Parent", |c| match xml(c)? {
            XmlValue::Attribute(node, _) => Ok(made(node.0)),
            XmlValue::Node(node) => {
                Ok(node.0.parent().filter(Node::is_element).map_or(Value::Null, made))
            }
            _ => Ok(Value::Null),
        }),
        Entry("XDocument Document", |c| {
            let mut at = Some(node(c)?);
            while let Some(node) = at {
                c.vm.charge(1)?;
                if matches!(node.kind(), Kind::Document) {
                    return Ok(made(node));
                }
                at = node.parent();
            }
            Ok(Value::Null)
        }),
        Entry("XmlNodeType NodeType", |c| {
            let name = match xml(c)? {
                XmlValue::Attribute(..) => "Attribute",
                XmlValue::Node(node) => match node.0.kind() {
                    Kind::Document => "Document",
                    Kind::Element { .. } => "Element",
                    Kind::Text(_) => "Text",
                    Kind::Comment(_) => "Comment",
                    Kind::Instruction { .. } => "ProcessingInstruction",
                },
                _ => "None",
            };
            Ok(super::enums::member("XmlNodeType", name))
        }),
    ]),
    TypeDef::new(NAMESPACE, "XNode").bases(&["XObject"]).members(&[
        Entry("string ToString(SaveOptions options)", |c| {
            let node = visited(c)?;
            let newline = c.vm.style.newline.text();
            let text = node.print((c.flag(0) & 1 == 0).then_some(newline));
            charge_printed(c.vm, &text)?;
            c.give(text)
        }),
        Entry("IEnumerable<XElement> Ancestors()", |c| ancestors(c, None)),
        Entry("IEnumerable<XElement> Ancestors(XName name)", |c| ancestors(c, Some(0))),
    ]),
    TypeDef::new(NAMESPACE, "XContainer").bases(&["XNode"]).members(&[
        Entry("XElement Element(XName name)", |c| {
            let name = name(c, 0)?;
            let found = elements(c, false)?;
            Ok(found.into_iter().find(|node| node.name() == Some(&name)).map_or(Value::Null, made))
        }),
        Entry("IEnumerable<XElement> Elements()", |c| elements(c, false).map(many)),
        Entry("IEnumerable<XElement> Elements(XName name)", |c| named(c, false)),
        Entry("IEnumerable<XElement> Descendants()", |c| elements(c, true).map(many)),
        Entry("IEnumerable<XElement> Descendants(XName name)", |c| named(c, true)),
        Entry("IEnumerable<XNode> Nodes()", |c| {
            let node = visited(c)?;
            Ok(many(node.children().collect()))
        }),
        Entry("IEnumerable<XNode> DescendantNodes()", |c| {
            let node = visited(c)?;
            Ok(many(node.descendants()))
        }),
        Entry("XNode FirstNode", |c| Ok(node(c)?.children().next().map_or(Value::Null, made))),
        Entry("XNode LastNode", |c| {
            let node = visited(c)?;
            Ok(node.children().last().map_or(Value::Null, made))
        }),
    ]),
    TypeDef::new(NAMESPACE, "XElement").bases(&["XContainer"]).members(&[
        Entry("static XElement Parse(string text)", |c| {
            let text = c.str(0, "text")?;
            element(read(c, &text)?)
        }),
        Entry("new(XName name, params object[] content)", |c| {
            let name = name(c, 0)?;
            let content = c.items(1, "content")?;
            let mut builder = Builder::default();
            let at = builder.add(None, Kind::Element { name, attributes: Vec::new() });
            build(c, &mut builder, at, &content, 0)?;
            Ok(made(builder.root()))
        }),
        Entry("XName Name", |c| {
            let found = node(c)?.name().cloned();
            Ok(found.map_or(Value::Null, |name| xml_value(XmlValue::Name(XmlName(name)))))
        }),
        Entry("string Value", |c| {
            let text = visited(c)?.text();
            c.give(text)
        }),
        Entry("XAttribute Attribute(XName name)", |c| {
            let (name, node) = (name(c, 0)?, node(c)?);
            Ok(node.attribute(&name).map_or(Value::Null, |at| attribute(&node, at)))
        }),
        Entry("IEnumerable<XAttribute> Attributes()", |c| {
            let node = node(c)?;
            let count = node.attributes().len();
            c.vm.items(count)?;
            Ok(Collection::lazy((0..count).map(|at| attribute(&node, at)).collect()))
        }),
        Entry("IEnumerable<XAttribute> Attributes(XName name)", |c| {
            let (name, node) = (name(c, 0)?, node(c)?);
            let found = node.attribute(&name).map(|at| attribute(&node, at));
            Ok(Collection::lazy(found.into_iter().collect()))
        }),
        Entry("bool HasElements", |c| {
            let node = visited(c)?;
            Ok(Value::Bool(node.children().any(|child| child.is_element())))
        }),
        Entry("bool HasAttributes", |c| Ok(Value::Bool(!node(c)?.attributes().is_empty()))),
        Entry("bool IsEmpty", |c| Ok(Value::Bool(node(c)?.children().next().is_none()))),
        Entry("IEnumerable<XElement> DescendantsAndSelf()", |c| {
            let mut found = vec![node(c)?];
            found.extend(elements(c, true)?);
            Ok(many(found))
        }),
        Entry("IEnumerable<XElement> DescendantsAndSelf(XName name)", |c| {
            let name = name(c, 0)?;
            let mut found = vec![node(c)?];
            found.extend(elements(c, true)?);
            found.retain(|node| node.name() == Some(&name));
            Ok(many(found))
        }),
        Entry("XNamespace GetDefaultNamespace()", |c| {
            let node = visited(c)?;
            let mut at = Some(node);
            while let Some(node) = at {
                if let Some(own) = node.attribute(&Name::new("", "xmlns")) {
                    let value = node.attributes().get(own).map(|own| Arc::clone(&own.value));
                    return Ok(xml_value(XmlValue::Namespace(value.unwrap_or_default())));
                }
                at = node.parent();
            }
            Ok(xml_value(XmlValue::Namespace("".into())))
        }),
    ]),
    TypeDef::new(NAMESPACE, "XDocument").bases(&["XContainer"]).members(&[
        Entry("static XDocument Parse(string text)", |c| {
            let text = c.str(0, "text")?;
            read(c, &text).map(made)
        }),
        Entry("new(params object[] content)", |c| {
            let content = c.items(0, "content")?;
            let mut builder = Builder::default();
            let at = builder.add(None, Kind::Document);
            build(c, &mut builder, at, &content, 0)?;
            let document = builder.root();
            let roots = document.children().filter(Node::is_element).count();
            let texts = document.children().any(|node| matches!(node.kind(), Kind::Text(_)));
            if texts || 1 < roots {
                return Err(Exception::invalid_operation(
                    "This operation would create an incorrectly structured document.",
                ));
            }
            Ok(made(document))
        }),
        Entry("XElement Root", |c| {
            let node = visited(c)?;
            Ok(node.children().find(Node::is_element).map_or(Value::Null, made))
        }),
    ]),
    TypeDef::new(NAMESPACE, "XText").bases(&["XNode"]).members(&[
        Entry("new(string value)", |c| {
            let text = c.str(0, "value")?;
            Ok(alone(Kind::Text(text)))
        }),
        Entry("string Value", |c| Ok(Value::from(node(c)?.text()))),
    ]),
    TypeDef::new(NAMESPACE, "XComment").bases(&["XNode"]).members(&[
        Entry("new(string value)", |c| {
            let text = c.str(0, "value")?;
            Ok(alone(Kind::Comment(text)))
        }),
        Entry("string Value", |c| Ok(Value::from(node(c)?.text()))),
    ]),
    TypeDef::new(NAMESPACE, "XProcessingInstruction").bases(&["XNode"]).members(&[
        Entry("string Target", |c| match node(c)?.kind() {
            Kind::Instruction { target, .. } => Ok(Value::String(Arc::clone(target))),
            _ => Ok(Value::Null),
        }),
        Entry("string Data", |c| match node(c)?.kind() {
            Kind::Instruction { data, .. } => Ok(Value::String(Arc::clone(data))),
            _ => Ok(Value::Null),
        }),
    ]),
    TypeDef::new(NAMESPACE, "XAttribute").bases(&["XObject"]).members(&[
        Entry("new(XName name, object value)", |c| {
            let name = name(c, 0)?;
            let value = plain_text(c, c.arg(1)).ok_or_else(|| Exception::argument_null("value"))?;
            let own = Attribute { name, value: value.into() };
            // It has no element yet: one without a name carries it.
            let mut builder = Builder::default();
            let holder = Kind::Element { name: Name::new("", ""), attributes: vec![own] };
            builder.add(None, holder);
            Ok(attribute(&builder.root(), 0))
        }),
        Entry("XName Name", |c| {
            let own = own_attribute(c)?;
            Ok(xml_value(XmlValue::Name(XmlName(own.name))))
        }),
        Entry("string Value", |c| Ok(Value::String(own_attribute(c)?.value))),
        Entry("bool IsNamespaceDeclaration", |c| {
            Ok(Value::Bool(own_attribute(c)?.is_declaration()))
        }),
    ]),
    TypeDef::new(NAMESPACE, "XName").members(&[
        Entry("static XName Get(string expandedName)", |c| {
            name(c, 0).map(|name| xml_value(XmlValue::Name(XmlName(name))))
        }),
        Entry("static XName Get(string localName, string namespaceName)", |c| {
            let (local, namespace) = (c.str(0, "localName")?, c.str(1, "namespaceName")?);
            in_namespace(&namespace, &local)
        }),
        Entry("string LocalName", |c| Ok(Value::String(own_name(c)?.local))),
        Entry("string NamespaceName", |c| Ok(Value::String(own_name(c)?.namespace))),
        Entry("XNamespace Namespace", |c| {
            Ok(xml_value(XmlValue::Namespace(own_name(c)?.namespace)))
        }),
    ]),
    TypeDef::new(NAMESPACE, "XNamespace").members(&[
        Entry("static XNamespace Get(string namespaceName)", |c| {
            Ok(xml_value(XmlValue::Namespace(c.str(0, "namespaceName")?)))
        }),
        Entry("static XNamespace None", |_| Ok(xml_value(XmlValue::Namespace("".into())))),
        Entry("static XNamespace Xmlns", |_| Ok(xml_value(XmlValue::Namespace(XMLNS.into())))),
        Entry("string NamespaceName", |c| match xml(c)? {
            XmlValue::Namespace(name) => Ok(Value::String(name)),
            _ => Ok(Value::Null),
        }),
        Entry("XName GetName(string localName)", |c| {
            let local = c.str(0, "localName")?;
            match xml(c)? {
                XmlValue::Namespace(namespace) => in_namespace(&namespace, &local),
                _ => Ok(Value::Null),
            }
        }),
    ]),
];

/// `namespace + "local"`.
pub(crate) fn in_namespace(namespace: &str, local: &str) -> Result<Value, Exception> {
    match Name::parse(local) {
        Some(name) if name.namespace.is_empty() => {
            Ok(xml_value(XmlValue::Name(XmlName(Name::new(namespace, &name.local)))))
        }
        _ => Err(bad_name(local)),
    }
}

/// The conversion of a text to `XName`.
pub(crate) fn name_of(text: &str) -> Result<Value, Exception> {
    match Name::parse(text) {
        Some(name) => Ok(xml_value(XmlValue::Name(XmlName(name)))),
        None => Err(bad_name(text)),
    }
}

pub(crate) fn namespace_of(text: &Arc<str>) -> Value {
    xml_value(XmlValue::Namespace(Arc::clone(text)))
}

/// A body or text as a document; an `XElement` is its root.
pub(super) fn read(c: &mut Call<'_, '_>, text: &str) -> Result<Node, Exception> {
    c.vm.charge(1 + text.len() / 16)?;
    let node = parse(text).map_err(|problem| Exception::new("System.Xml.XmlException", problem))?;
    c.vm.items(node.size())?;
    Ok(node)
}

/// The document's root as an element.
pub(super) fn element(document: Node) -> Result<Value, Exception> {
    let root = document.children().find(Node::is_element);
    root.map(made).ok_or_else(Exception::null_reference)
}

pub(super) fn made(node: Node) -> Value {
    xml_value(XmlValue::Node(XmlNode(node)))
}

fn xml_value(value: XmlValue) -> Value {
    Value::Object(Object::Xml(value))
}

fn many(nodes: Vec<Node>) -> Value {
    Collection::lazy(nodes.into_iter().map(made).collect())
}

fn attribute(node: &Node, at: usize) -> Value {
    xml_value(XmlValue::Attribute(XmlNode(node.clone()), at))
}

fn alone(kind: Kind) -> Value {
    let mut builder = Builder::default();
    builder.add(None, kind);
    made(builder.root())
}

fn bad_name(text: &str) -> Exception {
    let shown: String = text.chars().take(40).collect();
    Exception::new(
        "System.Xml.XmlException",
        format!("The name '{shown}' is not a valid XML name."),
    )
}

fn xml(c: &Call<'_, '_>) -> Result<XmlValue, Exception> {
    match &c.this {
        Value::Object(Object::Xml(value)) => Ok(value.clone()),
        _ => Err(Exception::null_reference()),
    }
}

fn node(c: &Call<'_, '_>) -> Result<Node, Exception> {
    match xml(c)? {
        XmlValue::Node(node) | XmlValue::Attribute(node, _) => Ok(node.0),
        _ => Err(Exception::null_reference()),
    }
}

/// Printing looks at each character, as reading does: more work than a copy.
pub(super) fn charge_printed(vm: &mut Vm<'_>, text: &str) -> Result<(), Exception> {
    vm.charge(text.len() / 16)
}

/// The receiver, with a walk over its tree paid for.
fn visited(c: &mut Call<'_, '_>) -> Result<Node, Exception> {
    let node = node(c)?;
    c.vm.charge(1 + node.size() / 4)?;
    Ok(node)
}

fn own_attribute(c: &Call<'_, '_>) -> Result<Attribute, Exception> {
    match xml(c)? {
        XmlValue::Attribute(node, at) => {
            node.0.attributes().get(at).cloned().ok_or_else(Exception::null_reference)
        }
        _ => Err(Exception::null_reference()),
    }
}

fn own_name(c: &Call<'_, '_>) -> Result<Name, Exception> {
    match xml(c)? {
        XmlValue::Name(name) => Ok(name.0),
        _ => Err(Exception::null_reference()),
    }
}

/// An argument that is an `XName`, or the text of one.
fn name(c: &Call<'_, '_>, index: usize) -> Result<Name, Exception> {
    match c.arg(index) {
        Value::Object(Object::Xml(XmlValue::Name(name))) => Ok(name.0.clone()),
        Value::String(text) => Name::parse(text).ok_or_else(|| bad_name(text)),
        _ => Err(Exception::argument_null("name")),
    }
}

fn elements(c: &mut Call<'_, '_>, all: bool) -> Result<Vec<Node>, Exception> {
    let node = visited(c)?;
    let mut found = if all { node.descendants() } else { node.children().collect() };
    found.retain(Node::is_element);
    c.vm.items(found.len())?;
    Ok(found)
}

fn named(c: &mut Call<'_, '_>, all: bool) -> Result<Value, Exception> {
    let name = name(c, 0)?;
    let mut found = elements(c, all)?;
    found.retain(|node| node.name() == Some(&name));
    Ok(many(found))
}

fn ancestors(c: &mut Call<'_, '_>, named: Option<usize>) -> Result<Value, Exception> {
    let wanted = named.map(|index| name(c, index)).transpose()?;
    let mut found = Vec::new();
    let mut at = visited(c)?.parent();
    while let Some(node) = at {
        at = node.parent();
        if node.is_element() && wanted.as_ref().is_none_or(|name| node.name() == Some(name)) {
            found.push(node);
        }
    }
    Ok(many(found))
}

/// A content's text; null has none.
fn plain_text(c: &Call<'_, '_>, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(b) => Some(b.to_string()),
        Value::DateTime(date) => Some(date.to_json()),
        Value::DateTimeOffset(date) => Some(date.to_json()),
        other => Some(c.vm.to_text(other)),
    }
}

/// Puts contents into an element: nodes are copied, sequences taken apart, the
/// rest is text.
fn build(
    c: &mut Call<'_, '_>,
    builder: &mut Builder,
    at: usize,
    content: &[Value],
    depth: usize,
) -> Result<(), Exception> {
    if 16 < depth {
        return Err(Exception::limit("sequences inside sequences"));
    }
    for item in content {
        c.vm.charge(1)?;
        match item {
            Value::Null => {}
            Value::Object(Object::Xml(XmlValue::Attribute(node, own))) => {
                let Some(own) = node.0.attributes().get(*own) else { continue };
                if !builder.attribute(at, own.clone()) {
                    return Err(Exception::invalid_operation("Duplicate attribute."));
                }
            }
            Value::Object(Object::Xml(XmlValue::Node(node))) => {
                let node = &node.0;
                if MAX_NODES < builder.len().saturating_add(node.size()) {
                    return Err(Exception::limit(format_args!("{MAX_NODES} nodes of XML")));
                }
                c.vm.charge(node.size())?;
                if matches!(node.kind(), Kind::Document) {
                    node.children().for_each(|child| builder.copy(at, &child));
                } else {
                    builder.copy(at, node);
                }
            }
            Value::Collection(_) => {
                let items = c.vm.enumerate(item)?;
                build(c, builder, at, &items, depth + 1)?;
            }
            other => {
                let text = plain_text(c, other).unwrap_or_default();
                c.vm.charge(text.len() / 64)?;
                if !text.is_empty() {
                    builder.add(Some(at), Kind::Text(text.into()));
                }
            }
        }
    }
    Ok(())
}
