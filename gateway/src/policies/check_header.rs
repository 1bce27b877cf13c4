//! `<check-header>`: a request must have a header, and one of some values.

use futures_util::future::BoxFuture;
use http::HeaderName;

use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{ContentSpec, ElementSpec, Form, PolicySpec, Section, required};

const CODES: (i64, i64) = (200, 599);

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "check-header",
        attributes: &[
            required("name", Form::Name),
            required("failed-check-httpcode", Form::Integer(CODES.0, CODES.1)),
            required("failed-check-error-message", Form::Text),
            required("ignore-case", Form::Boolean),
        ],
        content: ContentSpec::Parts(&[&VALUE]),
    },
    sections: &[Section::Inbound],
    compile,
};

static VALUE: ElementSpec =
    ElementSpec { name: "value", attributes: &[], content: ContentSpec::Value };

struct CheckHeader {
    name: PolicyValue,
    code: PolicyValue,
    message: PolicyValue,
    ignore_case: PolicyValue,
    values: Vec<PolicyValue>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let mut values = Some(Vec::new());
    for part in node.element.elements().filter(|part| part.name == VALUE.name) {
        compiler.node(part, &VALUE, false);
        values = values.zip(compiler.element_value(part)).map(|(mut values, value)| {
            values.push(value);
            values
        });
    }
    let name = node.value("name")?;
    if let Some(literal) = name.literal()
        && HeaderName::from_bytes(literal.trim().as_bytes()).is_err()
    {
        let message = format!("`{}` is no header name", literal.trim());
        let problem = compiler.error(node.span("name"), message);
        compiler.report(problem);
        return None;
    }
    node.complete()?;
    Some(Box::new(CheckHeader {
        name,
        code: node.value("failed-check-httpcode")?,
        message: node.value("failed-check-error-message")?,
        ignore_case: node.value("ignore-case")?,
        values: values?,
    }))
}

impl CheckHeader {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let name = exchange.text(&self.name).await?;
        let name = name.trim();
        let ignore_case = exchange.condition(&self.ignore_case).await?;
        let mut allowed = Vec::new();
        for value in &self.values {
            allowed.push(exchange.text(value).await?);
        }
        let found: Vec<String> = exchange
            .context
            .request
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let same = |a: &str, b: &str| {
            if ignore_case { a.to_lowercase() == b.to_lowercase() } else { a == b }
        };
        let (reason, message) = if found.is_empty() {
            (
                "HeaderNotFound",
                format!("Header {name} was not found in the request. Access denied."),
            )
        } else if allowed.is_empty()
            || allowed
                .iter()
                .any(|value| found.iter().any(|found| same(value.trim(), found.trim())))
        {
            return Ok(Flow::Next);
        } else {
            let found = found.join(",");
            (
                "HeaderValueNotAllowed",
                format!("Header {name} value of {found} is not allowed. Access denied."),
            )
        };
        let code = exchange.integer(&self.code, CODES.0, CODES.1).await?;
        let body = exchange.text(&self.message).await?;
        let mut failure = exchange.fail(u16::try_from(code).unwrap_or(500), reason, body);
        failure.0.message = message;
        Err(failure)
    }
}

impl Policy for CheckHeader {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
