use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser};
use seam::diagnostic::{Diagnostic, Source};

use super::document::{Document, Fence, Item, Table};
use super::fix::{self, Fix, Problem};
use super::{markdown, shell};

fn parse(text: &str) -> Document {
    Document::parse(Source::new("README.md", text))
}

fn tables<'a>(document: &'a Document) -> Vec<&'a Table> {
    let table = |item: &'a Item| match item {
        Item::Table(table) => Some(table),
        _ => None,
    };
    document.items.iter().filter_map(table).collect()
}

/// What a reader of the page sees of a text's only table row.
fn visible(text: &str) -> String {
    let mut out = String::new();
    let mut in_cell = false;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(pulldown_cmark::Tag::TableCell) => in_cell = true,
            Event::Text(piece) | Event::Code(piece) if in_cell => out.push_str(&piece),
            Event::SoftBreak | Event::HardBreak => out.push('\n'),
            Event::InlineHtml(_) | Event::Html(_) => out.push_str("<html>"),
            Event::Start(pulldown_cmark::Tag::Emphasis | pulldown_cmark::Tag::Strong) => {
                out.push_str("<em>");
            }
            _ => {}
        }
    }
    out
}

fn in_a_table(cell: &str) -> String {
    format!("| |\n|---|\n| {cell} |\n")
}

#[test]
fn cells_show_the_text() {
    for (text, source) in [
        ("135 of 135 (100 %); wanted at most 1.5 s", "135 of 135 (100 %); wanted at most 1.5 s"),
        ("a|b", "a\\|b"),
        ("`x|y` and `` a`b ``", "`x\\|y` and `` a`b ``"),
        ("one ` tick", "one \\` tick"),
        ("api_key, _x_", "api_key, \\_x\\_"),
        ("a < b & c, &amp;", "a \\< b & c, \\&amp;"),
        ("*all* [of](them) ~5", "\\*all\\* \\[of\\](them) \\~5"),
        ("C:\\x", "C:\\\\x"),
        (" two\n lines ", "two lines"),
    ] {
        assert_eq!(markdown::cell(text), source);
    }
    assert_eq!(visible(&in_a_table(&markdown::cell("`{\"a\": \"b|c\"}`"))), "{\"a\": \"b|c\"}");
}

#[test]
fn tables_are_read_with_their_places() {
    let text = "\
# T

| Assertion | Claim | Observed |
|---|:-:|---|
| `a` | x \\| `y \\| z` | 1 |
|`b`||  2  |
| `c` |

~~~text
| Assertion | in | fence |
|---|---|---|
~~~

<!--
| Assertion | in | comment |
|---|---|---|
-->

> | quoted | `q` |
> |---|---|
> | [l](../scenarios/x.toml) | ![i](x.svg) |
";
    let document = parse(text);
    let found = tables(&document);
    assert_eq!(found.len(), 2);
    let first = found[0];
    assert_eq!(&text[first.header.span.clone()], "| Assertion | Claim | Observed |");
    let cells: Vec<Vec<&str>> = first
        .rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| cell.text.as_str()).collect())
        .collect();
    assert_eq!(
        cells,
        [vec!["`a`", "x \\| `y \\| z`", "1"], vec!["`b`", "", "2"], vec!["`c`", "", ""]]
    );
    for row in &first.rows {
        assert!(text[row.span.clone()].starts_with('|'), "{:?}", &text[row.span.clone()]);
        for cell in &row.cells {
            assert_eq!(&text[cell.span.clone()], cell.text);
        }
    }
    assert_eq!(&text[first.rows[1].span.clone()], "|`b`||  2  |");
    assert!(text[..first.span.end].ends_with("| `c` |"));
    // In the document's order: the table, then what stands in it.
    let kinds: Vec<&str> = document.items[2..]
        .iter()
        .map(|item| match item {
            Item::Link { .. } => "link",
            Item::Image { .. } => "image",
            Item::Table(_) => "table",
            Item::Fence(_) => "fence",
        })
        .collect();
    assert_eq!(kinds, ["table", "link", "image"]);
}

fn fence(text: &str) -> Fence {
    let document = parse(text);
    match document.items.into_iter().next() {
        Some(Item::Fence(fence)) => fence,
        other => panic!("{other:?}"),
    }
}

fn words(text: &str) -> Vec<Vec<String>> {
    let commands = shell::commands(&fence(text));
    commands.into_iter().map(|one| one.words.into_iter().map(|word| word.text).collect()).collect()
}

#[test]
fn commands_are_split_as_a_shell_does() {
    assert_eq!(words("```sh\na 'b c' \"d\\\"e\" f\\ g # no\n```\n"), [["a", "b c", "d\"e", "f g"]]);
    assert_eq!(
        words("```sh\na \\\n  --b\nc && d; e | f\n```\n"),
        [vec!["a", "--b"], vec!["c"], vec!["d"], vec!["e"], vec!["f"]]
    );
    assert_eq!(
        words("```sh\na > out 2>&1 b\ncat <<EOF\nharness run x\nEOF\nc\n```\n"),
        [vec!["a", "b"], vec!["cat"], vec!["c"]]
    );
    assert_eq!(
        words("```console\n$ a 'x\ny'\noutput | of a\n$ b\n```\n"),
        [vec!["a", "x\ny"], vec!["b"]]
    );
    let text = "1. x\n\n   ```sh\n   a  run\n   ```\n";
    let command = &shell::commands(&fence(&text[6..]))[0];
    assert_eq!(&text[6..][command.words[1].span.clone()], "run");
}

#[test]
fn the_harness_is_known_by_its_commands() {
    let arguments = |line: &str| {
        let commands = shell::commands(&fence(&format!("```sh\n{line}\n```\n")));
        let words = commands[0].harness_arguments();
        words.map(|words| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>())
    };
    for line in [
        "cargo run --release --bin harness -- run x",
        "K=v cargo run -q -p harness -- run x",
        "harness run x",
        "time target/release/harness run x",
        "env A=b cargo run --bin=harness -- run x",
        "do cargo run --bin harness -- run x",
    ] {
        assert_eq!(arguments(line), Some(vec!["run".to_owned(), "x".to_owned()]), "{line}");
    }
    for line in ["cargo test -p harness", "cargo run --bin gateway -- run x", "curl harness"] {
        assert_eq!(arguments(line), None, "{line}");
    }
}

#[test]
fn changes_are_made_once_and_in_order() {
    let source = Source::new("x", "0123456789");
    let change = |span, text: &str| {
        Problem::with_fix(Diagnostic::error(&source, 0..1, "m"), Fix::Text(span, text.to_owned()))
    };
    let changes = [
        change(4..6, "B"),
        change(6..6, "c"),
        change(1..2, "A"),
        change(4..6, "B"),
        change(6..6, "d"),
    ];
    assert_eq!(fix::apply(source.text(), &changes), "0A23Bcd6789");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_survives_a_cell(text in "[ a-z0-9|*_<>&;#~!\\\\\\[\\](){}.,=:/\"'%–é-]{1,40}") {
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cell = markdown::cell(&text);
        let page = in_a_table(&cell);
        prop_assert_eq!(visible(&page), plain);
        // Read back it is the same source: what was written passes the check.
        let document = parse(&page);
        let found = tables(&document);
        prop_assert_eq!(&found[0].rows[0].cells[0].text, &cell);
    }

    #[test]
    fn any_page_is_read(text in "(?s)[ a-z|`*<>\\[\\]()!#\\\\\"'$\n-]{0,120}") {
        let document = parse(&text);
        for item in &document.items {
            if let Item::Fence(fence) = item {
                for command in shell::commands(fence) {
                    prop_assert!(text.get(command.span()).is_some());
                    let _ = command.harness_arguments();
                }
            }
        }
    }

    #[test]
    fn any_block_is_split(body in "[ a-z'\"\\\\|&;<>#$()=\n-]{0,80}") {
        let text = format!("```sh\n{body}\n```\n");
        for item in parse(&text).items {
            if let Item::Fence(fence) = item {
                for command in shell::commands(&fence) {
                    prop_assert!(!command.words.is_empty());
                    prop_assert!(text.get(command.span()).is_some());
                }
            }
        }
    }
}
