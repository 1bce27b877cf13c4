//! The run as one picture: answers by backend, refusals by who refused, latency,
//! on one time axis with stages and actions. A self-contained SVG without
//! scripts, the same bytes for the same run, readable on light and dark pages:
//! it brings its own background and follows the reader's colour scheme.

mod actions;
mod data;
mod draw;
mod panel;
#[cfg(test)]
mod tests;

use super::summary;
use super::terminal::{clock, cut};
use crate::assert::{Evaluation, Outcome, Verdict, words};
use crate::record::{Dataset, World};

use data::Chart;
use draw::{Frame, escape, number};

/// Width of the picture in its own units; it scales with the page.
const WIDTH: f64 = 860.0;

/// Colours: Okabe and Ito's palette, which people with the common colour
/// deficiencies tell apart, lightened on dark pages where it is too deep.
const STYLE: &str = "\
text{font:12px -apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif;\
fill:#1f2328}\
.h{font-size:16px;font-weight:600}.b{font-weight:600}.m{fill:#59636e}.e{text-anchor:end}\
.c{text-anchor:middle}.bg{fill:#fff;stroke:#d1d9e0}.band{fill:#818b98;fill-opacity:.1}\
.g{stroke:#818b98;stroke-opacity:.3}.x{stroke:#818b98}\
.edge{stroke:#818b98;stroke-dasharray:4 3}.act{stroke:#818b98;stroke-dasharray:1 3}\
.mark{fill:#59636e}.markt{fill:#fff;font-size:11px;font-weight:600;text-anchor:middle}\
.line{fill:none;stroke:#1f2328;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}.dot{stroke-width:5}\
.seen{fill:none;stroke:#1f2328;stroke-width:1.5}\
.s0{fill:#0072b2}.s1{fill:#e69f00}.s2{fill:#009e73}.s3{fill:#cc79a7}.s4{fill:#56b4e9}\
.s5{fill:#b8a90b}.own{fill:#818b98}.lost{fill:#d55e00}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.m{fill:#9198a1}\
.bg{fill:#0d1117;stroke:#3d444d}.mark{fill:#9198a1}.markt{fill:#0d1117}\
.line,.seen{stroke:#f0f6fc}.s0{fill:#3d9bdc}.s2{fill:#1fb88c}}";

/// The picture as text, ending with a newline.
#[must_use]
pub fn render(dataset: &Dataset, evaluation: &Evaluation) -> String {
    let chart = Chart::new(dataset);
    let mut frame = Frame::new(WIDTH, chart.seconds());
    frame.text("h", 16.0, 28.0, &cut(&dataset.scenario, 80));
    frame.text("m", 16.0, 47.0, &facts(dataset, evaluation));
    frame.y = 58.0;
    let strip = frame.y;
    if 1 < dataset.stages.len() {
        stage_names(&mut frame, dataset);
    }
    panel::answers(&mut frame, &chart);
    panel::refusals(&mut frame, &chart);
    panel::latency(&mut frame, &chart);
    let bottom = frame.y;
    frame.time_axis();
    let marks = actions::group(&frame, &dataset.actions);
    actions::draw(&mut frame, &marks);
    let bands = stage_bands(&frame, dataset, (strip, bottom));
    let height = frame.y + 8.0;

    let (w, h) = (number(WIDTH), number(height));
    let title = format!("{} over time", dataset.scenario);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" \
         height=\"{h}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"bg\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n{bands}{}</svg>\n",
        escape(&title),
        escape(&description(dataset, evaluation, &chart)),
        number(WIDTH - 1.0),
        number(height - 1.0),
        frame.out,
    )
}

/// `seed 42 · 5m of virtual time · 249 requests · 8 assertions passed`.
fn facts(dataset: &Dataset, evaluation: &Evaluation) -> String {
    let world = match dataset.world {
        World::Virtual => "virtual time",
        World::Real => "real time",
    };
    format!(
        "seed {} · {} of {world} · {} · {}",
        dataset.seed,
        clock(summary::length(dataset).as_secs_f64()),
        words::counted(dataset.clients.len() as u64, "request", "requests"),
        verdict(evaluation),
    )
}

fn verdict(evaluation: &Evaluation) -> String {
    let all = evaluation.assertions.len() as u64;
    let not = evaluation.assertions.iter().filter(|one| one.verdict != Verdict::Passed).count();
    let assertions = words::counted(all, "assertion", "assertions");
    match evaluation.outcome {
        Outcome::Invalid => "invalid run".to_owned(),
        Outcome::Passed if all == 0 => "no assertions".to_owned(),
        Outcome::Passed => format!("{assertions} passed"),
        Outcome::Failed if not == 0 => "rows do not reconcile".to_owned(),
        Outcome::Failed | Outcome::Inconclusive => format!("{not} of {assertions} did not pass"),
    }
}

/// What the picture shows, for those who cannot see it.
fn description(dataset: &Dataset, evaluation: &Evaluation, chart: &Chart) -> String {
    let counts = |layers: &[data::Layer]| {
        let each = layers.iter().filter(|one| 0 < one.total());
        let each: Vec<String> =
            each.map(|one| format!("{} {}", words::count(one.total()), one.name)).collect();
        if each.is_empty() { "none".to_owned() } else { words::list(&each) }
    };
    let mut text =
        format!("{}. 2xx answers by: {}. ", facts(dataset, evaluation), counts(&chart.answers));
    text.push_str(&format!("Refused or failed: {}. ", counts(&chart.refusals)));
    match chart.latency_range() {
        Some((least, most)) => text.push_str(&format!(
            "Mean latency of 2xx answers per {}: {} to {}.",
            clock(chart.bin),
            words::latency(least),
            words::latency(most)
        )),
        None => text.push_str("No 2xx answer."),
    }
    text
}

fn stage_names(frame: &mut Frame, dataset: &Dataset) {
    frame.y += 14.0;
    let y = frame.y;
    for stage in &dataset.stages {
        let (from, to) = (frame.x(stage.start.as_secs_f64()), frame.x(stage.end.as_secs_f64()));
        let room = frame.letters(to - from - 8.0);
        if 2 <= room {
            frame.text("m c", (from + to) / 2.0, y, &cut(&stage.name, room));
        }
    }
    frame.y += 2.0;
}

/// Every second stage shaded, and a line where each begins.
fn stage_bands(frame: &Frame, dataset: &Dataset, (top, bottom): (f64, f64)) -> String {
    let mut out = String::new();
    if dataset.stages.len() < 2 {
        return out;
    }
    let mut edges = String::new();
    for (index, stage) in dataset.stages.iter().enumerate() {
        let (from, to) = (frame.x(stage.start.as_secs_f64()), frame.x(stage.end.as_secs_f64()));
        if index % 2 == 1 {
            out.push_str(&format!(
                "<rect class=\"band\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n",
                number(from),
                number(top),
                number(to - from),
                number(bottom - top)
            ));
        }
        if 0 < index {
            edges.push_str(&frame.through_plots(from));
        }
    }
    out.push_str(&format!("<path class=\"edge\" d=\"{edges}\"/>\n"));
    out
}
