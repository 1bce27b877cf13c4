//! Work that may take milliseconds, kept off other requests' tokens.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Below this many bytes work is done in place.
const INLINE_BYTES: usize = 8 << 10;

/// Runs something that takes time with `size`, in bytes. On a runtime with other
/// workers they take over this one's tasks; on a single thread (a virtual run)
/// order matters more than latency, and it runs in place.
pub(crate) fn aside<T>(size: usize, work: impl FnOnce() -> T) -> T {
    let others = Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if others && INLINE_BYTES < size { tokio::task::block_in_place(work) } else { work() }
}
