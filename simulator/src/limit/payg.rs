//! Pay-as-you-go: a request's estimated tokens and the request itself, each held
//! against its limit (specification, section 3).
//!
//! What is counted is the estimate, and it is not corrected afterwards. A
//! deployment may lack the limit of tokens (speech, images) and have one of
//! requests a day or of requests at once instead.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::adjustment::Adjustment;
use super::limiter::{Amounts, Demand, Level, PaygStanding, Refusal, RefusalReason, Standing};
use super::limiter::{Ticket, Tier};
use super::meter::{Meter, Wait};
use super::ramp::Ramp;
use crate::config::{Admission, LimiterKind, PaygSettings, TemporaryAdjustment};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// The limits of one deployment and what counts against them.
#[derive(Debug, Clone)]
pub(crate) struct Payg {
    settings: PaygSettings,
    adjustment: Adjustment,
    /// In the order tokens, requests, requests a day; those there are.
    gates: Vec<Gate>,
    /// Admitted requests of the present minute; limits nothing, feeds the
    /// headers, whose limit is per minute where windows are shorter.
    minute: Meter,
    /// Requests being worked on.
    at_once: u64,
    ramp: Option<Ramp>,
}

/// A meter and what it limits.
#[derive(Debug, Clone)]
struct Gate {
    what: RefusalReason,
    meter: Meter,
}

/// One limit now: with all factors, and as headers tell it.
#[derive(Debug, Clone, Copy)]
struct Limit {
    real: u64,
    shown: u64,
}

impl Payg {
    pub(super) fn new(settings: PaygSettings, now: Instant, rng: ChaCha8Rng) -> Self {
        let (dynamic, temporary) = (settings.dynamic_quota, settings.temporary_adjustment);
        let gate = |what, period| Gate { what, meter: Meter::new(settings.limiter, period) };
        let tokens = settings.tpm.map(|_| gate(RefusalReason::Tokens, MINUTE));
        let requests = settings.requests.is_limited().then(|| {
            let period = settings.request_period();
            gate(RefusalReason::Requests, period)
        });
        let day = settings.rpd.map(|_| gate(RefusalReason::RequestsPerDay, DAY));
        Self {
            adjustment: Adjustment::new(dynamic, temporary, now, rng),
            gates: [tokens, requests, day].into_iter().flatten().collect(),
            minute: Meter::new(LimiterKind::FixedWindow, MINUTE),
            at_once: 0,
            ramp: settings.priority_ramp.map(Ramp::new),
            settings,
        }
    }

    pub(crate) fn settings(&self) -> &PaygSettings {
        &self.settings
    }

    /// Changes the limit of tokens, and of requests with it where those follow
    /// from it. What has passed refilled at the old limit.
    pub(super) fn set_tpm(&mut self, now: Instant, tpm: u64) {
        self.pass(now);
        if self.settings.tpm.is_some() {
            self.settings.tpm = Some(tpm);
            self.adapt_period();
        }
    }

    /// As [`Payg::set_tpm`], for a limit of requests a minute of its own.
    pub(super) fn set_rpm(&mut self, now: Instant, rpm: u64) {
        self.pass(now);
        self.settings.requests = crate::config::RequestQuota::PerMinute(rpm);
        self.adapt_period();
    }

    fn adapt_period(&mut self) {
        let period = self.settings.request_period();
        for gate in &mut self.gates {
            if gate.what == RefusalReason::Requests {
                gate.meter.set_period(period);
            }
        }
    }

    pub(super) fn set_temporary_adjustment(
        &mut self,
        now: Instant,
        settings: Option<TemporaryAdjustment>,
    ) {
        self.pass(now);
        self.settings.temporary_adjustment = settings;
        self.adjustment.set_temporary(settings, now);
    }

    pub(super) fn set_insufficient_quota(&mut self, insufficient: bool) {
        self.settings.insufficient_quota = insufficient;
    }

    pub(super) fn set_peak_load(&mut self, peak_load: Option<crate::config::PeakLoad>) {
        self.settings.peak_load = peak_load;
    }

    /// Brings everything up to now, each stretch under the limits it had.
    fn pass(&mut self, now: Instant) {
        while let Some(at) = self.adjustment.next_change(now) {
            self.pass_meters(at);
            self.adjustment.step(at);
        }
        self.pass_meters(now);
    }

    fn pass_meters(&mut self, now: Instant) {
        let (settings, adjustment) = (&self.settings, &self.adjustment);
        for gate in &mut self.gates {
            gate.meter.pass(now, limit(settings, adjustment, gate.what).real);
        }
        self.minute.pass(now, 0);
    }

    fn limit(&self, what: RefusalReason) -> Limit {
        limit(&self.settings, &self.adjustment, what)
    }

    pub(super) fn try_admit(&mut self, now: Instant, demand: Demand) -> Result<Ticket, Refusal> {
        self.pass(now);
        let tokens = demand.estimate;
        if self.settings.insufficient_quota {
            return Err(self.refuse_flat(now, RefusalReason::InsufficientQuota, None));
        }
        if let Some(peak) = self.settings.peak_load
            && peak.max_request_tokens < tokens
        {
            let wait = Some(peak.retry_after);
            return Err(self.refuse_flat(now, RefusalReason::PeakLoad, wait));
        }
        if let Some(most) = self.settings.concurrent_requests
            && most <= self.at_once
        {
            // Nobody knows when one of them ends.
            let wait = Some(Duration::from_secs(1));
            return Err(self.refuse_flat(now, RefusalReason::Concurrency, wait));
        }
        if self.worst(now, tokens).is_some_and(|(_, wait)| wait != Wait::None) {
            return Err(self.refuse(now, tokens));
        }
        for gate in &mut self.gates {
            gate.meter.add(now, amount(gate.what, tokens));
        }
        self.minute.add(now, 1);
        self.at_once += 1;
        let keeps_up = match (&mut self.ramp, demand.tier) {
            (Some(ramp), Tier::Priority) => ramp.admit(now, tokens),
            _ => true,
        };
        let tier = if keeps_up { demand.tier } else { Tier::Default };
        Ok(Ticket { tier, ..Ticket::new(tokens, Standing::Payg(self.standing(now))) })
    }

    /// A request is over.
    pub(super) fn settle(&mut self) {
        self.at_once = self.at_once.saturating_sub(1);
    }

    /// The gate that keeps the request longest; of equals the last.
    fn worst(&self, now: Instant, tokens: u64) -> Option<(&Gate, Wait)> {
        let wait = |gate: &Gate| {
            let limit = self.limit(gate.what).real;
            let tested = match (gate.what, self.settings.admission) {
                // Refused once the limit has been reached: when not even one fits.
                (RefusalReason::Tokens, Admission::Reached) => 1,
                _ => amount(gate.what, tokens),
            };
            gate.meter.wait(now, tested, limit)
        };
        self.gates.iter().map(|gate| (gate, wait(gate))).max_by_key(|(_, wait)| *wait)
    }

    fn refuse(&mut self, now: Instant, tokens: u64) -> Refusal {
        // The refused request may itself use up the window it has to wait for.
        self.count_refused(now);
        let standing = Standing::Payg(self.standing(now));
        let Some((gate, wait)) = self.worst(now, tokens) else {
            return Refusal::flat(RefusalReason::Requests, None, standing);
        };
        let retry_after = match wait {
            Wait::None => Some(Duration::ZERO),
            Wait::For(wait) => Some(wait),
            Wait::Forever => None,
        };
        let amounts = Amounts {
            limit: self.limit(gate.what).shown,
            used: gate.meter.used(),
            requested: amount(gate.what, tokens),
        };
        Refusal { reason: gate.what, retry_after, standing, amounts }
    }

    fn refuse_flat(
        &mut self,
        now: Instant,
        reason: RefusalReason,
        wait: Option<Duration>,
    ) -> Refusal {
        self.count_refused(now);
        Refusal::flat(reason, wait, Standing::Payg(self.standing(now)))
    }

    fn count_refused(&mut self, now: Instant) {
        if !self.settings.count_rejected_requests {
            return;
        }
        let (settings, adjustment) = (&self.settings, &self.adjustment);
        for gate in &mut self.gates {
            if gate.what == RefusalReason::Requests {
                gate.meter.add_refused(now, 1, limit(settings, adjustment, gate.what).real);
            }
        }
    }

    /// Where the deployment stands at a moment.
    pub(super) fn standing_at(&mut self, now: Instant) -> PaygStanding {
        self.pass(now);
        self.standing(now)
    }

    /// Where the deployment stands, as headers tell it.
    fn standing(&self, now: Instant) -> PaygStanding {
        let gate = |what| self.gates.iter().find(|gate| gate.what == what);
        let requests =
            gate(RefusalReason::RequestsPerDay).or_else(|| gate(RefusalReason::Requests));
        PaygStanding {
            tokens: gate(RefusalReason::Tokens).map(|gate| self.level(now, gate)),
            requests: requests.map(|gate| self.level(now, gate)),
            penalty_active: self.adjustment.is_penalty_active(),
        }
    }

    fn level(&self, now: Instant, gate: &Gate) -> Level {
        let Limit { real, shown } = self.limit(gate.what);
        let used = gate.meter.used();
        let by_minute = gate.what == RefusalReason::Requests
            && self.settings.limiter == LimiterKind::FixedWindow;
        let (limit, used) = if !by_minute {
            (shown, used)
        } else if real <= used {
            (self.rpm(), u64::MAX)
        } else {
            (self.rpm(), self.minute.used())
        };
        let remaining = limit.saturating_sub(used);
        let reset = match self.settings.limiter {
            // From the printed numbers, as recorded: (limit - remaining) / limit × period.
            LimiterKind::Refill => share(gate.meter.period(), limit - remaining, limit),
            LimiterKind::FixedWindow | LimiterKind::SlidingWindow => gate.meter.reset(now),
        };
        Level { limit, remaining, reset }
    }

    /// Requests a minute, as headers tell it.
    fn rpm(&self) -> u64 {
        scaled(self.settings.rpm().unwrap_or(u64::MAX), self.adjustment.shown_factor())
    }
}

fn limit(settings: &PaygSettings, adjustment: &Adjustment, what: RefusalReason) -> Limit {
    let full = match what {
        RefusalReason::Tokens => settings.tpm,
        RefusalReason::Requests => settings.requests_per_period(),
        RefusalReason::RequestsPerDay => return plain(settings.rpd),
        _ => None,
    };
    let full = full.unwrap_or(u64::MAX);
    Limit {
        real: scaled(full, adjustment.factor()),
        shown: scaled(full, adjustment.shown_factor()),
    }
}

fn plain(limit: Option<u64>) -> Limit {
    let limit = limit.unwrap_or(u64::MAX);
    Limit { real: limit, shown: limit }
}

/// What a request takes of a gate.
fn amount(what: RefusalReason, tokens: u64) -> u64 {
    if what == RefusalReason::Tokens { tokens } else { 1 }
}

/// A limit under a factor: rounded down, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limits are positive and far below 2^53; the cast saturates"
)]
fn scaled(limit: u64, factor: f64) -> u64 {
    if factor == 1.0 { limit } else { ((limit as f64 * factor) as u64).max(1) }
}

/// `part / whole` of a time.
fn share(time: Duration, part: u64, whole: u64) -> Duration {
    let nanos = time.as_nanos().saturating_mul(u128::from(part)) / u128::from(whole.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
