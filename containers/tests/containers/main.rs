//! The image, started and driven through the library: simulators one by one, and
//! a whole run of the harness in which a container dies.
//!
//! Where no container engine answers, or the image was not built, every test is
//! reported as ignored and the reason is printed; with `REQUIRE_DOCKER=1` every
//! test fails with it.

mod as_harness;
mod client;
mod death;
mod missing;
mod simulator;

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

/// Makes what is missing a failure.
const REQUIRED: &str = "REQUIRE_DOCKER";

fn main() -> ExitCode {
    if as_harness::is_meant() {
        return as_harness::main();
    }
    let arguments = Arguments::from_args();
    let runtime = match Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => return complain(&format!("cannot start the runtime: {error}")),
    };
    let here = Here::look(runtime);
    let mut trials = simulator::trials(&here);
    trials.extend(death::trials(&here));
    trials.extend(missing::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What this machine offers.
struct Here {
    runtime: Arc<Runtime>,
    /// Why containers cannot be started.
    missing: Option<String>,
    required: bool,
}

impl Here {
    fn look(runtime: Arc<Runtime>) -> Self {
        let missing = runtime.block_on(bench_containers::available()).err();
        let missing = missing.map(|error| error.to_string());
        let required = std::env::var(REQUIRED).is_ok_and(|value| value == "1");
        if let Some(reason) = &missing {
            let what = if required { "FAIL" } else { "are IGNORED, not passed" };
            complain(&format!("=== the container tests {what}: {reason}"));
        }
        Self { runtime, missing, required }
    }

    /// A test that needs containers.
    fn trial<F, T>(&self, name: &str, test: F) -> Trial
    where
        F: FnOnce() -> T + Send + 'static,
        T: Future<Output = Result<(), Failed>>,
    {
        let runtime = Arc::clone(&self.runtime);
        let ignored = self.missing.is_some() && !self.required;
        let missing = self.missing.clone();
        let trial = Trial::test(name, move || match missing {
            Some(reason) => Err(Failed::from(reason)),
            None => runtime.block_on(test()),
        });
        trial.with_ignored_flag(ignored)
    }
}

/// Loudly, and not where the list of tests is read from.
fn complain(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::FAILURE
}
