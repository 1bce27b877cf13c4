//! The three plots: two of stacked bars, one line.

use super::data::{Chart, Layer};
use super::draw::{Frame, Scale, number};
use super::{clock, words};

/// 2xx answers by backend.
pub(super) fn answers(frame: &mut Frame, chart: &Chart) {
    title(frame, &format!("2xx answers per {}, by backend", clock(chart.bin)));
    let entries: Vec<Entry> = chart.answers.iter().map(Entry::counted).collect();
    legend(frame, &entries);
    stacked(frame, &chart.answers, &[], 130.0);
}

/// Refusals and failures by who refused; nothing when there was none.
pub(super) fn refusals(frame: &mut Frame, chart: &Chart) {
    let seen: u64 = chart.seen_by_clients.iter().sum();
    if chart.refusals.is_empty() && seen == 0 {
        return;
    }
    title(frame, &format!("refused or failed per {}, by who refused", clock(chart.bin)));
    let mut entries: Vec<Entry> = chart.refusals.iter().map(Entry::counted).collect();
    entries.push(Entry {
        mark: Mark::Line,
        text: format!("requests whose client got no 2xx: {}", words::count(seen)),
    });
    legend(frame, &entries);
    let line: &[u64] = if seen == 0 { &[] } else { &chart.seen_by_clients };
    stacked(frame, &chart.refusals, line, 90.0);
}

/// Mean latency over time.
pub(super) fn latency(frame: &mut Frame, chart: &Chart) {
    title(frame, &format!("mean latency of 2xx answers, per {}", clock(chart.bin)));
    let Some((_, most)) = chart.latency_range() else {
        let (left, right) = frame.plot();
        frame.text("m c", (left + right) / 2.0, frame.y + 40.0, "no 2xx answer");
        axes(frame, &Scale::new(1.0, 1.0), 70.0, |_| String::new());
        frame.y += 70.0;
        return;
    };
    let scale = Scale::new(most, 0.0);
    let height = 100.0;
    axes(frame, &scale, height, |value| match value {
        0.0 => "0".to_owned(),
        value => words::latency(value),
    });
    let (mut line, mut dots) = (String::new(), String::new());
    let mut before = false;
    for (index, value) in chart.latency.iter().enumerate() {
        if let Some(value) = value {
            let x = frame.x((index as f64 + 0.5) * chart.bin);
            let y = frame.y + height * (1.0 - value / scale.top);
            let point = format!("{} {}", number(x), number(y));
            let alone = !before && !matches!(chart.latency.get(index + 1), Some(Some(_)));
            match (alone, before) {
                // A round cap makes a dot of a line without length.
                (true, _) => dots.push_str(&format!("M{point}h0")),
                (false, true) => line.push_str(&format!("L{point}")),
                (false, false) => line.push_str(&format!("M{point}")),
            }
        }
        before = value.is_some();
    }
    frame.path("line", &line);
    frame.path("line dot", &dots);
    frame.y += height;
}

fn title(frame: &mut Frame, text: &str) {
    frame.y += 26.0;
    let left = frame.plot().0;
    frame.text("b", left, frame.y, text);
    frame.y += 8.0;
}

/// What an entry of a legend is drawn with.
enum Mark {
    Square(String),
    Line,
}

struct Entry {
    mark: Mark,
    text: String,
}

impl Entry {
    /// `payg1 309 (429)`.
    fn counted(layer: &Layer) -> Self {
        let statuses: Vec<String> = layer.statuses.iter().map(u16::to_string).collect();
        let statuses =
            if statuses.is_empty() { String::new() } else { format!(" ({})", statuses.join(", ")) };
        let text = format!("{} {}{statuses}", layer.name, words::count(layer.total()));
        Self { mark: Mark::Square(layer.ink.class()), text }
    }
}

/// Entries in lines, as many as fit in each.
fn legend(frame: &mut Frame, entries: &[Entry]) {
    let (left, right) = frame.plot();
    let mut x = left;
    frame.y += 10.0;
    for entry in entries {
        let width = 16.0 + frame.text_width(&entry.text) + 14.0;
        if left < x && right < x + width {
            x = left;
            frame.y += 18.0;
        }
        let y = frame.y;
        match &entry.mark {
            Mark::Square(class) => {
                frame.path(class, &format!("M{} {}h10v10h-10z", number(x), number(y - 9.0)))
            }
            Mark::Line => frame.path("seen", &format!("M{} {}h10", number(x), number(y - 4.0))),
        }
        frame.text("", x + 15.0, y, &entry.text);
        x += width;
    }
    frame.y += 8.0;
}

/// Grid, labels and base line of a plot that begins at the frame's line.
fn axes(frame: &mut Frame, scale: &Scale, height: f64, label: impl Fn(f64) -> String) {
    let (left, right) = frame.plot();
    frame.plots.push((frame.y, frame.y + height));
    let mut grid = String::new();
    for value in scale.ticks() {
        let y = frame.y + height * (1.0 - value / scale.top);
        if 0.0 < value {
            grid.push_str(&format!("M{} {}H{}", number(left), number(y), number(right)));
        }
        frame.text("m e", left - 6.0, y + 4.0, &label(value));
    }
    frame.path("g", &grid);
    let base = frame.y + height;
    frame.path("x", &format!("M{} {}H{}", number(left), number(base), number(right)));
}

/// Bars of all layers on one another, and perhaps a line of steps over them.
fn stacked(frame: &mut Frame, layers: &[Layer], line: &[u64], height: f64) {
    let bins = layers.iter().map(|layer| layer.counts.len()).max().unwrap_or(0).max(line.len());
    let total = |bin: usize| layers.iter().filter_map(|layer| layer.counts.get(bin)).sum::<u64>();
    let most = (0..bins).map(total).chain(line.iter().copied()).max().unwrap_or(0);
    let scale = Scale::new(most as f64, 1.0);
    axes(frame, &scale, height, |value| words::count(value.round() as u64));
    let (left, right) = frame.plot();
    let pitch = (right - left) / bins.max(1) as f64;
    let gap = if 4.0 <= pitch { 1.0 } else { 0.0 };
    let y = |count: u64| frame.y + height * (1.0 - count as f64 / scale.top);
    let mut below = vec![0_u64; bins];
    let mut paths = Vec::new();
    for layer in layers {
        let mut d = String::new();
        for (index, (count, base)) in layer.counts.iter().zip(&mut below).enumerate() {
            if 0 < *count {
                let (x, width) = (left + index as f64 * pitch + gap / 2.0, number(pitch - gap));
                let (top, bottom) = (y(*base + count), y(*base));
                d.push_str(&format!(
                    "M{} {}h{width}V{}h-{width}z",
                    number(x),
                    number(top),
                    number(bottom)
                ));
                *base += count;
            }
        }
        paths.push((layer.ink.class(), d));
    }
    let mut steps = String::new();
    for (index, count) in line.iter().enumerate() {
        let verb = if index == 0 {
            format!("M{} {}", number(left), number(y(*count)))
        } else {
            format!("V{}", number(y(*count)))
        };
        steps.push_str(&format!("{verb}H{}", number(left + (index + 1) as f64 * pitch)));
    }
    for (class, d) in paths {
        frame.path(&class, &d);
    }
    frame.path("seen", &steps);
    frame.y += height;
}
