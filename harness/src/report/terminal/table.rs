//! The table of stages.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::paint::{Ink, Painter};
use super::{clock, summary};
use crate::assert::words;
use crate::record::Dataset;
use summary::StageSummary;

/// One row a stage and, when there are several, one for the whole run.
pub(super) fn stages(out: &mut String, dataset: &Dataset, width: usize, painter: Painter) {
    let mut rows = summary::stages(dataset);
    if rows.len() != 1 {
        rows.push(summary::whole(dataset));
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(["stage", "time", "requests", "status", "p50", "p95", "p99", "answered by"]);
    for row in &rows {
        table.add_row(cells(row));
    }
    for index in [2, 4, 5, 6] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in table.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let caption = "latency of 2xx answers, from the scheduled time to the last byte";
    out.push_str(&painter.paint(Ink::Dim, &format!(" {caption}")));
    out.push('\n');
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
    let latency = |of: fn(&summary::LatencySummary) -> f64| {
        row.latency.as_ref().map_or_else(|| "–".to_owned(), |all| words::latency(of(all)))
    };
    let total: u64 =
        row.answers.iter().map(|one| one.count).sum::<u64>() + row.answers_from_elsewhere;
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
        Cell::new(&row.name),
        Cell::new(format!("{}–{}", clock(row.start_seconds), clock(row.end_seconds))),
        Cell::new(words::count(row.requests)),
        Cell::new(statuses.join("\n")),
        Cell::new(latency(|all| all.p50)),
        Cell::new(latency(|all| all.p95)),
        Cell::new(latency(|all| all.p99)),
        Cell::new(shares.join("\n")),
    ]
}
