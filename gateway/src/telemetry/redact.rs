//! Secrets a trace must not print.

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::model::Model;

/// What stands for a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// A shorter secret is only recognised when it is the whole text.
const MIN_PART: usize = 4;

/// The secrets known while one request runs.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// What the configuration holds: keys, credentials, secret named values.
    pub(crate) fn of_model(model: &Model) -> Self {
        let mut secrets = Self::default();
        for key in model.subscriptions.keys().chain(&model.control_key).chain(&model.secrets) {
            secrets.add(key);
        }
        for backend in model.backends.values() {
            for (_, value) in &backend.credentials.headers {
                secrets.add_header(value);
            }
            for own in &backend.credentials.query {
                secrets.add(&own.value);
            }
        }
        secrets
    }

    /// What a message's headers hold: keys and credentials, and what the
    /// platform's or an API's key header carries.
    pub(crate) fn add_headers(&mut self, headers: &HeaderMap, key_headers: &[&HeaderName]) {
        for (name, value) in headers {
            if value.is_sensitive() || is_secret(name) || key_headers.contains(&name) {
                self.add_header(value);
            }
        }
    }

    fn add_header(&mut self, value: &HeaderValue) {
        let Ok(text) = value.to_str() else { return };
        self.add(text);
        // `Bearer …`, `Basic …`: the part behind the scheme.
        if let Some((_, credentials)) = text.split_once(' ') {
            self.add(credentials);
        }
    }

    /// One more secret.
    pub(crate) fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if !secret.is_empty() && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
            // A secret may be part of another: the longest goes first.
            self.0.sort_by_key(|known| std::cmp::Reverse(known.len()));
        }
    }

    /// A text without secrets.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.iter().any(|secret| secret == text.trim()) {
            return REDACTED.to_owned();
        }
        let mut text = text.to_owned();
        for secret in self.0.iter().filter(|secret| MIN_PART <= secret.len()) {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REDACTED);
            }
        }
        text
    }

    /// A header's value as a trace prints it.
    pub(crate) fn header(&self, name: &HeaderName, value: &HeaderValue) -> String {
        if value.is_sensitive() || is_secret(name) {
            return REDACTED.to_owned();
        }
        self.redact(&String::from_utf8_lossy(value.as_bytes()))
    }
}

/// Headers whose value is a secret whatever it says.
fn is_secret(name: &HeaderName) -> bool {
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE].contains(name)
        || matches!(
            name.as_str(),
            "api-key" | "ocp-apim-subscription-key" | "apim-debug-authorization" | "x-api-key"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        let mut secrets = Secrets::default();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer token-1"));
        headers.insert("x-key", HeaderValue::from_static("k1"));
        headers.insert("x-open", HeaderValue::from_static("visible"));
        secrets.add_headers(&headers, &[&HeaderName::from_static("x-key")]);
        secrets.add("token-1-and-more");
        assert_eq!(secrets.redact("a token-1-and-more b token-1"), "a [redacted] b [redacted]");
        // A short one only as a whole: `k1` stands in many words.
        assert_eq!(secrets.redact("k1"), REDACTED);
        assert_eq!(secrets.redact("task1 visible"), "task1 visible");
    }
}
