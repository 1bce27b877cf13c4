//! Every behaviour that the specification infers: a setting switches it, or a
//! reason says why nothing does.

/// A behaviour that was inferred, not documented.
pub(super) struct Inference {
    /// What decides it.
    pub(super) by: By,
    /// Where the specification speaks of it.
    pub(super) section: &'static str,
    /// What this gateway does.
    pub(super) text: &'static str,
}

/// What decides an inferred behaviour.
#[derive(Clone, Copy)]
pub(super) enum By {
    /// The setting of this name.
    Setting(&'static str),
    /// Nothing: the reason why.
    Reason(&'static str),
}

const fn switch(setting: &'static str, section: &'static str, text: &'static str) -> Inference {
    Inference { by: By::Setting(setting), section, text }
}

const fn fixed(section: &'static str, text: &'static str, why: &'static str) -> Inference {
    Inference { by: By::Reason(why), section, text }
}

pub(super) const INFERENCES: &[Inference] = &[
    switch(
        "outbound_after_return_response",
        "1",
        "after return-response in inbound or backend outbound does not run",
    ),
    switch("wide_key_product", "1", "a key of all APIs or of one API brings no product scope"),
    switch("fragment_nesting", "1", "fragments may include fragments"),
    switch(
        "unknown_named_value",
        "1",
        "{{name}} of no named value is an error, but for interpolated strings",
    ),
    switch("key_check", "1", "the operation is matched before the key is checked"),
    switch("preflight", "1", "preflight requests are answered before the key is checked"),
    switch(
        "error_in_on_error",
        "1",
        "an error raised inside on-error stops it; the original error is sent",
    ),
    switch(
        "operation_match",
        "1.1",
        "a literal template segment beats a parameter, wherever it is declared",
    ),
    switch(
        "not_found_message",
        "1.1",
        "the 404 body says \"Resource not found\", which is not what LastError says",
    ),
    switch(
        "forward_subscription_key",
        "1.2",
        "the subscription key reaches the backend unless replaced",
    ),
    switch("key_lookup", "1.2", "the key is looked for in the header first, then in the query"),
    switch("key_missing_message", "1.2", "the message of a missing key speaks of this API"),
    switch("key_challenge", "1.2", "a 401 carries WWW-Authenticate: AzureApiManagementKey"),
    switch("last_error_outside_on_error", "1.3", "context.LastError is null outside on-error"),
    switch("timeout_status", "1.3", "a backend that does not answer in time is a 500"),
    switch("connection_failure_status", "1.3", "a backend that cannot be reached is a 500"),
    switch("breaker_reason", "1.3", "an open breaker refuses with reason BackendUnavailable"),
    switch(
        "token_quota_reason",
        "1.3",
        "a token quota refuses with reason OpenAITokenQuotaExceeded",
    ),
    switch("literal_values", "2.1", "white space around a literal value is not part of it"),
    switch(
        "pool_selection",
        "3.2",
        "how a pool takes turns: the platform's algorithm is not published",
    ),
    switch(
        "pool_backend_context",
        "3.2",
        "whether context.Backend names the pool or the called member after a call",
    ),
    switch("pool_zero_weight", "3.2", "a pool's member of weight 0 gets no calls"),
    switch(
        "pool_session_lost",
        "3.2",
        "a session moves to another member while its own member's breaker is open",
    ),
    switch("pool_session_cookie", "3.2", "a session cookie has the attribute Path=/ and no other"),
    switch(
        "pool_reason",
        "3.3",
        "the reason phrase when a pool is exhausted; the new one is not published",
    ),
    switch(
        "pool_retry_after",
        "3.3",
        "the 503 of an exhausted pool says in Retry-After when the first member closes",
    ),
    switch(
        "breaker_tripping_call",
        "3.3",
        "whether the call that opens a breaker gets the backend's answer or a 503; reports differ",
    ),
    switch(
        "breaker_percentage_minimum_calls",
        "3.3",
        "from how many calls on a breaker's percentage counts; none is documented",
    ),
    switch("breaker_interval", "3.3", "a breaker's failures are counted in a sliding interval"),
    switch(
        "breaker_late_results",
        "3.3",
        "results that come in while a breaker is open do not count",
    ),
    switch(
        "breaker_other_reasons",
        "3.3",
        "of a breaker's error reasons, timeout and BackendConnectionFailure have an effect, each for its own kind",
    ),
    switch(
        "retry_backoff",
        "4.1",
        "which of the reference page's two readings the exponential wait follows",
    ),
    switch(
        "strict_retry_body",
        "4.1",
        "a retried forward-request needs buffer-request-body to send its body again",
    ),
    switch("concurrency_until", "4.1", "a streamed response counts as concurrent until its end"),
    switch("undocumented_sections", "4.1", "trace and set-body run in on-error, too"),
    switch("condition_values", "4.1", "conditions take the texts true and false in any case, too"),
    switch(
        "variable_types",
        "4.1",
        "a variable set to anything but text, number, date, JSON or the like is an error",
    ),
    switch(
        "retry_after_fast",
        "4.1",
        "first-fast-retry: the second retry waits as the first would have",
    ),
    switch(
        "wait_merge",
        "4.1",
        "the policies of a wait run on copies of the state, merged in document order",
    ),
    switch(
        "concurrency_reason",
        "4.1",
        "limit-concurrency refuses with reason ConcurrencyLimitExceeded",
    ),
    switch("unknown_backend_status", "4.2", "an unknown backend id at run time answers 500"),
    switch(
        "streamed_body",
        "4.2",
        "a response that streams is held after all when an expression reads its body",
    ),
    switch(
        "fail_on_error_response",
        "4.2",
        "fail-on-error-status-code: the client gets the backend's response unless on-error changes it",
    ),
    switch("null_header", "4.2", "a header set to null is empty"),
    switch("set_body_json", "4.2", "set-body takes JSON as its indented text"),
    switch("set_body_without_body", "4.2", "set-body works without a body to replace"),
    switch(
        "rewrite_unknown_parameter",
        "4.2",
        "rewrite-uri: a {name} the operation's template does not have fails at run time",
    ),
    switch("send_request_method", "4.2", "send-request: the method is GET unless given"),
    switch("send_request_timeout", "4.2", "send-request: the timeout covers the answer's body"),
    switch(
        "send_request_copied_key",
        "4.2",
        "send-request in mode copy sends the subscription key, too",
    ),
    switch(
        "count_early_ends",
        "4.3",
        "increments are evaluated against the final response also when the pipeline ended early",
    ),
    switch("token_estimator", "4.3", "the platform's tokenizer is not published"),
    switch("cache_values", "4.3", "the cache stores and returns deep copies"),
    switch("cache_visible", "4.3", "a stored value is visible at once"),
    switch("refused_calls", "4.3", "a call that a limit refuses is not counted by it"),
    switch(
        "failed_estimates",
        "4.3",
        "token limits take back the estimate of a request no backend answered with 2xx",
    ),
    switch("token_quota_week", "4.3", "token quota: weeks start on Monday"),
    switch("quota_start", "4.3", "quota: a subscription's periods start when the gateway starts"),
    switch("quota_kilobyte", "4.3", "quota: 1 KB of bandwidth is 1024 bytes"),
    switch("quota_bandwidth", "4.3", "quota: bandwidth counts bodies"),
    switch(
        "token_metrics_without_usage",
        "4.3",
        "token metrics of a stream without usage are estimates; of another answer without usage there are none",
    ),
    switch(
        "token_metric_dimensions",
        "4.3",
        "custom dimensions are evaluated when the policy runs, default ones when the metric is emitted",
    ),
    switch(
        "absent_dimension",
        "4.3",
        "a default dimension without a value (no product, no user, no backend) is empty",
    ),
    switch(
        "token_metrics_client_gone",
        "4.3",
        "token metrics of a stream whose client went away are an estimate of what was streamed",
    ),
    switch(
        "token_signatures",
        "4.4",
        "nothing is fetched: keys are configured, and Entra's are those of the local tokens",
    ),
    switch(
        "identity_error_variable",
        "4.4",
        "authentication-managed-identity with ignore-error leaves the variable unset",
    ),
    switch(
        "identity_token_lifetime",
        "4.4",
        "managed identities get local tokens that live for a day",
    ),
    switch("strict_body", "5.2", "a body read without preserveContent is not forwarded"),
    switch(
        "response_before_backend",
        "5.2",
        "context.Response is 200 OK, not null, before the backend answered",
    ),
    switch(
        "response_on_transport_error",
        "5.2",
        "context.Response is a 500, not null, when a retry looks at a failed call",
    ),
    switch("json_newline", "5.2", "indented JSON has the line ends of the tier's operating system"),
    switch("culture", "5.2", "texts, numbers and dates are those of the invariant culture"),
    switch(
        "limit_headers",
        "9",
        "whether headers that limits set are there before outbound or on-error runs",
    ),
    switch(
        "remaining_after_postponed",
        "9",
        "remaining calls are told before a request that counts at its end is counted",
    ),
    switch(
        "postponed_calls",
        "9",
        "requests under way pass a rate limit that counts at their end: none is reserved for them",
    ),
    switch(
        "limit_slack_calls",
        "9",
        "rate limits are exact: no call slips past them because gateways count apart",
    ),
    fixed(
        "1",
        "on-error does not run after a return-response",
        "it raises no error, and on-error is documented for errors",
    ),
    fixed(
        "1.3",
        "reasons of failures that no page names (BackendErrorStatusCode, BackendNotFound, ManagedIdentityTokenFailure and others) are our own",
        "no other name for them is known",
    ),
    fixed(
        "2.1",
        "white space around an expression is not part of its value",
        "with it every value would be text, and casts of numbers and JSON, which are documented, would fail",
    ),
    fixed(
        "4.1",
        "messages of trace and context.Trace go to the journal",
        "the journal is this gateway's own: where the platform writes them no client sees",
    ),
    fixed(
        "4.3",
        "a quota without end has neither Retry-After nor a time in its message",
        "there is no time to tell",
    ),
    fixed(
        "4.3",
        "token limits wait for the whole of an answer that does not stream when they report on it",
        "the documented header holds its real cost, and headers leave before the body",
    ),
    fixed(
        "4.3",
        "a call whose client went away before its response is not counted by limits that count at the end",
        "the increment reads a response that never was",
    ),
    fixed(
        "4.3",
        "a semantic cache compares 1 - cosine with its threshold",
        "its policies are not supported: a document that has them does not load",
    ),
    fixed(
        "5.2",
        "DateTime.Now is UtcNow",
        "the platform's machines keep UTC; expressions can convert to any zone by name",
    ),
    fixed(
        "5.2",
        "Random with a seed draws .NET Framework's numbers",
        "later versions of .NET kept the sequence of a seed",
    ),
];
