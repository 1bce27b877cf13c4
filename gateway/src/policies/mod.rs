//! The policies, one module per element. Each has a table (its `SPEC`), a
//! compile function from XML, and what it does to a request. Adding a policy is
//! one module, its `mod` line, and one line of the registry below.

mod authentication_managed_identity;
mod base;
mod cache_lookup_value;
mod cache_remove_value;
mod cache_store_value;
mod check_header;
mod choose;
pub(crate) mod cors;
mod emit_metric;
mod emit_token_metric;
mod find_and_replace;
mod forward_request;
mod include_fragment;
mod ip_filter;
mod levels;
mod limit_concurrency;
mod limits;
mod log_to_eventhub;
mod mock_response;
mod periods;
mod quota;
mod quota_by_key;
mod quotas;
mod rate_limit;
mod rate_limit_by_key;
mod retry;
mod return_response;
mod rewrite_uri;
mod send_request;
mod set_backend_service;
mod set_body;
mod set_header;
mod set_method;
mod set_query_parameter;
mod set_status;
mod set_variable;
mod token_limit;
mod trace;
mod validate_jwt;
mod wait;

use crate::policy::spec::PolicySpec;

/// Every policy this gateway knows, by name.
static REGISTRY: &[&PolicySpec] = &[
    &authentication_managed_identity::SPEC,
    &emit_token_metric::AZURE_OPENAI,
    &token_limit::AZURE_OPENAI,
    &base::SPEC,
    &cache_lookup_value::SPEC,
    &cache_remove_value::SPEC,
    &cache_store_value::SPEC,
    &check_header::SPEC,
    &choose::SPEC,
    &cors::SPEC,
    &emit_metric::SPEC,
    &find_and_replace::SPEC,
    &forward_request::SPEC,
    &include_fragment::SPEC,
    &ip_filter::SPEC,
    &limit_concurrency::SPEC,
    &emit_token_metric::LLM,
    &token_limit::LLM,
    &log_to_eventhub::SPEC,
    &mock_response::SPEC,
    &quota::SPEC,
    &quota_by_key::SPEC,
    &rate_limit::SPEC,
    &rate_limit_by_key::SPEC,
    &retry::SPEC,
    &return_response::SPEC,
    &rewrite_uri::SPEC,
    &send_request::ONE_WAY,
    &send_request::SPEC,
    &set_backend_service::SPEC,
    &set_body::SPEC,
    &set_header::SPEC,
    &set_method::SPEC,
    &set_query_parameter::SPEC,
    &set_status::SPEC,
    &set_variable::SPEC,
    &trace::SPEC,
    &validate_jwt::AZURE_AD,
    &validate_jwt::JWT,
    &wait::SPEC,
];

/// A policy by its element's name.
pub(crate) fn find(name: &str) -> Option<&'static PolicySpec> {
    REGISTRY.iter().copied().find(|spec| spec.element.name == name)
}

/// All names, in alphabetical order.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().map(|spec| spec.element.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_in_order_and_without_doubles() {
        let listed: Vec<_> = names().collect();
        let mut sorted = listed.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(listed, sorted);
    }
}
