//! URLs in parts: reading what clients call, writing what backends get.

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::context::Url;

/// What stays as it is in a query's names and values.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b',')
    .remove(b'/')
    .remove(b'@')
    .remove(b'*');

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
    let authority = if url.port == default_port(&url.scheme) {
        url.host.clone()
    } else {
        format!("{}:{}", url.host, url.port)
    };
    let path = if url.path.starts_with('/') { url.path.clone() } else { format!("/{}", url.path) };
    Uri::builder()
        .scheme(url.scheme.as_str())
        .authority(authority)
        .path_and_query(format!("{path}{}", query_text(&url.query)))
        .build()
}

/// `base` with a path below it and a query after its own.
pub(crate) fn join(base: &Url, path: &str, query: &[(String, String)]) -> Url {
    let mut joined = base.clone();
    joined.path = match (base.path.trim_end_matches('/'), path.trim_start_matches('/')) {
        ("", "") => "/".to_owned(),
        (base, "") => base.to_owned(),
        (base, rest) => format!("{base}/{rest}"),
    };
    joined.query.extend(query.iter().cloned());
    joined
}

/// Decodes one path segment or query part.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parse_query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

fn query_text(query: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in query {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.extend(utf8_percent_encode(name, QUERY));
        text.push('=');
        text.extend(utf8_percent_encode(value, QUERY));
    }
    text
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
        check("http://h/a?x=1", "/b", "y=a+b%26&z", "http://h/a/b?x=1&y=a%20b%26&z=");
    }

    #[test]
    fn refuses_what_is_no_absolute_url() {
        for text in ["", "localhost:8002", "/openai", "ftp://x/", "http://", "ht tp://x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
