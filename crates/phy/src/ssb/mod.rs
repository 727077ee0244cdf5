//! SS/PBCH blocks: synchronisation signals, PBCH and its DM-RS, sent and found again.
//!
//! - [`transmit`] writes a block into a grid.
//! - [`search::PssSearcher`] finds primary synchronisation signals anywhere in a wide capture.
//! - [`receive::SsbReceiver`] turns a found one into cell identity, offsets, SNR and the PBCH payload.
//!
//! Left out: 480 and 960 kHz blocks, soft combining across blocks, blocks of operation with shared spectrum access.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | k | `k` | subcarrier in the block | 0..=239 |
//! | l | `l` | symbol in the block | 0..=3 |
//! | v | `v` | shift of the DM-RS comb, N_ID^cell mod 4 | 0..=3 |
//! | i-bar_SSB | `i_bar` | lower bits of the block index (and the half frame where L_max is 4) | 0..=7 |

pub mod payload;
pub mod receive;
pub mod search;
pub mod sync;
#[cfg(test)]
mod tests;
mod transmit;

pub use payload::PbchPayload;
pub use receive::{SsbDetection, SsbReceiver};
pub use search::{PssPeak, PssPeaks, PssSearcher};
pub use transmit::{SsbError, SsbTransmitter};

use crate::sequences::Gold;
use dsp::Cf32;
use fapi::SsbCase;
use nr::{Numerology, Pci, SlotPoint};

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

/// Start symbols of the candidate blocks within a half frame, counted in the block's numerology; block `i` is `result[i]`.
///
/// Spec: TS 38.213 §4.1. `l_max` is 4, 8 or 64; cases A to C take 4 or 8.
pub fn start_symbol(case: SsbCase, ssb_index: u8) -> u32 {
    let i = u32::from(ssb_index);
    // Cases D and E skip every fifth group.
    const N_D: [u32; 16] = [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18];
    match case {
        SsbCase::A | SsbCase::C => [2, 8][(i % 2) as usize] + 14 * (i / 2),
        SsbCase::B => [4, 8, 16, 20][(i % 4) as usize] + 28 * (i / 4),
        SsbCase::D => [4, 8, 16, 20][(i % 4) as usize] + 28 * N_D[(i / 4 % 16) as usize],
        SsbCase::E => [8, 12, 16, 20, 32, 36, 40, 44][(i % 8) as usize] + 56 * N_D[(i / 8 % 8) as usize],
    }
}

/// The case that a subcarrier spacing has in a band, where it is unambiguous; 30 kHz is B or C.
///
/// Spec: TS 38.213 §4.1
pub fn case_of(numerology: Numerology) -> SsbCase {
    match numerology.scs_khz() {
        15 => SsbCase::A,
        120 => SsbCase::D,
        240 => SsbCase::E,
        _ => SsbCase::C,
    }
}

/// Slot of the frame (in the block's numerology) and symbol in the slot where block `ssb_index` starts.
///
/// Spec: TS 38.213 §4.1
pub fn position(case: SsbCase, numerology: Numerology, ssb_index: u8, half_frame: bool) -> (u32, u8) {
    let symbol = start_symbol(case, ssb_index);
    let half = if half_frame { numerology.slots_per_frame() / 2 } else { 0 };
    (half + symbol / 14, (symbol % 14) as u8)
}

/// The blocks of a burst that start in `slot`: index, start symbol and half frame, in ascending order, at most four.
///
/// `slot` is in the block's numerology. Spec: TS 38.213 §4.1
pub fn blocks_in_slot(cfg: &fapi::SsbConfig, slot: SlotPoint) -> impl Iterator<Item = (u8, u8, bool)> + use<> {
    let per_half = cfg.numerology.slots_per_frame() / 2;
    let half_frames = slot.index() / per_half;
    // Bursts come every period_ms / 5 half frames, from the first half of frame 0 on.
    let due = half_frames.is_multiple_of((u32::from(cfg.period_ms) / 5).max(1)) && slot.numerology() == cfg.numerology;
    let (case, positions, n) = (cfg.case, cfg.positions_in_burst, if due { cfg.l_max.min(64) } else { 0 });
    (0..n).filter(move |i| positions >> i & 1 == 1).filter_map(move |i| {
        let symbol = start_symbol(case, i);
        (symbol / 14 == slot.index() % per_half).then_some((i, (symbol % 14) as u8, half_frames % 2 == 1))
    })
}

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
