//! What came of a body together with its headers.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

use super::{Body, HttpService, Response, TransportError};

/// The same service, its responses with the part of the body that came together
/// with the headers already in hand: a proxy that hands on a short answer then
/// writes it at once, not headers first. What is still to come is not waited for.
#[must_use]
pub fn with_first_chunk(service: HttpService) -> HttpService {
    BoxCloneSyncService::new(service.and_then(|response: Response| async move {
        let (parts, body) = response.into_parts();
        Ok::<_, TransportError>(Response::from_parts(parts, begun(body).await))
    }))
}

/// A body whose beginning was asked for. The connection is a task of its own,
/// and decodes only what somebody asked for: it gets one turn to do so.
async fn begun(mut body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let mut turns = 0;
    let first = poll_fn(|context| match Pin::new(&mut body).poll_frame(context) {
        Poll::Pending if turns == 0 => {
            turns += 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
        first => Poll::Ready(first),
    });
    match first.await {
        Poll::Pending => body,
        Poll::Ready(None) => Body::empty(),
        Poll::Ready(Some(Ok(frame))) if frame.is_data() && body.is_end_stream() => {
            Body::from(frame.into_data().unwrap_or_default())
        }
        Poll::Ready(Some(first)) => Body::new(Begun { first: Some(first), rest: body }),
    }
}

/// A body and the frame that was taken from its beginning.
struct Begun {
    first: Option<Result<Frame<Bytes>, axum::Error>>,
    rest: Body,
}

impl http_body::Body for Begun {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.size_hint();
        let first = match &self.first {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) | None => 0,
        };
        // A new one: bounds that are raised one after the other may cross, and panic.
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(first)) {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use http_body_util::BodyExt as _;

    use super::*;

    /// Chunks, each when its turn has come.
    fn chunks(all: &'static [&'static str]) -> Body {
        let stream = futures_util::stream::unfold(0, move |at| async move {
            if 0 < at {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            all.get(at)
                .map(|chunk| (Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes())), at + 1))
        });
        Body::from_stream(stream)
    }

    /// A body that needs another task's turn for its one chunk of 5 bytes, as
    /// one from a connection does.
    struct Asked(tokio::sync::mpsc::Receiver<Bytes>, u64, Option<tokio::sync::oneshot::Sender<()>>);

    impl http_body::Body for Asked {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if let Some(ask) = self.2.take() {
                ask.send(()).unwrap();
            }
            let chunk = std::task::ready!(self.0.poll_recv(context));
            self.1 -= chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
        }

        fn is_end_stream(&self) -> bool {
            self.1 == 0
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_beginning_that_is_there_is_in_hand() {
        let (send, receive) = tokio::sync::mpsc::channel(1);
        let (ask, asked) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            asked.await.unwrap();
            send.send(Bytes::from_static(b"whole")).await.unwrap();
        });
        let mut whole = begun(Body::new(Asked(receive, 5, Some(ask)))).await;
        assert_eq!(whole.size_hint().exact(), Some(5));
        let frame = whole.frame().now_or_never().flatten().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "whole");
        assert!(whole.is_end_stream());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_to_come_is_not_waited_for() {
        let started = tokio::time::Instant::now();
        let stream = begun(chunks(&["a", "b"])).await;
        assert_eq!((stream.is_end_stream(), stream.size_hint().lower()), (false, 1));
        let silent =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>());
        assert!(!begun(silent).await.is_end_stream());
        assert!(begun(Body::empty()).await.is_end_stream());
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert_eq!(stream.collect().await.unwrap().to_bytes(), "ab");
    }
}
