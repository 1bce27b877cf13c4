//! Certificates of HTTPS listeners: read, or made and their authority written.

use std::net::IpAddr;
use std::path::Path;

use anyhow::Context as _;
use seam::tls::{Identity, local_names};

use crate::config::CertificateConfig;

/// The identity of a listener. Paths are relative to `directory`.
pub(super) fn identity(
    config: &CertificateConfig,
    directory: &Path,
    host: IpAddr,
) -> anyhow::Result<Identity> {
    match config {
        CertificateConfig::Files { certificate, key } => {
            let read = |path: &Path| {
                let path = directory.join(path);
                std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read `{}`", path.display()))
            };
            Identity::from_pem(&read(certificate)?, &read(key)?).with_context(|| {
                format!("cannot serve with `{}` and `{}`", certificate.display(), key.display())
            })
        }
        CertificateConfig::Made { names, write_authority } => {
            let mut all = local_names(host);
            all.extend(names.iter().filter(|name| !local_names(host).contains(name)).cloned());
            let (identity, authority) = Identity::generate(&all)?;
            if let Some(path) = write_authority {
                let path = directory.join(path);
                std::fs::write(&path, authority)
                    .with_context(|| format!("cannot write `{}`", path.display()))?;
            }
            Ok(identity)
        }
    }
}
