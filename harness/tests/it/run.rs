//! Runs against the stub bench: load, actions, journals, in both worlds.

use std::sync::Arc;

use harness::record::{ClientRow, Outcome};
use harness::run::{Run, Watch, run};
use harness::scenario::Scenario;
use harness::target::Target;
use tokio::time::Instant;

use crate::stub::{Bench, at, scenario};

async fn go(scenario: &Arc<Scenario>, target: &Target) -> Run {
    run(scenario, 1, target, &Watch::default()).await
}

fn millis(time: harness::record::RunTime) -> i128 {
    time.nanos / 1_000_000
}

fn sent(rows: &[ClientRow]) -> Vec<i128> {
    rows.iter().map(|row| millis(row.sent)).collect()
}

const TWO_USERS: &str = r#"
[[stages]]
name = "s"
duration = "3s"
[[stages.load]]
workload = "w"
users = 2
think_time = "900ms"
spawn_rate = "2/s"
"#;

#[tokio::test(start_paused = true)]
async fn users_join_think_and_end_with_the_stage() {
    let bench = Bench::on_virtual_time();
    let run = go(&scenario(TWO_USERS), &bench.target()).await;
    assert_eq!(run.problems, Vec::<String>::new());
    let data = run.dataset;
    // Each round takes 100 ms of latency and 900 ms of thinking.
    assert_eq!(sent(&data.clients), [0, 500, 1000, 1500, 2000, 2500]);
    let first = &data.clients[0];
    assert_eq!(first.correlation_id, "stub-1-1");
    assert_eq!((millis(first.done), first.outcome.clone()), (100, Outcome::Answered(200)));
    assert_eq!(first.usage.unwrap().total, 14);
    // Journals of both sides, joined by correlation id.
    assert!(data.journals_complete);
    assert_eq!((data.backends.len(), data.gateway.len()), (6, 6));
    assert_eq!(data.backends[1].correlation_id.as_deref(), Some("stub-1-2"));
    assert_eq!(millis(data.backends[1].received), 500);
    assert_eq!(data.backends[1].usage.unwrap().completion, 10);
    assert_eq!(data.gateway[5].attempts, [("a".to_owned(), Some(200))]);
}

#[tokio::test(start_paused = true)]
async fn arrivals_do_not_wait_for_answers() {
    let scenario = scenario(
        r#"
[[stages]]
name = "ramp"
duration = "1s"
[[stages.load]]
workload = "w"
arrivals = { process = "constant", rate = "20/s" }
[[stages]]
name = "random"
duration = "2s"
[[stages.load]]
workload = "w"
arrivals = { process = "poisson", rate = "50/s" }
"#,
    );
    let run = go(&scenario, &Bench::on_virtual_time().target()).await;
    let data = run.dataset;
    let of_stage = |stage| data.clients.iter().filter(move |row| row.stage == stage);
    let due: Vec<i128> = of_stage(0).map(|row| millis(row.scheduled)).collect();
    assert_eq!(due, (0..20).map(|k| k * 50).collect::<Vec<_>>());
    // Latency is 100 ms and the gap 50 ms: two are under way at a time.
    assert!(of_stage(0).all(|row| millis(row.done) - millis(row.sent) == 100));
    // Seed fixed; the expected number is 100.
    assert!((70..130).contains(&of_stage(1).count()), "{}", of_stage(1).count());
    assert!(data.clients.iter().zip(1..).all(|(row, number)| row.number == number));
    assert_eq!(data.backends.len(), data.clients.len());
}

const ACTIONS: &str = r#"
[[stages]]
name = "s"
duration = "4s"
[[stages.load]]
workload = "w"
users = 1
think_time = "1s"
[[actions]]
name = "swap"
at = "2s"
patch = { simulator = "a", config = { latency_ms = 500 } }
[[actions]]
name = "before"
at = "-1s"
probe = { backends = [ { simulator = "b", publish_as = "b" }, { simulator = "a", publish_as = "a" } ], path = "/generate", publish = { path = "/prefer", body = { order = "$order" } } }
[[actions]]
name = "after"
at = "2s"
probe = { backends = [ { simulator = "a", publish_as = "a" }, { simulator = "b", publish_as = "b" } ], path = "/generate", publish = { path = "/prefer", body = { order = "$order" }, expect_status = 200 } }
[[actions]]
name = "refused"
at = "3s"
call = { path = "/nowhere" }
"#;

#[tokio::test(start_paused = true)]
async fn actions_run_in_order_and_publish_what_they_measured() {
    let run = go(&scenario(ACTIONS), &Bench::on_virtual_time().target()).await;
    let data = run.dataset;
    let names: Vec<&str> = data.actions.iter().map(|action| action.name.as_str()).collect();
    assert_eq!(names, ["before", "swap", "after", "refused"]);
    assert_eq!(data.actions[0].summary, "order a (100ms), b (300ms)");
    assert_eq!(millis(data.actions[0].started), -1000);
    assert_eq!(data.actions[1].summary, "a patched");
    assert_eq!(data.actions[2].summary, "order b (300ms), a (500ms)");
    // It had to wait for nothing; the next one waits for it.
    assert_eq!(millis(data.actions[2].done), 2800);
    let answer = data.actions[2].answer.as_ref().unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"message":"set"}"#));
    assert_eq!(
        data.actions[3].error.as_deref(),
        Some("POST /nowhere answered 404 Not Found, expected 2xx")
    );
    let last = data.clients.last().unwrap();
    assert_eq!(data.gateway.last().unwrap().attempts, [("b".to_owned(), Some(200))]);
    assert_eq!(millis(last.done) - millis(last.sent), 300);
    let probes = data.backends.iter().filter(|row| {
        row.correlation_id.as_ref().is_some_and(|id| id.starts_with("stub-1-action-"))
    });
    assert_eq!(probes.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_start_waits_for_slow_actions() {
    let actions = r#"
[[stages]]
name = "s"
duration = "1s"
[[stages.load]]
workload = "w"
users = 1
[[actions]]
name = "slow"
at = "-100ms"
probe = { backends = [ { simulator = "b", publish_as = "b" } ], path = "/generate", publish = { path = "/prefer", body = { order = "$order" } } }
"#;
    let run = go(&scenario(actions), &Bench::on_virtual_time().target()).await;
    let slow = &run.dataset.actions[0];
    assert_eq!((millis(slow.started), millis(slow.done)), (-300, 0));
    assert_eq!(millis(run.dataset.clients[0].sent), 0);
}

#[tokio::test(start_paused = true)]
async fn one_seed_one_dataset() {
    let text = ACTIONS.replace(
        "users = 1\nthink_time = \"1s\"",
        "arrivals = { process = \"poisson\", rate = \"30/s\" }",
    );
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        let bench = Bench::on_virtual_time();
        let run = run(&scenario(&text), seed, &bench.target(), &Watch::default()).await;
        seen.push(format!("{:#?}", run.dataset));
    }
    assert!(seen[0] == seen[1], "the same seed gave two datasets");
    assert!(seen[0] != seen[2], "another seed gave the same dataset");
}

#[tokio::test(start_paused = true)]
async fn lost_journal_rows_and_earlier_runs_are_noticed() {
    let bench = Bench::on_virtual_time();
    let target = bench.target();
    go(&scenario(TWO_USERS), &target).await;
    let second = go(&scenario(TWO_USERS), &target).await;
    assert_eq!(second.dataset.backends.len(), 6, "rows of an earlier run");
    assert_eq!(second.dataset.journal_rows_dropped, 0);

    // The ring is read every second: with room for one of two rows, one is lost.
    let mut bench = Bench::on_virtual_time();
    bench.a = bench.a.with_ring(1);
    let run = go(&scenario(TWO_USERS), &bench.target()).await;
    assert_ne!(run.dataset.journal_rows_dropped, 0);
    let rows = run.dataset.backends.len() as u64;
    assert_eq!(rows + run.dataset.journal_rows_dropped, 6);
}

/// A journal that lost a record without saying so: its places have a gap.
#[tokio::test(start_paused = true)]
async fn a_journal_with_a_gap_makes_the_run_invalid() {
    let mut bench = Bench::on_virtual_time();
    bench.a = bench.a.that_forgets(3);
    let run = go(&scenario(TWO_USERS), &bench.target()).await;
    assert_eq!((run.dataset.backends.len(), run.dataset.journal_rows_dropped), (5, 1));
    let evaluation = harness::assert::evaluate(&run.dataset, &[], &Default::default());
    assert_eq!(evaluation.outcome, harness::assert::Outcome::Invalid);
    assert_eq!(
        evaluation.validity.reasons,
        ["1 journal row of the simulators is missing: overwritten before it was read, or lost"]
    );
}

/// Nobody should wait for the end of a run that is void from its start.
#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_count_does_not_start() {
    let failing = "[[actions]]\nname = \"x\"\nat = \"-1s\"\ncall = { path = \"/no\" }\n";
    let start = Instant::now();
    let bench = Bench::on_virtual_time();
    let text = TWO_USERS.replace("3s", "10h") + failing;
    let run = go(&scenario(&text), &bench.target()).await;
    assert_eq!(run.dataset.clients.len(), 0);
    assert!(run.dataset.actions[0].error.is_some());
    assert!(start.elapsed().as_secs() < 60);

    let mut target = bench.target();
    target.gateway = harness::scenario::BaseUrl::parse("http://nobody").unwrap();
    target.gateway_journal = harness::target::Journal::Absent;
    let run = go(&scenario(TWO_USERS), &target).await;
    assert_eq!(
        run.problems,
        [
            "cannot reach the gateway at http://nobody: connection failed: nothing listens at nobody:80"
        ]
    );
    assert_eq!(run.dataset.clients.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_journal_is_a_problem_of_the_bench() {
    let bench = Bench::on_virtual_time();
    let mut target = bench.target();
    target.simulators[1].url = harness::scenario::BaseUrl::parse("http://nobody").ok();
    let run = go(&scenario(TWO_USERS), &target).await;
    assert!(!run.dataset.journals_complete);
    assert_eq!(
        run.problems,
        ["cannot reach b at http://nobody: connection failed: nothing listens at nobody:80"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_keeps_what_was_observed() {
    let bench = Bench::on_virtual_time();
    let (scenario, target, watch) = (scenario(ACTIONS), bench.target(), Watch::default());
    let start = Instant::now();
    let stop = async {
        // One second of lead, then 1.05 s: within the second request.
        at(start, 2).await;
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        watch.stop.cancel();
    };
    let (run, ()) = tokio::join!(run(&scenario, 1, &target, &watch), stop);
    assert!(run.interrupted);
    let outcomes: Vec<_> = run.dataset.clients.iter().map(|row| row.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Answered(200), Outcome::Abandoned]);
    assert_eq!(run.dataset.backends.len(), 3, "two probes and one answer");
    assert!(start.elapsed().as_secs() < 4);
}

#[tokio::test(start_paused = true)]
async fn requests_that_get_no_answer_are_rows_too() {
    let text = TWO_USERS.replace("users = 2", "users = 1");
    let bench = Bench::on_virtual_time();
    let slow = r#"
[[actions]]
name = "slow"
at = "-1s"
patch = { simulator = "a", config = { latency_ms = 60000 } }
"#;
    let run = go(&scenario(&(text + slow)), &bench.target()).await;
    let rows = &run.dataset.clients;
    // The timeout of 2 s bounds each; the second ends after its stage.
    assert_eq!(sent(rows), [0, 2900]);
    assert!(rows.iter().all(|row| row.outcome == Outcome::TimedOut));
    assert_eq!(millis(rows[1].done), 4900);
    assert_eq!(run.dataset.backends.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn users_who_neither_wait_nor_think_do_not_stop_the_clock() {
    let text = TWO_USERS.replace("think_time = \"900ms\"\n", "");
    let fast = r#"
[[actions]]
name = "fast"
at = "-1s"
patch = { simulator = "a", config = { latency_ms = 0 } }
"#;
    let run = go(&scenario(&(text + fast)), &Bench::on_virtual_time().target()).await;
    // One request a millisecond (tokio's sleep(0) may add one) and user.
    assert!((1_000..=5_600).contains(&run.dataset.clients.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_scenario_runs_over_sockets() {
    let text = ACTIONS
        .replace("4s", "1500ms")
        .replace("2s", "300ms")
        .replace("3s", "500ms")
        .replace("latency_ms = 500", "latency_ms = 400")
        .replace("think_time = \"1s\"", "think_time = \"20ms\"");
    let (target, _) = Bench::on_sockets().await;
    let run = go(&scenario(&text), &target).await;
    target.stop().await;
    assert_eq!(run.problems, Vec::<String>::new());
    let data = run.dataset;
    assert!(data.clients.iter().all(|row| row.outcome == Outcome::Answered(200)));
    assert!(data.clients.iter().all(|row| row.scheduled <= row.sent && row.sent <= row.done));
    // Every client request reached a backend once, besides four probes.
    assert_eq!(data.backends.len(), data.clients.len() + 4);
    assert_eq!(data.gateway.len(), data.clients.len());
    let summaries: Vec<&str> = data.actions.iter().map(|a| a.summary.as_str()).collect();
    assert!(summaries[0].starts_with("order a ("), "{summaries:?}");
    assert!(summaries[2].starts_with("order b ("), "{summaries:?}");
    let last = data.gateway.last().unwrap();
    assert_eq!(last.attempts, [("b".to_owned(), Some(200))]);
}

const MIXED: &str = r#"
[[workloads]]
name = "low"
path = "/api/$model"
query = { priority = "$class" }
headers = { api-key = "$key" }
body = { max_tokens = "$tokens" }
[workloads.draw]
tokens = { uniform = [5, 20] }
key = { one_of = ["secret-one", "secret-two"], labels = ["one", "two"], weights = [1.0, 3.0] }
model = { cycle = ["a", "b"] }
class = { one_of = ["low"] }
[[stages]]
name = "first"
duration = "100s"
[[stages.load]]
mix = [{ workload = "w", weight = 1 }, { workload = "low", weight = 3.0 }]
users = 4
spawn_rate = "1/s"
think_time = "900ms"
[[stages]]
name = "second"
duration = "10s"
[[stages.load]]
workload = "low"
users = 2
spawn_rate = "1/s"
think_time = "900ms"
"#;

/// Users of a stage end with it, after the request they wait for; those of the
/// next one join anew. What a request is depends on its number only.
#[tokio::test(start_paused = true)]
async fn users_of_a_mix_draw_what_each_request_is() {
    let scenario = scenario(MIXED);
    let run = go(&scenario, &Bench::on_virtual_time().target()).await;
    let rows = &run.dataset.clients;
    let joined: Vec<i128> = sent(rows)[..11].to_vec();
    assert_eq!(joined, [0, 1000, 1000, 2000, 2000, 2000, 3000, 3000, 3000, 3000, 4000]);
    let second: Vec<i128> =
        rows.iter().filter(|row| row.stage == 1).map(|row| millis(row.sent)).collect();
    assert_eq!(second[..3], [100_000, 101_000, 101_000], "the new users join one a second");
    assert_eq!(second.len(), 10 + 9);
    assert!(rows.iter().filter(|row| row.stage == 0).all(|row| millis(row.sent) < 100_000));

    let first: Vec<&ClientRow> = rows.iter().filter(|row| row.stage == 0).collect();
    assert_eq!(first.len(), 100 + 99 + 98 + 97);
    let low: Vec<&&ClientRow> = first.iter().filter(|row| row.workload == 1).collect();
    // Seed fixed; 3 of 4 expected, 5 sigma are 43.
    assert!((252..339).contains(&low.len()), "{}", low.len());
    assert!(first.iter().filter(|row| row.workload == 0).all(|row| row.labels.is_empty()));
    let two = low.iter().filter(|row| row.labels["key"] == "two").count();
    assert!((175..270).contains(&two), "{two}");
    for (turn, row) in low.iter().enumerate() {
        assert_eq!(row.labels["model"], ["a", "b"][turn % 2]);
        assert!((5..=20).contains(&row.labels["tokens"].as_i64().unwrap()));
    }
}
