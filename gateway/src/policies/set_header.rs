//! `<set-header>`: on the request in inbound and backend, on the response in
//! outbound, on-error and `return-response`.

use futures_util::future::BoxFuture;
use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, DATE, EXPIRES, HeaderName, IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, PROXY_AUTHENTICATE, SET_COOKIE, TRANSFER_ENCODING,
    USER_AGENT, WARNING, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue};

use crate::config::settings::NullHeader;
use crate::expr::Value;
use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, optional, required,
};

pub(super) const ACTIONS: &[&str] = &["override", "skip", "append", "delete"];

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "set-header",
        attributes: &[
            required("name", Form::Name),
            optional("exists-action", Form::OneOf(ACTIONS)),
        ],
        content: ContentSpec::Parts(&[&VALUE]),
    },
    sections: ANY_SECTION,
    compile,
};

static VALUE: ElementSpec =
    ElementSpec { name: "value", attributes: &[], content: ContentSpec::Value };

/// Headers whose values stay apart; all others are joined with commas.
const SEPARATE: [HeaderName; 11] = [
    USER_AGENT,
    WWW_AUTHENTICATE,
    PROXY_AUTHENTICATE,
    COOKIE,
    SET_COOKIE,
    WARNING,
    DATE,
    EXPIRES,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
    LAST_MODIFIED,
];

struct SetHeader {
    name: PolicyValue,
    action: Option<PolicyValue>,
    values: Vec<PolicyValue>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let mut values = Vec::new();
    let mut sound = node.complete();
    for part in node.element.elements() {
        if part.name != VALUE.name {
            continue;
        }
        compiler.node(part, &VALUE, false);
        match compiler.element_value(part) {
            Some(value) => values.push(value),
            None => sound = None,
        }
    }
    let name = node.value("name")?;
    if let Some(literal) = name.literal() {
        match HeaderName::from_bytes(literal.trim().as_bytes()) {
            Err(_) => {
                let message = format!("`{literal}` is no header name");
                let problem = compiler.error(node.span("name"), message);
                compiler.report(problem);
                return None;
            }
            Ok(name) if is_connection_header(&name) => {
                let problem = compiler
                    .warning(node.span("name"), format!("`{name}` cannot be set"))
                    .help("it belongs to one connection; this policy has no effect");
                compiler.report(problem);
            }
            Ok(_) => {}
        }
    }
    sound?;
    Some(Box::new(SetHeader { name, action: node.value("exists-action"), values }))
}

fn is_connection_header(name: &HeaderName) -> bool {
    [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) || name == "keep-alive"
}

impl SetHeader {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let text = exchange.text(&self.name).await?;
        let Ok(name) = HeaderName::from_bytes(text.trim().as_bytes()) else {
            let message = format!("Expression evaluation failed. '{text}' is not a header name.");
            return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
        };
        let action = match &self.action {
            Some(action) => exchange.text(action).await?,
            None => "override".to_owned(),
        };
        let mut values = Vec::new();
        for value in &self.values {
            let Some(text) = header_text(exchange, value).await? else { continue };
            let Ok(value) = HeaderValue::from_str(text.trim()) else {
                let message = format!(
                    "Expression evaluation failed. The value of header '{name}' has characters no header may have."
                );
                return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
            };
            values.push(value);
        }
        if is_connection_header(&name) {
            return Ok(Flow::Next);
        }
        let headers = exchange.message().headers;
        match action.trim() {
            "skip" if headers.contains_key(&name) => {}
            "delete" => {
                headers.remove(&name);
            }
            "append" => {
                let existing: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
                set(headers, name, [existing, values].concat());
            }
            "override" | "skip" => set(headers, name, values),
            other => {
                let message =
                    format!("Expression evaluation failed. '{other}' is no exists-action.");
                return Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message));
            }
        }
        Ok(Flow::Next)
    }
}

/// A value as text; `None` for null, where the settings omit it.
async fn header_text(
    exchange: &mut Exchange,
    value: &PolicyValue,
) -> Result<Option<String>, Failure> {
    let PolicyValue::Expression(expression) = value else {
        return exchange.text(value).await.map(Some);
    };
    match (exchange.value(value).await?, exchange.shared.model.settings.null_header) {
        (Value::Null, NullHeader::Omitted) => Ok(None),
        (value, _) => Ok(Some(value.to_text_with(expression.style()))),
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, values: Vec<HeaderValue>) {
    headers.remove(&name);
    if SEPARATE.contains(&name) {
        for value in values {
            headers.append(&name, value);
        }
        return;
    }
    let joined = values.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b","[..]);
    if let Ok(joined) = HeaderValue::from_bytes(&joined)
        && !values.is_empty()
    {
        headers.insert(name, joined);
    }
}

impl Policy for SetHeader {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
