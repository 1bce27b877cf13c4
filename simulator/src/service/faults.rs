//! The faults of a resource while it runs: what strikes a request, and when nobody
//! listens. Live changes replace the board; who decides holds the old one for a
//! moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand::RngExt as _;
use seam::rng::Seed;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::lock;
use crate::config::FaultConfig;
use crate::fault::{Armed, Board, Candidate, Key, Stage};

/// The faults of a resource.
pub(super) struct Faults {
    board: Mutex<Arc<Board>>,
    /// Whether there are any: all that a request without faults looks at.
    any: AtomicBool,
    changed: Notify,
}

impl Faults {
    /// Arms the faults of the file.
    pub(super) fn new(configured: &[FaultConfig], now: Instant) -> Self {
        let faults =
            Self { board: Mutex::default(), any: AtomicBool::new(false), changed: Notify::new() };
        faults.reset(configured, now);
        faults
    }

    /// Puts the faults of the file in force, as if the simulator started now.
    pub(super) fn reset(&self, configured: &[FaultConfig], now: Instant) {
        let armed = configured.iter().map(|one| {
            let FaultConfig { fault, mut written, owner } = one.clone();
            written.name = Some(fault.name.to_string());
            Arc::new(Armed::new(fault, written, owner, now))
        });
        self.replace(armed.collect());
    }

    pub(super) fn board(&self) -> Arc<Board> {
        Arc::clone(&lock(&self.board))
    }

    /// Puts other faults in force. Those that were armed before keep their counts
    /// and times.
    pub(super) fn replace(&self, armed: Vec<Arc<Armed>>) {
        self.any.store(!armed.is_empty(), Ordering::Relaxed);
        *lock(&self.board) = Arc::new(Board::new(armed));
        self.changed.notify_waiters();
    }

    /// The fault that strikes a request at this stage.
    pub(super) fn strike(
        &self,
        now: Instant,
        stage: Stage,
        candidate: &Candidate<'_>,
        draws: &Draws<'_>,
    ) -> Option<Arc<Armed>> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        self.board().strike(now, stage, candidate, |name, key| draws.draw(name, key, candidate))
    }

    /// Whether nobody listens; counts the request that finds it so.
    pub(super) fn refuses(&self, now: Instant) -> Option<Arc<Armed>> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        self.board().count_refused(now)
    }

    /// Resolves once connections are refused, or no longer, as `refused` says.
    pub(super) async fn until(&self, refused: bool) {
        loop {
            // Waiting begins before looking: no change is missed in between.
            let changed = self.changed.notified();
            let board = self.board();
            let now = Instant::now();
            if board.refuses(now) == refused {
                return;
            }
            match board.next_refusal_change(now) {
                None => changed.await,
                Some(next) => {
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = tokio::time::sleep_until(next) => {}
                    }
                }
            }
        }
    }
}

/// What a request's draws are keyed by.
pub(super) struct Draws<'a> {
    pub seed: Seed,
    pub resource: &'a str,
    pub number: u64,
}

impl Draws<'_> {
    fn draw(&self, fault: &str, key: Key, candidate: &Candidate<'_>) -> f64 {
        let Self { seed, resource, number } = self;
        // The deployment, so that what spills over is drawn anew.
        let stream = format!("simulator/{resource}/faults/{}/{fault}", candidate.deployment);
        let mut rng = match (key, candidate.correlation_id) {
            (Key::CorrelationId, Some(id)) => seed.stream(&format!("{stream}/{id}")),
            (Key::CorrelationId, None) | (Key::Request, _) => seed.numbered(&stream, *number),
        };
        rng.random()
    }
}
