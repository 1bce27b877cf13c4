//! `<set-status>`: the response's status code and reason.

use futures_util::future::BoxFuture;

use crate::pipeline::errors::reason_phrase;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};

/// Codes below 200 announce a response; they are none.
const CODES: (i64, i64) = (200, 999);

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "set-status",
        attributes: &[
            required("code", Form::Integer(CODES.0, CODES.1)),
            optional("reason", Form::Text),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Outbound, Section::OnError],
    compile,
};

struct SetStatus {
    code: PolicyValue,
    reason: Option<PolicyValue>,
}

fn compile(node: &Node<'_>, _: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    Some(Box::new(SetStatus { code: node.value("code")?, reason: node.value("reason") }))
}

impl SetStatus {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let code = exchange.integer(&self.code, CODES.0, CODES.1).await?;
        let code = u16::try_from(code).unwrap_or(500);
        let reason = match &self.reason {
            Some(reason) => exchange.text(reason).await?,
            None => reason_phrase(code).to_owned(),
        };
        let response = exchange.response();
        response.status = code;
        response.reason = reason;
        Ok(Flow::Next)
    }
}

impl Policy for SetStatus {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
