//! `ironcell bench`: how fast the physical layer is on this machine.
//!
//! - [`phy`]: kernels, a row each.
//! - [`slot`]: whole slots, by stage.
//!
//! Each value is the median of many short slices of one call repeated. What a call works on was made before. Stages that a slot spreads
//! over threads have a row for one thread and one for two.

mod phy;
mod slot;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use io::pool::Pool;
use node::Crew;

use crate::cli::bad_use;

/// What to measure.
#[derive(Subcommand, Debug)]
pub enum BenchCommand {
    /// Kernels: codes, demapping, equalizing, transforms, control channels.
    Phy(BenchArgs),
    /// One slot up and one down, gNB and UE, by stage.
    Slot(BenchArgs),
}

/// Arguments of `bench`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ironcell bench phy --json\n  \
    ironcell bench phy --isa avx2 --only ldpc\n  \
    ironcell bench slot")]
pub struct BenchArgs {
    /// One instruction set: scalar, avx2, avx512 or neon; all that the machine has without it.
    #[arg(long, value_name = "ISA")]
    pub isa: Option<String>,
    /// Only rows whose name or parameters hold this text.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Milliseconds of each round.
    #[arg(long, default_value_t = 20, value_name = "MS")]
    pub round_ms: u32,
    /// Threads for the stages that a slot spreads: 1 or more; rows with 1 and with 2 without it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// One JSON document.
    #[arg(long)]
    pub json: bool,
}

/// One measured row.
#[derive(serde::Serialize, Debug)]
struct Row {
    name: &'static str,
    parameters: String,
    isa: String,
    threads: usize,
    unit: &'static str,
    value: f64,
}

/// How long an idle thread looks for work before it sleeps.
const PATIENCE: Duration = Duration::from_micros(200);
/// Rounds of a measurement.
const ROUNDS: usize = 7;
/// Seconds of a slice of calls: shorter than what a scheduler gives another process, so that the median slice is one without it.
const SLICE: f64 = 100e-6;

/// Collects rows.
pub struct Bench<'a> {
    args: &'a BenchArgs,
    isa: dsp::Isa,
    /// Of what is measured now.
    threads: usize,
    rows: Vec<Row>,
}

impl Bench<'_> {
    /// Crews to measure with, one after the other, the first of one thread.
    fn crews(&self) -> Vec<Crew> {
        let wanted = self.args.threads.map_or(vec![1, 2], |n| vec![n.clamp(1, 64)]);
        let crew = |n: usize| match n {
            1 => Some(Crew::default()),
            _ => Some(Crew::new(Arc::new(Pool::new(n, PATIENCE).ok()?))),
        };
        wanted.into_iter().filter_map(crew).collect()
    }

    /// Measures `call` if the row is wanted; `value` turns seconds a call into the row's value. A call that does not do its work
    /// returns false: then there is no row, and standard error says so.
    fn row(
        &mut self,
        name: &'static str,
        parameters: impl Into<String>,
        unit: &'static str,
        value: impl Fn(f64) -> f64,
        mut call: impl FnMut() -> bool,
    ) {
        let parameters = parameters.into();
        if self.args.only.as_deref().is_some_and(|o| !name.contains(o) && !parameters.contains(o)) {
            return;
        }
        if !call() {
            let _ = writeln!(std::io::stderr(), "{name} {parameters}: not done, so not measured");
            return;
        }
        let value = value(seconds(self.args.round_ms, || {
            std::hint::black_box(call());
        }));
        let row = Row { name, parameters, isa: self.isa.to_string(), threads: self.threads, unit, value };
        if !self.args.json {
            let _ = writeln!(
                std::io::stdout(),
                "{:28} {:44} {:7} {:>2} {:>12.2} {}",
                row.name,
                row.parameters,
                row.isa,
                row.threads,
                row.value,
                row.unit
            );
        }
        self.rows.push(row);
    }
}

/// Seconds of one call: the median of the slices of all rounds.
fn seconds(round_ms: u32, mut call: impl FnMut()) -> f64 {
    let mut calls = |n: usize| {
        let start = Instant::now();
        (0..n).for_each(|_| call());
        start.elapsed().as_secs_f64() / n as f64
    };
    calls(1);
    let once = calls(1).min(calls(1)).max(1e-8);
    let n = (SLICE / once).ceil().clamp(1.0, 1e5) as usize;
    let total = ROUNDS as f64 * f64::from(round_ms.clamp(1, 10_000)) * 1e-3;
    let n_slices = (total / (n as f64 * once)).ceil().clamp(3.0, 1e6) as usize;
    let mut slices: Vec<f64> = (0..n_slices).map(|_| calls(n)).collect();
    slices.sort_by(f64::total_cmp);
    slices[n_slices / 2]
}

/// Runs the command.
pub fn run(command: &BenchCommand) -> ExitCode {
    let (args, what): (_, fn(&mut Bench)) = match command {
        BenchCommand::Phy(args) => (args, phy::run),
        BenchCommand::Slot(args) => (args, slot::run),
    };
    let isas: Vec<dsp::Isa> = match &args.isa {
        None => dsp::Isa::available().collect(),
        Some(name) => match name.parse::<dsp::Isa>() {
            Ok(isa) if isa.is_available() => vec![isa],
            Ok(isa) => return bad_use(&format!("--isa {isa}: this machine does not have it")),
            Err(e) => return bad_use(&e),
        },
    };
    let mut rows = Vec::new();
    for isa in isas {
        let mut bench = Bench { args, isa, threads: 1, rows: Vec::new() };
        what(&mut bench);
        rows.append(&mut bench.rows);
    }
    if rows.is_empty() {
        return bad_use(&format!("--only {}: no row holds this text", args.only.as_deref().unwrap_or_default()));
    }
    if args.json {
        let document = serde_json::json!({ "rows": rows });
        if writeln!(std::io::stdout(), "{document:#}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.3.2 (every row of the kernels and the slots runs)
    fn every_row_is_measured_on_every_instruction_set() {
        let args = BenchArgs { isa: None, only: None, round_ms: 1, threads: None, json: true };
        for (what, least) in [(phy::run as fn(&mut Bench), 30), (slot::run, 8)] {
            let mut bench = Bench { args: &args, isa: dsp::Isa::best(), threads: 1, rows: Vec::new() };
            what(&mut bench);
            assert!(bench.rows.len() >= least, "{} rows", bench.rows.len());
            assert!(bench.rows.iter().all(|r| r.value.is_finite() && r.value > 0.0), "{:?}", bench.rows);
        }
    }
}
