//! Pay-as-you-go as the service's page describes it: a count of estimated
//! tokens that is reset each minute, and a count of requests over 1 s or 10 s.
//!
//! A window begins with the first request after the last one ended. A request
//! is refused once a count has reached its limit, before it is added; in
//! strict admission when its own tokens would exceed the limit.
//! <https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota>, read in
//! the edition of 2026-05.

use std::time::Duration;

use tokio::time::Instant;

use super::{PaygStanding, Refusal, RefusalReason, Standing, Ticket};
use crate::config::{Admission, PaygSettings};

const TOKEN_WINDOW: Duration = Duration::from_secs(60);

/// Two fixed windows.
#[derive(Debug, Clone)]
pub(crate) struct FixedWindows {
    settings: PaygSettings,
    tokens: Window,
    requests: Window,
    /// Requests of the present minute; limits nothing, feeds the headers,
    /// whose limit is per minute.
    minute_requests: u64,
}

#[derive(Debug, Clone, Default)]
struct Window {
    started: Option<Instant>,
    count: u64,
}

impl Window {
    /// Forgets a window that has ended; says whether it did.
    fn roll(&mut self, now: Instant, length: Duration) -> bool {
        let over = self.started.is_some_and(|started| started + length <= now);
        if over {
            *self = Self::default();
        }
        over
    }

    fn add(&mut self, now: Instant, amount: u64) {
        self.started.get_or_insert(now);
        self.count = self.count.saturating_add(amount);
    }

    fn until_end(&self, now: Instant, length: Duration) -> Duration {
        self.started.map_or(Duration::ZERO, |started| (started + length) - now)
    }
}

impl FixedWindows {
    pub(crate) fn new(settings: PaygSettings) -> Self {
        let (tokens, requests) = (Window::default(), Window::default());
        Self { settings, tokens, requests, minute_requests: 0 }
    }

    pub(crate) fn settings(&self) -> &PaygSettings {
        &self.settings
    }

    pub(super) fn set_tpm(&mut self, tpm: u64) {
        self.settings.tpm = tpm;
    }

    pub(super) fn try_admit(&mut self, now: Instant, tokens: u64) -> Result<Ticket, Refusal> {
        let request_window = self.settings.request_window;
        if self.tokens.roll(now, TOKEN_WINDOW) {
            self.minute_requests = 0;
        }
        self.requests.roll(now, request_window);
        let requests_spent = self.settings.requests_per_window() <= self.requests.count;
        let tokens_spent = match self.settings.admission {
            Admission::Reached => self.settings.tpm <= self.tokens.count,
            Admission::Strict => self.settings.tpm < self.tokens.count.saturating_add(tokens),
        };
        if requests_spent || tokens_spent {
            // The refused request may itself use up the window it has to wait for.
            if self.settings.count_rejected_requests {
                self.requests.add(now, 1);
            }
            let requests_spent = self.settings.requests_per_window() <= self.requests.count;
            let requests_wait =
                requests_spent.then(|| self.requests.until_end(now, request_window));
            let tokens_wait = tokens_spent.then(|| self.tokens.until_end(now, TOKEN_WINDOW));
            let (reason, wait) = if requests_wait < tokens_wait {
                (RefusalReason::Tokens, tokens_wait)
            } else {
                (RefusalReason::Requests, requests_wait)
            };
            // Strict admission never takes what exceeds the limit by itself.
            let never = self.settings.admission == Admission::Strict && self.settings.tpm < tokens;
            let retry_after = wait.filter(|_| !never);
            return Err(Refusal {
                reason,
                retry_after,
                standing: Standing::Payg(self.standing(now)),
            });
        }
        self.tokens.add(now, tokens);
        self.requests.add(now, 1);
        self.minute_requests = self.minute_requests.saturating_add(1);
        Ok(Ticket::payg(tokens, self.standing(now)))
    }

    fn standing(&self, now: Instant) -> PaygStanding {
        let spent = self.settings.requests_per_window() <= self.requests.count;
        let limit_requests = self.settings.rpm();
        PaygStanding {
            limit_tokens: self.settings.tpm,
            remaining_tokens: self.settings.tpm.saturating_sub(self.tokens.count),
            reset_tokens: self.tokens.until_end(now, TOKEN_WINDOW),
            limit_requests,
            remaining_requests: if spent {
                0
            } else {
                limit_requests.saturating_sub(self.minute_requests)
            },
            reset_requests: self.requests.until_end(now, self.settings.request_window),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(tpm: u64, admission: Admission, count_rejected_requests: bool) -> PaygSettings {
        PaygSettings {
            tpm,
            rpm_per_1k_tpm: 6.0,
            request_window: Duration::from_secs(10),
            admission,
            count_rejected_requests,
            default_max_tokens: 16,
        }
    }

    /// Keeps every request and finds the windows by replaying them.
    struct Model {
        settings: PaygSettings,
        tokens: Vec<(u64, u64)>,
        requests: Vec<u64>,
    }

    impl Model {
        /// Sum of the entries in the window that `now` falls in.
        fn in_window(entries: &[(u64, u64)], now: u64, length: u64) -> u64 {
            let (mut start, mut sum) = (None, 0);
            for &(at, amount) in entries {
                match start {
                    Some(started) if at < started + length => sum += amount,
                    _ => (start, sum) = (Some(at), amount),
                }
            }
            if start.is_some_and(|started| now < started + length) { sum } else { 0 }
        }

        fn try_admit(&mut self, now: u64, tokens: u64) -> bool {
            let requests: Vec<_> = self.requests.iter().map(|&at| (at, 1)).collect();
            let token_sum = Self::in_window(&self.tokens, now, 60_000);
            let request_sum = Self::in_window(&requests, now, 10_000);
            let fits = match self.settings.admission {
                Admission::Reached => token_sum < self.settings.tpm,
                Admission::Strict => token_sum + tokens <= self.settings.tpm,
            } && request_sum < self.settings.requests_per_window();
            if fits {
                self.tokens.push((now, tokens));
            }
            if fits || self.settings.count_rejected_requests {
                self.requests.push(now);
            }
            fits
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn agrees_with_a_model_that_keeps_everything(
            strict: bool, count_rejected: bool,
            steps in prop::collection::vec((0_u64..9_000, 0_u64..900, prop::option::weighted(0.05, 500_u64..6_000)), 1..120),
        ) {
            let admission = if strict { Admission::Strict } else { Admission::Reached };
            let settings = settings(3_000, admission, count_rejected);
            let mut limiter = FixedWindows::new(settings.clone());
            let mut model = Model { settings, tokens: Vec::new(), requests: Vec::new() };
            let start = Instant::now();
            let mut at = 0;
            for (pause, tokens, tpm) in steps {
                at += pause;
                if let Some(tpm) = tpm {
                    limiter.set_tpm(tpm);
                    model.settings.tpm = tpm;
                }
                let now = start + Duration::from_millis(at);
                let decision = limiter.try_admit(now, tokens);
                prop_assert_eq!(decision.is_ok(), model.try_admit(at, tokens), "at {}", at);
                if let Err(Refusal { retry_after: Some(wait), .. }) = decision {
                    prop_assert!(Duration::ZERO < wait && wait <= TOKEN_WINDOW);
                    let retry = |wait| limiter.clone().try_admit(now + wait, tokens);
                    prop_assert!(retry(wait).is_ok());
                    prop_assert!(retry(wait - Duration::from_nanos(1)).is_err());
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_larger_than_the_limit_passes_when_the_window_is_empty() {
        let mut limiter = FixedWindows::new(settings(1_000, Admission::Reached, true));
        let now = Instant::now();
        let ticket = limiter.try_admit(now, 5_000).unwrap();
        assert_eq!(ticket.counted, 5_000);
        // 10 s later a request may come, but the tokens are spent until the minute is over.
        let refusal = limiter.try_admit(now + Duration::from_secs(10), 1).unwrap_err();
        assert_eq!(refusal.reason, RefusalReason::Tokens);
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(50)));
        assert!(limiter.try_admit(now + Duration::from_secs(60), 1).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn strict_admission_says_when_a_request_can_never_fit() {
        let mut limiter = FixedWindows::new(settings(1_000, Admission::Strict, false));
        let refusal = limiter.try_admit(Instant::now(), 1_001).unwrap_err();
        assert_eq!(refusal.retry_after, None);
    }
}
