//! `<azure-openai-emit-token-metric>` and `<llm-emit-token-metric>`: what a
//! request's answer cost, as three metrics when its last byte went.
//!
//! The numbers are the answer's `usage`; of a stream without one, estimates.
//! An answer without usage (an error) emits nothing.

use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use super::emit_metric::{DIMENSION, Dimensions, NAMESPACE, OpenDimensions, namespace};
use crate::pipeline::completion::{Completion, Ended, Later};
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{ContentSpec, ElementSpec, PolicySpec, Section};
use crate::telemetry::records::MetricRecord;
use crate::usage::TokenReport;

pub(super) static AZURE_OPENAI: PolicySpec = spec("azure-openai-emit-token-metric");
pub(super) static LLM: PolicySpec = spec("llm-emit-token-metric");

static PARTS: &[&ElementSpec] = &[&DIMENSION];

const fn spec(name: &'static str) -> PolicySpec {
    PolicySpec {
        element: ElementSpec { name, attributes: &[NAMESPACE], content: ContentSpec::Parts(PARTS) },
        sections: &[Section::Inbound],
        compile,
    }
}

struct EmitTokenMetric {
    namespace: String,
    dimensions: Dimensions,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let dimensions = Dimensions::compile(node, compiler);
    node.complete()?;
    Some(Box::new(EmitTokenMetric { namespace: namespace(node), dimensions: dimensions? }))
}

impl EmitTokenMetric {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let open = self.dimensions.evaluate(exchange).await?;
        let closed = open.close(&exchange.context);
        exchange.meter_tokens();
        let namespace = self.namespace.clone();
        exchange.complete_later(Box::new(Emission { namespace, open, closed }));
        Ok(Flow::Next)
    }
}

impl Policy for EmitTokenMetric {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}

/// The metrics to come.
struct Emission {
    namespace: String,
    open: OpenDimensions,
    closed: IndexMap<String, String>,
}

impl Completion for Emission {
    /// The backend is settled now.
    fn leaving<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        self.closed = self.open.close(&exchange.context);
        Box::pin(std::future::ready(Ok(())))
    }

    fn ended(self: Box<Self>, ended: &mut Ended<'_>) {
        let usage = ended.tokens.as_ref().and_then(TokenReport::reported_or_estimated);
        let (Some(usage), Some(recorder)) = (usage, &mut ended.recorder) else { return };
        for (name, tokens) in [
            ("Total Tokens", usage.total),
            ("Prompt Tokens", usage.prompt),
            ("Completion Tokens", usage.completion),
        ] {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a request has far less than 2^53 tokens"
            )]
            let value = tokens as f64;
            recorder.metric(MetricRecord {
                namespace: self.namespace.clone(),
                name: name.to_owned(),
                value,
                dimensions: self.closed.clone(),
            });
        }
    }
}
