//! The table of stages.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::paint::{Ink, Painter};
use super::{clock, cut, summary, wrap};
use crate::assert::words;
use crate::record::Dataset;
use summary::StageSummary;

/// A rule below the header, nothing between columns but their padding.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

/// Of fewer answers a p95 or p99 is just the slowest of them, or nearly: a dash
/// misleads nobody.
const LEAST_P95: u64 = 20;
const LEAST_P99: u64 = 100;

/// One row a stage and, when there are several, one for the whole run.
pub(super) fn stages(out: &mut String, dataset: &Dataset, width: usize, painter: Painter) {
    let mut rows = summary::stages(dataset);
    if rows.len() != 1 {
        rows.push(summary::whole(dataset));
    }
    // A narrow terminal loses the time, which the chart shows too, then the p95.
    let narrower: [&[usize]; 3] =
        [&[0, 1, 2, 3, 4, 5, 6, 7], &[0, 2, 3, 4, 5, 6, 7], &[0, 2, 3, 4, 6, 7]];
    let fitting = narrower
        .into_iter()
        .map(|columns| lines(&rows, columns, None))
        .find(|lines| lines.iter().all(|line| line.trim_end().chars().count() <= width));
    let table = fitting.unwrap_or_else(|| lines(&rows, narrower[2], Some(width)));
    for line in table {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let caption = "latency of 2xx answers, from the scheduled time to the last byte";
    for line in wrap(caption, width.saturating_sub(1)) {
        out.push_str(&format!(" {}\n", painter.paint(Ink::Dim, &line)));
    }
}

/// The table with the columns of these numbers, wrapped to a width when given.
fn lines(rows: &[StageSummary], columns: &[usize], width: Option<usize>) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    let titles = ["stage", "time", "requests", "status", "p50", "p95", "p99", "answers from"];
    let header = titles.into_iter().map(|title| match title {
        "stage" | "time" | "status" | "answers from" => Cell::new(title),
        number => right(number),
    });
    table.set_header(chosen(header, columns));
    for row in rows {
        table.add_row(chosen(cells(row).into_iter(), columns));
    }
    table.lines().collect()
}

fn chosen(cells: impl Iterator<Item = Cell>, columns: &[usize]) -> Vec<Cell> {
    cells.enumerate().filter(|(index, _)| columns.contains(index)).map(|(_, cell)| cell).collect()
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text.to_string()).set_alignment(CellAlignment::Right)
}

fn cells(row: &StageSummary) -> Vec<Cell> {
    let mut statuses: Vec<String> = row
        .statuses
        .iter()
        .map(|(status, count)| format!("{status} × {}", words::count(*count)))
        .collect();
    if 0 < row.unanswered {
        statuses.push(format!("none × {}", words::count(row.unanswered)));
    }
    let total: u64 =
        row.answers.iter().map(|one| one.count).sum::<u64>() + row.answers_from_elsewhere;
    let latency = |least: u64, of: fn(&summary::LatencySummary) -> f64| {
        let told = row.latency.as_ref().filter(|_| least <= total);
        told.map_or_else(|| "–".to_owned(), |all| words::latency(of(all)))
    };
    let mut shares: Vec<String> = row
        .answers
        .iter()
        .filter(|one| 0 < one.count)
        .map(|one| format!("{} {}", one.simulator, words::share(one.count, total)))
        .collect();
    if 0 < row.answers_from_elsewhere {
        shares.push(format!("unknown {}", words::share(row.answers_from_elsewhere, total)));
    }
    if shares.is_empty() {
        shares.push("–".to_owned());
    }
    vec![
        Cell::new(cut(&row.name, 16)),
        Cell::new(format!("{}–{}", clock(row.start_seconds), clock(row.end_seconds))),
        right(words::count(row.requests)),
        Cell::new(statuses.join("\n")),
        right(latency(1, |all| all.p50)),
        right(latency(LEAST_P95, |all| all.p95)),
        right(latency(LEAST_P99, |all| all.p99)),
        Cell::new(shares.join("\n")),
    ]
}
