//! The checked configuration: every name resolved, every document compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::raw::RawTier;
use super::settings::Settings;
use crate::backend::breaker::BreakerRule;
use crate::identity::IdentityConfig;
use crate::pipeline::context::{
    ApiInfo, DeploymentInfo, OperationInfo, ProductInfo, QueryParameter, Url,
};
use crate::pipeline::matching::Template;
use crate::policy::document::PolicyDocument;
use crate::telemetry::sinks::LoggerTarget;

/// Everything a gateway serves.
pub(crate) struct Model {
    pub(crate) listen: SocketAddr,
    pub(crate) control_key: Option<String>,
    pub(crate) deployment: Arc<DeploymentInfo>,
    pub(crate) settings: Settings,
    pub(crate) tier: RawTier,
    pub(crate) global: Arc<PolicyDocument>,
    pub(crate) backends: BTreeMap<String, Arc<Backend>>,
    pub(crate) loggers: BTreeMap<String, LoggerTarget>,
    pub(crate) identity: IdentityConfig,
    /// Named values no trace prints.
    pub(crate) secrets: Vec<String>,
    /// No id is a backend's and a pool's.
    pub(crate) pools: BTreeMap<String, Arc<Pool>>,
    pub(crate) apis: Vec<Arc<Api>>,
    pub(crate) products: Vec<Arc<Product>>,
    /// By key: a subscription with two keys is here twice.
    pub(crate) subscriptions: BTreeMap<String, Arc<Subscription>>,
}

/// An API.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) info: Arc<ApiInfo>,
    pub(crate) key_header: HeaderName,
    /// As written: header names lose their case.
    pub(crate) key_header_text: String,
    pub(crate) key_query: String,
    pub(crate) subscription_required: bool,
    pub(crate) policy: Option<Arc<PolicyDocument>>,
    pub(crate) operations: Vec<Arc<Operation>>,
}

/// An operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) info: Arc<OperationInfo>,
    pub(crate) template: Template,
    pub(crate) policy: Option<Arc<PolicyDocument>>,
}

/// A backend.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) id: String,
    pub(crate) url: Url,
    pub(crate) azure_region: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) breaker: Option<BreakerRule>,
}

/// A pool of backends.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) id: String,
    pub(crate) members: Vec<Member>,
    /// The cookie that keeps a client with one member.
    pub(crate) session_cookie: Option<String>,
}

/// A member of a pool.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) backend: Arc<Backend>,
    /// The lowest number first.
    pub(crate) priority: u8,
    /// Its share; with 0 it gets no calls.
    pub(crate) weight: u8,
}

/// What a backend's requests carry. Never printed.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) query: Vec<QueryParameter>,
    /// Its token replaces `Authorization`.
    pub(crate) managed_identity: Option<ManagedIdentity>,
}

/// Whose token a backend's requests carry.
#[derive(Debug)]
pub(crate) struct ManagedIdentity {
    pub(crate) resource: String,
    pub(crate) client_id: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.iter().map(|(name, _)| name.as_str());
        f.debug_set()
            .entries(headers)
            .entries(self.query.iter().map(|own| &own.name))
            .entries(&self.managed_identity)
            .finish()
    }
}

/// A product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) info: Arc<ProductInfo>,
    pub(crate) apis: BTreeSet<String>,
    pub(crate) policy: Option<Arc<PolicyDocument>>,
}

/// A subscription.
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scope: SubscriptionScope,
    pub(crate) primary_key: String,
    pub(crate) secondary_key: Option<String>,
    pub(crate) active: bool,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// What a subscription is for.
#[derive(Debug, Clone)]
pub(crate) enum SubscriptionScope {
    /// Every API, without a product's policies.
    AllApis,
    /// One API, by id.
    Api(String),
    /// A product.
    Product(Arc<Product>),
}
