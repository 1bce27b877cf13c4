//! The HTTPS listener of a resource.

use std::path::PathBuf;

use schemars::JsonSchema;
use seam::diagnostic::{Diagnostic, Source};
use serde::Deserialize;
use serde_spanned::Spanned;

/// A second listener of a resource, over TLS. Without `certificate` and `key` a
/// certificate for `localhost`, the loopback addresses and `names` is made at
/// start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Https {
    /// Port to listen on, unique in the file; 0 takes a free one.
    #[schemars(with = "u16")]
    pub port: Spanned<u16>,
    /// File with the certificate and its chain, in PEM; relative to this file.
    #[schemars(with = "Option<String>")]
    pub certificate: Option<Spanned<String>>,
    /// File with the certificate's private key, in PEM; relative to this file.
    #[schemars(with = "Option<String>")]
    pub key: Option<Spanned<String>>,
    /// Further DNS names and IP addresses that a certificate made at start is for.
    #[schemars(with = "Option<Vec<String>>")]
    pub names: Option<Spanned<Vec<Spanned<String>>>>,
    /// Where to write the certificate of the authority that signs a certificate made
    /// at start, in PEM: what clients are to trust (`SSL_CERT_FILE`,
    /// `NODE_EXTRA_CA_CERTS`). Relative to this file.
    #[schemars(with = "Option<String>")]
    pub write_authority: Option<Spanned<String>>,
}

/// A resource's HTTPS listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpsConfig {
    pub port: u16,
    pub certificate: CertificateConfig,
}

/// Where its certificate comes from. Paths are as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CertificateConfig {
    Files { certificate: PathBuf, key: PathBuf },
    Made { names: Vec<String>, write_authority: Option<PathBuf> },
}

/// What is served, unless there is a problem with it.
pub(super) fn check(
    source: &Source,
    raw: Https,
    problems: &mut Vec<Diagnostic>,
) -> Option<HttpsConfig> {
    let Https { port, certificate, key, names, write_authority } = raw;
    let before = problems.len();
    let given = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate.into_inner(), key.into_inner())),
        (None, None) => None,
        (Some(lonely), None) => {
            let error = Diagnostic::error(source, lonely.span(), "a certificate without its key");
            problems.push(error.help("add `key = \"…\"`, or leave both out"));
            None
        }
        (None, Some(lonely)) => {
            let error = Diagnostic::error(source, lonely.span(), "a key without its certificate");
            problems.push(error.help("add `certificate = \"…\"`, or leave both out"));
            None
        }
    };
    if given.is_some() {
        let made = [
            ("names", names.as_ref().map(Spanned::span)),
            ("write_authority", write_authority.as_ref().map(Spanned::span)),
        ];
        for (key, span) in made {
            if let Some(span) = span {
                let message = format!("`{key}` is for a certificate made at start");
                let error = Diagnostic::error(source, span, message);
                problems.push(error.help("remove it, or `certificate` and `key`"));
            }
        }
    }
    for name in names.iter().flat_map(Spanned::get_ref) {
        let text = name.get_ref();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '*');
        if text.is_empty() || !text.chars().all(allowed) {
            let error = Diagnostic::error(
                source,
                name.span(),
                format!("`{text}` is neither a DNS name nor an IP address"),
            );
            problems.push(error.help("an example: \"aoai.example.com\" or \"10.0.0.4\""));
        }
    }
    if problems.len() != before {
        return None;
    }
    let certificate = match given {
        Some((certificate, key)) => {
            CertificateConfig::Files { certificate: certificate.into(), key: key.into() }
        }
        None => CertificateConfig::Made {
            names: names
                .map(Spanned::into_inner)
                .into_iter()
                .flatten()
                .map(Spanned::into_inner)
                .collect(),
            write_authority: write_authority.map(|path| path.into_inner().into()),
        },
    };
    Some(HttpsConfig { port: port.into_inner(), certificate })
}
