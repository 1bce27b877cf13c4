//! What kinds about rates and limits count, each with the time at which it was
//! decided, and the stretches of the run they look at.

use std::time::Duration;

use super::check::Why;
use super::joined::{Joined, Request};
use super::words;
use crate::record::{Outcome, RunTime, Usage, World};
use crate::scenario::assertion::{Counted, Scope, SeenBy, Weight};

/// Something counted. It was decided at a moment from `earliest` to `latest`,
/// which are the same where the moment is known.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub request: Request<'a>,
    pub earliest: RunTime,
    pub latest: RunTime,
    pub weight: u64,
}

/// The requests of a scope and what is counted of them.
pub(super) struct Events<'a> {
    /// In order of sending.
    pub requests: Vec<Request<'a>>,
    /// In order of `earliest`, then of number.
    pub counted: Vec<Event<'a>>,
    /// The stretches of the scope without what is left out, in order.
    pub stretches: Vec<(RunTime, RunTime)>,
}

impl<'a> Events<'a> {
    pub(super) fn take(
        joined: &'a Joined<'_>,
        scope: &Scope,
        counted: &Counted,
    ) -> Result<Self, Why> {
        let requests = joined.select(scope)?;
        if requests.iter().all(|request| request.row.outcome.status().is_none()) {
            let of = words::counted(requests.len() as u64, "request", "requests");
            return Err(format!("{of}, but not one had an answer").into());
        }
        let mut events = match &counted.seen_by {
            SeenBy::Clients => by_clients(joined, &requests, counted)?,
            SeenBy::Simulator(name) => at_simulator(joined, &requests, counted, name)?,
        };
        events.sort_by_key(|event| (event.earliest, event.latest, event.request.row.number));
        let stretches = joined.stretches(&scope.span)?;
        Ok(Self { requests, counted: events, stretches })
    }

    pub(super) fn n(&self) -> u64 {
        self.requests.len() as u64
    }
}

fn by_clients<'a>(
    joined: &Joined<'_>,
    requests: &[Request<'a>],
    counted: &Counted,
) -> Result<Vec<Event<'a>>, Why> {
    let answered_by = match &counted.answered_by {
        None => None,
        Some(name) => Some(joined.simulator(name)?),
    };
    let exact = joined.dataset.world == World::Virtual;
    let counts = |request: &&Request<'_>| {
        let outcome = &request.row.outcome;
        // A success that broke off is none.
        let whole = !matches!(outcome, Outcome::BrokenOff(200..=299, _));
        let status = outcome.status().filter(|_| whole);
        let answer = || request.answering().map(|answer| answer.simulator);
        counted
            .statuses
            .as_ref()
            .is_none_or(|statuses| status.is_some_and(|status| statuses.contains(status)))
            && answered_by.is_none_or(|index| answer() == Some(index))
    };
    let event = |request: &Request<'a>| {
        let row = request.row;
        let latest = if exact { row.sent } else { row.first_byte.unwrap_or(row.done) };
        let weight = weigh(counted.weight, row.usage);
        Event { request: *request, earliest: row.sent, latest, weight }
    };
    Ok(requests.iter().filter(counts).map(event).collect())
}

fn at_simulator<'a>(
    joined: &Joined<'_>,
    requests: &[Request<'a>],
    counted: &Counted,
    name: &str,
) -> Result<Vec<Event<'a>>, Why> {
    let index = joined.simulator(name)?;
    let mut reached = false;
    let mut events = Vec::new();
    for request in requests {
        for row in request.attempts.iter().filter(|row| row.simulator == index) {
            reached = true;
            if counted.statuses.as_ref().is_none_or(|statuses| statuses.contains(row.status)) {
                let weight = weigh(counted.weight, row.usage);
                let (earliest, latest) = (row.received, row.received);
                events.push(Event { request: *request, earliest, latest, weight });
            }
        }
    }
    if reached { Ok(events) } else { Err(format!("no request of the span reached {name}").into()) }
}

fn weigh(weight: Weight, usage: Option<Usage>) -> u64 {
    match weight {
        Weight::Fixed(each) => each,
        Weight::TotalTokens => usage.map_or(0, |usage| usage.total),
        Weight::PromptTokens => usage.map_or(0, |usage| usage.prompt),
        Weight::CompletionTokens => usage.map_or(0, |usage| usage.completion),
    }
}

/// `requests answered 429`, `tokens of attempts at ptu1`: what is counted, in words.
pub(super) fn thing(counted: &Counted) -> String {
    let mut of = match &counted.seen_by {
        SeenBy::Clients => "requests".to_owned(),
        SeenBy::Simulator(_) => "attempts".to_owned(),
    };
    if let Some(statuses) = &counted.statuses {
        of.push_str(&format!(" answered {statuses}"));
    }
    let mut text = match counted.weight {
        Weight::Fixed(1) => of,
        Weight::Fixed(each) => format!("({} each) of {of}", words::count(each)),
        Weight::TotalTokens => format!("tokens of {of}"),
        Weight::PromptTokens => format!("prompt tokens of {of}"),
        Weight::CompletionTokens => format!("completion tokens of {of}"),
    };
    if let SeenBy::Simulator(name) = &counted.seen_by {
        text.push_str(&format!(" at {name}"));
    }
    if let Some(name) = &counted.answered_by {
        text.push_str(&format!(" from {name}"));
    }
    text
}

/// A time plus a length.
pub(super) fn plus(time: RunTime, length: Duration) -> RunTime {
    RunTime { nanos: time.nanos.saturating_add(RunTime::from(length).nanos) }
}

/// A time minus a length.
pub(super) fn minus(time: RunTime, length: Duration) -> RunTime {
    RunTime { nanos: time.nanos.saturating_sub(RunTime::from(length).nanos) }
}

/// The part of a stretch cut into bins: start and end of each whole one.
pub(super) fn bins(stretches: &[(RunTime, RunTime)], length: Duration) -> Vec<(RunTime, RunTime)> {
    let mut all = Vec::new();
    let step = RunTime::from(length).nanos.max(1);
    let Some(origin) = stretches.first().map(|first| first.0.nanos) else { return all };
    for (start, end) in stretches {
        // Aligned to the first stretch, so that what is left out shifts nothing.
        let past = (start.nanos - origin).rem_euclid(step);
        let mut from = start.nanos + if past == 0 { 0 } else { step - past };
        while from + step <= end.nanos {
            all.push((RunTime { nanos: from }, RunTime { nanos: from + step }));
            from += step;
        }
    }
    all
}
