//! Results as text, as JSON, and as a file.

use std::fmt::Write;

use crate::grid::{Grid, figure};
use crate::harness::{self, Def};
use crate::machine;
use crate::peer;
use crate::results::{Results, Row};
use crate::target;

/// A table per workload, best median first.
pub fn medians(results: &Results) -> String {
    let mut text = String::new();
    for def in harness::ALL {
        let rows = results.rows(def.w);
        let Some(best) = rows.first().map(|row| row.median) else {
            continue;
        };
        let mut grid = Grid::new(&[def.unit, "min", "median", "max", "ratio", "how"]);
        for row in &rows {
            let how = row.peer.how(def.w).unwrap_or_default();
            grid.row(vec![
                row.peer.name.into(),
                figure(row.min),
                figure(row.median),
                figure(row.max),
                figure(row.median / best),
                match row.failed {
                    0 => how.into(),
                    failed => format!("{how} [{failed} failed]"),
                },
            ]);
        }
        let _ = writeln!(text, "**{}** {}\n\n{grid}", def.id, def.title);
    }
    text
}

/// One object per workload and peer.
pub fn json(results: &Results) -> String {
    let objects: Vec<String> = harness::ALL
        .iter()
        .flat_map(|def| {
            let rows = results.rows(def.w);
            let best = rows.first().map_or(f64::NAN, |row| row.median);
            rows.into_iter().map(move |row| object(def, &row, best))
        })
        .collect();
    format!("[\n  {}\n]", objects.join(",\n  "))
}

fn object(def: &Def, row: &Row, best: f64) -> String {
    let number = |v: f64| {
        if v.is_finite() {
            format!("{v:.2}")
        } else {
            "null".into()
        }
    };
    format!(
        "{{\"workload\":\"{}\",\"peer\":\"{}\",\"version\":\"{}\",\"unit\":\"{}\",\"min\":{},\
         \"median\":{},\"max\":{},\"ratio\":{},\"failed\":{},\"how\":\"{}\"}}",
        def.id,
        row.peer.name,
        row.peer.version,
        def.unit,
        number(row.min),
        number(row.median),
        number(row.max),
        number(row.median / best),
        row.failed,
        row.peer.how(def.w).unwrap_or_default(),
    )
}

/// The ratios, and the backends beside the core.
pub fn targets(results: &Results) -> String {
    let (ratios, backends) = (target::ratios(results), target::backends(results));
    format!("{ratios}\n{backends}")
}

/// The whole report as a file in Markdown.
pub fn file(results: &Results, runs: usize, scale: f64) -> String {
    let versions: Vec<String> = peer::ALL
        .iter()
        .map(|peer| format!("{} ({})", peer.name, peer.version))
        .collect();
    let scale = if scale == 1.0 {
        String::new()
    } else {
        format!(" Counts were multiplied by {scale}.")
    };
    format!(
        "# Results\n\nPrinted by `make bench` on {date}: medians of {runs} runs.{scale}\n{machine}\n\n\
         Compare ratios, not times; less than 15 % is noise. What an id stands for, and how it is\n\
         measured, is in [README.md](README.md).\n\n\
         ## Targets\n\n\
         *must* is the limit of the ratio, *aim* what would be better still. The ratio is the median over\n\
         the rounds, so it is not quite that of the medians beside it. *In the noise* exceeds the limit by\n\
         15 % at most. Why others are not met is in [README.md](README.md).\n\n{ratios}\n\
         ## Backends beside the bare core\n\n\
         What stays in one locality. A backend must not exceed 1.10; *observed*, the core with an observer\n\
         that counts each event, is for comparison.\n\n{backends}\n\
         ## All medians\n\n{medians}\
         ## Versions\n\n{versions}.\n",
        date = machine::date(),
        machine = machine::description(),
        ratios = target::ratios(results),
        backends = target::backends(results),
        medians = medians(results),
        versions = versions.join(", "),
    )
}
