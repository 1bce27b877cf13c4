//! `<set-method>`: the request's method, or that of a `send-request`.

use futures_util::future::BoxFuture;
use http::Method;

use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{ContentSpec, ElementSpec, PolicySpec, Section};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec { name: "set-method", attributes: &[], content: ContentSpec::Value },
    sections: &[Section::Inbound, Section::OnError],
    compile,
};

struct SetMethod {
    method: PolicyValue,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let method = compiler.element_value(node.element)?;
    if let Some(literal) = method.literal()
        && parse(literal).is_none()
    {
        let problem = compiler
            .error(node.element.inner.clone(), format!("`{literal}` is no HTTP method"))
            .help("write `<set-method>GET</set-method>`");
        compiler.report(problem);
        return None;
    }
    node.complete()?;
    Some(Box::new(SetMethod { method }))
}

fn parse(text: &str) -> Option<Method> {
    Method::from_bytes(text.trim().to_ascii_uppercase().as_bytes()).ok()
}

impl SetMethod {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let text = exchange.text(&self.method).await?;
        let Some(method) = parse(&text) else {
            let message = format!("Expression evaluation failed. '{text}' is not an HTTP method.");
            return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
        };
        let place = match &mut exchange.drafting {
            Some(draft) => &mut draft.method,
            None => &mut exchange.context.request.method,
        };
        *place = method.as_str().to_owned();
        Ok(Flow::Next)
    }
}

impl Policy for SetMethod {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
