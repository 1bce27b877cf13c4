//! `<base />`: the next outer scope's section, at this place.

use futures_util::future::BoxFuture;

use crate::pipeline::exchange::{Exchange, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{ANY_SECTION, ContentSpec, ElementSpec, PolicySpec};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec { name: "base", attributes: &[], content: ContentSpec::Empty },
    sections: ANY_SECTION,
    compile,
};

struct Base;

fn compile(node: &Node<'_>, _: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    Some(Box::new(Base))
}

impl Policy for Base {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(exchange.run_base())
    }
}
