//! `<wait>`: its policies at the same time, until all of them or any of them
//! is through.
//!
//! Each runs on a copy of the request's state. What it changed is carried over
//! afterwards, in the order that the settings give; what a policy changed that was
//! still under way when another one sufficed is lost.

use futures_util::future::{BoxFuture, join_all, select_all};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::config::settings::WaitMerge;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::{PolicyValue, Step};
use crate::policy::spec::{ContentSpec, ElementSpec, Form, PolicySpec, Section, optional};

const PARTS: &[&str] = &["send-request", "cache-lookup-value", "choose"];

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "wait",
        attributes: &[optional("for", Form::OneOf(&["all", "any"]))],
        content: ContentSpec::Policies,
    },
    sections: &[Section::Inbound, Section::Backend, Section::Outbound],
    compile,
};

struct Wait {
    until: Option<PolicyValue>,
    steps: Vec<Step>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let steps = compiler.sequence(node.element, Some(PARTS));
    if compiler.inside("retry") {
        let problem = compiler
            .error(node.element.name_span.clone(), "`wait` cannot stand inside `retry`")
            .help("the platform refuses it, too");
        compiler.report(problem);
        return None;
    }
    node.complete()?;
    Some(Box::new(Wait { until: node.value("for"), steps }))
}

impl Wait {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let until = match &self.until {
            Some(until) => exchange.text(until).await?,
            None => "all".to_owned(),
        };
        let any = match until.trim() {
            "all" => false,
            "any" => true,
            other => {
                let message = format!("Expression evaluation failed. '{other}' is not all or any.");
                return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
            }
        };
        if self.steps.is_empty() {
            return Ok(Flow::Next);
        }
        // A stream cannot be copied.
        exchange.buffer_response().await?;
        let mut branches = Vec::new();
        for step in &self.steps {
            let mut branch = exchange.branch();
            branches.push(Box::pin(async move {
                let outcome = branch.run(std::slice::from_ref(step)).await;
                (branch, outcome)
            }));
        }
        let done = match (any, exchange.shared.model.settings.wait_merge) {
            (true, _) => vec![select_all(branches).await.0],
            (false, WaitMerge::DocumentOrder) => join_all(branches).await,
            (false, WaitMerge::CompletionOrder) => {
                branches.into_iter().collect::<FuturesUnordered<_>>().collect().await
            }
        };
        let base = exchange.branch();
        let mut result = Ok(Flow::Next);
        for (branch, outcome) in done {
            let decides = matches!(result, Ok(Flow::Next)) && !matches!(outcome, Ok(Flow::Next));
            exchange.merge(branch, &base, decides);
            if decides {
                result = outcome;
            }
        }
        result
    }
}

impl Policy for Wait {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
