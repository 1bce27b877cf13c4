//! Live control, journal cursor, metrics, health.

use seam::clock::{VIRTUAL_EPOCH, WallClock};

use crate::support::{Bench, CHAT, TEXT, ms};

const COMPAT: &str = r#"
  { name = "text", model = "gpt-35-turbo", tpm = 1000, wire_profile = "azure_2024", latency = { profile = "aoai_simulator_compat", completions_ms_per_token = 10, completions_ms_per_token_std_dev = 0 } },
  { name = "chat", model = "gpt-4o", sku = "provisioned_managed", ptu = 15, latency = { profile = "zero" } },
"#;
const BODY: &str = r#"{"prompt":"x","max_tokens":10}"#;

#[tokio::test(start_paused = true)]
async fn the_seeds_dialect_changes_compat_latencies_and_no_window() {
    let bench = Bench::new(COMPAT);
    bench.post(TEXT, BODY).await;
    let patch = r#"{"latency":{"open_ai_completions":{"mean":100}}}"#;
    let answer = bench.patch(patch).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["latency"]["open_ai_completions"]["mean"], 100.0);
    assert_eq!(bench.post(TEXT, BODY).await.status, 429, "the window goes on");
    tokio::time::advance(ms(10_000)).await;
    let start = tokio::time::Instant::now();
    assert_eq!(bench.post(TEXT, BODY).await.status, 200);
    assert!((ms(1_000)..=ms(1_001)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn limits_change_and_windows_stay() {
    let bench = Bench::new(COMPAT);
    bench.post(TEXT, BODY).await;
    assert_eq!(bench.post(TEXT, BODY).await.status, 429);
    let answer = bench.patch(r#"{"deployments":{"text":{"tpm":2000},"chat":{"ptu":30}}}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    insta::assert_snapshot!("config", serde_json::to_string_pretty(&answer.json()).unwrap());
    assert_eq!(answer.body, bench.get("/++/config").await.body);
    let answer = bench.post(TEXT, BODY).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("0"), "two of two");
    assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("1980"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_patch_changes_nothing_and_says_why() {
    let bench = Bench::new(COMPAT);
    let before = bench.get("/++/config").await.body;
    let mut all = String::new();
    for patch in [
        r#"{"answers":[{"text":"a"},{"txt":"b"}]}"#,
        r#"{"answers":[{"deployment":"chats","text":"a"}]}"#,
        r#"{"answers":[{"file":"a.txt"}]}"#,
        r#"{"answers":[{"text":"a","echo":true},{}]}"#,
        r#"{"answers":[null]}"#,
        r#"{"answers":{"text":"a"}}"#,
        "",
        "[]",
        r#"{"latncy":{}}"#,
        r#"{"latency":{"open_ai_completion":{"mean":1}}}"#,
        r#"{"latency":{"open_ai_completions":{"mean":"fast"}}}"#,
        r#"{"latency":{"open_ai_completions":{"mean":-1}}}"#,
        r#"{"latency":{"open_ai_completions":{"avg":1}}}"#,
        r#"{"deployments":{"nope":{"tpm":1}}}"#,
        r#"{"deployments":{"text":{"tpm":0}}}"#,
        r#"{"deployments":{"text":{"ptu":5}}}"#,
        r#"{"deployments":{"text":{"tpm":5000},"chat":{"tpm":5}}}"#,
        r#"{"deployments":{"chat":{"latency":{"itl_ms":5}}}}"#,
        r#"{"deployments":{"chat":{"latency":{"profil":"zero"}}}}"#,
    ] {
        let answer = bench.patch(patch).await;
        assert_eq!(answer.status, 400, "{patch}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        all.push_str(&format!("{patch}\n  {message}\n"));
    }
    insta::assert_snapshot!("bad_patches", all);
    assert_eq!(bench.get("/++/config").await.body, before);
    let zero = r#"{ name = "chat", model = "gpt-4o", tpm = 1000, latency = { profile = "zero" } }"#;
    let answer = Bench::new(zero).patch(r#"{"latency":{"open_ai_completions":{"mean":1}}}"#).await;
    insta::assert_snapshot!("no_compat", answer.redacted());
}

#[tokio::test(start_paused = true)]
async fn any_latency_can_be_set_live() {
    let bench = Bench::new(COMPAT);
    let patch = r#"{"deployments":{"chat":{"latency":{"profile":"ptu-gpt-4o","overhead_ms":500,"base_ms":0}}}}"#;
    assert_eq!(bench.patch(patch).await.status, 200);
    let start = tokio::time::Instant::now();
    bench.post(CHAT, r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":1}"#).await;
    assert!((ms(500)..ms(503)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn control_needs_a_key_and_the_rest_does_not() {
    let bench = Bench::new(COMPAT);
    for uri in ["/++/config", "/++/journal", "/++/journal/events", "/++/state"] {
        let mut request = Bench::request(uri, "");
        *request.method_mut() = http::Method::GET;
        request.headers_mut().remove("api-key");
        assert_eq!(bench.send(request).await.status, 401);
    }
    assert_eq!(bench.get("/healthz").await.body, "ok\n");
}

#[tokio::test(start_paused = true)]
async fn the_journal_has_a_cursor() {
    let text = "version = 1\njournal_capacity = 3\n[[resources]]\nname = \"r\"\nport = 0\nkeys = [\"k1\"]\n";
    let bench = Bench::with(text, 1);
    for _ in 0..5 {
        bench.post("/x", "").await;
    }
    let page = bench.get("/++/journal?after=0&limit=2").await.json();
    assert_eq!((page["next"].as_u64(), page["dropped"].as_u64()), (Some(4), Some(2)));
    assert_eq!(page["records"][0]["number"], 3);
    let page = bench.get("/++/journal?after=4").await.json();
    assert_eq!((page["next"].as_u64(), page["dropped"].as_u64()), (Some(5), Some(0)));
    for bad in ["after=x", "after=-1", "since=1", "limit=x"] {
        assert_eq!(bench.get(&format!("/++/journal?{bad}")).await.status, 400, "{bad}");
    }
    let far = format!("/++/journal?after={}", u64::MAX);
    assert_eq!(bench.get(&far).await.json()["records"].as_array().unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_journal_says_which_start_of_the_process_wrote_it() {
    async fn instance(bench: &Bench) -> String {
        let page = bench.get("/++/journal").await.json();
        page["instance"].as_str().unwrap().to_owned()
    }
    let bench = Bench::new(COMPAT);
    let first = instance(&bench).await;
    assert!(!first.is_empty());
    tokio::time::advance(ms(1_000)).await;
    bench.post(TEXT, BODY).await;
    assert_eq!(instance(&bench).await, first, "as long as the process lives");
    assert_eq!(instance(&Bench::new(COMPAT)).await, first, "virtual runs start on one date");
    assert_ne!(instance(&Bench::seeded(COMPAT, 2)).await, first);
    let later = WallClock::fixed(VIRTUAL_EPOCH + ms(1));
    assert_ne!(instance(&Bench::at(COMPAT, later)).await, first);
}

#[tokio::test(start_paused = true)]
async fn metrics_count_requests_tokens_and_refusals() {
    let bench = Bench::new(COMPAT);
    bench.post(TEXT, BODY).await;
    bench.post(TEXT, BODY).await;
    bench.post("/openai/deployments/made-up/completions?api-version=2024-10-21", BODY).await;
    let metrics = bench.get("/metrics").await.body;
    for line in [
        r#"simulator_requests_total{resource="r",deployment="text",operation="Completions_Create",status="200"} 1"#,
        r#"simulator_requests_total{resource="r",deployment="text",operation="Completions_Create",status="429"} 1"#,
        r#"simulator_requests_total{resource="r",deployment="",operation="Completions_Create",status="404"} 1"#,
        r#"simulator_refusals_total{resource="r",deployment="text",reason="requests"} 1"#,
        r#"simulator_tokens_total{resource="r",deployment="text",kind="completion"} 10"#,
        r#"simulator_ptu_utilization{resource="r",deployment="chat"} 0.0"#,
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_seeds_deployments_change_their_limit_only() {
    let bench = Bench::new(COMPAT);
    let answer = bench
        .patch(
            r#"{"openai_deployments":{"text":{"tokens_per_minute":5000,"model":"gpt-3.5-turbo"}}}"#,
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["openai_deployments"]["text"]["tokens_per_minute"], 5000);
    assert_eq!(
        json["openai_deployments"].as_object().unwrap().len(),
        1,
        "the provisioned one has none"
    );
    for (patch, reason) in [
        (r#"{"openai_deployments":{"text":{"model":"gpt-4o"}}}"#, "the model is `gpt-35-turbo`"),
        (r#"{"openai_deployments":{"chat":{"tokens_per_minute":5}}}"#, "it has no `tpm`"),
        (r#"{"openai_deployments":{"none":{}}}"#, "no deployment `none`"),
    ] {
        let answer = bench.patch(patch).await;
        assert_eq!(answer.status, 400, "{patch}");
        assert!(answer.body.contains(reason), "{}", answer.body);
    }
}

#[tokio::test(start_paused = true)]
async fn stand_ins_answer_for_unknown_names() {
    let text = r#"
version = 1
[[resources]]
name = "r"
port = 0
keys = ["k1"]
undefined_deployments = ["any-chat", "any-embedding"]
deployments = [
  { name = "any-chat", model = "gpt-35-turbo", tpm = 1000000 },
  { name = "any-embedding", model = "text-embedding-ada-002", tpm = 1000000 },
]
"#;
    let bench = Bench::with(text, 1);
    let chat = r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":2}"#;
    let answer = bench.post(CHAT, chat).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["model"].as_str()),
        (200, Some("gpt-35-turbo"))
    );
    let embedding = bench.post(crate::support::EMBEDDING, r#"{"input":"hi"}"#).await;
    assert_eq!(embedding.json()["model"], "text-embedding-ada-002");
    let record = &bench.journal().await[0];
    assert_eq!(record["deployment"], "chat", "the journal keeps the name that was asked for");
}

#[tokio::test(start_paused = true)]
async fn a_trace_comes_back_and_is_in_the_journal() {
    let bench = Bench::new(COMPAT);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (sent, expected) in [(parent, Some(parent)), ("00-nonsense", None)] {
        let mut request = Bench::request(TEXT, BODY);
        request.headers_mut().insert("traceparent", sent.parse().unwrap());
        assert_eq!(bench.send(request).await.header("traceparent"), expected);
    }
    let journal = bench.journal().await;
    assert_eq!(journal[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(journal[1]["trace_id"].is_null());
}

#[tokio::test(start_paused = true)]
async fn the_journal_can_be_followed() {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    let bench = Bench::new(COMPAT);
    bench.post(TEXT, BODY).await;
    let request = http::Request::get("/++/journal/events?after=0")
        .header("api-key", crate::support::KEY)
        .body(axum::body::Body::empty())
        .unwrap();
    let mut body = bench.router().oneshot(request).await.unwrap().into_body();
    let mut next = async || {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        String::from_utf8(frame.to_vec()).unwrap()
    };
    let first = next().await;
    assert!(first.starts_with("id: 1\nevent: request\ndata: {\"sequence\":1,"), "{first}");
    bench.post(TEXT, BODY).await;
    let second = next().await;
    assert!(second.starts_with("id: 2\n") && second.contains("\"status\":429"), "{second}");
    let refused = http::Request::get("/++/journal/events").body(axum::body::Body::empty()).unwrap();
    assert_eq!(bench.send(refused).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn the_state_shows_levels_and_a_reset_empties_them() {
    let bench = Bench::new(COMPAT);
    bench.post(TEXT, BODY).await;
    bench.post(CHAT, r#"{"messages":[{"role":"user","content":"hi"}],"max_tokens":1000}"#).await;
    bench.patch(r#"{"deployments":{"text":{"tpm":2000}}}"#).await;
    let state = bench.get("/++/state").await;
    assert_eq!(state.status, 200, "{}", state.body);
    let state = state.json();
    assert_eq!(state["deployments"]["text"]["tokens"]["limit"], 2000);
    assert_eq!(state["deployments"]["text"]["tokens"]["remaining"], 1990);
    assert!(0.0 < state["deployments"]["chat"]["utilization"].as_f64().unwrap());
    assert_eq!((&state["requests"], &state["in_flight"]), (&2.into(), &0.into()));
    // Looking changes nothing.
    assert_eq!(bench.get("/++/state").await.json(), state);

    let reset = async |body: &str| bench.post("/++/reset", body).await;
    let after = reset(r#"{"only":["deployments"]}"#).await.json();
    assert_eq!(
        after["deployments"]["text"]["tokens"]["remaining"], 1000,
        "as in the file: {after}"
    );
    assert_eq!(after["deployments"]["chat"]["utilization"], 0.0);
    assert_eq!(after["journal"]["records"], 2);
    let after = reset("").await.json();
    assert_eq!(after["journal"]["records"], 0);
    assert_eq!(after["journal"]["last_sequence"], 2, "a cursor stays valid");
    for bad in ["[]", r#"{"only":["deployment"]}"#, r#"{"just":[]}"#] {
        assert_eq!(reset(bad).await.status, 400, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_toolkits_metrics_have_their_names() {
    let bench = Bench::new(COMPAT);
    bench.post(TEXT, BODY).await;
    bench.post(TEXT, BODY).await;
    let metrics = bench.get("/metrics").await.body;
    for line in [
        r#"aoai_api_simulator_latency_full_seconds_count{resource="r",deployment="text",status_code="200"} 1"#,
        r#"aoai_api_simulator_latency_full_seconds_sum{resource="r",deployment="text",status_code="200"} 0.1"#,
        r#"aoai_api_simulator_latency_base_seconds_sum{resource="r",deployment="text",status_code="200"} 0.0"#,
        r#"aoai_api_simulator_tokens_used_sum{resource="r",deployment="text",token_type="completion"} 10.0"#,
        r#"aoai_api_simulator_tokens_requested_sum{resource="r",deployment="text",token_type="completion"} 20.0"#,
        r#"aoai_api_simulator_tokens_rate_limit_sum{resource="r",deployment="text"} 10.0"#,
        r#"aoai_api_simulator_limits_requests_count{resource="r",deployment="text",limit_type="requests"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}
