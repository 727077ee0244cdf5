//! `cargo xtask curves`: error-rate curves that stand in docs/curves, simulated by `ironcell lab bler`; `--check` simulates a point of each again
//! and counts.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Where the curves stand.
const FOLDER: &str = "docs/curves";
/// Seed of the curves; the check has another.
const SEED: &str = "1";
const SEED_OF_CHECK: &str = "2";

/// Name of the files, and the arguments of `lab bler`. An SNR range that begins with `auto` goes around the normal approximation.
const CURVES: [(&str, &str); 35] = [
    ("pusch-awgn-mcs-0", "pusch --mcs 0 --prb 25 --snr=-6:-4.5:0.25"),
    ("pusch-awgn-mcs-4", "pusch --mcs 4 --prb 25"),
    ("pusch-awgn-mcs-9", "pusch --mcs 9 --prb 25"),
    ("pusch-awgn-mcs-10", "pusch --mcs 10 --prb 25"),
    ("pusch-awgn-mcs-16", "pusch --mcs 16 --prb 25"),
    ("pusch-awgn-mcs-17", "pusch --mcs 17 --prb 25 --snr=9:10.4:0.2"),
    ("pusch-awgn-mcs-22", "pusch --mcs 22 --prb 25"),
    ("pusch-awgn-mcs-28", "pusch --mcs 28 --prb 25"),
    ("pusch-awgn-256qam-mcs-5", "pusch --qam256 --mcs 5 --prb 25"),
    ("pusch-awgn-256qam-mcs-11", "pusch --qam256 --mcs 11 --prb 25 --snr=9.5:10.9:0.2"),
    ("pusch-awgn-256qam-mcs-20", "pusch --qam256 --mcs 20 --prb 25 --snr=18:19.4:0.2"),
    ("pusch-awgn-256qam-mcs-24", "pusch --qam256 --mcs 24 --prb 25"),
    ("pusch-awgn-256qam-mcs-27", "pusch --qam256 --mcs 27 --prb 25"),
    ("pdcch-awgn-level-1", "pdcch --level 1 --prb 48 --symbols 1 --snr=0:7:1"),
    ("pdcch-awgn-level-2", "pdcch --level 2 --prb 48 --symbols 1 --snr=-5:1:1"),
    ("pdcch-awgn-level-4", "pdcch --level 4 --prb 48 --symbols 1 --snr=-8:-2:1"),
    ("pdcch-awgn-level-8", "pdcch --level 8 --prb 48 --symbols 1 --snr=-11:-5:1"),
    ("pdcch-awgn-level-16", "pdcch --level 16 --prb 48 --symbols 2 --snr=-14:-8:1"),
    ("pbch-awgn", "pbch --prb 24 --snr=-13:-8:1"),
    ("pucch-awgn-format-0", "pucch --format 0 --bits 1 --symbols 1 --rx 2 --snr=-10:1:1.5"),
    ("pucch-awgn-format-1", "pucch --format 1 --bits 2 --symbols 14 --rx 2 --snr=-16:-9:1"),
    ("pucch-awgn-format-2", "pucch --format 2 --bits 11 --prb 4 --symbols 2 --rx 2 --snr=-10:-3:1"),
    ("pucch-awgn-format-3", "pucch --format 3 --bits 22 --prb 2 --symbols 14 --rx 2 --snr=-13:-6:1"),
    ("pucch-awgn-format-4", "pucch --format 4 --bits 22 --symbols 14 --rx 2 --snr=-10:-3:1"),
    ("prach-awgn-format-0", "prach --format 0 --prb 25 --scs 15 --rx 2 --snr=-22:-16:1"),
    ("prach-awgn-format-a2", "prach --format A2 --prb 24 --rx 2 --snr=-20:-13:1"),
    ("prach-awgn-format-b4", "prach --format B4 --prb 24 --rx 2 --snr=-25:-18:1"),
    ("pdsch-tdla30-10-mcs-16-1x2", "pdsch --mcs 16 --prb 51 --rx 2 --fading TDLA30-10 --snr=8:20:3"),
    ("pdsch-tdla30-10-mcs-16-2x2", "pdsch --mcs 16 --prb 51 --layers 2 --tx 2 --rx 2 --fading TDLA30-10 --snr=14:32:3"),
    ("pdsch-tdla30-10-mcs-16-4x4", "pdsch --mcs 16 --prb 51 --layers 4 --tx 4 --rx 4 --fading TDLA30-10 --snr=14:26:2"),
    ("pdsch-tdlc300-100-mcs-10-1x2", "pdsch --mcs 10 --prb 51 --rx 2 --fading TDLC300-100 --snr=2:11:1.5"),
    (
        "pdsch-tdlc300-100-mcs-10-2x2",
        "pdsch --mcs 10 --prb 51 --layers 2 --tx 2 --rx 2 --fading TDLC300-100 --snr=8:20:2",
    ),
    (
        "pdsch-tdlc300-100-mcs-10-4x4",
        "pdsch --mcs 10 --prb 51 --layers 4 --tx 4 --rx 4 --fading TDLC300-100 --snr=8:14:1",
    ),
    ("pdsch-tdlc300-100-mcs-4-1x1", "pdsch --mcs 4 --prb 51 --rx 1 --fading TDLC300-100 --snr=0:12:2"),
    ("pusch-tdlc300-100-mcs-10-1x2", "pusch --mcs 10 --prb 51 --rx 2 --fading TDLC300-100 --snr=2:11:1.5"),
];

/// Writes the curves, or with `--check` judges them; a word chooses those whose name has it.
///
/// Errors: a simulation that fails, or points that contradict.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let is_check = arguments.iter().any(|a| a == "--check");
    let word = arguments.iter().find(|a| !a.starts_with("--")).cloned().unwrap_or_default();
    let chosen: Vec<_> = CURVES.iter().filter(|(name, _)| name.contains(&word)).collect();
    cargo(&["build", "--release", "-p", "ironcell"])?;
    if is_check {
        let mut wrong = Vec::new();
        for (name, line) in &chosen {
            wrong.extend(check(name, line)?);
        }
        if word.is_empty() {
            cargo(&["test", "--release", "-p", "fec", "--test", "distance", "--", "--ignored"])?;
        }
        return if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) };
    }
    std::fs::create_dir_all(FOLDER).map_err(|e| e.to_string())?;
    for (name, line) in &chosen {
        println!("{name}: lab bler {line}");
        let out = format!("{FOLDER}/{name}");
        let (errors, blocks) = effort(line);
        bler(line, &["--seed", SEED, "--errors", errors, "--blocks", blocks, "--out", &out])?;
        // The index says what the JSON would.
        std::fs::remove_file(format!("{out}.json")).map_err(|e| e.to_string())?;
    }
    index()
}

/// Errors wanted of a point, and blocks at most.
fn effort(line: &str) -> (&'static str, &'static str) {
    match line.split(' ').next() {
        Some("pusch" | "pdsch") if line.contains("fading") => ("100", "1000"),
        Some("pusch" | "pdsch") => ("100", "2000"),
        _ => ("100", "10000"),
    }
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("cargo").args(arguments).status().map_err(|e| format!("cargo: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {}: {status}", arguments.join(" "))) }
}

/// What `lab bler` prints.
fn bler(line: &str, more: &[&str]) -> Result<String, String> {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let program = Path::new(&target).join("release/ironcell");
    let mut command = Command::new(&program);
    command.args(["lab", "bler"]).args(line.split(' ')).args(more);
    let found = command.output().map_err(|e| format!("{}: {e}", program.display()))?;
    if !found.status.success() {
        return Err(format!("lab bler {line}: {}", String::from_utf8_lossy(&found.stderr)));
    }
    String::from_utf8(found.stdout).map_err(|e| e.to_string())
}

/// A point of a curve: SNR in dB, blocks, errors.
type Point = (f64, f64, f64);

fn points(name: &str) -> Result<Vec<Point>, String> {
    let path = format!("{FOLDER}/{name}.csv");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    let row = |line: &str| {
        let mut numbers = line.split(',').map_while(|x| x.parse::<f64>().ok());
        Some((numbers.next()?, numbers.next()?, numbers.next()?))
    };
    Ok(text.lines().skip(1).filter_map(row).collect())
}

/// The counting rule: two counts of one error rate differ by less than 3.5 standard deviations of a binomial's, twice as many where blocks of a
/// batch fade together.
fn agree(a: Point, b: Point, fades: bool) -> bool {
    let rate = (a.2 + b.2) / (a.1 + b.1);
    let sigma = (rate * (1.0 - rate) * (1.0 / a.1 + 1.0 / b.1)).sqrt();
    (a.2 / a.1 - b.2 / b.1).abs() <= if fades { 7.0 } else { 3.5 } * sigma
}

/// Simulates the point of a curve whose error rate is nearest to 3 % again; what is wrong with it, if anything.
fn check(name: &str, line: &str) -> Result<Option<String>, String> {
    let far = |p: &Point| ((p.2 / p.1).ln() - 0.03f64.ln()).abs();
    let some = points(name)?.into_iter().filter(|p| p.2 >= 20.0);
    let Some(stands) = some.min_by(|a, b| far(a).total_cmp(&far(b))) else {
        return Ok(Some(format!("{name}: no point with 20 errors")));
    };
    let without_range: Vec<&str> = line.split(' ').filter(|word| !word.starts_with("--snr")).collect();
    let (errors, blocks) = effort(line);
    let snr = format!("--snr={}", stands.0);
    let text = bler(
        &without_range.join(" "),
        &[&snr, "--seed", SEED_OF_CHECK, "--errors", errors, "--blocks", blocks, "--json"],
    )?;
    let document: serde_json::Value = serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))?;
    let point = &document["points"][0];
    let number = |key: &str| point[key].as_f64().ok_or_else(|| format!("{name}: no {key}"));
    let again = (stands.0, number("blocks")?, number("errors")?);
    let verdict = agree(stands, again, line.contains("--fading"));
    println!(
        "{name}: {} dB, {} of {} stand, {} of {} now: {}",
        stands.0,
        stands.2,
        stands.1,
        again.2,
        again.1,
        if verdict { "agree" } else { "DIFFER" }
    );
    Ok((!verdict).then(|| format!("{name} at {} dB: the curve in the tree and today's differ", stands.0)))
}

/// SNR where the error rate is `rate`, between the two points around it.
fn crossing(points: &[Point], rate: f64) -> Option<f64> {
    let log = |p: &Point| (p.2.max(0.5) / p.1 / rate).ln();
    let pair = points.windows(2).find(|pair| log(&pair[0]) >= 0.0 && log(&pair[1]) < 0.0)?;
    let (a, b) = (log(&pair[0]), log(&pair[1]));
    Some(pair[0].0 + (pair[1].0 - pair[0].0) * a / (a - b))
}

/// docs/curves/README.md.
fn index() -> Result<(), String> {
    let mut text = String::from(
        "# Error-rate curves\n\nWritten by `cargo xtask curves`; `cargo xtask curves --check` simulates a point of each again with another seed and \
         judges by counts.\nEach line: the files, SNR in dB at error rates of 10 % and 1 % (between two points), and the arguments of \
         `ironcell lab bler` (seed 1, 100 errors a\npoint or 10 000 blocks; 2000 for the shared channels, 1000 with fading). SNR is that of a resource \
         element at one receive antenna; the receivers\nestimate the channel. Dashed in a picture: the normal approximation.\n\n",
    );
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().map_err(|e| e.to_string())?;
    let _ = writeln!(text, "Date: {}\n", String::from_utf8_lossy(&date.stdout).trim());
    text += "| curve | 10 % | 1 % | arguments |\n|---|---:|---:|---|\n";
    for (name, line) in CURVES {
        let Ok(points) = points(name) else { continue };
        let at = |rate| crossing(&points, rate).map_or("".into(), |snr| format!("{snr:.2}"));
        let _ = writeln!(text, "| [{name}]({name}.svg) ([csv]({name}.csv)) | {} | {} | `{line}` |", at(0.1), at(0.01));
    }
    if let Ok(distance) = std::fs::read_to_string(format!("{FOLDER}/fec-distance.csv")) {
        text += "\n## Distances of the decoders from floating point\n\nWritten by `cargo run --release -p fec --example distance`: Es/N0 in dB at a block \
                 error rate of 0.01 (AWGN, QPSK, no channel estimation), and the\ndistance from floating point: layered sum-product at equal iterations, its \
                 rows in ascending order and in this decoder's; list decoding of\npolar codes in f64.\n\n";
        for (i, line) in distance.lines().enumerate() {
            let _ = writeln!(text, "| {} |", line.replace(',', " | "));
            if i == 0 {
                let _ = writeln!(text, "|{}", "---|".repeat(line.split(',').count()));
            }
        }
    }
    std::fs::write(format!("{FOLDER}/README.md"), text).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell issue §2 (the counting rule of curves)
    fn counts_of_one_rate_agree_and_others_do_not() {
        assert!(agree((0.0, 1000.0, 30.0), (0.0, 1000.0, 40.0), false));
        assert!(!agree((0.0, 1000.0, 30.0), (0.0, 1000.0, 70.0), false));
        assert!(agree((0.0, 1000.0, 30.0), (0.0, 1000.0, 70.0), true));
        assert!(agree((0.0, 1000.0, 0.0), (0.0, 1000.0, 0.0), false));
    }

    #[test] // Spec: ironcell issue §2 (where a curve falls below a rate)
    fn a_crossing_lies_between_its_points() {
        let points = [(0.0, 100.0, 50.0), (1.0, 1000.0, 100.0), (2.0, 1000.0, 1.0)];
        assert_eq!(crossing(&points, 0.1), Some(1.0));
        assert!(crossing(&points, 0.01).is_some_and(|snr| (snr - 1.5).abs() < 1e-9));
        assert_eq!(crossing(&points, 1e-6), None);
    }
}
