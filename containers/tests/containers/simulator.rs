//! One simulator in a container: what other people's test suites use.

use std::time::Duration;

use bench_containers::{Error, SimulatorContainer};
use futures_util::StreamExt as _;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use testcontainers::bollard::models::HealthStatusEnum;
use testcontainers::bollard::query_parameters::InspectContainerOptions;
use testcontainers::core::client::docker_client_instance;
use tokio::time::Instant;

use crate::Here;
use crate::client::{chat, eventually, post, records};

/// A resource with a deployment that answers at once, one with a small limit, and
/// one whose answers take seconds.
const CONFIG: &str = r#"
version = 1

[[resources]]
name = "east"
port = 9101
keys = ["${SIMULATOR_API_KEY}"]

[[resources]]
name = "west"
port = 9102
keys = ["${WEST_KEY:-west-key}"]

[[deployments]]
name = "fast"
model = "gpt-4o"
tpm = 100_000
latency = { profile = "zero" }

[[deployments]]
name = "tiny"
model = "gpt-4o"
tpm = 1_000
latency = { profile = "zero" }

[[deployments]]
name = "slow"
model = "gpt-35-turbo"
tpm = 100_000
wire_profile = "azure_2024"
latency = { profile = "aoai_simulator_compat", chat_ms_per_token = 20 }
"#;

pub(crate) fn trials(here: &Here) -> Vec<Trial> {
    vec![
        here.trial("starts_healthy_and_serves_what_is_configured", starts_healthy),
        here.trial("serves_the_built_in_topology_without_a_configuration", built_in),
        here.trial("serves_one_resource_of_a_configuration_file", one_of_a_file),
        here.trial("answers_chat_completions_with_usage", usage),
        here.trial("answers_429_with_retry_after_beyond_the_limit", limit),
        here.trial("changes_limits_and_latency_while_it_runs", live_control),
        here.trial("journals_every_request_once_behind_a_cursor", journal),
        here.trial("finishes_requests_before_it_stops_with_0", drain),
        here.trial("cuts_requests_when_the_drain_time_is_over", cut),
        here.trial("freezes_and_goes_on", pause),
        here.trial("says_why_a_configuration_is_refused", refused),
        here.trial("says_how_to_build_an_image_that_is_missing", no_image),
    ]
}

async fn configured() -> Result<SimulatorContainer, Error> {
    SimulatorContainer::builder().config(CONFIG).start().await
}

/// Ready for us at once; the engine's own health check follows.
async fn starts_healthy() -> Result<(), Failed> {
    let simulator = configured().await?;
    assert_eq!(simulator.resources().collect::<Vec<_>>(), ["east", "west"]);
    assert_eq!(simulator.key("east")?, "simulator-key");
    assert_eq!(simulator.key("west")?, "west-key");
    for resource in ["east", "west"] {
        let config = simulator.config(resource).await?;
        assert_eq!(config["deployments"]["tiny"]["tpm"], 1_000, "{config}");
    }
    let unknown = simulator.url("north").err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(unknown, "no resource `north` in this simulator: it serves east, west");
    assert!(matches!(simulator.internal_url("east"), Err(Error::NoNetwork { .. })));
    assert!(simulator.log().await?.contains("simulator ready"));
    let docker = docker_client_instance().await?;
    eventually("the engine's health check", || async {
        let found =
            docker.inspect_container(simulator.id(), None::<InspectContainerOptions>).await?;
        let health = found.state.and_then(|state| state.health).and_then(|health| health.status);
        match health {
            Some(HealthStatusEnum::HEALTHY) => Ok(Some(())),
            Some(HealthStatusEnum::STARTING) => Ok(None),
            other => Err(Failed::from(format!("the engine calls it {other:?}"))),
        }
    })
    .await
}

async fn built_in() -> Result<(), Failed> {
    let simulator = SimulatorContainer::start().await?;
    assert_eq!(simulator.resources().collect::<Vec<_>>(), ["ptu1", "payg1", "payg2"]);
    for (resource, limit, amount) in
        [("ptu1", "ptu", 50), ("payg1", "tpm", 150_000), ("payg2", "tpm", 150_000)]
    {
        let config = simulator.config(resource).await?;
        assert_eq!(config["deployments"]["gpt-4o"][limit], amount, "{resource}: {config}");
    }
    let answer = chat(&simulator, ("ptu1", "gpt-4o"), "built-in", 10).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.headers.contains_key("azure-openai-deployment-utilization"), "{answer:?}");
    Ok(())
}

/// The others of the file are not served, and the file's `${NAME}` is filled in.
async fn one_of_a_file() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("simulator.toml");
    std::fs::write(&file, CONFIG)?;
    let builder = SimulatorContainer::builder().config_file(&file).resources(["west"]).seed(7);
    let simulator = builder.env("WEST_KEY", "another").start().await?;
    assert_eq!(simulator.resources().collect::<Vec<_>>(), ["west"]);
    assert_eq!(simulator.key("west")?, "another");
    assert_eq!(simulator.config("west").await?["deployments"]["fast"]["tpm"], 100_000);
    let log = simulator.log().await?;
    assert!(log.contains("seed 7") && !log.contains("east"), "{log}");
    Ok(())
}

async fn usage() -> Result<(), Failed> {
    let simulator = configured().await?;
    let answer = chat(&simulator, ("east", "fast"), "usage", 20).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    let usage = &answer.body["usage"];
    let tokens = |key: &str| usage[key].as_u64().ok_or_else(|| format!("no {key} in {usage}"));
    assert_eq!(tokens("prompt_tokens")?, 8);
    assert!((1..=20).contains(&tokens("completion_tokens")?), "{usage}");
    assert_eq!(tokens("total_tokens")?, tokens("prompt_tokens")? + tokens("completion_tokens")?);
    assert!(answer.body["choices"][0]["message"]["content"].is_string(), "{answer:?}");
    Ok(())
}

async fn limit() -> Result<(), Failed> {
    let simulator = configured().await?;
    let first = chat(&simulator, ("east", "tiny"), "first", 1_000).await?;
    assert_eq!(first.status, 200, "{first:?}");
    let second = chat(&simulator, ("east", "tiny"), "second", 1_000).await?;
    assert_eq!(second.status, 429, "{second:?}");
    assert_eq!(second.body["error"]["code"], "429");
    let milliseconds = second.number("retry-after-ms")?;
    assert!((1..=60_000).contains(&milliseconds), "{second:?}");
    assert_eq!(second.number("retry-after")?, milliseconds.div_ceil(1_000));
    // The limit is the resource's own.
    assert_eq!(chat(&simulator, ("west", "tiny"), "elsewhere", 1_000).await?.status, 200);
    Ok(())
}

async fn live_control() -> Result<(), Failed> {
    let simulator = configured().await?;
    assert_eq!(chat(&simulator, ("east", "fast"), "before", 100).await?.status, 200);
    let patch = json!({ "deployments": { "fast": { "tpm": 10 } } });
    let now = simulator.patch_config("east", &patch).await?;
    assert_eq!(now["deployments"]["fast"]["tpm"], 10, "{now}");
    assert_eq!(chat(&simulator, ("east", "fast"), "lowered", 100).await?.status, 429);
    assert_eq!(chat(&simulator, ("west", "fast"), "elsewhere", 100).await?.status, 200);

    // 100 tokens at 30 ms are three seconds, give or take the spread.
    let slow = json!({ "deployments": { "fast": {
        "tpm": 100_000,
        "latency": { "profile": "aoai_simulator_compat", "chat_ms_per_token": 30 },
    } } });
    simulator.patch_config("east", &slow).await?;
    let started = Instant::now();
    let answer = chat(&simulator, ("east", "fast"), "slowed", 100).await?;
    let took = started.elapsed();
    assert_eq!(answer.status, 200, "{answer:?}");
    let tokens = answer.body["usage"]["completion_tokens"].as_u64().unwrap_or_default();
    assert!(took >= Duration::from_millis(tokens * 15), "{tokens} tokens in {took:?}");

    let mistake = json!({ "deployments": { "fast": { "tpn": 10 } } });
    match simulator.patch_config("east", &mistake).await {
        Err(Error::Answer { status: 400, detail, .. }) => {
            assert!(detail.contains("tpn"), "{detail}")
        }
        other => return Err(format!("a misspelt key: {other:?}").into()),
    }
    assert_eq!(simulator.config("east").await?["deployments"]["fast"]["tpm"], 100_000);
    Ok(())
}

async fn journal() -> Result<(), Failed> {
    let simulator = configured().await?;
    let ids = ["a", "b", "c"];
    for id in ids {
        assert_eq!(chat(&simulator, ("east", "fast"), id, 10).await?.status, 200);
    }
    assert_eq!(chat(&simulator, ("east", "nowhere"), "d", 10).await?.status, 404);
    let page = records(&simulator, "east", 0, 4).await?;
    let seen: Vec<_> = page.records.iter().map(|record| &record["correlation_id"]).collect();
    assert_eq!(seen, ["a", "b", "c", "d"]);
    let statuses: Vec<_> = page.records.iter().map(|record| &record["status"]).collect();
    assert_eq!(statuses, [200, 200, 200, 404]);
    assert_eq!((page.next, page.dropped), (4, 0));

    assert_eq!(
        simulator.journal("east", page.next).await?.records,
        Vec::<serde_json::Value>::new()
    );
    assert_eq!(chat(&simulator, ("east", "fast"), "e", 10).await?.status, 200);
    let rest = records(&simulator, "east", page.next, 1).await?;
    assert_eq!(rest.records.len(), 1, "{rest:?}");
    assert_eq!(rest.records[0]["correlation_id"], "e");
    assert_eq!(simulator.journal("west", 0).await?.records.len(), 0);
    Ok(())
}

/// SIGTERM in the middle of a stream: it is answered to its end.
async fn drain() -> Result<(), Failed> {
    let simulator = configured().await?;
    let body = json!({ "messages": [{ "role": "user", "content": "Hello" }],
        "max_tokens": 100, "stream": true });
    let response = post(&simulator, ("east", "slow"), "drained", &body).await??;
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    let first = stream.next().await.ok_or("no first chunk")??;
    let rest = async {
        let mut text = String::from_utf8_lossy(&first).into_owned();
        while let Some(chunk) = stream.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk?));
        }
        Ok::<_, Failed>(text)
    };
    let started = Instant::now();
    let (text, code) = tokio::join!(rest, simulator.stop());
    let (text, code, took) = (text?, code?, started.elapsed());
    assert!(text.trim_end().ends_with("data: [DONE]"), "the stream broke off: {text}");
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(30), "two seconds of stream, stopped after {took:?}");
    assert_eq!(simulator.exit_code().await?, Some(0));
    Ok(())
}

/// A stream longer than the drain time does not hold the process.
async fn cut() -> Result<(), Failed> {
    let builder = SimulatorContainer::builder().config(CONFIG);
    let simulator = builder.drain(Duration::from_millis(200)).start().await?;
    let body = json!({ "messages": [{ "role": "user", "content": "Hello" }],
        "max_tokens": 1_000, "stream": true });
    let response = post(&simulator, ("east", "slow"), "cut", &body).await??;
    let mut stream = response.into_body().into_data_stream();
    stream.next().await.ok_or("no first chunk")??;
    let started = Instant::now();
    let code = simulator.stop().await?;
    let took = started.elapsed();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(10), "twenty seconds of stream, stopped after {took:?}");
    let broken = loop {
        match stream.next().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(broken, "a stream that was cut ended as if it were complete");
    Ok(())
}

async fn pause() -> Result<(), Failed> {
    let simulator = configured().await?;
    simulator.pause().await?;
    let request = chat(&simulator, ("east", "fast"), "frozen", 10);
    tokio::pin!(request);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut request).await;
    assert!(early.is_err(), "an answer of a frozen process: {early:?}");
    simulator.unpause().await?;
    assert_eq!(request.await?.status, 200);
    Ok(())
}

async fn refused() -> Result<(), Failed> {
    let misspelt = CONFIG.replace("tpm = 1_000", "tpn = 1_000");
    let started = SimulatorContainer::builder().config(misspelt).start().await;
    let Err(error @ Error::Ended { code: 2, .. }) = started else {
        return Err(format!("a misspelt key: {started:?}").into());
    };
    let text = error.to_string();
    assert!(text.contains("ended with exit code 2 before it was ready"), "{text}");
    assert!(text.contains("tpn") && text.contains("/bench/simulator.toml"), "{text}");
    Ok(())
}

async fn no_image() -> Result<(), Failed> {
    let started = SimulatorContainer::builder().image("no-such-image", "at-all").start().await;
    let text = started.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.starts_with("there is no image `no-such-image:at-all`"), "{text}");
    assert!(text.contains("docker compose build"), "{text}");
    Ok(())
}
