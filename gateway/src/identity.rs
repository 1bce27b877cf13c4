//! Managed identities: local tokens that look like the platform's.
//!
//! A token is a [`seam::token`] with the resource as its audience. One per
//! resource and client, kept until shortly before it expires. The simulator
//! accepts it; nobody outside this bench does.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderValue;
use seam::clock::Timestamp;
use seam::token::{Bearer, Claims};

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
    /// How long a token lives, in seconds.
    pub(crate) lifetime: u64,
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

    /// The value of `Authorization` for an identity's token, marked so that no
    /// trace prints it, and the token; `None` when there is none.
    pub(crate) fn authorization(
        &self,
        resource: &str,
        client_id: Option<&str>,
        now: Timestamp,
    ) -> Option<(HeaderValue, String)> {
        let token = self.token(resource, client_id, now)?;
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        header.set_sensitive(true);
        Some((header, token))
    }

    /// A token for a resource; `None` when the configuration lets it fail.
    fn token(&self, resource: &str, client_id: Option<&str>, now: Timestamp) -> Option<String> {
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

    fn make(&self, resource: &str, client_id: &str, now: u64) -> Token {
        let IdentityConfig { tenant_id, object_id, lifetime, .. } = &self.config;
        let claims =
            Claims::new(resource, Bearer { tenant_id, object_id, client_id }, now, *lifetime);
        Token { text: claims.sign(), expires: claims.exp }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIFETIME: u64 = 24 * 3600;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(Duration::from_secs(seconds))
    }

    fn identity() -> Identity {
        Identity::new(IdentityConfig {
            tenant_id: "tenant".to_owned(),
            object_id: "object".to_owned(),
            client_id: "system".to_owned(),
            fail: vec!["https://broken/".to_owned()],
            lifetime: LIFETIME,
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

    /// Expressions choose resources.
    #[test]
    fn tokens_in_memory_are_bounded() {
        let identity = identity();
        for number in 0..=MAX_TOKENS {
            assert!(identity.token(&format!("https://r/{number}"), None, at(0)).is_some());
        }
        assert_eq!(identity.tokens.lock().unwrap().len(), MAX_TOKENS);
    }

    #[test]
    fn a_token_says_whom_it_is_for() {
        let token = identity().token("https://r", Some("client"), at(7)).unwrap();
        let claims = seam::token::read(&token, seam::token::Signature::Local).unwrap();
        assert_eq!((claims.aud.as_str(), claims.appid.as_str()), ("https://r", "client"));
        assert_eq!((claims.oid.as_str(), claims.tid.as_str()), ("object", "tenant"));
        assert_eq!(claims.exp, 7 + LIFETIME);
    }
}
