//! From soft bits to a transport block, with soft combining. Spec: TS 38.212 §6.2, §7.2; TS 38.321 §5.4.2.2 (HARQ)

use super::interleave::deinterleave;
use super::{Cbgs, G_MAX, SchError, SchParams, Segmentation, check_len};
use crate::ldpc::{Block, Check, LdpcDecoder, Outcome, Z_MAX};
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
    /// Iterations spent in this call, 0 if there was nothing to do.
    iterations: u8,
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

    /// Opens the buffer for one transmission: what is to be done, one code block a piece.
    ///
    /// Spec: TS 38.212 §5.4.2; TS 38.214 §5.1.7.2 (CBGFI)
    /// - `params`   size, base graph and circular buffer must be those of the first transmission
    /// - `cbgs`     the code block groups sent; None: all
    /// - `new_data` the process starts afresh (NDI toggled)
    ///
    /// Errors: [`SchError`]; nothing is then changed. No allocation.
    pub fn begin(&mut self, params: &SchParams, cbgs: Option<Cbgs>, new_data: bool) -> Result<SchTask<'_>, SchError> {
        let plan = Segmentation::with_cbgs(params, cbgs)?;
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
        let blocks = &mut self.blocks[..plan.n_blocks];
        for (block, state) in blocks.iter_mut().enumerate() {
            state.iterations = 0;
            if plan.flushes() && plan.sends(block) && !state.passed {
                *state = BlockState::default();
            }
        }
        let (soft, bits) = (&mut self.soft[..expected], &mut self.bits[..plan.n_blocks * INFO_LEN]);
        Ok(SchTask { plan, soft, bits, blocks, first: 0, llr_at: 0 })
    }

    /// Joins the code blocks and checks the transport block's CRC, after every part of the task was run.
    ///
    /// Spec: TS 38.212 §5.1, §5.2.2
    /// - `plan`   that of the task
    /// - `tb_out` `tbs_bits / 8` bytes, overwritten; right only if `crc_ok`
    ///
    /// Errors: `Length`; `SoftMismatch` if the buffer holds another transport block.
    pub fn finish(&mut self, plan: &Segmentation, tb_out: &mut [u8]) -> Result<SchResult, SchError> {
        check_len(plan.tb_bytes, tb_out.len())?;
        let blocks = self.blocks.get_mut(..plan.n_blocks).ok_or(SchError::SoftMismatch)?;
        let n_cb_ok = blocks.iter().filter(|state| state.passed).count();
        let iterations: u32 = blocks.iter().map(|state| u32::from(state.iterations)).sum();
        let decoded = blocks.iter().filter(|state| state.iterations > 0).count();
        let crc_ok = assemble(plan, &self.bits, tb_out) && n_cb_ok == plan.n_blocks;
        if !crc_ok && n_cb_ok == plan.n_blocks {
            // A code block passed by chance: which one is unknown, so a retransmission decodes all of them again.
            blocks.iter_mut().for_each(|state| state.passed = false);
        }
        let iterations_mean = if decoded == 0 { 0.0 } else { iterations as f32 / decoded as f32 };
        let cbg_acks = plan.groups().map_or(0, |cbgs| self.cbg_acks(plan, cbgs.n_max));
        Ok(SchResult { crc_ok, iterations_mean, n_cb: plan.n_blocks as u16, n_cb_ok: n_cb_ok as u16, cbg_acks })
    }

    /// HARQ-ACK of code block groups: bit m is set if every code block of group m has passed; to be asked after the transport block
    /// was decoded. None have if the transport block's CRC failed though all code blocks passed.
    ///
    /// Spec: TS 38.213 §9.1.1; TS 38.214 §5.1.7.1
    pub fn cbg_acks(&self, plan: &Segmentation, n_max: u8) -> u8 {
        let cbgs = Cbgs { n_max, sent: 0, combine: true };
        let mut acks = if self.held.is_some() { ((1u16 << cbgs.n(plan.n_blocks)) - 1) as u8 } else { 0 };
        for (block, state) in self.blocks.iter().take(plan.n_blocks).enumerate() {
            acks &= !(u8::from(!state.passed) << cbgs.group_of(block, plan.n_blocks));
        }
        acks
    }
}

/// Code blocks of one transmission that are still to be combined and decoded, by one decoder or, split, by several at once: the bits
/// are the same.
pub struct SchTask<'a> {
    /// Sizes of the transmission.
    pub plan: Segmentation,
    soft: &'a mut [Llr],
    bits: &'a mut [u8],
    blocks: &'a mut [BlockState],
    first: usize,
    llr_at: usize,
}

impl SchTask<'_> {
    /// Code blocks in this part.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The first `n` code blocks (all, if there are fewer), and the rest.
    pub fn split_at(self, n: usize) -> (Self, Self) {
        let n = n.min(self.blocks.len());
        let Self { plan, soft, bits, blocks, first, llr_at } = self;
        let (soft_a, soft_b) = soft.split_at_mut(n * plan.graph.bg.n_tx_cols() * plan.graph.z);
        let (bits_a, bits_b) = bits.split_at_mut(n * INFO_LEN);
        let (blocks_a, blocks_b) = blocks.split_at_mut(n);
        let llr_next = llr_at + (first..first + n).map(|block| plan.e(block)).sum::<usize>();
        (
            Self { plan, soft: soft_a, bits: bits_a, blocks: blocks_a, first, llr_at },
            Self { plan, soft: soft_b, bits: bits_b, blocks: blocks_b, first: first + n, llr_at: llr_next },
        )
    }
}

/// A task and the soft bits of its whole transmission.
pub type Together<'a> = (SchTask<'a>, &'a [Llr]);

/// Tasks that [`SchDecoder::run_together`] takes at once.
pub const TOGETHER_MAX: usize = 32;

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
    /// [`SoftBuffer::cbg_acks`] where there are code block groups, else 0.
    pub cbg_acks: u8,
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
        self.decode_cbgs(params, None, llrs, soft, new_data, max_iterations, tb_out)
    }

    /// As [`SchDecoder::decode`], of a transmission of some code block groups. Spec: TS 38.214 §5.1.7, §6.1.5
    #[allow(clippy::too_many_arguments)]
    pub fn decode_cbgs(
        &mut self,
        params: &SchParams,
        cbgs: Option<Cbgs>,
        llrs: &[Llr],
        soft: &mut SoftBuffer,
        new_data: bool,
        max_iterations: u8,
        tb_out: &mut [u8],
    ) -> Result<SchResult, SchError> {
        let plan = Segmentation::with_cbgs(params, cbgs)?;
        check_len(params.g as usize, llrs.len())?;
        check_len(plan.tb_bytes, tb_out.len())?;
        let mut task = soft.begin(params, cbgs, new_data)?;
        self.run(&mut task, llrs, max_iterations)?;
        soft.finish(&plan, tb_out)
    }

    /// Combines and decodes the code blocks of a part of a transmission that have not passed yet.
    ///
    /// Spec: TS 38.212 §5.3.2, §5.4.2 (reversed)
    /// - `llrs`           `[g]`, of the whole transmission
    /// - `max_iterations` of LDPC for each code block, 1 or more
    ///
    /// Errors: `Length`; nothing is then changed. Cost: O(iterations * edges), no allocation.
    pub fn run(&mut self, task: &mut SchTask, llrs: &[Llr], max_iterations: u8) -> Result<(), SchError> {
        let (plan, mut at) = (task.plan, task.llr_at);
        check_len(plan.g(), llrs.len())?;
        let n = plan.graph.bg.n_tx_cols() * plan.graph.z;
        let blocks =
            task.blocks.iter_mut().zip(task.soft.chunks_exact_mut(n)).zip(task.bits.chunks_exact_mut(INFO_LEN));
        for (block, ((state, soft), bits)) in blocks.enumerate() {
            let e = plan.e(task.first + block);
            if e > 0 && !state.passed {
                self.combine(&plan, &llrs[at..at + e], state, soft);
                self.decode_block(&plan, state, soft, max_iterations, bits);
            }
            at += e;
        }
        Ok(())
    }

    /// As [`SchDecoder::run`] of each task, code blocks of different transport blocks side by side in one vector where they are small and alike: the
    /// same bits. Tasks that are `None` are passed over; of those beyond [`TOGETHER_MAX`], and of several code blocks, each is run alone.
    ///
    /// Spec: TS 38.212 §5.3.2, §5.4.2 (reversed)
    ///
    /// Errors: `Length`, of the first task that has one; those before it are done. No allocation.
    pub fn run_together(&mut self, tasks: &mut [Option<Together<'_>>], max_iterations: u8) -> Result<(), SchError> {
        for part in tasks.chunks_mut(TOGETHER_MAX) {
            for (task, llrs) in part.iter_mut().flatten() {
                if task.blocks.len() != 1 || !task.plan.is_small() {
                    self.run(task, llrs, max_iterations)?;
                    continue;
                }
                check_len(task.plan.g(), llrs.len())?;
                let (plan, at) = (task.plan, task.llr_at);
                let e = plan.e(task.first);
                if e > 0 && !task.blocks[0].passed {
                    self.combine(&plan, &llrs[at..at + e], &mut task.blocks[0], task.soft);
                }
            }
            self.decode_together(part, max_iterations);
        }
        Ok(())
    }

    /// Decodes what was combined.
    fn decode_together(&mut self, tasks: &mut [Option<Together<'_>>], max_iterations: u8) {
        let waits = |task: &SchTask| {
            task.blocks.len() == 1 && task.plan.is_small() && task.plan.e(task.first) > 0 && !task.blocks[0].passed
        };
        // Neighbours that are alike go side by side.
        let mut order = [(0usize, 0u64, 0usize); TOGETHER_MAX];
        let mut n = 0;
        for (at, (task, _)) in tasks.iter().enumerate().filter_map(|(at, task)| Some((at, task.as_ref()?))) {
            if waits(task) {
                let (graph, rows) = (task.plan.graph, block_of(&task.plan, &task.blocks[0], task.soft).rows());
                order[n] = (graph.z * 64 + graph.bg.k_cols(), rows, at);
                n += 1;
            }
        }
        order[..n].sort_unstable();
        let place = |at: usize| order[..n].iter().position(|o| o.2 == at);
        let mut outcomes = [Outcome { ok: false, iterations: 0 }; TOGETHER_MAX];
        let mut blocks = [None; TOGETHER_MAX];
        let mut infos: [&mut [u8]; TOGETHER_MAX] = std::array::from_fn(|_| Default::default());
        for (at, (task, _)) in tasks.iter_mut().enumerate().filter_map(|(at, task)| Some((at, task.as_mut()?))) {
            if let Some(place) = place(at) {
                blocks[place] = Some(block_of(&task.plan, &task.blocks[0], task.soft));
                infos[place] = &mut *task.bits;
            }
        }
        let Some(first) = blocks[0] else { return };
        let blocks = blocks.map(|block| block.unwrap_or(first));
        self.ldpc.decode_batch(&blocks[..n], max_iterations, &mut infos[..n], &mut outcomes[..n]);
        for (at, (task, _)) in tasks.iter_mut().enumerate().filter_map(|(at, task)| Some((at, task.as_mut()?))) {
            if let Some(place) = place(at) {
                let state = &mut task.blocks[0];
                (state.passed, state.iterations) = (outcomes[place].ok, outcomes[place].iterations);
            }
        }
    }

    /// Adds the soft bits of one code block to its circular buffer. Spec: TS 38.212 §5.4.2
    fn combine(&mut self, plan: &Segmentation, llrs: &[Llr], state: &mut BlockState, buffer: &mut [Llr]) {
        deinterleave(plan.q_m, llrs, &mut self.matched);
        let z = plan.graph.z;
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

    fn decode_block(
        &mut self,
        plan: &Segmentation,
        state: &mut BlockState,
        soft: &[Llr],
        max_iterations: u8,
        bits: &mut [u8],
    ) {
        let outcome = self.ldpc.decode(&block_of(plan, state, soft), max_iterations, bits);
        (state.passed, state.iterations) = (outcome.ok, outcome.iterations);
    }
}

/// A code block as its soft buffer holds it.
fn block_of<'a>(plan: &Segmentation, state: &BlockState, soft: &'a [Llr]) -> Block<'a> {
    let check = Check::Crc { crc: plan.block_crc(), n_bits: plan.k_prime };
    let (llrs, received) = (&soft[..state.len], state.received);
    Block { graph: plan.graph, llrs, k_prime: plan.k_prime, received, check }
}

/// Joins the code blocks and checks the CRC of the transport block. Spec: TS 38.212 §5.1, §5.2.2
fn assemble(plan: &Segmentation, bits: &[u8], tb_out: &mut [u8]) -> bool {
    let payload = plan.payload_bytes();
    let mut parity = [0u8; 4];
    let mut rest = tb_out.iter_mut().chain(parity[4 - plan.crc.len() / 8..].iter_mut());
    for block in bits.chunks(INFO_LEN).take(plan.n_blocks) {
        // The block comes first: `zip` must not take a byte of `rest` that it has no partner for.
        for (&byte, out) in block[..payload].iter().zip(rest.by_ref()) {
            *out = byte;
        }
    }
    drop(rest);
    plan.crc.of_bytes(tb_out) == u32::from_be_bytes(parity)
}
