use std::time::Duration;

use schemars::schema_for;
use seam::diagnostic::{Diagnostic, Source};
use seam::env::Env;
use serde::Deserialize;

use super::super::*;
use super::{Names, validate};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    assertions: Vec<Spanned<RawAssertion>>,
}

fn names() -> Names {
    let second = Duration::from_secs;
    Names {
        stages: vec![
            ("before".into(), second(0), second(120)),
            ("after".into(), second(120), second(300)),
        ],
        workloads: vec!["chat".into(), "low".into()],
        draws: vec![(
            "chat".into(),
            vec![crate::scenario::Draw {
                name: "tokens".into(),
                from: crate::scenario::DrawFrom::Uniform(5, 20),
            }],
        )],
        simulators: vec!["ptu1".into(), "payg1".into(), "payg2".into()],
        actions: vec!["measure-before".into(), "swap".into()],
    }
}

fn read(text: &str) -> (Vec<Assertion>, Vec<Diagnostic>) {
    let source = Source::new("scenario.toml", text);
    let mut out = Vec::new();
    let assertions = match seam::config::parse::<File>(&source, &Env::empty()) {
        Ok(file) => validate(file.assertions, &names(), &source, &mut out),
        Err(errors) => {
            out = errors;
            Vec::new()
        }
    };
    (assertions, out)
}

/// One assertion with these lines, which must be good.
#[track_caller]
fn good(lines: &str) -> Assertion {
    let (mut assertions, out) =
        read(&format!("[[assertions]]\nid = \"a\"\nclaim = \"c\"\n{lines}\n"));
    assert!(out.is_empty(), "{}", rendered(&out));
    assertions.remove(0)
}

fn rendered(out: &[Diagnostic]) -> String {
    out.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn bad(lines: &str) -> String {
    let (assertions, out) = read(&format!("[[assertions]]\nid = \"a\"\nclaim = \"c\"\n{lines}\n"));
    assert!(!out.is_empty(), "no problem found in {lines}");
    assert!(assertions.is_empty());
    rendered(&out)
}

#[test]
fn reads_every_kind() {
    let one = good("to = \"180s\"\nbackend_share = { simulator = \"payg1\", equals = 1.0 }");
    let exact = ShareBand { lower: 1.0, upper: 1.0, comparison: Comparison::Exact };
    assert_eq!(
        one.kind,
        Kind::BackendShare(BackendShare { simulator: "payg1".into(), band: exact })
    );
    assert_eq!(one.scope.span.end, Some(Duration::from_secs(180)));

    let one = good(
        "stage = \"after\"\nsettle = \"2s\"\n[assertions.backend_share]\nsimulator = \"payg1\"\nequals = 0.5\nwithin = 0.05",
    );
    let Kind::BackendShare(BackendShare { band, .. }) = one.kind else { panic!("{one:?}") };
    assert_eq!(band.comparison, Comparison::Interval);
    assert!((band.lower - 0.45).abs() < 1e-12 && (band.upper - 0.55).abs() < 1e-12);
    assert_eq!(one.scope.span.start, Start::At(Duration::from_secs(120)));
    assert_eq!(one.scope.span.settle, Duration::from_secs(2));

    let one = good("workload = \"chat\"\nlatency = { statistic = \"p95\", at_most = \"250ms\" }");
    let limits = Limits { at_least: None, at_most: Some(Duration::from_millis(250)) };
    let p95 = Statistic::Percentile(0.95);
    assert_eq!(one.kind, Kind::Latency(Latency { statistic: p95, sample: Sample::All, limits }));

    let one = good(
        "from = \"125s\"\nto = \"180s\"\n[assertions.latency_ratio]\nstatistic = \"mean\"\nbaseline = { from = \"10s\", to = \"120s\" }\nat_least = 5.0",
    );
    let Kind::LatencyRatio(LatencyRatio { baseline, limits, .. }) = one.kind else {
        panic!("{one:?}")
    };
    assert_eq!(baseline.start, Start::At(Duration::from_secs(10)));
    assert_eq!(limits, Limits { at_least: Some(5.0), at_most: None });

    let one = good("status = { code = 429, equals = 0 }");
    let none = StatusMeasure::Count(Limits { at_least: Some(0), at_most: Some(0) });
    assert_eq!(
        one.kind,
        Kind::Status(Status {
            statuses: Statuses::Codes(vec![429]),
            seen_by: SeenBy::Clients,
            measure: none
        })
    );
    let one = good("status = { class = \"5xx\", seen_by = \"payg1\", share = { at_most = 0.01 } }");
    let Kind::Status(Status { statuses, seen_by, .. }) = one.kind else { panic!("{one:?}") };
    assert_eq!((statuses, seen_by), (Statuses::Class(5), SeenBy::Simulator("payg1".into())));

    let one = good(
        "action_answer = { all = true, status = 200, content_type = \"application/json\", body = \"{}\" }",
    );
    assert!(matches!(
        one.kind,
        Kind::ActionAnswer(ActionAnswer { actions: ActionChoice::All, .. })
    ));

    let one = good(
        "after_action = \"swap\"\nattempts = { answered_by = \"payg2\", preceded_by = { simulator = \"payg1\", status = 429, exactly = 1 } }",
    );
    assert_eq!(one.scope.span.start, Start::AfterAction("swap".into()));
    assert_eq!(one.kind.name(), "attempts");

    let one = good("requests = { at_least = 100 }");
    let limits = Limits { at_least: Some(100), at_most: None };
    assert_eq!(one.kind, Kind::Requests(Requests { limits }));
}

#[test]
fn reads_kinds_about_rates() {
    let one = good(
        "window = { length = \"60s\", count = { code = 200, answered_by = \"ptu1\", weight = 244 }, at_most = 100000 }",
    );
    let Kind::Window(window) = one.kind else { panic!("{one:?}") };
    assert_eq!((window.length, window.while_offered), (Duration::from_secs(60), 1));
    assert_eq!(window.counted.answered_by.as_deref(), Some("ptu1"));
    assert_eq!(window.counted.weight, Weight::Fixed(244));
    let one = good("window = { length = \"10s\", at_least = 1, while_offered = 5 }");
    let Kind::Window(window) = one.kind else { panic!("{one:?}") };
    assert_eq!((window.while_offered, window.counted.statuses), (5, None));

    let one = good(
        "bins = { length = \"10s\", count = { code = 429 }, share_at_least = 1.0, matching = { equals = 1 }, per = \"1m\" }",
    );
    let Kind::Bins(bins) = one.kind else { panic!("{one:?}") };
    assert_eq!((bins.per, bins.condition), (Some(6), BinCondition::Share(1.0)));
    let one = good(
        "bins = { length = \"10s\", count = { tokens = \"total\", seen_by = \"ptu1\" }, at_most = 75 }",
    );
    let Kind::Bins(bins) = one.kind else { panic!("{one:?}") };
    assert_eq!((bins.matching, bins.counted.weight), (None, Weight::TotalTokens));

    let one = good(
        "period = { count = { code = 429 }, bin = \"5s\", equals = \"60s\", within = \"10s\" }",
    );
    let Kind::Period(period) = one.kind else { panic!("{one:?}") };
    assert_eq!((period.shortest.as_secs(), period.longest.as_secs(), period.over), (50, 70, None));
    assert_eq!(period.lasting, None);
    let one = good(
        "period = { bin = \"5s\", equals = \"60s\", within = \"10s\", lasting = { at_least = \"30s\", at_most = \"40s\" } }",
    );
    let Kind::Period(period) = one.kind else { panic!("{one:?}") };
    let lasting = period.lasting.unwrap();
    assert_eq!(lasting.at_least, Some(Duration::from_secs(30)));
    assert_eq!(lasting.at_most, Some(Duration::from_secs(40)));
}

#[test]
fn reads_kinds_about_classes() {
    let one = good(
        "stage = \"after\"\ninversions = { high = { workload = \"chat\" }, low = { workload = \"low\" }, within = \"1s\", pool = [\"ptu1\"], at_most = 0 }",
    );
    let Kind::Inversions(inversions) = one.kind else { panic!("{one:?}") };
    assert_eq!((inversions.pool.len(), inversions.at_most), (1, 0));
    assert_eq!(one.scope.span.start, Start::At(Duration::from_secs(120)));
    let one =
        good("workload = \"low\"\nstarvation = { count = { class = \"2xx\" }, at_most = \"10s\" }");
    assert_eq!((one.kind.name(), one.scope.workload.as_deref()), ("starvation", Some("low")));
    let one = good("fairness = { by = \"tokens\", at_least = 0.95 }");
    let Kind::Fairness(fairness) = one.kind else { panic!("{one:?}") };
    assert_eq!(fairness.by, Among::Draw("tokens".into()));
    let one = good(
        "stage = \"after\"\nrate_ratio = { count = { tokens = \"total\" }, baseline = { stage = \"before\" }, at_least = 1.2 }",
    );
    let Kind::RateRatio(ratio) = one.kind else { panic!("{one:?}") };
    assert_eq!(ratio.baseline.end, Some(Duration::from_secs(120)));
    let one = good(
        "after_action = \"swap\"\nconverges = { count = { answered_by = \"payg2\" }, share_at_least = 0.95, within = \"20s\" }",
    );
    let Kind::Converges(converges) = one.kind else { panic!("{one:?}") };
    assert_eq!((converges.requests, converges.lower, converges.upper), (100, 0.95, 1.0));
}

#[test]
fn points_at_what_rates_cannot_be() {
    for lines in [
        "workload = \"chat\"\ninversions = { high = {}, low = { workload = \"lwo\" }, within = \"1s\", at_most = 0 }",
        "inversions = { high = { workload = \"low\" }, low = { workload = \"low\" }, within = \"1s\", pool = [], at_most = 0 }",
        "starvation = { count = { tokens = \"total\" }, at_most = \"10s\" }",
        "fairness = { by = \"tokns\", at_least = 1.5 }",
        "rate_ratio = { baseline = {}, at_least = 0.0 }",
        "converges = { count = { seen_by = \"ptu1\" }, requests = 0, within = \"20s\", share_at_least = 95.0 }",
        "window = { length = \"0s\", at_most = 1 }",
        "window = { length = \"10m\", count = { code = 200, class = \"2xx\" }, at_most = 1 }",
        "window = { length = \"10s\", at_least = 0 }",
        "window = { length = \"10s\", at_most = 5, while_offered = 2 }",
        "window = { length = \"10s\", count = { weight = 2, tokens = \"total\" }, at_most = 5 }",
        "window = { length = \"10s\", count = { tokens = \"totl\", seen_by = \"ptu1\", answered_by = \"ptu2\" }, at_most = 5 }",
        "bins = { length = \"10s\", at_most = 5, per = \"25s\" }",
        "bins = { length = \"10s\", count = { tokens = \"total\" }, at_most = 5, share_at_least = 2.0 }",
        "bins = { length = \"10s\", at_most = 5, matching = { equals = 1, at_most = 2 } }",
        "bins = { length = \"10s\", matching = {} }",
        "period = { bin = \"10s\", equals = \"20s\", within = \"5s\" }",
        "period = { bin = \"10s\", equals = \"60s\", within = \"10s\", lasting = {} }",
        "period = { bin = \"10s\", equals = \"60s\", within = \"10s\", lasting = { at_least = \"10s\" } }",
        "period = { bin = \"10s\", equals = \"60s\", within = \"10s\", lasting = { at_least = \"70s\", at_most = \"5s\" } }",
        "period = { bin = \"10s\", equals = \"60s\", within = \"10s\", lasting = { least = \"20s\" } }",
    ] {
        insta::assert_snapshot!(bad(lines));
    }
}

#[test]
fn always_and_never_are_facts_and_estimates_need_room() {
    let comparison = |keys: &str| {
        let one = good(&format!("backend_share = {{ simulator = \"payg1\", {keys} }}"));
        match one.kind {
            Kind::BackendShare(BackendShare { band, .. }) => band.comparison,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(comparison("equals = 0.0"), Comparison::Exact);
    assert_eq!(comparison("at_least = 1.0"), Comparison::Exact);
    assert_eq!(comparison("at_most = 0.0"), Comparison::Exact);
    assert_eq!(comparison("equals = 0.5, exact = true"), Comparison::Exact);
    assert_eq!(comparison("at_least = 0.95"), Comparison::Interval);
    assert_eq!(comparison("equals = 1.0, within = 0.01"), Comparison::Interval);
}

#[test]
fn percentiles_print_as_written() {
    for text in ["p50", "p95", "p99", "p99.9", "p99.99", "p5", "mean"] {
        let one = good(&format!("latency = {{ statistic = \"{text}\", at_most = \"1s\" }}"));
        let Kind::Latency(Latency { statistic, .. }) = one.kind else { panic!("{one:?}") };
        assert_eq!(statistic.to_string(), text);
    }
}

#[test]
fn points_at_names_that_do_not_exist() {
    insta::assert_snapshot!(bad(
        "workload = \"caht\"\nstage = \"befor\"\nbackend_share = { simulator = \"pagy1\", equals = 1.0 }"
    ));
    insta::assert_snapshot!(bad("after_action = \"swop\"\nrequests = { at_least = 1 }"));
    insta::assert_snapshot!(bad("status = { code = 429, seen_by = \"client\", equals = 0 }"));
}

#[test]
fn requests_are_chosen_by_what_can_be_drawn() {
    let one = good("where = { tokens = 5 }\nrequests = { at_least = 1 }");
    assert_eq!(one.scope.labels, [("tokens".to_owned(), 5.into())]);
    insta::assert_snapshot!(bad("where = { tokns = 5 }\nrequests = { at_least = 1 }"));
    insta::assert_snapshot!(bad("where = { tokens = 21 }\nrequests = { at_least = 1 }"));
    insta::assert_snapshot!(bad(
        "workload = \"low\"\nwhere = { tokens = 5 }\nrequests = { at_least = 1 }"
    ));
    insta::assert_snapshot!(bad(
        "where = { tokens = 5 }\naction_answer = { all = true, status = 200 }"
    ));
}

#[test]
fn points_at_spans_that_cannot_be() {
    insta::assert_snapshot!(bad("from = \"-5s\"\nto = \"6m\"\nrequests = { at_least = 1 }"));
    insta::assert_snapshot!(bad("from = \"90s\"\nto = \"60s\"\nrequests = { at_least = 1 }"));
    insta::assert_snapshot!(bad(
        "from = \"10s\"\nstage = \"after\"\nafter_action = \"swap\"\nrequests = { at_least = 1 }"
    ));
    insta::assert_snapshot!(bad(
        "stage = \"before\"\nsettle = \"2m\"\nrequests = { at_least = 1 }"
    ));
    insta::assert_snapshot!(bad(
        "latency_ratio = { statistic = \"mean\", baseline = {}, at_least = 5.0 }"
    ));
}

#[test]
fn points_at_missing_and_double_kinds() {
    insta::assert_snapshot!(bad("stage = \"before\""));
    insta::assert_snapshot!(bad(
        "requests = { at_least = 1 }\nstatus = { code = 429, equals = 0 }"
    ));
    insta::assert_snapshot!(bad("backend_shares = { simulator = \"payg1\", equals = 1.0 }"));
}

#[test]
fn points_at_contradictory_bounds() {
    insta::assert_snapshot!(bad(
        "backend_share = { simulator = \"payg1\", equals = 0.5, at_least = 0.4 }"
    ));
    insta::assert_snapshot!(bad("backend_share = { simulator = \"payg1\", equals = 0.5 }"));
    insta::assert_snapshot!(bad("backend_share = { simulator = \"payg1\", at_least = 95 }"));
    insta::assert_snapshot!(bad("backend_share = { simulator = \"payg1\", within = 0.05 }"));
    insta::assert_snapshot!(bad(
        "latency = { statistic = \"p100\", at_least = \"2s\", at_most = \"1s\" }"
    ));
    insta::assert_snapshot!(bad(
        "status = { code = 429, class = \"4xx\", equals = 0, share = { at_most = 0.1 } }"
    ));
    insta::assert_snapshot!(bad("status = { code = 42, at_least = 1 }"));
}

#[test]
fn refuses_assertions_that_cannot_fail() {
    insta::assert_snapshot!(bad("requests = { at_least = 0 }"));
    insta::assert_snapshot!(bad("backend_share = { simulator = \"payg1\", at_least = 0.0 }"));
    insta::assert_snapshot!(bad("action_answer = { action = \"swap\" }"));
    insta::assert_snapshot!(bad(
        "stage = \"before\"\naction_answer = { actions = [\"swap\", \"swp\"], status = 200 }"
    ));
}

#[test]
fn points_at_both_assertions_of_one_name() {
    let one = "[[assertions]]\nid = \"a\"\nclaim = \"c\"\nrequests = { at_least = 1 }\n";
    let (_, out) = read(&format!("{one}{one}"));
    insta::assert_snapshot!(rendered(&out));
}

#[test]
fn schema_accepts_what_the_reader_accepts() {
    let schema = serde_json::to_value(schema_for!(RawAssertion)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = "id = \"a\"\nclaim = \"c\"\nfrom = \"10s\"\nbackend_share = { simulator = \"payg1\", equals = 1.0 }";
    let value: serde_json::Value = toml::from_str(text).unwrap();
    assert!(validator.is_valid(&value));
    let value: serde_json::Value = toml::from_str("id = \"a\"\nclaim = \"c\"\nx = 1").unwrap();
    assert!(!validator.is_valid(&value));
    let value: serde_json::Value = toml::from_str("id = \"a\"").unwrap();
    assert!(!validator.is_valid(&value));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_numbers_give_an_assertion_or_a_diagnostic(a in -1.0_f64..200.0, b in -1.0_f64..2.0, exact: bool) {
        let text = format!(
            "[[assertions]]\nid = \"a\"\nclaim = \"c\"\nbackend_share = {{ simulator = \"payg1\", equals = {a:?}, within = {b:?}, exact = {exact} }}\n"
        );
        let (assertions, out) = read(&text);
        proptest::prop_assert_eq!(assertions.is_empty(), !out.is_empty());
    }
}

#[test]
fn reads_what_is_asked_of_routes() {
    let one = good("alternation = { among = [\"payg1\", \"payg2\"], first = \"payg2\" }");
    let among = vec!["payg1".into(), "payg2".into()];
    assert_eq!(one.kind, Kind::Alternation(Alternation { among, first: Some("payg2".into()) }));

    let one = good("header = { name = \"X-APIM-Backend\", by_simulator = { payg1 = \"one\" } }");
    let expected = ExpectedHeader::BySimulator([("payg1".into(), "one".into())].into());
    assert_eq!(one.kind, Kind::Header(Header { name: "x-apim-backend".into(), expected }));
    for (key, expected) in
        [("present", ExpectedHeader::Present), ("absent", ExpectedHeader::Absent)]
    {
        let one = good(&format!("header = {{ name = \"x-gw-priority\", {key} = true }}"));
        assert_eq!(one.kind, Kind::Header(Header { name: "x-gw-priority".into(), expected }));
    }

    let one = good("retry_wait = { answered_by = \"payg1\", at_least = \"1s\" }");
    let limits = Limits { at_least: Some(Duration::from_secs(1)), at_most: None };
    let answered_by = Some("payg1".into());
    assert_eq!(one.kind, Kind::RetryWait(RetryWait { answered_by, limits }));

    let one = good(
        "breaker = { simulator = \"ptu1\", status = 429, failures = 3, within = \"10s\", trip = \"1m\" }",
    );
    let Kind::Breaker(breaker) = one.kind else { panic!("{one:?}") };
    assert_eq!((breaker.failures, breaker.trip), (3, Duration::from_secs(60)));
    assert_eq!((breaker.grace, breaker.meanwhile), (Duration::from_millis(50), None));
}

#[test]
fn points_at_routes_that_cannot_be() {
    insta::assert_snapshot!(bad(
        "alternation = { among = [\"payg1\", \"payg1\"], first = \"payg2\" }"
    ));
    insta::assert_snapshot!(bad("header = { name = \"x-request-id\", absent = true }"));
    insta::assert_snapshot!(bad(
        "header = { name = \"x-gw-priority\", present = false, equals = \"low\" }"
    ));
    insta::assert_snapshot!(bad("header = { name = \"x-gw-priority\" }"));
    insta::assert_snapshot!(bad(
        "header = { name = \"x-gw-priority\", by_simulator = { pagy1 = \"a\" } }"
    ));
    insta::assert_snapshot!(bad("retry_wait = { answered_by = \"payg1\", at_least = \"0s\" }"));
    insta::assert_snapshot!(bad(
        "breaker = { simulator = \"ptu1\", status = 429, failures = 0, within = \"0s\", trip = \"1m\", meanwhile = \"ptu1\" }"
    ));
}

#[test]
fn a_shape_has_a_number_that_can_be() {
    let shape = |rest: &str| {
        format!(
            "answers = {{ code = 200, one_of = [{{ name = \"rare\", has = [\"x-gw-a\"], {rest} }}] }}"
        )
    };
    let Kind::Answers(answers) = good(&shape("at_least = 1, at_most = 2")).kind else { panic!() };
    assert_eq!((answers.shapes[0].at_least, answers.shapes[0].at_most), (1, Some(2)));
    let told = bad(&shape("at_least = 3, at_most = 2"));
    assert!(told.contains("`at_least` is above `at_most`"), "{told}");
    assert!(good("simulators_only = true\nrequests = { at_least = 1 }").simulators_only);
}
