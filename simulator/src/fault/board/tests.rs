use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::fault::{Pattern, Window};

fn fault(name: &str) -> Fault {
    Fault {
        name: Arc::from(name),
        window: Window::default(),
        deployments: Vec::new(),
        operations: Vec::new(),
        correlation_id: None,
        stream: None,
        probability: 1.0,
        keyed_by: Key::Request,
        skip: 0,
        count: None,
        stage: Stage::BeforeAdmission,
        effect: Effect::Reset { after_tokens: None },
    }
}

fn board(faults: Vec<(Fault, Owner)>) -> (Board, Instant) {
    let now = Instant::now();
    let armed = faults
        .into_iter()
        .map(|(fault, owner)| Arc::new(Armed::new(fault, raw::Fault::default(), owner, now)))
        .collect();
    (Board::new(armed), now)
}

const REQUEST: Candidate<'_> = Candidate {
    deployment: "chat",
    operation: Operation::Chat,
    correlation_id: Some("run-7"),
    stream: true,
};

fn name(struck: Option<Arc<Armed>>) -> Option<String> {
    struck.map(|armed| armed.fault.name.to_string())
}

#[tokio::test(start_paused = true)]
async fn each_condition_spares_the_others() {
    let spared: [(&str, Fault); 6] = [
        ("deployment", Fault { deployments: vec!["other".into()], ..fault("f") }),
        ("operation", Fault { operations: vec![Operation::Embeddings], ..fault("f") }),
        ("stream", Fault { stream: Some(false), ..fault("f") }),
        (
            "correlation id",
            Fault { correlation_id: Some(Pattern::Exactly("run-".into())), ..fault("f") },
        ),
        ("stage", Fault { stage: Stage::AfterAdmission, ..fault("f") }),
        (
            "window",
            Fault {
                window: Window { from: Duration::from_secs(1), ..Window::default() },
                ..fault("f")
            },
        ),
    ];
    for (why, fault) in spared {
        let (board, now) = board(vec![(fault, Owner::Resource)]);
        let struck = board.strike(now, Stage::BeforeAdmission, &REQUEST, |_, _| 0.0);
        assert!(struck.is_none(), "another {why}");
    }
    let all = Fault {
        deployments: vec!["x".into(), "chat".into()],
        operations: vec![Operation::Chat],
        stream: Some(true),
        correlation_id: Some(Pattern::StartsWith("run-".into())),
        ..fault("f")
    };
    let (board, now) = board(vec![(all, Owner::Resource)]);
    assert!(board.strike(now, Stage::BeforeAdmission, &REQUEST, |_, _| 0.0).is_some());
    let nameless = Candidate { correlation_id: None, ..REQUEST };
    assert!(board.strike(now, Stage::BeforeAdmission, &nameless, |_, _| 0.0).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_next_n_and_then_no_more() {
    let three = Fault { skip: 2, count: Some(3), ..fault("three") };
    let (board, now) = board(vec![(three, Owner::Deployment("chat".into()))]);
    let struck: Vec<bool> = (0..8)
        .map(|_| board.strike(now, Stage::BeforeAdmission, &REQUEST, |_, _| 0.0).is_some())
        .collect();
    assert_eq!(struck, [false, false, true, true, true, false, false, false]);
    let armed = &board.armed()[0];
    assert_eq!((armed.struck(), armed.left()), (3, Some(0)));
    assert!(armed.is_over(now) && !armed.is_active(now));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_counts_from_the_first_to_strike() {
    let (board, now) =
        board(vec![(Fault { skip: 2, count: Some(3), ..fault("f") }, Owner::Resource)]);
    let left: Vec<_> = (0..6)
        .map(|_| {
            let left = board.armed()[0].left();
            board.strike(now, Stage::BeforeAdmission, &REQUEST, |_, _| 0.0);
            left
        })
        .collect();
    assert_eq!(left, [Some(3), Some(3), Some(3), Some(2), Some(1), Some(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_deployments_own_come_first_and_only_one_strikes() {
    let (board, now) = board(vec![
        (fault("resource"), Owner::Resource),
        (Fault { count: Some(1), ..fault("first") }, Owner::Deployment("chat".into())),
        (fault("other"), Owner::Deployment("other".into())),
    ]);
    let strike =
        |board: &Board| name(board.strike(now, Stage::BeforeAdmission, &REQUEST, |_, _| 0.0));
    assert_eq!(strike(&board).as_deref(), Some("first"));
    assert_eq!(strike(&board).as_deref(), Some("resource"));
    assert_eq!(board.armed()[2].struck(), 1, "the second request only");
}

#[tokio::test(start_paused = true)]
async fn what_chance_spares_is_not_counted() {
    let half = Fault { probability: 0.5, count: Some(1), ..fault("half") };
    let (board, now) = board(vec![(half, Owner::Resource)]);
    let strike = |drawn| {
        board.strike(now, Stage::BeforeAdmission, &REQUEST, |name, _| {
            assert_eq!(name, "half");
            drawn
        })
    };
    assert!(strike(0.5).is_none());
    assert!(strike(0.49).is_some());
    assert!(strike(0.0).is_none(), "the one is used up");
}

#[tokio::test(start_paused = true)]
async fn refusing_has_its_own_door() {
    let window =
        Window { from: Duration::from_secs(10), until: Some(Duration::from_secs(20)), every: None };
    let (board, now) =
        board(vec![(Fault { window, effect: Effect::Refuse, ..fault("down") }, Owner::Resource)]);
    let at = |seconds| now + Duration::from_secs(seconds);
    assert!(board.strike(at(10), Stage::BeforeAdmission, &REQUEST, |_, _| 0.0).is_none());
    assert_eq!([9, 10, 19, 20].map(|second| board.refuses(at(second))), [false, true, true, false]);
    assert_eq!(board.next_refusal_change(at(0)), Some(at(10)));
    assert_eq!(board.next_refusal_change(at(10)), Some(at(20)));
    assert_eq!(board.next_refusal_change(at(20)), None);
    assert_eq!(name(board.count_refused(at(10))).as_deref(), Some("down"));
    assert_eq!(board.armed()[0].struck(), 1);
}

proptest::proptest! {
    /// However many threads ask, exactly `count` are struck.
    #[test]
    fn threads_do_not_make_more_of_it(count in 0_u64..40, skip in 0_u64..20) {
        let (board, now) =
            board(vec![(Fault { skip, count: Some(count), ..fault("f") }, Owner::Resource)]);
        let struck: usize = std::thread::scope(|scope| {
            let ask = || {
                (0..20)
                    .filter(|_| {
                        board.strike(now, Stage::BeforeAdmission, &REQUEST, |_, _| 0.0).is_some()
                    })
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        proptest::prop_assert_eq!(struck as u64, count.min(80 - skip));
    }
}
