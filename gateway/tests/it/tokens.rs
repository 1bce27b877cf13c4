//! `validate-jwt` and `validate-azure-ad-token`: which tokens pass, and what the
//! others are answered.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use seam::clock::VIRTUAL_EPOCH;
use seam::http::{Body, InProcessNetwork};
use seam::token::{Bearer, Claims};

use crate::support::{Answer, Backend, Bench, CONFIG};

const URL: &str = "https://login.microsoftonline.com/tenant/v2.0/.well-known/openid-configuration";

fn now() -> u64 {
    VIRTUAL_EPOCH.as_secs()
}

fn claims() -> Claims {
    let bearer = Bearer { tenant_id: "tenant", object_id: "o", client_id: "client" };
    Claims::new("api://it", bearer, now(), 600)
}

/// A token of any claims, signed with the key `secret` in HS256 by RFC 7515.
fn signed(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
    let tag = ring::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn document(policy: &str) -> String {
    format!(
        r#"<policies><inbound>{policy}<set-header name="x-who"><value>@(((Jwt)context.Variables.GetValueOrDefault<Jwt>("jwt"))?.Subject ?? "nobody")</value></set-header></inbound><backend><forward-request /></backend><outbound /><on-error><set-header name="x-reason"><value>@(context.LastError.Reason + ": " + context.LastError.Message)</value></set-header></on-error></policies>"#
    )
}

async fn answer(policy: &str, more: &str, authorization: Option<&str>) -> (Answer, String) {
    let backend = Backend::default();
    let network = InProcessNetwork::new().host("b1:80", backend.router()).into_service();
    let config = format!("{CONFIG}\n{more}");
    let bench = Bench::new(&config, &[("api.xml", &document(policy))], network);
    let mut request = Request::get("/api/x").header("api-key", "key-one");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let answer = bench.answer(request.body(Body::empty()).unwrap()).await;
    let who = backend.seen.lock().unwrap().first().map_or_else(String::new, |seen| {
        seen.headers.get("x-who").map_or("", |value| value.to_str().unwrap()).to_owned()
    });
    (answer, who)
}

#[track_caller]
fn refused(answer: &Answer, reason: &str, message: &str) {
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("x-reason"), Some(format!("{reason}: {message}").as_str()));
    let body = format!("{{ \"statusCode\": 401, \"message\": \"{message}\" }}");
    assert_eq!(answer.body, body);
}

#[tokio::test(start_paused = true)]
async fn a_local_token_passes_for_entras() {
    let policy = format!(
        r#"<validate-jwt header-name="Authorization" require-scheme="Bearer" output-token-variable-name="jwt"><openid-config url="{URL}" /><audiences><audience>api://it</audience></audiences></validate-jwt>"#
    );
    let token = format!("Bearer {}", claims().sign());
    let (good, who) = answer(&policy, "", Some(&token)).await;
    assert_eq!((good.status, who.as_str()), (200, "o"));

    let (none, _) = answer(&policy, "", None).await;
    refused(&none, "TokenNotPresent", "JWT not present.");
    let (bare, _) = answer(&policy, "", Some(&claims().sign())).await;
    refused(&bare, "TokenNotPresent", "JWT not present.");
    let (broken, _) = answer(&policy, "", Some("Bearer a.b.c")).await;
    refused(&broken, "JwtInvalid", "Invalid JWT.");
    let other = Claims { aud: "api://other".into(), ..claims() };
    let (other, _) = answer(&policy, "", Some(&format!("Bearer {}", other.sign()))).await;
    let message = "The token's audience is not allowed. Access denied.";
    refused(&other, "TokenAudienceNotAllowed", message);
    let foreign = Claims { iss: "https://sts.windows.net/other/".into(), ..claims() };
    let (foreign, _) = answer(&policy, "", Some(&format!("Bearer {}", foreign.sign()))).await;
    refused(&foreign, "TokenIssuerNotAllowed", "The token's issuer is not allowed. Access denied.");
}

#[tokio::test(start_paused = true)]
async fn a_token_has_its_time() {
    let policy = |more: &str| {
        format!(
            r#"<validate-jwt header-name="Authorization" {more}><openid-config url="{URL}" /></validate-jwt>"#
        )
    };
    let bearer = |claims: Claims| format!("Bearer {}", claims.sign());
    let old = bearer(Claims { exp: now(), ..claims() });
    let (expired, _) = answer(&policy(""), "", Some(&old)).await;
    refused(&expired, "TokenExpired", "The token has expired. Access denied.");
    let (allowed, _) = answer(&policy("clock-skew=\"60\""), "", Some(&old)).await;
    assert_eq!(allowed.status, 200);
    let early = bearer(Claims { nbf: now() + 10, ..claims() });
    let (early, _) = answer(&policy(""), "", Some(&early)).await;
    refused(&early, "TokenExpired", "The token is not valid yet. Access denied.");
}

#[tokio::test(start_paused = true)]
async fn keys_and_claims_of_the_document() {
    let key = STANDARD.encode("secret");
    let policy = format!(
        r#"<validate-jwt header-name="x-token" failed-validation-httpcode="403" failed-validation-error-message="No." require-expiration-time="false"><issuer-signing-keys><key>{key}</key></issuer-signing-keys><issuers><issuer>me</issuer></issuers><required-claims><claim name="roles" match="any"><value>a</value><value>b</value></claim><claim name="scp" separator=" "><value>read</value><value>write</value></claim></required-claims></validate-jwt>"#
    )
    .replace("x-token", "Authorization");
    let of = |claims: &str| signed(claims);
    let good = of(r#"{"iss":"me","roles":["x","b"],"scp":"write read all"}"#);
    assert_eq!(answer(&policy, "", Some(&good)).await.0.status, 200);
    for (claims, reason) in [
        (r#"{"iss":"you","roles":["b"],"scp":"read write"}"#, "TokenIssuerNotAllowed"),
        (
            r#"{"iss":"me","roles":["c"],"scp":"read write"}"#,
            "TokenClaimValueNotAllowed: Claim roles value of c",
        ),
        (
            r#"{"iss":"me","roles":["b"],"scp":"read"}"#,
            "TokenClaimValueNotAllowed: Claim scp value of read",
        ),
        (
            r#"{"iss":"me"}"#,
            "TokenClaimNotFound: JWT token is missing the following claims: roles, scp.",
        ),
    ] {
        let (refused, _) = answer(&policy, "", Some(&of(claims))).await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (403, "{ \"statusCode\": 403, \"message\": \"No.\" }")
        );
        assert!(refused.header("x-reason").unwrap().starts_with(reason), "{claims}");
    }
    // The key of the local tokens is not one of the document's.
    let (local, _) = answer(&policy, "", Some(&claims().sign())).await;
    assert!(local.header("x-reason").unwrap().starts_with("TokenSignatureInvalid"));
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        URL_SAFE_NO_PAD.encode("{}")
    );
    let (unsigned, _) = answer(&policy, "", Some(&unsigned)).await;
    assert!(unsigned.header("x-reason").unwrap().starts_with("TokenSignatureInvalid"));
}

#[tokio::test(start_paused = true)]
async fn signatures_are_ignored_where_a_setting_says_so() {
    let policy = format!(
        r#"<validate-jwt header-name="Authorization"><openid-config url="{URL}" /></validate-jwt>"#
    );
    let token = signed(&serde_json::to_string(&claims()).unwrap());
    let (checked, _) = answer(&policy, "", Some(&token)).await;
    let message = "The token's signature is not valid. Access denied.";
    refused(&checked, "TokenSignatureInvalid", message);
    let setting = "[settings]\ntoken_signatures = \"ignore\"";
    assert_eq!(answer(&policy, setting, Some(&token)).await.0.status, 200);
}

#[tokio::test(start_paused = true)]
async fn azure_ad_tokens_belong_to_a_tenant_and_an_application() {
    let policy = |tenant: &str, client: &str| {
        format!(
            r#"<validate-azure-ad-token tenant-id="{tenant}" output-token-variable-name="jwt"><client-application-ids><application-id>{client}</application-id></client-application-ids><audiences><audience>@("api://" + "it")</audience></audiences></validate-azure-ad-token>"#
        )
    };
    let token = format!("Bearer {}", claims().sign());
    let (good, who) = answer(&policy("tenant", "client"), "", Some(&token)).await;
    assert_eq!((good.status, who.as_str()), (200, "o"));
    assert_eq!(answer(&policy("common", "client"), "", Some(&token)).await.0.status, 200);
    let (tenant, _) = answer(&policy("other", "client"), "", Some(&token)).await;
    refused(&tenant, "TokenIssuerNotAllowed", "The token's issuer is not allowed. Access denied.");
    let (client, _) = answer(&policy("tenant", "else"), "", Some(&token)).await;
    refused(
        &client,
        "TokenClaimValueNotAllowed",
        "Claim appid value of client is not allowed. Access denied.",
    );
}

#[tokio::test(start_paused = true)]
async fn issuers_come_from_the_configuration() {
    let issuer = "[[token_issuers]]\nopenid_config = \"https://id.example/openid\"\nissuer = \"https://id.example\"\nkeys = \"keys.json\"\n";
    let policy = r#"<validate-jwt query-parameter-name="token"><openid-config url="https://id.example/openid" /></validate-jwt>"#;
    let keys =
        format!(r#"{{"keys":[{{"kty":"oct","k":"{}"}}]}}"#, URL_SAFE_NO_PAD.encode("secret"));
    let backend = Backend::default();
    let network = InProcessNetwork::new().host("b1:80", backend.router()).into_service();
    let files = [("api.xml", document(policy)), ("keys.json", keys)];
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let bench = Bench::new(&format!("{CONFIG}\n{issuer}"), &files, network);
    let exp = now() + 60;
    for (iss, status) in [("https://id.example", 200), ("https://id.example/", 401)] {
        let token = signed(&format!(r#"{{"iss":"{iss}","exp":{exp}}}"#));
        let request = Request::get(format!("/api/x?token={token}")).header("api-key", "key-one");
        let answer = bench.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{iss}");
    }
}
