//! `ironcell lab conformance`: the demodulation requirements, simulated.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use link::LinkError;
use link::conformance::{Requirement, Row, bs, ue};

use super::bler::bar;
use crate::cli::bad_use;

/// Arguments of `lab conformance`.
#[derive(Args, Debug)]
#[command(
    after_help = "A row has the SNR that is required and the one at which the error rate is met. Of CSI reports (channel CSI) the SNR is the \
    test's, margin_db the ratio of throughputs over the one required, and note says what else was measured.\n\nExit status: 0 if every row that ran passed, 1 if one did not, 2 for bad use.\n\nExamples:\n  \
    ironcell lab conformance --list\n  \
    ironcell lab conformance 8.3\n  \
    ironcell lab conformance --bs 8.2.1 --only \"5 MHz\" --json"
)]
pub struct ConformanceArgs {
    /// Clause, or the beginning of one, as 8.2.1 or 8.3.
    #[arg(value_name = "CLAUSE")]
    pub clause: Option<String>,
    /// The base station's requirements only (TS 38.104).
    #[arg(long, conflicts_with = "ue")]
    pub bs: bool,
    /// The terminal's requirements only (TS 38.101-4).
    #[arg(long)]
    pub ue: bool,
    /// Only rows whose description holds this text; several: all of them.
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
    /// Lists the rows without running them.
    #[arg(long)]
    pub list: bool,
    /// Slots, grants or preambles a point at most, instead of as many as the target asks for.
    #[arg(long, value_name = "N")]
    pub blocks: Option<u64>,
    /// At the required SNR only: pass or not, no margin.
    #[arg(long)]
    pub quick: bool,
    /// Fixes every draw.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Threads; all cores without it. Any number counts the same.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// best, scalar, avx2, avx512 or neon.
    #[arg(long, default_value = "best", value_name = "ISA")]
    pub isa: String,
    /// One JSON document on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &ConformanceArgs) -> ExitCode {
    let wanted = match select(args) {
        Ok(wanted) if wanted.is_empty() => return bad_use(&"no row fits; --list shows what there is"),
        Ok(wanted) => wanted,
        Err(e) => return bad_use(&e),
    };
    let isa: dsp::Isa = match args.isa.as_str() {
        "best" => dsp::Isa::best(),
        name => match name.parse() {
            Ok(isa) => isa,
            Err(e) => return bad_use(&e),
        },
    };
    if args.list {
        let mut out = std::io::stdout().lock();
        let printed = wanted.iter().try_for_each(|r| writeln!(out, "{}  {}  {}", r.clause, r.channel, r.test));
        return ExitCode::from(u8::from(printed.is_err()));
    }
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    let (mut rows, mut failed) = (Vec::new(), false);
    for (i, requirement) in wanted.iter().enumerate() {
        let result = one(args, requirement, isa, threads.clamp(1, 256), &format!("{} of {}", i + 1, wanted.len()));
        failed |= !result.as_ref().is_ok_and(Row::pass);
        if !args.json && print(requirement, &result).is_err() {
            return ExitCode::FAILURE;
        }
        rows.push(to_json(requirement, &result));
    }
    if args.json && writeln!(std::io::stdout(), "{:#}", serde_json::json!({ "rows": rows })).is_err() {
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::from(failed))
}

fn select(args: &ConformanceArgs) -> Result<Vec<Requirement>, LinkError> {
    let mut all = Vec::new();
    if !args.ue {
        all.extend(bs()?);
    }
    if !args.bs {
        all.extend(ue()?);
    }
    let clause = args.clause.as_deref().unwrap_or_default().trim_start_matches('§');
    // 8.2.1 is a beginning of 8.2.1.2, not of 8.2.10.
    let within = |r: &Requirement| {
        let own = r.clause.rsplit('§').next().unwrap_or_default();
        own.strip_prefix(clause).is_some_and(|rest| clause.is_empty() || rest.is_empty() || rest.starts_with('.'))
    };
    let holds =
        |r: &Requirement| args.only.iter().all(|o| r.test.contains(o.as_str()) || r.channel.contains(o.as_str()));
    Ok(all.into_iter().filter(|r| within(r) && holds(r)).collect())
}

fn one(
    args: &ConformanceArgs,
    requirement: &Requirement,
    isa: dsp::Isa,
    threads: usize,
    which: &str,
) -> Result<Row, LinkError> {
    let bar = bar(&format!("{which} {}", requirement.channel));
    let mut effort = requirement.effort(threads);
    if let Some(n) = args.blocks {
        (effort.blocks_max, effort.errors) = (n.max(1), effort.errors.min(n.max(1)));
    }
    let progress = |t: link::count::Tally| {
        bar.set_position((t.blocks * 1000 / effort.blocks_max).min(1000));
        bar.set_message(format!("{} errors in {}", t.errors, t.blocks));
    };
    let row = if args.quick {
        requirement.check(isa, effort, args.seed, &progress)
    } else {
        requirement.run(isa, effort, args.seed, &progress)
    };
    bar.finish_and_clear();
    row
}

fn print(requirement: &Requirement, result: &Result<Row, LinkError>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match result {
        Ok(row) => {
            let r = &row.requirement;
            let number = |x: Option<f64>| x.map_or("     -".into(), |x| format!("{x:6.1}"));
            writeln!(
                out,
                "{} {:18} {:6} required {:5.1} measured {} margin {} dB  {:6} of {:6}  {}{}",
                if row.pass() { "pass" } else { "FAIL" },
                r.clause,
                r.channel,
                r.required_snr_db,
                number(row.measured_snr_db),
                number(row.margin_db()),
                row.tally.errors,
                row.tally.blocks,
                r.test,
                row.csi.as_ref().map_or(String::new(), |c| format!(": {}", c.note))
            )
        }
        Err(e) => writeln!(out, "FAIL {:18} {:6} {}: {e}", requirement.clause, requirement.channel, requirement.test),
    }
}

fn to_json(r: &Requirement, result: &Result<Row, LinkError>) -> serde_json::Value {
    let row = result.as_ref().ok();
    let tenth = |x: f64| (x * 100.0).round() / 100.0;
    serde_json::json!({
        "clause": r.clause,
        "test": r.test,
        "channel": r.channel,
        "required_snr_db": row.map_or(r.required_snr_db, |r| r.requirement.required_snr_db),
        "measured_snr_db": row.and_then(|r| r.measured_snr_db).map(tenth),
        "margin_db": row.and_then(Row::margin_db).map(tenth),
        "errors": row.map(|r| r.tally.errors),
        "blocks": row.map(|r| r.tally.blocks),
        "pass": row.is_some_and(Row::pass),
        "note": row.and_then(|r| r.csi.as_ref()).map(|c| c.note.as_str()),
        "error": result.as_ref().err().map(ToString::to_string),
    })
}
