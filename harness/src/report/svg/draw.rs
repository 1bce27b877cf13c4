//! Numbers, text and axes: what every part of the picture is drawn with.

use super::clock;

/// Left of the plots: labels of the vertical axes.
const LEFT: f64 = 62.0;

/// Right of them.
const RIGHT: f64 = 20.0;

/// About how wide a letter is; fonts differ.
const LETTER: f64 = 6.8;

/// Where things go, and what was drawn.
pub(super) struct Frame {
    /// Elements so far.
    pub out: String,
    /// The next free line.
    pub y: f64,
    /// Top and bottom of each plot, for the lines that mark a time in all of them.
    pub plots: Vec<(f64, f64)>,
    width: f64,
    /// What the time axis spans.
    seconds: f64,
}

impl Frame {
    pub(super) fn new(width: f64, seconds: f64) -> Self {
        Self { out: String::new(), y: 0.0, plots: Vec::new(), width, seconds: seconds.max(1e-3) }
    }

    /// Left and right end of the plots.
    pub(super) fn plot(&self) -> (f64, f64) {
        (LEFT, self.width - RIGHT)
    }

    /// Where a time of the run is; what was before the start is at the start.
    pub(super) fn x(&self, seconds: f64) -> f64 {
        let (left, right) = self.plot();
        left + (right - left) * (seconds / self.seconds).clamp(0.0, 1.0)
    }

    /// How many letters fit.
    pub(super) fn letters(&self, room: f64) -> usize {
        (room.max(0.0) / LETTER) as usize
    }

    /// About how much room a text takes.
    pub(super) fn text_width(&self, text: &str) -> f64 {
        text.chars().count() as f64 * LETTER
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let (x, y) = (number(x), number(y));
        self.out.push_str(&format!("<text{class} x=\"{x}\" y=\"{y}\">{}</text>\n", escape(text)));
    }

    pub(super) fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.out.push_str(&format!("<path class=\"{class}\" d=\"{d}\"/>\n"));
        }
    }

    /// A line at `x` through every plot.
    pub(super) fn through_plots(&self, x: f64) -> String {
        let line = |(top, bottom): &(f64, f64)| {
            format!("M{} {}V{}", number(x), number(*top), number(*bottom))
        };
        self.plots.iter().map(line).collect()
    }

    /// Ticks, times and the name of the axis, below everything drawn so far.
    pub(super) fn time_axis(&mut self) {
        const NICE: [f64; 20] = [
            0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0,
            600.0, 900.0, 1_800.0, 3_600.0, 7_200.0,
        ];
        let fits = |step: &f64| self.seconds / step <= 8.0;
        let step = NICE.into_iter().find(fits).unwrap_or_else(|| nice_step(self.seconds, 8.0));
        let y = self.y;
        let mut ticks = String::new();
        let mut labels = Vec::new();
        let count = (self.seconds / step + 1e-9) as u32;
        for index in 0..=count {
            let seconds = f64::from(index) * step;
            let x = self.x(seconds);
            ticks.push_str(&format!("M{} {}v4", number(x), number(y)));
            labels.push((x, clock(seconds)));
        }
        self.path("x", &ticks);
        for (x, label) in labels {
            self.text("m c", x, y + 17.0, &label);
        }
        self.text("m", 16.0, y + 17.0, "time");
        self.y += 22.0;
    }
}

/// A vertical axis from zero to a round number.
pub(super) struct Scale {
    pub step: f64,
    pub top: f64,
}

impl Scale {
    /// For values up to `most`, in at most four steps of at least `least`.
    pub(super) fn new(most: f64, least: f64) -> Self {
        let step = nice_step(most, 4.0).max(least);
        Self { step, top: (most / step - 1e-9).ceil().max(1.0) * step }
    }

    /// The values at its ticks, from zero.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> {
        let (step, count) = (self.step, (self.top / self.step).round() as u32);
        (0..=count).map(move |index| f64::from(index) * step)
    }
}

/// The least of 1, 2, 5, 10 … that covers `most` in at most `steps`.
fn nice_step(most: f64, steps: f64) -> f64 {
    let raw = (most / steps).max(1e-6);
    let power = 10.0_f64.powi(raw.log10().floor() as i32);
    let fits = |factor: &f64| raw <= factor * power * (1.0 + 1e-9);
    [1.0, 2.0, 5.0].into_iter().find(fits).unwrap_or(10.0) * power
}

/// A coordinate: one decimal at most, the same text on every machine.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Text as XML content; what XML cannot hold is replaced.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        let scale = |most, least| {
            let scale = Scale::new(most, least);
            (scale.step, scale.top)
        };
        assert_eq!(scale(7.0, 1.0), (2.0, 8.0));
        assert_eq!(scale(1.0, 1.0), (1.0, 1.0));
        assert_eq!(scale(0.0, 1.0), (1.0, 1.0));
        assert_eq!(scale(40.0, 1.0), (10.0, 40.0));
        assert_eq!(scale(11.7, 0.0), (5.0, 15.0));
        let (step, top) = scale(0.23, 0.0);
        assert!((step - 0.1).abs() < 1e-9 && (top - 0.3).abs() < 1e-9, "{step} {top}");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a<b & \"c\"\u{0}\n"), "a&lt;b &amp; &quot;c&quot;  ");
        assert_eq!(
            (number(1.04), number(-2.0), number(0.25)),
            ("1".into(), "-2".into(), "0.2".into())
        );
    }
}
