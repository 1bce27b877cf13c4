//! What the binary says when it is ready.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::service::ResourceInfo;

/// Columns the banner keeps within.
const COLUMNS: usize = 80;
const BOLD: (&str, &str) = ("\u{1b}[1m", "\u{1b}[0m");

/// A resource and where it is served.
pub(super) struct Served {
    pub resource: ResourceInfo,
    pub address: SocketAddr,
    pub https: Option<SocketAddr>,
}

/// Resources, URLs and deployments with their limits; no keys.
pub(super) fn banner(served: &[Served], seed: u64, colour: bool) -> String {
    let (bold, plain) = if colour { BOLD } else { ("", "") };
    let mut text = format!("simulator ready, seed {seed}; Ctrl-C stops it\n");
    for Served { resource, address, https } in served {
        let https = https.map_or_else(String::new, |address| format!("  https://{address}"));
        let line = fit(format!("{}  http://{address}{https}", resource.name), COLUMNS);
        let _ = writeln!(text, "\n{bold}{line}{plain}");
        let widest = |width: fn(&crate::service::DeploymentInfo) -> usize| {
            resource.deployments.iter().map(width).max().unwrap_or_default()
        };
        let (name, model) = (widest(|d| d.name.len()), widest(|d| d.model.len()));
        for deployment in &resource.deployments {
            let line = format!(
                "  {:name$}  {:model$}  {}",
                deployment.name, deployment.model, deployment.limit
            );
            let _ = writeln!(text, "{}", fit(line, COLUMNS));
        }
    }
    text
}

fn fit(line: String, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line;
    }
    let kept: String = line.chars().take(columns - 1).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::DeploymentInfo;

    fn resource(deployment: &str) -> Served {
        let deployments = ["d1", deployment].map(|name| DeploymentInfo {
            name: name.to_owned(),
            model: "gpt-4o".to_owned(),
            limit: "60000 TPM".to_owned(),
        });
        let info = ResourceInfo {
            name: "payg1".to_owned(),
            port: 8002,
            https_port: Some(9443),
            key: "secret".to_owned(),
            deployments: deployments.into(),
        };
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Served { resource: info, address: local(8002), https: Some(local(9443)) }
    }

    #[test]
    fn shows_what_is_served_and_no_key() {
        insta::assert_snapshot!(banner(&[resource("longer-name")], 7, false), @r"
        simulator ready, seed 7; Ctrl-C stops it

        payg1  http://127.0.0.1:8002  https://127.0.0.1:9443
          d1           gpt-4o  60000 TPM
          longer-name  gpt-4o  60000 TPM
        ");
    }

    #[test]
    fn keeps_within_eighty_columns() {
        let text = banner(&[resource(&"x".repeat(70))], 7, false);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(banner(&[resource("x")], 7, true).contains("\u{1b}[1m"));
    }
}
