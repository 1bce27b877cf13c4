//! `<return-response>`: a response of the gateway's own; the pipeline ends.
//!
//! Its parts act on the new response, while expressions still see the old one.
//! A `response-variable-name` that names no response is ignored: the seed
//! toolkit runs with the documentation's placeholder in production.

use futures_util::future::BoxFuture;
use http::HeaderMap;

use crate::pipeline::branch::duplicate;
use crate::pipeline::context::{MessageBody, ResponseState};
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::Step;
use crate::policy::spec::{ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, optional};

const PARTS: &[&str] = &["set-status", "set-header", "set-body"];

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "return-response",
        attributes: &[optional("response-variable-name", Form::Text).literal()],
        content: ContentSpec::Policies,
    },
    sections: ANY_SECTION,
    compile,
};

struct ReturnResponse {
    variable: Option<String>,
    steps: Vec<Step>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let steps = compiler.sequence(node.element, Some(PARTS));
    node.complete()?;
    Some(Box::new(ReturnResponse { variable: node.literal("response-variable-name"), steps }))
}

fn empty() -> ResponseState {
    ResponseState {
        status: 200,
        reason: "OK".to_owned(),
        headers: HeaderMap::new(),
        body: MessageBody::Absent,
        null: false,
    }
}

impl ReturnResponse {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let variable = self.variable.as_deref();
        let stored = variable.and_then(|variable| exchange.context.stored_response(variable));
        exchange.building = Some(stored.map_or_else(empty, duplicate));
        let outcome = exchange.run(&self.steps).await;
        let built = exchange.building.take();
        outcome?;
        if let Some(response) = built {
            exchange.context.response = response;
        }
        Ok(Flow::Respond)
    }
}

impl Policy for ReturnResponse {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
