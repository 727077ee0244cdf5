//! PDCCH: downlink control, sent and found blindly.
//!
//! - [`PdcchTransmitter`] writes one PDCCH into a grid.
//! - [`PdcchReceiver`] takes the DM-RS of a CORESET once a slot, then tries candidates.
//!
//! Where the candidates of a search space lie is `fapi::resolve`'s to say.
//!
//! Left out: carrier indicators (n_CI is 0), precoders that change within a bundle.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | N_REG | `n_reg` | resource element groups of the CORESET | 6..=432 |
//! | L (bundle) | `bundle` | REGs of a bundle | 2, 3, 6 |
//! | R | `rows` | interleaver size | 2, 3, 6 |
//! | n_shift | `shift` | shift index | 0..=274 |
//! | f(x) | [`CoresetMap::new`] | interleaver over bundles | |

mod mapping;
mod receive;
#[cfg(test)]
mod tests;
mod transmit;

pub use mapping::{CoresetMap, N_CCE_MAX, Reg};
pub use receive::{DciTarget, PdcchDetection, PdcchReceiver};
pub use transmit::{PdcchError, PdcchTransmitter};

use crate::sequences::Gold;
use nr::SlotPoint;

/// Data elements of a REG: twelve less three of DM-RS.
pub const REG_DATA: usize = 9;
/// Most coded bits of a PDCCH: 16 CCEs of 108.
pub const PDCCH_BITS_MAX: usize = 16 * 6 * REG_DATA * 2;

/// The DM-RS sequence of symbol `l` of `slot`. Spec: TS 38.211 §7.4.1.3.1
pub(crate) fn dmrs_sequence(slot: SlotPoint, l: usize, n_id: u16) -> Gold {
    let n_id = u64::from(n_id);
    let symbol = 14 * u64::from(slot.slot()) + l as u64 + 1;
    Gold::new(((symbol * (2 * n_id + 1) << 17) + 2 * n_id) as u32 & 0x7fff_ffff)
}

/// The scrambling sequence of the coded bits. Spec: TS 38.211 §7.3.2.3
pub(crate) fn scrambling(rnti: u16, n_id: u16) -> Gold {
    Gold::new((u32::from(rnti) << 16).wrapping_add(u32::from(n_id)) & 0x7fff_ffff)
}
