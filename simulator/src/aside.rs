//! Work that may take milliseconds, kept off other requests' tokens.
//!
//! A connection's thread answers small requests itself. One that may take long is
//! answered by a [`Pool`] of other threads; there, what takes long is done
//! [`aside`], so that the pool's other tasks go on.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_util::task::AbortOnDropHandle;

/// Below this many bytes work is done in place.
pub(crate) const INLINE_BYTES: usize = 8 << 10;

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
