//! HTTP/1.1 as far as the bench needs it: requests written in one piece, answers cut
//! from the bytes as they come. A real client would cost more than the server.

use std::io::ErrorKind;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Where requests go, and what lets them in.
#[derive(clap::Args, Clone)]
pub(crate) struct Target {
    /// The server.
    #[arg(long)]
    pub address: SocketAddr,
    /// Path and query of the requests.
    #[arg(
        long,
        default_value = "/openai/deployments/bench/chat/completions?api-version=2024-10-21"
    )]
    pub path: String,
    /// Sent in `api-key`.
    #[arg(long, default_value = "simulator-key")]
    pub key: String,
}

impl Target {
    /// A request with this body.
    pub(crate) fn request(&self, body: &str) -> Vec<u8> {
        let Self { address, path, key } = self;
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\napi-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// A request that costs the server nothing.
pub(crate) const NOTHING: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n";

/// A connection that is kept alive.
pub(crate) struct Connection {
    socket: TcpStream,
    /// What came and was not used yet.
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(target.address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::with_capacity(1 << 14) })
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        let mut rest = request;
        while !rest.is_empty() {
            self.socket.writable().await?;
            match self.socket.try_write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads the head of an answer, which must be a 200.
    async fn head(&mut self) -> anyhow::Result<String> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head =
            String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_lowercase();
        self.buffer.drain(..end);
        if !head.starts_with("http/1.1 200") {
            bail!("not answered with 200: {head}{}", String::from_utf8_lossy(&self.buffer));
        }
        Ok(head)
    }

    /// Reads a whole answer; how long its body is.
    pub(crate) async fn answer(&mut self) -> anyhow::Result<usize> {
        let head = self.head().await?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer without a length")?.trim().parse()?;
        while self.buffer.len() < length {
            self.more().await?;
        }
        self.buffer.drain(..length);
        Ok(length)
    }

    /// Reads up to the body of a stream.
    pub(crate) async fn stream(&mut self) -> anyhow::Result<()> {
        self.head().await.map(|_| ())
    }

    /// Reads once and hands out all server-sent events that are complete, with when
    /// they came. Chunk sizes stand on lines of their own between events, where they
    /// do no harm.
    pub(crate) async fn events(
        &mut self,
        mut each: impl FnMut(&[u8], Instant),
    ) -> anyhow::Result<()> {
        if self.buffer.is_empty() {
            self.more().await?;
        }
        let came = Instant::now();
        let mut used = 0;
        while let Some(end) = self.buffer.get(used..).and_then(|rest| find(rest, b"\n\n")) {
            each(self.buffer.get(used..used + end).unwrap_or_default(), came);
            used += end + 2;
        }
        self.buffer.drain(..used);
        if used == 0 {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let mut piece = [0; 1 << 12];
        loop {
            self.socket.readable().await?;
            match self.socket.try_read(&mut piece) {
                Ok(0) => {
                    bail!("the connection was closed: {}", String::from_utf8_lossy(&self.buffer))
                }
                Ok(read) => {
                    self.buffer.extend(piece.iter().take(read));
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
