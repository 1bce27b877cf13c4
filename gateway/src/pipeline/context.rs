//! The state of one request as policies and expressions see it: data only.
//!
//! The pipeline fills and changes it; `crate::expr` reads it as the C# object
//! `context`. Bodies are buffered by the pipeline *before* an expression that
//! reads them runs (see [`crate::expr::Reads`]), so evaluation stays synchronous.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use indexmap::IndexMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxBuildHasher;
use seam::clock::WallClock;
use seam::http::Body;
use tokio::time::Instant;

use crate::expr::Value;

/// Variables by name. Names are the policies', so nobody can choose some that collide.
pub type Variables = IndexMap<String, Value, FxBuildHasher>;

/// Everything one request carries through its pipeline.
pub struct Context {
    /// `context.RequestId`: 128 random bits from the run's seed.
    pub request_id: u128,
    /// When the request arrived; `context.Timestamp` and `context.Elapsed`.
    pub started: Instant,
    /// Tells dates; `DateTime.UtcNow`.
    pub clock: WallClock,
    /// `context.Variables`, in order of creation.
    pub variables: Variables,
    /// `context.Request`.
    pub request: RequestState,
    /// `context.Response`: 200 OK until a backend or a policy answers
    /// (specification 5.2), and null only where a setting says so.
    pub response: ResponseState,
    /// `context.Api`; null only when no API matched.
    pub api: Option<Arc<ApiInfo>>,
    /// `context.Operation`.
    pub operation: Option<Arc<OperationInfo>>,
    /// `context.Product`; null without a product subscription.
    pub product: Option<Arc<ProductInfo>>,
    /// `context.Subscription`; null without a key.
    pub subscription: Option<Arc<SubscriptionInfo>>,
    /// `context.Backend`: what the last `set-backend-service` selected, from a
    /// pool's call on with what is known of its member.
    pub backend: Option<Arc<BackendInfo>>,
    /// `context.Deployment`.
    pub deployment: Arc<DeploymentInfo>,
    /// `context.LastError`; null outside on-error.
    pub last_error: Option<LastError>,
    /// `new Random()`, `Guid.NewGuid()`: this request's own stream.
    pub random: ChaCha8Rng,
    /// `context.Trace(message)`, until the pipeline hands them on.
    pub trace: Vec<String>,
    /// Answers of `send-request`, by the variable each belongs to.
    pub stored_responses: IndexMap<String, ResponseState>,
    /// `context.Tracing`: somebody asked for this request's trace.
    pub tracing: bool,
}

/// One request's variables hold at most so many responses.
const MAX_STORED_RESPONSES: usize = 32;

impl Context {
    /// Keeps a response for a variable, in place of one it held before: the
    /// variable's value. `None` when there are too many.
    pub(crate) fn store_response(
        &mut self,
        variable: &str,
        response: ResponseState,
    ) -> Option<Value> {
        let known = self.stored_responses.contains_key(variable);
        if !known && MAX_STORED_RESPONSES <= self.stored_responses.len() {
            return None;
        }
        let (at, _) = self.stored_responses.insert_full(variable.to_owned(), response);
        Some(Value::stored_response(at))
    }

    /// The response a variable holds.
    pub(crate) fn stored_response(&self, variable: &str) -> Option<&ResponseState> {
        let at = self.variables.get(variable)?.as_stored_response()?;
        self.stored_responses.get_index(at).map(|(_, response)| response)
    }
}

/// `context.Request`.
pub struct RequestState {
    /// Upper-case method.
    pub method: String,
    /// The URL as rewritten so far (the backend's after `set-backend-service`).
    pub url: Url,
    /// The URL the client called.
    pub original_url: Url,
    /// Headers to forward.
    pub headers: HeaderMap,
    /// The body.
    pub body: MessageBody,
    /// The client's address.
    pub ip_address: String,
    /// Template parameters, decoded, in template order.
    pub matched_parameters: Vec<(String, String)>,
}

/// `context.Response`.
pub struct ResponseState {
    /// Status code.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// Headers for the client.
    pub headers: HeaderMap,
    /// The body; a stream until something needs all of it.
    pub body: MessageBody,
    /// Expressions find null: only as the settings `response_before_backend`
    /// and `response_on_transport_error` say.
    pub null: bool,
}

/// A message's body.
pub enum MessageBody {
    /// There is none: `Body` is null.
    Absent,
    /// Read by `As<T>()` without `preserveContent`; gone.
    Consumed,
    /// Complete.
    Bytes(Bytes),
    /// Still arriving.
    Stream(Body),
}

/// A URL in parts, as `IUrl` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `http` or `https`.
    pub scheme: String,
    /// Host name, no port.
    pub host: String,
    /// Port, the scheme's default when none is written.
    pub port: u16,
    /// Path, percent-encoded as received, with its leading slash.
    pub path: String,
    /// Query parameters in order; names may repeat.
    pub query: Vec<QueryParameter>,
}

/// A query parameter: what it means, and how it was written. A backend gets
/// the client's own bytes: `a+b` and `a%20b` mean the same, but a signature
/// over the query tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryParameter {
    /// Its name, decoded.
    pub name: String,
    /// Its value, decoded; empty without `=`.
    pub value: String,
    written: String,
}

/// What stays as it is in a query's names and values.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b',')
    .remove(b'/')
    .remove(b'@')
    .remove(b'*');

impl QueryParameter {
    /// A parameter of our own, encoded as needed.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        let encoded = |text| utf8_percent_encode(text, QUERY);
        let written = format!("{}={}", encoded(name), encoded(value));
        Self { name: name.to_owned(), value: value.to_owned(), written }
    }

    /// A parameter as it stands between two `&`.
    #[must_use]
    pub fn parse(written: &str) -> Self {
        let decoded = |text: &str| {
            if !text.contains(['+', '%']) {
                return text.to_owned();
            }
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let (name, value) = written.split_once('=').unwrap_or((written, ""));
        Self { name: decoded(name), value: decoded(value), written: written.to_owned() }
    }
}

impl Url {
    /// The query with its `?`; empty without parameters.
    #[must_use]
    pub fn query_string(&self) -> String {
        let mut text = String::new();
        self.write_query(&mut text);
        text
    }

    /// The query at the end of a text, with its `?`.
    pub(crate) fn write_query(&self, text: &mut String) {
        let mut before = '?';
        for parameter in &self.query {
            text.push(before);
            text.push_str(&parameter.written);
            before = '&';
        }
    }
}

/// `context.Api`.
#[derive(Debug, Clone, Default)]
pub struct ApiInfo {
    /// Identifier.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Path suffix under the gateway.
    pub path: String,
    /// Revision, `1` by default.
    pub revision: String,
    /// Version, empty when unversioned.
    pub version: String,
    /// `serviceUrl`, if any.
    pub service_url: Option<Url>,
    /// The header that carries the subscription key.
    pub key_header: String,
    /// The query parameter that may carry it.
    pub key_query: String,
}

/// `context.Operation`.
#[derive(Debug, Clone, Default)]
pub struct OperationInfo {
    /// Identifier.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Upper-case method.
    pub method: String,
    /// URL template below the API's path.
    pub url_template: String,
}

/// `context.Product`.
#[derive(Debug, Clone, Default)]
pub struct ProductInfo {
    /// Identifier.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Whether calls need a key.
    pub subscription_required: bool,
}

/// `context.Subscription`.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionInfo {
    /// Identifier.
    pub id: String,
    /// Display name.
    pub name: String,
    /// The key the caller sent.
    pub key: String,
    /// Primary key.
    pub primary_key: String,
    /// Secondary key.
    pub secondary_key: String,
    /// When it came to be: when the gateway started, since the Unix epoch.
    pub created: std::time::Duration,
}

/// `context.Backend`.
#[derive(Debug, Clone, Default)]
pub struct BackendInfo {
    /// Identifier.
    pub id: String,
    /// `Single` or `Pool`.
    pub kind: String,
    /// The region of the backend, or of a pool's called member; null without.
    pub azure_region: Option<String>,
}

/// `context.Deployment`.
#[derive(Debug, Clone, Default)]
pub struct DeploymentInfo {
    /// `Region`.
    pub region: String,
    /// `ServiceName`.
    pub service_name: String,
    /// `Gateway.Id`: `managed` for the cloud gateway.
    pub gateway_id: String,
    /// `Gateway.InstanceId`.
    pub gateway_instance_id: String,
}

/// `context.LastError` (specification 1.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastError {
    /// The policy or built-in step that failed.
    pub source: String,
    /// Machine-readable reason.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// `global`, `product`, `api` or `operation`.
    pub scope: String,
    /// `inbound`, `backend`, `outbound` or `on-error`.
    pub section: String,
    /// Where in the document: `choose[3]/when[2]`.
    pub path: String,
    /// The policy's `id` attribute.
    pub policy_id: String,
}
