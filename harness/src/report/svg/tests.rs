use super::super::super::assert::fixture::{Fixture, latency_routing};
use super::*;
use crate::assert::{Settings, evaluate};

fn draw(dataset: &Dataset) -> String {
    render(dataset, &evaluate(dataset, &[], &Settings::default()))
}

/// Refused at first, answered by the second; some refused by the gateway itself,
/// one without an answer.
fn failover() -> Dataset {
    let mut fixture = Fixture::new(90);
    for index in 0..180_u32 {
        let time = f64::from(index) * 0.5;
        match index {
            60..100 => fixture.request(time, 0.2, &[(0, 429), (1, 200)]),
            100..120 => fixture.request(time, 0.0, &[]),
            _ => fixture.request(time, 0.1, &[(0, 200)]),
        };
    }
    fixture.action("limit", 30.0, "").action("lift", 60.0, "");
    let mut dataset = fixture.dataset;
    dataset.clients[130].outcome = crate::record::Outcome::TimedOut;
    dataset
}

#[test]
fn a_failover_is_drawn() {
    insta::assert_snapshot!(draw(&failover()));
}

#[test]
fn the_same_run_gives_the_same_picture() {
    assert!(draw(&failover()) == draw(&failover()));
    assert!(draw(&latency_routing(180.0)) != draw(&latency_routing(200.0)));
}

/// Well-formed, no script, nothing loaded from elsewhere.
#[test]
fn it_is_a_picture_and_nothing_else() {
    let mut named = failover();
    named.scenario = "<script>alert('x')</script> & \"more\"".to_owned();
    named.simulators[0] = "a<b".to_owned();
    for dataset in [failover(), named, latency_routing(180.0), Fixture::new(60).dataset] {
        let text = draw(&dataset);
        let document = roxmltree::Document::parse(&text).unwrap();
        let names: std::collections::BTreeSet<&str> = document
            .descendants()
            .filter(|n| n.is_element())
            .map(|n| n.tag_name().name())
            .collect();
        let allowed = ["desc", "path", "rect", "style", "svg", "text", "title"];
        assert!(names.iter().all(|name| allowed.contains(name)), "{names:?}");
        let elsewhere = text.replacen("http://www.w3.org/2000/svg", "", 1);
        assert!(!elsewhere.contains("http") && !elsewhere.contains("url("));
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }
}

#[test]
fn everything_is_counted_once() {
    let chart = Chart::new(&failover());
    let totals = |layers: &[data::Layer]| {
        layers.iter().map(|one| (one.name.clone(), one.total())).collect::<Vec<_>>()
    };
    let named = |name: &str, count| (name.to_owned(), count);
    assert_eq!(totals(&chart.answers), [named("payg1", 119), named("payg2", 40)]);
    assert_eq!(
        totals(&chart.refusals),
        [named("payg1", 40), named("the gateway itself", 20), named("no complete answer", 1)]
    );
    assert_eq!(chart.seen_by_clients.iter().sum::<u64>(), 21);
}

/// Eight backends that share every bin: the most a page should have to load.
#[test]
fn the_largest_picture_is_small() {
    let mut fixture = Fixture::new(90);
    fixture.dataset.simulators = (1..=8).map(|n| format!("backend{n}")).collect();
    for index in 0..90 * 16_u32 {
        let simulator = (index % 8) as usize;
        let attempts = [((simulator + 3) % 8, 429), (simulator, 200)];
        fixture.request(f64::from(index) / 16.0, 0.1, &attempts);
    }
    for index in 0..40_u32 {
        fixture.action(&format!("measurement-{index}"), f64::from(index) * 2.0, "");
    }
    let text = draw(&fixture.dataset);
    assert!(text.len() < 60_000, "{}", text.len());
    assert!(draw(&failover()).len() < 15_000, "{}", draw(&failover()).len());
    roxmltree::Document::parse(&text).unwrap();
}
