//! Colours, or none. Text is measured before it is painted: escape codes have
//! no width.

use owo_colors::{OwoColorize as _, Style};

/// What a piece of text is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// A title.
    Bold,
    /// Of second rank.
    Dim,
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
    /// Cannot be told.
    Doubtful,
    /// A line of a chart.
    Chart,
}

/// Paints when colours are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Painter {
    pub colour: bool,
}

impl Painter {
    pub(super) fn paint(self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = match ink {
            Ink::Bold => Style::new().bold(),
            Ink::Dim => Style::new().dimmed(),
            Ink::Good => Style::new().green().bold(),
            Ink::Bad => Style::new().red().bold(),
            Ink::Doubtful => Style::new().yellow().bold(),
            Ink::Chart => Style::new().cyan(),
        };
        text.style(style).to_string()
    }
}
