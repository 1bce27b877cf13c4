//! From the raw file to the model. All problems are collected; each points at
//! the place in the file, and at both places where two contradict each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};
use seam::diagnostic::{Diagnostic, Source};
use toml::Spanned;

use super::backends;
use super::load::Documents;
use super::model::{
    Api, Backend, Credentials, ManagedIdentity, Model, Operation, Pool, Product, Subscription,
    SubscriptionScope,
};
use super::raw::{
    RawApi, RawBackend, RawConfig, RawCredentials, RawLogger, RawManagedIdentity, RawOperation,
    RawProduct, RawState, RawSubscription,
};
use super::settings::OperationMatch;
use crate::app::RESERVED_PATHS;
use crate::identity::IdentityConfig;
use crate::pipeline::context::{
    ApiInfo, DeploymentInfo, OperationInfo, ProductInfo, QueryParameter, Url,
};
use crate::pipeline::matching::{Template, segments_of};
use crate::pipeline::url;
use crate::policy::named_values::NamedValues;
use crate::telemetry::sinks::LoggerTarget;

const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);
const DEFAULT_KEY_HEADER: &str = "Ocp-Apim-Subscription-Key";

type Backends = BTreeMap<String, Arc<Backend>>;
type Pools = BTreeMap<String, Arc<Pool>>;

/// The named values, their names checked.
pub(super) fn named_values(
    raw: &RawConfig,
    source: &Source,
    out: &mut Vec<Diagnostic>,
) -> NamedValues {
    let mut unique = Unique::new("named value");
    let mut values = NamedValues::new();
    for value in &raw.named_values {
        let name = value.name.get_ref();
        let sound = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if !sound {
            let message = format!("`{name}` is no name for a named value");
            let help = "use letters, digits, `-`, `.` and `_`";
            out.push(Diagnostic::error(source, value.name.span(), message).help(help));
        }
        unique.check(name, value.name.span(), source, out);
        values.insert(name.clone(), value.value.clone());
    }
    values
}

/// The whole model; `None` after an error that leaves nothing to serve.
pub(super) fn model(
    raw: RawConfig,
    source: &Source,
    documents: &mut Documents<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Model> {
    let mut check = Check { source, documents, out };
    if *raw.version.get_ref() != 1 {
        let message = format!("version {} is not supported", raw.version.get_ref());
        check.error(raw.version.span(), message, "this gateway reads `version = 1`");
    }
    check.fragments(&raw);
    let listen = listen(raw.listen.as_ref(), source).unwrap_or_else(|problem| {
        check.out.push(problem);
        DEFAULT_LISTEN
    });
    let global = match &raw.policies.global {
        Some(file) => check.documents.policies(file),
        None => Some(check.documents.default_global()),
    };
    let loggers = check.loggers(raw.loggers);
    let (backends, pools) = check.backends(raw.backends);
    let apis = check.apis(raw.apis);
    let products = check.products(raw.products, &apis);
    let keyless = apis.iter().any(|api| !api.subscription_required)
        || products.iter().any(|product| !product.info.subscription_required);
    if keyless && let Some(file) = &raw.policies.global {
        check.documents.keyless(file);
    }
    let subscriptions = check.subscriptions(raw.subscriptions, &apis, &products);
    let secrets = raw.named_values.into_iter().filter(|value| value.secret);
    let deployment = DeploymentInfo {
        region: raw.gateway.region,
        service_name: raw.gateway.service_name,
        gateway_id: raw.gateway.gateway_id,
        gateway_instance_id: "gateway-0".to_owned(),
    };
    let lifetime = raw.settings.identity_token_lifetime.0;
    Some(Model {
        listen,
        control_key: raw.control.key.filter(|key| !key.is_empty()),
        deployment: Arc::new(deployment),
        settings: raw.settings,
        tier: raw.gateway.tier,
        global: global?,
        backends,
        loggers,
        identity: IdentityConfig {
            tenant_id: raw.identity.tenant_id,
            object_id: raw.identity.object_id,
            client_id: raw.identity.client_id,
            fail: raw.identity.fail,
            lifetime: lifetime.as_secs(),
        },
        secrets: secrets.map(|value| value.value).collect(),
        pools,
        apis,
        products,
        subscriptions,
    })
}

/// The address to listen on.
pub(super) fn listen(
    listen: Option<&Spanned<String>>,
    source: &Source,
) -> Result<SocketAddr, Diagnostic> {
    let Some(listen) = listen else { return Ok(DEFAULT_LISTEN) };
    listen.get_ref().parse().map_err(|_| {
        let message = format!("`{}` is no address to listen on", listen.get_ref());
        Diagnostic::error(source, listen.span(), message)
            .help("write an IP address and a port: \"127.0.0.1:8000\"")
    })
}

struct Check<'a, 's> {
    source: &'a Source,
    documents: &'a mut Documents<'s>,
    out: &'a mut Vec<Diagnostic>,
}

impl Check<'_, '_> {
    fn error(&mut self, span: Range<usize>, message: impl Into<String>, help: &str) {
        self.out.push(Diagnostic::error(self.source, span, message).help(help));
    }

    fn unique(&mut self, unique: &mut Unique, id: &Spanned<String>) {
        if id.get_ref().trim().is_empty() {
            let message = format!("the {} has an empty id", unique.what);
            self.out.push(Diagnostic::error(self.source, id.span(), message));
        }
        unique.check(id.get_ref(), id.span(), self.source, self.out);
    }

    fn fragments(&mut self, raw: &RawConfig) {
        let mut unique = Unique::new("fragment");
        for fragment in &raw.fragments {
            self.unique(&mut unique, &fragment.id);
        }
    }

    fn url(&mut self, text: &Spanned<String>) -> Option<Url> {
        let problem = match url::parse(text.get_ref()) {
            Ok(url) if url.query.is_empty() => return Some(url),
            Ok(_) => "a base URL has no query".to_owned(),
            Err(message) => message,
        };
        self.error(text.span(), problem, "an example: \"http://localhost:8001/openai\"");
        None
    }

    fn loggers(&mut self, raw: Vec<RawLogger>) -> BTreeMap<String, LoggerTarget> {
        let mut unique = Unique::new("logger");
        let mut loggers = BTreeMap::new();
        for logger in raw {
            self.unique(&mut unique, &logger.id);
            let target = match (logger.file, logger.url) {
                (None, None) => LoggerTarget::Journal,
                (Some(file), None) => {
                    LoggerTarget::File(self.documents.directory().join(file.get_ref()))
                }
                (None, Some(text)) => match url::parse(text.get_ref()).map(|url| url::to_uri(&url))
                {
                    Ok(Ok(uri)) => LoggerTarget::Url(uri),
                    Ok(Err(error)) => {
                        let help = "an example: \"http://localhost:9200/events\"";
                        self.error(text.span(), error.to_string(), help);
                        continue;
                    }
                    Err(message) => {
                        let help = "an example: \"http://localhost:9200/events\"";
                        self.error(text.span(), message, help);
                        continue;
                    }
                },
                (Some(file), Some(url)) => {
                    let message = "a logger writes to a file or to a URL, not both";
                    let problem = Diagnostic::error(self.source, url.span(), message)
                        .also(file.span(), "the file");
                    self.out.push(problem);
                    continue;
                }
            };
            loggers.insert(logger.id.into_inner(), target);
        }
        loggers
    }

    /// Single backends first: a pool may name one that comes after it.
    fn backends(&mut self, raw: Vec<RawBackend>) -> (Backends, Pools) {
        let mut unique = Unique::new("backend");
        let (mut backends, mut pools) = (Backends::new(), Pools::new());
        for backend in &raw {
            self.unique(&mut unique, &backend.id);
            if backend.pool.is_none()
                && let Some(backend) = self.backend(backend)
            {
                backends.insert(backend.id.clone(), Arc::new(backend));
            }
        }
        let pool_ids = raw.iter().filter(|own| own.pool.is_some());
        let pool_ids: Vec<&str> = pool_ids.map(|own| own.id.get_ref().as_str()).collect();
        for own in &raw {
            let Some(pool) = &own.pool else { continue };
            let of_members = [
                ("url", own.url.as_ref().map(Spanned::span)),
                ("protocol", own.protocol.as_ref().map(Spanned::span)),
                ("azure_region", own.azure_region.as_ref().map(Spanned::span)),
                ("credentials", own.credentials.as_ref().map(Spanned::span)),
                ("circuit_breaker", own.circuit_breaker.as_ref().map(Spanned::span)),
            ];
            for (key, span) in of_members {
                if let Some(span) = span {
                    let message = format!("a pool has no `{key}`");
                    self.error(span, message, "its members have their own");
                }
            }
            let mut checker = self.backend_checker();
            let pool = checker.pool(&own.id, pool, &backends, &pool_ids);
            pools.insert(pool.id.clone(), Arc::new(pool));
        }
        (backends, pools)
    }

    fn backend(&mut self, raw: &RawBackend) -> Option<Backend> {
        let id = raw.id.get_ref();
        if raw.url.is_none() {
            let message = format!("backend `{id}` has neither a `url` nor a `pool`");
            self.error(raw.id.span(), message, "an example: `url = \"http://localhost:8001\"`");
        }
        let url = raw.url.as_ref().and_then(|url| self.url(url));
        let mut credentials = Credentials::default();
        if let Some(raw) = &raw.credentials {
            self.credentials(raw.get_ref(), &mut credentials);
        }
        let mut checker = self.backend_checker();
        let breaker = raw.circuit_breaker.as_ref();
        let breaker = breaker.and_then(|raw| checker.breaker(raw.get_ref()));
        let azure_region = raw.azure_region.as_ref().map(|region| region.get_ref().clone());
        Some(Backend { id: id.clone(), url: url?, azure_region, credentials, breaker })
    }

    fn credentials(&mut self, raw: &RawCredentials, credentials: &mut Credentials) {
        for (name, value) in &raw.headers {
            match (HeaderName::from_bytes(name.as_bytes()), header_value(value.get_ref())) {
                (Ok(name), Some(value)) => credentials.headers.push((name, value)),
                (Err(_), _) => {
                    let message = format!("`{name}` is no header name");
                    self.error(value.span(), message, "header names have no spaces or colons");
                }
                (_, None) => {
                    let message =
                        format!("the value of header `{name}` has characters no header may have");
                    self.error(value.span(), message, "is there a line break in it?");
                }
            }
        }
        credentials.query =
            raw.query.iter().map(|(name, value)| QueryParameter::new(name, value)).collect();
        let Some(identity) = &raw.managed_identity else { return };
        let mut headers = raw.headers.iter();
        if let Some((_, value)) =
            headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            let message = "`managed_identity` replaces the header `Authorization` given here";
            let problem = Diagnostic::error(self.source, value.span(), message)
                .also(identity.resource.span(), "the managed identity")
                .help("remove one of them");
            self.out.push(problem);
        }
        credentials.managed_identity = Some(self.managed_identity(identity));
    }

    fn managed_identity(&mut self, raw: &RawManagedIdentity) -> ManagedIdentity {
        let resource = raw.resource.get_ref().trim();
        let example = "an example: `resource = \"https://cognitiveservices.azure.com\"`";
        if resource.is_empty() {
            self.error(raw.resource.span(), "a managed identity without a resource", example);
        } else if let Some(root) = resource.strip_suffix("/.default") {
            let message = format!("`{resource}` is a scope, not a resource");
            let help = format!("write `resource = \"{root}\"`");
            self.error(raw.resource.span(), message, &help);
        }
        let client_id = raw.client_id.as_ref().map(|client| {
            if client.get_ref().trim().is_empty() {
                let help = "remove the line for the system-assigned identity";
                self.error(client.span(), "an empty `client_id`", help);
            }
            client.get_ref().trim().to_owned()
        });
        ManagedIdentity { resource: resource.to_owned(), client_id }
    }

    fn apis(&mut self, raw: Vec<RawApi>) -> Vec<Arc<Api>> {
        let mut ids = Unique::new("API");
        let mut paths = Unique::new("API path");
        let mut apis = Vec::new();
        for api in raw {
            self.unique(&mut ids, &api.id);
            let path = segments_of(api.path.get_ref()).collect::<Vec<_>>().join("/");
            paths.check(&path.to_ascii_lowercase(), api.path.span(), self.source, self.out);
            self.path(&api.path, &path);
            let service_url = api.service_url.as_ref().and_then(|text| self.url(text));
            let policy = api.policy.as_ref().and_then(|file| self.documents.policies(file));
            let header = api.subscription_key.header.as_ref();
            let key_header_text =
                header.map_or(DEFAULT_KEY_HEADER, |header| header.get_ref()).to_owned();
            let key_header = HeaderName::from_bytes(key_header_text.as_bytes());
            if key_header.is_err()
                && let Some(header) = header
            {
                let message = format!("`{key_header_text}` is no header name");
                self.error(header.span(), message, "an example: \"api-key\"");
            }
            if api.operations.is_empty() {
                let message =
                    format!("API `{}` has no operations: every call gets a 404", api.id.get_ref());
                let problem = Diagnostic::warning(self.source, api.id.span(), message)
                    .help("add `[[apis.operations]]`; `url_template = \"/*\"` takes every path");
                self.out.push(problem);
            }
            let operation_files: Vec<_> =
                api.operations.iter().filter_map(|own| own.policy.clone()).collect();
            let operations = self.operations(api.operations);
            if !api.subscription_required {
                for file in api.policy.iter().chain(&operation_files) {
                    self.documents.keyless(file);
                }
            }
            let id = api.id.into_inner();
            let info = ApiInfo {
                name: api.display_name.unwrap_or_else(|| id.clone()),
                id,
                path,
                revision: "1".to_owned(),
                version: String::new(),
                service_url,
                key_header: key_header_text.clone(),
                key_query: api.subscription_key.query.clone(),
            };
            apis.push(Arc::new(Api {
                info: Arc::new(info),
                key_header: key_header.unwrap_or(HeaderName::from_static("api-key")),
                key_header_text,
                key_query: api.subscription_key.query,
                subscription_required: api.subscription_required,
                policy,
                operations,
            }));
        }
        apis
    }

    fn path(&mut self, written: &Spanned<String>, path: &str) {
        if path.contains(['{', '}', '?', '#', '*', ' ']) {
            let message = format!("`{path}` is no API path");
            self.error(
                written.span(),
                message,
                "a path has no parameters and no query; those belong to operations",
            );
        }
        let first = path.split('/').next().unwrap_or_default();
        if RESERVED_PATHS.iter().any(|reserved| first.eq_ignore_ascii_case(reserved)) {
            let message = format!("the path `/{first}` belongs to the gateway itself");
            let help = format!("reserved are /{}", RESERVED_PATHS.join(", /"));
            self.error(written.span(), message, &help);
        }
    }

    fn backend_checker(&mut self) -> backends::Checker<'_> {
        let settings = self.documents.settings();
        backends::Checker { source: self.source, settings, out: self.out }
    }

    fn operations(&mut self, raw: Vec<RawOperation>) -> Vec<Arc<Operation>> {
        let mut ids = Unique::new("operation");
        let mut shapes = Unique::new("method and URL template");
        let mut operations = Vec::new();
        for operation in raw {
            self.unique(&mut ids, &operation.id);
            let method = operation.method.get_ref().trim().to_ascii_uppercase();
            if Method::from_bytes(method.as_bytes()).is_err() {
                let message = format!("`{method}` is no HTTP method");
                self.error(operation.method.span(), message, "an example: \"POST\"");
            }
            let policy = operation.policy.as_ref().and_then(|file| self.documents.policies(file));
            let template = match Template::parse(operation.url_template.get_ref()) {
                Ok(template) => template,
                Err(message) => {
                    self.error(
                        operation.url_template.span(),
                        message,
                        "an example: \"/deployments/{deployment-id}/completions\"",
                    );
                    continue;
                }
            };
            let shape = format!("{method} /{}", template.shape());
            shapes.check(&shape, operation.url_template.span(), self.source, self.out);
            let id = operation.id.into_inner();
            let info = OperationInfo {
                name: operation.display_name.unwrap_or_else(|| id.clone()),
                id,
                method,
                url_template: operation.url_template.into_inner(),
            };
            operations.push(Arc::new(Operation { info: Arc::new(info), template, policy }));
        }
        // The first that fits a request is its operation.
        match self.documents.settings().operation_match {
            OperationMatch::MostSpecific => {
                operations.sort_by_cached_key(|own| own.template.rank());
            }
            OperationMatch::FirstDeclared => {}
        }
        operations
    }

    fn products(&mut self, raw: Vec<RawProduct>, apis: &[Arc<Api>]) -> Vec<Arc<Product>> {
        let mut ids = Unique::new("product");
        let mut products = Vec::new();
        for product in raw {
            self.unique(&mut ids, &product.id);
            let mut members = BTreeSet::new();
            for api in product.apis {
                self.known("API", &api, apis.iter().map(|api| api.info.id.as_str()));
                members.insert(api.into_inner());
            }
            let policy = product.policy.as_ref().and_then(|file| self.documents.policies(file));
            if let Some(file) = product.policy.as_ref().filter(|_| !product.subscription_required) {
                self.documents.keyless(file);
            }
            let id = product.id.into_inner();
            let info = ProductInfo {
                name: product.display_name.unwrap_or_else(|| id.clone()),
                id,
                subscription_required: product.subscription_required,
            };
            products.push(Arc::new(Product { info: Arc::new(info), apis: members, policy }));
        }
        products
    }

    fn subscriptions(
        &mut self,
        raw: Vec<RawSubscription>,
        apis: &[Arc<Api>],
        products: &[Arc<Product>],
    ) -> BTreeMap<String, Arc<Subscription>> {
        let mut ids = Unique::new("subscription");
        // A diagnostic must not print a key.
        let mut keys = Unique::new("subscription key").secret();
        let mut subscriptions = BTreeMap::new();
        for subscription in raw {
            self.unique(&mut ids, &subscription.id);
            for key in [Some(&subscription.primary_key), subscription.secondary_key.as_ref()] {
                let Some(key) = key else { continue };
                if key.get_ref().is_empty() {
                    self.error(
                        key.span(),
                        "a subscription key is empty",
                        "an empty key is the same as none",
                    );
                }
                keys.check(key.get_ref(), key.span(), self.source, self.out);
            }
            let scope = match (subscription.product, subscription.api) {
                (Some(product), Some(api)) => {
                    let message = "a subscription is for a product or for an API, not both";
                    let problem = Diagnostic::error(self.source, api.span(), message)
                        .also(product.span(), "the product");
                    self.out.push(problem);
                    SubscriptionScope::AllApis
                }
                (Some(product), None) => {
                    self.known("product", &product, products.iter().map(|p| p.info.id.as_str()));
                    let mut products = products.iter();
                    let found = products.find(|found| found.info.id == *product.get_ref());
                    // An unknown one was reported: nothing will be served.
                    found.map_or(SubscriptionScope::AllApis, |product| {
                        SubscriptionScope::Product(Arc::clone(product))
                    })
                }
                (None, Some(api)) => {
                    self.known("API", &api, apis.iter().map(|api| api.info.id.as_str()));
                    SubscriptionScope::Api(api.into_inner())
                }
                (None, None) => SubscriptionScope::AllApis,
            };
            let id = subscription.id.into_inner();
            let subscription = Arc::new(Subscription {
                name: subscription.display_name.unwrap_or_else(|| id.clone()),
                id,
                scope,
                primary_key: subscription.primary_key.into_inner(),
                secondary_key: subscription.secondary_key.map(Spanned::into_inner),
                active: subscription.state == RawState::Active,
            });
            for key in [Some(&subscription.primary_key), subscription.secondary_key.as_ref()] {
                subscriptions.extend(key.map(|key| (key.clone(), Arc::clone(&subscription))));
            }
        }
        subscriptions
    }

    fn known<'n>(
        &mut self,
        what: &str,
        id: &Spanned<String>,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        if known.clone().all(|name| name != id.get_ref()) {
            let message = format!("unknown {what} `{}`", id.get_ref());
            let problem = Diagnostic::error(self.source, id.span(), message)
                .did_you_mean(id.get_ref(), known);
            self.out.push(problem);
        }
    }
}

/// Credentials are marked, so that no trace prints them.
fn header_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Finds names given twice.
struct Unique {
    what: &'static str,
    show: Show,
    seen: BTreeMap<String, Range<usize>>,
}

#[derive(PartialEq, Eq)]
enum Show {
    Name,
    Nothing,
}

impl Unique {
    fn new(what: &'static str) -> Self {
        Self { what, show: Show::Name, seen: BTreeMap::new() }
    }

    fn secret(self) -> Self {
        Self { show: Show::Nothing, ..self }
    }

    fn check(
        &mut self,
        name: &str,
        span: Range<usize>,
        source: &Source,
        out: &mut Vec<Diagnostic>,
    ) {
        if let Some(first) = self.seen.get(name) {
            let what = self.what;
            let message = match self.show {
                Show::Name => format!("{what} `{name}` is defined twice"),
                Show::Nothing => format!("two {what}s are the same"),
            };
            out.push(Diagnostic::error(source, span, message).also(first.clone(), "first here"));
        } else {
            self.seen.insert(name.to_owned(), span);
        }
    }
}
