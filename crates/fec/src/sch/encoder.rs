//! From a transport block to coded bits. Spec: TS 38.212 §6.2, §7.2

use super::interleave::{Interleave, interleave_on};
use super::{Cbgs, G_MAX, SchError, SchParams, Segmentation, check_len};
use crate::bits;
use crate::ldpc::{LdpcEncoder, Z_MAX};
use std::ops::Range;

/// Encodes transport blocks of any size; owns its scratch (about 600 kB), made once.
pub struct SchEncoder {
    ldpc: LdpcEncoder,
    info: Vec<u8>,
    codeword: Vec<u8>,
    selected: Vec<u8>,
    interleaved: Vec<u8>,
    interleave: Interleave,
}

impl Default for SchEncoder {
    fn default() -> Self {
        Self::new(crate::Isa::best())
    }
}

impl SchEncoder {
    /// Makes an encoder on one instruction set; all give the same bits.
    pub fn new(isa: crate::Isa) -> Self {
        Self {
            ldpc: LdpcEncoder::new(isa),
            info: vec![0; 22 * Z_MAX / 8],
            codeword: vec![0; 68 * Z_MAX / 8],
            selected: vec![0; G_MAX as usize / 8 + 8],
            interleaved: vec![0; G_MAX as usize / 8 + 16],
            interleave: interleave_on(isa),
        }
    }

    /// Encodes a transport block: CRC, segmentation, LDPC, rate matching, interleaving, concatenation.
    ///
    /// Spec: TS 38.212 §6.2.1 to §6.2.6, §7.2.1 to §7.2.6
    /// - `tb`  the transport block, `tbs_bits / 8` bytes
    /// - `out` overwritten, `g` bits packed, `g.div_ceil(8)` bytes; spare bits are 0
    ///
    /// Errors: [`SchError`]; `out` is then untouched. Cost: O(g + coded bits), no allocation.
    pub fn encode(&mut self, params: &SchParams, tb: &[u8], out: &mut [u8]) -> Result<(), SchError> {
        self.encode_cbgs(params, None, tb, out)
    }

    /// As [`SchEncoder::encode`], only the code block groups that are sent. Spec: TS 38.214 §5.1.7, §6.1.5
    pub fn encode_cbgs(
        &mut self,
        params: &SchParams,
        cbgs: Option<Cbgs>,
        tb: &[u8],
        out: &mut [u8],
    ) -> Result<(), SchError> {
        let plan = Segmentation::with_cbgs(params, cbgs)?;
        self.encode_blocks(&plan, 0..plan.n_blocks, tb, out)
    }

    /// Encodes some of the code blocks: several encoders together give the bits that one gives.
    ///
    /// Spec: TS 38.212 §5.2.2 to §5.5
    /// - `blocks` those up to `plan.n_blocks`; those not sent are passed over
    /// - `tb`     the whole transport block
    /// - `out`    overwritten, the coded bits of these blocks packed from bit 0 on, spare bits are 0; they belong at bit
    ///   `plan.e_at(blocks.start)` of the transmission ([`crate::bits::copy`])
    ///
    /// Errors: `Length`; `out` is then untouched. No allocation.
    pub fn encode_blocks(
        &mut self,
        plan: &Segmentation,
        blocks: Range<usize>,
        tb: &[u8],
        out: &mut [u8],
    ) -> Result<(), SchError> {
        let n_bits: usize = blocks.clone().map(|block| plan.e(block)).sum();
        check_len(plan.tb_bytes, tb.len())?;
        check_len(n_bits.div_ceil(8), out.len())?;
        if let Some(last) = out.last_mut() {
            *last = 0;
        }
        // The last block carries the CRC of all.
        let parity = if blocks.end < plan.n_blocks { 0 } else { plan.crc.of_bytes(tb) }.to_be_bytes();
        let parity = &parity[4 - plan.crc.len() / 8..];
        let mut at = 0;
        for block in blocks.filter(|&block| plan.sends(block)) {
            self.fill_block(plan, block, tb, parity);
            let e = plan.e(block);
            let whole = self.match_rate(plan, e);
            let (from, from_at) = whole.map_or((&self.selected, 0), |at| (&self.codeword, at));
            let direct = out.get_mut(at / 8..).filter(|rest| at.is_multiple_of(8) && rest.len() >= e.div_ceil(8) + 8);
            let is_direct = direct.is_some();
            let to = direct.unwrap_or(&mut self.interleaved);
            // Safety: the form was chosen for this machine.
            unsafe { (self.interleave)(plan.q_m, e, from, from_at, to) }
            if !is_direct {
                bits::copy(out, at, &self.interleaved, 0, e);
            }
            at += e;
        }
        Ok(())
    }

    /// Code block `block` with its CRC and filler bits. Spec: TS 38.212 §5.2.2
    fn fill_block(&mut self, plan: &Segmentation, block: usize, tb: &[u8], parity: &[u8]) {
        let payload = plan.payload_bytes();
        let from_tb = &tb[(block * payload).min(tb.len())..((block + 1) * payload).min(tb.len())];
        let info = &mut self.info[..plan.k.div_ceil(8)];
        info.fill(0);
        info[..from_tb.len()].copy_from_slice(from_tb);
        if block + 1 == plan.n_blocks {
            info[from_tb.len()..payload].copy_from_slice(parity);
        }
        if plan.n_blocks > 1 {
            let crc = plan.block_crc().of_bytes(&info[..payload]).to_be_bytes();
            info[payload..payload + 3].copy_from_slice(&crc[1..]);
        }
    }

    /// Encodes and selects `e` bits: those of the code word from the bit that is returned on, else those in `selected`.
    ///
    /// Spec: TS 38.212 §5.3.2, §5.4.2.1
    fn match_rate(&mut self, plan: &Segmentation, e: usize) -> Option<usize> {
        let (z, bg) = (plan.graph.z, plan.graph.bg);
        let (mut end, mut first, mut n_runs) = (0, 0, 0);
        plan.runs(e, |position, len| {
            end = end.max(position + len);
            first = if n_runs == 0 { position } else { first };
            n_runs += 1;
        });
        let n_rows = (end.div_ceil(z) + 2).saturating_sub(bg.k_cols()).clamp(4, bg.n_rows());
        self.ldpc.encode(plan.graph, n_rows, &self.info, &mut self.codeword);
        if n_runs == 1 {
            return Some(2 * z + first);
        }
        let (selected, codeword, mut at) = (&mut self.selected, &self.codeword, 0);
        plan.runs(e, |position, len| {
            bits::copy(selected, at, codeword, 2 * z + position, len);
            at += len;
        });
        None
    }
}
