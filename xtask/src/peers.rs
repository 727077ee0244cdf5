//! `cargo xtask peers`: our kernels and those of OCUDU, one after the other on one core, medians and ratios as a table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const USE: &str = "use: cargo xtask peers --ocudu BUILD [--ironcell PROGRAM] [--codes PROGRAM] [--rounds N] [--core N] [--only TEXT]
  BUILD is the build folder of OCUDU with its benchmarks; a program of --codes prints polar and rate matching times in their form";

/// Their programs: name here, path below the build folder, arguments; of several with one name the best counts.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("ldpc-384", LDPC, "-I 6 -L 384 -T avx512 -R 60"),
    ("ldpc-384", LDPC, "-I 6 -L 384 -T avx2 -R 60"),
    ("ldpc-384-2", LDPC, "-I 2 -L 384 -T avx512 -R 60"),
    ("ldpc-384-2", LDPC, "-I 2 -L 384 -T avx2 -R 60"),
    ("ldpc-64", LDPC, "-I 6 -L 64 -T avx512 -R 60"),
    ("ldpc-64", LDPC, "-I 6 -L 64 -T avx2 -R 60"),
    ("ldpc-32", LDPC, "-I 6 -L 32 -T avx512 -R 60"),
    ("ldpc-32", LDPC, "-I 6 -L 32 -T avx2 -R 60"),
    ("ldpc-8", LDPC, "-I 6 -L 8 -T avx512 -R 60"),
    ("ldpc-8", LDPC, "-I 6 -L 8 -T avx2 -R 60"),
    ("demap", "upper/channel_modulation/modulation_chain_benchmark", "-R 100"),
    ("equalize-mmse", "upper/equalization/channel_equalizer_benchmark", "-T MMSE -R 100"),
    ("equalize-zf", "upper/equalization/channel_equalizer_benchmark", "-T ZF -R 100"),
    ("precode", "upper/precoding/channel_precoder_benchmark", "-R 3000"),
    ("fft", "generic_functions/dft_processor_benchmark", "-O measure -R 300"),
    ("pusch", PUSCH, "-m latency -T 1 -B 5 -R 5 -P scs30_100MHz_256qam_rv0_4port_nlayer"),
    ("pdsch-1", PDSCH, "-m latency -T 1 -B 40 -R 5 -t lite -P scs30_100MHz_256qam_max"),
    ("pdsch-2", PDSCH, "-m latency -T 1 -B 40 -R 5 -t lite -P 2port_2layer_scs30_100MHz_256qam"),
    ("pdsch-4", PDSCH, "-m latency -T 1 -B 40 -R 5 -t lite -P 4port_4layer_scs30_100MHz_256qam"),
];
const LDPC: &str = "upper/channel_coding/ldpc/ldpc_decoder_benchmark";
const PUSCH: &str = "upper/channel_processors/pusch/pusch_processor_benchmark";
const PDSCH: &str = "upper/channel_processors/pdsch_processor_benchmark";

/// A pair: our row (name, parameters), the name of their program and the label of their row.
struct Pair {
    ours: (String, String),
    program: &'static str,
    label: &'static str,
}

fn pairs() -> impl Iterator<Item = Pair> {
    include_str!("peers_pairs.txt").lines().filter(|l| !l.starts_with('#')).filter_map(|line| {
        let mut parts = line.split('|').map(str::trim);
        let ours = (parts.next()?.to_string(), parts.next()?.to_string());
        Some(Pair { ours, program: parts.next()?, label: parts.next()? })
    })
}

struct Options {
    ocudu: PathBuf,
    ironcell: PathBuf,
    codes: Option<PathBuf>,
    rounds: usize,
    core: String,
    only: String,
    isa: &'static str,
}

impl Options {
    fn read(args: &[String]) -> Result<Options, String> {
        let value = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).cloned();
        let wide = std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|c| c.contains("avx512bw"));
        Ok(Options {
            isa: if wide { "avx512" } else { "avx2" },
            ocudu: value("--ocudu").ok_or(USE)?.into(),
            ironcell: value("--ironcell").unwrap_or_else(|| "target/release/ironcell".into()).into(),
            codes: value("--codes").map(PathBuf::from),
            rounds: value("--rounds").map_or(Ok(5), |n| n.parse()).map_err(|_| USE)?,
            core: value("--core").unwrap_or_else(|| "1".into()),
            only: value("--only").unwrap_or_default(),
        })
    }

    /// What a program prints, run on the one core.
    fn output(&self, program: &Path, args: &[&str]) -> Result<String, String> {
        let out = Command::new("taskset").args(["-c", &self.core]).arg(program).args(args).output();
        let out = out.map_err(|e| format!("{}: {e}", program.display()))?;
        if !out.status.success() {
            return Err(format!("{}: {}", program.display(), String::from_utf8_lossy(&out.stderr)));
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// What their programs of one name print.
    fn theirs(&self, name: &str) -> Result<Vec<String>, String> {
        if name == "codes" {
            return self.codes.iter().map(|path| self.output(path, &[])).collect();
        }
        let folder = self.ocudu.join("tests/benchmarks/phy");
        let named = PROGRAMS.iter().filter(|p| p.0 == name);
        named.map(|p| self.output(&folder.join(p.1), &p.2.split(' ').collect::<Vec<_>>())).collect()
    }

    /// Our rows of one name by name and parameters, each with its unit.
    fn ours(&self, name: &str) -> Result<Rows, String> {
        let what = if name.starts_with("gnb") { "slot" } else { "phy" };
        let args = ["bench", what, "--json", "--isa", self.isa, "--round-ms", "5", "--threads", "1", "--only", name];
        let document: serde_json::Value =
            serde_json::from_str(&self.output(&self.ironcell, &args)?).map_err(|e| e.to_string())?;
        let rows = document["rows"].as_array().ok_or("no rows")?;
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_string();
        let key = |row| (text(row, "name"), text(row, "parameters"));
        Ok(rows.iter().map(|r| (key(r), (r["value"].as_f64().unwrap_or(f64::NAN), text(r, "unit")))).collect())
    }
}

type Rows = BTreeMap<(String, String), (f64, String)>;

/// Of one of their tables: the median of the row with this label, or the first that holds it; microseconds, or millions a second.
fn median_of(text: &str, label: &str) -> Option<f64> {
    let (mut unit, mut close) = (1.0, None);
    let squeeze = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in text.lines() {
        if line.contains("All values are in") {
            unit = if line.contains("nanoseconds") { 1e-3 } else { 1.0 };
        }
        let Some((name, rest)) = line.split_once('|') else { continue };
        let Some(value) = rest.split('|').next().and_then(|v| v.trim().parse::<f64>().ok()) else { continue };
        let name = squeeze(name);
        if name == label {
            return Some(value * unit);
        }
        if name.contains(label) && close.is_none() {
            close = Some(value * unit);
        }
    }
    close
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The values of a pair in all rounds.
struct Seen {
    pair: Pair,
    ours: Vec<f64>,
    theirs: Vec<f64>,
    unit: String,
}

/// One round: each program of theirs, and right before it our rows that are compared with it.
fn round(options: &Options, all: &mut [Seen]) -> Result<(), String> {
    let (mut ours, mut theirs) = (Rows::new(), BTreeMap::new());
    for seen in all {
        let (name, pair) = (&seen.pair.ours.0, &seen.pair);
        if !theirs.contains_key(pair.program) || !ours.contains_key(&pair.ours) {
            ours.append(&mut options.ours(name)?);
        }
        if !theirs.contains_key(pair.program) {
            theirs.insert(pair.program, options.theirs(pair.program)?);
        }
        let Some((value, unit)) = ours.get(&pair.ours) else { continue };
        let times = unit == "us";
        let texts = theirs.get(pair.program).into_iter().flatten();
        let best =
            texts.filter_map(|t| median_of(t, pair.label)).reduce(|a, b| if times { a.min(b) } else { a.max(b) });
        if let Some(best) = best {
            seen.unit.clone_from(unit);
            seen.ours.push(*value);
            seen.theirs.push(best);
        }
    }
    Ok(())
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<(), String> {
    let options = Options::read(args)?;
    let wanted = |p: &Pair| p.program.contains(&options.only);
    let new = |pair| Seen { pair, ours: Vec::new(), theirs: Vec::new(), unit: String::new() };
    let mut all: Vec<Seen> = pairs().filter(wanted).map(new).collect();
    for _ in 0..options.rounds {
        round(&options, &mut all)?;
    }
    println!("| ours | theirs | unit | ours | theirs | ratio |\n|---|---|---|---|---|---|");
    for seen in all.iter().filter(|s| !s.ours.is_empty()) {
        let (a, b) = (median(&seen.ours), median(&seen.theirs));
        let ratio = if seen.unit == "us" { b / a } else { a / b };
        let Pair { ours, program, label } = &seen.pair;
        println!("| {} {} | {program}: {label} | {} | {a:.5} | {b:.5} | {ratio:.2} |", ours.0, ours.1, seen.unit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.3.2 (a peer's table of decoding times is read by label)
    fn their_tables_are_read() {
        let text = "\"polar\" performance. All values are in nanoseconds.\n Percentiles: | 50th | 75th |\n\
             K=65  SC decode noise | 9000.0| 1.0|\n K=65 SC  decode| 8500.0| 1.0|\n";
        assert_eq!(median_of(text, "K=65 SC decode"), Some(8.5));
        assert_eq!(median_of(text, "decode noise"), Some(9.0));
        assert_eq!(median_of(text, "absent"), None);
        assert_eq!(median_of("All values are in megabits per second.\n a|7.5|", "a"), Some(7.5));
    }

    #[test] // Spec: TS 38.212 §5.3.2 (each row of the comparison names a program)
    fn every_pair_has_a_program() {
        assert!(pairs().count() > 50);
        for pair in pairs() {
            assert!(pair.program == "codes" || PROGRAMS.iter().any(|p| p.0 == pair.program), "{}", pair.program);
        }
    }
}
