//! How a service says that its connection fails, in both worlds.
//!
//! A router can only answer. One that imitates a server that does not hands out a
//! response with an [`Interruption`]: over sockets [`crate::server`] resets the
//! connection, in process [`crate::http::InProcessNetwork`] returns the error that
//! a client would see. The router does not know which of them it is in. A body that
//! breaks off is simpler: it ends with a [`BrokenOff`].

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::routing::future::RouteFuture;
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::http::Response;

/// What becomes of a response's connection; an extension of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// There is no connection: nobody listens. Where there is one, it is reset.
    Refused,
    /// The connection is reset, and no response arrives.
    Reset,
    /// The response arrives; should its body end with an error, the connection is
    /// reset rather than closed.
    ResetIfBroken,
}

impl Interruption {
    /// A response that does not arrive.
    #[must_use]
    pub fn response(self) -> Response {
        let mut response = Response::new(Body::empty());
        // Nobody sees it, unless a layer between looks.
        *response.status_mut() = http::StatusCode::BAD_GATEWAY;
        response.extensions_mut().insert(self);
        response
    }
}

/// A body that ends before it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenOff {
    /// The connection was closed.
    #[error("connection closed before the body was complete")]
    Closed,
    /// The connection was reset.
    #[error("connection reset by peer")]
    Reset,
}

/// A connection's fate: set once, when it shall be reset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fate(Arc<AtomicBool>);

impl Fate {
    fn seal(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_sealed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection that can be reset when it is closed.
pub(crate) trait Resettable: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Closing it will reset it.
    fn reset_at_close(&self) -> io::Result<()>;
}

impl Resettable for TcpStream {
    fn reset_at_close(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl Resettable for TlsStream<TcpStream> {
    fn reset_at_close(&self) -> io::Result<()> {
        self.get_ref().0.set_zero_linger()
    }
}

/// A connection. Once its fate is sealed nothing leaves any more, and closing it
/// resets it.
pub(crate) struct Socket<S: Resettable> {
    stream: S,
    fate: Fate,
}

impl<S: Resettable> Socket<S> {
    /// A connection, and what can seal its fate.
    pub(crate) fn new(stream: S) -> (Self, Fate) {
        let fate = Fate::default();
        (Self { stream, fate: fate.clone() }, fate)
    }

    fn check(&self) -> io::Result<()> {
        if self.fate.is_sealed() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl<S: Resettable> Drop for Socket<S> {
    fn drop(&mut self) {
        if self.fate.is_sealed()
            && let Err(error) = self.stream.reset_at_close()
        {
            tracing::debug!(%error, "a connection is closed that should be reset");
        }
    }
}

impl<S: Resettable> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: Resettable> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A response on its way to a connection.
pub(crate) struct Answer {
    answer: RouteFuture<Infallible>,
    fate: Fate,
}

impl Answer {
    pub(crate) fn new(answer: RouteFuture<Infallible>, fate: &Fate) -> Self {
        Self { answer, fate: fate.clone() }
    }
}

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(cx))?;
        Poll::Ready(Ok(match response.extensions().get::<Interruption>() {
            None => response,
            Some(Interruption::Refused | Interruption::Reset) => {
                self.fate.seal();
                response
            }
            Some(Interruption::ResetIfBroken) => {
                let fate = self.fate.clone();
                response.map(|body| Body::new(Breakable { body, fate }))
            }
        }))
    }
}

/// A body whose error resets its connection.
struct Breakable {
    body: Body,
    fate: Fate,
}

impl HttpBody for Breakable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if matches!(frame, Some(Err(_))) {
            self.fate.seal();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
