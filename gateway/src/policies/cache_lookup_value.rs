//! `<cache-lookup-value>`: a value from the cache, with the type it was stored
//! with. A miss without `default-value` leaves the variable unset.

use futures_util::future::BoxFuture;

use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, AttributeSpec, ContentSpec, ElementSpec, Form, PolicySpec, optional, required,
};

/// Which cache: this gateway has one.
pub(super) const CACHING_TYPE: AttributeSpec =
    optional("caching-type", Form::OneOf(&["internal", "external", "prefer-external"])).literal();

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "cache-lookup-value",
        attributes: &[
            required("key", Form::Name),
            required("variable-name", Form::Name).literal(),
            optional("default-value", Form::Text),
            CACHING_TYPE,
        ],
        content: ContentSpec::Empty,
    },
    sections: ANY_SECTION,
    compile,
};

struct CacheLookupValue {
    key: PolicyValue,
    variable: String,
    default: Option<PolicyValue>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let variable = node.literal("variable-name")?;
    let default = node.value("default-value");
    compiler.facts().looked_up_variable(&variable, default.is_some());
    node.complete()?;
    Some(Box::new(CacheLookupValue { key: node.value("key")?, variable, default }))
}

impl CacheLookupValue {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let key = exchange.text(&self.key).await?;
        let shared = std::sync::Arc::clone(&exchange.shared);
        let value = match (shared.cache.lookup(&key).await, &self.default) {
            (Some(value), _) => value,
            (None, Some(default)) => exchange.value(default).await?,
            (None, None) => return Ok(Flow::Next),
        };
        exchange.context.variables.insert(self.variable.clone(), value);
        Ok(Flow::Next)
    }
}

impl Policy for CacheLookupValue {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
