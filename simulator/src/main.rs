//! Binary `simulator`: see [`simulator::cli`].

use std::process::ExitCode;

/// A request makes and drops a hundred things or more; see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    seam::memory::in_small_pages();
    simulator::cli::main()
}
