//! PDCCH: downlink control, sent and found blindly.
//!
//! - [`PdcchTransmitter`] writes one PDCCH into a grid.
//! - [`PdcchReceiver`] takes the DM-RS of a CORESET once a slot, then tries candidates.
//! - [`candidate_cce`] says where the candidates of a search space lie.
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
//! | Y_p,n | [`hash`] | start of a UE-specific search space | 0..65537 |

mod mapping;
mod receive;
#[cfg(test)]
mod tests;
mod transmit;

pub use mapping::{CoresetMap, N_CCE_MAX, Reg};
pub use receive::{DciTarget, PdcchDetection, PdcchReceiver};
pub use transmit::{PdcchError, PdcchTransmitter};

use crate::sequences::Gold;
use nr::{Rnti, SlotPoint};

/// Data elements of a REG: twelve less three of DM-RS.
pub const REG_DATA: usize = 9;
/// Most coded bits of a PDCCH: 16 CCEs of 108.
pub const PDCCH_BITS_MAX: usize = 16 * 6 * REG_DATA * 2;
/// Aggregation levels in the order of `SearchSpaceConfig::n_candidates`.
pub const AGGREGATION_LEVELS: [u8; 5] = [1, 2, 4, 8, 16];

/// Y_p,n of CORESET `coreset_id` in `slot` for a UE-specific search space. Spec: TS 38.213 §10.1
pub fn hash(rnti: Rnti, coreset_id: u8, slot: SlotPoint) -> u32 {
    let a: u64 = [39827, 39829, 39839][usize::from(coreset_id % 3)];
    (0..=slot.slot()).fold(u64::from(rnti.0), |y, _| a * y % 65537) as u32
}

/// First CCE of candidate `m` of `n_candidates` at `level`; `y` is 0 in a common search space, else [`hash`].
///
/// `None` where the CORESET has fewer than `level` CCEs. Spec: TS 38.213 §10.1
pub fn candidate_cce(y: u32, n_cce: u16, level: u8, m: u8, n_candidates: u8) -> Option<u16> {
    let (n_cce, l) = (u32::from(n_cce), u32::from(level.max(1)));
    let places = n_cce / l;
    if places == 0 || n_candidates == 0 {
        return None;
    }
    let spread = u32::from(m) * n_cce / (l * u32::from(n_candidates));
    Some((l * ((y + spread) % places)) as u16)
}

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
