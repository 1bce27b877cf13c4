//! A fault as people write it, in the file, in a `PATCH` and in a header.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::{Deserialize, Serialize};

/// What goes wrong on purpose, when, and for which requests. Which keys a kind
/// has is said at each.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Name in the journal, in the metrics and for `DELETE /++/faults/{name}`;
    /// unique in its resource. Default: the kind, with a number from the second on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What happens.
    pub kind: FaultKind,

    /// `status`: the status of the reply, 400 to 599.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `status`, `error_event`: the message. Default: the service's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `status = 429`: the limit it names. Default: "tokens" of a pay-as-you-go
    /// deployment, "utilization" of a provisioned one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<FaultLimit>,
    /// `status`, `headers`: value of `retry-after`, in seconds, on replies that
    /// clients retry (408, 409, 429, 5xx). Default of `status = 429`: 1, or
    /// `retry_after_ms` rounded up; of others: no such header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// `status`, `headers`: value of `retry-after-ms`, on the same replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// `status`, `headers`: headers as they were really seen, undocumented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<FaultAnomaly>,
    /// `status`, `headers`: headers to set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_headers: Option<BTreeMap<String, String>>,
    /// `status`, `headers`: headers to leave out, `retry-after` for instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omit_headers: Option<Vec<String>>,

    /// `reset`, `stall`, `cut`, `error_event`, `malformed`: how many tokens come
    /// before; in a shorter answer, all of them. An answer that is not streamed
    /// breaks in the middle of its body. Without it `reset` and `stall` come
    /// before the headers; for the others the default is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_tokens: Option<u64>,
    /// `stall`: how long. Default: until the client gives up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<HumanDuration>,
    /// `trickle`: bytes that leave at once. Default 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// `trickle`: time between them. Default "50ms".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<HumanDuration>,

    /// When it begins. Times count from the start of the simulator for a fault in
    /// the file, from the change for one set while it runs. Default "0s".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<HumanDuration>,
    /// When it ends. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<HumanDuration>,
    /// Repeats it: `from` and `until` count from the start of each such period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<HumanDuration>,
    /// How many requests it strikes; then no more. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How many requests pass before the first is struck. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// Share of the requests it strikes, 0 to 1, drawn from the seed. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// What the draw depends on beside the seed: "request" (default), the order of
    /// arrival; "correlation_id", the request's `x-ms-client-request-id`: the same
    /// requests are struck in whatever order they come, and each time they come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyed_by: Option<FaultKey>,

    /// Of a resource's fault: only these deployments. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployments: Option<Vec<String>>,
    /// Only these operations, "chat" or "embeddings" for instance. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<String>>,
    /// Only requests with this `x-ms-client-request-id`; with a `*` at the end,
    /// with one that starts so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Only streamed requests (true), or only others (false).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// `status`, `reset` without `after_tokens`: before admission (default), so
    /// that the limiter never hears of the request, or after it, as an error of
    /// the model. All other kinds strike admitted requests only; `headers` strikes
    /// every reply of the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<FaultStage>,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// An error instead of an answer, with the service's own body.
    #[default]
    Status,
    /// Nobody listens: connections to the resource are refused. In the file or by
    /// live control of a resource only, with `from`, `until` and `every`. Over
    /// sockets the live control is gone as well until it ends.
    Refuse,
    /// The connection is reset, before the headers or in the middle of the answer.
    Reset,
    /// Nothing comes for a while, or ever.
    Stall,
    /// The answer ends too early, and the connection with it.
    Cut,
    /// A stream ends with an error event. Strikes streamed requests only.
    ErrorEvent,
    /// One event of a stream, or the whole answer, is broken JSON.
    Malformed,
    /// The answer leaves in small pieces.
    Trickle,
    /// The reply is as it would have been, with other headers.
    Headers,
}

/// Which limit an injected 429 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultLimit {
    /// Tokens per minute.
    Tokens,
    /// Requests per minute.
    Requests,
    /// The service's own high demand.
    PeakLoad,
    /// Utilisation of a provisioned deployment.
    Utilization,
}

/// Sets of headers that were really seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultAnomaly {
    /// November 2025: `x-ratelimit-limit-*` and `-remaining-*` are -1, `-reset-*`
    /// are 0, no `retry-after`.
    NegativeLimits,
    /// December 2023: `x-rate-limit-reset-tokens` (with that hyphen) instead of
    /// `retry-after`.
    HyphenatedReset,
    /// `retry-after: 1` beside `retry-after-ms: 0`.
    ZeroMilliseconds,
}

/// What a fault's draw depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKey {
    /// The request's number, in order of arrival.
    Request,
    /// Its `x-ms-client-request-id`; without one, its number.
    CorrelationId,
}

/// Where in the pipeline a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultStage {
    /// Before the limiter.
    BeforeAdmission,
    /// After it: tokens are counted.
    AfterAdmission,
}
