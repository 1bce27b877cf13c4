//! One check a kind of assertion.

use serde_spanned::Spanned;

use super::super::{
    ActionChoice, ExpectedAnswer, Kind, Limits, RawActionAnswer, RawAssertion, RawAttempts,
    RawBackendShare, RawLatency, RawLatencyRatio, RawRequests, RawStatus, Sample, SeenBy,
    StatusMeasure, Statuses,
};
use super::Checker;
use super::values::ShareKeys;

/// The keys of all kinds, for messages.
const KINDS: &str = "`backend_share`, `latency`, `latency_ratio`, `status`, `action_answer`, `attempts`, `requests`";

impl Checker<'_> {
    pub(super) fn kind(&mut self, spanned: &Spanned<RawAssertion>) -> Option<Kind> {
        let raw = spanned.get_ref();
        let mut given: Vec<_> = [
            ("backend_share", raw.backend_share.as_ref().map(Spanned::span)),
            ("latency", raw.latency.as_ref().map(Spanned::span)),
            ("latency_ratio", raw.latency_ratio.as_ref().map(Spanned::span)),
            ("status", raw.status.as_ref().map(Spanned::span)),
            ("action_answer", raw.action_answer.as_ref().map(Spanned::span)),
            ("attempts", raw.attempts.as_ref().map(Spanned::span)),
            ("requests", raw.requests.as_ref().map(Spanned::span)),
        ]
        .into_iter()
        .filter_map(|(name, span)| span.map(|span| (name, span)))
        .collect();
        given.sort_by_key(|(_, span)| span.start);
        match given.as_slice() {
            [] => {
                let diagnostic = self
                    .at(raw.id.span(), format!("assertion `{}` asks for nothing", raw.id.get_ref()))
                    .label("has no kind")
                    .help(format!("give one of {KINDS}"));
                self.report(diagnostic);
            }
            [(first, first_span), rest @ ..] => {
                for (second, second_span) in rest {
                    let diagnostic = self
                        .at(
                            second_span.clone(),
                            format!(
                                "an assertion has one kind, this one has `{first}` and `{second}`"
                            ),
                        )
                        .label("second kind")
                        .also(first_span.clone(), "first kind")
                        .help("write two assertions");
                    self.report(diagnostic);
                }
            }
        }
        // Each given kind is checked, so that all of its problems show at once.
        let kinds = [
            raw.backend_share.as_ref().map(|table| self.backend_share(table)),
            raw.latency.as_ref().map(|table| self.latency(table)),
            raw.latency_ratio.as_ref().map(|table| self.latency_ratio(table)),
            raw.status.as_ref().map(|table| self.status(table)),
            raw.action_answer.as_ref().map(|table| self.action_answer(table)),
            raw.attempts.as_ref().map(|table| self.attempts(table)),
            raw.requests.as_ref().map(|table| self.requests(table)),
        ];
        kinds.into_iter().flatten().flatten().next()
    }

    fn simulator(&mut self, name: &Spanned<String>) -> String {
        let known = self.names.simulators.clone();
        self.known("simulator", name, &known);
        name.get_ref().clone()
    }

    fn backend_share(&mut self, table: &Spanned<RawBackendShare>) -> Option<Kind> {
        let raw = table.get_ref();
        let simulator = self.simulator(&raw.simulator);
        let band = self.share_band(&ShareKeys {
            equals: raw.equals.as_ref(),
            within: raw.within.as_ref(),
            at_least: raw.at_least.as_ref(),
            at_most: raw.at_most.as_ref(),
            exact: raw.exact,
            table: table.span(),
        })?;
        Some(Kind::BackendShare { simulator, band })
    }

    fn latency(&mut self, table: &Spanned<RawLatency>) -> Option<Kind> {
        let raw = table.get_ref();
        let statistic = self.statistic(&raw.statistic);
        if let (Some(least), None) = (&raw.at_least, &raw.at_most)
            && least.get_ref().0.is_zero()
        {
            self.always_true(least.span(), "no latency is below zero");
        }
        let limits = self.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        Some(Kind::Latency {
            statistic: statistic?,
            sample: sample(raw.successes_only),
            limits: Limits {
                at_least: limits.at_least.map(|limit| limit.0),
                at_most: limits.at_most.map(|limit| limit.0),
            },
        })
    }

    fn latency_ratio(&mut self, table: &Spanned<RawLatencyRatio>) -> Option<Kind> {
        let raw = table.get_ref();
        let statistic = self.statistic(&raw.statistic);
        let baseline = self.baseline(&raw.baseline);
        for limit in [&raw.at_least, &raw.at_most].into_iter().flatten() {
            if !(0.0 < *limit.get_ref() && limit.get_ref().is_finite()) {
                self.error(limit.span(), "a ratio is above zero", "`5.0` is five times as slow");
            }
        }
        let limits = self.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        let sample = sample(raw.successes_only);
        Some(Kind::LatencyRatio { statistic: statistic?, sample, baseline, limits })
    }

    fn status(&mut self, table: &Spanned<RawStatus>) -> Option<Kind> {
        let raw = table.get_ref();
        let statuses = self.statuses(table);
        let seen_by = match &raw.seen_by {
            None => SeenBy::Clients,
            Some(name) if name.get_ref() == "clients" => SeenBy::Clients,
            Some(name) => {
                let mut known = self.names.simulators.clone();
                known.push("clients".to_owned());
                self.known("observer", name, &known);
                SeenBy::Simulator(name.get_ref().clone())
            }
        };
        let measure = self.status_measure(table);
        Some(Kind::Status { statuses: statuses?, seen_by, measure: measure? })
    }

    fn statuses(&mut self, table: &Spanned<RawStatus>) -> Option<Statuses> {
        let raw = table.get_ref();
        let given: Vec<_> = [
            ("code", raw.code.as_ref().map(Spanned::span)),
            ("codes", raw.codes.as_ref().map(Spanned::span)),
            ("class", raw.class.as_ref().map(Spanned::span)),
        ]
        .into_iter()
        .filter_map(|(key, span)| span.map(|span| (key, span)))
        .collect();
        match given.as_slice() {
            [] => {
                let diagnostic = self
                    .at(table.span(), "no status is named")
                    .label("give `code`, `codes` or `class`");
                self.report(diagnostic);
                return None;
            }
            [_] => {}
            [(first, first_span), (second, second_span), ..] => {
                let diagnostic = self
                    .at(second_span.clone(), format!("`{second}` contradicts `{first}`"))
                    .label("names statuses again")
                    .also(first_span.clone(), "names them already");
                self.report(diagnostic);
                return None;
            }
        }
        let before = self.out.len();
        let mut codes = Vec::new();
        if let Some(code) = &raw.code {
            self.status_code(*code.get_ref(), code.span());
            codes.push(*code.get_ref());
        }
        if let Some(several) = &raw.codes {
            if several.get_ref().is_empty() {
                self.error(several.span(), "`codes` is empty", "no status would ever match");
            }
            for code in several.get_ref() {
                self.status_code(*code, several.span());
                codes.push(*code);
            }
        }
        if let Some(class) = &raw.class {
            let digit = match class.get_ref().as_bytes() {
                [digit @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => u16::from(digit - b'0'),
                _ => {
                    self.error(
                        class.span(),
                        format!("unknown class `{}`", class.get_ref()),
                        "one of `2xx`, `3xx`, `4xx`, `5xx`",
                    );
                    return None;
                }
            };
            return Some(Statuses::Class(digit));
        }
        codes.sort_unstable();
        codes.dedup();
        (before == self.out.len()).then_some(Statuses::Codes(codes))
    }

    fn status_measure(&mut self, table: &Spanned<RawStatus>) -> Option<StatusMeasure> {
        let raw = table.get_ref();
        if let Some(share) = &raw.share {
            for (key, count) in
                [("equals", &raw.equals), ("at_least", &raw.at_least), ("at_most", &raw.at_most)]
            {
                if let Some(count) = count {
                    let diagnostic = self
                        .at(count.span(), format!("`{key}` is a count and contradicts `share`"))
                        .label("a count")
                        .also(share.span(), "a share");
                    self.report(diagnostic);
                }
            }
            let keys = share.get_ref();
            return self
                .share_band(&ShareKeys {
                    equals: keys.equals.as_ref(),
                    within: keys.within.as_ref(),
                    at_least: keys.at_least.as_ref(),
                    at_most: keys.at_most.as_ref(),
                    exact: keys.exact,
                    table: share.span(),
                })
                .map(StatusMeasure::Share);
        }
        if let Some(equals) = &raw.equals {
            for (key, rival) in [("at_least", &raw.at_least), ("at_most", &raw.at_most)] {
                if let Some(rival) = rival {
                    let diagnostic = self
                        .at(rival.span(), format!("`{key}` contradicts `equals`"))
                        .label("a count is either equal or bounded")
                        .also(equals.span(), "equal to this");
                    self.report(diagnostic);
                }
            }
            let count = Some(*equals.get_ref());
            return Some(StatusMeasure::Count(Limits { at_least: count, at_most: count }));
        }
        if let (Some(least), None) = (&raw.at_least, &raw.at_most)
            && *least.get_ref() == 0
        {
            self.always_true(least.span(), "no count is below zero");
        }
        if raw.at_least.is_none() && raw.at_most.is_none() {
            let diagnostic = self
                .at(table.span(), "how often may the status occur?")
                .label("give `equals`, `at_least`, `at_most` (counts) or `share`");
            self.report(diagnostic);
            return None;
        }
        self.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())
            .map(StatusMeasure::Count)
    }

    fn action_answer(&mut self, table: &Spanned<RawActionAnswer>) -> Option<Kind> {
        let raw = table.get_ref();
        let before = self.out.len();
        let known = self.names.actions.clone();
        let mut named = Vec::new();
        let several = raw.actions.as_ref().map(Spanned::get_ref);
        for name in raw.action.iter().chain(several.into_iter().flatten()) {
            self.known("action", name, &known);
            named.push(name.get_ref().clone());
        }
        let given = [
            raw.action.as_ref().map(Spanned::span),
            raw.actions.as_ref().map(Spanned::span),
            raw.all.as_ref().map(Spanned::span),
        ];
        let given: Vec<_> = given.into_iter().flatten().collect();
        match given.as_slice() {
            [_] => {}
            [] => {
                let diagnostic = self
                    .at(table.span(), "no action is named")
                    .label("give `action`, `actions` or `all = true`");
                self.report(diagnostic);
            }
            [first, second, ..] => {
                let diagnostic = self
                    .at(second.clone(), "the actions are chosen twice")
                    .label("give one of `action`, `actions`, `all`")
                    .also(first.clone(), "chosen here already");
                self.report(diagnostic);
            }
        }
        if let Some(several) = &raw.actions
            && several.get_ref().is_empty()
        {
            self.error(several.span(), "`actions` is empty", "no answer would be looked at");
        }
        if let Some(all) = &raw.all
            && !*all.get_ref()
        {
            self.error(all.span(), "`all = false` chooses no action", "name them in `actions`");
        }
        if let Some(status) = &raw.status {
            self.status_code(*status.get_ref(), status.span());
        }
        let expected = ExpectedAnswer {
            status: raw.status.as_ref().map(|status| *status.get_ref()),
            content_type: raw.content_type.as_ref().map(|value| value.get_ref().clone()),
            body: raw.body.as_ref().map(|value| value.get_ref().clone()),
        };
        if expected == ExpectedAnswer::default() {
            let diagnostic = self
                .at(table.span(), "nothing is asked of the answer")
                .label("give `status`, `content_type` or `body`");
            self.report(diagnostic);
        }
        let actions =
            if raw.all.is_some() { ActionChoice::All } else { ActionChoice::Named(named) };
        (before == self.out.len()).then_some(Kind::ActionAnswer { actions, expected })
    }

    fn attempts(&mut self, table: &Spanned<RawAttempts>) -> Option<Kind> {
        let raw = table.get_ref();
        let answered_by = self.simulator(&raw.answered_by);
        let before = raw.preceded_by.get_ref();
        let preceded_by = self.simulator(&before.simulator);
        self.status_code(*before.status.get_ref(), before.status.span());
        Some(Kind::Attempts {
            answered_by,
            preceded_by,
            status: *before.status.get_ref(),
            exactly: before.exactly,
        })
    }

    fn requests(&mut self, table: &Spanned<RawRequests>) -> Option<Kind> {
        let raw = table.get_ref();
        if let (Some(least), None) = (&raw.at_least, &raw.at_most)
            && *least.get_ref() == 0
        {
            self.always_true(least.span(), "no count is below zero");
        }
        let limits = self.limits(raw.at_least.as_ref(), raw.at_most.as_ref(), table.span())?;
        Some(Kind::Requests { limits })
    }
}

fn sample(successes_only: bool) -> Sample {
    if successes_only { Sample::Successes } else { Sample::All }
}
