//! `<set-query-parameter>`: the query the backend gets.

use futures_util::future::BoxFuture;

use super::set_header::ACTIONS;
use crate::pipeline::context::QueryParameter;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "set-query-parameter",
        attributes: &[
            required("name", Form::Name),
            optional("exists-action", Form::OneOf(ACTIONS)),
        ],
        content: ContentSpec::Parts(&[&VALUE]),
    },
    sections: &[Section::Inbound, Section::Backend],
    compile,
};

static VALUE: ElementSpec =
    ElementSpec { name: "value", attributes: &[], content: ContentSpec::Value };

struct SetQueryParameter {
    name: PolicyValue,
    action: Option<PolicyValue>,
    values: Vec<PolicyValue>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let mut values = Vec::new();
    let mut sound = node.complete();
    for part in node.element.elements().filter(|part| part.name == VALUE.name) {
        compiler.node(part, &VALUE, false);
        match compiler.element_text(part) {
            Some(value) => values.push(value),
            None => sound = None,
        }
    }
    sound?;
    let (name, action) = (node.value("name")?, node.value("exists-action"));
    Some(Box::new(SetQueryParameter { name, action, values }))
}

impl SetQueryParameter {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let name = exchange.text(&self.name).await?.trim().to_owned();
        let action = match &self.action {
            Some(action) => exchange.text(action).await?.trim().to_owned(),
            None => "override".to_owned(),
        };
        let mut values = Vec::new();
        for value in &self.values {
            values.push(QueryParameter::new(&name, &exchange.text(value).await?));
        }
        let query = &mut exchange.context.request.url.query;
        let is_named = |own: &QueryParameter| own.name.eq_ignore_ascii_case(&name);
        match action.as_str() {
            "skip" if query.iter().any(is_named) => {}
            "delete" => query.retain(|own| !is_named(own)),
            "append" => query.extend(values),
            "override" | "skip" => {
                // In the place of the first one.
                let at = query.iter().position(is_named).unwrap_or(query.len());
                query.retain(|own| !is_named(own));
                query.splice(at.min(query.len())..at.min(query.len()), values);
            }
            other => {
                let message =
                    format!("Expression evaluation failed. '{other}' is no exists-action.");
                return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
            }
        }
        Ok(Flow::Next)
    }
}

impl Policy for SetQueryParameter {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
