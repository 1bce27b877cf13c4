//! Asking servers whether they serve: the binaries' `healthcheck`, made for a
//! container's HEALTHCHECK.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;

use crate::http::{Body, HttpService, TransportError, call, network};

/// A port that should answer `GET /healthz`.
#[derive(Debug, Clone)]
pub struct Target {
    /// What serves there.
    pub name: String,
    /// The address it is configured to listen on.
    pub address: SocketAddr,
}

/// Why a port is not healthy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unhealthy {
    /// No answer came.
    #[error("{0}")]
    Transport(#[from] TransportError),
    /// The time for the whole check ran out.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// Another answer than 200.
    #[error("GET /healthz was answered with status {0}")]
    Status(StatusCode),
    /// The configured port is 0: which one it became only the server knows.
    #[error("port 0 is chosen when the server starts; a check needs a fixed port")]
    Port,
}

impl Target {
    /// Where to ask: a server that listens on all addresses is asked on loopback.
    #[must_use]
    pub fn reachable(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    async fn ask(&self, client: &HttpService) -> Result<(), Unhealthy> {
        if self.address.port() == 0 {
            return Err(Unhealthy::Port);
        }
        let request = http::Request::get(format!("http://{}/healthz", self.reachable()))
            .body(Body::empty())
            .map_err(|error| TransportError::invalid(error.to_string()))?;
        match call(client, request).await?.status() {
            StatusCode::OK => Ok(()),
            status => Err(Unhealthy::Status(status)),
        }
    }
}

/// Asks all targets at once; the answers in their order. `timeout` is for the
/// whole check.
pub async fn check(
    client: &HttpService,
    targets: &[Target],
    timeout: Duration,
) -> Vec<Result<(), Unhealthy>> {
    let asked = targets.iter().map(|target| async {
        match tokio::time::timeout(timeout, target.ask(client)).await {
            Ok(answer) => answer,
            Err(_) => Err(Unhealthy::Timeout(timeout)),
        }
    });
    join_all(asked).await
}

/// The whole command: asks over sockets and says what it found, one line a
/// target. Whether all are healthy.
pub fn run(
    targets: &[Target],
    timeout: Duration,
    out: &mut impl Write,
    err: &mut impl Write,
) -> std::io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answers =
        runtime.block_on(async { check(&network(BTreeMap::new()), targets, timeout).await });
    for (target, answer) in targets.iter().zip(&answers) {
        let (name, address) = (&target.name, target.reachable());
        match answer {
            Ok(()) => writeln!(out, "healthy: {name} http://{address}")?,
            Err(why) => writeln!(err, "unhealthy: {name} http://{address}: {why}")?,
        }
    }
    Ok(answers.iter().all(Result::is_ok))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;

    use super::*;
    use crate::http::{InProcessNetwork, TransportErrorKind};

    fn target(address: &str) -> Target {
        Target { name: "x".to_owned(), address: address.parse().unwrap() }
    }

    #[tokio::test(start_paused = true)]
    async fn every_kind_of_answer_is_told_apart() {
        let answering = |status: StatusCode| {
            Router::new().route("/healthz", get(move || async move { status }))
        };
        let stuck = Router::new().route("/healthz", get(std::future::pending::<StatusCode>));
        let client = InProcessNetwork::new()
            .host("127.0.0.1:1", answering(StatusCode::OK))
            .host("[::1]:2", answering(StatusCode::OK))
            .host("127.0.0.1:3", answering(StatusCode::SERVICE_UNAVAILABLE))
            .host("127.0.0.1:4", stuck)
            .into_service();
        let targets =
            ["0.0.0.0:1", "[::]:2", "127.0.0.1:3", "127.0.0.1:4", "127.0.0.1:5", "127.0.0.1:0"]
                .map(target);
        let start = tokio::time::Instant::now();
        let timeout = Duration::from_secs(2);
        let answers = check(&client, &targets, timeout).await;
        assert_eq!(start.elapsed(), timeout, "one timeout for all");
        assert_eq!(answers[0], Ok(()));
        assert_eq!(answers[1], Ok(()));
        assert_eq!(answers[2], Err(Unhealthy::Status(StatusCode::SERVICE_UNAVAILABLE)));
        assert_eq!(answers[3], Err(Unhealthy::Timeout(timeout)));
        let Err(Unhealthy::Transport(error)) = &answers[4] else { panic!("{answers:?}") };
        assert_eq!(error.kind, TransportErrorKind::Connect);
        assert_eq!(answers[5], Err(Unhealthy::Port));
    }
}
