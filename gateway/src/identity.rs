//! Managed identities: local tokens that look like the platform's.
//!
//! A token has the form of a JWT with the resource as its audience; its
//! signature is made up. One per resource and client, kept until shortly before
//! it expires. Nobody outside this bench accepts it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seam::clock::Timestamp;
use serde_json::json;

/// How long a token lives: the platform's are valid for a day.
const LIFETIME: u64 = 24 * 3600;

/// A token this close to its end, in seconds, is replaced.
const MARGIN: u64 = 5 * 60;

/// Tokens kept: resources may come from expressions.
const MAX_TOKENS: usize = 1_000;

/// What tokens say, and which are refused.
#[derive(Clone, Debug)]
pub(crate) struct IdentityConfig {
    /// `tid`, and part of `iss`.
    pub(crate) tenant_id: String,
    /// `oid` and `sub`.
    pub(crate) object_id: String,
    /// `appid` where the policy names no client.
    pub(crate) client_id: String,
    /// Resources no token is given for.
    pub(crate) fail: Vec<String>,
}

/// Gives tokens.
pub(crate) struct Identity {
    config: IdentityConfig,
    tokens: Mutex<BTreeMap<(String, String), Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    /// Seconds since the Unix epoch.
    expires: u64,
}

impl Identity {
    /// No tokens yet.
    pub(crate) fn new(config: IdentityConfig) -> Self {
        Self { config, tokens: Mutex::default() }
    }

    /// A token for a resource; `None` when the configuration lets it fail.
    pub(crate) fn token(
        &self,
        resource: &str,
        client_id: Option<&str>,
        now: Timestamp,
    ) -> Option<String> {
        let same = |own: &String| own.trim_end_matches('/') == resource.trim_end_matches('/');
        if self.config.fail.iter().any(same) {
            return None;
        }
        let client = client_id.unwrap_or(&self.config.client_id);
        let key = (resource.to_owned(), client.to_owned());
        let now = now.unix_seconds();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tokens.get(&key)
            && now + MARGIN < known.expires
        {
            return Some(known.text.clone());
        }
        let token = self.make(resource, client, now);
        if MAX_TOKENS <= tokens.len() {
            tokens.pop_first();
        }
        tokens.insert(key, token.clone());
        Some(token.text)
    }

    fn make(&self, resource: &str, client: &str, now: u64) -> Token {
        let IdentityConfig { tenant_id, object_id, .. } = &self.config;
        let expires = now + LIFETIME;
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "gateway-local" });
        let claims = json!({
            "aud": resource,
            "iss": format!("https://sts.windows.net/{tenant_id}/"),
            "iat": now,
            "nbf": now,
            "exp": expires,
            "appid": client,
            "oid": object_id,
            "sub": object_id,
            "tid": tenant_id,
            "ver": "1.0",
        });
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = format!(
            "{}.{}.{}",
            part(header.to_string().as_bytes()),
            part(claims.to_string().as_bytes()),
            part(b"made up by the local gateway")
        );
        Token { text, expires }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(Duration::from_secs(seconds))
    }

    fn identity() -> Identity {
        Identity::new(IdentityConfig {
            tenant_id: "tenant".to_owned(),
            object_id: "object".to_owned(),
            client_id: "system".to_owned(),
            fail: vec!["https://broken/".to_owned()],
        })
    }

    #[test]
    fn tokens_are_kept_until_they_nearly_expire() {
        let identity = identity();
        let token = |client, seconds| identity.token("https://r", client, at(seconds)).unwrap();
        let first = token(None, 1_000);
        assert_eq!(first, token(None, 1_000 + LIFETIME - MARGIN - 1));
        assert_ne!(first, token(Some("other"), 1_000));
        assert_ne!(first, token(None, 1_000 + LIFETIME - MARGIN));
        assert_eq!(identity.token("https://broken", None, at(0)), None);
    }

    #[test]
    fn a_token_reads_as_a_jwt() {
        let token = identity().token("https://r", Some("client"), at(7)).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(parts.len(), 3);
        assert_eq!(claims["aud"], "https://r");
        assert_eq!(claims["appid"], "client");
        assert_eq!(claims["exp"], 7 + LIFETIME);
    }
}
