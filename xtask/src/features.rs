//! FEATURES.md: what is there, by clause, with the test that proves it, out of the tests' own `Spec:` tags.

use crate::tidy::{root, sources};
use std::collections::BTreeMap;
use std::fs;

const BEGIN: &str = "<!-- made by `cargo xtask features` from the tests -->";

/// Writes the table below the marker, or with `check` says whether it is up to date.
pub fn run(check: bool) -> Result<(), String> {
    let path = root().join("FEATURES.md");
    let page = fs::read_to_string(&path).map_err(|e| format!("FEATURES.md: {e}"))?;
    let Some((head, _)) = page.split_once(BEGIN) else { return Err(format!("FEATURES.md has no line {BEGIN}")) };
    let table = table()?;
    let unknown: Vec<&str> = named(head).filter(|n| !table.contains(&format!("`{n}`"))).collect();
    if !unknown.is_empty() {
        return Err(format!("FEATURES.md names tests that do not exist: {}", unknown.join(", ")));
    }
    let new = format!("{head}{BEGIN}\n\n{table}");
    if new == page {
        return Ok(());
    }
    if check {
        return Err("FEATURES.md is out of date: run `cargo xtask features`".into());
    }
    fs::write(&path, new).map_err(|e| format!("FEATURES.md: {e}"))
}

/// Tests that the hand-written tables name.
fn named(head: &str) -> impl Iterator<Item = &str> {
    head.lines().filter(|l| l.starts_with('|')).flat_map(|l| l.split('`').skip(1).step_by(2))
}

fn table() -> Result<String, String> {
    let mut rows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for file in sources(&root().join("crates"))? {
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let relative = file.strip_prefix(root()).unwrap_or(&file);
        let name =
            relative.components().nth(1).map(|c| c.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
        for (spec, test) in tests(&text) {
            rows.entry((name.clone(), spec)).or_default().push(test);
        }
    }
    let mut out = String::from("| crate | clause | test |\n|---|---|---|\n");
    for ((name, spec), tests) in rows {
        out.push_str(&format!("| {name} | {} | {} |\n", spec.replace('|', "\\|"), tests.join(", ")));
    }
    Ok(out)
}

/// (clause, test function) of every test that carries a tag on its line or directly above.
fn tests(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        if !line.trim_start().starts_with("#[test]") {
            continue;
        }
        let above = if i > 0 { lines[i - 1] } else { "" };
        let spec = [*line, above].iter().find_map(|l| l.split_once("// Spec:").map(|(_, s)| s.trim().to_owned()));
        let name = lines[i + 1..].iter().take(4).find_map(|l| {
            let rest = l.trim_start().strip_prefix("fn ")?;
            rest.split('(').next().map(str::to_owned)
        });
        if let (Some(spec), Some(name)) = (spec, name) {
            out.push((spec, format!("`{name}`")));
        }
    }
    out
}
