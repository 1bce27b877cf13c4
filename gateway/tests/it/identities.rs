//! Managed identities of backends: whose token which attempt carries.

use std::time::Duration;

use http::Request;
use seam::http::{Body, InProcessNetwork};
use seam::token::{CLIENT_ID, Claims, Signature};

use crate::support::{Backend, Bench, Seen, post};

/// A pool of four: a key, two identities, nothing of its own; then its API.
const CONFIG: &str = r#"
version = 1

[[backends]]
id = "keyed"
url = "http://keyed"
credentials = { headers = { "api-key" = "backend-key" } }

[[backends]]
id = "system"
url = "http://system"
credentials = { managed_identity = { resource = "https://cognitiveservices.azure.com" } }

[[backends]]
id = "user"
url = "http://user"
[backends.credentials]
headers = { "api-key" = "also" }
managed_identity = { resource = "https://other", client_id = "me" }

[[backends]]
id = "bare"
url = "http://bare"

[[backends]]
id = "p"
[backends.pool]
services = [
  { id = "keyed", priority = 1 }, { id = "system", priority = 2 },
  { id = "user", priority = 3 }, { id = "bare", priority = 4 },
]

[[apis]]
id = "test"
path = "api"
policy = "api.xml"
subscription_required = false
operations = [{ id = "post", method = "POST", url_template = "/x" }]
"#;

/// One failure opens any breaker for an hour.
const BREAKER: &str = r#"circuit_breaker = { rules = [{ failure_condition = { count = 1, interval = "1m", status_code_ranges = [{ min = 500, max = 599 }] }, trip_duration = "1h" }] }"#;

const DOCUMENT: &str = r#"<policies>
    <inbound><set-backend-service backend-id="BACKEND" /></inbound>
    <backend>
        <retry condition="@(context.Response.StatusCode == 500)" count="3" interval="1">
            <forward-request buffer-request-body="true" />
        </retry>
    </backend>
    <outbound><set-header name="x-sees"><value>@(context.Request.Headers.GetValueOrDefault("Authorization", "none"))</value></set-header></outbound>
    <on-error><set-header name="x-reason"><value>@(context.LastError.Source + " " + context.LastError.Reason)</value></set-header></on-error>
</policies>"#;

fn bench(backend: &str, more: &str, backends: &[(&str, &Backend)]) -> Bench {
    let mut network = InProcessNetwork::new();
    for (name, backend) in backends {
        network = network.host(format!("{name}:80"), backend.router());
    }
    let mut config = CONFIG.to_owned();
    for (name, _) in backends {
        let url = format!("url = \"http://{name}\"\n");
        config = config.replace(&url, &format!("{url}{BREAKER}\n"));
    }
    let document = DOCUMENT.replace("BACKEND", backend);
    Bench::new(&format!("{config}\n{more}"), &[("api.xml", &document)], network.into_service())
}

fn header(seen: &Seen, name: &str) -> String {
    seen.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned()
}

#[track_caller]
fn claims(seen: &Seen) -> Claims {
    let header = header(seen, "authorization");
    let token = header.strip_prefix("Bearer ").unwrap_or_else(|| panic!("{header}"));
    seam::token::read(token, Signature::Local).unwrap()
}

fn from_client() -> Request<Body> {
    let mut request = post("/api/x", "hello");
    request.headers_mut().insert("authorization", "Bearer client".parse().unwrap());
    request
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_own_members_identity_only() {
    let names = ["keyed", "system", "user", "bare"];
    let backends: [Backend; 4] =
        std::array::from_fn(|at| Backend::answering(if at == 3 { &[200] } else { &[500] }));
    let pairs: Vec<_> = names.into_iter().zip(&backends).collect();
    let bench = bench("p", "", &pairs);
    let answer = bench.answer(from_client()).await;
    assert_eq!(answer.status, 200);
    // The request of the policies stays the client's.
    assert_eq!(answer.header("x-sees"), Some("Bearer client"));
    let seen: Vec<Seen> = backends.iter().map(|backend| backend.requests().remove(0)).collect();
    assert_eq!(
        (header(&seen[0], "authorization"), header(&seen[0], "api-key")),
        ("Bearer client".into(), "backend-key".into())
    );
    let system = claims(&seen[1]);
    assert_eq!(
        (system.aud.as_str(), system.appid.as_str()),
        ("https://cognitiveservices.azure.com", CLIENT_ID)
    );
    assert_eq!(header(&seen[1], "api-key"), "key-one");
    let user = claims(&seen[2]);
    assert_eq!((user.aud.as_str(), user.appid.as_str()), ("https://other", "me"));
    assert_eq!(header(&seen[2], "api-key"), "also");
    assert_eq!(
        (header(&seen[3], "authorization"), header(&seen[3], "api-key")),
        ("Bearer client".into(), "key-one".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let backend = Backend::default();
    let bench = bench("system", "", &[("system", &backend)]);
    for hours in [0, 12, 12] {
        tokio::time::sleep(Duration::from_secs(hours * 3_600)).await;
        bench.answer(from_client()).await;
    }
    let seen = backend.requests();
    let tokens: Vec<String> = seen.iter().map(|seen| header(seen, "authorization")).collect();
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(tokens[1], tokens[2]);
    assert_eq!(claims(&seen[2]).exp, claims(&seen[0]).exp + 86_400);
}

#[tokio::test(start_paused = true)]
async fn no_token_is_an_error_of_the_call() {
    let backend = Backend::default();
    let fail = "[identity]\nfail = [\"https://cognitiveservices.azure.com/\"]";
    let bench = bench("system", fail, &[("system", &backend)]);
    let answer = bench.answer(from_client()).await;
    assert_eq!(answer.status, 500);
    let reason = "forward-request ManagedIdentityTokenFailure";
    assert_eq!(answer.header("x-reason"), Some(reason));
    assert!(backend.requests().is_empty());
    assert!(bench.record(1).attempts.is_empty());
}

/// A backend may send back what it got; the trace has the token's place only.
#[tokio::test(start_paused = true)]
async fn traces_hide_the_token() {
    let echo = axum::Router::new().fallback(|request: Request<Body>| async move {
        let token = request.headers()["authorization"].clone();
        ([("x-echo", token)], "")
    });
    let network = InProcessNetwork::new().host("system:80", echo);
    let document = DOCUMENT.replace("BACKEND", "system");
    let bench = Bench::new(CONFIG, &[("api.xml", &document)], network.into_service());
    let (answer, trace) = bench.gateway.trace(from_client()).await;
    let token = answer.headers()["x-echo"].to_str().unwrap().trim_start_matches("Bearer ");
    let signature = token.rsplit('.').next().unwrap();
    assert_eq!(signature.len(), 43);
    let shown = serde_json::to_string(trace.unwrap().as_ref()).unwrap();
    assert!(shown.contains("x-echo") && shown.contains("[redacted]"), "{shown}");
    assert!(!shown.contains(signature), "{shown}");
}
