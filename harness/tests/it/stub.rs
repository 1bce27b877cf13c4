//! A small gateway and small simulators, written against the wire only: they
//! share no code with the real ones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use harness::record::{Endpoints, World};
use harness::scenario::{BaseUrl, Scenario};
use harness::target::{Journal, SimulatorTarget, Target};
use http_body_util::BodyExt as _;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::diagnostic::Source;
use seam::env::Env;
use seam::http::{Body, HttpService, InProcessNetwork, TransportError, TransportErrorKind};
use seam::server::Server;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

const ID: &str = "x-ms-client-request-id";

/// A simulator: answers after `latency_ms`, keeps a journal of `ring` records.
#[derive(Clone)]
pub(crate) struct StubSimulator(Arc<Mutex<SimulatorState>>);

struct SimulatorState {
    clock: WallClock,
    latency_ms: u64,
    refuse: bool,
    ring: usize,
    /// Number of the record that is never written.
    forgets: Option<u64>,
    records: Vec<Value>,
    number: u64,
    /// What its journal says it is, when it says so.
    instance: Option<u32>,
}

impl StubSimulator {
    pub(crate) fn new(clock: WallClock, latency_ms: u64) -> Self {
        Self(Arc::new(Mutex::new(SimulatorState {
            clock,
            latency_ms,
            refuse: false,
            ring: usize::MAX,
            forgets: None,
            records: Vec::new(),
            number: 0,
            instance: None,
        })))
    }

    pub(crate) fn with_instance(self) -> Self {
        self.0.lock().unwrap().instance = Some(1);
        self
    }

    /// Another process in its place: nothing is left of the journal.
    pub(crate) fn restart(&self) {
        let mut state = self.0.lock().unwrap();
        state.records.clear();
        state.number = 0;
        state.instance = state.instance.map(|instance| instance + 1);
    }

    pub(crate) fn with_ring(self, ring: usize) -> Self {
        self.0.lock().unwrap().ring = ring;
        self
    }

    pub(crate) fn that_forgets(self, number: u64) -> Self {
        self.0.lock().unwrap().forgets = Some(number);
        self
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/generate", post(generate))
            .route("/++/config", patch(configure))
            .route("/++/journal", get(journal))
            .with_state(self.clone())
    }
}

fn micros(clock: &WallClock) -> u64 {
    u64::try_from(clock.now().since_epoch().as_micros()).unwrap()
}

async fn generate(State(stub): State<StubSimulator>, headers: HeaderMap) -> Response {
    let (clock, latency, refuse) = {
        let state = stub.0.lock().unwrap();
        (state.clock, Duration::from_millis(state.latency_ms), state.refuse)
    };
    let received = micros(&clock);
    if headers.get("api-key").is_none_or(|key| key != "key") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if !refuse {
        tokio::time::sleep(latency).await;
    }
    let mut state = stub.0.lock().unwrap();
    state.number += 1;
    let number = state.number;
    let admitted = (!refuse).then_some(received);
    state.records.push(json!({
        "number": number,
        "sequence": number,
        "correlation_id": headers.get(ID).map(|id| id.to_str().unwrap()),
        "deployment": "d",
        "received_us": received,
        "admitted_us": admitted,
        "first_byte_us": micros(&clock),
        "done_us": micros(&clock),
        "status": if refuse { 429 } else { 200 },
        "reason": refuse.then_some("tokens"),
        "prompt_tokens": admitted.map(|_| 4),
        "completion_tokens": admitted.map(|_| 10),
        "something_newer": true,
    }));
    if state.forgets == Some(number) {
        state.records.pop();
    }
    let excess = state.records.len().saturating_sub(state.ring);
    state.records.drain(..excess);
    match refuse {
        true => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
        false => Json(json!({
            "choices": [{"text": "x"}],
            "usage": {"prompt_tokens": 4, "completion_tokens": 10, "total_tokens": 14},
        }))
        .into_response(),
    }
}

async fn configure(State(stub): State<StubSimulator>, Json(body): Json<Value>) -> StatusCode {
    let mut state = stub.0.lock().unwrap();
    match (body["latency_ms"].as_u64(), body["refuse"].as_bool()) {
        (None, None) => return StatusCode::BAD_REQUEST,
        (latency, refuse) => {
            state.latency_ms = latency.unwrap_or(state.latency_ms);
            state.refuse = refuse.unwrap_or(state.refuse);
        }
    }
    StatusCode::OK
}

async fn journal(
    State(stub): State<StubSimulator>,
    Query(query): Query<BTreeMap<String, u64>>,
) -> Json<Value> {
    let state = stub.0.lock().unwrap();
    let after = query["after"];
    let first = state.records.first().map_or(state.number + 1, |r| r["number"].as_u64().unwrap());
    let page: Vec<Value> = state
        .records
        .iter()
        .filter(|record| after < record["number"].as_u64().unwrap())
        .take(2)
        .cloned()
        .collect();
    let next = page.last().map_or(after, |record| record["number"].as_u64().unwrap());
    let mut page =
        json!({"records": page, "next": next, "dropped": first.saturating_sub(after + 1)});
    if let Some(instance) = state.instance {
        page["instance"] = format!("simulator-{instance}").into();
    }
    Json(page)
}

/// A gateway: tries the preferred backends in turn while they answer 429.
#[derive(Clone)]
pub(crate) struct StubGateway(Arc<Mutex<GatewayState>>);

struct GatewayState {
    clock: WallClock,
    client: HttpService,
    preferred: Vec<String>,
    records: Vec<Value>,
    instance: u32,
}

impl StubGateway {
    pub(crate) fn new(clock: WallClock, client: HttpService) -> Self {
        Self(Arc::new(Mutex::new(GatewayState {
            clock,
            client,
            preferred: vec!["a".into(), "b".into()],
            records: Vec::new(),
            instance: 1,
        })))
    }

    pub(crate) fn restart(&self) {
        let mut state = self.0.lock().unwrap();
        state.records.clear();
        state.instance += 1;
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/api", post(forward))
            .route("/api/{model}", post(forward))
            .route("/prefer", post(prefer))
            .route("/++/journal", get(gateway_journal))
            .with_state(self.clone())
    }
}

async fn prefer(State(stub): State<StubGateway>, Json(body): Json<Value>) -> Json<Value> {
    stub.0.lock().unwrap().preferred = serde_json::from_value(body["order"].clone()).unwrap();
    Json(json!({"message": "set"}))
}

async fn forward(State(stub): State<StubGateway>, headers: HeaderMap) -> Response {
    let (clock, client, preferred) = {
        let state = stub.0.lock().unwrap();
        (state.clock, state.client.clone(), state.preferred.clone())
    };
    let received = micros(&clock);
    let mut attempts = Vec::new();
    let mut answer = StatusCode::BAD_GATEWAY.into_response();
    for backend in preferred {
        let request = axum::http::Request::post(format!("http://{backend}/generate"))
            .header("api-key", "key")
            .header(ID, &headers[ID])
            .body(Body::empty())
            .unwrap();
        let Ok(response) = seam::http::call(&client, request).await else {
            attempts.push(json!({"backend": backend, "status": null}));
            continue;
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        attempts.push(json!({"backend": backend, "status": head.status.as_u16()}));
        answer = Response::from_parts(head, Body::from(body));
        if answer.status() != StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    let mut state = stub.0.lock().unwrap();
    let record = json!({
        "number": state.records.len() + 1,
        "correlation_id": headers[ID].to_str().unwrap(),
        "received_us": received,
        "done_us": micros(&clock),
        "status": answer.status().as_u16(),
        "attempts": attempts,
    });
    state.records.push(record);
    answer
}

async fn gateway_journal(
    State(stub): State<StubGateway>,
    Query(query): Query<BTreeMap<String, u64>>,
) -> Json<Value> {
    let state = stub.0.lock().unwrap();
    let after = usize::try_from(query["after"]).unwrap();
    let page = state.records.get(after..).unwrap_or_default();
    let next = state.records.len().max(after);
    let instance = format!("gateway-{}", state.instance);
    Json(json!({"records": page, "next": next, "dropped": 0, "instance": instance}))
}

/// Two simulators behind a gateway.
pub(crate) struct Bench {
    pub(crate) a: StubSimulator,
    pub(crate) b: StubSimulator,
    pub(crate) cable: Cable,
    clock: WallClock,
}

/// What can happen to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens, what was under way breaks.
    Refuses,
    /// Whatever is sent, nothing comes back.
    Hangs,
}

/// Between everybody: cuts hosts (`a:80`) off.
#[derive(Clone)]
pub(crate) struct Cable(watch::Sender<BTreeMap<String, Fault>>);

impl Cable {
    fn new() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }

    pub(crate) fn cut(&self, host: &str, fault: Fault) {
        self.0.send_modify(|faults| {
            faults.insert(host.to_owned(), fault);
        });
    }

    pub(crate) fn mend(&self, host: &str) {
        self.0.send_modify(|faults| {
            faults.remove(host);
        });
    }

    fn through(&self, inner: HttpService) -> HttpService {
        let cable = self.clone();
        HttpService::new(tower::service_fn(move |request: seam::http::Request| {
            let (inner, cable) = (inner.clone(), cable.clone());
            let mut faults = cable.0.subscribe();
            async move {
                let host = seam::http::authority(request.uri()).unwrap_or_default();
                let fault = async {
                    let fault = faults.wait_for(|all| all.contains_key(&host)).await;
                    let fault = fault.ok().and_then(|all| all.get(&host).copied());
                    match fault {
                        Some(Fault::Refuses) => TransportError {
                            kind: TransportErrorKind::Connect,
                            detail: format!("{host} refuses"),
                        },
                        Some(Fault::Hangs) | None => std::future::pending().await,
                    }
                };
                // What was under way when it began to hang still ends.
                let hangs = cable.0.borrow().get(&host) == Some(&Fault::Hangs);
                tokio::select! {
                    biased;
                    error = fault => Err(error),
                    answer = seam::http::call(&inner, request), if !hangs => answer,
                }
            }
        }))
    }
}

impl Bench {
    pub(crate) fn on_virtual_time() -> Self {
        let clock = WallClock::fixed(VIRTUAL_EPOCH);
        let (a, b) = (StubSimulator::new(clock, 100), StubSimulator::new(clock, 300));
        Self { a, b, cable: Cable::new(), clock }
    }

    pub(crate) fn target(&self) -> Target {
        self.target_and_gateway().0
    }

    pub(crate) fn target_and_gateway(&self) -> (Target, StubGateway) {
        let backends =
            InProcessNetwork::new().host("a:80", self.a.router()).host("b:80", self.b.router());
        let client = self.cable.through(backends.clone().into_service());
        let gateway = StubGateway::new(self.clock, client);
        let all = self.cable.through(backends.host("gateway:80", gateway.router()).into_service());
        (self.with(all, World::Virtual, Vec::new()), gateway)
    }

    /// The same over sockets, and where the gateway and the simulators are.
    pub(crate) async fn on_sockets() -> (Target, [SocketAddr; 3]) {
        let clock = WallClock::real();
        let (a, b) = (StubSimulator::new(clock, 20), StubSimulator::new(clock, 60));
        let bench = Self { a, b, cable: Cable::new(), clock };
        let mut servers = Vec::new();
        let mut hosts = BTreeMap::new();
        for (name, router) in [("a:80", bench.a.router()), ("b:80", bench.b.router())] {
            let server = serve(router).await;
            hosts.insert(name.to_owned(), server.address().unwrap());
            servers.push(server);
        }
        let gateway = StubGateway::new(clock, seam::http::network(hosts.clone()));
        let server = serve(gateway.router()).await;
        hosts.insert("gateway:80".to_owned(), server.address().unwrap());
        servers.push(server);
        let addresses = ["gateway:80", "a:80", "b:80"].map(|name| hosts[name]);
        (bench.with(seam::http::network(hosts), World::Real, servers), addresses)
    }

    fn with(&self, service: HttpService, world: World, servers: Vec<Server>) -> Target {
        let simulator = |name: &str| SimulatorTarget {
            name: name.to_owned(),
            url: Some(BaseUrl::parse(&format!("http://{name}")).unwrap()),
            key: "key".to_owned(),
            journal: Journal::Required,
        };
        Target {
            service,
            gateway: BaseUrl::parse("http://gateway").unwrap(),
            gateway_journal: Journal::Required,
            gateway_key: None,
            endpoints: Endpoints::Simulators,
            simulators: vec![simulator("a"), simulator("b")],
            clock: self.clock,
            world,
            servers,
            embedded_gateway: None,
        }
    }
}

async fn serve(router: Router) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server::start(listener, router)
}

/// A scenario for the bench above: `rest` is stages and actions.
pub(crate) fn scenario(rest: &str) -> Arc<Scenario> {
    let text = format!(
        r#"
version = 1
name = "stub"
[topology]
gateway_url = "http://gateway"
simulator_urls.a = {{ url = "http://a", key = "key" }}
simulator_urls.b = {{ url = "http://b", key = "key" }}
[[workloads]]
name = "w"
path = "/api"
body = {{ prompt = "x" }}
timeout = "2s"
{rest}"#
    );
    let source = Source::new("stub.toml", text);
    match harness::scenario::parse(&source, Path::new(""), &Env::empty()) {
        Ok((scenario, _)) => Arc::new(scenario),
        Err(problems) => panic!("{}", problems.iter().map(|p| p.render(false)).collect::<String>()),
    }
}

/// Moves virtual time, for tests that act in the middle of a run.
pub(crate) async fn at(start: Instant, seconds: u64) {
    tokio::time::sleep_until(start + Duration::from_secs(seconds)).await;
}
