//! What PDSCH and PUSCH share: where their elements lie, how layers become antenna ports, phase tracking, DFT spreading.
//!
//! - [`Layout`] says which elements carry data, in mapping order, for both ends and both directions.
//! - [`precoding`] holds the codebooks and applies matrices.
//! - [`ptrs`] places phase-tracking reference signals and tells the common phase error from them.
//! - [`transform`] spreads and despreads, and makes the low-PAPR DM-RS that go with it.
//! - [`send`] writes one slot's layers, reference signals included, into a grid; [`demap`] turns received symbols into soft bits.
//! - [`spread`] cuts symbols and code blocks into pieces that threads share.

pub mod demap;
mod layout;
pub mod precoding;
pub mod ptrs;
pub mod send;
pub mod spread;
pub mod transform;

use crate::estimate::ChannelError;
use fapi::CodeBlockGroups;
use fec::sch::Cbgs;

pub use layout::{Layout, RB_MAX, Shape};

/// Code block groups under the coding crate's names. Spec: TS 38.214 §5.1.7, §6.1.5
pub(crate) fn cbgs(groups: Option<CodeBlockGroups>) -> Option<Cbgs> {
    groups.map(|g| Cbgs { n_max: g.n_max, sent: g.transmitted, combine: !g.flush })
}

/// Checks the fields of code block groups. Spec: TS 38.214 §5.1.7.1, §6.1.5.1
///
/// Errors: `Invalid` if there are not 2, 4, 6 or 8 at most, or none of them is sent.
pub(crate) fn check_cbgs(groups: Option<CodeBlockGroups>) -> Result<(), ChannelError> {
    match groups {
        Some(g) if ![2, 4, 6, 8].contains(&g.n_max) || u16::from(g.transmitted) & ((1 << g.n_max) - 1) == 0 => {
            Err(ChannelError::Invalid("code block groups: 2, 4, 6 or 8, one of them sent (TS 38.214 §5.1.7, §6.1.5)"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod cbg_tests;
#[cfg(test)]
mod tests;
