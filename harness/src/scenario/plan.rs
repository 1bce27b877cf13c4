//! What a scenario will send, as far as it can be known before the run.

use std::fmt;
use std::time::Duration;

use super::model::{Action, ActionKind, Arrivals, LoadShape, Mixed, Scenario, Stage};
use crate::assert::words;
use crate::record::Endpoints;

/// How many requests a load will send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Planned {
    /// Open loop with fixed spacing.
    Exactly(u64),
    /// Open loop with random spacing: the expected number.
    About(f64),
    /// Closed loop with think time: answers take time, so at most this many.
    AtMost(u64),
    /// Closed loop without think time: as many as answers allow.
    Unbounded,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Planned::Exactly(count) => write!(f, "{count}"),
            Planned::About(expected) => write!(f, "about {expected:.0}"),
            Planned::AtMost(count) => write!(f, "at most {count}"),
            Planned::Unbounded => f.write_str("as many as answers allow"),
        }
    }
}

/// One load of one stage with its planned number of requests.
#[derive(Debug, Clone)]
pub struct PlannedLoad<'a> {
    /// Stage name.
    pub stage: &'a str,
    /// Workload name; of a mix all of them with their shares.
    pub workload: String,
    /// How many requests.
    pub requests: Planned,
}

impl Scenario {
    /// The planned number of requests of each load of each stage.
    #[must_use]
    pub fn plan(&self) -> Vec<PlannedLoad<'_>> {
        let mut loads = Vec::new();
        for stage in &self.stages {
            for load in &stage.loads {
                loads.push(PlannedLoad {
                    stage: &stage.name,
                    workload: self.mixed(&load.mix),
                    requests: planned(stage, &load.shape),
                });
            }
        }
        loads
    }

    fn mixed(&self, mix: &[Mixed]) -> String {
        let name = |one: &Mixed| {
            self.workloads.get(one.workload).map(|workload| workload.name.as_str()).unwrap_or("?")
        };
        match mix {
            [one] => name(one).to_owned(),
            several => {
                let parts: Vec<String> = several
                    .iter()
                    .map(|one| format!("{} {}", name(one), words::percent(one.share)))
                    .collect();
                parts.join(" + ")
            }
        }
    }

    /// What a run will leave out because real endpoints stand in the simulators'
    /// place, in words; empty with simulators. Assertions that turn out to need the
    /// simulators' journals come on top.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        if self.topology.endpoints() == Endpoints::Simulators {
            return Vec::new();
        }
        let patches = |action: &&Action| matches!(action.kind, ActionKind::Patch { .. });
        let actions = self
            .actions
            .iter()
            .filter(patches)
            .map(|action| format!("action `{}` patches a simulator", action.name));
        let resting = self.assertions.iter().filter(|assertion| assertion.simulators_only);
        let resting = resting.map(|assertion| {
            format!("assertion `{}` rests on what the simulators are set to", assertion.id)
        });
        actions.chain(resting).collect()
    }

    /// The length of all stages together.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.stages.last().map(|stage| stage.end).unwrap_or_default()
    }
}

fn planned(stage: &Stage, shape: &LoadShape) -> Planned {
    let duration = stage.duration();
    match shape {
        LoadShape::Open(arrivals) => {
            let expected = arrivals.expected(duration);
            match arrivals {
                Arrivals::Poisson(_) => Planned::About(expected),
                Arrivals::Constant(_) | Arrivals::Ramp { .. } => {
                    Planned::Exactly(crate::load::arrival::count_below(*arrivals, duration))
                }
            }
        }
        LoadShape::Closed { think_time, .. } if think_time.is_zero() => Planned::Unbounded,
        LoadShape::Closed { users, think_time, spawn_interval } => {
            let mut most = 0_u64;
            for user in 0..*users {
                let Some(left) = duration.checked_sub(spawn_interval.saturating_mul(user)) else {
                    break;
                };
                let rounds = left.as_nanos().div_ceil(think_time.as_nanos());
                most = most.saturating_add(u64::try_from(rounds).unwrap_or(u64::MAX));
            }
            Planned::AtMost(most)
        }
    }
}
