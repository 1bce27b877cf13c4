//! Simulators and gateways that are killed, restarted or cut off in mid-run, on
//! virtual time.

use std::future::Future;
use std::time::Duration;

use harness::assert::{Account, Evaluation, Outcome, ReconciliationState, Verdict, evaluate};
use harness::record::{self, BreakCause};
use harness::run::{Run, Watch, run};
use harness::scenario::Scenario;
use harness::target::Target;
use tokio::time::Instant;

use crate::stub::{Bench, Fault, scenario};

/// Ten requests a second for six seconds, and what they ask of the routing.
const LOAD: &str = r#"
[[stages]]
name = "s"
duration = "6s"
[[stages.load]]
workload = "w"
arrivals = { process = "constant", rate = "10/s" }
[[assertions]]
id = "moves"
claim = "After four seconds all answers come from b"
from = "4s"
backend_share = { simulator = "b", equals = 1.0 }
[[assertions]]
id = "answered"
claim = "Every request is answered 200"
status = { code = 200, share = { equals = 1.0 } }
"#;

fn with_instances() -> Bench {
    let mut bench = Bench::on_virtual_time();
    bench.a = bench.a.with_instance();
    bench.b = bench.b.with_instance();
    bench
}

/// The run, and what happens meanwhile; both begin now, which is when the first
/// stage begins (the stub answers at once).
async fn during(text: &str, target: &Target, events: impl Future<Output = ()>) -> Run {
    let scenario = scenario(text);
    let watch = Watch::default();
    let (run, ()) = tokio::join!(run(&scenario, 1, target, &watch), events);
    run
}

async fn after(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn judge(run: &Run, text: &str) -> Evaluation {
    let scenario: std::sync::Arc<Scenario> = scenario(text);
    let evaluation = evaluate(&run.dataset, &scenario.assertions, &Default::default());
    adds_up(&evaluation.account, run.dataset.clients.len());
    evaluation
}

fn adds_up(account: &Account, requests: usize) {
    let answered: u64 = account.answered.iter().map(|one| one.count).sum();
    let all = answered
        + account.answered_by_gateway
        + account.answered_by_unknown
        + account.failed.iter().map(|one| one.count).sum::<u64>();
    assert_eq!(all, requests as u64, "{account:?}");
}

fn counts(account: &Account) -> (Vec<u64>, u64, u64, u64) {
    let answered = account.answered.iter().map(|one| one.count).collect();
    let failed = account.failed.iter().map(|one| one.count).sum();
    (answered, account.answered_by_gateway, account.answered_by_unknown, failed)
}

#[tokio::test(start_paused = true)]
async fn a_killed_simulator_makes_the_run_invalid_and_loses_no_request() {
    let bench = with_instances();
    let target = bench.target();
    // Its records are read at 1 s and 2 s; those of 2 s to 2.55 s die with it.
    let run = during(LOAD, &target, async {
        after(2_550).await;
        bench.cable.cut("a:80", Fault::Refuses);
    })
    .await;
    assert_eq!(run.problems, Vec::<String>::new());
    let data = &run.dataset;
    assert_eq!(data.clients.len(), 60, "the load goes on to its end");
    let broken = &data.journal_breaks[0];
    assert_eq!((data.journal_breaks.len(), broken.simulator), (1, Some(0)));
    assert_eq!(
        (broken.last_read.to_string(), broken.noticed.to_string()),
        ("2s".into(), "3s".into())
    );
    let evaluation = judge(&run, LOAD);
    assert_eq!(evaluation.outcome, Outcome::Invalid);
    assert_eq!(
        evaluation.validity.reasons,
        ["the journal of simulator a cannot be read since about 3s, last read at 2s: \
          connection failed: a:80 refuses"]
    );
    // What the gateway did is seen all the same.
    assert_eq!(evaluation.assertions[0].verdict, Verdict::Passed, "{:?}", evaluation.assertions[0]);
    assert_eq!(evaluation.assertions[1].verdict, Verdict::Passed);
    assert_eq!(evaluation.reconciliation.state, ReconciliationState::NotChecked);
    // 100 ms each: those sent up to 1.9 s ended by the reading at 2 s, or with it;
    // the one of 2.5 s was under way at a and was sent again to b.
    let (answered, gateway, unknown, failed) = counts(&evaluation.account);
    assert_eq!((gateway, failed), (0, 0));
    assert_eq!(answered[1], 35);
    assert_eq!((answered[0] + unknown, (4..=6).contains(&unknown)), (25, true), "{unknown}");
    let calls = &evaluation.account.gateway_attempts;
    assert_eq!(calls[0].backend, "a");
    assert_eq!(
        (calls[0].simulator.as_deref(), calls[0].attempts, calls[0].unanswered),
        (Some("a"), 60, 35)
    );
    assert_eq!((calls[1].backend.as_str(), calls[1].attempts, calls[1].unanswered), ("b", 35, 0));
}

#[tokio::test(start_paused = true)]
async fn a_restarted_simulator_is_told_from_a_fault_of_the_gateway() {
    let bench = with_instances();
    let target = bench.target();
    let run = during(LOAD, &target, async {
        after(3_550).await;
        bench.a.restart();
    })
    .await;
    let breaks = &run.dataset.journal_breaks;
    assert_eq!((breaks.len(), &breaks[0].cause), (1, &BreakCause::Restarted));
    let evaluation = judge(&run, LOAD);
    assert_eq!(evaluation.outcome, Outcome::Invalid);
    assert_eq!(
        evaluation.validity.reasons,
        ["simulator a was restarted at about 4s: its records since 3s are lost"]
    );
    let (answered, gateway, unknown, failed) = counts(&evaluation.account);
    assert_eq!((answered[1], gateway, failed), (0, 0, 0));
    assert!((4..=6).contains(&unknown), "{unknown}");
    // Both lives begin their numbers anew, and every record counts once.
    assert_eq!(answered[0] + unknown, 60);
    let lives: Vec<u32> = run.dataset.backends.iter().map(|row| row.life).collect();
    assert!(lives.is_sorted() && lives.last() == Some(&1), "{lives:?}");
    assert!(evaluation.reconciliation.mismatches.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_short_silence_of_the_same_process_loses_nothing() {
    let silence = |bench: Bench| async move {
        let target = bench.target();
        let run = during(LOAD, &target, async {
            after(1_950).await;
            bench.cable.cut("b:80", Fault::Refuses);
            after(1_100).await;
            bench.cable.mend("b:80");
        });
        let run = run.await;
        (judge(&run, LOAD), run)
    };
    let (evaluation, run) = silence(with_instances()).await;
    assert_eq!(run.dataset.journal_breaks, []);
    assert_eq!(evaluation.validity.reasons, Vec::<String>::new());
    assert_eq!(evaluation.reconciliation.state, ReconciliationState::Reconciled);

    // One that does not say which process it is may have been restarted.
    let (evaluation, _) = silence(Bench::on_virtual_time()).await;
    assert_eq!(
        evaluation.validity.reasons,
        ["the journal of simulator b could not be read from 1s to 4s (connection failed: \
          b:80 refuses), and does not say whether it was restarted meanwhile"]
    );
}

/// Requests into a cut network never come back. Everything has an end all the same:
/// requests after their timeout, an action and the journals after theirs.
#[tokio::test(start_paused = true)]
async fn a_simulator_that_hangs_does_not_hang_the_run() {
    let text = format!(
        "{LOAD}{}",
        r#"
[[actions]]
name = "patch-the-dead"
at = "4s"
patch = { simulator = "a", config = { latency_ms = 5 } }
[[actions]]
name = "after-it"
at = "5s"
patch = { simulator = "b", config = { latency_ms = 5 } }
"#
    );
    let bench = with_instances();
    let target = bench.target();
    let begun = Instant::now();
    let run = during(&text, &target, async {
        after(2_550).await;
        bench.cable.cut("a:80", Fault::Hangs);
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    let data = &run.dataset;
    let timed_out =
        data.clients.iter().filter(|row| row.outcome == record::Outcome::TimedOut).count();
    assert_eq!((data.clients.len(), timed_out), (60, 34));
    let evaluation = judge(&run, &text);
    let reasons = &evaluation.validity.reasons;
    assert_eq!(
        reasons.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "the journal of simulator a cannot be read since about 3s, last read at 2s: \
             no answer within 10s",
            "action `patch-the-dead` failed: no answer within 10s",
            "action `after-it` started 9 s late, behind `patch-the-dead`; allowed are 0 ms",
        ]
    );
    let failed: Vec<_> =
        evaluation.account.failed.iter().map(|one| (one.how.as_str(), one.count)).collect();
    assert_eq!(failed, [("timed out", 34)]);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_gateway_is_named() {
    let bench = with_instances();
    let (target, gateway) = bench.target_and_gateway();
    let run = during(LOAD, &target, async {
        after(2_550).await;
        bench.cable.cut("gateway:80", Fault::Refuses);
        after(1_000).await;
        gateway.restart();
        bench.cable.mend("gateway:80");
    })
    .await;
    let evaluation = judge(&run, LOAD);
    assert_eq!(
        evaluation.validity.reasons[0],
        "the gateway was restarted at about 4s: its records since 2s are lost"
    );
    let (answered, _, unknown, failed) = counts(&evaluation.account);
    // One was under way, ten could not be sent; a's journal has all the others.
    assert_eq!((answered, unknown, failed), (vec![49, 0], 0, 11));
    assert_eq!(evaluation.outcome, Outcome::Invalid);
}
