//! URLs in parts: reading what clients call, writing what backends get.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;
use http::Uri;
use percent_encoding::percent_decode_str;

use super::context::{QueryParameter, Url};

/// Reads an absolute `http` or `https` URL; the error is a message.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let uri: Uri = text.trim().parse().map_err(|_| format!("`{text}` is not a URL"))?;
    let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(format!("`{text}` is not an absolute http or https URL"));
    }
    let host = uri.host().filter(|host| !host.is_empty());
    let Some(host) = host else {
        return Err(format!("`{text}` names no host"));
    };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        // The text holds a password: the message must not.
        return Err("a URL with a user name is not supported: use a header".to_owned());
    }
    let port = uri.port_u16().unwrap_or_else(|| default_port(&scheme));
    Ok(Url {
        host: host.to_owned(),
        port,
        path: uri.path().to_owned(),
        query: parse_query(uri.query().unwrap_or_default()),
        scheme,
    })
}

/// The URL a client called: its request target under the `Host` it named.
pub(crate) fn of_request(uri: &Uri, host: Option<&str>) -> Url {
    let scheme = uri.scheme_str().unwrap_or("http").to_owned();
    let authority = uri
        .authority()
        .cloned()
        .or_else(|| host.and_then(|host| host.parse::<http::uri::Authority>().ok()));
    let port = authority.as_ref().and_then(http::uri::Authority::port_u16);
    Url {
        host: authority.map_or_else(|| "localhost".to_owned(), |found| found.host().to_owned()),
        port: port.unwrap_or_else(|| default_port(&scheme)),
        path: uri.path().to_owned(),
        query: parse_query(uri.query().unwrap_or_default()),
        scheme,
    }
}

/// The URI to call.
pub(crate) fn to_uri(url: &Url) -> Result<Uri, http::Error> {
    let Url { scheme, host, port, path, query: _ } = url;
    let mut text = String::with_capacity(128);
    text.extend([scheme, "://", host]);
    if *port != default_port(scheme) {
        // Writing to a string cannot fail.
        let _ = write!(text, ":{port}");
    }
    if !path.starts_with('/') {
        text.push('/');
    }
    text.push_str(path);
    url.write_query(&mut text);
    Ok(Uri::from_maybe_shared(Bytes::from(text))?)
}

/// A URL as text, without its query.
pub(crate) fn without_query(url: &Url) -> String {
    let Url { scheme, host, port, path, query: _ } = url;
    if *port == default_port(scheme) {
        format!("{scheme}://{host}{path}")
    } else {
        format!("{scheme}://{host}:{port}{path}")
    }
}

/// `base` with a path below it and a query after its own.
pub(crate) fn join(base: &Url, path: &str, query: &[QueryParameter]) -> Url {
    let mut joined = base.clone();
    // One slash joins the two; more of them are the client's own.
    joined.path = match (base.path.trim_end_matches('/'), path.strip_prefix('/').unwrap_or(path)) {
        ("", rest) => format!("/{rest}"),
        (base, "") => base.to_owned(),
        (base, rest) => format!("{base}/{rest}"),
    };
    joined.query.extend(query.iter().cloned());
    joined
}

/// Decodes one path segment or query part.
pub(crate) fn decode(text: &str) -> String {
    decoded(text).into_owned()
}

/// The same; without a copy where nothing is encoded.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'%') {
        return Cow::Borrowed(text);
    }
    percent_decode_str(text).decode_utf8_lossy()
}

fn parse_query(text: &str) -> Vec<QueryParameter> {
    text.split('&').filter(|part| !part.is_empty()).map(QueryParameter::parse).collect()
}

fn default_port(scheme: &str) -> u16 {
    if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, path: &str, query: &str, expected: &str) {
        let url = join(&parse(base).unwrap(), path, &parse_query(query));
        assert_eq!(to_uri(&url).unwrap().to_string(), expected);
    }

    #[test]
    fn joins_base_and_path() {
        check(
            "http://localhost:8002/openai",
            "/deployments/d/completions",
            "api-version=2023-05-15",
            "http://localhost:8002/openai/deployments/d/completions?api-version=2023-05-15",
        );
        check("https://host/", "", "", "https://host/");
        check("https://host:443/a/", "b%20c", "", "https://host/a/b%20c");
        check("http://h/a?x=1", "/b", "y=a+b%26&z", "http://h/a/b?x=1&y=a+b%26&z");
    }

    #[test]
    fn a_clients_path_and_query_keep_their_bytes() {
        check(
            "http://h/a/",
            "//b//c//",
            "x=%ff&y=%2F(1);~'",
            "http://h/a//b//c//?x=%ff&y=%2F(1);~'",
        );
        check("http://h/", "/a%2Fb%20c/~", "", "http://h/a%2Fb%20c/~");
    }

    #[test]
    fn refuses_what_is_no_absolute_url() {
        for text in ["", "localhost:8002", "/openai", "ftp://x/", "http://", "ht tp://x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
