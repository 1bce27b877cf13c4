//! Stages and their loads.

use std::time::Duration;

use seam::diagnostic::Diagnostic;
use toml::Spanned;

use super::{Checker, draws, request};
use crate::scenario::model::{Arrivals, Load, LoadShape, Mixed, Stage};
use crate::scenario::rate::Rate;
use crate::scenario::raw::{RawArrivals, RawLoad, RawProcess, RawScenario, RawStage};

pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &[Spanned<RawStage>],
    workloads: &[String],
) -> Vec<Stage> {
    let mut stages = Vec::new();
    let mut start = Duration::ZERO;
    for stage in raw {
        let stage = stage.get_ref();
        request::positive(checker, &stage.duration, "a stage's duration");
        let end = start.saturating_add(stage.duration.get_ref().0);
        let duration = end - start;
        let loads =
            stage.load.iter().filter_map(|load| check_load(checker, load, duration, workloads));
        let loads = loads.collect();
        stages.push(Stage { name: stage.name.get_ref().clone(), start, end, loads });
        start = end;
    }
    stages
}

pub(super) fn warn_unused(checker: &mut Checker<'_>, raw: &RawScenario) {
    let used = |name: &String| {
        raw.stages
            .iter()
            .flat_map(|stage| &stage.get_ref().load)
            .any(|load| named(load.get_ref()).any(|one| one.get_ref() == name))
    };
    for workload in &raw.workloads {
        let name = &workload.get_ref().name;
        if !used(name.get_ref()) {
            checker.push(Diagnostic::warning(
                checker.source,
                name.span(),
                format!("no stage uses workload `{}`", name.get_ref()),
            ));
        }
    }
}

/// The workloads a load names.
fn named(load: &RawLoad) -> impl Iterator<Item = &Spanned<String>> {
    let mixed = load.mix.iter().flat_map(|mix| mix.get_ref()).map(|one| &one.workload);
    load.workload.iter().chain(mixed)
}

/// What a load's requests are: one workload, or several by weight.
fn check_mix(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawLoad>,
    workloads: &[String],
) -> Option<Vec<Mixed>> {
    let load = raw.get_ref();
    let mix = match (&load.workload, &load.mix) {
        (Some(name), None) => {
            let workload = checker.resolve("workload", name, workloads)?;
            return Some(vec![Mixed { workload, share: 1.0 }]);
        }
        (None, Some(mix)) => mix,
        (Some(name), Some(mix)) => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    mix.span(),
                    "`workload` and `mix` exclude each other",
                )
                .label("several workloads")
                .also(name.span(), "one workload"),
            );
            return None;
        }
        (None, None) => {
            checker.push(
                Diagnostic::error(checker.source, raw.span(), "this load names no workload")
                    .label("give `workload` or `mix`"),
            );
            return None;
        }
    };
    let weights: Vec<f64> = mix
        .get_ref()
        .iter()
        .map(|one| one.weight.as_ref().map_or(1.0, |weight| *weight.get_ref()))
        .collect();
    if mix.get_ref().is_empty() {
        checker.error(mix.span(), "a mix of nothing");
        return None;
    }
    if !draws::good_weights(&weights) {
        checker.error(mix.span(), "weights must be zero or more, and not all zero");
        return None;
    }
    checker.unique("mixed workload", mix.get_ref().iter().map(|one| &one.workload));
    let total: f64 = weights.iter().sum();
    let indices: Vec<Option<usize>> = mix
        .get_ref()
        .iter()
        .map(|one| checker.resolve("workload", &one.workload, workloads))
        .collect();
    let mixed = indices.into_iter().zip(weights);
    mixed
        .map(|(workload, weight)| Some(Mixed { workload: workload?, share: weight / total }))
        .collect()
}

fn check_load(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawLoad>,
    duration: Duration,
    workloads: &[String],
) -> Option<Load> {
    let load = raw.get_ref();
    let mix = check_mix(checker, raw, workloads);
    let shape = match (&load.users, &load.arrivals) {
        (Some(users), None) => closed(checker, load, users),
        (None, Some(arrivals)) => {
            for (name, span) in [
                ("think_time", load.think_time.as_ref().map(Spanned::span)),
                ("spawn_rate", load.spawn_rate.as_ref().map(Spanned::span)),
            ] {
                if let Some(span) = span {
                    checker.push(
                        Diagnostic::error(
                            checker.source,
                            span,
                            format!("`{name}` belongs to `users`"),
                        )
                        .also(arrivals.span(), "this load is an open loop"),
                    );
                }
            }
            open(checker, arrivals, duration).map(LoadShape::Open)
        }
        (Some(users), Some(arrivals)) => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    arrivals.span(),
                    "`users` and `arrivals` exclude each other",
                )
                .label("open loop")
                .also(users.span(), "closed loop")
                .help("users wait for their answers, arrivals do not: keep one"),
            );
            None
        }
        (None, None) => {
            checker.push(
                Diagnostic::error(
                    checker.source,
                    load.workload.as_ref().map_or(raw.span(), Spanned::span),
                    "this load says neither `users` nor `arrivals`",
                )
                .help("add `users = 2` or `arrivals = { process = \"poisson\", rate = \"10/s\" }`"),
            );
            None
        }
    };
    Some(Load { mix: mix?, shape: shape? })
}

fn closed(checker: &mut Checker<'_>, load: &RawLoad, users: &Spanned<u32>) -> Option<LoadShape> {
    if *users.get_ref() == 0 {
        checker.push(
            Diagnostic::error(checker.source, users.span(), "a load without users")
                .help("a stage without load is a stage without `[[stages.load]]`"),
        );
        return None;
    }
    if MOST_USERS < *users.get_ref() {
        checker.error(users.span(), format!("more than {MOST_USERS} users"));
        return None;
    }
    if let Some(time) = &load.think_time {
        request::bounded(checker, time.span(), time.get_ref().0, "a think time");
    }
    let spawn_interval = match &load.spawn_rate {
        None => Duration::ZERO,
        Some(rate) => positive(checker, rate)?.interval()?,
    };
    Some(LoadShape::Closed {
        users: *users.get_ref(),
        think_time: load.think_time.as_ref().map_or(Duration::ZERO, |time| time.get_ref().0),
        spawn_interval,
    })
}

/// Rows of a load are kept in memory until the end: so many are some gigabytes.
const MOST_REQUESTS: f64 = 10_000_000.0;

/// More users than sockets one machine has for them.
const MOST_USERS: u32 = 50_000;

fn open(
    checker: &mut Checker<'_>,
    raw: &Spanned<RawArrivals>,
    duration: Duration,
) -> Option<Arrivals> {
    let arrivals = process(checker, raw)?;
    let expected = arrivals.expected(duration);
    if MOST_REQUESTS < expected {
        checker.push(
            Diagnostic::error(
                checker.source,
                raw.span(),
                format!("{expected:.0} requests in one stage are more than a run can hold"),
            )
            .help(format!("at most {MOST_REQUESTS:.0}: lower the rate or shorten the stage")),
        );
        return None;
    }
    Some(arrivals)
}

fn process(checker: &mut Checker<'_>, raw: &Spanned<RawArrivals>) -> Option<Arrivals> {
    let arrivals = raw.get_ref();
    let needs: [(&str, Option<&Spanned<Rate>>); 3] = [
        ("rate", arrivals.rate.as_ref()),
        ("from", arrivals.from.as_ref()),
        ("to", arrivals.to.as_ref()),
    ];
    let (process, wanted): (&str, &[&str]) = match arrivals.process.get_ref() {
        RawProcess::Constant => ("constant", &["rate"]),
        RawProcess::Poisson => ("poisson", &["rate"]),
        RawProcess::Ramp => ("ramp", &["from", "to"]),
    };
    let mut good = true;
    for (name, value) in needs {
        match value {
            None if wanted.contains(&name) => {
                checker.error(
                    arrivals.process.span(),
                    format!("a {process} process needs `{name} = \"10/s\"`"),
                );
                good = false;
            }
            Some(value) if !wanted.contains(&name) => {
                checker.push(
                    Diagnostic::error(
                        checker.source,
                        value.span(),
                        format!("a {process} process has no `{name}`"),
                    )
                    .help(format!("it has `{}`", wanted.join("` and `"))),
                );
                good = false;
            }
            None | Some(_) => {}
        }
    }
    if !good {
        return None;
    }
    match (arrivals.process.get_ref(), &arrivals.rate, &arrivals.from, &arrivals.to) {
        (RawProcess::Constant, Some(rate), _, _) => positive(checker, rate).map(Arrivals::Constant),
        (RawProcess::Poisson, Some(rate), _, _) => positive(checker, rate).map(Arrivals::Poisson),
        (RawProcess::Ramp, _, Some(from), Some(to)) => {
            if from.get_ref().as_per_second() + to.get_ref().as_per_second() <= 0.0 {
                checker.push(
                    Diagnostic::error(checker.source, to.span(), "a ramp from zero to zero")
                        .also(from.span(), "from here"),
                );
                return None;
            }
            Some(Arrivals::Ramp { from: *from.get_ref(), to: *to.get_ref() })
        }
        _ => None,
    }
}

fn positive(checker: &mut Checker<'_>, rate: &Spanned<Rate>) -> Option<Rate> {
    if 0.0 < rate.get_ref().as_per_second() {
        return Some(*rate.get_ref());
    }
    checker.error(rate.span(), "a rate of zero");
    None
}
