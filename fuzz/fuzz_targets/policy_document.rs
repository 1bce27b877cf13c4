//! A whole document: scanned, compiled, linted, every diagnostic printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seam::diagnostic::Source;

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz.xml", text);
    for problem in gateway::check_document(&source) {
        let _ = problem.render(false);
    }
});
