//! How the process gets its memory.

/// Memory comes in small pages from now on, never in transparent huge ones, in this
/// process and those it starts. Huge pages bought a request nothing that could be
/// measured, and the thread that touches one first waits until all its 2 MiB are
/// cleared: 10 ms on a virtual machine whose host has yet to find the memory, and
/// every answer of the thread with it. See docs/performance.md.
pub fn in_small_pages() {
    #[cfg(target_os = "linux")]
    {
        // Where there are none, none can be switched off.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn huge_pages_are_off() {
        super::in_small_pages();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
    }
}
