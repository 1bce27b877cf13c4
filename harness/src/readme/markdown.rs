//! Text as the source of a table's cell: a reader of the rendered page sees the
//! text, and one text has one source, so that cells can be compared as they stand.

/// The source of a cell that shows `text`. Code between backticks stays code.
pub(super) fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.as_str();
    let mut before = None;
    while let Some(letter) = rest.chars().next() {
        if letter == '`' {
            let (piece, length) = code(rest);
            out.push_str(&piece);
            rest = rest.get(length..).unwrap_or_default();
            before = Some('`');
            continue;
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        if needs_escape(before, letter, rest.chars().next()) {
            out.push('\\');
        }
        out.push(letter);
        before = Some(letter);
    }
    out
}

/// A row of cells that are sources already.
pub(super) fn row(cells: &[&str]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// The code span at the start of `rest`, or its backticks as plain text; and how
/// many bytes were taken.
fn code(rest: &str) -> (String, usize) {
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    let after = rest.get(ticks..).unwrap_or_default();
    let mut from = 0;
    while let Some(at) = after.get(from..).and_then(|part| part.find('`')) {
        let start = from + at;
        let run =
            after.get(start..).map_or(0, |part| part.len() - part.trim_start_matches('`').len());
        if run == ticks {
            let length = ticks + start + ticks;
            // A table takes pipes before it looks for code.
            return (rest.get(..length).unwrap_or_default().replace('|', "\\|"), length);
        }
        from = start + run;
    }
    ("\\`".repeat(ticks), ticks)
}

fn needs_escape(before: Option<char>, letter: char, after: Option<char>) -> bool {
    let word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    match letter {
        '\\' | '|' | '*' | '<' | '[' | ']' | '~' => true,
        // Inside a word an underscore is only that.
        '_' => !(word(before) && word(after)),
        '&' => after.is_some_and(|letter| letter == '#' || letter.is_ascii_alphabetic()),
        _ => false,
    }
}
