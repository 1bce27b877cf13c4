//! `x-simulator-fault`: one request's own fault.
//!
//! `503`, or a kind and the keys of a fault: `status; status=429; retry_after_ms=20`,
//! `cut; after_tokens=5`, `headers; omit_headers=retry-after,retry-after-ms`.

use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::config::{FaultProblem, FaultScope, fault_from, raw};
use crate::fault::{Armed, Owner};

const HEADER: &str = "x-simulator-fault";
/// The name of all such faults: clients choose the text, and metrics keep names.
const NAME: &str = "header";

/// The fault that a request brings; an error says what is wrong with it.
pub(super) fn fault_of(headers: &HeaderMap, now: Instant) -> Result<Option<Arc<Armed>>, String> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let text = value.to_str().map_err(|_| "not readable as text".to_owned())?;
    let written = parse(text)?;
    let fault = fault_from(&written, NAME, FaultScope::Request).map_err(|problems| {
        let words = |problem: FaultProblem| match problem.help {
            Some(help) => format!("{} ({help})", problem.message),
            None => problem.message,
        };
        problems.into_iter().map(words).collect::<Vec<_>>().join("; ")
    })?;
    Ok(Some(Arc::new(Armed::new(fault, written, Owner::Resource, now))))
}

fn parse(text: &str) -> Result<raw::Fault, String> {
    let mut parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let first = parts.next().ok_or("it is empty; write `503` or `cut; after_tokens=5`")?;
    let mut object = Map::new();
    match first.parse::<u16>() {
        Ok(status) => {
            object.insert("kind".to_owned(), "status".into());
            object.insert("status".to_owned(), status.into());
        }
        Err(_) => {
            object.insert("kind".to_owned(), first.into());
        }
    }
    for part in parts {
        let (key, value) =
            part.split_once('=').ok_or_else(|| format!("`{part}` is not `key=value`"))?;
        let (key, value) = (key.trim(), value.trim());
        let value = match key {
            "omit_headers" => value.split(',').map(|name| Value::from(name.trim())).collect(),
            "set_headers" => Value::Object(
                value
                    .split(',')
                    .map(|pair| {
                        let (name, value) = pair
                            .split_once(':')
                            .ok_or_else(|| format!("`{pair}` is not `name:value`"))?;
                        Ok((name.trim().to_owned(), Value::from(value.trim())))
                    })
                    .collect::<Result<_, String>>()?,
            ),
            // Text, whatever it looks like.
            "message" => Value::from(value),
            _ => match serde_json::from_str(value) {
                Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
                _ => Value::from(value),
            },
        };
        if object.insert(key.to_owned(), value).is_some() && key != "kind" {
            return Err(format!("`{key}` twice"));
        }
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;
    use crate::fault::Effect;

    async fn read(text: &'static str) -> Result<Effect, String> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static(text));
        let armed = fault_of(&headers, Instant::now())?;
        Ok(armed.unwrap().fault.effect.clone())
    }

    #[tokio::test]
    async fn a_status_or_a_kind_with_keys() {
        assert!(fault_of(&HeaderMap::new(), Instant::now()).unwrap().is_none());
        let Effect::Status(status) = read("503").await.unwrap() else { panic!("no status") };
        assert_eq!((status.status.as_u16(), status.message), (503, None));
        let text = "429; retry_after_ms = 20; message=12; omit_headers=retry-after, x-a; set_headers=x-should-retry: false";
        let Effect::Status(status) = read(text).await.unwrap() else { panic!("no status") };
        assert_eq!(status.message.as_deref(), Some("12"));
        assert_eq!(status.headers.retry_after_ms, Some(20));
        assert_eq!((status.headers.omit.len(), status.headers.set.len()), (2, 1));
        assert_eq!(read("cut; after_tokens=5").await.unwrap(), Effect::Cut { after_tokens: 5 });
        let stall =
            Effect::Stall { after_tokens: None, duration: Some(Duration::from_millis(1500)) };
        assert_eq!(read("stall; duration=1500ms;").await.unwrap(), stall);
    }

    #[tokio::test]
    async fn mistakes_are_explained() {
        for (text, expected) in [
            ("", "it is empty"),
            ("sttus", "unknown variant `sttus`"),
            ("200", "`status` is outside 400 to 599: found 200"),
            ("503; after", "`after` is not `key=value`"),
            ("503; after_tokens=1", "a fault of kind `status` has no `after_tokens`"),
            ("503; count=1", "a fault in a header has no `count`"),
            ("503; status=504", "`status` twice"),
            ("503; set_headers=x", "`x` is not `name:value`"),
            ("refuse; until=1s", "only a resource can refuse connections"),
            ("stall; duration=5", "a duration with a unit"),
        ] {
            let error = read(text).await.unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
