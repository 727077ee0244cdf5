//! The effective configuration as text: the documentation of a value stands above it.

use core::fmt::Write as _;

use gnb_du::config::{PARAMS, ParamDoc};
use serde::Serialize;
use toml::{Table, Value};

use super::params::{AIR, CORE, OUTPUT, RUN, SUBSCRIBER, TOP, TRAFFIC, Top, UE};
use super::{Scenario, Which};

impl Scenario {
    fn top(&self) -> Top {
        Top { preset: self.preset.clone(), seed: self.seed, ues: self.n_ues }
    }

    /// The whole configuration as TOML with comments; [`super::Loader::file`] takes it back.
    pub fn to_toml(&self) -> String {
        let mut out =
            String::from("# The effective configuration of ironcell. Values that are commented out are not set.\n\n");
        section(&mut out, None, "", &self.top(), TOP);
        section(&mut out, Some("run"), "How it runs.", &self.run, RUN);
        section(&mut out, Some("traffic"), "Whom it serves.", &self.traffic, TRAFFIC);
        section(&mut out, Some("output"), "What it leaves behind.", &self.output, OUTPUT);
        section(
            &mut out,
            Some("air"),
            "The channel. Everything that has a range is drawn from the seed.",
            &self.air,
            AIR,
        );
        section(&mut out, Some("cell"), "The cell.", &self.cell, PARAMS);
        section(&mut out, Some("core"), "The core network.", &self.core, CORE);
        let mut ues = self.ues.clone();
        ues.entry(Which::All).or_default();
        for (which, ue) in &ues {
            let name = format!("ue.{}", word(*which));
            section(&mut out, Some(&name), "Terminals and their USIMs; [ue.1] is the first alone.", ue, UE);
        }
        let mut subscribers = self.subscribers.clone();
        subscribers.entry(Which::All).or_default();
        for (which, subscriber) in &subscribers {
            let name = format!("subscriber.{}", word(*which));
            let about = "Subscribers as the core knows them; [subscriber.1] is the first alone.";
            section(&mut out, Some(&name), about, subscriber, SUBSCRIBER);
        }
        out
    }

    /// The same as one table, for JSON; what is not set is not there.
    pub fn to_table(&self) -> Table {
        let mut table = table_of(&self.top());
        for (name, section) in [
            ("run", table_of(&self.run)),
            ("traffic", table_of(&self.traffic)),
            ("output", table_of(&self.output)),
            ("air", table_of(&self.air)),
            ("cell", table_of(&self.cell)),
            ("core", table_of(&self.core)),
            ("ue", self.ues.iter().map(|(w, v)| (word(*w), Value::Table(table_of(v)))).collect()),
            ("subscriber", self.subscribers.iter().map(|(w, v)| (word(*w), Value::Table(table_of(v)))).collect()),
        ] {
            table.insert(name.to_owned(), Value::Table(section));
        }
        table
    }
}

fn word(which: Which) -> String {
    match which {
        Which::All => "all".to_owned(),
        Which::Number(n) => n.to_string(),
    }
}

/// Sections are plain structs of what TOML has, so this does not fail; an empty table would show at once.
fn table_of<T: Serialize>(section: &T) -> Table {
    Table::try_from(section).unwrap_or_default()
}

fn section<T: Serialize>(out: &mut String, name: Option<&str>, about: &str, value: &T, docs: &[ParamDoc]) {
    let table = table_of(value);
    // Writing into a String does not fail.
    if let Some(name) = name {
        let _ = writeln!(out, "# {about}\n[{name}]\n");
    }
    for doc in docs {
        let unit = if doc.unit.is_empty() { String::new() } else { format!("Unit: {}. ", doc.unit) };
        // What no specification names is ours.
        let spec = if doc.spec == "ironcell" { String::new() } else { format!(" Spec: {}.", doc.spec) };
        let _ = writeln!(out, "# {}. {unit}Range: {}.{spec}", doc.doc, doc.range);
        let _ = match table.get(doc.path) {
            // What was 32 bits wide is shown with the digits that it was given.
            Some(Value::Float(x)) if f64::from(*x as f32) == *x => writeln!(out, "{} = {:?}", doc.path, *x as f32),
            Some(value) => writeln!(out, "{} = {value}", doc.path),
            None => writeln!(out, "# {} =", doc.path),
        };
    }
    out.push('\n');
}
