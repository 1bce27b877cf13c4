//! Trees to text, as `ToString` of .NET writes them: indented by two blanks, but
//! not inside elements that hold text.

use super::tree::{Attribute, Kind, Name, Node};

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// What is still to be written.
enum Task {
    Node(Node, usize, bool),
    End(String, usize, bool),
}

impl Node {
    /// `ToString()`, or `ToString(SaveOptions.DisableFormatting)` without a line end.
    pub(crate) fn print(&self, newline: Option<&str>) -> String {
        let mut text = String::new();
        let mut tasks = vec![Task::Node(self.clone(), 0, newline.is_some())];
        // Without recursion: elements stand as deep as a text allows.
        while let Some(task) = tasks.pop() {
            match task {
                Task::Node(node, level, indented) => {
                    write(
                        &node,
                        level,
                        indented.then_some(newline).flatten(),
                        &mut text,
                        &mut tasks,
                    );
                }
                Task::End(tag, level, indented) => {
                    if let (Some(newline), true) = (newline, indented) {
                        line(newline, level, &mut text);
                    }
                    text.push_str(&tag);
                }
            }
        }
        text
    }
}

fn line(newline: &str, level: usize, text: &mut String) {
    if !text.is_empty() {
        text.push_str(newline);
        text.extend(std::iter::repeat_n("  ", level));
    }
}

fn write(
    node: &Node,
    level: usize,
    newline: Option<&str>,
    text: &mut String,
    tasks: &mut Vec<Task>,
) {
    if let Some(newline) = newline.filter(|_| !matches!(node.kind(), Kind::Document)) {
        line(newline, level, text);
    }
    match node.kind() {
        Kind::Document => {
            let children: Vec<Node> = node.children().collect();
            let indented = newline.is_some();
            tasks
                .extend(children.into_iter().rev().map(|child| Task::Node(child, level, indented)));
        }
        Kind::Text(content) => escape(content, false, text),
        Kind::Comment(content) => text.push_str(&format!("<!--{content}-->")),
        Kind::Instruction { target, data } => {
            let blank = if data.is_empty() { "" } else { " " };
            text.push_str(&format!("<?{target}{blank}{data}?>"));
        }
        Kind::Element { name, attributes } => {
            let (tag, declared) = tag(node, name);
            text.push('<');
            text.push_str(&tag);
            for own in attributes {
                attribute(node, own, text);
            }
            if let Some(namespace) = declared {
                text.push_str(" xmlns=\"");
                escape(&namespace, true, text);
                text.push('"');
            }
            let children: Vec<Node> = node.children().collect();
            if children.is_empty() {
                text.push_str(" />");
                return;
            }
            text.push('>');
            let mixed = children.iter().any(|child| matches!(child.kind(), Kind::Text(_)));
            let indented = newline.is_some() && !mixed;
            tasks.push(Task::End(format!("</{tag}>"), level, indented));
            tasks.extend(
                children.into_iter().rev().map(|child| Task::Node(child, level + 1, indented)),
            );
        }
    }
}

/// The name with its prefix, and a namespace nothing declares yet.
fn tag(node: &Node, name: &Name) -> (String, Option<String>) {
    if name.namespace.is_empty() {
        return (name.local.to_string(), None);
    }
    match node.prefix(&name.namespace) {
        Some(prefix) if prefix.is_empty() => (name.local.to_string(), None),
        Some(prefix) => (format!("{prefix}:{}", name.local), None),
        None => {
            let inherited = node.parent().and_then(|parent| parent.name().cloned());
            // The parent was written with the same default namespace.
            let known = inherited.is_some_and(|parent| parent.namespace == name.namespace);
            (name.local.to_string(), (!known).then(|| name.namespace.to_string()))
        }
    }
}

/// One attribute with a blank before it.
fn attribute(node: &Node, own: &Attribute, text: &mut String) {
    text.push(' ');
    text.push_str(&attribute_text(node, own));
}

/// `name="value"`.
pub(super) fn attribute_text(node: &Node, own: &Attribute) -> String {
    let mut text = String::new();
    match &*own.name.namespace {
        "" => {}
        super::XMLNS => text.push_str("xmlns:"),
        XML => text.push_str("xml:"),
        namespace => {
            if let Some(prefix) = node.prefix(namespace).filter(|prefix| !prefix.is_empty()) {
                text.push_str(&prefix);
                text.push(':');
            }
        }
    }
    text.push_str(&own.name.local);
    text.push_str("=\"");
    escape(&own.value, true, &mut text);
    text.push('"');
    text
}

impl Node {
    /// An attribute as `ToString` writes it.
    pub(crate) fn print_attribute(&self, at: usize) -> String {
        self.attributes().get(at).map_or_else(String::new, |own| attribute_text(self, own))
    }
}

fn escape(value: &str, quoted: bool, text: &mut String) {
    // Whole runs at once: most texts have nothing to escape, and some are long.
    let mut rest = value;
    let special = |byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\r' | b'\n' | b'\t');
    while let Some(at) = rest.bytes().position(special) {
        let (plain, from) = rest.split_at(at);
        let (special, after) = from.split_at(1);
        text.push_str(plain);
        text.push_str(match special {
            "<" => "&lt;",
            ">" => "&gt;",
            "&" => "&amp;",
            "\"" if quoted => "&quot;",
            "\r" => "&#xD;",
            "\n" if quoted => "&#xA;",
            "\t" if quoted => "&#x9;",
            other => other,
        });
        rest = after;
    }
    text.push_str(rest);
}
