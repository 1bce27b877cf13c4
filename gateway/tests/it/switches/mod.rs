//! Switches of what no public source settles: each way of each is seen.

mod backends;
mod cache;
mod calls;
mod limits;
mod loading;
mod matching;
mod messages;
mod metrics;
mod state;
mod step;

use std::collections::BTreeSet;

use http::Request;
use seam::http::{Body, InProcessNetwork};
use serde_json::Value;

use crate::support::{Answer, Backend, Bench, CONFIG};

/// Looks at what each value of a setting does, in TOML's words, the default
/// first. Without the setting the default's is to be seen. The values must be
/// all there are, and no two may look the same.
async fn each_way(setting: &str, ways: &[(&str, &str)], see: impl AsyncFn(&str) -> String) {
    if let Some(all) = ways_of(setting) {
        let tried: Vec<&str> = ways.iter().map(|(way, _)| *way).collect();
        assert_eq!(tried, all, "the ways of {setting}");
    }
    let seen: BTreeSet<&str> = ways.iter().map(|(_, seen)| *seen).collect();
    assert_eq!(seen.len(), ways.len(), "{setting}: two ways look the same");
    let (_, default) = ways[0];
    assert_eq!(see("").await, default, "without {setting}");
    for (way, expected) in ways {
        assert_eq!(see(&format!("{setting} = {way}")).await, *expected, "{setting} = {way}");
    }
}

/// The committed schema; another test compares it with the code.
fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../docs/gateway.schema.json")).unwrap()
}

/// All values of a setting as TOML has them, the default first; `None` where
/// they are without number.
fn ways_of(setting: &str) -> Option<Vec<String>> {
    let schema = schema();
    let property = &schema["$defs"]["Settings"]["properties"][setting];
    let default = property["default"].to_string();
    if property["type"] == "boolean" {
        let other = if default == "true" { "false" } else { "true" };
        return Some(vec![default, other.to_owned()]);
    }
    let name = property["$ref"].as_str()?.strip_prefix("#/$defs/")?;
    let ways = schema["$defs"][name]["oneOf"].as_array()?;
    let ways: Vec<String> = ways.iter().map(|way| way["const"].to_string()).collect();
    assert_eq!(ways.first(), Some(&default), "{setting}: the first way is the default");
    Some(ways)
}

/// A document of these sections.
fn document(inbound: &str, backend: &str, outbound: &str, on_error: &str) -> String {
    format!(
        "<policies><inbound>{inbound}</inbound><backend>{backend}</backend><outbound>{outbound}</outbound><on-error>{on_error}</on-error></policies>"
    )
}

/// A document that answers with an expression's text.
fn says(expression: &str) -> String {
    let body = format!("<return-response><set-body>@({expression})</set-body></return-response>");
    document(&body, "", "", "")
}

/// A gateway with more of a configuration, and settings.
#[track_caller]
fn gateway(document: &str, more: &str, setting: &str, backend: &Backend) -> Bench {
    let config = format!("{CONFIG}\n{more}\n[settings]\n{setting}\n");
    let network = InProcessNetwork::new().host("b1:80", backend.router());
    Bench::new(&config, &[("api.xml", document)], network.into_service())
}

/// A GET with the key.
fn get(path: &str) -> Request<Body> {
    Request::get(path).header("api-key", "key-one").body(Body::empty()).unwrap()
}

/// What one call of a document gets.
async fn call(document: &str, setting: &str) -> Answer {
    gateway(document, "", setting, &Backend::default()).answer(get("/api/x")).await
}
