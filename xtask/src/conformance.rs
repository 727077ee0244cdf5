//! `cargo xtask conformance FILE...`: the rows that `ironcell lab conformance --json` wrote, as the tables of docs/CONFORMANCE.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A margin below this, dB, is named.
const MARGIN_DB: f64 = 2.0;

/// One row of the JSON documents.
struct Row {
    channel: String,
    clause: String,
    test: String,
    required_db: f64,
    measured_db: Option<f64>,
    margin_db: Option<f64>,
    errors: u64,
    blocks: u64,
    pass: bool,
    error: Option<String>,
    /// False: only listed.
    ran: bool,
}

impl Row {
    fn read(v: &serde_json::Value) -> Option<Row> {
        let text = |key: &str| v.get(key)?.as_str().map(str::to_string);
        let number = |key: &str| v.get(key)?.as_f64();
        let count = |key: &str| v.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
        Some(Row {
            channel: text("channel")?,
            clause: text("clause")?,
            test: text("test")?,
            required_db: number("required_snr_db")?,
            measured_db: number("measured_snr_db"),
            margin_db: number("margin_db"),
            errors: count("errors"),
            blocks: count("blocks"),
            pass: v.get("pass")?.as_bool()?,
            error: text("error"),
            ran: true,
        })
    }

    /// A line of `lab conformance --list`: clause, channel and test, two blanks in between.
    fn listed(line: &str) -> Option<Row> {
        let mut parts = line.splitn(3, "  ").map(str::to_string);
        Some(Row {
            clause: parts.next()?,
            channel: parts.next()?,
            test: parts.next()?,
            required_db: 0.0,
            measured_db: None,
            margin_db: None,
            errors: 0,
            blocks: 0,
            pass: false,
            error: None,
            ran: false,
        })
    }

    /// Whether the row is named among those that fall short. Noise alone has no SNR to spare, and the margin of a CSI report is one of throughput.
    fn short(&self) -> bool {
        let has_margin = !self.noise_alone() && self.channel != "CSI";
        self.ran && (!self.pass || has_margin && self.margin_db.is_some_and(|m| m < MARGIN_DB))
    }

    fn noise_alone(&self) -> bool {
        self.test.contains("noise alone") || self.test.contains("DTX to ACK")
    }
}

/// Prints the tables of the documents in `files`; a row in several is that of the last. A file that ends in `.txt` is what
/// `lab conformance --list` printed: rows that no document has are listed as not run.
pub fn run(files: &[String]) -> Result<(), String> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
        if file.ends_with(".txt") {
            for row in text.lines().filter_map(Row::listed) {
                rows.entry((row.clause.clone(), row.test.clone())).or_insert(row);
            }
            continue;
        }
        let document: serde_json::Value = serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?;
        let list = document.get("rows").and_then(|r| r.as_array()).ok_or_else(|| format!("{file}: no rows"))?;
        for v in list {
            let row = Row::read(v).ok_or_else(|| format!("{file}: a row that lab conformance did not write"))?;
            rows.insert((row.clause.clone(), row.test.clone()), row);
        }
    }
    if rows.is_empty() {
        return Err("use: cargo xtask conformance FILE... (JSON of `ironcell lab conformance --json`)".into());
    }
    let rows: Vec<Row> = rows.into_values().collect();
    print!("{}", markdown(&rows).map_err(|e| e.to_string())?);
    Ok(())
}

fn markdown(rows: &[Row]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let short: Vec<&Row> = rows.iter().filter(|r| r.short()).collect();
    let passed = rows.iter().filter(|r| r.pass).count();
    let ran = rows.iter().filter(|r| r.ran).count();
    writeln!(
        out,
        "{ran} of {} rows run, {passed} pass; {} fail or have less than {MARGIN_DB} dB to spare.\n",
        rows.len(),
        short.len()
    )?;
    writeln!(out, "## Failed, or less than {MARGIN_DB} dB to spare\n")?;
    table(&mut out, short.iter().copied())?;
    let mut clauses: Vec<(&str, &str)> = rows.iter().map(|r| (r.channel.as_str(), r.clause.as_str())).collect();
    clauses.dedup();
    for (channel, clause) in clauses {
        writeln!(out, "\n## {channel}, {clause}\n")?;
        table(&mut out, rows.iter().filter(|r| (r.channel.as_str(), r.clause.as_str()) == (channel, clause)))?;
    }
    Ok(out)
}

fn table<'a>(out: &mut String, rows: impl Iterator<Item = &'a Row>) -> std::fmt::Result {
    writeln!(out, "| test | required, dB | met at, dB | margin, dB | errors | of | |")?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: | --- |")?;
    let (run, not_run): (Vec<&Row>, Vec<&Row>) = rows.partition(|r| r.ran);
    for r in run {
        let number = |x: Option<f64>| x.filter(|_| !r.noise_alone()).map_or("-".into(), |x| format!("{x:.1}"));
        let verdict = match &r.error {
            Some(e) => format!("cannot run: {e}"),
            None => if r.pass { "pass" } else { "FAIL" }.to_string(),
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {verdict} |",
            r.test,
            number(Some(r.required_db)),
            number(r.measured_db),
            number(r.margin_db),
            r.errors,
            r.blocks
        )?;
    }
    for r in not_run {
        writeln!(out, "| {} | | | | | | not run |", r.test)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.104 §8 (the tables are made from what was measured)
    fn rows_that_fall_short_are_named() {
        let row = |test: &str, margin: f64, pass: bool| {
            let v = serde_json::json!({ "channel": "PUSCH", "clause": "TS 38.104 §8.2.1.2", "test": test, "required_snr_db": 3.0,
                "measured_snr_db": 3.0 - margin, "margin_db": margin, "errors": 1, "blocks": 100, "pass": pass, "error": null });
            Row::read(&v).unwrap()
        };
        let listed = Row::listed("TS 38.104 §8.2.1.2  PUSCH  later, two  blanks").unwrap();
        let rows = [row("wide", 2.5, true), row("narrow", 1.5, true), row("failed", -0.5, false), listed];
        assert_eq!(rows.iter().map(Row::short).collect::<Vec<_>>(), [false, true, true, false]);
        let text = markdown(&rows).unwrap();
        assert_eq!(text.matches("| wide |").count(), 1, "{text}");
        assert_eq!(text.matches("| narrow | 3.0 | 1.5 | 1.5 | 1 | 100 | pass |").count(), 2, "{text}");
        assert!(text.starts_with("3 of 4 rows run, 2 pass; 2 fail"), "{text}");
        assert!(text.contains("| later, two  blanks | | | | | | not run |"), "{text}");
        assert!(Row::read(&serde_json::json!({ "clause": 1 })).is_none());
    }
}
