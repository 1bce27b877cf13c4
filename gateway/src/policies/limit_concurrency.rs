//! `<limit-concurrency>`: so many requests of a key inside its policies at a
//! time; one more is refused at once.

use futures_util::future::BoxFuture;

use crate::config::settings::ConcurrencyUntil;
use crate::pipeline::completion::Completion;
use crate::pipeline::context::MessageBody;
use crate::pipeline::exchange::{Exchange, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::{PolicyValue, Step};
use crate::policy::spec::{ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, required};
use crate::store::Permit;

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "limit-concurrency",
        attributes: &[
            required("key", Form::Name),
            required("max-count", Form::Integer(1, u32::MAX as i64)).literal(),
        ],
        content: ContentSpec::Policies,
    },
    sections: ANY_SECTION,
    compile,
};

struct LimitConcurrency {
    key: PolicyValue,
    most: u32,
    steps: Vec<Step>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let steps = compiler.sequence(node.element, None);
    node.complete()?;
    let most = node.literal("max-count")?.trim().parse().ok()?;
    Some(Box::new(LimitConcurrency { key: node.value("key")?, most, steps }))
}

/// Holds the permit until the request's end.
struct Hold {
    _permit: Permit,
}

impl Completion for Hold {}

impl LimitConcurrency {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let key = exchange.text(&self.key).await?;
        let Some(permit) = exchange.shared.gate.enter(&key, self.most) else {
            let message = "Concurrency limit is exceeded. Try again later.";
            let reason = exchange.shared.model.settings.concurrency_reason.name();
            return Err(exchange.fail(429, reason, message));
        };
        let forwards = exchange.forwards;
        let outcome = exchange.run(&self.steps).await;
        let streams = matches!(exchange.context.response.body, MessageBody::Stream(_));
        let until = exchange.shared.model.settings.concurrency_until;
        if streams && forwards < exchange.forwards && until == ConcurrencyUntil::StreamEnd {
            exchange.complete_later(Box::new(Hold { _permit: permit }));
        }
        outcome
    }
}

impl Policy for LimitConcurrency {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
