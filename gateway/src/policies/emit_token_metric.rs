//! `<azure-openai-emit-token-metric>` and `<llm-emit-token-metric>`: what a
//! request's answer cost, as three metrics when its last byte went.
//!
//! The numbers are the answer's `usage`. What is said of an answer without one,
//! and when dimensions are evaluated, are settings.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use super::emit_metric::{DIMENSION, Dimensions, NAMESPACE, OpenDimensions, namespace};
use crate::config::settings::{MetricsClientGone, MetricsWithoutUsage, TokenMetricDimensions};
use crate::pipeline::completion::{Completion, End, Ended, Later};
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{ContentSpec, ElementSpec, PolicySpec, Section};
use crate::telemetry::records::MetricRecord;
use crate::usage::{TokenReport, Usage};

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
    dimensions: Arc<Dimensions>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let dimensions = Dimensions::compile(node, compiler);
    node.complete()?;
    let dimensions = Arc::new(dimensions?);
    Some(Box::new(EmitTokenMetric { namespace: namespace(node), dimensions }))
}

impl EmitTokenMetric {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let shared = Arc::clone(&exchange.shared);
        let settings = &shared.model.settings;
        let (pending, closed) = match settings.token_metric_dimensions {
            TokenMetricDimensions::AtEmission => {
                (Pending::All(Arc::clone(&self.dimensions)), IndexMap::new())
            }
            TokenMetricDimensions::Split => {
                let open = self.dimensions.evaluate(exchange).await?;
                let closed = open.close(exchange);
                (Pending::Default(open), closed)
            }
            TokenMetricDimensions::AtPolicy => {
                (Pending::None, self.dimensions.evaluate(exchange).await?.close(exchange))
            }
        };
        exchange.meter_tokens();
        exchange.complete_later(Box::new(Emission {
            namespace: self.namespace.clone(),
            pending,
            closed,
            without_usage: settings.token_metrics_without_usage,
            client_gone: settings.token_metrics_client_gone,
        }));
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
    pending: Pending,
    closed: IndexMap<String, String>,
    without_usage: MetricsWithoutUsage,
    client_gone: MetricsClientGone,
}

/// Which dimensions are evaluated when the response leaves: the backend is
/// settled then.
enum Pending {
    None,
    Default(OpenDimensions),
    All(Arc<Dimensions>),
}

impl Emission {
    async fn close(&mut self, exchange: &mut Exchange) -> Result<(), Failure> {
        match &self.pending {
            Pending::None => {}
            Pending::Default(open) => self.closed = open.close(exchange),
            Pending::All(dimensions) => {
                self.closed = dimensions.evaluate(exchange).await?.close(exchange);
            }
        }
        Ok(())
    }

    fn usage(&self, report: &TokenReport) -> Option<Usage> {
        report.usage.or_else(|| match self.without_usage {
            MetricsWithoutUsage::Estimated => report.streamed.then(|| report.estimate()),
            MetricsWithoutUsage::None => None,
            MetricsWithoutUsage::Zero => Some(Usage::default()),
        })
    }
}

impl Completion for Emission {
    fn leaving<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        Box::pin(self.close(exchange))
    }

    fn ended(self: Box<Self>, ended: &mut Ended<'_>) {
        if ended.end == End::ClientGone && self.client_gone == MetricsClientGone::None {
            return;
        }
        let usage = ended.tokens.as_ref().and_then(|report| self.usage(report));
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
