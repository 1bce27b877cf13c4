//! Command lines of a fenced block, as a shell splits them: words, quotes,
//! continued lines, comments, here-documents. Nothing is expanded or executed.

use std::ops::Range;

use super::document::Fence;

/// A simple command: a program and its words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub words: Vec<Word>,
}

/// A word without its quotes, and its place in the README.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub span: Range<usize>,
}

impl Command {
    /// From its first word to its last.
    pub(super) fn span(&self) -> Range<usize> {
        match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => first.span.start..last.span.end,
            _ => 0..0,
        }
    }

    /// The arguments it gives to `harness`, when that is what it runs.
    pub(super) fn harness_arguments(&self) -> Option<&[Word]> {
        let assignment = |word: &Word| {
            word.text.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            })
        };
        let lead = self
            .words
            .iter()
            .take_while(|word| assignment(word) || KEYWORDS.contains(&word.text.as_str()))
            .count();
        let (program, arguments) = self.words.get(lead..)?.split_first()?;
        match program.text.rsplit('/').next() {
            Some("harness") => Some(arguments),
            Some("cargo") => {
                let end = arguments.iter().position(|word| word.text == "--");
                let (own, rest) = arguments.split_at(end.unwrap_or(arguments.len()));
                let runs = own.iter().any(|word| word.text == "run" || word.text == "r");
                (runs && names_harness(own)).then(|| rest.get(1..).unwrap_or_default())
            }
            _ => None,
        }
    }
}

/// What may stand before a command and is none itself.
const KEYWORDS: [&str; 8] = ["do", "elif", "else", "env", "if", "then", "time", "while"];

/// `--bin harness`, `-p harness` and their other forms.
fn names_harness(own: &[Word]) -> bool {
    let separate = own.windows(2).any(|pair| match pair {
        [option, value] => {
            ["--bin", "-p", "--package"].contains(&option.text.as_str()) && value.text == "harness"
        }
        _ => false,
    });
    let joined = ["--bin=harness", "--package=harness", "-p=harness", "-pharness"];
    separate || own.iter().any(|word| joined.contains(&word.text.as_str()))
}

/// Whether a fence holds commands.
pub(super) fn is_shell(fence: &Fence) -> bool {
    ["sh", "bash", "shell", "console", "zsh"].contains(&fence.language.as_str())
}

/// The commands of a fence in order.
pub(super) fn commands(fence: &Fence) -> Vec<Command> {
    // A `console` block shows what was typed after a prompt, and what came out.
    let prompted = fence.language == "console"
        || fence.lines.iter().any(|(_, line)| line.trim_start().starts_with("$ "));
    let mut splitter = Splitter::default();
    let mut until: Option<String> = None;
    let mut continued = false;
    for (start, line) in &fence.lines {
        if let Some(end) = &until {
            if line.trim() == end {
                until = None;
            }
            continue;
        }
        let (mut start, mut line) = (*start, line.as_str());
        if prompted && !continued {
            let body = line.trim_start();
            let Some(typed) = body.strip_prefix("$ ") else { continue };
            start += line.len() - typed.len();
            line = typed;
        }
        continued = splitter.line(line, start);
        if !continued {
            until = splitter.heredoc.take();
        }
    }
    splitter.end_command();
    splitter.commands
}

#[derive(Default)]
struct Splitter {
    commands: Vec<Command>,
    words: Vec<Word>,
    word: Option<Word>,
    /// The next word names a file of a redirection, or ends a here-document.
    skip: Option<Skip>,
    quote: Option<char>,
    heredoc: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Skip {
    File,
    Heredoc,
}

impl Splitter {
    /// Takes a line; true when the next one continues it.
    fn line(&mut self, line: &str, start: usize) -> bool {
        let mut letters = line.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let place = start + at;
            match (self.quote, letter) {
                (Some(quote), letter) if letter == quote => self.quote = None,
                (Some('"') | None, '\\') => match letters.next() {
                    Some((_, next)) => self.push(next, place, place + 1 + next.len_utf8()),
                    None => return true,
                },
                (Some(_), letter) => self.push(letter, place, place + letter.len_utf8()),
                (None, '\'' | '"') => {
                    self.quote = Some(letter);
                    self.open(place);
                }
                (None, '#') if self.word.is_none() => break,
                (None, letter) if letter.is_whitespace() => self.end_word(),
                (None, ';' | '&' | '|' | '(' | ')') => self.end_command(),
                (None, '<' | '>') => {
                    // `2>`: the number belongs to the redirection.
                    if self.word.as_ref().is_some_and(|word| word.text.parse::<u8>().is_ok()) {
                        self.word = None;
                    }
                    self.end_word();
                    let doubled = letters.next_if(|(_, next)| *next == letter).is_some();
                    let _ = letters.next_if(|(_, next)| *next == '&' || *next == '-');
                    let here = letter == '<' && doubled;
                    self.skip = Some(if here { Skip::Heredoc } else { Skip::File });
                }
                (None, letter) => self.push(letter, place, place + letter.len_utf8()),
            }
        }
        match self.quote {
            Some(_) => {
                self.push('\n', start + line.len(), start + line.len());
                true
            }
            None => {
                self.end_command();
                false
            }
        }
    }

    fn open(&mut self, place: usize) -> &mut Word {
        self.word.get_or_insert_with(|| Word { text: String::new(), span: place..place })
    }

    fn push(&mut self, letter: char, from: usize, to: usize) {
        let word = self.open(from);
        word.text.push(letter);
        word.span.end = to;
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match self.skip.take() {
            None => self.words.push(word),
            Some(Skip::File) => {}
            Some(Skip::Heredoc) => self.heredoc = Some(word.text),
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.skip = None;
        if !self.words.is_empty() {
            self.commands.push(Command { words: std::mem::take(&mut self.words) });
        }
    }
}
