//! What a client is told of a kept response.

use tokio::time::Instant;

use super::call::document;
use super::complaint::{bad, not_one_of};
use super::events::Writer;
use super::store::Kept;
use crate::api::call::{Document, Events};
use crate::api::fields::Parsed;
use crate::api::object::json_string;
use crate::api::object::pretty;
use crate::wire::ApiError;

/// The most items of one page.
const MOST_ITEMS: usize = 100;

/// There is no such response, or not any more.
pub(crate) fn not_found(id: &str) -> ApiError {
    super::complaint::not_found("Response", id)
}

/// The response object as it is now.
pub(crate) fn object(kept: &Kept, now: Instant) -> Document {
    document(&kept.record.answer, &kept.stage(now))
}

/// The answer to a deletion.
pub(crate) fn deleted(id: &str) -> Document {
    let id = json_string(id);
    Document::json(pretty(&format!(r#"{{"id":{id},"object":"response","deleted":true}}"#)))
}

/// Cancelling is for responses in the background.
pub(crate) fn not_in_background() -> ApiError {
    bad("Cannot cancel a synchronous response.", None, None)
}

/// The events of a streamed response in the background, those after a number only.
pub(crate) fn replay(kept: &Kept, query: Option<&str>) -> Parsed<Box<dyn Events>> {
    if !kept.record.in_background() || !kept.record.stream {
        let message =
            "Only responses created with 'background' and 'stream' set to true can be streamed.";
        return Err(bad(message, Some("stream"), None));
    }
    let after = match parameter(query, "starting_after") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| not_an_integer("starting_after"))?),
    };
    let answer = std::sync::Arc::clone(&kept.record.answer);
    let writer: Writer<rand_chacha::ChaCha8Rng> =
        Writer::new(answer, None).after(after).over_at(kept.course.over_second);
    Ok(Box::new(writer))
}

/// Whether a query asks for events rather than the object.
pub(crate) fn wants_stream(query: Option<&str>) -> bool {
    parameter(query, "stream") == Some("true")
}

/// A page of what the response was asked.
pub(crate) fn input_items(kept: &Kept, query: Option<&str>) -> Parsed<Document> {
    let limit = match parameter(query, "limit") {
        None => 20,
        Some(text) => text.parse().map_err(|_| not_an_integer("limit"))?,
    };
    for (wrong, words, bound, code) in [
        (limit == 0, "below minimum", "Expected a value >= 1", "integer_below_min_value"),
        (MOST_ITEMS < limit, "above maximum", "Expected a value <= 100", "integer_above_max_value"),
    ] {
        if wrong {
            let message = format!(
                "Invalid 'limit': integer {words} value. {bound}, but got {limit} instead."
            );
            return Err(bad(message, Some("limit"), Some(code)));
        }
    }
    const ORDERS: &[&str] = &["asc", "desc"];
    let order = parameter(query, "order").unwrap_or("desc");
    if !ORDERS.contains(&order) {
        return Err(not_one_of("order", order, ORDERS));
    }
    let mut items: Vec<_> = kept.record.input.iter().collect();
    if order == "desc" {
        items.reverse();
    }
    let id_of = |item: &super::input::InputItem| item.id.clone().unwrap_or_default();
    let from = match parameter(query, "after") {
        None => 0,
        Some(id) => match items.iter().position(|item| item.id.as_deref() == Some(id)) {
            Some(at) => at + 1,
            None => {
                return Err(bad(format!("Item with id '{id}' not found."), Some("after"), None));
            }
        },
    };
    let page = items.get(from..).unwrap_or_default();
    let (page, more) = (page.get(..limit.min(page.len())).unwrap_or_default(), limit < page.len());
    let mut data = String::new();
    for (at, item) in page.iter().enumerate() {
        if 0 < at {
            data.push(',');
        }
        data.push_str("{\"id\":");
        data.push_str(&json_string(&id_of(item)));
        data.push(',');
        data.push_str(&item.json());
    }
    let id = |item: Option<&&super::input::InputItem>| {
        item.map_or_else(|| "null".to_owned(), |item| json_string(&id_of(item)))
    };
    let (first, last) = (id(page.first()), id(page.last()));
    Ok(Document::json(pretty(&format!(
        r#"{{"object":"list","data":[{data}],"first_id":{first},"last_id":{last},"has_more":{more}}}"#
    ))))
}

fn not_an_integer(key: &str) -> ApiError {
    super::input::wrong_type_as(key, "an integer", "a string")
}

/// A parameter of a query. Those of this API need no decoding.
fn parameter<'a>(query: Option<&'a str>, key: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}
