//! Work that may take milliseconds, kept off other requests' tokens.
//!
//! A connection's thread answers small requests itself. One that may take long is
//! answered by a [`Pool`] of other threads; there, what takes long is done
//! [`aside`], so that the pool's other tasks go on.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_util::task::AbortOnDropHandle;

/// Up to this many bytes of a request are read in place.
pub(crate) const INLINE_BYTES: usize = 8 << 10;

/// Up to this many bytes of an answer are made in place: 6 to 16 µs for each 1,000
/// (docs/performance.md).
const INLINE_ANSWER_BYTES: u64 = 48 << 10;

/// Runs something that takes time with `size`, in bytes. On a runtime with other
/// workers they take over this one's tasks; on a single thread (a virtual run)
/// order matters more than latency, and it runs in place.
pub(crate) fn aside<T>(size: usize, work: impl FnOnce() -> T) -> T {
    if INLINE_BYTES < size && several_threads().is_some() {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

/// The present runtime, if it has several threads.
fn several_threads() -> Option<Handle> {
    Handle::try_current().ok().filter(|own| own.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Threads that share their tasks; there are none on virtual time.
#[derive(Debug, Clone)]
pub(crate) struct Pool(Option<Handle>);

impl Pool {
    /// The present runtime's.
    pub(crate) fn present() -> Self {
        Self(several_threads())
    }

    /// Makes an answer of about so many bytes: a long one there.
    pub(crate) async fn make<T: Send + 'static>(
        &self,
        bytes: u64,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes <= INLINE_ANSWER_BYTES {
            return make();
        }
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        // Rare, so boxed: every answer's future has room for this one.
        Box::pin(self.clone().run(async move { aside(size, make) })).await
    }

    /// Runs something there, unless this is there already. Dropping the future ends
    /// the work.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        match self.0 {
            Some(pool) if several_threads().is_none() => {
                match AbortOnDropHandle::new(pool.spawn(work)).await {
                    Ok(done) => done,
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        // The pool ends with the process.
                        Err(_) => std::future::pending().await,
                    },
                }
            }
            _ => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn only_long_answers_are_made_by_the_pool() {
        let pool_runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let pool = Pool(Some(pool_runtime.handle().clone()));
        let worker = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let own = thread::current().id();
        let make = |bytes| worker.block_on(pool.make(bytes, || thread::current().id()));
        assert_eq!(make(INLINE_ANSWER_BYTES), own);
        assert_ne!(make(INLINE_ANSWER_BYTES + 1), own);
        // On virtual time there is none, and the order of things is the seed's.
        let made = worker.block_on(Pool(None).make(u64::MAX, || thread::current().id()));
        assert_eq!(made, own);
    }
}
