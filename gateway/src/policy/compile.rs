//! From tree to steps: checks what every policy shares (names, sections,
//! attributes, content), and calls each policy's own compile function.
//!
//! All problems of a document are collected; a policy that has one compiles to
//! nothing, and its neighbours are still checked.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use seam::diagnostic::Diagnostic;

use super::document::{PolicyDocument, PolicyValue, Step, StepInfo};
use super::lint::Facts;
use super::load::{Document, Library};
use super::spec::{AttributeSpec, ContentSpec, ElementSpec, Expressions, Presence, Section};
use super::tree::{Content, DocumentText, Element, Text};
use crate::config::settings::{FragmentNesting, LiteralValues, UndocumentedSections};
use crate::expr;
use crate::policies;

/// Fragments multiply: one document may compile to this many policies.
const MAX_POLICIES: usize = 20_000;

/// Policies and their parts may nest this deep, through fragments too.
const MAX_NESTING: usize = 64;

/// The state of compiling one document.
pub(crate) struct Compiler<'l> {
    library: &'l Library,
    /// The text the present element belongs to: a fragment's inside it.
    document: Arc<DocumentText>,
    /// `None` when a fragment is checked by itself: any section will do.
    section: Option<Section>,
    fragments: Vec<String>,
    levels: Vec<Level>,
    open_policies: Vec<&'static str>,
    policies: usize,
    /// Where policies that a document may hold once stand.
    singles: BTreeMap<&'static str, (Arc<DocumentText>, Range<usize>)>,
    diagnostics: &'l mut Vec<Diagnostic>,
    facts: &'l mut Facts,
    included: &'l mut BTreeSet<String>,
}

/// Numbers siblings of one name, as paths show them.
#[derive(Default)]
struct Level {
    prefix: String,
    counts: BTreeMap<String, usize>,
}

/// What compiling leaves behind, over all documents.
#[derive(Default)]
pub(crate) struct Findings {
    /// Problems.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What the lint rules look at.
    pub(crate) facts: Facts,
    /// Fragments some document includes.
    pub(crate) included: BTreeSet<String>,
}

/// An element whose attributes were checked against its table.
pub(crate) struct Node<'a> {
    /// The element.
    pub(crate) element: &'a Element,
    values: Vec<(&'static str, PolicyValue)>,
    complete: bool,
}

impl Node<'_> {
    /// A checked attribute, if it is there and sound.
    pub(crate) fn value(&self, name: &str) -> Option<PolicyValue> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// A literal attribute.
    pub(crate) fn literal(&self, name: &str) -> Option<String> {
        self.value(name)?.literal().map(str::to_owned)
    }

    /// A literal boolean attribute, `false` when absent.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.literal(name).map(|text| text.trim().eq_ignore_ascii_case("true"))
    }

    /// `None` when an attribute or the content had a problem: the policy is
    /// not to be built.
    pub(crate) fn complete(&self) -> Option<()> {
        self.complete.then_some(())
    }

    /// Where an attribute's value stands, else the element's name.
    pub(crate) fn span(&self, attribute: &str) -> Range<usize> {
        self.element
            .attribute(attribute)
            .map_or(self.element.name_span.clone(), |found| found.value.span.clone())
    }
}

/// Compiles a document's `<policies>`.
pub(crate) fn compile_document(
    document: &Document,
    library: &Library,
    findings: &mut Findings,
) -> PolicyDocument {
    let mut compiled = PolicyDocument::default();
    let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    let mut compiler = Compiler::new(document, library, findings);
    for text in document.root.texts() {
        compiler.text_ignored(text);
    }
    for element in document.root.elements() {
        let span = element.name_span.clone();
        let Some(section) = Section::from_name(&element.name) else {
            let names = Section::ALL.map(Section::name);
            let mut problem = compiler
                .error(span, format!("unknown section `{}`", element.name))
                .about("section")
                .did_you_mean(&element.name, names);
            if policies::find(&element.name).is_some() {
                problem = problem.help("policies stand inside a section, not beside it");
            }
            compiler.diagnostics.push(problem.help(format!("sections are {}", names.join(", "))));
            continue;
        };
        if let Some(first) = seen.insert(section.name(), span.clone()) {
            let first = compiler.document.map.to_source(first);
            let problem = compiler
                .error(span, format!("section `{section}` is given twice"))
                .also(first, "first here");
            compiler.diagnostics.push(problem);
            continue;
        }
        for attribute in &element.attributes {
            let message = format!("a section has no attribute `{}`", attribute.name);
            let problem = compiler.error(attribute.name_span.clone(), message);
            compiler.diagnostics.push(problem);
        }
        compiler.section = Some(section);
        compiler.facts.section();
        compiler.levels = vec![Level::default()];
        compiled.set_section(section, compiler.sequence(element, None));
    }
    compiler.facts.end_document();
    compiled
}

/// Checks a fragment no document includes.
pub(crate) fn check_fragment(
    id: &str,
    document: &Document,
    library: &Library,
    findings: &mut Findings,
) {
    let mut compiler = Compiler::new(document, library, findings);
    compiler.fragments.push(id.to_owned());
    compiler.sequence(&document.root, None);
}

impl<'l> Compiler<'l> {
    fn new(document: &Document, library: &'l Library, findings: &'l mut Findings) -> Self {
        findings.facts.start_document();
        Self {
            library,
            document: Arc::clone(&document.text),
            section: None,
            fragments: Vec::new(),
            levels: vec![Level::default()],
            open_policies: Vec::new(),
            policies: 0,
            singles: BTreeMap::new(),
            diagnostics: &mut findings.diagnostics,
            facts: &mut findings.facts,
            included: &mut findings.included,
        }
    }

    /// An error in the present document.
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        self.document.error(span, message)
    }

    /// A warning in the present document.
    pub(crate) fn warning(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        self.document.warning(span, message)
    }

    /// Reports that the present policy stands in a section its reference page
    /// does not name, though the platform takes it (W015).
    pub(crate) fn undocumented(&mut self, span: Range<usize>, message: &str, help: &str) {
        let problem = match self.library.settings.undocumented_sections {
            UndocumentedSections::Warned => self.warning(span, message),
            UndocumentedSections::Refused => self.error(span, message),
        };
        self.report(problem.code("W015").help(help));
    }

    /// Reports a problem.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Whether the present policy stands inside a policy of this name.
    pub(crate) fn inside(&self, policy: &str) -> bool {
        self.open_policies.contains(&policy)
    }

    /// The section of the present policy; `None` in a fragment checked alone.
    pub(crate) fn section(&self) -> Option<Section> {
        self.section
    }

    /// Checks that the present policy stands in its document only once.
    pub(crate) fn once(&mut self, policy: &'static str, span: Range<usize>) {
        let document = Arc::clone(&self.document);
        let Some((there, first)) = self.singles.get(policy) else {
            self.singles.insert(policy, (document, span));
            return;
        };
        let mut problem = self.error(span, format!("`{policy}` can stand only once in a document"));
        if Arc::ptr_eq(there, &document) {
            problem = problem.also(document.map.to_source(first.clone()), "first here");
        }
        self.report(problem);
    }

    /// What literals may name.
    pub(crate) fn library(&self) -> &Library {
        self.library
    }

    /// Remembers what lint rules look at.
    pub(crate) fn facts(&mut self) -> &mut Facts {
        self.facts
    }

    /// The document the present element stands in.
    pub(crate) fn document(&self) -> Arc<DocumentText> {
        Arc::clone(&self.document)
    }

    /// Compiles the policies inside an element: any, or those of a subset.
    pub(crate) fn sequence(&mut self, parent: &Element, only: Option<&[&str]>) -> Vec<Step> {
        let mut steps = Vec::new();
        for text in parent.texts() {
            self.text_ignored(text);
        }
        for element in parent.elements() {
            steps.extend(self.policy(parent, element, only));
        }
        steps
    }

    /// Compiles one policy inside a policy that takes only these names.
    pub(crate) fn child(
        &mut self,
        parent: &Element,
        element: &Element,
        names: &[&str],
    ) -> Option<Step> {
        self.policy(parent, element, Some(names))
    }

    /// Compiles the policies of a part (`when`) under its own path.
    pub(crate) fn part(&mut self, part: &Element) -> Vec<Step> {
        self.enter(&part.name);
        self.facts.enter(&part.name);
        let steps = self.sequence(part, None);
        self.facts.leave();
        self.levels.pop();
        steps
    }

    /// Compiles a fragment's policies in place of the present policy.
    pub(crate) fn fragment(&mut self, id: &str, span: Range<usize>) -> Option<Vec<Step>> {
        let library = self.library;
        if let Some(outer) = self.fragments.last()
            && library.settings.fragment_nesting == FragmentNesting::Refused
        {
            let message = format!("fragment `{outer}` includes fragment `{id}`");
            let problem = self
                .error(span, message)
                .help("`fragment_nesting = \"refused\"` is set: put its policies here");
            self.report(problem);
            return None;
        }
        if self.fragments.iter().any(|open| open == id) {
            let chain = [self.fragments.as_slice(), &[id.to_owned()]].concat().join("` → `");
            self.report(
                self.error(span, format!("fragment `{id}` includes itself"))
                    .label(format!("`{chain}`")),
            );
            return None;
        }
        self.included.insert(id.to_owned());
        let Some(fragment) = library.fragments.get(id) else {
            let problem = self
                .error(span, format!("unknown fragment `{id}`"))
                .did_you_mean(id, library.fragments.keys().map(String::as_str))
                .help("define it in the gateway's configuration: `[[fragments]]` with `id` and `file`");
            self.report(problem);
            return None;
        };
        // A fragment that did not scan was reported with its own file.
        let fragment = fragment.as_ref()?;
        let outer = std::mem::replace(&mut self.document, Arc::clone(&fragment.text));
        let own_level = self.levels.pop();
        self.fragments.push(id.to_owned());
        let steps = self.sequence(&fragment.root, None);
        self.fragments.pop();
        self.levels.extend(own_level);
        self.document = outer;
        Some(steps)
    }

    fn policy(
        &mut self,
        parent: &Element,
        element: &Element,
        only: Option<&[&str]>,
    ) -> Option<Step> {
        let name = element.name.as_str();
        let span = element.name_span.clone();
        if let Some(only) = only
            && !only.contains(&name)
        {
            let problem = self
                .error(span, format!("`{name}` cannot stand inside `{}`", parent.name))
                .about("policy")
                .did_you_mean(name, only.iter().copied())
                .help(format!("it takes {}", only.join(", ")));
            self.report(problem);
            return None;
        }
        let Some(spec) = policies::find(name) else {
            let mut problem = self
                .error(span, format!("unknown policy `{name}`"))
                .about("policy")
                .did_you_mean(name, policies::names());
            if Section::from_name(name).is_some() {
                problem = problem.help("sections stand directly inside `<policies>`");
            }
            self.report(problem);
            return None;
        };
        if MAX_NESTING < self.levels.len() {
            let message = format!("policies nest deeper than {MAX_NESTING}");
            self.report(self.error(span, message));
            return None;
        }
        self.policies += 1;
        if MAX_POLICIES < self.policies {
            if self.policies == MAX_POLICIES + 1 {
                let message = format!("the document has more than {MAX_POLICIES} policies");
                self.report(
                    self.error(span, message).help("do fragments include each other many times?"),
                );
            }
            return None;
        }
        if let Some(section) = self.section
            && only.is_none()
            && !spec.sections.contains(&section)
        {
            let allowed: Vec<&str> = spec.sections.iter().map(|section| section.name()).collect();
            let problem = self
                .error(span, format!("policy `{name}` is not allowed in section `{section}`"))
                .about("section")
                .help(format!("it may stand in {}", allowed.join(", ")));
            self.report(problem);
        }
        let path = self.enter(name);
        self.open_policies.push(spec.element.name);
        self.facts.enter(name);
        let node = self.node(element, &spec.element, true);
        let policy = (spec.compile)(&node, self);
        self.facts.leave();
        self.open_policies.pop();
        self.levels.pop();
        let id = element.attribute("id").map(|attribute| match &attribute.value.content {
            Content::Literal(id) => id.clone(),
            Content::Expression(mapped) => mapped.text.clone(),
        });
        let info = StepInfo { policy: spec.element.name, id: id.unwrap_or_default(), path };
        Some(Step { info: Arc::new(info), policy: policy? })
    }

    /// Opens a level of the path; the path so far.
    fn enter(&mut self, name: &str) -> String {
        let path = match self.levels.last_mut() {
            Some(level) => {
                let count = level.counts.entry(name.to_owned()).or_default();
                *count += 1;
                format!("{}{name}[{count}]", level.prefix)
            }
            None => name.to_owned(),
        };
        self.levels.push(Level { prefix: format!("{path}/"), counts: BTreeMap::new() });
        path
    }

    /// Checks an element's attributes and content against its table.
    pub(crate) fn node<'a>(
        &mut self,
        element: &'a Element,
        spec: &ElementSpec,
        is_policy: bool,
    ) -> Node<'a> {
        let before = self.diagnostics.len();
        let mut values = Vec::new();
        for attribute in &element.attributes {
            let name = attribute.name.as_str();
            match spec.attributes.iter().find(|known| known.name == name) {
                Some(known) => {
                    if let Some(value) = self.attribute(known, &attribute.value) {
                        values.push((known.name, value));
                    }
                }
                None if is_policy && name == "id" => {}
                None => {
                    let known = spec.attributes.iter().map(|known| known.name);
                    let mut problem = self
                        .error(
                            attribute.name_span.clone(),
                            format!("`{}` has no attribute `{name}`", spec.name),
                        )
                        .about("attribute")
                        .did_you_mean(name, known.clone());
                    if !spec.attributes.is_empty() {
                        let all: Vec<&str> = known.collect();
                        problem = problem.help(format!("it takes {}", all.join(", ")));
                    }
                    self.report(problem);
                }
            }
        }
        for known in spec.attributes {
            if known.presence == Presence::Required && element.attribute(known.name).is_none() {
                let message = format!("`{}` needs the attribute `{}`", spec.name, known.name);
                let problem = self.error(element.name_span.clone(), message);
                self.report(problem.about("attribute").help(format!("expected {}", known.form)));
            }
        }
        self.content(element, spec);
        let errors = self.diagnostics[before..]
            .iter()
            .any(|problem| problem.severity() == seam::diagnostic::Severity::Error);
        Node { element, values, complete: !errors }
    }

    fn content(&mut self, element: &Element, spec: &ElementSpec) {
        let parts: &[&ElementSpec] = match spec.content {
            ContentSpec::Policies | ContentSpec::Body => return,
            ContentSpec::Parts(parts) => parts,
            ContentSpec::Empty | ContentSpec::Value => &[],
        };
        for child in element.elements() {
            if parts.iter().any(|part| part.name == child.name) {
                continue;
            }
            let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
            let mut problem = self
                .error(
                    child.name_span.clone(),
                    format!("`{}` cannot stand inside `{}`", child.name, spec.name),
                )
                .about("element")
                .did_you_mean(&child.name, names.iter().copied());
            problem = match names.as_slice() {
                [] => problem.help(format!("`{}` holds no elements", spec.name)),
                names => problem.help(format!("it takes {}", names.join(", "))),
            };
            self.report(problem);
        }
        if !matches!(spec.content, ContentSpec::Value) {
            for text in element.texts() {
                self.text_ignored(text);
            }
        }
    }

    fn text_ignored(&mut self, text: &Text) {
        let span = text.span.clone();
        let raw = self.document.text.get(span.clone()).unwrap_or_default();
        let start = span.start + raw.len() - raw.trim_start().len();
        let problem = self
            .warning(start..start + raw.trim().len(), "this text is ignored")
            .help("comments are written `<!-- … -->`");
        self.report(problem);
    }

    fn attribute(&mut self, spec: &AttributeSpec, text: &Text) -> Option<PolicyValue> {
        match &text.content {
            Content::Expression(_) if spec.expressions == Expressions::Refused => {
                let message = format!("attribute `{}` takes no expression", spec.name);
                let problem = self.error(text.span.clone(), message);
                self.report(problem.about("attribute").help(format!("expected {}", spec.form)));
                None
            }
            Content::Literal(literal) => {
                if let Some(expected) = spec.form.refuses(literal) {
                    let message = format!("`{}` is no value for `{}`", literal.trim(), spec.name);
                    let problem = self.error(text.span.clone(), message);
                    self.report(problem.about("attribute").help(expected));
                    return None;
                }
                Some(PolicyValue::Literal(literal.as_str().into()))
            }
            Content::Expression(_) => self.value(text),
        }
    }

    /// Compiles a literal or expression.
    pub(crate) fn value(&mut self, text: &Text) -> Option<PolicyValue> {
        let mapped = match &text.content {
            Content::Literal(literal) => {
                return Some(PolicyValue::Literal(literal.as_str().into()));
            }
            Content::Expression(mapped) => mapped,
        };
        let document = Arc::clone(&self.document);
        self.facts.expression(&document, mapped, self.section);
        match expr::compile_with(&mapped.text, self.library.expressions) {
            Ok(expression) => {
                for doubt in expression.warnings() {
                    let span = mapped.map.to_source(doubt.span.clone());
                    let mut diagnostic = self.warning(span, &doubt.message).code("W003");
                    if let Some(help) = &doubt.help {
                        diagnostic = diagnostic.help(help);
                    }
                    self.report(diagnostic);
                }
                Some(PolicyValue::Expression(Arc::new(expression)))
            }
            Err(problems) => {
                for problem in problems {
                    let span = mapped.map.to_source(problem.span);
                    let mut diagnostic = self.error(span, problem.message);
                    diagnostic = diagnostic.about(problem.subject.unwrap_or("expression"));
                    if let Some(help) = problem.help {
                        diagnostic = diagnostic.help(help);
                    }
                    self.report(diagnostic);
                }
                None
            }
        }
    }

    /// The text of an element that holds a literal or an expression: trimmed,
    /// an empty literal when there is none.
    pub(crate) fn element_value(&mut self, element: &Element) -> Option<PolicyValue> {
        Some(match self.element_text_as_written(element)? {
            PolicyValue::Literal(literal) => PolicyValue::Literal(literal.trim().into()),
            expression => expression,
        })
    }

    /// The same for what is sent or logged as it is: its white space may be
    /// meant, and a setting says whether it is.
    pub(crate) fn element_text(&mut self, element: &Element) -> Option<PolicyValue> {
        match self.library.settings.literal_values {
            LiteralValues::Trimmed => self.element_value(element),
            LiteralValues::Kept => self.element_text_as_written(element),
        }
    }

    fn element_text_as_written(&mut self, element: &Element) -> Option<PolicyValue> {
        match element.texts().next() {
            None => Some(PolicyValue::Literal("".into())),
            Some(text) => self.value(text),
        }
    }
}
