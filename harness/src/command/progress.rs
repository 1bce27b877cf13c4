//! The live progress line. Its own OS thread reads the run's counters a few
//! times a second: it is never on the sample path, and on virtual time it must
//! not be a timer of the run.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::load::progress::Progress;

const REDRAW: Duration = Duration::from_millis(200);

/// Draws until it is dropped.
pub(super) struct ProgressLine {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressLine {
    /// Starts to draw on stderr.
    pub(super) fn start(progress: Arc<Progress>, length: Duration) -> Self {
        let (stop, stopped) = mpsc::channel();
        let draw = move || {
            let bar = ProgressBar::new(millis(length));
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
                bar.set_style(style);
            }
            while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                let reading = progress.read();
                bar.set_position(millis(reading.elapsed));
                bar.set_message(format!(
                    "{}/{} s  {} sent, {} under way, {} not 2xx",
                    reading.elapsed.as_secs(),
                    length.as_secs(),
                    reading.sent,
                    reading.sent.saturating_sub(reading.done),
                    reading.not_2xx,
                ));
            }
            bar.finish_and_clear();
        };
        // Without a thread there is no line, and nothing else is lost.
        let thread = std::thread::Builder::new().name("harness-progress".into()).spawn(draw).ok();
        Self { stop: Some(stop), thread }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // Its panic would only spoil the line.
            let _ = thread.join();
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
