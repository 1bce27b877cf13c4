//! `<cache-store-value>`: a copy of a value into the cache, for a time.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::cache_lookup_value::CACHING_TYPE;
use crate::config::settings::CacheVisible;
use crate::expr::Value;
use crate::pipeline::completion::{Completion, Later};
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, ContentSpec, ElementSpec, Form, MAX_SECONDS, PolicySpec, required,
};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "cache-store-value",
        attributes: &[
            required("key", Form::Name),
            required("value", Form::Text),
            required("duration", Form::Integer(1, MAX_SECONDS)),
            CACHING_TYPE,
        ],
        content: ContentSpec::Empty,
    },
    sections: ANY_SECTION,
    compile,
};

struct CacheStoreValue {
    key: PolicyValue,
    value: PolicyValue,
    duration: PolicyValue,
}

fn compile(node: &Node<'_>, _: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    Some(Box::new(CacheStoreValue {
        key: node.value("key")?,
        value: node.value("value")?,
        duration: node.value("duration")?,
    }))
}

impl CacheStoreValue {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let key = exchange.text(&self.key).await?;
        let value = exchange.value(&self.value).await?;
        if value.as_stored_response().is_some() {
            let message = "Expression evaluation failed. The cache cannot hold a response.";
            return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
        }
        let ttl = exchange.seconds(&self.duration, 1).await?;
        let shared = std::sync::Arc::clone(&exchange.shared);
        match shared.model.settings.cache_visible {
            CacheVisible::AtOnce => shared.cache.store(&key, &value, ttl).await,
            CacheVisible::AfterRequest => {
                exchange.complete_later(Box::new(Storing { key, value: value.deep_copy(), ttl }));
            }
        }
        Ok(Flow::Next)
    }
}

/// Stores a value at the end of its request.
struct Storing {
    key: String,
    value: Value,
    ttl: Duration,
}

impl Completion for Storing {
    fn leaving<'a>(&'a mut self, exchange: &'a mut Exchange) -> Later<'a> {
        Box::pin(async move {
            exchange.shared.cache.store(&self.key, &self.value, self.ttl).await;
            Ok(())
        })
    }
}

impl Policy for CacheStoreValue {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
