//! TLS for a listener: a given certificate, or one made at start.
//!
//! A certificate made here is signed by an authority made beside it, as a real
//! one would be: clients are told to trust the authority, and every TLS library
//! accepts the pair.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take for its handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The text holds no certificate in PEM.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// The text holds no private key in PEM.
    #[error("no private key in PEM (PKCS #8, PKCS #1 or SEC 1)")]
    NoKey,
    /// Certificate and key do not belong together, or are of an unknown kind.
    #[error("unusable certificate: {0}")]
    Unusable(#[from] rustls::Error),
    /// A name cannot stand in a certificate.
    #[error("cannot make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
}

/// What a listener shows and proves itself with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
}

impl Identity {
    /// A certificate chain, the server's own first, and its private key.
    ///
    /// # Errors
    /// When a text lacks what it should hold, or the two do not fit.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, TlsError> {
        let chain = certificates(chain);
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| TlsError::NoKey)?;
        Self::new(chain, key)
    }

    /// Makes a certificate for these DNS names and IP addresses. The text is the
    /// authority's certificate in PEM: what clients are to trust.
    ///
    /// # Errors
    /// When a name is neither a DNS name nor an IP address.
    pub fn generate(names: &[String]) -> Result<(Self, String), TlsError> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "GenAI gateway test bench");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root = authority.self_signed(&authority_key)?;
        let issuer = Issuer::from_params(&authority, &authority_key);

        let key = KeyPair::generate()?;
        let mut own = CertificateParams::new(names.to_vec())?;
        let name = names.first().map_or("localhost", String::as_str);
        own.distinguished_name.push(DnType::CommonName, name);
        own.use_authority_key_identifier_extension = true;
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let own = own.signed_by(&key, &issuer)?;

        let chain = vec![own.der().clone(), root.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| TlsError::NoKey)?;
        Ok((Self::new(chain, key)?, pem("CERTIFICATE", root.der())))
    }

    /// The connection, once both sides agree; `None` when they do not, or when the
    /// client takes its time.
    pub(crate) async fn shake_hands(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!(%peer, "TLS handshake timed out");
                None
            }
        }
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        // The provider is named: a process default may not be there.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config) })
    }
}

/// Text around base64 in lines of 64 (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

/// The names every local client can use.
#[must_use]
pub fn local_names(host: IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = host.to_string();
    if !host.starts_with("0.0.0.0") && host != "::" && !names.contains(&host) {
        names.push(host);
    }
    names
}

/// The certificates in a PEM text.
#[must_use]
pub fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect()
}

/// The authorities in the file that `SSL_CERT_FILE` names; none when there is no
/// such variable. A file that cannot be read is logged: calls that need it fail.
pub(crate) fn authorities_of_environment() -> Vec<CertificateDer<'static>> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Vec::new();
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => certificates(&text),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read SSL_CERT_FILE");
            Vec::new()
        }
    }
}

/// A client that trusts the public authorities and these.
pub(crate) fn client_config(authorities: &[CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(authorities.iter().cloned());
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the ring provider has the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_certificates_and_refuses_what_is_none() {
        let (_, authority) =
            Identity::generate(&local_names(IpAddr::from([127, 0, 0, 1]))).unwrap();
        assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"));
        let key = pem("PRIVATE KEY", &KeyPair::generate().unwrap().serialize_der());
        assert!(matches!(Identity::from_pem("", &key), Err(TlsError::NoCertificate)));
        assert!(matches!(Identity::from_pem(&authority, ""), Err(TlsError::NoKey)));
        // A key of another certificate.
        assert!(matches!(Identity::from_pem(&authority, &key), Err(TlsError::Unusable(_))));
    }

    #[test]
    fn an_address_that_means_all_is_no_name() {
        assert_eq!(local_names(IpAddr::from([0, 0, 0, 0])).len(), 3);
        assert_eq!(local_names(IpAddr::from([10, 0, 0, 1])).len(), 4);
    }
}
