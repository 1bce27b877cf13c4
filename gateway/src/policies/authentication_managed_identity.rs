//! `<authentication-managed-identity>`: a token for a resource, into
//! `Authorization` or a variable. The token is a local one: see
//! [`crate::identity`].

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;

use crate::config::settings::IdentityErrorVariable;
use crate::expr::Value;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ContentSpec, ElementSpec, Form, PolicySpec, Section, optional, required,
};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "authentication-managed-identity",
        attributes: &[
            required("resource", Form::Name),
            optional("client-id", Form::Name),
            optional("output-token-variable-name", Form::Name).literal(),
            optional("ignore-error", Form::Boolean).literal(),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Inbound],
    compile,
};

struct ManagedIdentity {
    resource: PolicyValue,
    client_id: Option<PolicyValue>,
    variable: Option<String>,
    ignore_error: bool,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let variable = node.literal("output-token-variable-name");
    if let Some(variable) = &variable {
        compiler.facts().computed_variable(variable);
    }
    node.complete()?;
    Some(Box::new(ManagedIdentity {
        resource: node.value("resource")?,
        client_id: node.value("client-id"),
        variable,
        ignore_error: node.flag("ignore-error").unwrap_or(false),
    }))
}

impl ManagedIdentity {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let resource = exchange.text(&self.resource).await?.trim().to_owned();
        let client = match &self.client_id {
            Some(client) => Some(exchange.text(client).await?),
            None => None,
        };
        let client = client.as_deref().map(str::trim).filter(|client| !client.is_empty());
        let now = exchange.context.clock.now();
        let found = exchange.shared.identity.authorization(&resource, client, now);
        let Some((header, token)) = found else {
            if self.ignore_error {
                let wanted = exchange.shared.model.settings.identity_error_variable;
                if let (Some(variable), IdentityErrorVariable::Null) = (&self.variable, wanted) {
                    exchange.context.variables.insert(variable.clone(), Value::Null);
                }
                return Ok(Flow::Next);
            }
            return Err(exchange.no_token(&resource));
        };
        if let Some(tracer) = &mut exchange.recorder.tracer {
            tracer.hide(&token);
        }
        match &self.variable {
            Some(variable) => {
                exchange.context.variables.insert(variable.clone(), Value::from(token));
            }
            None => {
                exchange.message().headers.insert(AUTHORIZATION, header);
            }
        }
        Ok(Flow::Next)
    }
}

impl Policy for ManagedIdentity {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
