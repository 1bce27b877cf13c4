//! Chat requests over kept-alive connections, at a rate or as fast as they are
//! answered.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use seam::rng::Seed;
use serde_json::json;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::http::{Connection, Target};
use crate::prompts::bodies;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// How many requests in all.
    #[arg(long)]
    requests: u64,
    /// Requests a second; without it, each connection sends as soon as it is answered.
    #[arg(long)]
    rate: Option<f64>,
    /// How many connections.
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Tokens of a prompt, about.
    #[arg(long, default_value_t = 200)]
    prompt_tokens: usize,
    /// How many prompts there are; they are sent in turn.
    #[arg(long, default_value_t = 2_000)]
    prompts: usize,
    /// Sent as `max_tokens`.
    #[arg(long, default_value_t = 60)]
    max_tokens: u64,
    /// Draws the prompts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut rng = Seed(arguments.seed).stream("prompts");
    let more = json!({ "max_tokens": arguments.max_tokens });
    let bodies = bodies(arguments.prompts, arguments.prompt_tokens, &more, &mut rng);
    let requests: Vec<Vec<u8>> = bodies.iter().map(|body| arguments.target.request(body)).collect();
    let requests = Rc::new(requests);
    let sent = Rc::new(Cell::new(0_u64));
    let started = Instant::now();
    let local = LocalSet::new();
    let mut clients = Vec::new();
    for _ in 0..arguments.connections {
        let (requests, sent) = (Rc::clone(&requests), Rc::clone(&sent));
        let mut connection = Connection::open(&arguments.target).await?;
        let (most, rate) = (arguments.requests, arguments.rate);
        clients.push(local.spawn_local(async move {
            let mut bytes = 0;
            for request in requests.iter().cycle().skip(sent.get() as usize % requests.len()) {
                if most <= sent.get() {
                    break;
                }
                let number = sent.replace(sent.get() + 1);
                if let Some(rate) = rate {
                    let due = started + Duration::from_secs_f64(number as f64 / rate);
                    tokio::time::sleep_until(due).await;
                }
                connection.send(request).await?;
                bytes += connection.answer().await?;
            }
            anyhow::Ok(bytes)
        }));
    }
    let mut bytes = 0;
    local
        .run_until(async {
            for client in clients {
                bytes += client.await??;
            }
            anyhow::Ok(())
        })
        .await?;
    let seconds = started.elapsed().as_secs_f64();
    let result = json!({
        "requests": sent.get(),
        "seconds": seconds,
        "mean_body_bytes": bytes as f64 / sent.get() as f64,
    });
    println!("{result}");
    Ok(())
}
