//! Keys and Entra access tokens (specification, section 1.3).

use http::HeaderMap;
use http::header::AUTHORIZATION;
use seam::clock::Timestamp;
use seam::token::{self, Claims};

use super::resource::Resource;
use super::route::Surface;
use crate::config::EntraConfig;
use crate::wire::ApiError;

/// What let a request in, as the journal names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    /// A key in a header of its own.
    Key,
    /// A key as bearer token: the stock OpenAI client sends it so.
    BearerKey,
    /// An access token of Entra, or one that looks like it.
    EntraToken,
}

impl Credential {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::BearerKey => "bearer_key",
            Self::EntraToken => "entra_token",
        }
    }
}

/// Checks a request's credentials. A bearer token may be a key on the v1 surface;
/// on OpenAI's it is nothing else. What has the form of an access token is judged as one, also beside a
/// wrong key: gateways forward their own subscription key in the same header.
pub(super) fn authenticate(
    resource: &Resource,
    surface: Surface,
    headers: &HeaderMap,
) -> Result<Credential, ApiError> {
    if surface == Surface::OpenAi {
        return match bearer(headers) {
            None | Some(b"") => Err(ApiError::missing_api_key()),
            Some(key) if resource.accepts(key) => Ok(Credential::BearerKey),
            Some(key) => Err(ApiError::incorrect_api_key(&String::from_utf8_lossy(key))),
        };
    }
    let key = ["api-key", "ocp-apim-subscription-key"]
        .iter()
        .find_map(|name| headers.get(*name).map(|value| value.as_bytes()))
        .filter(|key| !key.is_empty());
    if key.is_some_and(|key| resource.accepts(key)) {
        return Ok(Credential::Key);
    }
    let bearer = bearer(headers);
    if let (Some(entra), Some(token)) = (&resource.config.entra, bearer.and_then(access_token)) {
        let now = resource.environment.clock.now();
        return check(entra, token, now).map(|()| Credential::EntraToken);
    }
    match (key, bearer) {
        (Some(_), _) => Err(ApiError::invalid_key()),
        (None, Some(key)) if surface == Surface::V1 && resource.accepts(key) => {
            Ok(Credential::BearerKey)
        }
        (None, _) => Err(ApiError::unauthorized()),
    }
}

/// The token of `Authorization: Bearer …`; schemes are case-insensitive (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// A bearer token in the form of an access token: three parts, and a header that
/// begins as JSON does in base64.
fn access_token(bearer: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bearer).ok()?;
    (text.starts_with("ey") && text.split('.').count() == 3).then_some(text)
}

/// Whether the token opens this resource at this moment.
fn check(entra: &EntraConfig, token: &str, now: Timestamp) -> Result<(), ApiError> {
    let claims = match token::read(token, entra.signature) {
        Ok(claims) => claims,
        Err(token::Unreadable::Malformed) => return Err(ApiError::bad_token("token_malformed")),
        Err(token::Unreadable::Signature) => return Err(ApiError::bad_token("token_signature")),
    };
    let Claims { nbf, exp, tid, oid, .. } = &claims;
    let now = now.unix_seconds();
    if !entra.audiences.iter().any(|own| claims.is_for(own)) {
        return Err(ApiError::bad_token("token_audience"));
    }
    if *exp <= now {
        return Err(ApiError::bad_token("token_expired"));
    }
    if now < *nbf {
        return Err(ApiError::bad_token("token_not_yet_valid"));
    }
    if !claims.is_of_its_tenant() {
        return Err(ApiError::bad_token("token_issuer"));
    }
    if entra.tenant_id.as_ref().is_some_and(|own| !own.eq_ignore_ascii_case(tid)) {
        return Err(ApiError::wrong_tenant(tid));
    }
    let has_role = |list: &Vec<String>| list.iter().any(|own| own.eq_ignore_ascii_case(oid));
    if !entra.principals.as_ref().is_none_or(has_role) {
        return Err(ApiError::permission_denied());
    }
    Ok(())
}
