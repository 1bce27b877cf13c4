//! Entra access tokens: which open a resource, and what the others get.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, HeaderName, Request};
use seam::clock::VIRTUAL_EPOCH;
use seam::token::{Bearer, CLIENT_ID, Claims, OBJECT_ID, TENANT_ID};

use crate::support::{Bench, CHAT, KEY};

const V1_CHAT: &str = "/openai/v1/chat/completions";
const HI: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
const AUDIENCE: &str = "https://cognitiveservices.azure.com";

/// A resource with these `entra` settings, as TOML.
fn bench(entra: &str) -> Bench {
    let text = format!(
        "version = 1\n[[resources]]\nname = \"r\"\nport = 0\nkeys = [\"{KEY}\"]\n{entra}\n\
         deployments = [{{ name = \"chat\", model = \"gpt-4o\", tpm = 100000, latency = {{ profile = \"zero\" }} }}]"
    );
    Bench::with(&text, 1)
}

fn claims(audience: &str) -> Claims {
    let bearer = Bearer { tenant_id: TENANT_ID, object_id: OBJECT_ID, client_id: CLIENT_ID };
    Claims::new(audience, bearer, VIRTUAL_EPOCH.as_secs(), 3_600)
}

fn request(uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Bench::request(uri, HI);
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    *request.headers_mut() = all;
    request
}

/// Status, and what the journal says: the credential and the reason.
async fn judged(bench: &Bench, uri: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let status = bench.send(request(uri, headers)).await.status.as_u16();
    let row = bench.journal().await.pop().unwrap();
    let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
    (status, text("credential"), text("reason"))
}

async fn judged_token(bench: &Bench, token: &str) -> (u16, String, String) {
    let header = format!("Bearer {token}");
    let judged_v1 = judged(bench, V1_CHAT, &[("authorization", &header)]).await;
    let found = judged(bench, CHAT, &[("authorization", &header)]).await;
    assert_eq!(found, judged_v1, "both surfaces");
    found
}

fn outcome(status: u16, credential: &str, reason: &str) -> (u16, String, String) {
    (status, credential.to_owned(), reason.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_local_token_opens_a_resource_until_it_expires() {
    let bench = bench("");
    let token = claims(AUDIENCE).sign();
    let open = outcome(200, "entra_token", "-");
    assert_eq!(judged_token(&bench, &token).await, open);
    for audience in ["https://cognitiveservices.azure.com/", "https://ai.azure.com"] {
        assert_eq!(judged_token(&bench, &claims(audience).sign()).await, open, "{audience}");
    }
    tokio::time::advance(Duration::from_secs(3_599)).await;
    assert_eq!(judged_token(&bench, &token).await, open);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(judged_token(&bench, &token).await, outcome(401, "-", "token_expired"));
}

/// To the client all are the same; the journal tells them apart.
#[tokio::test(start_paused = true)]
async fn other_tokens_are_refused_in_the_services_words() {
    let bench = bench("");
    let no_key = bench.send(request(CHAT, &[])).await;
    let good = claims(AUDIENCE);
    let signed = good.sign();
    let (rest, _) = signed.rsplit_once('.').unwrap();
    for (reason, token) in [
        ("token_audience", claims("https://vault.azure.net").sign()),
        ("token_audience", claims("https://cognitiveservices.azure.com/.default").sign()),
        ("token_not_yet_valid", Claims { nbf: good.exp - 1, ..good.clone() }.sign()),
        ("token_issuer", Claims { iss: "https://example.org/".to_owned(), ..good }.sign()),
        ("token_signature", format!("{rest}.AAAA")),
        ("token_malformed", "eyJ.eyJ.x".to_owned()),
        ("unauthorized", "nonsense".to_owned()),
        ("unauthorized", format!("{signed}.x")),
        ("unauthorized", String::new()),
    ] {
        assert_eq!(judged_token(&bench, &token).await, outcome(401, "-", reason), "{token}");
        let header = format!("Bearer {token}");
        let answer = bench.send(request(CHAT, &[("authorization", &header)])).await;
        assert_eq!(answer.body, no_key.body, "{reason}");
        assert_eq!(answer.header_names(), no_key.header_names());
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_and_a_token_may_come_together() {
    let bench = bench("");
    let good = format!("Bearer {}", claims(AUDIENCE).sign());
    let wrong = format!("Bearer {}", claims("https://vault.azure.net").sign());
    for (key, token, expected) in [
        (KEY, &wrong, outcome(200, "key", "-")),
        // A gateway's own subscription key goes on to the backend.
        ("subscription", &good, outcome(200, "entra_token", "-")),
        ("subscription", &wrong, outcome(401, "-", "token_audience")),
        ("subscription", &"Bearer x".to_owned(), outcome(401, "-", "invalid_key")),
        ("", &good, outcome(200, "entra_token", "-")),
    ] {
        let headers = [("api-key", key), ("authorization", token.as_str())];
        assert_eq!(judged(&bench, CHAT, &headers).await, expected, "{key}");
    }
    let bearer_key = format!("bearer {KEY}");
    let headers = [("authorization", bearer_key.as_str())];
    assert_eq!(judged(&bench, V1_CHAT, &headers).await, outcome(200, "bearer_key", "-"));
}

#[tokio::test(start_paused = true)]
async fn tenants_and_roles() {
    let bench = bench(&format!("entra = {{ tenant_id = \"{TENANT_ID}\", principals = [\"P1\"] }}"));
    let with = |tenant: &str, object: &str| {
        let bearer = Bearer { tenant_id: tenant, object_id: object, client_id: CLIENT_ID };
        Claims::new(AUDIENCE, bearer, VIRTUAL_EPOCH.as_secs(), 60).sign()
    };
    let allowed = judged_token(&bench, &with(TENANT_ID, "p1")).await;
    assert_eq!(allowed, outcome(200, "entra_token", "-"));
    for (name, token) in [
        ("400_token_tenant", with("other", "p1")),
        ("401_permission_denied", with(TENANT_ID, "p2")),
    ] {
        let header = format!("Bearer {token}");
        let answer = bench.send(request(CHAT, &[("authorization", &header)])).await;
        insta::assert_snapshot!(name, answer.redacted());
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_may_accept_other_tokens_or_none() {
    let token = claims(AUDIENCE).sign();
    let none = bench("entra = { accept = \"none\" }");
    assert_eq!(judged_token(&none, &token).await, outcome(401, "-", "unauthorized"));
    let own = bench("entra = { audiences = [\"api://mine\"] }");
    assert_eq!(judged_token(&own, &token).await, outcome(401, "-", "token_audience"));
    let mine = claims("api://mine").sign();
    assert_eq!(judged_token(&own, &mine).await, outcome(200, "entra_token", "-"));
    // Somebody else's signature, as on a real token.
    let unverified = bench("entra = { accept = \"unverified\" }");
    let (rest, _) = token.rsplit_once('.').unwrap();
    let real = format!("{rest}.AAAA");
    assert_eq!(judged_token(&unverified, &real).await, outcome(200, "entra_token", "-"));
    let expired = Claims { exp: 1, ..claims(AUDIENCE) }.sign();
    assert_eq!(judged_token(&unverified, &expired).await, outcome(401, "-", "token_expired"));
}
