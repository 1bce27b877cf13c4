//! `<mock-response>`: an answer without a backend; the pipeline ends.
//!
//! The platform takes the body from the operation's examples. No examples are
//! configured here, so the body is empty, as it is there without them.

use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use crate::pipeline::context::{MessageBody, ResponseState};
use crate::pipeline::errors::reason_phrase;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{ContentSpec, ElementSpec, Form, PolicySpec, Section, optional};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "mock-response",
        attributes: &[
            optional("status-code", Form::Integer(200, 999)).literal(),
            optional("content-type", Form::Name).literal(),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    compile,
};

struct MockResponse {
    status: u16,
    content_type: Option<HeaderValue>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    let status = node.literal("status-code").and_then(|text| text.trim().parse().ok());
    let content_type = match node.literal("content-type") {
        None => None,
        Some(text) => match HeaderValue::from_str(text.trim()) {
            Ok(value) => Some(value),
            Err(_) => {
                let message = format!("`{text}` is no content type");
                let problem = compiler.error(node.span("content-type"), message);
                compiler.report(problem);
                return None;
            }
        },
    };
    Some(Box::new(MockResponse { status: status.unwrap_or(200), content_type }))
}

impl Policy for MockResponse {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        let mut headers = HeaderMap::new();
        headers.extend(self.content_type.clone().map(|value| (CONTENT_TYPE, value)));
        exchange.context.response = ResponseState {
            status: self.status,
            reason: reason_phrase(self.status).to_owned(),
            headers,
            body: MessageBody::Absent,
            null: false,
        };
        Box::pin(std::future::ready(Ok(Flow::Respond)))
    }
}
