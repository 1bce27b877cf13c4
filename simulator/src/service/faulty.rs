//! What a fault does to a reply.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderValue};
use seam::interrupt::{BrokenOff, Interruption};

use super::exchange::Exchange;
use super::reply::respond;
use crate::fault::{Armed, Effect, RefusalKind, StatusFault};
use crate::limit::{Amounts, Level, PaygStanding, Refusal, RefusalReason, Standing};

/// Status of a request that got no reply (nginx's number).
pub(super) const NO_RESPONSE: u16 = 444;

/// Where nothing says how long: longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// How an answer goes wrong on its way.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Breach {
    /// The connection is closed, or reset.
    Break(BrokenOff),
    /// Nothing comes for this long.
    Stall(Duration),
    /// A last event that tells of an error.
    Error(String),
    /// An event of broken JSON.
    Malformed,
}

/// What is wrong with an answer whose headers arrive.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Flaws {
    /// How long its headers are held back.
    pub delay: Option<Duration>,
    /// What happens after this many tokens.
    pub breach: Option<(usize, Breach)>,
    /// Bytes that leave at once, and the time between them.
    pub trickle: Option<(usize, Duration)>,
}

impl Flaws {
    pub(super) fn of(struck: Option<&Arc<Armed>>) -> Self {
        let Some(armed) = struck else { return Self::default() };
        let breach =
            |after: &usize, breach| Self { breach: Some((*after, breach)), ..Self::default() };
        match &armed.fault.effect {
            Effect::Refuse | Effect::Status(_) | Effect::Headers(_) => Self::default(),
            // Before the headers it was done with.
            Effect::Reset { after_tokens: None } => Self::default(),
            Effect::Reset { after_tokens: Some(after) } => {
                breach(after, Breach::Break(BrokenOff::Reset))
            }
            Effect::Stall { after_tokens, duration } => {
                let duration = duration.unwrap_or(FOR_EVER);
                match after_tokens {
                    None => Self { delay: Some(duration), ..Self::default() },
                    Some(after) => breach(after, Breach::Stall(duration)),
                }
            }
            Effect::Cut { after_tokens } => breach(after_tokens, Breach::Break(BrokenOff::Closed)),
            Effect::ErrorEvent { after_tokens, message } => {
                breach(after_tokens, Breach::Error(message.clone()))
            }
            Effect::Malformed { after_tokens } => breach(after_tokens, Breach::Malformed),
            Effect::Trickle { bytes, interval } => {
                Self { trickle: Some((*bytes, *interval)), ..Self::default() }
            }
        }
    }

    fn any_in_body(&self) -> bool {
        self.breach.is_some() || self.trickle.is_some()
    }
}

/// Changes the headers of a reply, where that is what its fault does.
pub(super) fn change_headers(
    struck: Option<&Arc<Armed>>,
    status: http::StatusCode,
    headers: &mut HeaderMap,
) {
    let Some(armed) = struck else { return };
    match &armed.fault.effect {
        Effect::Headers(changes) => changes.apply(status, headers),
        Effect::Status(StatusFault { headers: changes, .. }) => changes.apply(status, headers),
        _ => {}
    }
}

/// A reply that does not arrive: the connection is reset.
pub(super) fn no_response(mut exchange: Exchange) -> axum::response::Response {
    exchange.unanswered(NO_RESPONSE, "fault");
    Interruption::Reset.response()
}

/// The refusal that a 429 of a fault pretends, where the deployment stands so.
pub(super) fn pretended(fault: &StatusFault, mut standing: Standing) -> Refusal {
    let wait = match (fault.headers.retry_after_ms, fault.headers.retry_after) {
        (Some(millis), _) => Duration::from_millis(millis),
        (None, Some(seconds)) => Duration::from_secs(seconds),
        (None, None) => Duration::from_secs(1),
    };
    let reason = match (fault.refusal, &standing) {
        (Some(RefusalKind::Requests), _) => RefusalReason::Requests,
        (Some(RefusalKind::PeakLoad), _) => RefusalReason::PeakLoad,
        (Some(RefusalKind::Utilization), _) | (None, Standing::Ptu(_)) => {
            RefusalReason::Utilization
        }
        (Some(RefusalKind::Tokens), _) | (None, Standing::Payg(_)) => RefusalReason::Tokens,
    };
    let amounts = match &standing {
        Standing::Payg(PaygStanding { tokens: Some(level), .. })
            if reason == RefusalReason::Tokens =>
        {
            amounts(level.limit, wait)
        }
        Standing::Payg(PaygStanding { requests: Some(level), .. }) => amounts(level.limit, wait),
        Standing::Payg(_) | Standing::Ptu(_) => Amounts::default(),
    };
    // The headers of a refusal show what is used up.
    match (&mut standing, reason) {
        (Standing::Ptu(utilization), _) => *utilization = utilization.max(1.0),
        (Standing::Payg(PaygStanding { tokens, .. }), RefusalReason::Tokens) => {
            used_up(tokens, wait)
        }
        (Standing::Payg(PaygStanding { requests, .. }), RefusalReason::Requests) => {
            used_up(requests, wait);
        }
        (Standing::Payg(_), _) => {}
    }
    Refusal { reason, retry_after: Some(wait), standing, amounts }
}

/// A full limit, and a request whose share of it drains in the wait.
fn amounts(limit: u64, wait: Duration) -> Amounts {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Amounts { limit, used: limit, requested: (limit.saturating_mul(millis) / 60_000).max(1) }
}

fn used_up(level: &mut Option<Level>, wait: Duration) {
    if let Some(level) = level {
        level.remaining = 0;
        level.reset = wait;
    }
}

/// Bytes as they leave when they trickle.
pub(super) fn pieces(bytes: Bytes, size: usize) -> impl Iterator<Item = Bytes> {
    let size = size.max(1);
    let mut rest = bytes;
    std::iter::from_fn(move || (!rest.is_empty()).then(|| rest.split_to(size.min(rest.len()))))
}

/// What a body does next.
enum Step {
    Send(Bytes),
    Wait(Duration),
    Break(BrokenOff),
}

/// An answer in one document that goes wrong in the middle of its body. The
/// exchange ends with the body.
pub(super) fn flawed_document(
    exchange: Exchange,
    mut headers: HeaderMap,
    body: Bytes,
    flaws: Flaws,
) -> axum::response::Response {
    let half = body.slice(..body.len() / 2);
    let other = body.slice(body.len() / 2..);
    let mut length = body.len();
    let mut steps: VecDeque<Step> = match flaws.breach {
        None => [Step::Send(body)].into(),
        Some((_, Breach::Break(how))) => [Step::Send(half), Step::Break(how)].into(),
        Some((_, Breach::Stall(time))) => {
            [Step::Send(half), Step::Wait(time), Step::Send(other)].into()
        }
        Some((_, Breach::Malformed)) => {
            length = half.len();
            [Step::Send(half)].into()
        }
        // It strikes streams only.
        Some((_, Breach::Error(_))) => [Step::Send(body)].into(),
    };
    if let Some((size, interval)) = flaws.trickle {
        let sent = std::mem::take(&mut steps);
        for step in sent {
            match step {
                Step::Send(bytes) => {
                    for piece in pieces(bytes, size) {
                        if !steps.is_empty() {
                            steps.push_back(Step::Wait(interval));
                        }
                        steps.push_back(Step::Send(piece));
                    }
                }
                other => steps.push_back(other),
            }
        }
    }
    let resets = steps.iter().any(|step| matches!(step, Step::Break(BrokenOff::Reset)));
    // What was promised, also when it does not come.
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let state = (exchange, steps);
    let stream = stream::unfold(state, |(mut exchange, mut steps)| async move {
        loop {
            match steps.pop_front() {
                None => {
                    exchange.complete(200, None);
                    return None;
                }
                Some(Step::Wait(time)) => tokio::time::sleep(time).await,
                Some(Step::Send(bytes)) => return Some((Ok(bytes), (exchange, steps))),
                Some(Step::Break(how)) => {
                    // What was sent before leaves first.
                    tokio::task::yield_now().await;
                    exchange.broke_off("fault", None);
                    steps.clear();
                    return Some((Err(how), (exchange, steps)));
                }
            }
        }
    });
    let mut response = respond(http::StatusCode::OK, headers, Body::from_stream(stream));
    if resets {
        response.extensions_mut().insert(Interruption::ResetIfBroken);
    }
    response
}

impl Flaws {
    /// Whether a document can leave as usual.
    pub(super) fn spare_the_body(&self) -> bool {
        !self.any_in_body()
    }
}
