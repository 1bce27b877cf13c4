//! Whether clients, gateway and simulators tell one story: every request found
//! at a backend or answered by the gateway, nothing unknown, nothing twice,
//! statuses and usage the same on every side.

use std::collections::{BTreeMap, BTreeSet};

use super::joined::{EXAMPLES, Joined, Request, is_action_id};
use super::result::{Mismatch, Reconciliation, ReconciliationState};
use super::words;
use crate::record::{BackendRow, ClientRow, Endpoints, GatewayRow, Outcome};

/// The status a simulator records for a client that went away.
const CLIENT_CLOSED: u16 = 499;
/// The status a simulator records when a fault let nothing be sent.
const NO_RESPONSE: u16 = 444;

/// Compares all rows with each other.
pub(super) fn reconcile(joined: &Joined<'_>) -> Reconciliation {
    let mut books = Books::new(joined);
    if why_not(joined).is_none() && joined.dataset.endpoints == Endpoints::Real {
        books.duplicate_ids();
        books.gateway_rows();
        for request in joined.requests() {
            books.at_gateway(&request);
        }
    } else if why_not(joined).is_none() {
        books.duplicate_ids();
        books.strangers();
        books.gateway_rows();
        for request in joined.requests() {
            books.request(&request);
        }
    }
    books.close()
}

/// Why there is nothing to compare, if so.
fn why_not(joined: &Joined<'_>) -> Option<&'static str> {
    let dataset = joined.dataset;
    if dataset.clients.is_empty() {
        Some("no request was sent")
    } else if dataset.endpoints == Endpoints::Real && !dataset.gateway_journal {
        Some("real endpoints keep no journals, and the gateway's was not read")
    } else if dataset.endpoints == Endpoints::Simulators && !dataset.journals_complete {
        Some("there are no complete journals to compare with")
    } else if !dataset.journal_breaks.is_empty() {
        Some("a journal ended in mid-run, see the account of requests")
    } else {
        None
    }
}

/// The rows and what does not fit so far.
struct Books<'a> {
    joined: &'a Joined<'a>,
    gateway: BTreeMap<&'a str, Vec<&'a GatewayRow>>,
    /// In the order in which kinds of mismatch were first met.
    mismatches: Vec<Mismatch>,
    kinds: Vec<&'static str>,
    at_backend: u64,
    by_gateway: u64,
    attempts: u64,
    action_rows: u64,
    usages_compared: u64,
    /// Workloads whose streams state usage: they asked for it.
    streams_with_usage: BTreeSet<usize>,
}

impl<'a> Books<'a> {
    fn new(joined: &'a Joined<'a>) -> Self {
        let mut gateway: BTreeMap<&str, Vec<&GatewayRow>> = BTreeMap::new();
        for row in &joined.dataset.gateway {
            gateway.entry(row.correlation_id.as_deref().unwrap_or_default()).or_default().push(row);
        }
        Self {
            joined,
            gateway,
            mismatches: Vec::new(),
            kinds: Vec::new(),
            at_backend: 0,
            by_gateway: 0,
            attempts: 0,
            action_rows: 0,
            usages_compared: 0,
            streams_with_usage: joined
                .dataset
                .clients
                .iter()
                .filter(|row| row.usage.is_some() && is_stream(row))
                .map(|row| row.workload)
                .collect(),
        }
    }

    /// Notes a mismatch; `detail` is told for the first of its kind.
    fn note(&mut self, kind: &'static str, example: &str, detail: impl FnOnce() -> String) {
        let index = self.kinds.iter().position(|one| *one == kind);
        if let Some(mismatch) = index.and_then(|index| self.mismatches.get_mut(index)) {
            mismatch.count += 1;
            if mismatch.examples.len() < EXAMPLES {
                mismatch.examples.push(example.to_owned());
            }
            return;
        }
        self.kinds.push(kind);
        let detail = detail();
        let message = if detail.is_empty() { kind.to_owned() } else { format!("{kind}: {detail}") };
        self.mismatches.push(Mismatch { message, count: 1, examples: vec![example.to_owned()] });
    }

    fn duplicate_ids(&mut self) {
        let mut seen = BTreeSet::new();
        for row in &self.joined.dataset.clients {
            if !seen.insert(row.correlation_id.as_str()) {
                self.note("a correlation id was used twice", &row.correlation_id, String::new);
            }
        }
        let mut seen = BTreeSet::new();
        for row in &self.joined.dataset.backends {
            if !seen.insert((row.simulator, row.life, row.number)) {
                let example = self.journal_row(row);
                self.note("a journal row appears twice", &example, String::new);
            }
        }
    }

    fn strangers(&mut self) {
        let joined = self.joined;
        for row in &joined.strangers {
            match row.correlation_id.as_deref() {
                Some(id) if is_action_id(joined.dataset, id) => self.action_rows += 1,
                Some(id) => {
                    let place = self.journal_row(row);
                    let detail = || format!("{id} in {place}");
                    self.note("a simulator was sent an unknown correlation id", id, detail);
                }
                None => {
                    let place = self.journal_row(row);
                    self.note("a simulator was sent no correlation id", &place, String::new);
                }
            }
        }
    }

    fn gateway_rows(&mut self) {
        let known: BTreeSet<&str> =
            self.joined.dataset.clients.iter().map(|row| row.correlation_id.as_str()).collect();
        for (id, rows) in self.gateway.clone() {
            if !known.contains(id) && !is_action_id(self.joined.dataset, id) {
                let example = if id.is_empty() { "(no id)" } else { id };
                self.note("the gateway recorded an unknown request", example, String::new);
            } else if known.contains(id) && 1 < rows.len() {
                let detail = || format!("{id} {} times", rows.len());
                self.note("the gateway recorded a request more than once", id, detail);
            }
        }
    }

    /// A request whose endpoint keeps no journal: the gateway's own records are all
    /// there is beside its client.
    fn at_gateway(&mut self, request: &Request<'_>) {
        let id = request.row.correlation_id.as_str();
        let Some(gateway) = self.gateway.get(id).and_then(|rows| rows.first()).copied() else {
            if matches!(request.row.outcome, Outcome::Answered(_)) {
                self.note("the gateway has no record of a request it answered", id, || {
                    id.to_owned()
                });
            }
            return;
        };
        self.attempts += gateway.attempts.len() as u64;
        match gateway.attempts.iter().any(|(_, status)| status.is_some()) {
            true => self.at_backend += 1,
            false => self.by_gateway += 1,
        }
        self.same_status(request, gateway);
    }

    fn request(&mut self, request: &Request<'_>) {
        let id = request.row.correlation_id.as_str();
        let gateway = self.gateway.get(id).and_then(|rows| rows.first()).copied();
        self.attempts += request.attempts.len() as u64;
        if !request.attempts.is_empty() {
            self.at_backend += 1;
            if gateway.is_none()
                && self.joined.dataset.gateway_journal
                && matches!(request.row.outcome, Outcome::Answered(_))
            {
                self.note("the gateway has no record of a request it answered", id, || {
                    id.to_owned()
                });
            }
        } else if self.answered_by_gateway(request, gateway) {
            self.by_gateway += 1;
        } else if matches!(request.row.outcome, Outcome::Answered(_) | Outcome::BrokenOff(..)) {
            let status = request.row.outcome.status().unwrap_or_default();
            self.note("a request was answered, but no simulator saw it", id, || {
                format!("{id} got {status}")
            });
        } else if gateway.is_none() && self.joined.dataset.gateway_journal {
            self.note("a request is found neither at the gateway nor at a simulator", id, || {
                format!("{id}, {}", ended(&request.row.outcome))
            });
        }
        self.statuses(request, gateway);
        self.usage(request);
    }

    /// No attempt, and an answer that the gateway can have made by itself: by its
    /// own record or, without one, any but a success.
    fn answered_by_gateway(&self, request: &Request<'_>, gateway: Option<&GatewayRow>) -> bool {
        match gateway {
            Some(row) => row.attempts.iter().all(|(_, status)| status.is_none()),
            None => {
                !self.joined.dataset.gateway_journal
                    && request.row.outcome.status().is_some_and(|s| !(200..300).contains(&s))
            }
        }
    }

    fn same_status(&mut self, request: &Request<'_>, gateway: &GatewayRow) {
        let (id, recorded) = (request.row.correlation_id.as_str(), gateway.status);
        if let Outcome::Answered(status) = request.row.outcome
            && status != recorded
        {
            self.note("client and gateway disagree on a status", id, || {
                format!("{id} got {status}, the gateway recorded {recorded}")
            });
        }
    }

    fn statuses(&mut self, request: &Request<'_>, gateway: Option<&GatewayRow>) {
        let id = request.row.correlation_id.as_str();
        let Outcome::Answered(status) = request.row.outcome else {
            return;
        };
        if let Some(row) = gateway {
            self.same_status(request, row);
            let told: Vec<u16> = row.attempts.iter().filter_map(|attempt| attempt.1).collect();
            let seen: Vec<u16> = request
                .attempts
                .iter()
                .map(|row| row.status)
                .filter(|status| ![CLIENT_CLOSED, NO_RESPONSE].contains(status))
                .collect();
            // A call that got no answer may have reached nobody, have been cut off
            // (499) or been reset (444); but no simulator sees more calls than the gateway made.
            let unrecorded = row.attempts.len() < request.attempts.len();
            if sorted(&told) != sorted(&seen) || unrecorded {
                self.note("gateway and simulators disagree on the attempts", id, || {
                    let seen: Vec<u16> = request.attempts.iter().map(|row| row.status).collect();
                    format!("{id}: the gateway recorded {told:?}, the simulators {seen:?}")
                });
            }
        }
        let success = |status: u16| (200..300).contains(&status);
        let successes = request.attempts.iter().filter(|row| success(row.status)).count();
        if 1 < successes {
            self.note("a request was answered by more than one attempt", id, || {
                format!("{id} by {successes}")
            });
        }
        if success(status) && !request.attempts.is_empty() && request.answering().is_none() {
            let last = request.attempts.last().map_or(0, |row| row.status);
            self.note("a client got a success that no simulator sent", id, || {
                format!("{id} got {status}, the last attempt {last}")
            });
        }
    }

    fn usage(&mut self, request: &Request<'_>) {
        let id = request.row.correlation_id.as_str();
        if !request.succeeded() {
            return;
        }
        let Some(answer) = request.answering() else {
            return;
        };
        let Some(told) = request.row.usage else {
            // A stream states usage only to those who asked for it.
            let asked =
                !is_stream(request.row) || self.streams_with_usage.contains(&request.row.workload);
            if let Some(booked) = answer.usage.filter(|_| asked) {
                self.note("an answer came without the usage that was booked", id, || {
                    format!("{id}, booked {} tokens", booked.total)
                });
            }
            return;
        };
        self.usages_compared += 1;
        if answer.usage != Some(told) {
            let booked = answer.usage.map(|usage| usage.total);
            self.note("client and journal disagree on usage", id, || match booked {
                Some(booked) => format!("{id} was told {} tokens, booked {booked}", told.total),
                None => format!("{id} was told {} tokens, booked none", told.total),
            });
        }
    }

    fn journal_row(&self, row: &BackendRow) -> String {
        format!("{}#{}", self.joined.simulator_name(row.simulator), row.number)
    }

    fn close(self) -> Reconciliation {
        let requests = self.joined.dataset.clients.len() as u64;
        let gateway_compared = self.joined.dataset.gateway_journal;
        let real = self.joined.dataset.endpoints == Endpoints::Real;
        let why_not = why_not(self.joined).or_else(|| {
            // Nothing met anything: there is no story to tell.
            let nobody = self.mismatches.is_empty() && self.at_backend + self.by_gateway == 0;
            nobody.then_some("no request reached a simulator or was answered by the gateway")
        });
        let state = match (&why_not, self.mismatches.is_empty()) {
            (Some(_), _) => ReconciliationState::NotChecked,
            (None, true) => ReconciliationState::Reconciled,
            (None, false) => ReconciliationState::Mismatched,
        };
        let all: u64 = self.mismatches.iter().map(|one| one.count).sum();
        let message = match state {
            ReconciliationState::NotChecked => {
                format!("not checked: {}", why_not.unwrap_or_default())
            }
            ReconciliationState::Mismatched => {
                format!(
                    "{} among {}",
                    words::counted(all, "mismatch", "mismatches"),
                    words::counted(requests, "request", "requests")
                )
            }
            ReconciliationState::Reconciled => {
                let at = if real { "real endpoints" } else { "simulators" };
                let mut parts = vec![format!("{} at {at}", words::count(self.at_backend))];
                if 0 < self.by_gateway {
                    parts
                        .push(format!("{} answered by the gateway", words::count(self.by_gateway)));
                }
                let lost = requests - self.at_backend - self.by_gateway;
                if 0 < lost {
                    parts.push(format!("{} without an answer", words::count(lost)));
                }
                let without = match (gateway_compared, real) {
                    (true, false) => "",
                    (true, true) => ", as the gateway's own records say",
                    (false, _) => "; the gateway's own records were not compared",
                };
                format!(
                    "{}: {}; {}, {} compared{without}",
                    words::counted(requests, "request", "requests"),
                    parts.join(", "),
                    words::counted(self.attempts, "attempt", "attempts"),
                    words::counted(self.usages_compared, "usage", "usages"),
                )
            }
        };
        Reconciliation {
            state,
            gateway_compared: gateway_compared && state != ReconciliationState::NotChecked,
            simulators_compared: !real && state != ReconciliationState::NotChecked,
            requests,
            at_backend: self.at_backend,
            by_gateway: self.by_gateway,
            attempts: self.attempts,
            action_rows: self.action_rows,
            usages_compared: self.usages_compared,
            mismatches: self.mismatches,
            message,
        }
    }
}

fn is_stream(row: &ClientRow) -> bool {
    row.headers.get("content-type").is_some_and(|media| media.starts_with("text/event-stream"))
}

fn sorted(statuses: &[u16]) -> Vec<u16> {
    let mut sorted = statuses.to_vec();
    sorted.sort_unstable();
    sorted
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(status) => format!("answered {status}"),
        Outcome::BrokenOff(status, why) => format!("answered {status} and broken off: {why}"),
        Outcome::TransportFailed(why) => format!("failed: {why}"),
        Outcome::TimedOut => "timed out".to_owned(),
        Outcome::Abandoned => "abandoned".to_owned(),
    }
}
