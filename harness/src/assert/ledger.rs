//! Whether the gateway's metrics and events say of each request what clients and
//! simulators say of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::{Check, Finding, Why, real as number};
use super::evaluate::Ask;
use super::joined::{Joined, Request, examples};
use super::result::{Observed, Unit, Verdict};
use super::words;
use crate::record::{Endpoints, GatewayEvent, GatewayMetric, GatewayRow, Usage};
use crate::scenario::assertion::{Assertion, Booked, Ledger, Worth};

impl Ask for Ledger {
    /// One entry a booked request, of its worth and owner; none for any other.
    fn ask(&self, joined: &Joined<'_>, assertion: &Assertion) -> Check {
        let threshold = "the same in every book, request by request";
        let real = joined.dataset.endpoints == Endpoints::Real;
        if !joined.dataset.gateway_journal {
            let why = "the gateway's journal was not read";
            return match real {
                false => Check::nothing(threshold, why),
                true => Check::nothing(threshold, Why::NeedsSimulators(why.to_owned())),
            };
        }
        if !real && let Err(why) = joined.journals() {
            return Check::nothing(threshold, why);
        }
        let requests = match joined.select(&assertion.scope) {
            Ok(requests) => requests,
            Err(why) => return Check::nothing(threshold, why),
        };
        let mut records: BTreeMap<&str, &GatewayRow> = BTreeMap::new();
        for row in &joined.dataset.gateway {
            records.entry(row.correlation_id.as_deref().unwrap_or_default()).or_insert(row);
        }
        let mut books = Books { real, ..Books::default() };
        for request in &requests {
            let record = records.get(request.row.correlation_id.as_str()).copied();
            books.enter(self, request, record);
        }
        if books.booked == 0 && books.wrong.is_empty() {
            let sent = words::counted(requests.len() as u64, "request", "requests");
            return Check::nothing(threshold, format!("{sent}, but none to be booked"));
        }
        Check::Fact(books.close(self, threshold))
    }
}

/// All books of a span.
#[derive(Default)]
struct Books<'a> {
    /// Whether there are two books only: real endpoints keep none.
    real: bool,
    booked: u64,
    /// By what clients and simulators say.
    worth: u64,
    metric: f64,
    event: u64,
    by_owner: BTreeMap<String, u64>,
    /// Problem in words, and how many requests have it.
    problems: BTreeMap<String, u64>,
    wrong: Vec<Request<'a>>,
}

impl<'a> Books<'a> {
    fn enter(&mut self, ledger: &Ledger, request: &Request<'a>, record: Option<&GatewayRow>) {
        let mut problems = Vec::new();
        let booked = match ledger.booked {
            Booked::Answered => request.succeeded(),
            Booked::Forwarded if self.real => {
                record.is_some_and(|record| !record.attempts.is_empty())
            }
            Booked::Forwarded => !request.attempts.is_empty(),
        };
        let worth = match booked {
            true => ledger.worth_of(request, self.real, &mut problems),
            false => None,
        };
        let owner = ledger.owner_of(request);
        if booked {
            self.booked += 1;
            self.worth += worth.unwrap_or(u64::from(ledger.worth == Worth::Entry));
            if let Some(owner) = owner {
                *self.by_owner.entry(owner.to_owned()).or_default() += worth.unwrap_or(1);
            }
        }
        let (metrics, events) =
            record.map_or((&[][..], &[][..]), |record| (&record.metrics, &record.events));
        if let Some(book) = &ledger.metric {
            let expected = Expected { booked, worth, owner, ledger };
            let entered = |metric: &&GatewayMetric| metric.namespace == book.namespace;
            let of: Vec<&GatewayMetric> = metrics.iter().filter(entered).collect();
            self.metric += expected.metrics(&book.names, book.owner.as_deref(), &of, &mut problems);
        }
        if let Some(book) = &ledger.event {
            let expected = Expected { booked, worth, owner, ledger };
            let entered = |event: &&GatewayEvent| event.logger == book.logger;
            let of: Vec<&GatewayEvent> = events.iter().filter(entered).collect();
            self.event +=
                expected.events(book.field.as_deref(), book.owner.as_deref(), &of, &mut problems);
        }
        if !problems.is_empty() {
            self.wrong.push(*request);
        }
        problems.sort();
        problems.dedup();
        for problem in problems {
            *self.problems.entry(problem).or_default() += 1;
        }
    }

    fn close(self, ledger: &Ledger, threshold: &str) -> Finding {
        let what = |n: u64| match ledger.worth {
            Worth::TotalTokens | Worth::PromptTokens | Worth::CompletionTokens => {
                words::counted(n, "token", "tokens")
            }
            Worth::Fixed(_) => words::count(n),
            Worth::Entry => words::counted(n, "entry", "entries"),
        };
        let requests = words::counted(self.booked, "request", "requests");
        let text = format!("{} of {requests}", what(self.worth));
        let message = if self.problems.is_empty() {
            let shares: Vec<String> = self
                .by_owner
                .iter()
                .map(|(owner, worth)| format!("{owner} {}", words::count(*worth)))
                .collect();
            let shares =
                if shares.is_empty() { String::new() } else { format!(": {}", shares.join(", ")) };
            format!("{text} in every book{shares}")
        } else {
            let mut problems: Vec<(&String, &u64)> = self.problems.iter().collect();
            problems.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
            let parts: Vec<String> = problems
                .into_iter()
                .take(3)
                .map(|(problem, count)| format!("{problem} × {}", words::count(*count)))
                .collect();
            let first = self.wrong.first().map(Request::place).unwrap_or_default();
            format!(
                "the books differ: {} by the clients{}; {} (first at {first})",
                what(self.worth),
                self.sums(ledger),
                parts.join(", ")
            )
        };
        let verdict = if self.problems.is_empty() { Verdict::Passed } else { Verdict::Failed };
        Finding {
            n: self.booked,
            observed: Some(Observed { value: number(self.worth), unit: Unit::Count, text }),
            examples: examples(self.wrong),
            ..Finding::new(verdict, threshold, message)
        }
    }

    /// `, 3,412 by the metrics, 3,300 by the events`.
    fn sums(&self, ledger: &Ledger) -> String {
        let mut text = String::new();
        if ledger.metric.is_some() {
            text.push_str(&format!(", {:.0} by the metrics", self.metric));
        }
        if ledger.event.is_some() {
            text.push_str(&format!(", {} by the events", words::count(self.event)));
        }
        text
    }
}

impl Ledger {
    /// What a booked request is worth, by its client and the simulator.
    fn worth_of(
        &self,
        request: &Request<'_>,
        real: bool,
        problems: &mut Vec<String>,
    ) -> Option<u64> {
        let part: fn(&Usage) -> u64 = match self.worth {
            Worth::Entry => return None,
            Worth::Fixed(weight) => return Some(weight),
            Worth::TotalTokens => |usage| usage.total,
            Worth::PromptTokens => |usage| usage.prompt,
            Worth::CompletionTokens => |usage| usage.completion,
        };
        let stated = request.row.usage.as_ref().map(part);
        let used = request.answering().and_then(|row| row.usage.as_ref()).map(part);
        if stated.is_none() {
            problems.push("an answer without usage".to_owned());
        } else if !real && stated != used {
            problems.push("a simulator booked other tokens than the answer states".to_owned());
        }
        stated.or(used)
    }

    /// Whose request it is.
    fn owner_of(&self, request: &Request<'_>) -> Option<&str> {
        let (draw, by_label) = self.owner.as_ref()?;
        let label = request.row.labels.get(draw)?.as_str()?;
        by_label.get(label).map(String::as_str)
    }
}

/// What a request's entries must be.
#[derive(Clone, Copy)]
struct Expected<'a> {
    booked: bool,
    worth: Option<u64>,
    owner: Option<&'a str>,
    ledger: &'a Ledger,
}

impl Expected<'_> {
    /// How many entries of one kind there are; `what` names it.
    fn number(&self, what: &str, entries: usize, problems: &mut Vec<String>) {
        match (self.booked, entries) {
            (true, 1) | (false, 0) => {}
            (true, 0) => problems.push(format!("no {what}")),
            (true, several) => problems.push(format!("{several} of {what}")),
            (false, _) => {
                let such = match self.ledger.booked {
                    Booked::Answered => "was not answered 2xx",
                    Booked::Forwarded => "reached no simulator",
                };
                problems.push(format!("{what} for a request that {such}"));
            }
        }
    }

    /// Whether an entry names its owner.
    fn whose(&self, what: &str, told: Option<&str>, problems: &mut Vec<String>) {
        let Some(owner) = self.owner else {
            problems.push(format!("{what} of a request without an owner"));
            return;
        };
        match told {
            None => problems.push(format!("{what} without an owner")),
            Some(told) if told != owner => {
                problems.push(format!("{what} booked on `{told}` instead of `{owner}`"));
            }
            Some(_) => {}
        }
    }

    /// The sum of a request's metrics.
    fn metrics(
        &self,
        names: &[String],
        owner: Option<&str>,
        entries: &[&GatewayMetric],
        problems: &mut Vec<String>,
    ) -> f64 {
        let mut sum = 0.0;
        let mut complete = true;
        for name in names {
            let what = format!("metric `{name}`");
            let own = entries.iter().filter(|metric| metric.name == *name);
            let own: Vec<&&GatewayMetric> = own.collect();
            complete &= own.len() == 1;
            self.number(&what, own.len(), problems);
            for metric in own {
                sum += metric.value;
                if let Some(dimension) = owner {
                    let told = metric.dimensions.get(dimension).map(String::as_str);
                    self.whose(&what, told, problems);
                }
            }
        }
        if let Some(worth) = self.worth
            && complete
            && (sum - number(worth)).abs() > f64::EPSILON
        {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            problems.push(format!("metric {} with another value", names.join(" + ")));
        }
        sum
    }

    /// The sum of a request's events; their number where they have no worth.
    fn events(
        &self,
        field: Option<&str>,
        owner: Option<&str>,
        entries: &[&GatewayEvent],
        problems: &mut Vec<String>,
    ) -> u64 {
        self.number("event", entries.len(), problems);
        let mut sum = 0;
        for event in entries {
            let Ok(Value::Object(body)) = serde_json::from_str(&event.body) else {
                problems.push("an event that is no JSON object".to_owned());
                continue;
            };
            if let Some(owner) = owner {
                self.whose("event", body.get(owner).and_then(Value::as_str), problems);
            }
            let Some(field) = field else {
                sum += 1;
                continue;
            };
            let said = match body.get(field) {
                Some(Value::String(text)) => text.parse::<u64>().ok(),
                Some(value) => value.as_u64(),
                None => {
                    problems.push(format!("an event without `{field}`"));
                    continue;
                }
            };
            match said {
                None => problems.push(format!("an event whose `{field}` is no number")),
                Some(said) => {
                    sum += said;
                    if self.worth.is_some_and(|worth| worth != said) {
                        problems.push(format!("an event with another `{field}`"));
                    }
                }
            }
        }
        sum
    }
}
