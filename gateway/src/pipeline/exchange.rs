//! One request under way: its context, where in which document it stands, and
//! what policies may do with it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Limited};

use super::completion::Completions;
use super::context::{Context, LastError, MessageBody, ResponseState, Url};
use super::errors;
use crate::app::{Shared, Worker};
use crate::backend::Route;
use crate::config::settings::{ConditionValues, StreamedBody};
use crate::expr::Value;
use crate::journal::Recorder;
use crate::policy::document::{PolicyDocument, PolicyValue, Scope, Step, StepInfo};
use crate::policy::spec::{MAX_SECONDS, Section};
use crate::store::counter::CounterKey;
use crate::telemetry::records::MessageRecord;
use crate::telemetry::tracer::Open;

/// A compiled policy.
pub(crate) trait Policy: Send + Sync {
    /// Does it to one request.
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome>;

    /// What `cors` says of preflight requests, which no policy sees.
    fn cors(&self) -> Option<&crate::policies::cors::Rules> {
        None
    }
}

/// What comes after a policy that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The next policy.
    Next,
    /// The response is complete: the pipeline ends here, without outbound.
    Respond,
}

/// What comes after a policy. An error jumps to on-error.
pub(crate) type Outcome = Result<Flow, Failure>;

/// A failed policy or step. `context.Response` already is the error's response.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) Box<LastError>);

/// Where `forward-request` sends.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A configured backend or pool.
    Backend(Route),
    /// A URL from `set-backend-service base-url` or the API.
    Url(Url),
    /// A `base-url` an expression made: there may be any number of them.
    ComputedUrl(Url),
}

/// One document of the request's scopes.
#[derive(Clone, Debug)]
pub(crate) struct ScopeDocument {
    /// Which scope.
    pub(crate) scope: Scope,
    /// Its document.
    pub(crate) document: Arc<PolicyDocument>,
}

/// A request runs at most so many policies, those that `retry` repeats counted
/// each time: nested retries would else go on for years.
const MAX_STEPS: u32 = 100_000;

/// A request under way.
pub(crate) struct Exchange {
    /// What expressions see.
    pub(crate) context: Context,
    /// The gateway.
    pub(crate) shared: Arc<Shared>,
    /// Where it runs, and whose connections it uses.
    pub(crate) worker: Arc<Worker>,
    /// Outermost scope first.
    pub(crate) scopes: Vec<ScopeDocument>,
    /// The scope whose document runs.
    depth: usize,
    /// The section that runs.
    pub(crate) section: Section,
    /// The policy that runs.
    step: Arc<StepInfo>,
    /// Set by `set-backend-service`.
    pub(crate) target: Option<Target>,
    /// The request's path below its API's path.
    pub(crate) rest_path: String,
    /// The client's body as received: for `strict_body = false`.
    pub(crate) client_body: Bytes,
    /// The `Host` the client called.
    pub(crate) client_host: Option<http::HeaderValue>,
    /// Policies run so far.
    steps: u32,
    /// Calls of `forward-request` so far.
    pub(crate) forwards: u32,
    /// The response `return-response` makes; children act on it.
    pub(crate) building: Option<ResponseState>,
    /// Headers the response will have, whatever response that is.
    response_headers: ResponseHeaders,
    /// Whether outbound ran to its end.
    pub(crate) outbound_ended: bool,
    /// Quotas that have counted this request.
    quotas: Vec<(CounterKey, u64)>,
    /// Work left for the end of the request.
    pub(crate) completions: Completions,
    /// The request `send-request` makes; children act on it.
    pub(crate) drafting: Option<Draft>,
    /// What the journal will say.
    pub(crate) recorder: Recorder,
    /// A trace was asked for with a wrong key.
    pub(crate) trace_refused: bool,
}

/// Where a request stands: which policy of which scope's document.
#[derive(Clone, Default)]
pub(crate) struct Place {
    step: Arc<StepInfo>,
    depth: usize,
}

/// Headers for a response that is not there yet.
#[derive(Default)]
struct ResponseHeaders {
    set: Vec<(HeaderName, HeaderValue)>,
    /// How many of them the present response has.
    applied: usize,
}

impl Exchange {
    /// A request before its first section.
    pub(crate) fn new(context: Context, worker: Arc<Worker>, recorder: Recorder) -> Self {
        Self {
            context,
            shared: Arc::clone(&worker.shared),
            worker,
            scopes: Vec::new(),
            depth: 0,
            section: Section::Inbound,
            step: Arc::default(),
            target: None,
            rest_path: String::new(),
            client_body: Bytes::new(),
            client_host: None,
            steps: 0,
            forwards: 0,
            building: None,
            response_headers: ResponseHeaders::default(),
            outbound_ended: false,
            quotas: Vec::new(),
            completions: Completions::default(),
            drafting: None,
            recorder,
            trace_refused: false,
        }
    }

    /// The present policy.
    pub(crate) fn place(&self) -> Place {
        Place { step: Arc::clone(&self.step), depth: self.depth }
    }

    /// Makes another policy the present one; the one that was.
    pub(crate) fn move_to(&mut self, place: Place) -> Place {
        let step = std::mem::replace(&mut self.step, place.step);
        Place { step, depth: std::mem::replace(&mut self.depth, place.depth) }
    }

    /// The scope whose document holds the present policy.
    pub(crate) fn scope(&self) -> Option<Scope> {
        self.scopes.get(self.depth).map(|scope| scope.scope)
    }

    /// Sets a header of the response to come. It takes effect when outbound or
    /// on-error begins, or when the response leaves: see
    /// [`crate::Settings::limit_headers`].
    pub(crate) fn set_response_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.response_headers.set.push((name, value));
    }

    /// Puts the headers set so far on the present response.
    pub(crate) fn apply_response_headers(&mut self) {
        let headers = &mut self.response_headers;
        for (name, value) in headers.set.iter().skip(headers.applied) {
            self.context.response.headers.insert(name.clone(), value.clone());
        }
        headers.applied = headers.set.len();
    }

    /// What a quota has counted this request for; `None` if it has not.
    pub(crate) fn counted_by(&self, key: &CounterKey) -> Option<u64> {
        self.quotas.iter().find(|(known, _)| known == key).map(|(_, units)| *units)
    }

    /// A quota counted this request, or will at its end (0 so far).
    pub(crate) fn note_counted(&mut self, key: CounterKey, units: u64) {
        self.quotas.push((key, units));
    }

    /// The present response is another one: it has none of the headers yet.
    pub(crate) fn response_replaced(&mut self) {
        self.response_headers.applied = 0;
    }

    /// What a branch knows of this request's past.
    pub(super) fn begin_branch(&self, branch: &mut Exchange) {
        branch.steps = self.steps;
        branch.quotas.clone_from(&self.quotas);
    }

    /// What a branch leaves for this request's future.
    pub(super) fn end_branch(&mut self, branch: &mut Exchange) {
        self.steps = self.steps.max(branch.steps);
        for (key, amount) in std::mem::take(&mut branch.quotas) {
            if self.quotas.iter().all(|(known, _)| *known != key) {
                self.quotas.push((key, amount));
            }
        }
        self.response_headers.set.append(&mut branch.response_headers.set);
    }

    /// Runs a section of the effective document: the innermost scope's.
    pub(crate) async fn run_section(&mut self, section: Section) -> Outcome {
        self.section = section;
        if let Some(tracer) = &mut self.recorder.tracer {
            tracer.section(section.name(), &self.context);
        }
        self.run_scope(self.scopes.len()).await
    }

    /// Runs the next outer scope's section: `<base />`.
    pub(crate) async fn run_base(&mut self) -> Outcome {
        self.run_scope(self.depth).await
    }

    /// Runs the section of the scope inside which there are `outer` scopes.
    async fn run_scope(&mut self, outer: usize) -> Outcome {
        let Some(depth) = outer.checked_sub(1) else { return Ok(Flow::Next) };
        let Some(scope) = self.scopes.get(depth) else { return Ok(Flow::Next) };
        let document = Arc::clone(&scope.document);
        let before = std::mem::replace(&mut self.depth, depth);
        let outcome = self.run(document.section(self.section)).await;
        self.depth = before;
        outcome
    }

    /// Runs policies in order until one ends the section.
    pub(crate) fn run<'a>(&'a mut self, steps: &'a [Step]) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let before = Arc::clone(&self.step);
            let mut outcome = Ok(Flow::Next);
            for step in steps {
                self.step = Arc::clone(&step.info);
                self.steps += 1;
                if MAX_STEPS < self.steps {
                    let message = format!("The request ran more than {MAX_STEPS} policies.");
                    outcome = Err(self.fail(500, "PolicyLimitExceeded", message));
                    break;
                }
                let open = self.trace_begin(step);
                outcome = step.policy.execute(self).await;
                self.trace_end(open, &outcome);
                if !matches!(outcome, Ok(Flow::Next)) {
                    break;
                }
            }
            self.step = before;
            outcome
        })
    }

    fn trace_begin(&mut self, step: &Step) -> Option<Open> {
        let scope = self.scopes.get(self.depth).map_or("", |scope| scope.scope.name());
        let tracer = self.recorder.tracer.as_mut()?;
        Some(tracer.begin(&step.info, scope))
    }

    fn trace_end(&mut self, open: Option<Open>, outcome: &Outcome) {
        if let (Some(tracer), Some(open)) = (&mut self.recorder.tracer, open) {
            tracer.end(open, outcome, &self.context);
        }
    }

    /// Fails the present policy: `context.Response` becomes the platform's
    /// answer for `status`.
    pub(crate) fn fail(
        &mut self,
        status: u16,
        reason: &str,
        message: impl Into<String>,
    ) -> Failure {
        let source = self.step.policy;
        self.fail_from(source, status, reason, message)
    }

    /// Fails the present policy: a managed identity got no token.
    pub(crate) fn no_token(&mut self, resource: &str) -> Failure {
        let message = format!("No token for resource '{resource}' could be obtained.");
        self.fail(500, "ManagedIdentityTokenFailure", message)
    }

    /// Fails a built-in step.
    pub(crate) fn fail_from(
        &mut self,
        source: &str,
        status: u16,
        reason: &str,
        message: impl Into<String>,
    ) -> Failure {
        let message = message.into();
        // An error inside on-error changes nothing: the original one is sent.
        if self.section != Section::OnError {
            self.context.response = errors::response(status, &message, self.context.request_id);
        }
        self.failure(source, reason, message)
    }

    /// Fails the present policy, and leaves `context.Response` as it is.
    pub(crate) fn fail_with_response(&self, reason: &str, message: String) -> Failure {
        self.failure(self.step.policy, reason, message)
    }

    fn failure(&self, source: &str, reason: &str, message: String) -> Failure {
        let scope = self.scopes.get(self.depth).map_or("", |scope| scope.scope.name());
        let in_policy = !self.step.policy.is_empty();
        Failure(Box::new(LastError {
            source: source.to_owned(),
            reason: reason.to_owned(),
            message,
            scope: if in_policy { scope.to_owned() } else { String::new() },
            section: if in_policy { self.section.name().to_owned() } else { String::new() },
            path: self.step.path.clone(),
            policy_id: self.step.id.clone(),
        }))
    }

    /// A value: literals are strings, expressions keep their type.
    pub(crate) async fn value(&mut self, value: &PolicyValue) -> Result<Value, Failure> {
        let expression = match value {
            PolicyValue::Literal(text) => return Ok(Value::from_literal(text)),
            PolicyValue::Expression(expression) => expression,
        };
        let reads = expression.reads();
        if reads.response_body && self.shared.model.settings.streamed_body == StreamedBody::Held {
            self.buffer_response().await?;
        }
        let result = expression.evaluate(&mut self.context);
        if let Some(tracer) = &mut self.recorder.tracer {
            tracer.expression(expression.text(), &result);
        }
        for message in std::mem::take(&mut self.context.trace) {
            self.recorder.message(MessageRecord::from_expression(message));
        }
        result.map_err(|exception| {
            tracing::debug!(policy = self.step.policy, path = %self.step.path, %exception.type_name, %exception.message, "an expression failed");
            let message = format!("Expression evaluation failed. {}", exception.message);
            self.fail(500, "ExpressionValueEvaluationFailure", message)
        })
    }

    /// A value as text.
    pub(crate) async fn text(&mut self, value: &PolicyValue) -> Result<String, Failure> {
        match value {
            PolicyValue::Literal(text) => Ok(text.to_string()),
            PolicyValue::Expression(own) => Ok(self.value(value).await?.to_text_with(own.style())),
        }
    }

    /// A condition.
    pub(crate) async fn condition(&mut self, value: &PolicyValue) -> Result<bool, Failure> {
        let found = self.value(value).await?;
        let text_will_do = value.literal().is_some()
            || self.shared.model.settings.condition_values == ConditionValues::BoolOrText;
        let condition = match &found {
            Value::Bool(condition) => Some(*condition),
            _ if text_will_do => found.to_condition(),
            _ => None,
        };
        condition.ok_or_else(|| self.wrong_type(&found, "a boolean"))
    }

    /// A whole number within bounds.
    pub(crate) async fn integer(
        &mut self,
        value: &PolicyValue,
        low: i64,
        high: i64,
    ) -> Result<i64, Failure> {
        let found = self.value(value).await?;
        match found.to_integer() {
            Some(number) if low <= number && number <= high => Ok(number),
            Some(number) => {
                let message = format!(
                    "Expression evaluation failed. {number} is not between {low} and {high}."
                );
                Err(self.fail(500, "ExpressionValueEvaluationFailure", message))
            }
            None => Err(self.wrong_type(&found, "a whole number")),
        }
    }

    /// A number.
    pub(crate) async fn number(&mut self, value: &PolicyValue) -> Result<f64, Failure> {
        let found = self.value(value).await?;
        found.to_double().ok_or_else(|| self.wrong_type(&found, "a number"))
    }

    /// Whole seconds, at least `low`.
    pub(crate) async fn seconds(
        &mut self,
        value: &PolicyValue,
        low: i64,
    ) -> Result<Duration, Failure> {
        let seconds = self.integer(value, low, MAX_SECONDS).await?;
        Ok(Duration::from_secs(seconds.unsigned_abs()))
    }

    fn wrong_type(&mut self, found: &Value, expected: &str) -> Failure {
        let message = format!(
            "Expression evaluation failed. The value of type '{}' is not {expected}.",
            found.type_name()
        );
        self.fail(500, "ExpressionValueEvaluationFailure", message)
    }

    /// Makes the response's body complete: something reads all of it.
    pub(crate) async fn buffer_response(&mut self) -> Result<(), Failure> {
        if !matches!(self.context.response.body, MessageBody::Stream(_)) {
            return Ok(());
        }
        let body = std::mem::replace(&mut self.context.response.body, MessageBody::Absent);
        let MessageBody::Stream(body) = body else { return Ok(()) };
        let limit = self.shared.model.settings.max_response_body_bytes;
        match Limited::new(body, limit).collect().await {
            Ok(collected) => {
                let bytes = collected.to_bytes();
                self.context.response.body =
                    if bytes.is_empty() { MessageBody::Absent } else { MessageBody::Bytes(bytes) };
                Ok(())
            }
            Err(error) => {
                let reason = if error.is::<http_body_util::LengthLimitError>() {
                    "ResponseBodyTooLarge"
                } else {
                    "BackendConnectionFailure"
                };
                let message = format!("Error occurred while reading the response: {error}");
                Err(self.fail(500, reason, message))
            }
        }
    }

    /// The message `set-header` and `set-body` act on.
    pub(crate) fn message(&mut self) -> Message<'_> {
        if let Some(draft) = &mut self.drafting {
            return Message { headers: &mut draft.headers, body: &mut draft.body };
        }
        match (&mut self.building, self.section) {
            (Some(response), _) => {
                Message { headers: &mut response.headers, body: &mut response.body }
            }
            (None, Section::Inbound | Section::Backend) => Message {
                headers: &mut self.context.request.headers,
                body: &mut self.context.request.body,
            },
            (None, Section::Outbound | Section::OnError) => Message {
                headers: &mut self.context.response.headers,
                body: &mut self.context.response.body,
            },
        }
    }

    /// The response `set-status` acts on.
    pub(crate) fn response(&mut self) -> &mut ResponseState {
        match &mut self.building {
            Some(response) => response,
            None => &mut self.context.response,
        }
    }
}

/// A request a policy sends beside the client's.
pub(crate) struct Draft {
    /// Its method.
    pub(crate) method: String,
    /// Its headers.
    pub(crate) headers: http::HeaderMap,
    /// Its body.
    pub(crate) body: MessageBody,
}

/// A request or response, as far as policies change either alike.
pub(crate) struct Message<'a> {
    /// Its headers.
    pub(crate) headers: &'a mut http::HeaderMap,
    /// Its body.
    pub(crate) body: &'a mut MessageBody,
}
