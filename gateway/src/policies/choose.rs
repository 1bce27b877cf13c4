//! `<choose>`: the first `when` that holds, else `otherwise`.

use futures_util::future::BoxFuture;

use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::{PolicyValue, Step};
use crate::policy::spec::{ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, required};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "choose",
        attributes: &[],
        content: ContentSpec::Parts(&[&WHEN, &OTHERWISE]),
    },
    sections: ANY_SECTION,
    compile,
};

static WHEN: ElementSpec = ElementSpec {
    name: "when",
    attributes: &[required("condition", Form::Boolean)],
    content: ContentSpec::Policies,
};

static OTHERWISE: ElementSpec =
    ElementSpec { name: "otherwise", attributes: &[], content: ContentSpec::Policies };

struct Choose {
    branches: Vec<(PolicyValue, Vec<Step>)>,
    otherwise: Vec<Step>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let mut branches = Vec::new();
    let mut otherwise = None;
    let mut sound = node.complete();
    for part in node.element.elements() {
        if part.name == WHEN.name {
            let when = compiler.node(part, &WHEN, false);
            let steps = compiler.part(part);
            match when.value("condition") {
                Some(condition) => branches.push((condition, steps)),
                None => sound = None,
            }
            if otherwise.is_some() {
                let problem = compiler
                    .error(part.name_span.clone(), "a `when` follows `otherwise`")
                    .help("`otherwise` is the last part of a `choose`");
                compiler.report(problem);
                sound = None;
            }
        } else if part.name == OTHERWISE.name {
            compiler.node(part, &OTHERWISE, false);
            if otherwise.replace(compiler.part(part)).is_some() {
                let message = "`choose` has a second `otherwise`";
                let problem = compiler.error(part.name_span.clone(), message);
                compiler.report(problem);
                sound = None;
            }
        }
    }
    if branches.is_empty() && sound.is_some() {
        let problem = compiler
            .error(node.element.name_span.clone(), "`choose` needs at least one `when`")
            .help("write `<when condition=\"@(…)\">…</when>`");
        compiler.report(problem);
        sound = None;
    }
    sound?;
    Some(Box::new(Choose { branches, otherwise: otherwise.unwrap_or_default() }))
}

impl Choose {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        for (condition, steps) in &self.branches {
            if exchange.condition(condition).await? {
                return exchange.run(steps).await;
            }
        }
        if self.otherwise.is_empty() {
            return Ok(Flow::Next);
        }
        exchange.run(&self.otherwise).await
    }
}

impl Policy for Choose {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
