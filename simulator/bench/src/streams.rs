//! Many streams at once, and how well they keep their pace.
//!
//! The k-th token is due at `sent + ttft + k × itl`. What comes later is late by the
//! way there and back, the server's timer, and our own reading. Beside the streams
//! goes a request now and then that the server answers at once: what it takes is the
//! way there and back, our own reading included.

use std::time::Duration;

use seam::pacer::Pacer;
use seam::rng::Seed;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::http::{Connection, NOTHING, Target, find};
use crate::prompts::bodies;

/// How often the way is measured, and how many times in all: for some five seconds.
const PROBE_EVERY: Duration = Duration::from_micros(7_310);
const PROBES: usize = 700;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// How many streams at once.
    #[arg(long)]
    streams: u32,
    /// Tokens of each.
    #[arg(long)]
    tokens: u32,
    /// What the deployment is configured to take until the first token.
    #[arg(long)]
    ttft_ms: f64,
    /// What it is configured to take from token to token.
    #[arg(long)]
    itl_ms: f64,
}

/// One stream: its mean gap between tokens, and how late each token was.
struct Pace {
    itl: f64,
    late: Vec<f64>,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { target, streams, tokens, ttft_ms, itl_ms } = arguments;
    let mut rng = Seed(1).stream("prompts");
    let more = json!({ "stream": true, "max_tokens": tokens });
    let bodies = bodies(64, 50, &more, &mut rng);
    let mut open = Vec::new();
    for _ in 0..streams {
        open.push(Connection::open(&target).await?);
    }
    let mut pacing = JoinSet::new();
    let pacer = Pacer::thread();
    let start = Instant::now() + Duration::from_millis(100);
    // Spread over many gaps: tokens of all streams at one moment would be a burst
    // that no service shows.
    let spread = Duration::from_secs_f64(itl_ms * 20.37 / 1e3);
    for ((index, mut connection), body) in (0..).zip(open).zip(bodies.iter().cycle()) {
        let request = target.request(body);
        let begin = start + spread * index / streams;
        let pacer = pacer.clone();
        pacing.spawn(async move {
            pacer.until(begin).await;
            pace(&mut connection, &request, tokens, ttft_ms, itl_ms).await
        });
    }
    let way = tokio::spawn(way(Connection::open(&target).await?, pacer, start));
    let mut late = Vec::new();
    let mut gaps = Vec::new();
    while let Some(done) = pacing.join_next().await {
        let pace = done??;
        gaps.push(pace.itl);
        late.extend(pace.late);
    }
    let (mut way, mut timer) = way.await??;
    let result = json!({
        "streams": streams,
        "tokens": late.len(),
        "itl_ms": gaps.iter().sum::<f64>() / gaps.len() as f64,
        "late_ms": quantiles(&mut late),
        "way_ms": quantiles(&mut way),
        "timer_ms": quantiles(&mut timer),
    });
    println!("{result}");
    Ok(())
}

fn quantiles(values: &mut [f64]) -> serde_json::Value {
    values.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let index = (values.len().saturating_sub(1) as f64 * share) as usize;
        values.get(index).copied()
    };
    json!({ "p50": quantile(0.5), "p95": quantile(0.95), "p99": quantile(0.99) })
}

/// What a request takes that is answered at once, and how late the timer was for it,
/// in milliseconds.
async fn way(
    mut connection: Connection,
    pacer: Pacer,
    mut due: Instant,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let (mut took, mut late) = (Vec::new(), Vec::new());
    for _ in 0..PROBES {
        due += PROBE_EVERY;
        pacer.until(due).await;
        let sent = Instant::now();
        late.push(sent.duration_since(due).as_secs_f64() * 1e3);
        connection.send(NOTHING).await?;
        connection.answer().await?;
        took.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    Ok((took, late))
}

async fn pace(
    connection: &mut Connection,
    request: &[u8],
    tokens: u32,
    ttft_ms: f64,
    itl_ms: f64,
) -> anyhow::Result<Pace> {
    let sent = Instant::now();
    connection.send(request).await?;
    connection.stream().await?;
    let mut at_ms = Vec::with_capacity(tokens as usize);
    let mut done = false;
    while !done {
        connection
            .events(|event, came| {
                if find(event, b"data: [DONE]").is_some() {
                    done = true;
                } else if find(event, br#""delta":{"content":"#).is_some()
                    && find(event, br#""role":"#).is_none()
                {
                    at_ms.push(came.duration_since(sent).as_secs_f64() * 1e3);
                }
            })
            .await?;
    }
    anyhow::ensure!(at_ms.len() == tokens as usize, "{} tokens came", at_ms.len());
    let span = at_ms.last().zip(at_ms.first()).map_or(0.0, |(last, first)| last - first);
    let due = |index: usize| ttft_ms + itl_ms * index as f64;
    Ok(Pace {
        itl: span / f64::from(tokens.saturating_sub(1).max(1)),
        late: at_ms.iter().enumerate().map(|(index, at)| at - due(index)).collect(),
    })
}
