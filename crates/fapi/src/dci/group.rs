//! Group-common formats 2_0 to 2_3. Spec: TS 38.212 §7.3.1.3
//!
//! They hold a row of blocks, of which RRC gives each UE its own; which one that is, is the caller's to know.

use super::bits::Fields;
use crate::options::GroupOptions;
use crate::pdu::{DCI_BITS_MAX, DciBits};

/// Format 2_0, slot formats (SFI-RNTI). Spec: TS 38.212 §7.3.1.3.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci2_0 {
    /// All its bits.
    pub payload: DciBits,
}

impl Dci2_0 {
    /// The SFI-index field of `bits` bits at positionInDCI `at`; `None` if it does not lie in the payload.
    ///
    /// Spec: TS 38.213 §11.1.1
    pub fn slot_format(&self, at: u8, bits: u8) -> Option<u16> {
        let field = self.payload.as_slice().get(usize::from(at)..usize::from(at) + usize::from(bits.min(9)))?;
        Some(field.iter().fold(0, |v, b| v << 1 | u16::from(*b)))
    }
    pub(super) fn fields(&mut self, f: &mut Fields, bits: u8) {
        let mut all = [0u8; DCI_BITS_MAX];
        let own = self.payload.as_slice();
        all[..own.len()].copy_from_slice(own);
        let n = usize::from(bits).min(DCI_BITS_MAX);
        all[..n].iter_mut().for_each(|b| f.u8("slot format indicators", b, 1));
        self.payload = DciBits::new(&all[..n]).unwrap_or_default();
    }
}

/// Format 2_1, interrupted transmission (INT-RNTI). Spec: TS 38.212 §7.3.1.3.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci2_1 {
    /// Pre-emption indications of 14 bits.
    pub indications: [u16; 9],
}

impl Dci2_1 {
    pub(super) fn fields(&mut self, f: &mut Fields, bits: u8) {
        let n = usize::from(bits / 14).min(9);
        self.indications[..n].iter_mut().for_each(|i| f.u16("pre-emption indication", i, 14));
    }
}

/// A block of format 2_2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TpcBlock {
    /// Closed loop indicator (where two adjustment states are configured).
    pub closed_loop: bool,
    /// TPC command, 0..=3.
    pub tpc: u8,
}

/// Format 2_2, power of PUCCH and PUSCH (TPC-PUCCH-RNTI, TPC-PUSCH-RNTI). Spec: TS 38.212 §7.3.1.3.3
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci2_2 {
    /// Blocks; those past the size of the format are not sent.
    pub blocks: [TpcBlock; 22],
}

impl Dci2_2 {
    pub(super) fn fields(&mut self, f: &mut Fields, size: u8, o: &GroupOptions) {
        let n = usize::from(size / (2 + u8::from(o.closed_loop_indicator))).min(self.blocks.len());
        for b in &mut self.blocks[..n] {
            f.flag("closed loop indicator", &mut b.closed_loop, o.closed_loop_indicator);
            f.u8("tpc", &mut b.tpc, 2);
        }
    }
}

/// A block of format 2_3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SrsBlock {
    /// SRS request, 0..=3 (where it has bits).
    pub request: u8,
    /// TPC commands, 2 bits each, the first in the most significant of those in use.
    pub tpc: u64,
}

/// Format 2_3, power and request of SRS (TPC-SRS-RNTI). Spec: TS 38.212 §7.3.1.3.4
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci2_3 {
    /// Blocks; those past the size of the format are not sent.
    pub blocks: [SrsBlock; 16],
}

impl Dci2_3 {
    pub(super) fn fields(&mut self, f: &mut Fields, size: u8, o: &GroupOptions) {
        let (request, n_tpc) = (o.srs_request_bits_plus_1.saturating_sub(1).min(2), o.n_srs_tpc.clamp(1, 31));
        let n = usize::from(size / (request + 2 * n_tpc)).min(self.blocks.len());
        for b in &mut self.blocks[..n] {
            f.u8("srs_request", &mut b.request, request);
            for i in (0..n_tpc).rev() {
                let mut tpc = (b.tpc >> (2 * i) & 3) as u8;
                f.u8("tpc", &mut tpc, 2);
                b.tpc = b.tpc & !(3 << (2 * i)) | u64::from(tpc) << (2 * i);
            }
        }
    }
}
