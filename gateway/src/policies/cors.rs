//! `<cors>`: which pages of other origins may call (specification 4.4).
//!
//! Preflight requests are answered before anything else, without a key: by the
//! innermost document that has such a policy directly in inbound. Other requests
//! get the headers that let their page read the answer.

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::spec::{ContentSpec, ElementSpec, Form, PolicySpec, Section, optional};
use crate::policy::tree::Element;

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "cors",
        attributes: &[
            optional("allow-credentials", Form::Boolean).literal(),
            optional("terminate-unmatched-request", Form::Boolean).literal(),
        ],
        content: ContentSpec::Parts(&[&ORIGINS, &METHODS, &HEADERS, &EXPOSE]),
    },
    sections: &[Section::Inbound],
    compile,
};

static ORIGINS: ElementSpec = ElementSpec {
    name: "allowed-origins",
    attributes: &[],
    content: ContentSpec::Parts(&[&ORIGIN]),
};
static METHODS: ElementSpec = ElementSpec {
    name: "allowed-methods",
    attributes: &[optional("preflight-result-max-age", Form::Integer(0, 31_536_000)).literal()],
    content: ContentSpec::Parts(&[&METHOD]),
};
static HEADERS: ElementSpec = ElementSpec {
    name: "allowed-headers",
    attributes: &[],
    content: ContentSpec::Parts(&[&HEADER]),
};
static EXPOSE: ElementSpec = ElementSpec {
    name: "expose-headers",
    attributes: &[],
    content: ContentSpec::Parts(&[&HEADER]),
};
static ORIGIN: ElementSpec =
    ElementSpec { name: "origin", attributes: &[], content: ContentSpec::Value };
static METHOD: ElementSpec =
    ElementSpec { name: "method", attributes: &[], content: ContentSpec::Value };
static HEADER: ElementSpec =
    ElementSpec { name: "header", attributes: &[], content: ContentSpec::Value };

/// Some names, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    All,
    Only(Vec<String>),
}

impl Allowed {
    fn of(names: Vec<String>) -> Self {
        if names.iter().any(|name| name == "*") { Self::All } else { Self::Only(names) }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|own| own.eq_ignore_ascii_case(name)),
        }
    }
}

/// What a `cors` policy says.
#[derive(Debug)]
pub(crate) struct Rules {
    credentials: bool,
    terminate: bool,
    origins: Allowed,
    methods: Allowed,
    headers: Allowed,
    expose: Vec<String>,
    max_age: Option<String>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    compiler.once("cors", node.element.name_span.clone());
    let mut rules = Rules {
        credentials: node.flag("allow-credentials").unwrap_or(false),
        terminate: node.flag("terminate-unmatched-request").unwrap_or(false),
        origins: Allowed::Only(Vec::new()),
        // The simple ones need no asking.
        methods: Allowed::Only(["GET", "HEAD", "POST"].map(str::to_owned).to_vec()),
        headers: Allowed::Only(Vec::new()),
        expose: Vec::new(),
        max_age: None,
    };
    let mut sound = node.complete();
    for part in node.element.elements() {
        let (list, item) = match part.name.as_str() {
            "allowed-origins" => (&ORIGINS, &ORIGIN),
            "allowed-methods" => (&METHODS, &METHOD),
            "allowed-headers" => (&HEADERS, &HEADER),
            "expose-headers" => (&EXPOSE, &HEADER),
            // `node` has reported it.
            _ => continue,
        };
        let own = compiler.node(part, list, false);
        let max_age = own.literal("preflight-result-max-age");
        sound = sound.and(own.complete());
        let Some(names) = names(part, item, compiler) else {
            sound = None;
            continue;
        };
        match part.name.as_str() {
            "allowed-origins" => rules.origins = Allowed::of(names),
            "allowed-methods" => {
                rules.methods = Allowed::of(names);
                rules.max_age = max_age;
            }
            "allowed-headers" => rules.headers = Allowed::of(names),
            _ => rules.expose = names,
        }
    }
    let problem = match &rules.origins {
        Allowed::Only(origins) if origins.is_empty() => {
            Some("`cors` needs `allowed-origins` with at least one `origin`")
        }
        Allowed::All if rules.credentials => {
            Some("`allow-credentials=\"true\"` needs origins by name, not `*`")
        }
        _ => None,
    };
    if let Some(message) = problem.filter(|_| sound.is_some()) {
        let problem = compiler.error(node.element.name_span.clone(), message);
        compiler.report(problem);
        return None;
    }
    sound?;
    Some(Box::new(Cors { rules }))
}

/// The literal items of a list.
fn names(
    part: &Element,
    item: &'static ElementSpec,
    compiler: &mut Compiler<'_>,
) -> Option<Vec<String>> {
    let mut names = Some(Vec::new());
    for own in part.elements().filter(|own| own.name == item.name) {
        let sound = compiler.node(own, item, false).complete();
        let value = compiler.element_value(own);
        let literal = value.as_ref().and_then(|value| value.literal());
        if value.is_some() && literal.is_none() {
            let message = format!("`{}` of `cors` takes no expression", item.name);
            let problem = compiler.error(own.name_span.clone(), message);
            compiler.report(problem);
        }
        let literal = literal.map(|literal| literal.trim().to_owned());
        names = names.zip(literal).zip(sound).map(|((mut names, name), ())| {
            names.push(name);
            names
        });
    }
    names
}

impl Rules {
    fn allow_origin(&self, origin: &HeaderValue, answer: &mut HeaderMap) {
        if self.origins == Allowed::All {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }

    fn has_origin(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.origins.has(origin))
    }

    /// The headers of a preflight's answer; none when it asks for too much.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        let text = |name: HeaderName| {
            request.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let Some(origin) = request.get(header::ORIGIN) else { return answer };
        let method = text(header::ACCESS_CONTROL_REQUEST_METHOD);
        let headers = text(header::ACCESS_CONTROL_REQUEST_HEADERS);
        let asked = || headers.split(',').map(str::trim).filter(|name| !name.is_empty());
        if !self.has_origin(origin)
            || !self.methods.has(method)
            || !asked().all(|name| self.headers.has(name))
        {
            return answer;
        }
        self.allow_origin(origin, &mut answer);
        let methods = match &self.methods {
            Allowed::All => method.to_owned(),
            Allowed::Only(names) => names.join(","),
        };
        let headers = match &self.headers {
            Allowed::All => headers.to_owned(),
            Allowed::Only(names) => names.join(","),
        };
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, headers),
            (header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone().unwrap_or_default()),
        ] {
            if let Some(value) = HeaderValue::try_from(value).ok().filter(|value| !value.is_empty())
            {
                answer.insert(name, value);
            }
        }
        answer
    }
}

struct Cors {
    rules: Rules,
}

impl Cors {
    fn run(&self, exchange: &mut Exchange) -> Flow {
        let rules = &self.rules;
        let request = &exchange.context.request;
        let Some(origin) = request.headers.get(header::ORIGIN).cloned() else { return Flow::Next };
        if !rules.has_origin(&origin) {
            if rules.terminate && matches!(request.method.as_str(), "GET" | "HEAD") {
                return Flow::Respond;
            }
            return Flow::Next;
        }
        let mut answer = HeaderMap::new();
        rules.allow_origin(&origin, &mut answer);
        if let Some(expose) =
            HeaderValue::try_from(rules.expose.join(",")).ok().filter(|expose| !expose.is_empty())
        {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose);
        }
        for (name, value) in answer {
            if let Some(name) = name {
                exchange.set_response_header(name, value);
            }
        }
        Flow::Next
    }
}

impl Policy for Cors {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { Ok(self.run(exchange)) })
    }

    fn cors(&self) -> Option<&Rules> {
        Some(&self.rules)
    }
}
