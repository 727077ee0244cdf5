//! From the cell's configuration to MIB, SIB1 and CellGroupConfig. Spec: TS 38.331 §6.2.2, §6.3.2
//!
//! | file | what |
//! |---|---|
//! | `broadcast` | MIB, SIB1 with ServingCellConfigCommonSIB |
//! | `cell_group` | CellGroupConfig: RLC bearers, MAC |
//! | `serving_cell` | ServingCellConfig: PDCCH, PDSCH, PUSCH, PUCCH, SRS |
//! | `csi` | CSI-MeasConfig |
//! | `shared` | what SIB1 and CellGroupConfig have in common |
//!
//! The terminal's mirror of this folder is `ue-cp`'s `apply`.

mod broadcast;
mod cell_group;
mod csi;
mod serving_cell;
mod shared;

pub use broadcast::{mib, paging, sib1};
pub use cell_group::{CellGroup, cell_group};

use nr::Numerology;
use rrc::*;

/// A value that the message cannot carry: a fault of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildError(pub String);

impl core::fmt::Display for BuildError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a value does not fit its RRC message: {} (TS 38.331 §6.3.2)", self.0)
    }
}
impl std::error::Error for BuildError {}

type Built<T> = Result<T, BuildError>;

fn number<E: Enumerated>(n: i64, what: &str) -> Built<E> {
    E::from_number(n as i32).ok_or_else(|| BuildError(format!("{what} = {n}")))
}

/// The number, or the value named `infinity`, for 0 or an absent one.
fn number_or_infinity<E: Enumerated>(n: Option<u32>, what: &str) -> Built<E> {
    match n.filter(|n| *n > 0) {
        Some(n) => number(n as i64, what),
        None => E::ALL.iter().copied().find(|e| e.name() == "infinity").ok_or_else(|| BuildError(what.to_owned())),
    }
}

fn named<E: Enumerated>(name: &str) -> Built<E> {
    E::ALL.iter().copied().find(|e| e.name() == name).ok_or_else(|| BuildError(name.to_owned()))
}

fn encoded<T: Codec>(t: &T) -> Built<Vec<u8>> {
    encode(t).map_err(|e| BuildError(e.to_string()))
}

fn spacing(n: Numerology) -> Built<SubcarrierSpacing> {
    number(n.scs_khz() as i64, "subcarrierSpacing")
}
