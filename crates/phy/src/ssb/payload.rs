//! PBCH payload: from the MIB to the bits that are coded, and back. Spec: TS 38.212 §7.1.1, §7.1.2
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | a-bar | `a` | MIB, then the timing bits | 32 bits |
//! | G(j) | `G` | interleaver | 0..=31 |
//! | s | `s` | first scrambling, of all but the bits that select it | |
//! | v | `v` | third and second least significant bit of the SFN | 0..=3 |

use crate::sequences::Gold;
use nr::Pci;

/// Bits of the payload.
pub const PAYLOAD_BITS: usize = 32;

/// The interleaver pattern. Spec: TS 38.212 table 7.1.1-1
const G: [u8; PAYLOAD_BITS] = [
    16, 23, 18, 17, 8, 30, 10, 6, 24, 7, 0, 5, 3, 2, 1, 4, 9, 11, 12, 13, 14, 15, 19, 20, 21, 22, 25, 26, 27, 28, 29,
    31,
];

/// What the PBCH tells. Spec: TS 38.212 §7.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PbchPayload {
    /// The 24 bits of the BCCH-BCH-Message, most significant first in the low 24; holds the 6 upper bits of the SFN.
    pub mib: u32,
    /// System frame number, all 10 bits; its upper 6 replace those of `mib` when sent.
    pub sfn: u16,
    /// Second half of the frame.
    pub half_frame: bool,
    /// Block index: its upper 3 bits travel here when L_max is 64.
    pub ssb_index: u8,
    /// k_SSB; bit 4 travels here when L_max is 4 or 8, the lower four in the MIB.
    pub k_ssb: u8,
}

/// Which position of the interleaved payload bit `i` of a-bar takes.
fn positions() -> [usize; PAYLOAD_BITS] {
    let (mut j_sfn, mut j_ssb, mut j_other) = (0, 11, 14);
    core::array::from_fn(|i| {
        let j = match i {
            1..=6 | 24..=27 => &mut j_sfn,
            28 => return usize::from(G[10]),
            29..=31 => &mut j_ssb,
            _ => &mut j_other,
        };
        *j += 1;
        usize::from(G[*j - 1])
    })
}

/// The first scrambling of the interleaved payload, given the SFN's bits that select it.
fn scrambling(pci: Pci, l_max: u8, v: usize) -> [u8; PAYLOAD_BITS] {
    let at = positions();
    let mut skipped = [false; PAYLOAD_BITS];
    // Third and second least significant bit of the SFN, half frame, and the SSB index where it is there.
    let fixed = if l_max == 64 { &[25, 26, 28, 29, 30, 31][..] } else { &[25, 26, 28][..] };
    fixed.iter().for_each(|&i| skipped[at[i]] = true);
    let mut gold = Gold::starting_at(u32::from(pci.get()), v * (PAYLOAD_BITS - fixed.len()));
    core::array::from_fn(|i| if skipped[i] { 0 } else { gold.next(1) as u8 })
}

/// The scrambled payload that is coded: one bit per byte. Spec: TS 38.212 §7.1.1, §7.1.2
pub fn encode(payload: &PbchPayload, pci: Pci, l_max: u8) -> [u8; PAYLOAD_BITS] {
    let mut a = [0u8; PAYLOAD_BITS];
    for (i, bit) in a.iter_mut().take(24).enumerate() {
        *bit = (payload.mib >> (23 - i) & 1) as u8;
    }
    for i in 0..6 {
        a[1 + i] = (payload.sfn >> (9 - i) & 1) as u8;
    }
    for i in 0..4 {
        a[24 + i] = (payload.sfn >> (3 - i) & 1) as u8;
    }
    a[28] = u8::from(payload.half_frame);
    if l_max == 64 {
        (0..3).for_each(|i| a[29 + i] = payload.ssb_index >> (5 - i) & 1);
    } else {
        a[29] = payload.k_ssb >> 4 & 1;
    }
    let v = usize::from(payload.sfn >> 1 & 3);
    let mut out = scrambling(pci, l_max, v);
    for (i, &at) in positions().iter().enumerate() {
        out[at] ^= a[i];
    }
    out
}

/// The payload out of its 32 coded bits; `ssb_index_low` is what the DM-RS told (3 bits, or 2 with L_max 4).
pub fn decode(bits: &[u8; PAYLOAD_BITS], pci: Pci, l_max: u8, ssb_index_low: u8) -> PbchPayload {
    let at = positions();
    let v = usize::from(bits[at[25]] << 1 | bits[at[26]]) & 3;
    let s = scrambling(pci, l_max, v);
    let a: [u8; PAYLOAD_BITS] = core::array::from_fn(|i| (bits[at[i]] ^ s[at[i]]) & 1);
    let word = |range: core::ops::Range<usize>| a[range].iter().fold(0u32, |w, &b| w << 1 | u32::from(b));
    let mib = word(0..24);
    // ssb-SubcarrierOffset lies after the choice bit, the SFN's 6 bits and subCarrierSpacingCommon. Spec: TS 38.331 MIB
    let k_low = (mib >> 12 & 15) as u8;
    PbchPayload {
        mib,
        sfn: (word(1..7) << 4 | word(24..28)) as u16,
        half_frame: a[28] == 1,
        ssb_index: if l_max == 64 { (word(29..32) as u8) << 3 | ssb_index_low } else { ssb_index_low },
        k_ssb: if l_max == 64 { k_low } else { a[29] << 4 | k_low },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §7.1.1, §7.1.2
    fn payload_round_trips_for_each_l_max() {
        for l_max in [4u8, 8, 64] {
            for sfn in [0u16, 1, 6, 513, 1023] {
                let pci = Pci::new(sfn % 1008).unwrap();
                let p = PbchPayload {
                    mib: 0x2a_35a5 & !0x7e_0000 | u32::from(sfn >> 4) << 17,
                    sfn,
                    half_frame: sfn & 1 == 1,
                    ssb_index: l_max - 2,
                    k_ssb: if l_max == 64 { 5 } else { 21 },
                };
                let k_low = u32::from(p.k_ssb & 15);
                let p = PbchPayload { mib: p.mib & !0xf000 | k_low << 12, ..p };
                let low = if l_max == 4 { p.ssb_index & 3 } else { p.ssb_index & 7 };
                assert_eq!(decode(&encode(&p, pci, l_max), pci, l_max, low), p);
            }
        }
    }
}
