//! From a transport block to coded bits. Spec: TS 38.212 §6.2, §7.2

use super::interleave::interleave;
use super::{G_MAX, SchError, SchParams, Segmentation, check_len};
use crate::bits;
use crate::ldpc::{LdpcEncoder, Z_MAX};

/// Encodes transport blocks of any size; owns its scratch (about 600 kB), made once.
pub struct SchEncoder {
    ldpc: LdpcEncoder,
    info: Vec<u8>,
    codeword: Vec<u8>,
    selected: Vec<u8>,
    interleaved: Vec<u8>,
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
        let plan = Segmentation::new(params)?;
        check_len(plan.tb_bytes, tb.len())?;
        check_len((params.g as usize).div_ceil(8), out.len())?;
        if let Some(last) = out.last_mut() {
            *last = 0;
        }
        let parity = plan.crc.of_bytes(tb).to_be_bytes();
        let parity = &parity[4 - plan.crc.len() / 8..];
        let mut at = 0;
        for block in 0..plan.n_blocks {
            self.fill_block(&plan, block, tb, parity);
            let e = plan.e(block);
            self.match_rate(&plan, e);
            interleave(params.q_m as usize, e, &self.selected, &mut self.interleaved);
            bits::copy(out, at, &self.interleaved, 0, e);
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

    /// Encodes and selects `e` bits. Spec: TS 38.212 §5.3.2, §5.4.2.1
    fn match_rate(&mut self, plan: &Segmentation, e: usize) {
        let (z, bg) = (plan.graph.z, plan.graph.bg);
        let mut end = 0;
        plan.runs(e, |position, len| end = end.max(position + len));
        let n_rows = (end.div_ceil(z) + 2).saturating_sub(bg.k_cols()).clamp(4, bg.n_rows());
        self.ldpc.encode(plan.graph, n_rows, &self.info, &mut self.codeword);
        let (selected, codeword, mut at) = (&mut self.selected, &self.codeword, 0);
        plan.runs(e, |position, len| {
            bits::copy(selected, at, codeword, 2 * z + position, len);
            at += len;
        });
    }
}
