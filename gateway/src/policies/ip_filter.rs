//! `<ip-filter>`: callers by address, let in or kept out. The caller is the peer
//! of the connection; in virtual time there is none, and it is 127.0.0.1.

use std::net::IpAddr;

use futures_util::future::BoxFuture;

use crate::pipeline::exchange::{Exchange, Failure, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{ContentSpec, ElementSpec, Form, PolicySpec, Section, required};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "ip-filter",
        attributes: &[required("action", Form::OneOf(&["allow", "forbid"]))],
        content: ContentSpec::Parts(&[&ADDRESS, &RANGE]),
    },
    sections: &[Section::Inbound],
    compile,
};

static ADDRESS: ElementSpec =
    ElementSpec { name: "address", attributes: &[], content: ContentSpec::Value };

static RANGE: ElementSpec = ElementSpec {
    name: "address-range",
    attributes: &[required("from", Form::Name), required("to", Form::Name)],
    content: ContentSpec::Empty,
};

struct IpFilter {
    action: PolicyValue,
    /// First and last address of each range.
    ranges: Vec<(PolicyValue, PolicyValue)>,
}

fn compile(node: &Node<'_>, compiler: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    let mut ranges = Vec::new();
    let mut sound = node.complete();
    for part in node.element.elements() {
        let range = if part.name == ADDRESS.name {
            compiler.node(part, &ADDRESS, false);
            compiler.element_value(part).map(|address| (address.clone(), address))
        } else if part.name == RANGE.name {
            let part = compiler.node(part, &RANGE, false);
            part.value("from").zip(part.value("to")).filter(|_| part.complete().is_some())
        } else {
            continue;
        };
        let Some((from, to)) = range else {
            sound = None;
            continue;
        };
        let problem = match (literal(&from), literal(&to)) {
            (Some(Err(text)), _) | (_, Some(Err(text))) => {
                Some(format!("`{text}` is no IP address"))
            }
            (Some(Ok(from)), Some(Ok(to))) if from.is_ipv4() != to.is_ipv4() || to < from => {
                Some(format!("no address lies between {from} and {to}"))
            }
            _ => None,
        };
        if let Some(message) = problem {
            let problem = compiler
                .error(part.name_span.clone(), message)
                .help("an example: <address-range from=\"10.0.0.1\" to=\"10.0.0.255\" />");
            compiler.report(problem);
            sound = None;
        }
        ranges.push((from, to));
    }
    if ranges.is_empty() && sound.is_some() {
        let message = "`ip-filter` needs an `address` or an `address-range`";
        let problem = compiler.error(node.element.name_span.clone(), message);
        compiler.report(problem);
    }
    sound?;
    Some(Box::new(IpFilter { action: node.value("action")?, ranges }))
}

/// An address; IPv4 that is written as IPv6 is IPv4.
fn parse(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn literal(value: &PolicyValue) -> Option<Result<IpAddr, String>> {
    let text = value.literal()?;
    Some(parse(text).ok_or_else(|| text.trim().to_owned()))
}

impl IpFilter {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let caller = exchange.context.request.ip_address.clone();
        let Some(address) = parse(&caller) else {
            let message = "Failed to establish IP address for the caller. Access denied.";
            return Err(exchange.fail(403, "FailedToParseCallerIP", message));
        };
        let mut listed = false;
        for (from, to) in &self.ranges {
            let (from, to) =
                (self.address(exchange, from).await?, self.address(exchange, to).await?);
            listed |= from.is_ipv4() == address.is_ipv4() && (from..=to).contains(&address);
        }
        match (exchange.text(&self.action).await?.trim(), listed) {
            ("allow", true) | ("forbid", false) => Ok(Flow::Next),
            ("allow", false) => {
                let message = format!("Caller IP address {caller} is not allowed. Access denied.");
                Err(exchange.fail(403, "CallerIpNotAllowed", message))
            }
            ("forbid", true) => {
                let message = "Caller IP address is blocked. Access denied.";
                Err(exchange.fail(403, "CallerIpBlocked", message))
            }
            (other, _) => {
                let message = format!("Expression evaluation failed. '{other}' is no action.");
                Err(exchange.fail(500, "ExpressionValueEvaluationFailure", message))
            }
        }
    }

    async fn address(
        &self,
        exchange: &mut Exchange,
        value: &PolicyValue,
    ) -> Result<IpAddr, Failure> {
        let text = exchange.text(value).await?;
        parse(&text).ok_or_else(|| {
            let message = format!("Expression evaluation failed. '{text}' is not an IP address.");
            exchange.fail(500, "ExpressionValueEvaluationFailure", message)
        })
    }
}

impl Policy for IpFilter {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}
