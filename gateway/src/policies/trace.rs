//! `<trace>`: a message for whoever reads the journal or a trace.

use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};
use crate::telemetry::records::{MessageRecord, cut};

const SEVERITIES: &[&str] = &["verbose", "information", "error"];

/// The longest message, and the longest value of its metadata, that is kept.
const MAX_MESSAGE: usize = 32 * 1024;

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "trace",
        attributes: &[
            required("source", Form::Name).literal(),
            optional("severity", Form::OneOf(SEVERITIES)).literal(),
        ],
        content: ContentSpec::Parts(&[&MESSAGE, &METADATA]),
    },
    sections: ANY_SECTION,
    compile,
};

static MESSAGE: ElementSpec =
    ElementSpec { name: "message", attributes: &[], content: ContentSpec::Value };

static METADATA: ElementSpec = ElementSpec {
    name: "metadata",
    attributes: &[required("name", Form::Name).literal(), required("value", Form::Text)],
    content: ContentSpec::Empty,
};

struct Trace {
    source: String,
    severity: String,
    message: PolicyValue,
    metadata: Vec<(String, PolicyValue)>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let mut message = None;
    let mut metadata = Vec::new();
    let mut sound = node.complete();
    for part in node.element.elements() {
        if part.name == MESSAGE.name {
            compiler.node(part, &MESSAGE, false).complete()?;
            let value = compiler.element_text(part)?;
            if message.replace(value).is_some() {
                let problem =
                    compiler.error(part.name_span.clone(), "`trace` has a second `message`");
                compiler.report(problem);
                sound = None;
            }
        } else if part.name == METADATA.name {
            let part = compiler.node(part, &METADATA, false);
            match (part.complete(), part.literal("name"), part.value("value")) {
                (Some(()), Some(name), Some(value)) => metadata.push((name, value)),
                _ => sound = None,
            }
        }
    }
    if message.is_none() && sound.is_some() {
        let problem = compiler
            .error(node.element.name_span.clone(), "`trace` needs a `message`")
            .help("write `<message>…</message>`");
        compiler.report(problem);
    }
    if compiler.section() == Some(Section::OnError) {
        compiler.undocumented(
            node.element.name_span.clone(),
            "`trace` is not documented for on-error",
            "this gateway runs it there; the platform's reference names inbound, backend and outbound",
        );
    }
    sound?;
    Some(Box::new(Trace {
        source: node.literal("source")?,
        severity: node
            .literal("severity")
            .map_or("verbose".to_owned(), |own| own.trim().to_owned()),
        message: message?,
        metadata,
    }))
}

impl Trace {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let message = cut(exchange.text(&self.message).await?, MAX_MESSAGE);
        let mut metadata = IndexMap::new();
        for (name, value) in &self.metadata {
            metadata.insert(name.clone(), cut(exchange.text(value).await?, MAX_MESSAGE));
        }
        tracing::debug!(source = self.source, severity = self.severity, message, "trace");
        let (source, severity) = (self.source.clone(), self.severity.clone());
        exchange.recorder.message(MessageRecord { source, severity, message, metadata });
        Ok(Flow::Next)
    }
}

impl Policy for Trace {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
