//! The simulator's live control: its journal, and faults for one call. As control.py.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

/// The header of one refusal, of which `retry-after` is 2.
const TOLD_MS: u64 = 1_200;

#[derive(Deserialize)]
struct Page {
    records: Vec<Record>,
    next: u64,
}

#[derive(Deserialize)]
pub(crate) struct Record {
    correlation_id: Option<String>,
    received_us: u64,
    done_us: u64,
    pub(crate) status: u16,
}

pub(crate) struct Control<'a> {
    pub(crate) url: &'a str,
    pub(crate) key: &'a str,
}

impl Control<'_> {
    /// The records of one call; waits for the one that ends it.
    pub(crate) async fn journal(&self, correlation_id: &str) -> Result<Vec<Record>> {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let (mut records, mut after) = (Vec::new(), 0);
            loop {
                let url = format!("{}/++/journal?after={after}", self.url);
                let answer = Client::new().get(url).header("api-key", self.key).send().await?;
                let page: Page = answer.error_for_status()?.json().await?;
                if page.records.is_empty() {
                    break;
                }
                after = page.next;
                let ours =
                    |record: &Record| record.correlation_id.as_deref() == Some(correlation_id);
                records.extend(page.records.into_iter().filter(ours));
            }
            if records.iter().any(|record| record.status != 429) || deadline < Instant::now() {
                return Ok(records);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Refuses the first request of a call, with `TOLD_MS` to wait.
    pub(crate) async fn refuse_once(&self, correlation_id: &str) -> Result<()> {
        let fault: Value = json!({
            "kind": "status", "status": 429, "retry_after_ms": TOLD_MS, "count": 1,
            "name": correlation_id, "correlation_id": correlation_id,
        });
        let request =
            Client::new().post(format!("{}/++/faults", self.url)).header("api-key", self.key);
        request.json(&fault).send().await?.error_for_status()?;
        Ok(())
    }

    /// The call came again once, after the two seconds of `retry-after`.
    pub(crate) async fn check_waited_seconds(&self, correlation_id: &str) -> Result<()> {
        let records = self.journal(correlation_id).await?;
        let statuses: Vec<u16> = records.iter().map(|record| record.status).collect();
        ensure!(statuses == [429, 200], "{statuses:?}");
        let (first, second) = records.first().zip(records.last()).context("no records")?;
        let waited = Duration::from_micros(second.received_us.saturating_sub(first.done_us));
        let told = Duration::from_secs(TOLD_MS.div_ceil(1_000));
        ensure!(told <= waited && waited < told + Duration::from_secs(1), "waited {waited:?}");
        Ok(())
    }
}
