//! Soft combining of PBCHs: blocks of one half frame, and of later frames.
//!
//! Blocks of one half frame carry one payload. Later frames change four bits of the SFN, and with two of them the first scrambling: both
//! flip known bits of the code word, the code and its CRC being linear, once the SFN's four low bits at the first block are supposed.
//! So there is a sum of soft bits for each of the sixteen suppositions, and the right one decodes to itself.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | c(n) | `flips[n]` | code word of what SFN n's low bits change against 0 |
//! | sum_h | `sums[h]` | soft bits of SFN low bits 0, supposing h at the first block |
//!
//! Spec: TS 38.212 §7.1, TS 38.211 §7.3.3.1

use super::payload::{self, PAYLOAD_BITS, PbchPayload};
use super::{PBCH_BITS, scrambling_v};
use crate::sequences::Gold;
use fec::Llr;
use fec::pbch;
use fec::polar::PolarCodec;
use nr::Pci;

/// Low bits of the SFN that the payload carries outside the MIB.
const LOW: usize = 16;

/// Sums soft bits of a cell's PBCHs.
pub struct PbchCombiner {
    codec: PolarCodec,
    pci: Option<Pci>,
    l_max: u8,
    /// What the low bits n change in the scrambled payload, and in the code word: 0 or 1 each.
    changes: [[u8; PAYLOAD_BITS]; LOW],
    flips: Vec<[u8; PBCH_BITS]>,
    sums: Vec<[f32; PBCH_BITS]>,
    blocks: u32,
}

impl Default for PbchCombiner {
    fn default() -> Self {
        Self::new()
    }
}

impl PbchCombiner {
    /// Makes the decoder and the memory.
    pub fn new() -> Self {
        Self {
            codec: PolarCodec::new(8),
            pci: None,
            l_max: 8,
            changes: [[0; PAYLOAD_BITS]; LOW],
            flips: vec![[0; PBCH_BITS]; LOW],
            sums: vec![[0.0; PBCH_BITS]; LOW],
            blocks: 0,
        }
    }

    /// Forgets everything and prepares for a cell.
    pub fn start(&mut self, pci: Pci, l_max: u8) {
        let empty = PbchPayload { mib: 0, sfn: 0, half_frame: false, ssb_index: 0, k_ssb: 0 };
        let zero = payload::encode(&empty, pci, l_max);
        for n in 0..LOW {
            let one = payload::encode(&PbchPayload { sfn: n as u16, ..empty }, pci, l_max);
            self.changes[n] = core::array::from_fn(|i| one[i] ^ zero[i]);
            // The sizes are fixed, so that this cannot fail.
            self.flips[n] = pbch::encode(&mut self.codec, &self.changes[n]).unwrap_or([0; PBCH_BITS]);
        }
        self.sums.iter_mut().for_each(|s| s.fill(0.0));
        (self.pci, self.l_max, self.blocks) = (Some(pci), l_max, 0);
    }

    /// Blocks so far.
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Adds the soft bits of a block (as [`super::SsbReceiver::soft_bits`] gives them) that came `frames` frames after the first one, in the
    /// same half of the frame; `ssb_index_low` as the DM-RS tells it. Frames that change the MIB under a supposition do not count there.
    ///
    /// Nothing happens before [`PbchCombiner::start`].
    pub fn add(&mut self, soft: &[f32; PBCH_BITS], ssb_index_low: u8, frames: u32) {
        let Some(pci) = self.pci else { return };
        let v = scrambling_v(self.l_max, ssb_index_low);
        let mut second = [0u8; PBCH_BITS];
        Gold::starting_at(u32::from(pci.get()), v * PBCH_BITS).xor_bits(&mut second);
        for (h, sum) in self.sums.iter_mut().enumerate() {
            let low = h as u64 + u64::from(frames);
            let Some(flips) = self.flips.get(low as usize) else { continue };
            for (((sum, soft), second), flip) in sum.iter_mut().zip(soft).zip(&second).zip(flips) {
                let x = if second ^ flip == 1 { -soft } else { *soft };
                *sum += if x.is_finite() { x } else { 0.0 };
            }
        }
        self.blocks += 1;
    }

    /// The payload of the first block, if its CRC holds under a supposition that its own SFN bears out.
    pub fn decode(&mut self, ssb_index_low: u8) -> Option<PbchPayload> {
        let pci = self.pci?;
        for h in 0..LOW {
            let sum = &self.sums[h];
            let mean = sum.iter().map(|x| x.abs()).sum::<f32>() / PBCH_BITS as f32;
            if mean.is_nan() || mean <= 0.0 {
                continue;
            }
            let scale = 24.0 / mean;
            let llrs: [Llr; PBCH_BITS] = core::array::from_fn(|i| (sum[i] * scale).clamp(-120.0, 120.0) as Llr);
            if let Ok(Some(bits)) = pbch::decode(&mut self.codec, &llrs) {
                let own = core::array::from_fn(|i| bits[i] ^ self.changes[h][i]);
                let p = payload::decode(&own, pci, self.l_max, ssb_index_low);
                if usize::from(p.sfn) % LOW == h {
                    return Some(p);
                }
            }
        }
        None
    }
}
