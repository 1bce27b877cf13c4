//! What a README holds, in its order: links, images, tables, fenced blocks, each
//! with its place. A CommonMark parser reads it and not a pattern, because what
//! looks like a table may stand in a fence or a comment, and cells hold escaped
//! pipes and code.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use seam::diagnostic::Source;

/// A README as read.
#[derive(Debug)]
pub(super) struct Document {
    pub source: Source,
    pub items: Vec<Item>,
}

/// Something in it that may be of interest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Link { target: String, span: Range<usize> },
    Image { target: String, span: Range<usize> },
    Table(Table),
    Fence(Fence),
}

/// A table of any kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub header: Row,
    pub rows: Vec<Row>,
    pub span: Range<usize>,
}

/// A row: all of its line, and its cells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub span: Range<usize>,
    pub cells: Vec<Cell>,
}

/// A cell's source without the spaces around it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub span: Range<usize>,
    pub text: String,
}

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fence {
    /// The first word after the fence.
    pub language: String,
    /// Its lines without their ends, and where each begins.
    pub lines: Vec<(usize, String)>,
}

impl Document {
    pub(super) fn parse(source: Source) -> Self {
        let mut items = Vec::new();
        let text = source.text();
        let mut table: Option<Table> = None;
        let mut row = Row::default();
        let mut fence: Option<Fence> = None;
        for (event, span) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => {
                    items.push(Item::Link { target: dest_url.into_string(), span });
                }
                Event::Start(Tag::Image { dest_url, .. }) => {
                    items.push(Item::Image { target: dest_url.into_string(), span });
                }
                Event::Start(Tag::Table(_)) => {
                    let span = trimmed(text, span);
                    table = Some(Table { span, ..Table::default() });
                }
                Event::Start(Tag::TableHead | Tag::TableRow) => {
                    row = Row { span: trimmed(text, span), cells: Vec::new() };
                }
                Event::Start(Tag::TableCell) => {
                    let span = trimmed(text, span);
                    let text = text.get(span.clone()).unwrap_or_default().to_owned();
                    row.cells.push(Cell { span, text });
                }
                Event::End(TagEnd::TableHead) => {
                    if let Some(table) = &mut table {
                        table.header = std::mem::take(&mut row);
                    }
                }
                Event::End(TagEnd::TableRow) => {
                    if let Some(table) = &mut table {
                        table.rows.push(std::mem::take(&mut row));
                    }
                }
                Event::End(TagEnd::Table) => items.extend(table.take().map(Item::Table)),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let language = info.split_whitespace().next().unwrap_or_default().to_owned();
                    fence = Some(Fence { language, lines: Vec::new() });
                }
                Event::Text(piece) => {
                    if let Some(fence) = &mut fence {
                        fence.add(&piece, span.start);
                    }
                }
                Event::End(TagEnd::CodeBlock) => items.extend(fence.take().map(Item::Fence)),
                _ => {}
            }
        }
        // Links inside a table come before it: a table is complete at its end.
        items.sort_by_key(Item::start);
        Self { source, items }
    }
}

impl Item {
    fn start(&self) -> usize {
        match self {
            Item::Link { span, .. } | Item::Image { span, .. } => span.start,
            Item::Table(table) => table.span.start,
            Item::Fence(fence) => fence.lines.first().map_or(0, |line| line.0),
        }
    }
}

impl Fence {
    fn add(&mut self, piece: &str, start: usize) {
        let mut at = start;
        for line in piece.split_inclusive('\n') {
            self.lines.push((at, line.trim_end_matches(['\n', '\r']).to_owned()));
            at += line.len();
        }
    }
}

/// A span without the white space at its ends.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let inner = text.get(span.clone()).unwrap_or_default();
    let start = span.start + (inner.len() - inner.trim_start().len());
    start..(start + inner.trim().len())
}
