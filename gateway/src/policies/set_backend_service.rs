//! `<set-backend-service>`: which backend `forward-request` calls.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::backend::Route;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy, Target};
use crate::pipeline::url;
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{ContentSpec, ElementSpec, Form, PolicySpec, Section, optional};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "set-backend-service",
        attributes: &[
            optional("backend-id", Form::Name),
            optional("base-url", Form::Name),
            // Service Fabric's: accepted and without effect here.
            optional("sf-resolve-condition", Form::Text),
            optional("sf-service-instance-name", Form::Text),
            optional("sf-partition-key", Form::Text),
            optional("sf-listener-name", Form::Text),
        ],
        content: ContentSpec::Empty,
    },
    sections: &[Section::Inbound, Section::Backend],
    compile,
};

enum SetBackendService {
    Id(PolicyValue),
    BaseUrl(PolicyValue),
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    let span = node.element.name_span.clone();
    let policy = match (node.value("backend-id"), node.value("base-url")) {
        (Some(_), Some(_)) => {
            let problem = compiler
                .error(span, "`set-backend-service` has both `backend-id` and `base-url`")
                .help("give one of them");
            compiler.report(problem);
            return None;
        }
        (None, None) => {
            let problem = compiler
                .error(span, "`set-backend-service` needs `backend-id` or `base-url`")
                .help("`backend-id` names a backend of the configuration, `base-url` is a URL");
            compiler.report(problem);
            return None;
        }
        (Some(id), None) => {
            if let Some(literal) = id.literal()
                && !compiler.library().backends.contains(literal)
            {
                let known: Vec<String> = compiler.library().backends.iter().cloned().collect();
                let problem = compiler
                    .error(node.span("backend-id"), format!("unknown backend `{literal}`"))
                    .did_you_mean(literal, known.iter().map(String::as_str))
                    .help("define it in the gateway's configuration: `[[backends]]` with `id` and `url`");
                compiler.report(problem);
                return None;
            }
            if let Some(literal) = id.literal()
                && let Some(members) = compiler.library().pools.get(literal).copied()
            {
                compiler.facts().pool(literal, members);
            }
            SetBackendService::Id(id)
        }
        (None, Some(base)) => {
            if let Some(Err(message)) = base.literal().map(url::parse) {
                let problem = compiler.error(node.span("base-url"), message);
                compiler.report(problem);
                return None;
            }
            SetBackendService::BaseUrl(base)
        }
    };
    Some(Box::new(policy))
}

impl SetBackendService {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let base = match self {
            Self::Id(id) => {
                let id = exchange.text(id).await?;
                let Some(route) = exchange.shared.routes.find(&id).cloned() else {
                    let message = format!("Backend with id '{id}' could not be found.");
                    let status = exchange.shared.model.settings.unknown_backend_status.code();
                    return Err(exchange.fail(status, "BackendNotFound", message));
                };
                exchange.context.backend = Some(Arc::clone(route.info()));
                let base = match &route {
                    Route::Single(single) => Some(single.backend.url.clone()),
                    // Each forward-request chooses a member, and its URL.
                    Route::Pool(_) => None,
                };
                exchange.target = Some(Target::Backend(route));
                match base {
                    Some(base) => base,
                    None => return Ok(Flow::Next),
                }
            }
            Self::BaseUrl(value) => {
                let text = exchange.text(value).await?;
                match url::parse(&text) {
                    Ok(mut base) => {
                        base.query.clear();
                        // A backend chosen by id can only be replaced by id:
                        // its credentials must not go to another host.
                        if matches!(exchange.target, Some(Target::Backend(_))) {
                            return Ok(Flow::Next);
                        }
                        let target = match value {
                            PolicyValue::Literal(_) => Target::Url,
                            PolicyValue::Expression(_) => Target::ComputedUrl,
                        };
                        exchange.target = Some(target(base.clone()));
                        base
                    }
                    Err(message) => return Err(exchange.fail(500, "InvalidBackendUrl", message)),
                }
            }
        };
        let query = std::mem::take(&mut exchange.context.request.url.query);
        exchange.context.request.url = url::join(&base, &exchange.rest_path, &query);
        Ok(Flow::Next)
    }
}

impl Policy for SetBackendService {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
