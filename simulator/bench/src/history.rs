//! Whether a request costs more when many were admitted before it in the window.
//!
//! Over a socket a million requests do not fit into a minute; on virtual time they
//! do, at any machine's speed. Two deployments of one configuration take turns in
//! blocks: one has a history, the other begins anew with each block.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::diagnostic::Source;
use seam::env::Env;
use seam::rng::Seed;
use serde_json::json;
use simulator::{Environment, Simulator, load};
use tower::ServiceExt as _;

use crate::prompts::bodies;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The deployment's limit, as its configuration says it.
    #[arg(long, default_value = "tpm = 1_000_000_000")]
    limit: String,
    /// How many requests are admitted first, spread over a minute.
    #[arg(long)]
    history: u32,
    /// Requests of a block.
    #[arg(long, default_value_t = 10_000)]
    block: u32,
    /// Blocks of each.
    #[arg(long, default_value_t = 7)]
    blocks: u32,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { limit, history, block, blocks } = arguments;
    let mut rng = Seed(1).stream("prompts");
    let bodies = bodies(500, 20, &json!({ "max_tokens": 10 }), &mut rng);
    // As many a millisecond as the history has, in the blocks too.
    let step = (history / 60_000).max(1);
    let old = deployment(&limit)?;
    // What is built once (vocabularies, memories of counts) is built before.
    send(&deployment(&limit)?, &bodies, block, step).await?;
    send(&old, &bodies, history, step).await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..blocks {
        without.push(send(&deployment(&limit)?, &bodies, block, step).await?);
        with.push(send(&old, &bodies, block, step).await?);
    }
    let result = json!({
        "history": history,
        "without_us": median(&mut without),
        "with_us": median(&mut with),
    });
    println!("{result}");
    Ok(())
}

fn deployment(limit: &str) -> anyhow::Result<Router> {
    let mut text =
        String::from("version = 1\n[[resources]]\nname = \"r\"\nport = 0\nkeys = [\"k\"]\n");
    write!(
        text,
        "[[deployments]]\nname = \"bench\"\nmodel = \"gpt-4o\"\nlatency = {{ profile = \"zero\" }}\n{limit}\n"
    )?;
    let (config, _) = load(&Source::new("bench.toml", text), &Env::empty())
        .map_err(|problems| {
            problems.iter().map(|problem| problem.render(false)).collect::<String>()
        })
        .map_err(anyhow::Error::msg)?;
    let environment = Environment { seed: Seed(1), clock: WallClock::fixed(VIRTUAL_EPOCH) };
    Simulator::new(config, environment).router("r").context("there is no resource")
}

/// Sends requests; what one cost, in microseconds of CPU.
async fn send(router: &Router, bodies: &[String], requests: u32, step: u32) -> anyhow::Result<f64> {
    let before = cpu()?;
    for (number, body) in (0..requests).zip(bodies.iter().cycle()) {
        let request =
            Request::post("/openai/deployments/bench/chat/completions?api-version=2024-10-21")
                .header("api-key", "k")
                .header("content-type", "application/json")
                .body(Body::from(body.clone()))?;
        let response = router.clone().oneshot(request).await?;
        anyhow::ensure!(response.status() == 200, "{response:?}");
        response.into_body().collect().await?;
        if number % step == 0 {
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    }
    Ok((cpu()? - before) / f64::from(requests))
}

/// What this thread has used, in microseconds.
fn cpu() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().context("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1e3)
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
