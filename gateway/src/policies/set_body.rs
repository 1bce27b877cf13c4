//! `<set-body>`: a literal (kept as it is, white space included) or an
//! expression's value, in the direction of the section.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;

use crate::config::settings::{SetBodyJson, SetBodyWithoutBody};
use crate::pipeline::context::MessageBody;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, Section, optional,
};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "set-body",
        attributes: &[
            optional("template", Form::OneOf(&["liquid", "none"])).literal(),
            optional("xsi-nil", Form::OneOf(&["blank", "null"])).literal(),
            optional("parse-date", Form::Boolean).literal(),
        ],
        content: ContentSpec::Body,
    },
    sections: ANY_SECTION,
    compile,
};

struct SetBody {
    value: PolicyValue,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    // `none` is what no `template` means.
    if node.literal("template").is_some_and(|template| template.trim() != "none") {
        let problem = compiler
            .error(node.span("template"), "Liquid templates are not supported by this gateway")
            .help("write the body as an expression");
        compiler.report(problem);
        return None;
    }
    // In a response of its own, or a request, it is documented everywhere.
    let message = ["return-response", "send-request", "send-one-way-request"];
    if compiler.section() == Some(Section::OnError)
        && !message.iter().any(|policy| compiler.inside(policy))
    {
        compiler.undocumented(
            node.element.name_span.clone(),
            "`set-body` is not documented for on-error",
            "the platform takes it; its reference names inbound, backend and outbound",
        );
    }
    let element = node.element;
    let value = if element.elements().next().is_some() {
        // Markup as a body: its text, as written.
        let document = compiler.document();
        let markup = document.text.get(element.inner.clone()).unwrap_or_default();
        PolicyValue::Literal(markup.into())
    } else {
        match element.texts().next() {
            Some(text) => compiler.value(text)?,
            None => PolicyValue::Literal("".into()),
        }
    };
    node.complete()?;
    Some(Box::new(SetBody { value }))
}

impl SetBody {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let bytes = match &self.value {
            PolicyValue::Literal(text) => Bytes::copy_from_slice(text.as_bytes()),
            PolicyValue::Expression(expression) => {
                let value = exchange.value(&self.value).await?;
                match (exchange.shared.model.settings.set_body_json, value.to_compact_json()) {
                    (SetBodyJson::Compact, Some(json)) => Bytes::from(json),
                    _ => value.to_body_bytes(expression.style()),
                }
            }
        };
        let own = exchange.building.is_some() || exchange.drafting.is_some();
        if !own
            && matches!(exchange.message().body, MessageBody::Absent)
            && exchange.shared.model.settings.set_body_without_body == SetBodyWithoutBody::Fails
        {
            return Err(exchange.fail(500, "MessageBodyMissing", "There is no body to replace."));
        }
        let message = exchange.message();
        message.headers.remove(CONTENT_LENGTH);
        *message.body =
            if bytes.is_empty() { MessageBody::Absent } else { MessageBody::Bytes(bytes) };
        Ok(Flow::Next)
    }
}

impl Policy for SetBody {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
