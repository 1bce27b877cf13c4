//! `<include-fragment fragment-id="…" />`: a fragment's policies, at this place.

use futures_util::future::BoxFuture;

use crate::pipeline::exchange::{Exchange, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::Step;
use crate::policy::spec::{ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, required};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "include-fragment",
        attributes: &[required("fragment-id", Form::Name).literal()],
        content: ContentSpec::Empty,
    },
    sections: ANY_SECTION,
    compile,
};

struct IncludeFragment {
    steps: Vec<Step>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let id = node.literal("fragment-id")?;
    let steps = compiler.fragment(id.trim(), node.span("fragment-id"))?;
    node.complete()?;
    Some(Box::new(IncludeFragment { steps }))
}

impl Policy for IncludeFragment {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        exchange.run(&self.steps)
    }
}
