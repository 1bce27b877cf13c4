//! The floor: axum, a request read to its end, a constant answer.

use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where it listens.
    #[arg(long)]
    listen: SocketAddr,
    /// How long its answer is.
    #[arg(long)]
    bytes: usize,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let padding = arguments.bytes.saturating_sub(r#"{"text":""}"#.len());
    let answer = Bytes::from(format!(r#"{{"text":"{}"}}"#, "x".repeat(padding)));
    let router = Router::new().fallback(move |_request: Bytes| {
        let answer = answer.clone();
        async move { ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], answer) }
    });
    let listener = TcpListener::bind(arguments.listen).await?;
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}
