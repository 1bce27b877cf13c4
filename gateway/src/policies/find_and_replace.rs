//! `<find-and-replace>`: a text in the body of the section's message.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;

use crate::pipeline::context::MessageBody;
use crate::pipeline::exchange::{Exchange, Flow, Outcome, Policy};
use crate::policy::compile::{Compiler, Node};
use crate::policy::document::PolicyValue;
use crate::policy::spec::{
    ANY_SECTION, ContentSpec, ElementSpec, Form, PolicySpec, Section, required,
};

pub(super) static SPEC: PolicySpec = PolicySpec {
    element: ElementSpec {
        name: "find-and-replace",
        attributes: &[required("from", Form::Text), required("to", Form::Text)],
        content: ContentSpec::Empty,
    },
    sections: ANY_SECTION,
    compile,
};

struct FindAndReplace {
    from: PolicyValue,
    to: PolicyValue,
}

fn compile(node: &Node<'_>, _: &mut Compiler<'_>) -> Option<Box<dyn Policy>> {
    node.complete()?;
    Some(Box::new(FindAndReplace { from: node.value("from")?, to: node.value("to")? }))
}

impl FindAndReplace {
    async fn run(&self, exchange: &mut Exchange) -> Outcome {
        let from = exchange.text(&self.from).await?;
        let to = exchange.text(&self.to).await?;
        if matches!(exchange.section, Section::Outbound | Section::OnError) {
            exchange.buffer_response().await?;
        }
        let limit = exchange.shared.model.settings.max_response_body_bytes;
        let message = exchange.message();
        let MessageBody::Bytes(bytes) = &*message.body else { return Ok(Flow::Next) };
        match replaced(bytes, from.as_bytes(), to.as_bytes(), limit) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                message.headers.remove(CONTENT_LENGTH);
                *message.body =
                    if bytes.is_empty() { MessageBody::Absent } else { MessageBody::Bytes(bytes) };
            }
            Err(TooLarge) => {
                let message = format!("The body would be larger than {limit} bytes.");
                return Err(exchange.fail(500, "ResponseBodyTooLarge", message));
            }
        }
        Ok(Flow::Next)
    }
}

/// The body grew beyond its bound.
#[derive(Debug, PartialEq, Eq)]
struct TooLarge;

/// The body with every `from` replaced; `None` when there is none.
fn replaced(body: &[u8], from: &[u8], to: &[u8], limit: usize) -> Result<Option<Bytes>, TooLarge> {
    let (Some(&first), true) = (from.first(), from.len() <= body.len()) else { return Ok(None) };
    let mut out = Vec::new();
    let mut rest = body;
    let mut changed = false;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == first
            && let Some(after) = rest.strip_prefix(from)
        {
            out.extend_from_slice(to);
            rest = after;
            changed = true;
        } else {
            out.push(byte);
            rest = after;
        }
        if limit < out.len() {
            return Err(TooLarge);
        }
    }
    Ok(changed.then(|| Bytes::from(out)))
}

impl Policy for FindAndReplace {
    fn execute<'a>(&'a self, exchange: &'a mut Exchange) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(exchange))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_bytes_and_stays_within_bounds() {
        let run = |body: &str, from: &str, to: &str, limit| {
            replaced(body.as_bytes(), from.as_bytes(), to.as_bytes(), limit)
        };
        assert_eq!(run("aXbXX", "X", "yy", 9), Ok(Some(Bytes::from("ayybyyyy"))));
        assert_eq!(run("aXbXX", "X", "yy", 7), Err(TooLarge));
        assert_eq!(run("aab", "ab", "", 9), Ok(Some(Bytes::from("a"))));
        assert_eq!(run("abc", "", "x", 9), Ok(None));
        assert_eq!(run("abc", "abcd", "x", 9), Ok(None));
        assert_eq!(run("abc", "d", "x", 9), Ok(None));
    }
}
