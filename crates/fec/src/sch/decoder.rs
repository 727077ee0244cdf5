//! From soft bits to a transport block, with soft combining. Spec: TS 38.212 §6.2, §7.2; TS 38.321 §5.4.2.2 (HARQ)

use super::interleave::deinterleave;
use super::{G_MAX, SchError, SchParams, Segmentation, check_len};
use crate::ldpc::{Block, Check, LdpcDecoder, Z_MAX};
use crate::{Isa, Llr};

/// Bytes of the largest code block.
const INFO_LEN: usize = 22 * Z_MAX / 8;
/// Soft bits of the largest code block.
const SOFT_LEN: usize = 66 * Z_MAX;

/// What a soft buffer holds soft bits of; a retransmission must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    tbs_bits: u32,
    k_cols: usize,
    n_cb: usize,
}

/// A code block in a soft buffer.
#[derive(Clone, Copy, Debug, Default)]
struct BlockState {
    /// Its CRC held, and its bits are kept.
    passed: bool,
    /// Bit c: something of column c was received.
    received: u128,
    /// Soft bits that hold a value, from the first on.
    len: usize,
}

/// The soft bits of one HARQ process, and the bits of the code blocks that have passed already.
#[derive(Clone, Debug)]
pub struct SoftBuffer {
    soft: Vec<Llr>,
    bits: Vec<u8>,
    blocks: Vec<BlockState>,
    held: Option<Held>,
}

impl SoftBuffer {
    /// Makes a buffer for transport blocks of up to `tbs_bits` at any code rate; the one allocation, about 3.2 bytes a bit
    /// (5.7 for blocks up to 100 000 bits, which may come with base graph 2).
    ///
    /// Spec: TS 38.212 §5.4.2.1 (N_cb without limit)
    pub fn new(tbs_bits: u32) -> Self {
        let b = tbs_bits as usize + 24;
        let large = b.div_ceil(8448 - 24);
        let small = b.min(100_000).div_ceil(3840 - 24);
        let n_blocks = large.max(small);
        Self {
            soft: vec![0; (large * SOFT_LEN).max(small * 50 * Z_MAX)],
            bits: vec![0; n_blocks * INFO_LEN],
            blocks: vec![BlockState::default(); n_blocks],
            held: None,
        }
    }

    /// Forgets everything, as at a HARQ buffer flush.
    pub fn clear(&mut self) {
        self.held = None;
    }

    /// Whether it holds soft bits of a transport block.
    pub fn is_empty(&self) -> bool {
        self.held.is_none()
    }

    /// Makes room for a transport block, or checks that a retransmission fits what is held.
    fn open(&mut self, params: &SchParams, plan: &Segmentation, new_data: bool) -> Result<(), SchError> {
        let n = plan.graph.bg.n_tx_cols() * plan.graph.z;
        let expected = plan.n_blocks * n;
        if expected > self.soft.len() || plan.n_blocks > self.blocks.len() {
            return Err(SchError::SoftCapacity { expected, found: self.soft.len() });
        }
        let held = Held { tbs_bits: params.tbs_bits, k_cols: plan.graph.bg.k_cols(), n_cb: plan.n_cb };
        if new_data || self.held.is_none() {
            self.held = Some(held);
            self.blocks[..plan.n_blocks].fill(BlockState::default());
        } else if self.held != Some(held) {
            return Err(SchError::SoftMismatch);
        }
        Ok(())
    }
}

/// What became of a transport block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SchResult {
    /// The transport block's CRC and those of all its code blocks held.
    pub crc_ok: bool,
    /// Mean LDPC iterations of the code blocks decoded in this call; 0 if all had passed before.
    pub iterations_mean: f32,
    /// Code blocks of the transport block.
    pub n_cb: u16,
    /// Those that have passed so far.
    pub n_cb_ok: u16,
}

/// Decodes transport blocks of any size; owns its scratch (about 1.7 MB), made once.
pub struct SchDecoder {
    ldpc: LdpcDecoder,
    matched: Vec<Llr>,
}

impl SchDecoder {
    /// Makes a decoder on one instruction set; all give the same bits.
    pub fn new(isa: Isa) -> Self {
        Self { ldpc: LdpcDecoder::new(isa), matched: vec![0; G_MAX as usize] }
    }

    /// Combines the soft bits of one transmission with those held, and decodes the code blocks that have not passed yet.
    ///
    /// Spec: TS 38.212 §6.2, §7.2 (reversed)
    /// - `params`         of this transmission; size, base graph and circular buffer must be those of the first one
    /// - `llrs`           `[g]`, in the order of transmission, after descrambling
    /// - `soft`           of this HARQ process
    /// - `new_data`       the process starts afresh (NDI toggled)
    /// - `max_iterations` of LDPC for each code block, 1 or more
    /// - `tb_out`         `tbs_bits / 8` bytes, overwritten; right only if `crc_ok`
    ///
    /// Errors: [`SchError`]; nothing is then changed. Cost: O(iterations * edges), no allocation.
    pub fn decode(
        &mut self,
        params: &SchParams,
        llrs: &[Llr],
        soft: &mut SoftBuffer,
        new_data: bool,
        max_iterations: u8,
        tb_out: &mut [u8],
    ) -> Result<SchResult, SchError> {
        let plan = Segmentation::new(params)?;
        check_len(params.g as usize, llrs.len())?;
        check_len(plan.tb_bytes, tb_out.len())?;
        soft.open(params, &plan, new_data)?;
        let (mut at, mut iterations, mut decoded) = (0, 0u32, 0u32);
        for block in 0..plan.n_blocks {
            let e = plan.e(block);
            if !soft.blocks[block].passed {
                self.combine(&plan, params.q_m as usize, block, &llrs[at..at + e], soft);
                iterations += u32::from(self.decode_block(&plan, block, soft, max_iterations));
                decoded += 1;
            }
            at += e;
        }
        let n_cb_ok = soft.blocks[..plan.n_blocks].iter().filter(|state| state.passed).count();
        let crc_ok = assemble(&plan, soft, tb_out) && n_cb_ok == plan.n_blocks;
        if !crc_ok && n_cb_ok == plan.n_blocks {
            // A code block passed by chance: which one is unknown, so a retransmission decodes all of them again.
            soft.blocks[..plan.n_blocks].iter_mut().for_each(|state| state.passed = false);
        }
        let iterations_mean = if decoded == 0 { 0.0 } else { iterations as f32 / decoded as f32 };
        Ok(SchResult { crc_ok, iterations_mean, n_cb: plan.n_blocks as u16, n_cb_ok: n_cb_ok as u16 })
    }

    /// Adds the soft bits of one code block to its circular buffer. Spec: TS 38.212 §5.4.2
    fn combine(&mut self, plan: &Segmentation, q_m: usize, block: usize, llrs: &[Llr], soft: &mut SoftBuffer) {
        deinterleave(q_m, llrs, &mut self.matched);
        let (z, n) = (plan.graph.z, plan.graph.bg.n_tx_cols() * plan.graph.z);
        let buffer = &mut soft.soft[block * n..(block + 1) * n];
        let state = &mut soft.blocks[block];
        let mut rest = &self.matched[..llrs.len()];
        plan.runs(llrs.len(), |position, len| {
            let (part, tail) = rest.split_at(len);
            if position > state.len {
                buffer[state.len..position].fill(0);
                state.len = position;
            }
            let (old, new) = part.split_at(len.min(state.len - position));
            for (sum, &llr) in buffer[position..].iter_mut().zip(old) {
                *sum = sum.saturating_add(llr);
            }
            buffer[position + old.len()..position + len].copy_from_slice(new);
            state.len = state.len.max(position + len);
            for col in position / z..=(position + len - 1) / z {
                state.received |= 1 << (col + 2);
            }
            rest = tail;
        });
    }

    fn decode_block(&mut self, plan: &Segmentation, block: usize, soft: &mut SoftBuffer, max_iterations: u8) -> u8 {
        let n = plan.graph.bg.n_tx_cols() * plan.graph.z;
        let state = &mut soft.blocks[block];
        let outcome = self.ldpc.decode(
            &Block {
                graph: plan.graph,
                llrs: &soft.soft[block * n..block * n + state.len],
                k_prime: plan.k_prime,
                received: state.received,
                check: Check::Crc { crc: plan.block_crc(), n_bits: plan.k_prime },
            },
            max_iterations,
            &mut soft.bits[block * INFO_LEN..(block + 1) * INFO_LEN],
        );
        state.passed = outcome.ok;
        outcome.iterations
    }
}

/// Joins the code blocks and checks the CRC of the transport block. Spec: TS 38.212 §5.1, §5.2.2
fn assemble(plan: &Segmentation, soft: &SoftBuffer, tb_out: &mut [u8]) -> bool {
    let payload = plan.payload_bytes();
    let mut parity = [0u8; 4];
    let mut rest = tb_out.iter_mut().chain(parity[4 - plan.crc.len() / 8..].iter_mut());
    for block in soft.bits.chunks(INFO_LEN).take(plan.n_blocks) {
        // The block comes first: `zip` must not take a byte of `rest` that it has no partner for.
        for (&byte, out) in block[..payload].iter().zip(rest.by_ref()) {
            *out = byte;
        }
    }
    drop(rest);
    plan.crc.of_bytes(tb_out) == u32::from_be_bytes(parity)
}
