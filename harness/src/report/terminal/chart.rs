//! The run over time: latency, the answers of each simulator, errors, on one
//! time axis with the stages and actions marked.

use super::paint::{Ink, Painter};
use super::{clock, cut, summary, wrap};
use crate::assert::words;
use crate::record::{ActionRow, Dataset};

/// An eighth of a cell more each.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Rows of the latency chart.
const LATENCY_ROWS: usize = 3;

/// Columns of bins at most.
const MOST_BINS: usize = 60;

/// Columns right of the bins, for scales.
const SCALE: usize = 9;

/// Actions named below the chart.
const NAMED_ACTIONS: usize = 12;

/// Where things go: labels, then bins, then a scale.
struct Layout {
    label: usize,
    bins: usize,
    bin_seconds: f64,
    width: usize,
    painter: Painter,
}

/// The whole chart.
pub(super) fn over_time(out: &mut String, dataset: &Dataset, width: usize, painter: Painter) {
    let longest = dataset.simulators.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let label = longest.clamp("latency".len(), 14);
    let room = width.saturating_sub(label + 2 + SCALE + 1).clamp(10, MOST_BINS);
    let series = summary::series(dataset, room);
    let layout = Layout {
        label,
        bins: series.requests.len(),
        bin_seconds: series.bin_seconds,
        width,
        painter,
    };
    let bin = clock(series.bin_seconds);
    let title = format!(" over time, one column is {bin}; latency is the mean of 2xx answers");
    out.push_str(&painter.paint(Ink::Dim, &title));
    out.push('\n');

    latency(out, &layout, &series.latency);
    let peak = series.answers.iter().flat_map(|one| &one.counts).copied().max().unwrap_or(0);
    for one in &series.answers {
        let total: u64 = one.counts.iter().sum();
        layout.row(
            out,
            &one.simulator,
            &counts(&one.counts, peak),
            &words::count(total),
            Ink::Chart,
        );
    }
    let errors: u64 = series.errors.iter().sum();
    if 0 < errors {
        let most = series.errors.iter().copied().max().unwrap_or(0).max(peak);
        layout.row(out, "not 2xx", &counts(&series.errors, most), &words::count(errors), Ink::Bad);
    }
    axis(out, &layout);
    if 1 < dataset.stages.len() {
        stages(out, &layout, dataset);
    }
    actions(out, &layout, &dataset.actions);
}

impl Layout {
    fn row(&self, out: &mut String, label: &str, cells: &str, scale: &str, ink: Ink) {
        let label = cut(label, self.label);
        let pad = self.label - label.chars().count();
        let line = format!(
            " {}{} {}{} {}",
            label,
            " ".repeat(pad),
            self.painter.paint(ink, cells),
            " ".repeat(self.bins.saturating_sub(cells.chars().count())),
            self.painter.paint(Ink::Dim, scale)
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }

    /// The column of a time of the run.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates, which is what is wanted"
    )]
    fn column(&self, seconds: f64) -> usize {
        ((seconds.max(0.0) / self.bin_seconds) as usize).min(self.bins.saturating_sub(1))
    }

    /// A time that divides the axis into four or five parts.
    #[expect(clippy::cast_precision_loss, reason = "a few dozen bins")]
    fn tick_bins(&self) -> usize {
        let nice = [
            1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0,
            3_600.0,
        ];
        let fits = |bins: &usize| 8 <= *bins && self.bins <= *bins * 7;
        let by_seconds = nice.iter().filter_map(|seconds| {
            let bins = seconds / self.bin_seconds;
            (bins.fract() == 0.0 && bins <= self.bins as f64).then(|| self.column(*seconds))
        });
        by_seconds.into_iter().find(fits).unwrap_or_else(|| (self.bins / 4).max(8))
    }
}

/// Several rows of blocks from zero to the highest value.
fn latency(out: &mut String, layout: &Layout, values: &[Option<f64>]) {
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let lowest = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    for row in (0..LATENCY_ROWS).rev() {
        let cells: String = values
            .iter()
            .map(|value| match value {
                Some(value) => block(eighths(*value, highest, LATENCY_ROWS), row),
                None => ' ',
            })
            .collect();
        let (label, scale) = match row {
            0 if lowest.is_finite() => ("", format!("min {}", words::latency(lowest))),
            2 if 0.0 < highest => ("latency", format!("max {}", words::latency(highest))),
            2 => ("latency", String::new()),
            _ => ("", String::new()),
        };
        layout.row(out, label, &cells, &scale, Ink::Chart);
    }
}

/// Height of a value in eighths of a row, at least one: what was seen is shown.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "between 1 and eight times the rows"
)]
fn eighths(value: f64, highest: f64, rows: usize) -> usize {
    if highest <= 0.0 {
        return 1;
    }
    ((value / highest * (rows * 8) as f64).round() as usize).clamp(1, rows * 8)
}

/// The part of a bar of so many eighths that lies in a row, from the bottom.
fn block(eighths: usize, row: usize) -> char {
    let here = eighths.saturating_sub(row * 8).min(8);
    BLOCKS.get(here).copied().unwrap_or(' ')
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
fn counts(counts: &[u64], peak: u64) -> String {
    let bar = |count: &u64| match count {
        0 => ' ',
        count => block(eighths(*count as f64, peak as f64, 1), 0),
    };
    counts.iter().map(bar).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a few dozen bins")]
fn axis(out: &mut String, layout: &Layout) {
    let every = layout.tick_bins();
    let line: String = (0..layout.bins)
        .map(|column| match column {
            0 => '└',
            column if column % every == 0 => '┴',
            _ => '─',
        })
        .collect();
    layout.row(out, "", &line, "", Ink::Dim);
    let mut labels = String::new();
    for column in (0..=layout.bins).step_by(every) {
        let length = labels.chars().count();
        let text = clock(column as f64 * layout.bin_seconds);
        if column < length + usize::from(0 < length) {
            continue;
        }
        labels.push_str(&" ".repeat(column - length));
        labels.push_str(&text);
    }
    layout.row(out, "", &labels, "", Ink::Dim);
}

/// The stages' names where they begin.
fn stages(out: &mut String, layout: &Layout, dataset: &Dataset) {
    let mut line = String::new();
    for stage in &dataset.stages {
        let column = layout.column(stage.start.as_secs_f64());
        let end = layout.column(stage.end.as_secs_f64()) + 1;
        let length = line.chars().count();
        if column < length {
            continue;
        }
        line.push_str(&" ".repeat(column - length));
        let room = end.saturating_sub(column + 2).max(1);
        line.push('│');
        line.push_str(&cut(&stage.name, room));
    }
    layout.row(out, "stage", &cut(&line, layout.bins), "", Ink::Dim);
}

/// A letter where each action took place, and what it did.
fn actions(out: &mut String, layout: &Layout, actions: &[ActionRow]) {
    if actions.is_empty() {
        return;
    }
    let letter = |index: usize| {
        let offset = u8::try_from(index).ok().filter(|offset| *offset < 26);
        offset.map_or('*', |offset| char::from(b'a' + offset))
    };
    // Actions at one time share a column: they are stacked.
    let mut rows: Vec<Vec<char>> = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let column = layout.column(action.started.as_secs_f64());
        let free = rows.iter().position(|row| row.get(column) == Some(&' '));
        let free = free.unwrap_or_else(|| {
            rows.push(vec![' '; layout.bins]);
            rows.len() - 1
        });
        if let Some(cell) = rows.get_mut(free).and_then(|row| row.get_mut(column)) {
            *cell = letter(index);
        }
    }
    for (index, row) in rows.iter().take(4).enumerate() {
        let cells: String = row.iter().collect();
        let label = if index == 0 { "actions" } else { "" };
        layout.row(out, label, cells.trim_end(), "", Ink::Bold);
    }
    for (index, action) in actions.iter().take(NAMED_ACTIONS).enumerate() {
        let (ink, what) = match &action.error {
            Some(error) => (Ink::Bad, format!("failed: {error}")),
            None => (Ink::Dim, action.summary.clone()),
        };
        let at = clock(action.started.as_secs_f64());
        let text = format!("{} at {at}: {what}", action.name);
        for (number, line) in wrap(&text, layout.width.saturating_sub(6)).iter().enumerate() {
            let lead = if number == 0 { letter(index) } else { ' ' };
            let lead = layout.painter.paint(Ink::Bold, &lead.to_string());
            out.push_str(&format!("   {lead} {}\n", layout.painter.paint(ink, line)));
        }
    }
    if NAMED_ACTIONS < actions.len() {
        out.push_str(&format!("     and {} more\n", actions.len() - NAMED_ACTIONS));
    }
}
