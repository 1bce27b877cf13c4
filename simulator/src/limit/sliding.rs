//! Pay-as-you-go of the `azure_2024` profile: sliding windows of 60 s (tokens)
//! and 10 s (requests), the new request included in the sum, refused ones not
//! counted; as microsoft/aoai-api-simulator limits.
//!
//! Time is cut into milliseconds and amounts of one millisecond share an
//! entry, so a window holds at most as many entries as it has milliseconds.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::{PaygStanding, Refusal, RefusalReason, Standing, Ticket};
use crate::config::PaygSettings;

const TOKEN_WINDOW: Duration = Duration::from_secs(60);

/// Two sliding windows.
#[derive(Debug, Clone)]
pub(crate) struct SlidingWindows {
    settings: PaygSettings,
    /// Milliseconds are counted from the first request.
    started: Option<Instant>,
    /// The latest millisecond seen.
    newest: u64,
    tokens: SlidingSum,
    requests: SlidingSum,
}

impl SlidingWindows {
    pub(crate) fn new(settings: PaygSettings) -> Self {
        let requests = SlidingSum::new(settings.request_window);
        Self { settings, started: None, newest: 0, tokens: SlidingSum::new(TOKEN_WINDOW), requests }
    }

    pub(crate) fn settings(&self) -> &PaygSettings {
        &self.settings
    }

    pub(super) fn set_tpm(&mut self, tpm: u64) {
        self.settings.tpm = tpm;
    }

    pub(super) fn try_admit(&mut self, now: Instant, tokens: u64) -> Result<Ticket, Refusal> {
        let started = *self.started.get_or_insert(now);
        let elapsed = now.saturating_duration_since(started).as_millis();
        // Callers on several threads may bring their times out of order.
        let tick = u64::try_from(elapsed).unwrap_or(u64::MAX / 2).max(self.newest);
        self.newest = tick;
        self.tokens.expire(tick);
        self.requests.expire(tick);
        let (limit_tokens, limit_requests) =
            (self.settings.tpm, self.settings.requests_per_window());
        let tokens_wait = self.tokens.wait(tick, tokens, limit_tokens);
        let requests_wait = self.requests.wait(tick, 1, limit_requests);
        if tokens_wait == Wait::None && requests_wait == Wait::None {
            self.tokens.add(tick, tokens);
            self.requests.add(tick, 1);
            return Ok(Ticket::payg(tokens, self.standing(tick)));
        }
        let requests_wait = if self.settings.count_rejected_requests {
            // The refused request may itself fill the window it has to wait for.
            self.requests.add(tick, 1);
            self.requests.wait(tick, 1, limit_requests)
        } else {
            requests_wait
        };
        let (reason, wait) = if requests_wait < tokens_wait {
            (RefusalReason::Tokens, tokens_wait)
        } else {
            (RefusalReason::Requests, requests_wait)
        };
        let retry_after = match wait {
            Wait::None | Wait::Forever => None,
            Wait::Millis(millis) => Some(Duration::from_millis(millis)),
        };
        Err(Refusal { reason, retry_after, standing: Standing::Payg(self.standing(tick)) })
    }

    fn standing(&self, tick: u64) -> PaygStanding {
        let limit_requests = self.settings.requests_per_window();
        PaygStanding {
            limit_tokens: self.settings.tpm,
            remaining_tokens: self.settings.tpm.saturating_sub(self.tokens.sum()),
            reset_tokens: self.tokens.until_first_leaves(tick),
            limit_requests,
            remaining_requests: limit_requests.saturating_sub(self.requests.sum()),
            reset_requests: self.requests.until_first_leaves(tick),
        }
    }
}

/// How long until an amount fits. Ordered by length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wait {
    None,
    Millis(u64),
    Forever,
}

/// The sum of the amounts of the last so many milliseconds.
#[derive(Debug, Clone)]
struct SlidingSum {
    length: u64,
    entries: VecDeque<Entry>,
    /// Total of everything that ever left the window.
    left: u64,
    /// Total of everything ever added.
    total: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    tick: u64,
    /// Total ever added, this entry included: the sum of any stretch of
    /// entries is a difference, and a wait is found by bisection.
    total: u64,
}

impl SlidingSum {
    fn new(length: Duration) -> Self {
        let length = u64::try_from(length.as_millis()).unwrap_or(60_000);
        Self { length, entries: VecDeque::new(), left: 0, total: 0 }
    }

    fn sum(&self) -> u64 {
        self.total - self.left
    }

    /// An amount counts while it is younger than the window. Each entry is
    /// removed once: constant time amortised.
    fn expire(&mut self, tick: u64) {
        while let Some(first) = self.entries.front()
            && first.tick.saturating_add(self.length) <= tick
        {
            self.left = first.total;
            self.entries.pop_front();
        }
    }

    fn add(&mut self, tick: u64, amount: u64) {
        self.total = self.total.saturating_add(amount);
        match self.entries.back_mut() {
            Some(last) if last.tick == tick => last.total = self.total,
            _ => self.entries.push_back(Entry { tick, total: self.total }),
        }
    }

    /// How long until `amount` fits under `limit` if nothing else comes.
    fn wait(&self, tick: u64, amount: u64, limit: u64) -> Wait {
        let wanted = self.sum().saturating_add(amount);
        if wanted <= limit {
            return Wait::None;
        }
        if limit < amount {
            return Wait::Forever;
        }
        let must_leave = self.left.saturating_add(wanted - limit);
        let index = self.entries.partition_point(|entry| entry.total < must_leave);
        match self.entries.get(index) {
            Some(entry) => Wait::Millis((entry.tick + self.length).saturating_sub(tick)),
            None => Wait::Forever,
        }
    }

    fn until_first_leaves(&self, tick: u64) -> Duration {
        let wait = self.entries.front().map_or(0, |first| first.tick + self.length);
        Duration::from_millis(wait.saturating_sub(tick))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Admission;

    fn settings(tpm: u64) -> PaygSettings {
        PaygSettings {
            tpm,
            rpm_per_1k_tpm: 6.0,
            request_window: Duration::from_secs(10),
            admission: Admission::Strict,
            count_rejected_requests: false,
            default_max_tokens: 16,
        }
    }

    /// Every admitted request, summed anew each time.
    #[derive(Default)]
    struct Model {
        admitted: Vec<(u64, u64)>,
    }

    impl Model {
        fn sums(&self, now: u64) -> (u64, u64) {
            let age = |at: u64| now - at;
            let tokens =
                self.admitted.iter().filter(|(at, _)| age(*at) < 60_000).map(|(_, t)| t).sum();
            let requests = self.admitted.iter().filter(|(at, _)| age(*at) < 10_000).count();
            (tokens, requests as u64)
        }

        fn fits(&self, now: u64, tokens: u64, settings: &PaygSettings) -> bool {
            let (sum, requests) = self.sums(now);
            sum + tokens <= settings.tpm && requests < settings.requests_per_window()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn agrees_with_a_model_that_keeps_everything(
            steps in prop::collection::vec((0_u64..7_000, 0_u64..1_200, prop::option::weighted(0.05, 500_u64..6_000)), 1..120),
        ) {
            let mut limiter = SlidingWindows::new(settings(3_000));
            let mut model = Model::default();
            let mut current = settings(3_000);
            let start = Instant::now();
            // The first request sets the limiter's zero.
            let mut at = 0;
            for (pause, tokens, tpm) in steps {
                at += pause;
                if let Some(tpm) = tpm {
                    limiter.set_tpm(tpm);
                    current.tpm = tpm;
                }
                let expected = model.fits(at, tokens, &current);
                match limiter.try_admit(start + Duration::from_millis(at), tokens) {
                    Ok(ticket) => {
                        prop_assert!(expected, "admitted at {at}");
                        model.admitted.push((at, tokens));
                        let (sum, requests) = model.sums(at);
                        let Standing::Payg(standing) = ticket.standing else { unreachable!() };
                        prop_assert_eq!(standing.remaining_tokens, current.tpm - sum);
                        let left = current.requests_per_window() - requests;
                        prop_assert_eq!(standing.remaining_requests, left);
                    }
                    Err(refusal) => {
                        prop_assert!(!expected, "refused at {at}");
                        match refusal.retry_after {
                            None => prop_assert!(current.tpm < tokens),
                            Some(wait) => {
                                // It fits exactly then, and not a millisecond before.
                                let wait = wait.as_millis() as u64;
                                prop_assert!(model.fits(at + wait, tokens, &current));
                                prop_assert!(!model.fits(at + wait - 1, tokens, &current));
                                let retry = |at: u64| {
                                    let now = start + Duration::from_millis(at);
                                    limiter.clone().try_admit(now, tokens)
                                };
                                prop_assert!(retry(at + wait).is_ok());
                                prop_assert!(retry(at + wait - 1).is_err());
                            }
                        }
                    }
                }
                prop_assert!(limiter.requests.entries.len() <= 120);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_seeds_numbers() {
        // 100,000 TPM and max_tokens 1000: 100 requests in 60 s.
        let mut limiter = SlidingWindows::new(settings(100_000));
        let start = Instant::now();
        let admitted = (0..200)
            .filter(|n| limiter.try_admit(start + Duration::from_millis(n * 250), 1_000).is_ok())
            .count();
        assert_eq!(admitted, 100);
        let mut limiter = SlidingWindows::new(settings(120_000));
        let Standing::Payg(standing) = limiter.try_admit(start, 16).unwrap().standing else {
            unreachable!()
        };
        assert_eq!((standing.remaining_tokens, standing.remaining_requests), (119_984, 119));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longer_wait_decides() {
        let mut limiter = SlidingWindows::new(settings(1_000));
        let start = Instant::now();
        limiter.try_admit(start, 1_000).unwrap();
        let refusal = limiter.try_admit(start + Duration::from_millis(1_500), 1).unwrap_err();
        assert_eq!(refusal.reason, RefusalReason::Tokens);
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(58_500)));
        // Raising the limit keeps the window: one request per 10 s is gone, two may come.
        limiter.set_tpm(2_000);
        assert!(limiter.try_admit(start + Duration::from_millis(1_600), 1_000).is_ok());
        let refusal = limiter.try_admit(start + Duration::from_millis(1_700), 0).unwrap_err();
        assert_eq!(refusal.reason, RefusalReason::Requests);
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(8_300)));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_by_the_window_not_by_the_rate() {
        let mut limiter = SlidingWindows::new(settings(1_000_000_000));
        let start = Instant::now();
        for micros in 0..200_000_u64 {
            limiter.try_admit(start + Duration::from_micros(micros), 1).unwrap();
        }
        assert_eq!(limiter.tokens.entries.len(), 200);
    }
}
