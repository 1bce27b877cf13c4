//! Journals that ended, actions that came late, runs that met nobody.

use super::super::ReconciliationState;
use super::*;

/// One of each kind, payg1's in the middle and payg2's at the end of a run of 60 s.
pub(super) fn breaks() -> Vec<record::JournalBreak> {
    let one = |simulator, last_read, noticed, cause| record::JournalBreak {
        simulator,
        last_read: at(last_read),
        noticed: at(noticed),
        cause,
    };
    vec![
        one(Some(0), 20.0, 21.0, record::BreakCause::Restarted),
        one(Some(0), 30.0, 33.5, record::BreakCause::Interrupted("timed out".into())),
        one(Some(1), 50.0, 51.0, record::BreakCause::Unreadable("connection refused".into())),
        one(None, 50.0, 51.0, record::BreakCause::Restarted),
    ]
}

/// Nobody was reached: there is nothing that could tell one story.
#[test]
fn what_met_nothing_is_not_ticked() {
    let mut fixture = failover();
    fixture.dataset.backends.clear();
    fixture.dataset.gateway.clear();
    for row in &mut fixture.dataset.clients {
        row.outcome = record::Outcome::TimedOut;
    }
    for gateway_journal in [false, true] {
        fixture.dataset.gateway_journal = gateway_journal;
        let state = judged(&fixture.dataset).reconciliation.state;
        // With the gateway's journal each is missing there, which is a finding.
        let expected = match gateway_journal {
            false => ReconciliationState::NotChecked,
            true => ReconciliationState::Mismatched,
        };
        assert_eq!(state, expected);
    }
}

/// A journal that ended takes its records with it; what remains still tells who
/// answered, what failed, and which calls of the gateway went to nobody.
#[test]
fn every_request_has_its_place_when_a_journal_ended() {
    let mut fixture = Fixture::new(60);
    for second in 0..60_u32 {
        let attempts: &[(usize, u16)] = match second {
            0..20 => &[(0, 200)],
            20..22 => &[(0, 200)],
            22..40 => &[(1, 200)],
            40..42 => &[],
            _ => &[(1, 200)],
        };
        fixture.request(f64::from(second), 0.1, attempts);
    }
    // Killed at 22 s, last read at 20 s; the gateway goes on to payg2 until 40 s,
    // and two requests never end.
    fixture.dataset.backends.retain(|row| row.simulator != 0 || row.received < at(20.0));
    for row in &mut fixture.dataset.gateway {
        if at(22.0) <= row.received && row.received < at(40.0) {
            row.attempts.insert(0, ("payg1".into(), None));
        }
    }
    for row in &mut fixture.dataset.clients[42..44] {
        row.outcome = record::Outcome::TimedOut;
    }
    fixture.dataset.clients[44].outcome = record::Outcome::TransportFailed("reset".into());
    fixture.dataset.journal_breaks = vec![record::JournalBreak {
        simulator: Some(0),
        last_read: at(20.0),
        noticed: at(23.0),
        cause: record::BreakCause::Unreadable("connection refused".into()),
    }];
    let evaluation = judged(&fixture.dataset);
    assert_eq!(evaluation.outcome, Outcome::Invalid);
    assert_eq!(evaluation.reconciliation.state, ReconciliationState::NotChecked);
    insta::assert_json_snapshot!(evaluation.account);
}

/// An action is late when nothing but the clock was before it, or another of an
/// earlier time; actions of one time take their turns.
#[test]
fn late_actions_make_the_run_invalid() {
    let judged_with = |world, starts: [(f64, f64, f64); 3]| {
        let mut fixture = failover();
        fixture.dataset.world = world;
        fixture.dataset.actions.clear();
        for (name, (due, started, done)) in ["first", "second", "third"].into_iter().zip(starts) {
            fixture.action(name, due, "");
            let action = fixture.dataset.actions.last_mut().unwrap();
            (action.started, action.done) = (at(started), at(done));
        }
        judged(&fixture.dataset).validity.reasons
    };
    let (virtually, really) = (record::World::Virtual, record::World::Real);
    let in_turn = [(10.0, 10.0, 13.0), (10.0, 13.0, 14.0), (20.0, 20.0, 20.0)];
    assert_eq!(judged_with(virtually, in_turn), [""; 0]);
    let behind = [(10.0, 10.0, 13.5), (12.0, 13.5, 13.6), (13.0, 13.6, 13.6)];
    assert_eq!(
        judged_with(virtually, behind),
        [
            "action `second` started 1.5 s late, behind `first`; allowed are 0 ms",
            "action `third` started 600 ms late, behind `second`; allowed are 0 ms"
        ]
    );
    assert_eq!(
        judged_with(really, behind),
        ["action `second` started 1.5 s late, behind `first`; allowed are 1 s"]
    );
    let before_the_start = [(-2.0, -2.0, -0.5), (-1.0, -0.5, 0.0), (5.0, 5.0, 5.0)];
    assert_eq!(judged_with(virtually, before_the_start), [""; 0]);
}
