//! The cell as a person configures it, and as the physical layer needs it.
//!
//! [`CellParams`] is raw: plain values with a unit, a range and a name of the specification each ([`PARAMS`]). [`Cell::new`] checks
//! it, across fields, and derives everything once: the [`CellConfig`](fapi::CellConfig) that SIB1 will describe, and the template of each UE's
//! [`fapi::DedicatedConfig`].

mod band;
mod check;
mod csi;
mod derive;
mod params;
mod preset;
mod sounding;
#[cfg(test)]
mod tests;

pub use band::{Band, band, bandwidth_mhz};
pub use derive::{Cell, F1_PER_PRB, UeRadio};
pub use params::{CellParams, PARAMS, ParamDoc};
pub use preset::{PRESETS, preset};

use core::fmt;

/// A configuration that contradicts itself or the specification.
#[derive(Clone, PartialEq, Debug)]
pub struct ConfigError {
    /// What is wrong, with the clause.
    pub what: String,
    /// The fields involved (path below the cell, value).
    pub fields: Vec<(&'static str, String)>,
    /// What to try.
    pub hint: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        for (path, value) in &self.fields {
            writeln!(f, "  cell.{path} = {value}")?;
        }
        write!(f, "  try: {}", self.hint)
    }
}
impl std::error::Error for ConfigError {}

pub(crate) fn error(
    what: impl Into<String>,
    fields: &[(&'static str, String)],
    hint: impl Into<String>,
) -> ConfigError {
    ConfigError { what: what.into(), fields: fields.to_vec(), hint: hint.into() }
}
