//! The file as written. Doc comments are the reference: the JSON Schema
//! carries them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::backends::{RawCircuitBreaker, RawPool};
use super::settings::Settings;

/// The configuration of a gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "gateway.toml")]
pub(crate) struct RawConfig {
    /// The format's version: 1.
    #[schemars(with = "u32", range(min = 1, max = 1))]
    pub(crate) version: Spanned<u32>,
    /// Address and port to listen on; `127.0.0.1:8000` by default.
    #[schemars(with = "Option<String>")]
    pub(crate) listen: Option<Spanned<String>>,
    /// What `context.Deployment` says.
    #[serde(default)]
    pub(crate) gateway: RawGateway,
    /// Access to the paths under `/++/`.
    #[serde(default)]
    pub(crate) control: RawControl,
    /// Switches and bounds.
    #[serde(default)]
    pub(crate) settings: Settings,
    /// Policies for all APIs.
    #[serde(default)]
    pub(crate) policies: RawPolicies,
    /// Policy fragments, for `include-fragment`.
    #[serde(default)]
    pub(crate) fragments: Vec<RawFragment>,
    /// Named values, pasted into documents for `{{name}}`.
    #[serde(default)]
    pub(crate) named_values: Vec<RawNamedValue>,
    /// Where `log-to-eventhub` sends.
    #[serde(default)]
    pub(crate) loggers: Vec<RawLogger>,
    /// What `authentication-managed-identity` and backends' `managed_identity` get.
    #[serde(default)]
    pub(crate) identity: RawIdentity,
    /// Who issues the tokens that `validate-jwt` accepts, where it is not Entra.
    #[serde(default)]
    pub(crate) token_issuers: Vec<RawTokenIssuer>,
    /// Where requests can be sent.
    #[serde(default)]
    pub(crate) backends: Vec<RawBackend>,
    /// What clients can call.
    #[serde(default)]
    pub(crate) apis: Vec<RawApi>,
    /// Groups of APIs with policies of their own.
    #[serde(default)]
    pub(crate) products: Vec<RawProduct>,
    /// Who may call.
    #[serde(default)]
    pub(crate) subscriptions: Vec<RawSubscription>,
}

/// What `context.Deployment` says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Gateway")]
pub(crate) struct RawGateway {
    /// `context.Deployment.Region`.
    pub(crate) region: String,
    /// `context.Deployment.ServiceName`.
    pub(crate) service_name: String,
    /// `context.Deployment.Gateway.Id`; `managed` is the cloud gateway.
    pub(crate) gateway_id: String,
    /// The tier whose algorithms are imitated.
    pub(crate) tier: RawTier,
}

impl Default for RawGateway {
    fn default() -> Self {
        Self {
            region: "local".to_owned(),
            service_name: "gateway".to_owned(),
            gateway_id: "managed".to_owned(),
            tier: RawTier::Classic,
        }
    }
}

/// A tier of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Tier")]
pub(crate) enum RawTier {
    /// Developer, Basic, Standard, Premium.
    Classic,
    /// Basic v2, Standard v2, Premium v2.
    V2,
}

/// Access to the paths under `/++/`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Control")]
pub(crate) struct RawControl {
    /// When set, requests must carry it in header `api-key`.
    pub(crate) key: Option<String>,
}

/// Policies for all APIs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Policies")]
pub(crate) struct RawPolicies {
    /// The global policy document. Without one the platform's default holds: `forward-request` in backend.
    #[schemars(with = "Option<String>")]
    pub(crate) global: Option<Spanned<String>>,
}

/// A policy fragment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fragment")]
pub(crate) struct RawFragment {
    /// What `include-fragment` calls it.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// Its document, relative to this file.
    #[schemars(with = "String")]
    pub(crate) file: Spanned<String>,
}

/// A named value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NamedValue")]
pub(crate) struct RawNamedValue {
    /// Letters, digits, `-`, `.` and `_`.
    #[schemars(with = "String")]
    pub(crate) name: Spanned<String>,
    /// The text that is pasted in.
    pub(crate) value: String,
    /// `true`: traces do not print it.
    #[serde(default)]
    pub(crate) secret: bool,
}

/// Where events of `log-to-eventhub` go. Without `file` and `url`: to the
/// journal only, which has them in any case.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Logger")]
pub(crate) struct RawLogger {
    /// What `log-to-eventhub logger-id` calls it.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// A file, relative to this one; each event appends a JSON line.
    #[schemars(with = "Option<String>")]
    pub(crate) file: Option<Spanned<String>>,
    /// A URL each event is posted to.
    #[schemars(with = "Option<String>")]
    pub(crate) url: Option<Spanned<String>>,
}

/// What the local tokens of managed identities say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Identity")]
pub(crate) struct RawIdentity {
    /// The claim `tid`.
    pub(crate) tenant_id: String,
    /// The claims `oid` and `sub`.
    pub(crate) object_id: String,
    /// The claim `appid` where neither policy nor backend names a client.
    pub(crate) client_id: String,
    /// Resources for which no token is given, to test what happens then.
    pub(crate) fail: Vec<String>,
}

impl Default for RawIdentity {
    fn default() -> Self {
        Self {
            tenant_id: seam::token::TENANT_ID.to_owned(),
            object_id: seam::token::OBJECT_ID.to_owned(),
            client_id: seam::token::CLIENT_ID.to_owned(),
            fail: Vec::new(),
        }
    }
}

/// What the OpenID configuration at a URL would say. Nothing is fetched; Entra's
/// URLs that are not given here mean the local tokens of this bench.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TokenIssuer")]
pub(crate) struct RawTokenIssuer {
    /// The URL that `openid-config` in a document names.
    #[schemars(with = "String")]
    pub(crate) openid_config: Spanned<String>,
    /// The claim `iss` of its tokens.
    #[schemars(with = "String")]
    pub(crate) issuer: Spanned<String>,
    /// Its keys: a JWK set, relative to this file. Without one: the key of this
    /// bench's local tokens.
    #[schemars(with = "Option<String>")]
    pub(crate) keys: Option<Spanned<String>>,
}

/// A backend: one with a `url`, or a `pool` of such.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Backend")]
pub(crate) struct RawBackend {
    /// What `set-backend-service backend-id` calls it.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// The base URL; the path below the API's path is appended.
    #[schemars(with = "Option<String>")]
    pub(crate) url: Option<Spanned<String>>,
    /// How it is spoken to: only HTTP.
    #[schemars(with = "Option<RawProtocol>")]
    pub(crate) protocol: Option<Spanned<RawProtocol>>,
    /// `context.Backend.AzureRegion`.
    #[schemars(with = "Option<String>")]
    pub(crate) azure_region: Option<Spanned<String>>,
    /// What each request to it carries.
    #[serde(default)]
    #[schemars(with = "Option<RawCredentials>")]
    pub(crate) credentials: Option<Spanned<RawCredentials>>,
    /// When it is left alone, and for how long.
    #[schemars(with = "Option<RawCircuitBreaker>")]
    pub(crate) circuit_breaker: Option<Spanned<RawCircuitBreaker>>,
    /// Its members, if it is a pool; each has its own URL, credentials and
    /// circuit breaker.
    pub(crate) pool: Option<RawPool>,
}

/// A protocol.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Protocol")]
pub(crate) enum RawProtocol {
    /// HTTP.
    Http,
}

/// What each request to a backend carries: headers and query parameters that
/// replace those of the same name, and the token of a managed identity.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Credentials")]
pub(crate) struct RawCredentials {
    /// Headers by name.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) headers: BTreeMap<String, Spanned<String>>,
    /// Query parameters by name.
    pub(crate) query: BTreeMap<String, String>,
    /// The identity whose token replaces the header `Authorization`.
    pub(crate) managed_identity: Option<RawManagedIdentity>,
}

/// A managed identity; its tokens are local ones, as `identity` says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ManagedIdentity")]
pub(crate) struct RawManagedIdentity {
    /// What its tokens are for: the claim `aud`.
    #[schemars(with = "String")]
    pub(crate) resource: Spanned<String>,
    /// The claim `appid` of a user-assigned identity; `client_id` of `identity`
    /// by default.
    #[schemars(with = "Option<String>")]
    pub(crate) client_id: Option<Spanned<String>>,
}

/// An API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Api")]
pub(crate) struct RawApi {
    /// Identifier.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// The path prefix clients call, without slashes around it.
    #[schemars(with = "String")]
    pub(crate) path: Spanned<String>,
    /// `context.Api.Name`; the id by default.
    pub(crate) display_name: Option<String>,
    /// The backend's base URL where no policy chooses one.
    #[schemars(with = "Option<String>")]
    pub(crate) service_url: Option<Spanned<String>>,
    /// Its policy document, relative to this file.
    #[schemars(with = "Option<String>")]
    pub(crate) policy: Option<Spanned<String>>,
    /// Whether calls need a subscription key.
    #[serde(default = "yes")]
    pub(crate) subscription_required: bool,
    /// Where the key is looked for.
    #[serde(default)]
    pub(crate) subscription_key: RawSubscriptionKey,
    /// What can be called.
    #[serde(default)]
    pub(crate) operations: Vec<RawOperation>,
}

/// Where the subscription key is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SubscriptionKey")]
pub(crate) struct RawSubscriptionKey {
    /// The header's name.
    #[schemars(with = "String")]
    pub(crate) header: Option<Spanned<String>>,
    /// The query parameter's name.
    pub(crate) query: String,
}

impl Default for RawSubscriptionKey {
    fn default() -> Self {
        Self { header: None, query: "subscription-key".to_owned() }
    }
}

/// An operation of an API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Operation")]
pub(crate) struct RawOperation {
    /// Identifier, unique in its API.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// `context.Operation.Name`; the id by default.
    pub(crate) display_name: Option<String>,
    /// HTTP method.
    #[schemars(with = "String")]
    pub(crate) method: Spanned<String>,
    /// Path below the API's: `/deployments/{deployment-id}/completions`;
    /// `{*rest}` at the end matches all that follows.
    #[schemars(with = "String")]
    pub(crate) url_template: Spanned<String>,
    /// Its policy document, relative to this file.
    #[schemars(with = "Option<String>")]
    pub(crate) policy: Option<Spanned<String>>,
}

/// A product.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Product")]
pub(crate) struct RawProduct {
    /// Identifier.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// `context.Product.Name`; the id by default.
    pub(crate) display_name: Option<String>,
    /// Ids of its APIs.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) apis: Vec<Spanned<String>>,
    /// Its policy document, relative to this file.
    #[schemars(with = "Option<String>")]
    pub(crate) policy: Option<Spanned<String>>,
    /// `false`: its APIs can be called without a key.
    #[serde(default = "yes")]
    pub(crate) subscription_required: bool,
}

/// A subscription: to a product, to one API, or to all APIs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Subscription")]
pub(crate) struct RawSubscription {
    /// Identifier.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// `context.Subscription.Name`; the id by default.
    pub(crate) display_name: Option<String>,
    /// The product it is for.
    #[schemars(with = "Option<String>")]
    pub(crate) product: Option<Spanned<String>>,
    /// The API it is for.
    #[schemars(with = "Option<String>")]
    pub(crate) api: Option<Spanned<String>>,
    /// The key callers send.
    #[schemars(with = "String")]
    pub(crate) primary_key: Spanned<String>,
    /// Another key that works.
    #[schemars(with = "Option<String>")]
    pub(crate) secondary_key: Option<Spanned<String>>,
    /// Only an active one lets callers in.
    #[serde(default)]
    pub(crate) state: RawState,
}

/// A subscription's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "State")]
pub(crate) enum RawState {
    /// Works.
    #[default]
    Active,
    /// Blocked by its owner.
    Suspended,
    /// Asked for, not granted.
    Submitted,
    /// Refused.
    Rejected,
    /// Ended by its owner.
    Cancelled,
    /// Ran out.
    Expired,
}

fn yes() -> bool {
    true
}
