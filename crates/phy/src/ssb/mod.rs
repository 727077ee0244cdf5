//! SS/PBCH blocks: synchronisation signals, PBCH and its DM-RS, sent and found again.
//!
//! - [`SsbTransmitter`] writes a block into a grid.
//! - [`search::PssSearcher`] finds primary synchronisation signals anywhere in a wide capture.
//! - [`receive::SsbReceiver`] turns a found one into cell identity, offsets, SNR and the PBCH payload.
//! - [`PbchCombiner`] adds up PBCHs that are too weak one by one; [`neighbours()`] measures other cells in a grid.
//!
//! Left out: 480 and 960 kHz blocks, blocks of operation with shared spectrum access.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | k | `k` | subcarrier in the block | 0..=239 |
//! | l | `l` | symbol in the block | 0..=3 |
//! | v | `v` | shift of the DM-RS comb, N_ID^cell mod 4 | 0..=3 |
//! | i-bar_SSB | `i_bar` | lower bits of the block index (and the half frame where L_max is 4) | 0..=7 |

mod combine;
mod followed;
mod neighbours;
pub mod payload;
pub mod receive;
pub mod search;
pub mod sync;
#[cfg(test)]
mod tests;
mod transmit;

pub use combine::PbchCombiner;
pub use neighbours::{Neighbour, neighbours, rsrq_db};
pub use payload::PbchPayload;
pub use receive::{SsbDetection, SsbMeasurement, SsbReceiver, measure};
pub use search::{PssPeak, PssPeaks, PssSearcher};
pub use transmit::{SsbError, SsbTransmitter};

use crate::sequences::Gold;
use dsp::Cf32;
use nr::Pci;

/// Subcarriers of a block.
pub const SSB_SUBCARRIERS: usize = 240;
/// Symbols of a block.
pub const SSB_SYMBOLS: usize = 4;
/// First subcarrier of PSS and SSS.
pub const SYNC_START: usize = 56;
/// Coded bits of the PBCH.
pub const PBCH_BITS: usize = 864;
/// DM-RS elements of the PBCH.
pub const PBCH_DMRS: usize = 144;

/// i-bar_SSB, which selects the DM-RS. Spec: TS 38.211 §7.4.1.4.1
pub fn i_bar(l_max: u8, ssb_index: u8, half_frame: bool) -> u8 {
    if l_max == 4 { ssb_index & 3 | u8::from(half_frame) << 2 } else { ssb_index & 7 }
}

/// The PBCH's DM-RS r(m). Spec: TS 38.211 §7.4.1.4.1
pub fn pbch_dmrs(pci: Pci, i_bar: u8) -> [Cf32; PBCH_DMRS] {
    let (n, i) = (u32::from(pci.get()), u32::from(i_bar) + 1);
    let c_init = (i * (n / 4 + 1) << 11).wrapping_add(i << 6).wrapping_add(n % 4);
    let mut r = [Cf32::default(); PBCH_DMRS];
    Gold::new(c_init).pilots(&mut r);
    r
}

/// The elements (l, k) of PBCH and its DM-RS in mapping order: frequency first, then symbols.
///
/// Spec: TS 38.211 §7.4.3.1
pub(crate) fn pbch_region() -> impl Iterator<Item = (usize, usize)> {
    let all = |l: usize| (0..SSB_SUBCARRIERS).map(move |k| (l, k));
    all(1).chain((0..48).chain(192..240).map(|k| (2, k))).chain(all(3))
}

/// The PBCH's second scrambling v: which 864 bits of c(n). Spec: TS 38.211 §7.3.3.1
pub(crate) fn scrambling_v(l_max: u8, ssb_index: u8) -> usize {
    usize::from(if l_max == 4 { ssb_index & 3 } else { ssb_index & 7 })
}
