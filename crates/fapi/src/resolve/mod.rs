//! From control information to channel occasions: what both ends of the radio must conclude alike from a DCI, a configuration
//! and a slot.
//!
//! - [`frequency`]: resource indication values, resource block groups.
//! - [`dmrs`]: DM-RS symbols, antenna ports.
//! - [`pdcch`]: search space candidates and scrambling.
//! - [`shared`]: DCI or random access response to PDSCH and PUSCH.
//! - [`sounding`]: SRS occasions, precoding information.
//! - [`uplink_control`]: PUCCH resources, HARQ-ACK codebook, UCI on PUSCH.
//! - [`paging`]: paging occasions.
//! - [`broadcast`]: SS/PBCH occasions, CORESET 0 and search space 0 out of the MIB.
//!
//! Left out, and why: a second codeword (more than four layers), two PT-RS ports, several transmission points, the semi-static
//! HARQ-ACK codebook; they are refused with their clause.

pub mod broadcast;
pub mod dmrs;
pub mod frequency;
pub mod paging;
pub mod pdcch;
pub mod shared;
pub mod sounding;
pub mod uplink_control;

pub use broadcast::*;
pub use dmrs::*;
pub use frequency::*;
pub use paging::*;
pub use pdcch::*;
pub use shared::*;
pub use sounding::*;
pub use uplink_control::*;

/// Why control information cannot be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResolveError {
    /// A value that the specification reserves, or that does not fit the configuration. Peer's fault (or a false CRC).
    Invalid {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u32,
        /// Where it is defined.
        clause: &'static str,
    },
    /// Legal, and not done here.
    Unsupported {
        /// What the specification calls it.
        clause: &'static str,
    },
    /// A configuration that the information needs is missing. Local fault.
    NotConfigured(&'static str),
}

impl core::fmt::Display for ResolveError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ResolveError::Invalid { field, value, clause } => {
                write!(f, "{field} = {value} is not valid here ({clause})")
            }
            ResolveError::Unsupported { clause } => write!(f, "not supported: {clause}"),
            ResolveError::NotConfigured(what) => write!(f, "{what} is not configured"),
        }
    }
}
impl std::error::Error for ResolveError {}

pub(crate) fn invalid(field: &'static str, value: u32, clause: &'static str) -> ResolveError {
    ResolveError::Invalid { field, value, clause }
}

/// Reads `data` as the payload of every format and follows it, with a cell's and a UE's configuration; for fuzzers. Never panics.
///
/// The first byte chooses RNTI and search space, each further byte is a bit.
pub fn fuzz_one(data: &[u8], cell: &crate::CellConfig, d: &crate::DedicatedConfig) {
    use crate::SearchSpaceKind;
    use crate::dci::{DciContext, RntiKind, decode};
    let Some((&choice, rest)) = data.split_first() else { return };
    let rnti_kind =
        [RntiKind::Cell, RntiKind::Temporary, RntiKind::Si, RntiKind::Ra, RntiKind::Paging][choice as usize % 5];
    let kind = if choice & 0x80 == 0 { SearchSpaceKind::Common } else { SearchSpaceKind::Ue };
    let bits: Vec<u8> = rest.iter().map(|b| b & 1).collect();
    let ctx = DciContext::dedicated(cell, d);
    let Ok(dci) = decode(&bits, rnti_kind, kind, &ctx) else { return };
    let coreset = d.coresets.first().filter(|_| kind == SearchSpaceKind::Ue).or(cell.coresets.first());
    let Some(coreset) = coreset else { return };
    let slot = nr::SlotPoint::new(cell.dl.numerology, choice as u32, choice as u32);
    let heard = Heard { slot, rnti: nr::Rnti(0x4601), rnti_kind, kind, coreset };
    let own = (choice & 0x40 != 0).then_some(d);
    if let Ok(a) = pdsch(&dci, &heard, cell, own, None) {
        let again = Some(&a.pdu.coding);
        let _ = pdsch(&dci, &heard, cell, own, again);
    }
    let _ = pusch(&dci, &heard, cell, own, None);
    let grant = bits.iter().fold(0u32, |g, b| g << 1 | *b as u32);
    let _ = msg3(&RarGrant::decode(grant), nr::Rnti(1), slot, cell);
}

#[cfg(test)]
pub(crate) mod tests;
