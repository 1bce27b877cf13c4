//! The scenario file as written: what serde reads, with the spans that
//! diagnostics need. The doc comments are the format's documentation; the JSON
//! Schema is generated from them.

use std::collections::BTreeMap;
use std::fmt::Formatter;

use schemars::JsonSchema;
use seam::units::{HumanDuration, SignedDuration};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use toml::Spanned;

use super::assertion::RawAssertion;
use super::model::GatewayJournal;
use super::rate::Rate;

/// A scenario: what is tested, the load on it, what happens meanwhile, and
/// what must be true of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawScenario {
    /// Version of the format: 1.
    #[schemars(with = "u32", extend("const" = 1))]
    pub version: Spanned<u32>,
    /// Name: letters, digits, `-`, `_` and `.`. It begins every correlation id.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// What the scenario shows, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Seed of a run without `--seed`; 1 when absent.
    pub seed: Option<u64>,
    /// Which gateway and which simulators.
    #[schemars(with = "RawTopology")]
    pub topology: Spanned<RawTopology>,
    /// Request templates that stages refer to by name.
    #[serde(default)]
    #[schemars(with = "Vec<RawWorkload>")]
    pub workloads: Vec<Spanned<RawWorkload>>,
    /// Spans of time with their load, one after the other.
    #[serde(default)]
    #[schemars(with = "Vec<RawStage>")]
    pub stages: Vec<Spanned<RawStage>>,
    /// What happens at given times besides the load; one after the other.
    #[serde(default)]
    #[schemars(with = "Vec<RawAction>")]
    pub actions: Vec<Spanned<RawAction>>,
    /// What must be true of the run.
    #[serde(default)]
    #[schemars(with = "Vec<RawAssertion>")]
    pub assertions: Vec<Spanned<RawAssertion>>,
}

/// Which gateway and which simulators. Files are relative to the scenario file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTopology {
    /// A simulator configuration to embed; its resources' names are the simulators' names.
    #[schemars(with = "Option<String>")]
    pub simulators: Option<Spanned<String>>,
    /// A gateway configuration to embed.
    #[schemars(with = "Option<String>")]
    pub gateway: Option<Spanned<String>>,
    /// Instead of `gateway`: any gateway's base URL, alone or in a table with its
    /// journal. The run is then in real time. `--gateway-url` wins over it.
    #[schemars(with = "Option<GatewayUrlForms>")]
    pub gateway_url: Option<Spanned<RawGatewayUrl>>,
    /// Instead of `simulators`: running simulators or real endpoints by name.
    /// `--simulator-url NAME=URL` wins over the URL.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawSimulatorUrl>")]
    pub simulator_urls: BTreeMap<String, Spanned<RawSimulatorUrl>>,
}

/// A running simulator, or a real endpoint (which has no journal).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSimulatorUrl {
    /// Base URL, without `/openai`.
    #[schemars(with = "String")]
    pub url: Spanned<String>,
    /// Key, sent as `api-key`; the variable `SIMULATOR_API_KEY` when absent.
    /// `HARNESS_SIMULATOR_KEYS` wins over both.
    pub key: Option<String>,
}

/// A gateway by URL: the URL alone, or a table.
#[derive(Debug)]
pub(crate) enum RawGatewayUrl {
    /// `"http://localhost:8000"`
    Url(String),
    /// `{ url = "http://localhost:8000", key = "…" }`
    Table(RawExternalGateway),
}

/// A gateway by URL whose journal may be read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExternalGateway {
    /// Base URL.
    #[schemars(with = "String")]
    pub url: Spanned<String>,
    /// Whether it has a journal at `/++/journal`, as the bench's own gateway has:
    /// `auto` asks it, `required` makes a run without it invalid, `none` does not ask.
    #[serde(default)]
    pub journal: GatewayJournal,
    /// Key of its control paths (`control.key` of its file), sent as `api-key`.
    /// `HARNESS_GATEWAY_KEY` wins over it.
    pub key: Option<String>,
}

/// What the schema says of [`RawGatewayUrl`].
#[derive(JsonSchema)]
#[schemars(inline, untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum GatewayUrlForms {
    Url(String),
    Table(RawExternalGateway),
}

/// By hand: an untagged enum would lose the places of keys and values.
impl<'de> Deserialize<'de> for RawGatewayUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = RawGatewayUrl;

            fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a URL, or a table with `url`, `journal` and `key`")
            }

            fn visit_str<E: de::Error>(self, url: &str) -> Result<RawGatewayUrl, E> {
                Ok(RawGatewayUrl::Url(url.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawGatewayUrl, A::Error> {
                RawExternalGateway::deserialize(MapAccessDeserializer::new(map))
                    .map(RawGatewayUrl::Table)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

/// A request template.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWorkload {
    /// Name, unique among the workloads.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// HTTP method; POST when absent.
    #[schemars(with = "Option<String>")]
    pub method: Option<Spanned<String>>,
    /// Path at the gateway, without the query.
    #[schemars(with = "String")]
    pub path: Spanned<String>,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Request headers.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Spanned<String>>,
    /// Body, sent as JSON.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// When to give up, counted from sending; 60 s when absent.
    #[schemars(with = "Option<HumanDuration>")]
    pub timeout: Option<Spanned<HumanDuration>>,
    /// What varies from request to request, by name. A string of the body that is
    /// exactly `"$name"` becomes the drawn value; so does a header, a query
    /// parameter or a segment of the path. `"$$name"` is the text `$name`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawDraw>")]
    pub draw: BTreeMap<String, Spanned<RawDraw>>,
}

/// What is drawn for each request, from the seed: exactly one of `uniform`,
/// `one_of`, `cycle`. Assertions choose requests by it with `where`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDraw {
    /// Any integer from the first to the second, both included: `[5, 20]`.
    #[schemars(with = "Option<[i64; 2]>")]
    pub uniform: Option<Spanned<Vec<i64>>>,
    /// One of these values.
    #[schemars(with = "Option<Vec<Value>>")]
    pub one_of: Option<Spanned<Vec<Value>>>,
    /// How likely each value of `one_of` is against the others; all alike when absent.
    #[schemars(with = "Option<Vec<f64>>")]
    pub weights: Option<Spanned<Vec<f64>>>,
    /// These values in turn, one a request of the workload.
    #[schemars(with = "Option<Vec<Value>>")]
    pub cycle: Option<Spanned<Vec<Value>>>,
    /// Names for the values of `one_of` or `cycle`, by which `where` and reports
    /// call them, for values that are long or secret.
    #[schemars(with = "Option<Vec<String>>")]
    pub labels: Option<Spanned<Vec<String>>>,
}

/// A span of time with its load.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStage {
    /// Name, unique among the stages.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// How long.
    #[schemars(with = "HumanDuration")]
    pub duration: Spanned<HumanDuration>,
    /// Loads, all at the same time; none is a quiet stage.
    #[serde(default)]
    #[schemars(with = "Vec<RawLoad>")]
    pub load: Vec<Spanned<RawLoad>>,
}

/// One workload of a mix.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMixed {
    /// The workload's name.
    #[schemars(with = "String")]
    pub workload: Spanned<String>,
    /// How likely against the others; 1 when absent.
    #[schemars(with = "Option<f64>")]
    pub weight: Option<Spanned<f64>>,
}

/// One load of a stage: either `users` (closed loop) or `arrivals` (open loop),
/// of one `workload` or a `mix` of several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLoad {
    /// The workload's name.
    #[schemars(with = "Option<String>")]
    pub workload: Option<Spanned<String>>,
    /// Instead of `workload`: each request is of one of these, drawn from the seed.
    #[schemars(with = "Option<Vec<RawMixed>>")]
    pub mix: Option<Spanned<Vec<RawMixed>>>,
    /// Closed loop: users who each wait for their answer before the next request.
    #[schemars(with = "Option<u32>")]
    pub users: Option<Spanned<u32>>,
    /// Closed loop: time a user waits after each answer; none when absent.
    #[schemars(with = "Option<HumanDuration>")]
    pub think_time: Option<Spanned<HumanDuration>>,
    /// Closed loop: how fast users join; all at once when absent.
    #[schemars(with = "Option<Rate>")]
    pub spawn_rate: Option<Spanned<Rate>>,
    /// Open loop: requests leave by a schedule, whatever becomes of the earlier ones.
    #[schemars(with = "Option<RawArrivals>")]
    pub arrivals: Option<Spanned<RawArrivals>>,
}

/// An arrival process.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawArrivals {
    /// Evenly spaced, Poisson, or evenly spaced at a rate that changes steadily.
    #[schemars(with = "RawProcess")]
    pub process: Spanned<RawProcess>,
    /// Requests per time: constant and poisson.
    #[schemars(with = "Option<Rate>")]
    pub rate: Option<Spanned<Rate>>,
    /// Rate at the stage's start: ramp.
    #[schemars(with = "Option<Rate>")]
    pub from: Option<Spanned<Rate>>,
    /// Rate at the stage's end: ramp.
    #[schemars(with = "Option<Rate>")]
    pub to: Option<Spanned<Rate>>,
}

/// The kind of an arrival process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawProcess {
    /// Evenly spaced.
    Constant,
    /// Independent exponential gaps.
    Poisson,
    /// Evenly spaced while the rate goes steadily from `from` to `to`.
    Ramp,
}

/// Something that happens at a time; exactly one of `patch`, `call`, `probe`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAction {
    /// Name, unique among the actions.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// When; negative times are before the first stage, which waits for them.
    #[schemars(with = "SignedDuration")]
    pub at: Spanned<SignedDuration>,
    /// Further times at which it is done again; each of them is named
    /// `<name>@<time>`, `measure@60s` for instance, where assertions refer to it.
    #[serde(default)]
    #[schemars(with = "Vec<SignedDuration>")]
    pub again_at: Vec<Spanned<SignedDuration>>,
    /// Changes a simulator's live configuration.
    #[schemars(with = "Option<RawPatch>")]
    pub patch: Option<Spanned<RawPatch>>,
    /// Calls the gateway.
    #[schemars(with = "Option<RawCall>")]
    pub call: Option<Spanned<RawCall>>,
    /// Measures backends directly, one after the other, and publishes their order.
    #[schemars(with = "Option<RawProbe>")]
    pub probe: Option<Spanned<RawProbe>>,
}

/// `PATCH /++/config` on a simulator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPatch {
    /// The simulator's name.
    #[schemars(with = "String")]
    pub simulator: Spanned<String>,
    /// What to change, sent as JSON.
    #[schemars(with = "Value")]
    pub config: Spanned<Value>,
}

/// A call to the gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCall {
    /// HTTP method; POST when absent.
    #[schemars(with = "Option<String>")]
    pub method: Option<Spanned<String>>,
    /// Path at the gateway, without the query.
    #[schemars(with = "String")]
    pub path: Spanned<String>,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Request headers.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Spanned<String>>,
    /// Body, sent as JSON. In a probe's `publish`, the string `"$order"` stands
    /// for the measured order.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// The status it must answer; any 2xx when absent.
    #[schemars(with = "Option<u16>")]
    pub expect_status: Option<Spanned<u16>>,
    /// When to give up; 30 s when absent.
    #[schemars(with = "Option<HumanDuration>")]
    pub timeout: Option<Spanned<HumanDuration>>,
}

/// One direct call to each backend; the fastest comes first in the published order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawProbe {
    /// Who is measured, in this order.
    #[schemars(with = "Vec<RawProbeBackend>")]
    pub backends: Spanned<Vec<RawProbeBackend>>,
    /// HTTP method; POST when absent.
    #[schemars(with = "Option<String>")]
    pub method: Option<Spanned<String>>,
    /// Path at the simulator, without the query.
    #[schemars(with = "String")]
    pub path: Spanned<String>,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Request headers besides the simulator's `api-key`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Spanned<String>>,
    /// Body, sent as JSON.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// When to give up a measurement; 30 s when absent.
    #[schemars(with = "Option<HumanDuration>")]
    pub timeout: Option<Spanned<HumanDuration>>,
    /// The call to the gateway that hands it the order.
    #[schemars(with = "RawCall")]
    pub publish: Spanned<RawCall>,
}

/// A backend to measure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawProbeBackend {
    /// The simulator's name.
    #[schemars(with = "String")]
    pub simulator: Spanned<String>,
    /// The gateway's name for it.
    #[schemars(with = "String")]
    pub publish_as: Spanned<String>,
}
