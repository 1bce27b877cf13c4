//! A simulator dies in the middle of a run: three simulators and a gateway in
//! containers, the harness outside. The run must end as invalid, say who was lost,
//! and account for every request.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench_containers::{Error, GatewayContainer, SimulatorContainer};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::client::records;
use crate::{Here, as_harness};

const NAMES: [&str; 3] = ["ptu1", "payg1", "payg2"];
/// How many requests `backend-death.toml` plans: 20 s of 10 a second.
const PLANNED: u64 = 200;
/// Requests answered before the end comes: three seconds of twenty.
const BEFORE: usize = 30;
/// For a run of 20 s and its end.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn trials(here: &Here) -> Vec<Trial> {
    vec![
        here.trial("a_simulator_killed_in_mid_run_makes_it_invalid", || {
            dies("kill", |simulator| async move {
                simulator.kill().await?;
                assert_eq!(simulator.exit_code().await?, Some(137), "128 + SIGKILL");
                Ok(simulator)
            })
        }),
        here.trial("a_simulator_cut_off_in_mid_run_makes_it_invalid", || {
            dies("disconnect", |simulator| async move {
                simulator.disconnect().await?;
                assert_eq!(simulator.exit_code().await?, None, "its process runs on");
                Ok(simulator)
            })
        }),
    ]
}

/// The containers of one run, on a network of their own.
struct Stack {
    simulators: [SimulatorContainer; 3],
    gateway: GatewayContainer,
}

impl Stack {
    async fn start(name: &str) -> Result<Self, Failed> {
        let network = format!("bench-containers-{name}-{}", std::process::id());
        let capability = root().join("capabilities/latency-routing");
        let simulator = |name| {
            let builder = SimulatorContainer::builder().network(&network).resources([name]);
            builder.config_file(capability.join("simulator.toml")).start()
        };
        let [ptu1, payg1, payg2] = NAMES;
        let simulators = [simulator(ptu1).await?, simulator(payg1).await?, simulator(payg2).await?];
        let mut gateway =
            GatewayContainer::builder(capability.join("gateway.toml")).network(&network);
        gateway = gateway.env("SIMULATOR_API_KEY", simulators[0].key(ptu1)?);
        for (name, simulator) in NAMES.iter().zip(&simulators) {
            let url = simulator.internal_url(name)?;
            gateway = gateway.env(format!("{}_URL", name.to_uppercase()), url);
        }
        let gateway = gateway.start().await?;
        Ok(Self { simulators, gateway })
    }

    fn arguments(&self, output: &Path) -> Result<Vec<String>, Error> {
        let scenario = root().join("containers/tests/data/backend-death.toml");
        let mut arguments = vec!["run".to_owned(), scenario.display().to_string()];
        arguments.extend(["--quiet".to_owned(), "--output".to_owned()]);
        arguments.push(output.display().to_string());
        arguments.extend(["--gateway-url".to_owned(), self.gateway.url().to_owned()]);
        for (name, simulator) in NAMES.iter().zip(&self.simulators) {
            let url = simulator.url(name)?;
            arguments.extend(["--simulator-url".to_owned(), format!("{name}={url}")]);
        }
        Ok(arguments)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

async fn dies<F, T>(name: &str, end: F) -> Result<(), Failed>
where
    F: FnOnce(SimulatorContainer) -> T,
    T: Future<Output = Result<SimulatorContainer, Error>>,
{
    let stack = Stack::start(name).await?;
    let folder = tempfile::tempdir()?;
    let child = as_harness::start(folder.path(), &stack.arguments(folder.path())?)?;
    let Stack { simulators: [_ptu1, payg1, _payg2], gateway: _gateway } = stack;
    let mut run = tokio::spawn(child.wait_with_output());
    tokio::select! {
        biased;
        early = &mut run => return Err(format!("the harness ended too early: {early:?}").into()),
        journal = records(&payg1, "payg1", 0, BEFORE) => journal?,
    };
    let _payg1 = end(payg1).await?;
    let output = tokio::time::timeout(PATIENCE, run).await???;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(one_line.contains("the journal of simulator payg1 cannot be read"), "{said}");

    let result: Value = serde_json::from_slice(&std::fs::read(folder.path().join("result.json"))?)?;
    assert_eq!(result["exit_code"], 4);
    assert_eq!(result["validity"]["valid"], false);
    let reasons = result["validity"]["reasons"].to_string();
    assert!(reasons.contains("payg1"), "{reasons}");
    assert!(!reasons.contains("ptu1") && !reasons.contains("payg2"), "{reasons}");
    adds_up(&result)
}

/// Every planned request was sent, is in exactly one class of the account, and
/// has a status or none.
fn adds_up(result: &Value) -> Result<(), Failed> {
    let account = &result["account"];
    let count = |value: &Value| value.as_u64().ok_or_else(|| format!("{value} in {account}"));
    let sum = |list: &Value| {
        let list = list.as_array().ok_or_else(|| format!("no list in {account}"))?;
        list.iter().map(|entry| count(&entry["count"])).sum::<Result<u64, _>>()
    };
    assert_eq!(count(&account["requests"])?, PLANNED, "{account}");
    let answered = sum(&account["answered"])?;
    let failed = sum(&account["failed"])?;
    let by_gateway = count(&account["answered_by_gateway"])?;
    let by_unknown = count(&account["answered_by_unknown"])?;
    assert_eq!(answered + by_gateway + by_unknown + failed, PLANNED, "{account}");

    let statuses = result["total"]["statuses"].as_object().ok_or("no statuses")?;
    let complete = statuses.values().map(count).sum::<Result<u64, _>>()?;
    assert_eq!(complete + count(&result["total"]["unanswered"])?, PLANNED, "{}", result["total"]);
    assert_eq!(complete, answered + by_gateway + by_unknown, "{account}");
    assert_eq!(count(&result["total"]["unanswered"])?, failed, "{account}");

    // The end came in the middle: some were answered, some were not.
    let good = statuses.get("200").map(count).transpose()?.unwrap_or_default();
    assert!((BEFORE as u64..PLANNED).contains(&good), "{good} answers 200: {account}");
    Ok(())
}
