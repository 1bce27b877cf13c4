//! All journals of a run, followed at the same time: one that does not answer
//! must not keep the others from being read.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::reader::Reader;
use super::records::{GatewayRecord, SimulatorRecord};

/// Between two looks for the last records.
const LAST_RECORDS: Duration = Duration::from_millis(250);

/// How long late records are waited for when others are lost anyway.
const LATE_RECORDS: Duration = Duration::from_secs(1);

/// What can be followed, whatever its records are.
pub(crate) struct Journals {
    /// By the simulator's index, in order.
    pub(crate) simulators: Vec<(usize, Reader<SimulatorRecord>)>,
    pub(crate) gateway: Option<Reader<GatewayRecord>>,
    /// Why a journal could not be opened.
    pub(crate) problems: Vec<String>,
}

enum Followed {
    Simulator(usize, Reader<SimulatorRecord>),
    Gateway(Reader<GatewayRecord>),
}

impl Journals {
    /// Follows the journals until `stop`. Returns them for the last reading.
    pub(crate) async fn keep_following(self, stop: CancellationToken) -> Self {
        self.all(Some(stop)).await
    }

    /// Follows all journals until they hold these answered requests and what was
    /// under way had time to be written, at most for `longest`: a server writes
    /// its record when it learns of the end, which over sockets is a little later.
    /// A journal that cannot be read gets as long to recover.
    pub(crate) async fn complete(mut self, answered: &BTreeSet<&str>, longest: Duration) -> Self {
        let begun = Instant::now();
        loop {
            tokio::time::sleep(LAST_RECORDS).await;
            self = self.all(None).await;
            let failing = self.any(Reader::is_failing, Reader::is_failing);
            let broken = self.any(Reader::is_broken, Reader::is_broken);
            let longest = if broken && !failing { longest.min(LATE_RECORDS) } else { longest };
            let done = !failing && self.hold(answered);
            if done || !self.problems.is_empty() || longest <= begun.elapsed() {
                return self;
            }
        }
    }

    fn any(
        &self,
        simulator: impl Fn(&Reader<SimulatorRecord>) -> bool,
        gateway: impl Fn(&Reader<GatewayRecord>) -> bool,
    ) -> bool {
        self.simulators.iter().any(|(_, reader)| simulator(reader))
            || self.gateway.as_ref().is_some_and(gateway)
    }

    /// Whether every one of these ids is found at a simulator, and at the gateway
    /// where it has a journal.
    fn hold(&self, ids: &BTreeSet<&str>) -> bool {
        let at_simulators: BTreeSet<&str> =
            self.simulators.iter().flat_map(|(_, reader)| reader.correlation_ids()).collect();
        let at_gateway =
            self.gateway.as_ref().map(|reader| reader.correlation_ids().collect::<BTreeSet<_>>());
        // Real endpoints keep no journals.
        let at_simulators = self.simulators.is_empty() || ids.is_subset(&at_simulators);
        at_simulators && at_gateway.is_none_or(|found| ids.is_subset(&found))
    }

    /// Follows every journal in a task of its own: until `until`, or once.
    async fn all(self, until: Option<CancellationToken>) -> Self {
        let mut tasks = JoinSet::new();
        for (index, mut reader) in self.simulators {
            let until = until.clone();
            tasks.spawn(async move {
                match until {
                    Some(stop) => reader = reader.keep_following(stop).await,
                    None => reader.follow().await,
                }
                Followed::Simulator(index, reader)
            });
        }
        if let Some(mut reader) = self.gateway {
            tasks.spawn(async move {
                match until {
                    Some(stop) => reader = reader.keep_following(stop).await,
                    None => reader.follow().await,
                }
                Followed::Gateway(reader)
            });
        }
        let mut all = Self { simulators: Vec::new(), gateway: None, problems: self.problems };
        while let Some(result) = tasks.join_next().await {
            match result {
                Ok(Followed::Simulator(index, reader)) => all.simulators.push((index, reader)),
                Ok(Followed::Gateway(reader)) => all.gateway = Some(reader),
                // A panic is our own fault and goes on here; nobody cancels.
                Err(error) => {
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        }
        all.simulators.sort_by_key(|(index, _)| *index);
        all
    }
}
