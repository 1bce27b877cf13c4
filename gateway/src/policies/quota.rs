//! `<quota>`: calls and kilobytes of a subscription in fixed windows, over all,
//! for an API, for an operation; each by itself. Without a subscription it does
//! nothing (documented).

use futures_util::future::BoxFuture;

use super::levels::{self, Level};
use super::periods::{Period, gateway_start};
use super::quotas::{self, Applied, Numbers};
use super::rate_limit_by_key::Increment;
use crate::config::settings::QuotaStart;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{
    AttributeSpec, ContentSpec, ElementSpec, Form, MAX_SECONDS, PolicySpec, Section, optional,
    required,
};

const NAME: &str = "quota";
const PERIOD: Form = Form::Integer(0, MAX_SECONDS);

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: NAME,
        attributes: &[
            quotas::CALLS,
            quotas::BANDWIDTH,
            required("renewal-period", PERIOD).literal(),
        ],
        content: ContentSpec::Parts(&[&API]),
    },
    sections: &[Section::Inbound],
    compile,
};

const SELECTED: [AttributeSpec; 5] = [
    optional("id", Form::Name).literal(),
    optional("name", Form::Name).literal(),
    quotas::CALLS,
    quotas::BANDWIDTH,
    optional("renewal-period", PERIOD).literal(),
];

static API: ElementSpec =
    ElementSpec { name: "api", attributes: &SELECTED, content: ContentSpec::Parts(&[&OPERATION]) };

static OPERATION: ElementSpec =
    ElementSpec { name: "operation", attributes: &SELECTED, content: ContentSpec::Empty };

struct Quota {
    /// With the period in seconds.
    levels: Vec<Level<(Numbers, i64)>>,
    increment: Increment,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    compiler.once(NAME, node.element.name_span.clone());
    let seconds = |node: &Node<'_>| node.literal("renewal-period")?.trim().parse::<i64>().ok();
    let outer = seconds(node);
    let levels = levels::compile(node, compiler, [&API, &OPERATION], |node, compiler| {
        let numbers = Numbers::compile(node, compiler)?;
        // The reference page's own statement leaves it out on the children.
        Some((numbers, seconds(node).or(outer)?))
    });
    Some(Box::new(Quota { levels: levels?, increment: Increment::of(node) }))
}

impl Quota {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let Some(subscription) = exchange.context.subscription.clone() else {
            return Ok(Flow::Next);
        };
        let start = match exchange.shared.model.settings.quota_start {
            QuotaStart::GatewayStart => gateway_start(exchange),
            QuotaStart::Epoch => 0,
        };
        let applied: Vec<Applied> = self
            .levels
            .iter()
            .filter_map(|level| {
                let (numbers, seconds) = level.limit;
                let key = format!("subscription\n{}", level.key(exchange, &subscription.id)?);
                let ends = Period::of_seconds(seconds, start).ends(exchange);
                Some(Applied { key, numbers, ends })
            })
            .collect();
        quotas::enforce(exchange, &applied, &self.increment).await
    }
}

impl Policy for Quota {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
