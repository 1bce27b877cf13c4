//! `breaker`: a circuit breaker opens, stays open, and closes again.

use std::time::Duration;

use schemars::JsonSchema;
use seam::units::HumanDuration;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::scenario::assertion::RawKind;
use crate::scenario::assertion::validate::Checker;

/// How long requests that left before it opened may be on their way.
const GRACE: Duration = Duration::from_millis(50);

/// After so many failures within a time, a simulator gets no requests for a
/// while, and then gets them again. Judged by the journals alone: the harness
/// tells from the simulator's answers when a breaker must have opened. Every such
/// trip of the span must keep all that is asked; no trip at all is inconclusive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBreaker {
    /// Simulator behind the breaker.
    #[schemars(with = "String")]
    pub simulator: Spanned<String>,
    /// The status that is a failure.
    #[schemars(with = "u16")]
    pub status: Spanned<u16>,
    /// So many failures open it.
    #[schemars(with = "u32")]
    pub failures: Spanned<u32>,
    /// Within this time, which slides.
    #[schemars(with = "HumanDuration")]
    pub within: Spanned<HumanDuration>,
    /// How long it stays open.
    #[schemars(with = "HumanDuration")]
    pub trip: Spanned<HumanDuration>,
    /// The `retry-after` (in seconds) of the answer that opened it replaces `trip`,
    /// as far as a client saw that answer.
    #[serde(default)]
    pub accept_retry_after: bool,
    /// Stands in: everything that arrives anywhere while it is open arrives here,
    /// and nothing does while it is closed.
    #[schemars(with = "Option<String>")]
    pub meanwhile: Option<Spanned<String>>,
    /// Once it is closed, the simulator is used again within this time, unless
    /// no request is sent then.
    #[schemars(with = "Option<HumanDuration>")]
    pub used_again_within: Option<Spanned<HumanDuration>>,
    /// Clients get every failure as their answer: nothing retries.
    #[serde(default)]
    pub failures_reach_clients: bool,
    /// Requests may still arrive for this long after it opened, because they had
    /// left before. Default 50ms.
    #[schemars(with = "Option<HumanDuration>")]
    pub grace: Option<Spanned<HumanDuration>>,
}

/// What a circuit breaker must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// Simulator behind it.
    pub simulator: String,
    /// The status that is a failure.
    pub status: u16,
    /// So many open it.
    pub failures: u32,
    /// Within this time.
    pub within: Duration,
    /// How long it stays open.
    pub trip: Duration,
    /// Whether `retry-after` replaces that.
    pub accept_retry_after: bool,
    /// Who gets everything meanwhile, and nothing otherwise.
    pub meanwhile: Option<String>,
    /// By when it is used again.
    pub used_again_within: Option<Duration>,
    /// Whether clients get every failure.
    pub failures_reach_clients: bool,
    /// For how long requests may still arrive.
    pub grace: Duration,
}

impl RawKind for RawBreaker {
    type Checked = Breaker;

    fn check(checker: &mut Checker<'_>, table: &Spanned<Self>) -> Option<Self::Checked> {
        let raw = table.get_ref();
        let before = checker.problems();
        let simulator = checker.simulator(&raw.simulator);
        checker.status_code(*raw.status.get_ref(), raw.status.span());
        if *raw.failures.get_ref() == 0 {
            checker.error(raw.failures.span(), "`failures` is zero", "it would always be open");
        }
        let times = [
            ("within", Some(&raw.within)),
            ("trip", Some(&raw.trip)),
            ("used_again_within", raw.used_again_within.as_ref()),
        ];
        for (key, time) in times {
            if let Some(time) = time
                && time.get_ref().0.is_zero()
            {
                checker.error(time.span(), format!("`{key}` is no time at all"), "such as `10s`");
            }
        }
        let meanwhile = raw.meanwhile.as_ref().map(|name| {
            if name.get_ref() == raw.simulator.get_ref() {
                let diagnostic = checker
                    .at(name.span(), "`meanwhile` names the simulator behind the breaker")
                    .label("gets nothing while it is open")
                    .also(raw.simulator.span(), "named here");
                checker.report(diagnostic);
            }
            checker.simulator(name)
        });
        (before == checker.problems()).then(|| Breaker {
            simulator,
            status: *raw.status.get_ref(),
            failures: *raw.failures.get_ref(),
            within: raw.within.get_ref().0,
            trip: raw.trip.get_ref().0,
            accept_retry_after: raw.accept_retry_after,
            meanwhile,
            used_again_within: raw.used_again_within.as_ref().map(|time| time.get_ref().0),
            failures_reach_clients: raw.failures_reach_clients,
            grace: raw.grace.as_ref().map_or(GRACE, |grace| grace.get_ref().0),
        })
    }
}
