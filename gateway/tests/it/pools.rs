//! Pools: turns, weights, priorities, sessions, credentials.

use http::Request;
use seam::http::{Body, InProcessNetwork};

use crate::support::{Answer, Backend, Bench, post};

/// Three backends with credentials of their own, and the rest of a gateway.
pub(crate) const BACKENDS: &str = r#"
version = 1

[[backends]]
id = "b1"
url = "http://b1/base"
azure_region = "sweden"
credentials = { headers = { "api-key" = "one" }, query = { "sig" = "s1" } }

[[backends]]
id = "b2"
url = "http://b2/other"
credentials = { headers = { "x-only-b2" = "two" } }

[[backends]]
id = "b3"
url = "http://b3"
protocol = "http"

[[apis]]
id = "test"
path = "api"
policy = "api.xml"
subscription_required = false

[[apis.operations]]
id = "post"
method = "POST"
url_template = "/x"
"#;

/// Calls the pool `p`, and says what `context.Backend` is.
pub(crate) const TO_POOL: &str = r#"<policies>
    <inbound>
        <set-backend-service backend-id="p" />
        <set-variable name="before" value="@(context.Backend.Id + " " + context.Backend.Type + " " + context.Backend.AzureRegion)" />
    </inbound>
    <backend><base /></backend>
    <outbound>
        <set-header name="x-before"><value>@((string)context.Variables["before"])</value></set-header>
        <set-header name="x-after"><value>@(context.Backend.Id + " " + context.Backend.Type + " " + context.Backend.AzureRegion)</value></set-header>
        <set-header name="x-url"><value>@(context.Request.Url.ToString())</value></set-header>
    </outbound>
    <on-error>
        <set-header name="x-reason"><value>@(context.LastError.Reason + ": " + context.Response.StatusCode + " " + context.Response.StatusReason)</value></set-header>
    </on-error>
</policies>"#;

/// A gateway with three backends behind a pool `p`.
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) backends: [Backend; 3],
}

impl World {
    #[track_caller]
    pub(crate) fn new(pool: &str, settings: &str) -> Self {
        Self::with(TO_POOL, BACKENDS, pool, settings)
    }

    #[track_caller]
    pub(crate) fn with(document: &str, backends: &str, pool: &str, settings: &str) -> Self {
        let config = format!(
            "{backends}\n[[backends]]\nid = \"p\"\n[backends.pool]\n{pool}\n[settings]\n{settings}"
        );
        let stubs: [Backend; 3] = std::array::from_fn(|_| Backend::default());
        let network = InProcessNetwork::new()
            .host("b1:80", stubs[0].router())
            .host("b2:80", stubs[1].router())
            .host("b3:80", stubs[2].router());
        let bench = Bench::new(&config, &[("api.xml", document)], network.into_service());
        Self { bench, backends: stubs }
    }

    pub(crate) async fn call(&self) -> Answer {
        self.bench.post("/api/x?v=1", "hello").await
    }

    /// The members that answered so many calls: `b1 b2 b1`.
    pub(crate) async fn order(&self, calls: usize) -> String {
        for _ in 0..calls {
            self.call().await;
        }
        let records = self.bench.gateway.journal(0);
        let attempts = records.iter().flat_map(|record| &record.attempts);
        let all: Vec<&str> = attempts.map(|attempt| attempt.backend.as_str()).collect();
        all[all.len() - calls..].join(" ")
    }

    pub(crate) fn counts(&self) -> [usize; 3] {
        std::array::from_fn(|at| self.backends[at].requests().len())
    }

    pub(crate) async fn metric(&self, line: &str) -> Option<String> {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let text = self.bench.answer(request).await.body;
        text.lines().find_map(|own| own.strip_prefix(&format!("{line} "))).map(str::to_owned)
    }
}

pub(crate) const EQUAL: &str = r#"services = [{ id = "b1" }, { id = "b2" }]"#;

#[tokio::test(start_paused = true)]
async fn equal_weights_alternate() {
    let world = World::new(EQUAL, "");
    assert_eq!(world.order(6).await, "b1 b2 b1 b2 b1 b2");
    let choices = r#"gateway_pool_choices_total{pool="p",backend="b2"}"#;
    assert_eq!(world.metric(choices).await.as_deref(), Some("3"));
}

#[tokio::test(start_paused = true)]
async fn weights_are_exact_over_a_cycle() {
    let weighted = r#"services = [{ id = "b1", weight = 2 }, { id = "b2", weight = 1 }, { id = "b3", weight = 0 }]"#;
    let world = World::new(weighted, "");
    assert_eq!(world.order(6).await, "b1 b2 b1 b1 b2 b1");
    for _ in 0..294 {
        world.call().await;
    }
    assert_eq!(world.counts(), [200, 100, 0]);
}

#[tokio::test(start_paused = true)]
async fn weights_hold_for_concurrent_requests() {
    let weighted = r#"services = [{ id = "b1", weight = 2 }, { id = "b2" }]"#;
    let world = World::new(weighted, "");
    let calls = (0..30).map(|_| world.call());
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(world.counts(), [20, 10, 0]);
}

#[tokio::test(start_paused = true)]
async fn draws_are_seeded_and_follow_the_weights() {
    let weighted = r#"services = [{ id = "b1", weight = 2 }, { id = "b2", weight = 1 }]"#;
    let settings = "pool_selection = \"random_weighted\"";
    let world = World::new(weighted, settings);
    let order = world.order(300).await;
    let counts = world.counts();
    assert!((175..=225).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
    assert!(order.contains("b2 b2"), "a round robin never repeats the lighter one");
    assert_eq!(World::new(weighted, settings).order(300).await, order);
}

#[tokio::test(start_paused = true)]
async fn each_call_shows_its_member() {
    let world = World::new(EQUAL, "");
    let first = world.call().await;
    assert_eq!(first.header("x-before"), Some("p Pool"));
    assert_eq!(first.header("x-after"), Some("p Pool sweden"));
    assert_eq!(first.header("x-url"), Some("http://b1/base/x?v=1"));
    assert_eq!(first.body, "backend saw /base/x?v=1&sig=s1");
    let second = world.call().await;
    assert_eq!(second.header("x-after"), Some("p Pool"));
    assert_eq!(second.header("x-url"), Some("http://b2/other/x?v=1"));
    let attempt = &world.bench.record(1).attempts[0];
    assert_eq!((attempt.backend.as_str(), attempt.pool.as_deref()), ("b1", Some("p")));
    // Without the query: the member's signature is in it.
    assert_eq!(attempt.url, "http://b1/base/x");
    let request = Request::get("/++/journal").body(Body::empty()).unwrap();
    let page = world.bench.answer(request).await.body;
    assert!(page.contains(r#""backend":"b1","pool":"p","url":"http://b1/base/x","status":200"#));

    let world = World::new(EQUAL, "pool_backend_context = \"member\"");
    let answer = world.call().await;
    assert_eq!(answer.header("x-before"), Some("p Pool"));
    assert_eq!(answer.header("x-after"), Some("b1 Single sweden"));
}

const RETRY: &str = r#"<policies>
    <inbound><set-backend-service backend-id="p" /></inbound>
    <backend>
        <retry condition="@(context.Response.StatusCode == 429)" count="2" interval="1">
            <forward-request buffer-request-body="true" buffer-response="false" />
        </retry>
    </backend>
</policies>"#;

#[tokio::test(start_paused = true)]
async fn each_attempt_chooses_anew_and_has_only_its_members_credentials() {
    let three = r#"services = [{ id = "b1" }, { id = "b2" }, { id = "b3" }]"#;
    let world = World::with(RETRY, BACKENDS, three, "");
    world.backends[0].now_answers(429);
    world.backends[1].now_answers(429);
    let mut request = post("/api/x?sig=client", "hello");
    request.headers_mut().remove("api-key");
    let answer = world.bench.answer(request).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "backend saw /x?sig=client"));
    assert_eq!(world.counts(), [1, 1, 1]);
    let sent: Vec<_> = world.backends.iter().map(|backend| backend.requests().remove(0)).collect();
    let header =
        |at: usize, name: &str| sent[at].headers.get(name).map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(sent[0].uri, "/base/x?sig=s1");
    assert_eq!((header(0, "api-key").as_deref(), header(0, "x-only-b2")), (Some("one"), None));
    assert_eq!(sent[1].uri, "/other/x?sig=client");
    assert_eq!((header(1, "api-key"), header(1, "x-only-b2").as_deref()), (None, Some("two")));
    assert_eq!((header(2, "api-key"), header(2, "x-only-b2")), (None, None));
    assert_eq!(header(2, "host").as_deref(), Some("b3"));
    assert!(sent.iter().all(|seen| seen.body == "hello"));
    let urls: Vec<_> =
        world.bench.record(1).attempts.iter().map(|attempt| attempt.url.clone()).collect();
    assert_eq!(urls, ["http://b1/base/x", "http://b2/other/x", "http://b3/x"]);
}

#[tokio::test(start_paused = true)]
async fn a_later_choice_replaces_the_pool() {
    let document = r#"<policies><inbound>
        <set-backend-service backend-id="b2" />
        <set-backend-service backend-id="p" />
        <set-backend-service base-url="http://b2/elsewhere" />
        <choose><when condition="@(context.Request.Headers.ContainsKey("x-single"))">
            <set-backend-service backend-id="@("b" + 3)" />
        </when><when condition="@(context.Request.Headers.ContainsKey("x-unknown"))">
            <set-backend-service backend-id="@("b" + 9)" />
        </when></choose>
    </inbound><backend><base /></backend></policies>"#;
    let world = World::with(document, BACKENDS, r#"services = [{ id = "b1" }]"#, "");
    assert_eq!(world.call().await.status, 200);
    let with = |name: &'static str| {
        let mut request = post("/api/x", "");
        request.headers_mut().insert(name, "1".parse().unwrap());
        world.bench.answer(request)
    };
    assert_eq!(with("x-single").await.status, 200);
    assert_eq!(world.counts(), [1, 0, 1]);
    assert_eq!(world.bench.record(2).attempts[0].pool, None);
    assert_eq!(with("x-unknown").await.status, 500);
    assert_eq!(world.bench.record(3).error_reason.as_deref(), Some("BackendNotFound"));
    assert!(world.bench.record(3).attempts.is_empty());
}

const SESSIONS: &str = r#"services = [{ id = "b1" }, { id = "b2" }]
session_affinity = { session_id = { source = "cookie", name = "Affinity" } }"#;

async fn with_cookie(world: &World, cookie: &str) -> Answer {
    let mut request = post("/api/x", "");
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    world.bench.answer(request).await
}

#[tokio::test(start_paused = true)]
async fn a_session_stays_with_its_member() {
    let breaker = r#"id = "b2"
circuit_breaker = { rules = [{ trip_duration = "10s", failure_condition = { count = 1, interval = "10s", status_code_ranges = [{ min = 500, max = 599 }] } }] }"#;
    let backends = BACKENDS.replace(r#"id = "b2""#, breaker);
    let world = World::with(TO_POOL, &backends, SESSIONS, "");
    world.call().await;
    let second = world.call().await;
    let cookie = second.header("set-cookie").unwrap().strip_suffix("; Path=/").unwrap().to_owned();
    let (name, value) = cookie.split_once('=').unwrap();
    assert_eq!((name, value.len()), ("Affinity", 32));
    assert!(!value.contains("b2"));
    let jar = format!("theme=dark; {cookie}; x=1");
    for _ in 0..3 {
        let answer = with_cookie(&world, &jar).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    }
    assert_eq!(world.counts(), [1, 4, 0]);
    // Others take turns as before.
    assert_eq!(world.order(2).await, "b1 b2");
    // While the member's breaker is open the session moves, and is told so.
    world.backends[1].now_answers(500);
    assert_eq!(with_cookie(&world, &jar).await.status, 500);
    let moved = with_cookie(&world, &jar).await;
    assert_eq!(moved.status, 200);
    assert!(moved.header("set-cookie").is_some_and(|new| !new.contains(value)));
    // A cookie of nobody is no cookie.
    let other = with_cookie(&world, "Affinity=0123").await;
    assert!(other.header("set-cookie").is_some());
    // The same after a restart.
    let again = World::new(SESSIONS, "");
    for _ in 0..2 {
        assert_eq!(with_cookie(&again, &jar).await.header("set-cookie"), None);
    }
    assert_eq!(again.counts(), [0, 2, 0]);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_draws_anew() {
    let world = World::with(RETRY, BACKENDS, EQUAL, "pool_selection = \"random_weighted\"");
    world.backends.iter().for_each(|backend| backend.now_answers(429));
    for _ in 0..20 {
        world.call().await;
    }
    let changed = |record: &gateway::RequestRecord| {
        record.attempts.windows(2).any(|pair| pair[0].backend != pair[1].backend)
    };
    let changed = world.bench.gateway.journal(0).iter().filter(|record| changed(record)).count();
    // Three draws of two: all the same in one of four.
    assert!((10..20).contains(&changed), "{changed} of 20");
}
