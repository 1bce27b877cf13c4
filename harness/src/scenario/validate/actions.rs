//! Actions: patches, calls and probes.

use std::time::Duration;

use seam::diagnostic::{Diagnostic, Source};
use seam::units::{HumanDuration, SignedDuration};
use serde_json::Value;
use toml::Spanned;

use super::Checker;
use super::request::{self, RawRequest};
use crate::scenario::model::{Action, ActionKind, Call, ORDER, Probe, ProbeBackend};
use crate::scenario::raw::{RawAction, RawCall, RawPatch, RawProbe};

const ACTION_TIMEOUT: Duration = Duration::from_secs(30);

/// Checks all actions and puts them in order of execution. `simulators` is
/// `None` when the topology is broken; references are then not checked.
pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &[Spanned<RawAction>],
    simulators: Option<&[String]>,
    end: Duration,
) -> Vec<Action> {
    let mut actions = Vec::new();
    for action in raw {
        actions.extend(check_one(checker, action.get_ref(), simulators, end));
    }
    // Stable: actions of the same time stay in the file's order.
    actions.sort_by_key(|action| action.at);
    actions
}

/// Every name an assertion may refer to: each action's own, and those of its
/// further times.
pub(super) fn names(source: &Source, raw: &[Spanned<RawAction>]) -> Vec<String> {
    let all = raw.iter().map(Spanned::get_ref);
    all.flat_map(|action| occurrences(source, action).map(|(name, _)| name)).collect()
}

/// The times at which an action is done, with the name it has then: a further
/// time stands in it as the file writes it.
fn occurrences<'a>(
    source: &'a Source,
    raw: &'a RawAction,
) -> impl Iterator<Item = (String, &'a Spanned<SignedDuration>)> {
    let name = raw.name.get_ref();
    let again = raw.again_at.iter().map(move |at| {
        let written = source.text().get(at.span()).unwrap_or_default();
        (format!("{name}@{}", written.trim_matches(['"', '\''])), at)
    });
    std::iter::once((name.clone(), &raw.at)).chain(again)
}

fn check_one(
    checker: &mut Checker<'_>,
    raw: &RawAction,
    simulators: Option<&[String]>,
    end: Duration,
) -> Vec<Action> {
    let times: Vec<_> = occurrences(checker.source, raw).collect();
    for (index, (name, at)) in times.iter().enumerate() {
        if let Some((_, first)) =
            times[..index].iter().find(|(_, other)| other.get_ref() == at.get_ref())
        {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    at.span(),
                    format!("action `{}` is done twice at one time", raw.name.get_ref()),
                )
                .label("again")
                .also(first.span(), "first"),
            );
        }
        if let Some(time) = at.get_ref().after_start()
            && end < time
        {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    at.span(),
                    format!("action `{name}` is due after the end of the run"),
                )
                .help(format!("the stages end at {}", HumanDuration(end))),
            );
        }
        if let Some(lead) = at.get_ref().before_start() {
            request::bounded(checker, at.span(), lead, "a lead");
        }
    }
    let Some(kind) = check_kind(checker, raw, simulators) else { return Vec::new() };
    let action = |(name, at): (String, &Spanned<SignedDuration>)| Action {
        name,
        at: *at.get_ref(),
        kind: kind.clone(),
    };
    times.into_iter().map(action).collect()
}

fn check_kind(
    checker: &mut Checker<'_>,
    raw: &RawAction,
    simulators: Option<&[String]>,
) -> Option<ActionKind> {
    match (&raw.patch, &raw.call, &raw.probe) {
        (Some(patch), None, None) => check_patch(checker, patch.get_ref(), simulators),
        (None, Some(call), None) => check_call(checker, call.get_ref()).map(ActionKind::Call),
        (None, None, Some(probe)) => check_probe(checker, probe.get_ref(), simulators)
            .map(|probe| ActionKind::Probe(Box::new(probe))),
        (None, None, None) => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    raw.name.span(),
                    format!("action `{}` does nothing", raw.name.get_ref()),
                )
                .help("give it one of `patch`, `call`, `probe`"),
            );
            None
        }
        (patch, call, probe) => {
            let given: Vec<_> = [
                patch.as_ref().map(|p| ("patch", p.span())),
                call.as_ref().map(|c| ("call", c.span())),
                probe.as_ref().map(|p| ("probe", p.span())),
            ]
            .into_iter()
            .flatten()
            .collect();
            if let [first, second, ..] = given.as_slice() {
                checker.push(
                    Diagnostic::error(
                        checker.source,
                        second.1.clone(),
                        format!("action `{}` does more than one thing", raw.name.get_ref()),
                    )
                    .label(format!("a {}", second.0))
                    .also(first.1.clone(), format!("a {}", first.0))
                    .help("make two actions of it; actions of one time run in the file's order"),
                );
            }
            None
        }
    }
}

fn check_patch(
    checker: &mut Checker<'_>,
    raw: &RawPatch,
    simulators: Option<&[String]>,
) -> Option<ActionKind> {
    let simulator = resolve(checker, &raw.simulator, simulators);
    if !raw.config.get_ref().is_object() {
        checker.error(raw.config.span(), "a patch's `config` is a table");
        return None;
    }
    request::json(checker, raw.config.get_ref(), raw.config.span());
    Some(ActionKind::Patch { simulator: simulator?, config: raw.config.get_ref().clone() })
}

fn check_call(checker: &mut Checker<'_>, raw: &RawCall) -> Option<Call> {
    let request = request::check(
        checker,
        &RawRequest {
            method: raw.method.as_ref(),
            path: &raw.path,
            query: &raw.query,
            headers: &raw.headers,
            body: raw.body.as_ref(),
            timeout: raw.timeout.as_ref(),
            default_timeout: ACTION_TIMEOUT,
        },
    );
    if let Some(status) = &raw.expect_status
        && !(100..600).contains(status.get_ref())
    {
        checker.error(status.span(), format!("{} is not an HTTP status", status.get_ref()));
    }
    Some(Call {
        request: request?,
        body: raw.body.as_ref().map(|body| body.get_ref().clone()),
        expect_status: raw.expect_status.as_ref().map(|status| *status.get_ref()),
    })
}

fn check_probe(
    checker: &mut Checker<'_>,
    raw: &RawProbe,
    simulators: Option<&[String]>,
) -> Option<Probe> {
    if raw.backends.get_ref().is_empty() {
        checker.error(raw.backends.span(), "a probe without backends");
    }
    let mut backends = Vec::new();
    for backend in raw.backends.get_ref() {
        if let Some(simulator) = resolve(checker, &backend.simulator, simulators) {
            let publish_as = backend.publish_as.get_ref().clone();
            backends.push(ProbeBackend { simulator, publish_as });
        }
    }
    let request = request::check(
        checker,
        &RawRequest {
            method: raw.method.as_ref(),
            path: &raw.path,
            query: &raw.query,
            headers: &raw.headers,
            body: raw.body.as_ref(),
            timeout: raw.timeout.as_ref(),
            default_timeout: ACTION_TIMEOUT,
        },
    );
    let publish = raw.publish.get_ref();
    let is_order = |value: &Value| value.as_str() == Some(ORDER);
    let (place, has_order) = match &publish.body {
        Some(body) => (body.span(), request::contains(body.get_ref(), &is_order)),
        None => (publish.path.span(), false),
    };
    if !has_order {
        checker.push(
            Diagnostic::error(
                checker.source,
                place,
                "the publish body has no place for the measured order",
            )
            .help("write the string \"$order\" where the list of names belongs"),
        );
    }
    let publish = check_call(checker, publish);
    Some(Probe { backends, request: request?, publish: publish? })
}

fn resolve(
    checker: &mut Checker<'_>,
    name: &Spanned<String>,
    simulators: Option<&[String]>,
) -> Option<usize> {
    checker.resolve("simulator", name, simulators?)
}
