//! `<send-request>` and `<send-one-way-request>`: a call beside the backend's.
//!
//! Its parts make a request of their own: a new one, or a copy of the client's.
//! The answer becomes a variable an expression reads as `IResponse`; nobody
//! waits for a one-way request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Limited};
use hyper::ext::ReasonPhrase;
use seam::http::call;
use tokio::time::{Instant, timeout_at};

use crate::backend::{self, Outgoing};
use crate::config::settings::{CopiedKey, SendRequestMethod, SendRequestTimeout, Settings};
use crate::expr::Value;
use crate::pipeline::context::{ApiInfo, MessageBody, ResponseState, Url};
use crate::pipeline::errors::reason_phrase;
use crate::pipeline::exchange::{Draft, Exchange, Failure, Flow, Outcome, Policy};
use crate::pipeline::url;
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::{PolicyValue, Step};
use crate::policy::spec::{
    ANY_SECTION, AttributeSpec, ContentSpec, ElementSpec, Form, MAX_SECONDS, PolicySpec, optional,
    required,
};

const MODES: &[&str] = &["new", "copy"];
const MODE: AttributeSpec = optional("mode", Form::OneOf(MODES));
const TIMEOUT: AttributeSpec = optional("timeout", Form::Integer(1, MAX_SECONDS));
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// Parts that are policies, too.
const PARTS: &[&str] = &["set-method", "set-header", "set-body", "authentication-managed-identity"];

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "send-request",
        attributes: &[
            MODE,
            required("response-variable-name", Form::Name),
            TIMEOUT,
            optional("ignore-error", Form::Boolean).literal(),
        ],
        content: ContentSpec::Policies,
    },
    sections: ANY_SECTION,
    compile,
};

pub(super) static ONE_WAY: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "send-one-way-request",
        attributes: &[MODE, TIMEOUT],
        content: ContentSpec::Policies,
    },
    sections: ANY_SECTION,
    compile: compile_one_way,
};

static SET_URL: ElementSpec =
    ElementSpec { name: "set-url", attributes: &[], content: ContentSpec::Value };

/// What both send.
struct Message {
    mode: Option<PolicyValue>,
    timeout: Option<PolicyValue>,
    url: Option<PolicyValue>,
    parts: Vec<Step>,
}

struct SendRequest {
    message: Message,
    variable: PolicyValue,
    ignore_error: bool,
}

struct SendOneWayRequest(Message);

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let message = Message::compile(node, compiler);
    let variable = node.value("response-variable-name")?;
    if let Some(literal) = variable.literal() {
        compiler.facts().computed_variable(literal);
    }
    let ignore_error = node.flag("ignore-error").unwrap_or(false);
    Some(Box::new(SendRequest { message: message?, variable, ignore_error }))
}

fn compile_one_way(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    Some(Box::new(SendOneWayRequest(Message::compile(node, compiler)?)))
}

impl Message {
    fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let mut sound = node.complete();
        let mut url = None;
        let mut parts = Vec::new();
        for element in node.element.elements() {
            if element.name != SET_URL.name {
                let names = [PARTS, &[SET_URL.name]].concat();
                parts.extend(compiler.child(node.element, element, &names));
                continue;
            }
            compiler.node(element, &SET_URL, false);
            let value = compiler.element_value(element);
            if let Some(Err(problem)) = value.as_ref().and_then(|own| own.literal()).map(url::parse)
            {
                let problem = compiler.error(element.inner.clone(), problem);
                compiler.report(problem);
                sound = None;
            }
            if value.is_none() {
                sound = None;
            } else if url.is_some() {
                let message = format!("`{}` has a second `set-url`", node.element.name);
                let problem = compiler.error(element.name_span.clone(), message);
                compiler.report(problem);
                sound = None;
            }
            url = value;
        }
        let mode = node.value("mode");
        let copies = mode.as_ref().is_some_and(|mode| mode.literal() != Some("new"));
        if url.is_none() && !copies && sound.is_some() {
            let message = format!("`{}` needs a `set-url`", node.element.name);
            let problem = compiler
                .error(node.element.name_span.clone(), message)
                .help("write `<set-url>http://…</set-url>`, or `mode=\"copy\"` for the client's");
            compiler.report(problem);
            sound = None;
        }
        let method = node.element.elements().any(|own| own.name == "set-method");
        if !copies
            && !method
            && compiler.library().settings.send_request_method == SendRequestMethod::Required
        {
            let message = format!("`{}` needs a `set-method`", node.element.name);
            let problem = compiler.error(node.element.name_span.clone(), message).help(
                "`send_request_method = \"required\"` is set: write `<set-method>GET</set-method>`",
            );
            compiler.report(problem);
            sound = None;
        }
        sound?;
        Some(Self { mode, timeout: node.value("timeout"), url, parts })
    }

    /// The request as it leaves, the URL as the journal shows it, and how long
    /// it may take.
    async fn build(
        &self,
        exchange: &mut Exchange,
    ) -> Result<(seam::http::Request, String, Duration), Failure> {
        let mode = match &self.mode {
            Some(mode) => exchange.text(mode).await?.trim().to_owned(),
            None => "new".to_owned(),
        };
        let mut draft = match mode.as_str() {
            "copy" => Draft {
                method: exchange.context.request.method.clone(),
                headers: copied_headers(exchange),
                body: match &exchange.context.request.body {
                    MessageBody::Bytes(bytes) => MessageBody::Bytes(bytes.clone()),
                    _ => MessageBody::Absent,
                },
            },
            "new" => Draft {
                method: "GET".to_owned(),
                headers: HeaderMap::new(),
                body: MessageBody::Absent,
            },
            other => {
                let message = format!("Expression evaluation failed. '{other}' is no mode.");
                return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
            }
        };
        let timeout = match &self.timeout {
            Some(timeout) => exchange.seconds(timeout, 1).await?,
            None => DEFAULT_TIMEOUT,
        };
        let target = match &self.url {
            Some(value) => {
                let text = exchange.text(value).await?;
                match url::parse(&text) {
                    Ok(target) => target,
                    Err(message) => {
                        return Err(exchange.fail(500, "InvalidRequestUrl", message));
                    }
                }
            }
            None => copied_url(exchange),
        };
        exchange.drafting = Some(draft);
        let outcome = exchange.run(&self.parts).await;
        let drafted = exchange.drafting.take();
        outcome?;
        let Some(drafted) = drafted else {
            return Err(exchange.fail(500, "InvalidRequestUrl", "The request was lost."));
        };
        draft = drafted;
        let body = match draft.body {
            MessageBody::Bytes(bytes) => bytes,
            _ => Bytes::new(),
        };
        let request = backend::build(Outgoing {
            method: &draft.method,
            url: &target,
            headers: &draft.headers,
            client_host: exchange.client_host.as_ref(),
            body,
            credentials: None,
            authorization: None,
            hide_key: None,
        });
        // Queries may hold keys: the journal gets none.
        let mut shown = target;
        shown.query.clear();
        let shown = url::to_uri(&shown).map_or_else(|_| shown.host.clone(), |uri| uri.to_string());
        match request {
            Ok(request) => Ok((request, shown, timeout)),
            Err(error) => {
                let message = format!("The request cannot be sent: {error}");
                Err(exchange.fail(500, "BackendConnectionFailure", message))
            }
        }
    }
}

/// The API of a client whose key a copy does not have.
fn hides_key(exchange: &Exchange) -> Option<&ApiInfo> {
    match exchange.shared.model.settings.send_request_copied_key {
        CopiedKey::Sent => None,
        CopiedKey::Removed => exchange.context.api.as_deref(),
    }
}

fn copied_headers(exchange: &Exchange) -> HeaderMap {
    let mut headers = exchange.context.request.headers.clone();
    if let Some(api) = hides_key(exchange) {
        headers.remove(api.key_header.as_str());
    }
    headers
}

fn copied_url(exchange: &Exchange) -> Url {
    let mut url = exchange.context.request.url.clone();
    if let Some(api) = hides_key(exchange) {
        url.query.retain(|parameter| parameter.name != api.key_query);
    }
    url
}

impl SendRequest {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let variable = exchange.text(&self.variable).await?;
        let (request, shown, timeout) = self.message.build(exchange).await?;
        let settings = &exchange.shared.model.settings;
        let sent = Instant::now();
        let answered = receive(&exchange.worker.client, request, timeout, settings).await;
        let status = answered.as_ref().ok().map(|response| response.status);
        exchange.recorder.called(&shown, sent, status);
        let missing = match answered {
            Ok(response) => {
                return match exchange.context.store_response(&variable, response) {
                    Some(value) => {
                        exchange.context.variables.insert(variable, value);
                        Ok(Flow::Next)
                    }
                    None => {
                        let message = "The request holds too many responses in variables.";
                        Err(exchange.fail(500, "ResponseLimitExceeded", message))
                    }
                };
            }
            Err(missing) => missing,
        };
        if self.ignore_error {
            exchange.context.variables.insert(variable, Value::Null);
            return Ok(Flow::Next);
        }
        let settings = &exchange.shared.model.settings;
        let (status, reason, message) = match missing {
            Missing::Late => {
                let message = "Request to the backend service timed out".to_owned();
                (settings.timeout_status.code(), "Timeout", message)
            }
            Missing::Broken(message) => {
                let status = settings.connection_failure_status.code();
                (status, "BackendConnectionFailure", message)
            }
        };
        Err(exchange.fail(status, reason, message))
    }
}

/// Why there is no answer.
enum Missing {
    Late,
    /// With a message.
    Broken(String),
}

/// The whole answer.
async fn receive(
    client: &seam::http::HttpService,
    request: seam::http::Request,
    timeout: Duration,
    settings: &Settings,
) -> Result<ResponseState, Missing> {
    let until = Instant::now() + timeout;
    let answered = timeout_at(until, call(client, request)).await.map_err(|_| Missing::Late)?;
    let response = answered.map_err(|error| {
        Missing::Broken(format!("Error connecting to the backend service: {}", error.kind))
    })?;
    let (mut parts, body) = response.into_parts();
    let body = Limited::new(body, settings.max_response_body_bytes).collect();
    let body = match settings.send_request_timeout {
        SendRequestTimeout::WholeAnswer => {
            timeout_at(until, body).await.map_err(|_| Missing::Late)?
        }
        SendRequestTimeout::Headers => body.await,
    };
    let body = body.map_err(|error| {
        Missing::Broken(format!("Error occurred while reading the response: {error}"))
    })?;
    backend::remove_hop_by_hop(&mut parts.headers);
    let status = parts.status.as_u16();
    let reason = match parts.extensions.get::<ReasonPhrase>() {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        None => reason_phrase(status).to_owned(),
    };
    let bytes = body.to_bytes();
    let body = if bytes.is_empty() { MessageBody::Absent } else { MessageBody::Bytes(bytes) };
    Ok(ResponseState { status, reason, headers: parts.headers, body, null: false })
}

impl SendOneWayRequest {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let (request, shown, timeout) = self.0.build(exchange).await?;
        let worker = Arc::clone(&exchange.worker);
        let Ok(permit) = Arc::clone(&worker.shared.one_way).try_acquire_owned() else {
            worker.shared.metrics.one_way_lost();
            return Ok(Flow::Next);
        };
        tokio::spawn(async move {
            let settings = &worker.shared.model.settings;
            if receive(&worker.client, request, timeout, settings).await.is_err() {
                tracing::debug!(url = shown, "a one-way request got no answer");
            }
            drop(permit);
        });
        Ok(Flow::Next)
    }
}

impl Policy for SendRequest {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}

impl Policy for SendOneWayRequest {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
