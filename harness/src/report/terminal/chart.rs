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

/// Columns of the chart at most.
const MOST_COLUMNS: usize = 60;

/// Columns right of the bins, for totals.
const TOTAL: usize = 6;

/// Columns left of the bins at least: `min 95.8 ms`.
const LEAST_LABEL: usize = 11;

/// Actions named below the chart.
const NAMED_ACTIONS: usize = 12;

/// Where things go: labels, then columns of bins, then a total.
struct Layout {
    label: usize,
    /// Columns of the chart.
    columns: usize,
    /// How many of them one bin takes.
    stretch: usize,
    column_seconds: f64,
    width: usize,
    painter: Painter,
}

/// The whole chart.
pub(super) fn over_time(out: &mut String, dataset: &Dataset, width: usize, painter: Painter) {
    let longest = dataset.simulators.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let refused = dataset.backends.iter().any(|row| !(200..300).contains(&row.status));
    let longest = if refused { longest + " refused".len() } else { longest };
    let label = longest.clamp(LEAST_LABEL, 16);
    let room = width.saturating_sub(label + TOTAL + 3).clamp(10, MOST_COLUMNS);
    let series = summary::series(dataset, room);
    let bins = series.requests.len().max(1);
    let stretch = (room / bins).clamp(1, 8);
    let layout = Layout {
        label,
        columns: bins * stretch,
        stretch,
        column_seconds: series.bin_seconds / f64::from(u8::try_from(stretch).unwrap_or(1)),
        width,
        painter,
    };
    let bin = clock(series.bin_seconds);
    let title = format!("over time, one bar is {bin}; latency is the mean of 2xx answers");
    for line in wrap(&title, width.saturating_sub(1)) {
        out.push_str(&format!(" {}\n", painter.paint(Ink::Dim, &line)));
    }

    latency(out, &layout, &series.latency);
    let peak = series.answers.iter().flat_map(|one| &one.counts).copied().max().unwrap_or(0);
    for one in &series.answers {
        let total: u64 = one.counts.iter().sum();
        let bars = layout.stretched(&counts(&one.counts, peak));
        layout.row(out, &one.simulator, &bars, &words::count(total), Ink::Chart);
    }
    for one in series.refusals.iter().filter(|one| one.counts.iter().any(|count| 0 < *count)) {
        let total: u64 = one.counts.iter().sum();
        let most = one.counts.iter().copied().max().unwrap_or(0).max(peak);
        let bars = layout.stretched(&counts(&one.counts, most));
        let label = format!("{} refused", cut(&one.simulator, layout.label.saturating_sub(8)));
        layout.row(out, &label, &bars, &words::count(total), Ink::Bad);
    }
    let errors: u64 = series.errors.iter().sum();
    if 0 < errors {
        let most = series.errors.iter().copied().max().unwrap_or(0).max(peak);
        let bars = layout.stretched(&counts(&series.errors, most));
        layout.row(out, "not 2xx", &bars, &words::count(errors), Ink::Bad);
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
        let cells = if scale.is_empty() { cells.trim_end() } else { cells };
        let gap = self.columns.saturating_sub(cells.chars().count());
        if !label.is_empty() || !cells.is_empty() || !scale.is_empty() {
            let lead = if cells.is_empty() && scale.is_empty() { 0 } else { pad + 1 };
            out.push_str(&format!(
                " {label}{}{}",
                " ".repeat(lead),
                self.painter.paint(ink, cells)
            ));
        }
        if !scale.is_empty() {
            out.push_str(&format!("{} {}", " ".repeat(gap), self.painter.paint(Ink::Dim, scale)));
        }
        out.push('\n');
    }

    /// Each bin as many times as it has columns.
    fn stretched(&self, bins: &str) -> String {
        bins.chars().flat_map(|bin| std::iter::repeat_n(bin, self.stretch)).collect()
    }

    /// The column of a time of the run.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates, which is what is wanted"
    )]
    fn column(&self, seconds: f64) -> usize {
        ((seconds.max(0.0) / self.column_seconds) as usize).min(self.columns.saturating_sub(1))
    }

    /// Columns between ticks: a round time that gives a handful of them.
    #[expect(clippy::cast_precision_loss, reason = "a few dozen bins")]
    fn tick_columns(&self) -> usize {
        let nice = [
            1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0,
            3_600.0,
        ];
        let fits = |columns: &usize| 8 <= *columns && self.columns <= *columns * 7;
        let by_seconds = nice.iter().filter_map(|seconds| {
            let columns = seconds / self.column_seconds;
            (columns.fract() == 0.0 && columns <= self.columns as f64)
                .then(|| self.column(*seconds))
        });
        by_seconds.into_iter().find(fits).unwrap_or_else(|| (self.columns / 4).max(8))
    }
}

/// Several rows of blocks from zero to the highest value.
fn latency(out: &mut String, layout: &Layout, values: &[Option<f64>]) {
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let lowest = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    if lowest.is_infinite() {
        layout.row(out, "latency", "no 2xx answer", "", Ink::Dim);
        return;
    }
    for row in (0..LATENCY_ROWS).rev() {
        let cells: String = values
            .iter()
            .map(|value| match value {
                Some(value) => block(eighths(*value, highest, LATENCY_ROWS), row),
                None => ' ',
            })
            .collect();
        let label = match row {
            0 => format!("min {}", words::latency(lowest)),
            1 => "latency".to_owned(),
            2 if 0.0 < highest => format!("max {}", words::latency(highest)),
            _ => String::new(),
        };
        layout.row(out, &label, &layout.stretched(&cells), "", Ink::Chart);
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
    let every = layout.tick_columns();
    let line: String = (0..layout.columns)
        .map(|column| match column {
            0 => '└',
            column if column % every == 0 => '┴',
            _ => '─',
        })
        .collect();
    layout.row(out, "", &line, "", Ink::Dim);
    let mut labels = String::new();
    for column in (0..=layout.columns).step_by(every) {
        let length = labels.chars().count();
        let text = clock(column as f64 * layout.column_seconds);
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
    layout.row(out, "stage", &cut(&line, layout.columns), "", Ink::Dim);
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
            rows.push(vec![' '; layout.columns]);
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
