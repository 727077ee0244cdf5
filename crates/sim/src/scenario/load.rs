//! From a file, `--set` and options to a scenario. Later ones win; what is wrong is told with where it came from.

use std::net::{Ipv4Addr, SocketAddr};

use gnb_du::config::{CellParams, PARAMS, PRESETS, ParamDoc};
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::params::{AIR, CORE, OUTPUT, RUN, SUBSCRIBER, TOP, TRAFFIC, Top, UE};
use super::{Scenario, ScenarioError, Which};

/// One value that was given.
#[derive(Clone, Debug)]
struct Given {
    path: Vec<String>,
    value: Value,
    /// The text of `--set`, for where a string was meant although it reads as a number.
    text: Option<String>,
    origin: String,
}

/// Collects what was given, in order of precedence: lowest first.
#[derive(Clone, Debug, Default)]
pub struct Loader {
    given: Vec<Given>,
}

impl Loader {
    /// Nothing given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a TOML file. `name` is what errors call it.
    ///
    /// Errors: what is no TOML, with its line. Keys and values are judged by [`Loader::build`].
    pub fn file(&mut self, name: &str, text: &str) -> Result<(), ScenarioError> {
        let table = DeTable::parse(text).map_err(|e| {
            let line = e.span().map_or(1, |s| line_of(text, s.start));
            let what = format!("{name} is no TOML: line {line}: {}", e.message());
            ScenarioError::new(what, &[], "`ironcell config show` prints a whole one; https://toml.io has the rules")
        })?;
        self.walk(name, text, table.get_ref(), &mut Vec::new());
        Ok(())
    }

    fn walk(&mut self, name: &str, text: &str, table: &DeTable<'_>, path: &mut Vec<String>) {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            // Deeper than any path goes, a table is a value of the wrong type.
            match value.get_ref() {
                DeValue::Table(inner) if path.len() < 4 => self.walk(name, text, inner, path),
                _ => {
                    let origin = format!("{name} line {}", line_of(text, key.span().start));
                    let source = text.get(value.span()).unwrap_or_default();
                    let value = typed(source).unwrap_or_else(|| Value::String(source.to_owned()));
                    self.given.push(Given { path: path.clone(), value, text: None, origin });
                }
            }
            path.pop();
        }
    }

    /// Takes the argument of `--set`: `path=value`, the value as in TOML; a word that is no TOML value is a string.
    ///
    /// Errors: no `=`, or no path.
    pub fn set(&mut self, argument: &str) -> Result<(), ScenarioError> {
        let wrong = || {
            let what = format!("--set takes path=value, found {argument:?}");
            ScenarioError::new(what, &[], "--set cell.pci=5, or --set ue.1.k=00112233445566778899aabbccddeeff")
        };
        let (path, text) = argument.split_once('=').ok_or_else(wrong)?;
        let path: Vec<String> = path.trim().split('.').map(|p| p.trim().to_owned()).collect();
        if path.iter().any(String::is_empty) {
            return Err(wrong());
        }
        let text = text.trim();
        let value = typed(text).unwrap_or_else(|| Value::String(text.to_owned()));
        self.given.push(Given { path, value, text: Some(text.to_owned()), origin: "--set".into() });
        Ok(())
    }

    /// Takes an option: its name as errors call it, the path it stands for, its value.
    pub fn option(&mut self, name: &str, path: &str, value: impl Into<Value>) {
        let path = path.split('.').map(str::to_owned).collect();
        self.given.push(Given { path, value: value.into(), text: None, origin: name.to_owned() });
    }

    /// Applies everything and checks the result.
    ///
    /// Errors: unknown keys, wrong types, values out of range, contradictions; each with the path, what was expected,
    /// what was found, where it came from, and a way out.
    pub fn build(&self) -> Result<Scenario, ScenarioError> {
        let built = self.apply().and_then(|s| s.check().map(|()| s));
        built.map_err(|e| self.locate(e))
    }

    fn apply(&self) -> Result<Scenario, ScenarioError> {
        let mut top = Top::default();
        for given in self.given.iter().filter(|g| g.path.len() == 1) {
            let [key] = &given.path[..] else { continue };
            if TOP.iter().any(|d| d.path == *key) {
                assign(&mut top, TOP, "", key, given)?;
            }
        }
        let mut scenario = Scenario::of_preset(&top.preset).ok_or_else(|| {
            let near = nearest(&top.preset, PRESETS.into_iter()).map(|p| format!("{p}; ")).unwrap_or_default();
            let what = format!("there is no preset {:?} (expected one of {})", top.preset, PRESETS.join(", "));
            ScenarioError::new(what, &[("preset", top.preset.clone())], format!("{near}--preset n78-20 is the default"))
        })?;
        (scenario.seed, scenario.n_ues) = (top.seed, top.ues);
        for given in &self.given {
            scenario.assign(given)?;
        }
        Ok(scenario)
    }

    /// Adds to the fields of an error where their values came from.
    fn locate(&self, mut e: ScenarioError) -> ScenarioError {
        for field in e.fields.iter_mut().filter(|f| f.origin.is_empty()) {
            let last = self.given.iter().rev().find(|g| g.path.join(".") == field.path);
            field.origin = last.map(|g| g.origin.clone()).unwrap_or_default();
        }
        e
    }
}

impl Scenario {
    fn assign(&mut self, given: &Given) -> Result<(), ScenarioError> {
        let path: Vec<&str> = given.path.iter().map(String::as_str).collect();
        match path[..] {
            [key] if TOP.iter().any(|d| d.path == key) => Ok(()),
            ["run", key] => assign(&mut self.run, RUN, "run.", key, given),
            ["traffic", key] => assign(&mut self.traffic, TRAFFIC, "traffic.", key, given),
            ["output", key] => assign(&mut self.output, OUTPUT, "output.", key, given),
            ["air", key] => assign(&mut self.air, AIR, "air.", key, given),
            ["cell", key] => assign::<CellParams>(&mut self.cell, PARAMS, "cell.", key, given),
            ["core", key] => assign(&mut self.core, CORE, "core.", key, given),
            ["ue", which, key] => {
                let which = which_of(which, given)?;
                assign(self.ues.entry(which).or_default(), UE, &format!("{}.", given.path[..2].join(".")), key, given)
            }
            ["subscriber", which, key] => {
                let which = which_of(which, given)?;
                let prefix = format!("{}.", given.path[..2].join("."));
                assign(self.subscribers.entry(which).or_default(), SUBSCRIBER, &prefix, key, given)
            }
            _ => Err(unknown(given)),
        }
    }
}

fn which_of(word: &str, given: &Given) -> Result<Which, ScenarioError> {
    if word == "all" {
        return Ok(Which::All);
    }
    word.parse().ok().filter(|n| (1..=64).contains(n)).map(Which::Number).ok_or_else(|| {
        let what = format!("terminals are numbered from 1 to 64, or are \"all\", found {word:?}");
        let path = &given.path;
        let hint = format!("{}.1.{} or {}.all.{}", path[0], path[2], path[0], path[2]);
        error_at(given, what, hint)
    })
}

fn error_at(given: &Given, what: impl Into<String>, hint: impl Into<String>) -> ScenarioError {
    let value = given.text.clone().unwrap_or_else(|| given.value.to_string());
    let mut e = ScenarioError::new(what, &[(&given.path.join("."), value)], hint);
    e.fields[0].origin = given.origin.clone();
    e
}

/// Sets one field of a section through its serialised form, which knows every type.
fn assign<T>(section: &mut T, docs: &[ParamDoc], prefix: &str, key: &str, given: &Given) -> Result<(), ScenarioError>
where
    T: Serialize + for<'de> Deserialize<'de>,
{
    let Some(doc) = docs.iter().find(|d| d.path == key) else {
        return Err(unknown(given));
    };
    let Ok(table) = Table::try_from(&*section) else {
        return Err(error_at(given, "this section cannot be written as TOML", ""));
    };
    let with = |value: Value| {
        let mut table = table.clone();
        table.insert(key.to_owned(), value);
        table.try_into::<T>()
    };
    let mut result = with(given.value.clone());
    if result.is_err() {
        // A word of digits may be a string all the same, a whole number a fraction, and a size may have a unit.
        let text = given.text.clone().or_else(|| given.value.as_str().map(str::to_owned));
        let number = given.value.as_integer().map(|n| Value::Float(n as f64));
        let size = text.as_deref().filter(|_| doc.unit == "B").and_then(parse_size).map(Value::Integer);
        let others = [text.map(Value::String), number, size];
        if let Some(value) = others.into_iter().flatten().find_map(|v| with(v).ok()) {
            result = Ok(value);
        }
    }
    *section = result.map_err(|_| {
        let unit = if doc.unit.is_empty() { String::new() } else { format!(" ({})", doc.unit) };
        let what = format!("{prefix}{key}: expected {}{unit}, found {}", doc.range, given.value);
        error_at(given, what, format!("{} ({}, {})", doc.range, doc.doc, doc.spec))
    })?;
    Ok(())
}

/// Every path there is, terminals and subscribers as number 1.
fn paths() -> impl Iterator<Item = String> {
    let sections = [
        ("", TOP),
        ("run.", RUN),
        ("traffic.", TRAFFIC),
        ("output.", OUTPUT),
        ("air.", AIR),
        ("cell.", PARAMS),
        ("core.", CORE),
        ("ue.1.", UE),
        ("subscriber.1.", SUBSCRIBER),
    ];
    sections.into_iter().flat_map(|(prefix, docs)| docs.iter().map(move |d| format!("{prefix}{}", d.path)))
}

fn unknown(given: &Given) -> ScenarioError {
    let path = given.path.join(".");
    let all: Vec<String> = paths().collect();
    // A section's name alone, or the right key in the wrong section, or a slip of the pen.
    let last = given.path.last().map(String::as_str).unwrap_or_default();
    let elsewhere = all.iter().find(|p| p.rsplit('.').next() == Some(last)).cloned();
    let near = elsewhere.or_else(|| nearest(&path, all.iter().map(String::as_str)));
    let near = near.map(|p| format!("{p}; ")).unwrap_or_default();
    error_at(given, format!("there is no key {path}"), format!("{near}`ironcell config show` prints every key"))
}

/// The word with the smallest edit distance, if it is near.
fn nearest<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Option<String> {
    let word: String = word.chars().take(64).collect();
    let best = words.map(|w| (distance(&word, w), w)).min()?;
    (best.0 <= 1 + word.chars().count() / 4).then(|| best.1.to_owned())
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// A TOML value on its own.
fn typed(text: &str) -> Option<Value> {
    let one_line = !text.contains('\n') || text.starts_with(['[', '{', '"', '\'']);
    let table: Table = toml::from_str(&format!("v = {text}")).ok().filter(|_| one_line)?;
    if table.len() == 1 { table.get("v").cloned() } else { None }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|b| *b == b'\n').count()
}

/// Bytes from "4000000", "500k", "4M", "2MiB", "1GB"; `None` if it is none or below zero.
pub fn parse_size(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "ki" | "kib" => 1024.0,
        "mi" | "mib" => 1_048_576.0,
        "gi" | "gib" => 1_073_741_824.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * factor;
    (bytes.is_finite() && bytes < 1e18).then_some(bytes as i64)
}

/// A network, or one address.
pub(crate) fn parse_net(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from))
}

/// `127.0.0.1:1080`, `[::1]:1080`, or a port alone on loopback.
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, ()> {
    let text = text.trim().replace("localhost:", "127.0.0.1:");
    let port = text.strip_prefix(':').unwrap_or(&text).parse::<u16>();
    match port {
        Ok(port) => Ok((Ipv4Addr::LOCALHOST, port).into()),
        Err(_) => text.parse().map_err(|_| ()),
    }
}
