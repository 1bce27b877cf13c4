//! From the request as policies left it to the one that goes out.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use seam::http::{Body, Request};

use super::remove_hop_by_hop;
use crate::config::model::Credentials;
use crate::pipeline::context::Url;
use crate::pipeline::url;

/// What a backend call is made of.
pub(crate) struct Outgoing<'a> {
    /// Method.
    pub(crate) method: &'a str,
    /// Where to.
    pub(crate) url: &'a Url,
    /// The request's headers.
    pub(crate) headers: &'a HeaderMap,
    /// The `Host` the client called: not passed on, but one a policy set is.
    pub(crate) client_host: Option<&'a HeaderValue>,
    /// The body.
    pub(crate) body: Bytes,
    /// Credentials override headers and query parameters of the same name.
    pub(crate) credentials: Option<&'a Credentials>,
    /// The token of the credentials' managed identity: overrides `Authorization`.
    pub(crate) authorization: Option<HeaderValue>,
    /// The API's key header and query parameter, when they are not to leave.
    pub(crate) hide_key: Option<(&'a HeaderName, &'a str)>,
}

/// Builds the request that leaves.
pub(crate) fn build(outgoing: Outgoing<'_>) -> Result<Request, http::Error> {
    let mut headers = outgoing.headers.clone();
    remove_hop_by_hop(&mut headers);
    // The body was buffered: it has a length now, and nobody waits for 100.
    headers.remove(CONTENT_LENGTH);
    headers.remove(EXPECT);
    if headers.get(HOST) == outgoing.client_host {
        headers.remove(HOST);
    }
    let mut target = outgoing.url.clone();
    if let Some((header, query)) = outgoing.hide_key {
        headers.remove(header);
        target.query.retain(|parameter| parameter.name != query);
    }
    if let Some(credentials) = outgoing.credentials {
        for (name, value) in &credentials.headers {
            headers.insert(name, value.clone());
        }
        for own in &credentials.query {
            target.query.retain(|parameter| parameter.name != own.name);
        }
        target.query.extend(credentials.query.iter().cloned());
    }
    if let Some(authorization) = outgoing.authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    let method = Method::from_bytes(outgoing.method.as_bytes())?;
    if !outgoing.body.is_empty() || matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(outgoing.body.len()));
    }
    let mut request = Request::new(Body::from(outgoing.body));
    *request.method_mut() = method;
    *request.uri_mut() = url::to_uri(&target)?;
    *request.headers_mut() = headers;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::context::QueryParameter;

    #[test]
    fn credentials_override_and_hosts_stay_behind() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("gateway:8000"));
        headers.insert("api-key", HeaderValue::from_static("subscription"));
        headers.insert("expect", HeaderValue::from_static("100-continue"));
        headers.insert("authorization", HeaderValue::from_static("Bearer client"));
        headers.insert("x-kept", HeaderValue::from_static("1"));
        let credentials = Credentials {
            headers: vec![(
                HeaderName::from_static("api-key"),
                HeaderValue::from_static("backend"),
            )],
            query: vec![QueryParameter::new("sig", "s&1")],
            managed_identity: None,
        };
        let url = url::parse("http://b:8001/openai/x?sig=old&v=1").unwrap();
        let request = build(Outgoing {
            method: "POST",
            url: &url,
            headers: &headers,
            client_host: headers.get(HOST),
            body: Bytes::from_static(b"hello"),
            credentials: Some(&credentials),
            authorization: Some(HeaderValue::from_static("Bearer backend")),
            hide_key: None,
        })
        .unwrap();
        assert_eq!(request.uri(), "http://b:8001/openai/x?v=1&sig=s%261");
        let mut sent: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        sent.sort();
        assert_eq!(
            sent,
            ["api-key: backend", "authorization: Bearer backend", "content-length: 5", "x-kept: 1"]
        );
    }
}
