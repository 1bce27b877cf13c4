//! Subscription keys (specification 1.2): who calls, and through which product.

use std::sync::Arc;

use http::HeaderMap;

use super::context::Url;
use crate::config::model::{Api, Model, Product, Subscription, SubscriptionScope};
use crate::config::settings::{KeyLookup, WideKeyProduct};

/// Under what a request is let in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admission {
    /// The subscription and the key that was sent.
    pub(crate) subscription: Option<(Arc<Subscription>, String)>,
    /// The product whose policies apply.
    pub(crate) product: Option<Arc<Product>>,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No key was sent, and one is needed.
    Missing,
    /// The key is unknown, inactive, or for something else.
    Invalid,
}

/// Looks at the key in the API's header and in its query parameter, in the order
/// that the settings give.
pub(crate) fn admit(
    model: &Model,
    api: &Api,
    headers: &HeaderMap,
    url: &Url,
) -> Result<Admission, Refusal> {
    // An empty key is none.
    let in_header = || headers.get(&api.key_header).and_then(|value| value.to_str().ok());
    let in_query = || {
        let mut query = url.query.iter();
        query.find(|own| own.name == api.key_query).map(|own| own.value.as_str())
    };
    let given = |key: &&str| !key.is_empty();
    let key = match model.settings.key_lookup {
        KeyLookup::HeaderFirst => in_header().filter(given).or_else(|| in_query().filter(given)),
        KeyLookup::QueryFirst => in_query().filter(given).or_else(|| in_header().filter(given)),
    };
    let found = key.and_then(|key| find(model, api, key));
    match (key, found) {
        (_, Some(admission)) => Ok(admission),
        (None, None) => match open_product(model, api) {
            Some(product) => Ok(Admission { subscription: None, product: Some(product) }),
            None if api.subscription_required => Err(Refusal::Missing),
            None => Ok(Admission::default()),
        },
        (Some(_), None) if api.subscription_required => Err(Refusal::Invalid),
        (Some(_), None) => Ok(Admission::default()),
    }
}

fn find(model: &Model, api: &Api, key: &str) -> Option<Admission> {
    let subscription = model.subscriptions.get(key).filter(|found| found.active)?;
    let product = match &subscription.scope {
        SubscriptionScope::AllApis => product_of_wide_key(model, api),
        SubscriptionScope::Api(only) if *only == api.info.id => product_of_wide_key(model, api),
        SubscriptionScope::Product(product) if product.apis.contains(&api.info.id) => {
            Some(Arc::clone(product))
        }
        SubscriptionScope::Api(_) | SubscriptionScope::Product(_) => return None,
    };
    Some(Admission { subscription: Some((Arc::clone(subscription), key.to_owned())), product })
}

/// The product of a call whose key belongs to none.
fn product_of_wide_key(model: &Model, api: &Api) -> Option<Arc<Product>> {
    match model.settings.wide_key_product {
        WideKeyProduct::None => None,
        WideKeyProduct::First => {
            model.products.iter().find(|product| product.apis.contains(&api.info.id)).cloned()
        }
    }
}

/// A product that needs no subscription lets keyless calls in under its policies.
fn open_product(model: &Model, api: &Api) -> Option<Arc<Product>> {
    model
        .products
        .iter()
        .find(|product| !product.info.subscription_required && product.apis.contains(&api.info.id))
        .cloned()
}
