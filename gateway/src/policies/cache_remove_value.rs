//! `<cache-remove-value>`: forgets a cached value.

use futures_util::future::BoxFuture;

use super::cache_lookup_value::CACHING_TYPE;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, required};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "cache-remove-value",
        attributes: &[required("key", Form::Name), CACHING_TYPE],
        content: ContentSpec::Empty,
    },
    sections: ANY_SECTION,
    compile,
};

struct CacheRemoveValue {
    key: PolicyValue,
}

fn compile(node: &Node<'_>, _: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    Some(Box::new(CacheRemoveValue { key: node.value("key")? }))
}

impl CacheRemoveValue {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let key = exchange.text(&self.key).await?;
        let shared = std::sync::Arc::clone(&exchange.shared);
        shared.cache.remove(&key).await;
        Ok(Flow::Next)
    }
}

impl Policy for CacheRemoveValue {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
