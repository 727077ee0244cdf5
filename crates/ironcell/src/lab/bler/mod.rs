//! `ironcell lab bler`: error-rate curves on all cores.

mod case;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use link::count::{Effort, Runner, Tally};
use link::propagation::Propagation;
use link::{LinkError, theory};

use self::case::{Case, bound_of, case};
use super::plot::{Curve, Plot};
use crate::cli::bad_use;

/// What is simulated.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// Uplink data.
    Pusch,
    /// Downlink data.
    Pdsch,
    /// Uplink control.
    Pucch,
    /// Downlink control.
    Pdcch,
    /// The MIB, over the four blocks of its 80 ms.
    Pbch,
    /// Random access.
    Prach,
}

/// Arguments of `lab bler`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    ironcell lab bler pusch --mcs 10 --prb 51 --snr 0:8:1\n  \
    ironcell lab bler pdsch --mcs 20 --layers 2 --tx 2 --rx 2 --channel TDLA30-10 --harq 4 --out curve\n  \
    ironcell lab bler pucch --format 2 --bits 22 --prb 9 --symbols 2 --rx 2 --channel TDLC300-100 --snr=-4:2:1\n  \
    ironcell lab bler pdcch --level 4 --prb 48 --symbols 2 --snr=-6:0:1\n  \
    ironcell lab bler prach --format B4 --rx 2 --snr=-18:-10:2")]
pub struct BlerArgs {
    /// pusch, pdsch, pucch, pdcch, pbch or prach.
    #[arg(value_enum)]
    pub channel: Channel,
    /// I_MCS of TS 38.214 table 5.1.3.1-1 (or -2 with --qam256).
    #[arg(long, default_value_t = 10, value_name = "I")]
    pub mcs: u8,
    /// MCS table 2.
    #[arg(long)]
    pub qam256: bool,
    /// Resource blocks.
    #[arg(long, default_value_t = 51, value_name = "N")]
    pub prb: u16,
    /// Symbols.
    #[arg(long, default_value_t = 14, value_name = "N")]
    pub symbols: u8,
    /// Subcarrier spacing: 15, 30, 60, 120 or 240.
    #[arg(long, default_value_t = 30, value_name = "KHZ")]
    pub scs: u32,
    /// Layers.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub layers: u8,
    /// Transmit antennas; as many as layers without it.
    #[arg(long, value_name = "N")]
    pub tx: Option<u8>,
    /// Receive antennas; as many as layers without it.
    #[arg(long, value_name = "N")]
    pub rx: Option<u8>,
    /// AWGN, or a condition of TS 38.104 annex G by its name, as TDLC300-100.
    #[arg(long = "fading", alias = "propagation", default_value = "AWGN", value_name = "NAME")]
    pub propagation: String,
    /// Spatial correlation: low, medium, medium-a or high.
    #[arg(long, default_value = "low", value_name = "NAME")]
    pub correlation: String,
    /// SNR of a resource element at a receive antenna: one value, or FROM:TO:STEP.
    #[arg(long, default_value = "auto", value_name = "DB", allow_hyphen_values = true)]
    pub snr: String,
    /// Most transmissions of a block (HARQ), 1 to 4.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub harq: u8,
    /// DFT-spread PUSCH.
    #[arg(long)]
    pub transform_precoding: bool,
    /// LDPC iterations at most.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub iterations: u8,
    /// PUCCH format, 0 to 4 (1 without it), or PRACH format, as A2 or B4 (0 without it).
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// UCI bits of a PUCCH (2 without it), DCI bits of a PDCCH (41 without it).
    #[arg(long, value_name = "N")]
    pub bits: Option<u8>,
    /// Aggregation level of a PDCCH; its CORESET has --prb blocks and --symbols symbols.
    #[arg(long, default_value_t = 4, value_name = "L")]
    pub level: u8,
    /// Errors at which a point ends.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub errors: u64,
    /// Blocks at which a point ends in any case.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub blocks: u64,
    /// Fixes every draw.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Threads; all cores without it. Any number counts the same.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// best, scalar, avx2, avx512 or neon.
    #[arg(long, default_value = "best", value_name = "ISA")]
    pub isa: String,
    /// Writes NAME.csv, NAME.json and NAME.svg.
    #[arg(long, value_name = "NAME")]
    pub out: Option<PathBuf>,
    /// One JSON document on standard output.
    #[arg(long)]
    pub json: bool,
}

impl BlerArgs {
    fn format<'a>(&'a self, otherwise: &'a str) -> &'a str {
        self.format.as_deref().unwrap_or(otherwise)
    }
}

/// One point of a curve.
#[derive(Clone, Copy, Debug)]
struct Point {
    snr_db: f64,
    tally: Tally,
    /// The normal approximation, where it applies.
    bound: Option<f64>,
}

/// Runs the command.
pub fn run(args: &BlerArgs) -> ExitCode {
    match simulate(args) {
        Ok(points) => match report(args, &points) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                let _ = writeln!(std::io::stderr(), "error: {e}");
                ExitCode::FAILURE
            }
        },
        Err(e) => bad_use(&e),
    }
}

/// The SNRs to simulate: as given, or nine around where the bound gives an error rate of 10 %.
fn snrs(args: &BlerArgs, case: &Case) -> Result<Vec<f64>, LinkError> {
    if args.snr == "auto" {
        let centre = match case {
            Case::Shared(c) if c.propagation == Propagation::AWGN => bound_of(c).map_or(0.0, |f| f.1 + 0.75),
            Case::Shared(_) => 10.0,
            Case::Pucch(_) | Case::Pdcch(_) | Case::Pbch(_) => -6.0,
            Case::Prach(_) => -14.0,
        };
        let step = if args.propagation.eq_ignore_ascii_case("AWGN") { 0.25 } else { 1.0 };
        return Ok((-4..=4).map(|i| ((centre + f64::from(i) * step) * 20.0).round() / 20.0).collect());
    }
    let numbers: Vec<f64> = args.snr.split(':').map_while(|s| s.parse().ok()).collect();
    let wrong = || LinkError::new(format!("--snr {}: expected one value or FROM:TO:STEP, as in -4:2:0.5", args.snr));
    if numbers.len() != args.snr.split(':').count() || numbers.iter().any(|x| !x.is_finite() || x.abs() > 100.0) {
        return Err(wrong());
    }
    match numbers[..] {
        [one] => Ok(vec![one]),
        [from, to, step] if step > 0.0 && to >= from && (to - from) / step <= 1000.0 => {
            Ok((0..=((to - from) / step + 1e-9) as usize).map(|i| from + i as f64 * step).collect())
        }
        _ => Err(wrong()),
    }
}

fn simulate(args: &BlerArgs) -> Result<Vec<Point>, LinkError> {
    let isa: dsp::Isa = if args.isa == "best" { dsp::Isa::best() } else { args.isa.parse().map_err(LinkError::new)? };
    let case = case(args)?;
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let effort = Effort {
        errors: args.errors.max(1),
        blocks_max: args.blocks.max(1),
        batch: 20,
        threads: args.threads.unwrap_or(cores).clamp(1, 256),
    };
    let snrs = snrs(args, &case)?;
    let bound = if let Case::Shared(c) = &case { bound_of(c).map(|b| (b.0, *c)) } else { None };
    let mut runner = Runner::new(|| case.link(isa), effort, args.seed)?;
    let mut points = Vec::new();
    for (i, snr_db) in snrs.iter().enumerate() {
        let bar = bar(&format!("{snr_db:6.2} dB, point {} of {}", i + 1, snrs.len()));
        let tally = runner.measure(*snr_db, &|t| {
            let share = (t.errors * 1000 / effort.errors).max(t.blocks * 1000 / effort.blocks_max);
            bar.set_position(share.min(1000));
            bar.set_message(format!("{} errors in {}", t.errors, t.blocks));
        })?;
        bar.finish_and_clear();
        let bound = bound.map(|(n, c)| theory::block_error_rate(f64::from(c.tbs_bits), n, c.q_m, *snr_db));
        points.push(Point { snr_db: *snr_db, tally, bound });
        if !args.json {
            let mut out = std::io::stdout().lock();
            let bound = bound.map_or(String::new(), |b| format!("   normal approximation {b:.2e}"));
            let line = format!("{snr_db:7.2} dB   {:.3e}   {} of {}{bound}", tally.rate(), tally.errors, tally.blocks);
            writeln!(out, "{line}").map_err(LinkError::new)?;
        }
    }
    Ok(points)
}

/// A bar of a thousand steps on a terminal's standard error; nothing elsewhere.
pub fn bar(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {msg} {elapsed}");
    let bar = ProgressBar::new(1000).with_prefix(what.to_owned());
    if let Ok(style) = style { bar.with_style(style.progress_chars("=> ")) } else { bar }
}

fn title(args: &BlerArgs) -> String {
    let what = match args.channel {
        Channel::Pucch => format!("PUCCH format {}, {} bits", args.format("1"), args.bits.unwrap_or(2)),
        Channel::Pdcch => format!("PDCCH level {}, {} bits", args.level, args.bits.unwrap_or(41)),
        Channel::Pbch => "PBCH, four blocks".into(),
        Channel::Prach => format!("PRACH format {}", args.format("0")),
        Channel::Pusch | Channel::Pdsch => {
            let name = if args.channel == Channel::Pusch { "PUSCH" } else { "PDSCH" };
            format!("{name} MCS {} (table {}), {} layer(s)", args.mcs, if args.qam256 { 2 } else { 1 }, args.layers)
        }
    };
    format!(
        "{what}, {} PRB, {} kHz, {}, {} receive antenna(s)",
        args.prb,
        args.scs,
        args.propagation,
        args.rx.unwrap_or(args.layers)
    )
}

fn report(args: &BlerArgs, points: &[Point]) -> Result<(), String> {
    let rows: Vec<_> = points
        .iter()
        .map(|p| {
            serde_json::json!({
                "snr_db": p.snr_db, "blocks": p.tally.blocks, "errors": p.tally.errors, "bler": p.tally.rate(),
                "normal_approximation": p.bound,
            })
        })
        .collect();
    let document = serde_json::json!({ "title": title(args), "seed": args.seed, "points": rows });
    if args.json {
        writeln!(std::io::stdout(), "{document:#}").map_err(|e| e.to_string())?;
    }
    let Some(out) = &args.out else { return Ok(()) };
    let mut csv = String::from("snr_db,blocks,errors,bler,normal_approximation\n");
    for p in points {
        let bound = p.bound.map_or(String::new(), |b| format!("{b:e}"));
        csv += &format!("{},{},{},{:e},{bound}\n", p.snr_db, p.tally.blocks, p.tally.errors, p.tally.rate());
    }
    write(&out.with_extension("csv"), &csv)?;
    write(&out.with_extension("json"), &format!("{document:#}\n"))?;
    let mut curves = vec![Curve {
        name: "simulated".into(),
        points: points.iter().filter(|p| p.tally.errors > 0).map(|p| (p.snr_db, p.tally.rate())).collect(),
        dashed: false,
    }];
    if let Ok(Case::Shared(c)) = case(args)
        && let Some((n_symbols, _)) = bound_of(&c)
    {
        // The whole fall of the bound, wherever the simulated points lie.
        let bits = f64::from(c.tbs_bits);
        let reach = |rate: f64| theory::required_snr_db(bits, n_symbols, c.q_m, rate);
        let (from, to) = (reach(0.99), reach(1e-6));
        let at = |i: u32| from + (to - from) * f64::from(i) / 60.0;
        let curve = (0..=60).map(|i| (at(i), theory::block_error_rate(bits, n_symbols, c.q_m, at(i)))).collect();
        curves.push(Curve { name: "normal approximation".into(), points: curve, dashed: true });
    }
    let svg = Plot { title: title(args), x: "SNR, dB".into(), y: "error rate".into(), curves }.svg()?;
    write(&out.with_extension("svg"), &svg)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("{} cannot be written: {e}", path.display()))?;
    let _ = writeln!(std::io::stderr(), "wrote {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: BlerArgs,
    }

    fn points(line: &str) -> Vec<Point> {
        simulate(&Line::try_parse_from(line.split(' ')).unwrap().args).unwrap()
    }

    #[test] // Spec: ironcell issue §2 (a point of a curve in the tree, by a counting rule: 3.5 standard deviations of a binomial's)
    fn a_point_of_a_curve_in_the_tree_comes_again() {
        let curve = include_str!("../../../../../docs/curves/pusch-awgn-mcs-10.csv");
        let row = |line: &str| -> Option<[f64; 3]> {
            let numbers: Vec<f64> = line.split(',').map_while(|x| x.parse().ok()).collect();
            numbers.first_chunk().copied()
        };
        let stands = curve.lines().filter_map(row).find(|[_, blocks, errors]| errors / blocks < 0.2).unwrap();
        let [snr_db, blocks, errors] = stands;
        let line =
            format!("bler pusch --mcs 10 --prb 25 --snr={snr_db} --seed 3 --errors 60 --blocks 2000 --threads 1");
        let tally = points(&line)[0].tally;
        let (n, found) = (tally.blocks as f64, tally.errors as f64);
        let rate = (errors + found) / (blocks + n);
        let sigma = (rate * (1.0 - rate) * (1.0 / blocks + 1.0 / n)).sqrt();
        assert!((errors / blocks - found / n).abs() <= 3.5 * sigma, "{errors} of {blocks}, {found} of {n}");
    }

    #[test] // Spec: ironcell issue §2 (lab bler of every channel), TS 38.211 §6.3.2, §6.3.3, §7.3.2, §7.3.3
    fn every_channel_has_a_curve() {
        for line in [
            "bler pucch --format 0 --bits 1 --symbols 1 --snr 30",
            "bler pucch --format 4 --bits 22 --symbols 14 --snr 30",
            "bler pucch --format 3 --prb 2 --bits 22 --snr 30",
            "bler pdcch --level 8 --prb 48 --symbols 2 --snr 30",
            "bler pbch --prb 24 --snr 20",
            "bler prach --format B4 --prb 24 --snr 10",
            "bler prach --scs 15 --prb 25 --snr 10",
        ] {
            assert_eq!(points(&format!("{line} --blocks 20 --threads 1"))[0].tally.errors, 0, "{line}");
        }
        for line in ["bler prach --format B5", "bler pucch --format 5", "bler pdcch --level 3 --snr 0"] {
            assert!(simulate(&Line::try_parse_from(line.split(' ')).unwrap().args).is_err(), "{line}");
        }
    }
}
