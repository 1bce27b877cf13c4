//! `<emit-metric>`: a custom metric with its dimensions, into the journal and
//! `/metrics`. The token metrics share its dimensions.

use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use crate::config::settings::AbsentDimension;
use crate::pipeline::context::Context;
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, AttributeSpec, ContentSpec, ElementSpec, Form, PolicySpec, optional, required,
};
use crate::telemetry::records::MetricRecord;

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "emit-metric",
        attributes: &[
            required("name", Form::Name).literal(),
            optional("value", Form::Number),
            NAMESPACE,
        ],
        content: ContentSpec::Parts(&[&DIMENSION]),
    },
    sections: ANY_SECTION,
    compile,
};

pub(super) const NAMESPACE: AttributeSpec = optional("namespace", Form::Name).literal();

pub(super) static DIMENSION: ElementSpec = ElementSpec {
    name: "dimension",
    attributes: &[required("name", Form::Name), optional("value", Form::Text)],
    content: ContentSpec::Empty,
};

/// Where a policy names none.
const DEFAULT_NAMESPACE: &str = "API Management";

/// Dimensions that have a value of their own.
const DEFAULT_DIMENSIONS: [&str; 8] = [
    "API ID",
    "Operation ID",
    "Product ID",
    "User ID",
    "Subscription ID",
    "Location",
    "Gateway ID",
    "Backend ID",
];

/// The platform takes so many others.
const MAX_CUSTOM: usize = 5;

/// The dimensions of one policy.
pub(super) struct Dimensions(Vec<Dimension>);

struct Dimension {
    name: PolicyValue,
    /// `None`: the value a default dimension has.
    value: Option<PolicyValue>,
}

impl Dimensions {
    /// Reads the `dimension` children; `None` after an error.
    pub(super) fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let mut dimensions = Vec::new();
        let mut sound = Some(());
        let mut custom = 0;
        for part in node.element.elements().filter(|part| part.name == DIMENSION.name) {
            let dimension = compiler.node(part, &DIMENSION, false);
            let Some((name, ())) = dimension.value("name").zip(dimension.complete()) else {
                sound = None;
                continue;
            };
            let value = dimension.value("value");
            let known = name.literal().is_some_and(|name| DEFAULT_DIMENSIONS.contains(&name));
            if let Some(literal) = name.literal()
                && !known
                && value.is_none()
            {
                let problem = compiler
                    .error(dimension.span("name"), format!("dimension `{literal}` needs a `value`"))
                    .did_you_mean(literal, DEFAULT_DIMENSIONS)
                    .help(format!("only {} have one", DEFAULT_DIMENSIONS.join(", ")));
                compiler.report(problem);
                sound = None;
            }
            if !known {
                custom += 1;
                if custom == MAX_CUSTOM + 1 {
                    let message = format!("more than {MAX_CUSTOM} custom dimensions");
                    let problem =
                        compiler.warning(part.name_span.clone(), message).code("W017").help(
                            "the platform takes five beside its own; this gateway emits them all",
                        );
                    compiler.report(problem);
                }
            }
            dimensions.push(Dimension { name, value });
        }
        if dimensions.is_empty() && sound.is_some() {
            let name = &node.element.name;
            let problem = compiler
                .warning(node.element.name_span.clone(), format!("`{name}` has no `dimension`"))
                .help("the platform's reference asks for at least one: `<dimension name=\"API ID\" />`");
            compiler.report(problem);
        }
        sound?;
        Some(Self(dimensions))
    }

    /// The values as of now; a default dimension stays open until the metric
    /// is emitted: the backend may still change.
    pub(super) async fn evaluate(
        &self,
        exchange: &mut Exchange,
    ) -> Result<OpenDimensions, Failure> {
        let mut open = IndexMap::new();
        for dimension in &self.0 {
            let name = exchange.text(&dimension.name).await?.trim().to_owned();
            let value = match &dimension.value {
                Some(value) => Some(exchange.text(value).await?),
                None if DEFAULT_DIMENSIONS.contains(&name.as_str()) => None,
                None => {
                    let message = format!(
                        "Expression evaluation failed. '{name}' is no default dimension, and it has no value."
                    );
                    return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
                }
            };
            open.insert(name, value);
        }
        Ok(OpenDimensions(open))
    }
}

/// Dimensions whose custom values are settled.
pub(super) struct OpenDimensions(IndexMap<String, Option<String>>);

impl OpenDimensions {
    /// All values.
    pub(super) fn close(&self, exchange: &Exchange) -> IndexMap<String, String> {
        let absent = match exchange.shared.model.settings.absent_dimension {
            AbsentDimension::Empty => Some(String::new()),
            AbsentDimension::Omitted => None,
        };
        let value = |(name, value): (&String, &Option<String>)| {
            let value = value.clone().or_else(|| default_value(name, &exchange.context));
            Some((name.clone(), value.or_else(|| absent.clone())?))
        };
        self.0.iter().filter_map(value).collect()
    }
}

/// A default dimension's value, if there is one.
fn default_value(name: &str, context: &Context) -> Option<String> {
    let id = match name {
        "API ID" => context.api.as_ref().map(|own| &own.id),
        "Operation ID" => context.operation.as_ref().map(|own| &own.id),
        "Product ID" => context.product.as_ref().map(|own| &own.id),
        "Subscription ID" => context.subscription.as_ref().map(|own| &own.id),
        "Location" => Some(&context.deployment.region),
        "Gateway ID" => Some(&context.deployment.gateway_id),
        "Backend ID" => context.backend.as_ref().map(|own| &own.id),
        // No users are configured.
        _ => None,
    };
    id.cloned()
}

/// The namespace a policy names, or the default.
pub(super) fn namespace(node: &Node<'_>) -> String {
    node.literal("namespace").unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
}

struct EmitMetric {
    name: String,
    value: Option<PolicyValue>,
    namespace: String,
    dimensions: Dimensions,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let dimensions = Dimensions::compile(node, compiler);
    node.complete()?;
    Some(Box::new(EmitMetric {
        name: node.literal("name")?,
        value: node.value("value"),
        namespace: namespace(node),
        dimensions: dimensions?,
    }))
}

impl EmitMetric {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let value = match &self.value {
            Some(value) => exchange.number(value).await?,
            None => 1.0,
        };
        let dimensions = self.dimensions.evaluate(exchange).await?.close(exchange);
        exchange.recorder.metric(MetricRecord {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            value,
            dimensions,
        });
        Ok(Flow::Next)
    }
}

impl Policy for EmitMetric {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
