//! Actions: a letter below the time axis for each, those too near to one another
//! as one mark, and what each did.

use super::draw::{Frame, escape, number};
use super::{clock, cut};
use crate::record::ActionRow;

/// Actions told in full.
const TOLD: usize = 26;

/// Marks nearer than this become one.
const NEAR: f64 = 26.0;

/// Actions at about one time.
pub(super) struct Mark {
    x: f64,
    /// `c`, or `a–c`.
    letters: String,
    told: Vec<String>,
}

/// Actions in order, in marks that do not overlap.
pub(super) fn group(frame: &Frame, actions: &[ActionRow]) -> Vec<Mark> {
    let mut marks: Vec<(f64, Vec<usize>)> = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let x = frame.x(action.started.as_secs_f64());
        match marks.last_mut() {
            Some((at, members)) if x - *at < NEAR => members.push(index),
            _ => marks.push((x, vec![index])),
        }
    }
    let text = |index: usize| {
        let action = actions.get(index)?;
        let what = match &action.error {
            Some(error) => format!("failed: {error}"),
            None => action.summary.clone(),
        };
        let at = clock(action.started.as_secs_f64());
        Some(format!("{} at {at}: {what}", action.name))
    };
    let mark = |(x, members): (f64, Vec<usize>)| {
        let (first, last) = (members.first().copied(), members.last().copied());
        let letters = match (first.map(letter), last.map(letter)) {
            (Some(first), Some(last)) if first != last => format!("{first}–{last}"),
            (Some(first), _) => first,
            (None, _) => String::new(),
        };
        Mark { x, letters, told: members.into_iter().filter_map(text).collect() }
    };
    marks.into_iter().map(mark).collect()
}

/// `a` to `z`, then numbers.
fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(offset @ 0..=25) => char::from(b'a' + offset).to_string(),
        _ => (index + 1).to_string(),
    }
}

/// Lines through the plots, marks and texts below them.
pub(super) fn draw(frame: &mut Frame, marks: &[Mark]) {
    if marks.is_empty() {
        return;
    }
    let lines: String = marks.iter().map(|mark| frame.through_plots(mark.x)).collect();
    frame.path("act", &lines);
    frame.y += 4.0;
    let y = frame.y;
    let left = frame.plot().0;
    for mark in marks {
        let width = (frame.text_width(&mark.letters) + 8.0).max(16.0);
        frame.out.push_str(&format!(
            "<rect class=\"mark\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\" rx=\"8\"/>\
             <text class=\"markt\" x=\"{}\" y=\"{}\">{}</text>\n",
            number(mark.x - width / 2.0),
            number(y),
            number(width),
            number(mark.x),
            number(y + 12.0),
            escape(&mark.letters)
        ));
    }
    let first = marks.iter().map(|mark| mark.x).fold(f64::INFINITY, f64::min);
    if left + 20.0 < first {
        frame.text("m", 16.0, y + 12.0, "actions");
    }
    frame.y += 34.0;
    texts(frame, marks);
}

/// In one or two columns, read downwards.
fn texts(frame: &mut Frame, marks: &[Mark]) {
    let told: Vec<&String> = marks.iter().flat_map(|mark| &mark.told).collect();
    let (left, right) = (16.0, frame.plot().1);
    let half = frame.letters((right - left) / 2.0 - 24.0);
    let long = told.iter().any(|text| half < text.chars().count());
    // Few lines may be long ones; many have to share them.
    let columns = if told.len() <= if long { 12 } else { 3 } { 1 } else { 2 };
    let shown = told.len().min(TOLD);
    let rows = shown.div_ceil(columns);
    let column = (right - left) / columns as f64;
    let top = frame.y;
    for (index, text) in told.iter().take(TOLD).enumerate() {
        let x = left + column * (index / rows) as f64;
        let y = top + 17.0 * (index % rows) as f64;
        let lead = letter(index);
        frame.text("b", x, y, &lead);
        let room = frame.letters(column - 24.0);
        frame.text("m", x + 16.0, y, &cut(text, room));
    }
    frame.y += 17.0 * rows.saturating_sub(1) as f64;
    if TOLD < told.len() {
        frame.y += 17.0;
        let more = format!("and {} more", told.len() - TOLD);
        frame.text("m", left + 16.0, frame.y, &more);
    }
    frame.y += 6.0;
}
