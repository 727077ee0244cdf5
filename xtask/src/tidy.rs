//! The rules of the house that a machine can hold: a crate depends on lower floors only, and its kind keeps it from what it must
//! not touch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A crate as its Cargo.toml tells it.
struct House {
    floor: u32,
    kind: String,
    dependencies: Vec<String>,
    dir: PathBuf,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// What a node, kernel or codec must not name: sockets, threads, clocks, the environment, order of hash maps, platform maths.
const FORBIDDEN_BELOW: [&str; 8] =
    ["std::net::Tcp", "std::net::Udp", "std::thread", "Instant::now", "SystemTime", "std::env::", "HashMap", "HashSet"];

/// Checks everything; every violation is a line of the error.
pub fn run() -> Result<(), String> {
    let crates = read_crates()?;
    let mut wrong = Vec::new();
    for (name, c) in &crates {
        for d in &c.dependencies {
            let Some(below) = crates.get(d) else { continue };
            if below.floor >= c.floor {
                wrong.push(format!(
                    "{name} (floor {}) depends on {d} (floor {}): lower floors only",
                    c.floor, below.floor
                ));
            }
        }
        if !["ground", "contracts", "codec", "kernel", "node", "house", "driver", "world", "app"]
            .contains(&c.kind.as_str())
        {
            wrong.push(format!("{name}: unknown kind {:?}", c.kind));
        }
        if ["ground", "contracts", "codec", "kernel", "node", "house"].contains(&c.kind.as_str()) {
            check_sources(name, &c.dir.join("src"), &mut wrong)?;
        }
    }
    wrong.extend(unlisted(&crates)?);
    if wrong.is_empty() {
        println!("tidy: {} crates keep their floors", crates.len());
        return Ok(());
    }
    Err(format!("tidy: {} violations\n  {}", wrong.len(), wrong.join("\n  ")))
}

fn read_crates() -> Result<BTreeMap<String, House>, String> {
    let mut all = BTreeMap::new();
    let dir = root().join("crates");
    let entries = fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    for e in entries.flatten() {
        let manifest = e.path().join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&manifest) else { continue };
        all.insert(e.file_name().to_string_lossy().into_owned(), parse(&text, e.path())?);
    }
    Ok(all)
}

fn parse(text: &str, dir: PathBuf) -> Result<House, String> {
    let mut section = String::new();
    let (mut floor, mut kind, mut dependencies) = (None, None, Vec::new());
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        match section.as_str() {
            "package.metadata.house" if key == "floor" => floor = value.parse().ok(),
            "package.metadata.house" if key == "kind" => kind = Some(value.to_owned()),
            "dependencies" => dependencies.push(key.trim_end_matches(".workspace").to_owned()),
            _ => {}
        }
    }
    match (floor, kind) {
        (Some(floor), Some(kind)) => Ok(House { floor, kind, dependencies, dir }),
        _ => Err(format!("{}: no [package.metadata.house] with floor and kind", dir.display())),
    }
}

fn check_sources(name: &str, dir: &Path, wrong: &mut Vec<String>) -> Result<(), String> {
    for file in sources(dir)? {
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (n, line) in code.lines().enumerate() {
            let plain = line.split("//").next().unwrap_or("");
            for word in FORBIDDEN_BELOW.iter().filter(|w| plain.contains(**w)) {
                wrong.push(format!("{name}: {}:{}: {word} is for drivers and apps", file.display(), n + 1));
            }
        }
    }
    Ok(())
}

/// All Rust files below `dir`.
pub fn sources(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let mut out = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return Ok(out) };
    let mut entries: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    for p in entries {
        if p.is_dir() {
            out.extend(sources(&p)?);
        } else if p.extension().is_some_and(|x| x == "rs") {
            out.push(p);
        }
    }
    Ok(out)
}

/// ARCHITECTURE.md must name every crate.
fn unlisted(crates: &BTreeMap<String, House>) -> Result<Vec<String>, String> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).map_err(|e| format!("ARCHITECTURE.md: {e}"))?;
    Ok(crates
        .keys()
        .filter(|n| !page.contains(&format!("`{n}`")))
        .map(|n| format!("ARCHITECTURE.md does not name `{n}`"))
        .collect())
}
