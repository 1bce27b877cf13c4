//! Performs a scenario's actions.

use http::{HeaderMap, HeaderValue, Method};
use seam::units::{HumanDuration, SignedDuration};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::{Answer, CallError, Caller};
use crate::load::pacer::Pacer;
use crate::record::{ActionAnswer, ActionRow, Endpoints, RunClock};
use crate::scenario::{Action, ActionKind, BaseUrl, Call, ORDER, Probe, RequestTemplate};
use crate::target::SimulatorTarget;

/// A simulator that is gone must not hold up the actions after.
const PATCH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Performs actions one after the other.
pub(crate) struct Coordinator {
    pub(crate) caller: Caller,
    pub(crate) gateway: BaseUrl,
    pub(crate) simulators: Vec<SimulatorTarget>,
    pub(crate) endpoints: Endpoints,
    /// To which `-action-` and the number of the call are added.
    pub(crate) id_prefix: String,
    /// Calls made so far.
    pub(crate) calls: u64,
    pub(crate) pacer: Pacer,
    pub(crate) stop: CancellationToken,
}

/// An action that was performed; its times await the run's start.
pub(crate) struct Performed {
    name: String,
    due: SignedDuration,
    started: Instant,
    done: Instant,
    report: Report,
}

/// What became of an action.
#[derive(Debug, Default)]
struct Report {
    summary: String,
    answer: Option<ActionAnswer>,
    error: Option<String>,
    skipped: Option<String>,
}

impl Report {
    fn failed(summary: impl Into<String>, error: impl Into<String>) -> Self {
        Self { summary: summary.into(), error: Some(error.into()), ..Self::default() }
    }

    /// Left out, for real endpoints.
    fn skipped(what: impl std::fmt::Display, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { summary: format!("{what}: skipped"), skipped: Some(why), ..Self::default() }
    }
}

impl Performed {
    /// Whether it did what it should.
    pub(crate) fn succeeded(&self) -> bool {
        self.report.error.is_none()
    }

    pub(crate) fn into_row(self, clock: &RunClock) -> ActionRow {
        ActionRow {
            name: self.name,
            due: self.due,
            started: clock.at(self.started),
            done: clock.at(self.done),
            summary: self.report.summary,
            answer: self.report.answer,
            error: self.report.error,
            skipped: self.report.skipped,
        }
    }
}

/// The moment of a time in the run, when the first stage starts at `start`.
fn moment(start: Instant, at: SignedDuration) -> Instant {
    match at.before_start() {
        Some(before) => start.checked_sub(before).unwrap_or(start),
        None => start + at.after_start().unwrap_or_default(),
    }
}

impl Coordinator {
    /// Performs `actions` when they are due, as if the first stage started at
    /// `start`; ends early when the run is stopped.
    pub(crate) async fn perform_all(
        &mut self,
        actions: &[Action],
        start: Instant,
    ) -> Vec<Performed> {
        let mut performed = Vec::new();
        for action in actions {
            let due = moment(start, action.at);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return performed,
                () = self.pacer.until(due) => {}
            }
            let started = Instant::now();
            let report = match &action.kind {
                ActionKind::Patch { simulator, config } => self.patch(*simulator, config).await,
                ActionKind::Call(call) => self.call_gateway(call).await,
                ActionKind::Probe(probe) => self.probe(probe).await,
            };
            tracing::info!(action = action.name, summary = report.summary, error = report.error);
            let done = Instant::now();
            let name = action.name.clone();
            performed.push(Performed { name, due: action.at, started, done, report });
        }
        performed
    }

    fn next_id(&mut self) -> String {
        self.calls += 1;
        format!("{}-action-{}", self.id_prefix, self.calls)
    }

    async fn patch(&mut self, simulator: usize, config: &Value) -> Report {
        let id = self.next_id();
        let Some(target) = self.simulators.get(simulator) else {
            return Report::failed("nothing patched", "no such simulator");
        };
        if self.endpoints == Endpoints::Real {
            return Report::skipped(
                format_args!("patch of {}", target.name),
                "only a simulator can be patched, and this is a real endpoint",
            );
        }
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let template = RequestTemplate {
            method: Method::PATCH,
            path_and_query: "/++/config".to_owned(),
            headers,
            body: config.to_string().into(),
            timeout: PATCH_TIMEOUT,
        };
        match call_simulator(&self.caller, target, template, &id).await {
            Ok(answer) if answer.status.is_success() => {
                Report { summary: format!("{} patched", target.name), ..Report::default() }
            }
            Ok(answer) => Report::failed(
                format!("{} not patched", target.name),
                format!("{} answered {}", target.name, answer.describe()),
            ),
            Err(error) => Report::failed(format!("{} not patched", target.name), error.to_string()),
        }
    }

    async fn call_gateway(&mut self, call: &Call) -> Report {
        let id = self.next_id();
        let what = format!("{} {}", call.request.method, call.request.path_and_query);
        match self.caller.call(&self.gateway, &call.request, Some(&id)).await {
            Ok(answer) => {
                let expected = match call.expect_status {
                    Some(status) => answer.status.as_u16() == status,
                    None => answer.status.is_success(),
                };
                let error = (!expected).then(|| {
                    let wanted =
                        call.expect_status.map_or("2xx".to_owned(), |status| status.to_string());
                    format!("{what} answered {}, expected {wanted}", answer.describe())
                });
                let summary = format!("{what} → {}", answer.status.as_u16());
                Report { summary, answer: Some(answer.into()), error, skipped: None }
            }
            Err(error) => Report::failed(what, error.to_string()),
        }
    }

    async fn probe(&mut self, probe: &Probe) -> Report {
        let mut measured = Vec::new();
        for backend in &probe.backends {
            let id = self.next_id();
            let Some(target) = self.simulators.get(backend.simulator) else {
                return Report::failed("nothing measured", "no such simulator");
            };
            match call_simulator(&self.caller, target, probe.request.clone(), &id).await {
                Ok(answer) if answer.status.is_success() => {
                    measured.push((answer.took, backend.publish_as.as_str()));
                }
                Ok(answer) => {
                    return Report::failed(
                        format!("{} not measured", target.name),
                        format!("{} answered {}", target.name, answer.describe()),
                    );
                }
                Err(error) => {
                    return Report::failed(
                        format!("{} not measured", target.name),
                        error.to_string(),
                    );
                }
            }
        }
        // Stable: equals stay in the order of measurement.
        measured.sort_by_key(|(took, _)| *took);
        let listed: Vec<String> = measured
            .iter()
            .map(|(took, name)| {
                let millis = std::time::Duration::from_millis(
                    u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                );
                format!("{name} ({})", HumanDuration(millis))
            })
            .collect();
        let order: Vec<Value> = measured.iter().map(|(_, name)| Value::from(*name)).collect();
        let mut publish = probe.publish.clone();
        let body = publish.body.clone().unwrap_or_default();
        publish.request.body = with_order(body, &order).to_string().into();
        let published = self.call_gateway(&publish).await;
        Report { summary: format!("order {}", listed.join(", ")), ..published }
    }
}

/// A call straight to a simulator, with its key.
async fn call_simulator(
    caller: &Caller,
    target: &SimulatorTarget,
    mut template: RequestTemplate,
    id: &str,
) -> Result<Answer, CallError> {
    match HeaderValue::from_str(&target.key) {
        Ok(key) => {
            template.headers.insert("api-key", key);
        }
        Err(_) => tracing::warn!(simulator = target.name, "the key cannot be sent in a header"),
    }
    let Some(url) = &target.url else { return Err(CallError::NoUrl(target.name.clone())) };
    caller.call(url, &template, Some(id)).await
}

/// Replaces the string [`ORDER`] wherever it stands.
fn with_order(value: Value, order: &[Value]) -> Value {
    match value {
        Value::String(text) if text == ORDER => Value::Array(order.to_vec()),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| with_order(item, order)).collect())
        }
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, item)| (name, with_order(item, order))).collect(),
        ),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_goes_where_its_name_stands() {
        let order = [json!("b"), json!("a")];
        let body = json!({"x": ["$order", 1], "preferredBackends": "$order", "y": "$orders"});
        assert_eq!(
            with_order(body, &order),
            json!({"x": [["b", "a"], 1], "preferredBackends": ["b", "a"], "y": "$orders"})
        );
    }
}
