//! The Markdown table at the end of the bench, read back from the estimates criterion saved.

use crate::workload::SIZES;
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const BASELINES: [(&str, &str); 2] = [("madsim Endpoint", "madsim_endpoint"), ("turmoil", "turmoil")];

/// Where criterion keeps its results, by its own rules; the scratch folder cargo gives a bench is a sibling.
pub fn results_folder() -> PathBuf {
    std::env::var_os("CRITERION_HOME")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion"), PathBuf::from)
}

/// One row for each engine and size with estimates in `results`, be they of this bench run or an earlier one.
pub fn markdown(results: &Path, group: &str, engines: &[&str]) -> String {
    let group = results.join(group);
    let mut table = String::from("| engine | nodes | runs per second |");
    for (title, _) in BASELINES {
        write!(table, " vs {title} |").expect("a string takes all");
    }
    table.push_str("\n|---|--:|--:|--:|--:|\n");
    for size in SIZES {
        let runs_per_second =
            |engine: &str| runs_per_second(&group.join(engine).join(size.nodes().to_string()));
        for engine in engines {
            let Some(speed) = runs_per_second(engine) else { continue };
            write!(table, "| {engine} | {} | {speed:.0} |", size.nodes()).expect("a string takes all");
            for (_, baseline) in BASELINES {
                let ratio = runs_per_second(baseline)
                    .map_or(String::from("?"), |base| format!("{:.2}×", speed / base));
                write!(table, " {ratio} |").expect("a string takes all");
            }
            table.push('\n');
        }
    }
    table
}

/// The speed of the median run.
fn runs_per_second(benchmark: &Path) -> Option<f64> {
    let estimates = fs::read(benchmark.join("new/estimates.json")).ok()?;
    let estimates: Value = serde_json::from_slice(&estimates).ok()?;
    let nanos = estimates["median"]["point_estimate"].as_f64()?;
    Some(1e9 / nanos)
}
