//! Base graph, code block segmentation and the sizes of rate matching. Spec: TS 38.212 §5.2.2, §5.4.2, §6.2.2, §7.2.2

use super::{Cbgs, G_MAX, SchError, SchParams, TBS_BITS_MAX};
use crate::Crc;
use crate::ldpc::{BaseGraph, Graph, LIFTING_SIZES};

/// How a transport block is cut into code blocks and matched to the channel.
#[derive(Clone, Copy, Debug)]
pub struct Segmentation {
    /// The lifted base graph.
    pub graph: &'static Graph,
    /// CRC of the transport block.
    pub crc: Crc,
    /// Code blocks C.
    pub n_blocks: usize,
    /// Bits of a code block before filler bits, its CRC included, K'.
    pub k_prime: usize,
    /// Bits of a code block with filler bits, K.
    pub k: usize,
    /// Bits of the circular buffer, N_cb.
    pub n_cb: usize,
    /// Transport block size in bytes.
    pub tb_bytes: usize,
    /// Code blocks that this transmission carries, C'.
    pub n_sent: usize,
    pub(super) q_m: usize,
    cbgs: Option<Cbgs>,
    symbols: usize,
    bits_per_symbol: usize,
    rv: u8,
}

impl Segmentation {
    /// Whether it is one code block of a lifting size so small that several go side by side: [`super::SchDecoder::run_together`].
    pub fn is_small(&self) -> bool {
        const SMALL_Z: usize = 48;
        self.n_blocks == 1 && self.graph.z <= SMALL_Z
    }

    /// Derives all sizes from the parameters.
    ///
    /// Errors: any of [`SchError`]'s parameter variants. Cost: O(1).
    pub fn new(params: &SchParams) -> Result<Self, SchError> {
        Self::with_cbgs(params, None)
    }

    /// As [`Segmentation::new`], for a transmission of some code block groups.
    ///
    /// Spec: TS 38.212 §5.4.2.1 (C'); TS 38.214 §5.1.7, §6.1.5. Errors: also if no group is sent. Cost: O(C) with groups.
    pub fn with_cbgs(params: &SchParams, cbgs: Option<Cbgs>) -> Result<Self, SchError> {
        let tbs = params.tbs_bits;
        if tbs == 0 || !tbs.is_multiple_of(8) || tbs > TBS_BITS_MAX {
            return Err(SchError::TbsBits(tbs));
        }
        if !(0.0..=1024.0).contains(&params.code_rate_x1024) {
            return Err(SchError::CodeRate);
        }
        if ![1, 2, 4, 6, 8, 10].contains(&params.q_m) {
            return Err(SchError::ModulationOrder(params.q_m));
        }
        if !(1..=8).contains(&params.n_layers) {
            return Err(SchError::Layers(params.n_layers));
        }
        if params.rv > 3 {
            return Err(SchError::RedundancyVersion(params.rv));
        }
        let bits_per_symbol = params.q_m as usize * params.n_layers as usize;
        let bg = base_graph(tbs, params.code_rate_x1024);
        let crc = if tbs > 3824 { Crc::Crc24A } else { Crc::Crc16 };
        let b = tbs as usize + crc.len();
        let (n_blocks, b_prime) = if b <= bg.k_cb() {
            (1, b)
        } else {
            let c = b.div_ceil(bg.k_cb() - 24);
            (c, b + c * 24)
        };
        if b_prime % (8 * n_blocks) != 0 {
            return Err(SchError::TbsBits(tbs));
        }
        let k_prime = b_prime / n_blocks;
        let z = lifting_size(bg, b, k_prime).ok_or(SchError::TbsBits(tbs))?;
        let graph = Graph::get(bg, z).ok_or(SchError::TbsBits(tbs))?;
        let symbols = params.g as usize / bits_per_symbol;
        let n_sent = cbgs.map_or(n_blocks, |cbgs| (0..n_blocks).filter(|&block| cbgs.sends(block, n_blocks)).count());
        if n_sent == 0 {
            return Err(SchError::BlockGroups);
        }
        if params.g > G_MAX || !(params.g as usize).is_multiple_of(bits_per_symbol) || symbols < n_sent {
            return Err(SchError::CodedBits(params.g));
        }
        let n = bg.n_tx_cols() * z;
        let n_cb = match params.tbs_lbrm {
            // N_ref = floor(TBS_LBRM / (C R_LBRM)) with R_LBRM = 2/3
            Some(tbs_lbrm) => n.min((u64::from(tbs_lbrm) * 3 / (2 * n_blocks as u64)) as usize),
            None => n,
        };
        if n_cb == 0 {
            return Err(SchError::LimitedBuffer(params.tbs_lbrm.unwrap_or(0)));
        }
        let k = bg.k_cols() * z;
        let tb_bytes = tbs as usize / 8;
        let (rv, q_m) = (params.rv, params.q_m as usize);
        Ok(Self { graph, crc, n_blocks, k_prime, k, n_cb, tb_bytes, n_sent, q_m, cbgs, symbols, bits_per_symbol, rv })
    }

    /// CRC of a code block: that of the transport block if there is only one. Spec: TS 38.212 §5.2.2
    pub fn block_crc(&self) -> Crc {
        if self.n_blocks > 1 { Crc::Crc24B } else { self.crc }
    }

    /// Bytes of the transport block and its CRC that one code block carries.
    pub(super) fn payload_bytes(&self) -> usize {
        (self.k_prime - if self.n_blocks > 1 { 24 } else { 0 }) / 8
    }

    /// Whether this transmission carries code block `block`.
    pub fn sends(&self, block: usize) -> bool {
        block < self.n_blocks && self.cbgs.is_none_or(|cbgs| cbgs.sends(block, self.n_blocks))
    }

    /// Coded bits of code block `block`, E_r; 0 if it is not sent. Spec: TS 38.212 §5.4.2.1
    pub fn e(&self, block: usize) -> usize {
        if !self.sends(block) {
            return 0;
        }
        let before = match self.cbgs {
            None => block,
            Some(_) => (0..block).filter(|&block| self.sends(block)).count(),
        };
        let whole = self.symbols / self.n_sent;
        let extra = usize::from(before >= self.n_sent - self.symbols % self.n_sent);
        (whole + extra) * self.bits_per_symbol
    }

    /// Coded bits of the whole transmission, G.
    pub(super) fn g(&self) -> usize {
        self.symbols * self.bits_per_symbol
    }

    /// Where the coded bits of code block `block` start.
    pub fn e_at(&self, block: usize) -> usize {
        (0..block).map(|block| self.e(block)).sum()
    }

    /// The code block groups, where there are any.
    pub(super) fn groups(&self) -> Option<Cbgs> {
        self.cbgs
    }

    /// Whether soft bits held of the code blocks sent are to be forgotten. Spec: TS 38.214 §5.1.7.2 (CBGFI)
    pub(super) fn flushes(&self) -> bool {
        self.cbgs.is_some_and(|cbgs| !cbgs.combine)
    }

    /// Where the redundancy version starts, k_0. Spec: TS 38.212 table 5.4.2.1-2
    pub fn k0(&self) -> usize {
        let bg = self.graph.bg;
        let factor = match bg {
            BaseGraph::Bg1 => [0, 17, 33, 56],
            BaseGraph::Bg2 => [0, 13, 25, 43],
        }[self.rv as usize];
        factor * self.n_cb / (bg.n_tx_cols() * self.graph.z) * self.graph.z
    }

    /// Calls `run(position, len)` for the stretches of the circular buffer that `e` coded bits take in turn, filler bits skipped.
    ///
    /// Spec: TS 38.212 §5.4.2.1
    pub(super) fn runs(&self, e: usize, mut run: impl FnMut(usize, usize)) {
        let filler = self.k_prime - 2 * self.graph.z..self.k - 2 * self.graph.z;
        let (mut position, mut left) = (self.k0(), e);
        while left > 0 {
            if filler.contains(&position) {
                position = filler.end;
            }
            if position >= self.n_cb {
                position = 0;
                continue;
            }
            let end = if position < filler.start { filler.start.min(self.n_cb) } else { self.n_cb };
            let len = left.min(end - position);
            run(position, len);
            position += len;
            left -= len;
        }
    }
}

/// Spec: TS 38.212 §6.2.2, §7.2.2
fn base_graph(tbs_bits: u32, code_rate_x1024: f32) -> BaseGraph {
    let small = tbs_bits <= 292 || (tbs_bits <= 3824 && code_rate_x1024 <= 0.67 * 1024.0) || code_rate_x1024 <= 256.0;
    if small { BaseGraph::Bg2 } else { BaseGraph::Bg1 }
}

/// The smallest Z_c with K_b Z_c >= K'. Spec: TS 38.212 §5.2.2
fn lifting_size(bg: BaseGraph, b: usize, k_prime: usize) -> Option<usize> {
    let k_b = match (bg, b) {
        (BaseGraph::Bg1, _) => 22,
        (BaseGraph::Bg2, 641..) => 10,
        (BaseGraph::Bg2, 561..) => 9,
        (BaseGraph::Bg2, 193..) => 8,
        (BaseGraph::Bg2, _) => 6,
    };
    LIFTING_SIZES.iter().map(|&z| z as usize).find(|z| k_b * z >= k_prime)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: SchParams =
        SchParams { tbs_bits: 8456, code_rate_x1024: 700.0, q_m: 2, n_layers: 1, rv: 0, g: 20_000, tbs_lbrm: None };

    #[test] // Spec: TS 38.212 §6.2.2, §7.2.2
    fn base_graph_follows_size_and_rate() {
        for (tbs, rate, bg) in [
            (292, 948.0, BaseGraph::Bg2),
            (296, 948.0, BaseGraph::Bg1),
            (296, 686.0, BaseGraph::Bg2),
            (3824, 686.0, BaseGraph::Bg2),
            (3824, 687.0, BaseGraph::Bg1),
            (3840, 686.0, BaseGraph::Bg1),
            (100_000, 256.0, BaseGraph::Bg2),
            (100_000, 257.0, BaseGraph::Bg1),
        ] {
            assert_eq!(base_graph(tbs, rate), bg, "{tbs} {rate}");
        }
    }

    #[test] // Spec: TS 38.212 §5.2.2
    fn sizes_follow_the_clause() {
        let s = Segmentation::new(&PARAMS).unwrap();
        assert_eq!((s.graph.bg, s.n_blocks, s.k_prime, s.graph.z, s.k), (BaseGraph::Bg1, 2, 4264, 208, 4576));
        let s = Segmentation::new(&SchParams { tbs_bits: 24, code_rate_x1024: 120.0, ..PARAMS }).unwrap();
        assert_eq!((s.graph.bg, s.n_blocks, s.k_prime, s.graph.z, s.k), (BaseGraph::Bg2, 1, 40, 7, 70));
        let s = Segmentation::new(&SchParams { tbs_bits: 8424, ..PARAMS }).unwrap();
        assert_eq!((s.n_blocks, s.k_prime, s.graph.z), (1, 8448, 384));
        let s = Segmentation::new(&SchParams { tbs_bits: 1_277_992, g: 1_360_000, ..PARAMS }).unwrap();
        assert_eq!((s.n_blocks, s.k_prime), (152, 8432));
    }

    #[test] // Spec: TS 38.212 §5.4.2.1 (E_r)
    fn block_shares_add_up_to_g() {
        for (g, q_m, n_layers) in [(20_000, 2, 1), (20_004, 4, 1), (29_976, 6, 2), (30_400, 8, 4)] {
            let params = SchParams { tbs_bits: 25_104, g, q_m, n_layers, ..PARAMS };
            let s = Segmentation::new(&params).unwrap();
            let shares: Vec<usize> = (0..s.n_blocks).map(|r| s.e(r)).collect();
            assert_eq!(shares.iter().sum::<usize>(), g as usize);
            assert!(shares.iter().all(|e| e % (q_m as usize * n_layers as usize) == 0));
            assert!(shares.windows(2).all(|w| w[0] <= w[1]));
        }
    }

    #[test] // Spec: TS 38.212 §5.4.2.1 (parameters outside the clause)
    fn impossible_parameters_are_errors() {
        let bad = |change: fn(&mut SchParams)| {
            let mut params = PARAMS;
            change(&mut params);
            Segmentation::new(&params).unwrap_err()
        };
        assert_eq!(bad(|p| p.tbs_bits = 0), SchError::TbsBits(0));
        assert_eq!(bad(|p| p.tbs_bits = 25), SchError::TbsBits(25));
        assert_eq!(bad(|p| p.tbs_bits = 8464), SchError::TbsBits(8464));
        assert_eq!(bad(|p| p.tbs_bits = u32::MAX - 7), SchError::TbsBits(u32::MAX - 7));
        assert_eq!(bad(|p| p.code_rate_x1024 = f32::NAN), SchError::CodeRate);
        assert_eq!(bad(|p| p.q_m = 3), SchError::ModulationOrder(3));
        assert_eq!(bad(|p| p.n_layers = 0), SchError::Layers(0));
        assert_eq!(bad(|p| p.rv = 4), SchError::RedundancyVersion(4));
        assert_eq!(bad(|p| p.g = 20_001), SchError::CodedBits(20_001));
        assert_eq!(bad(|p| p.g = 0), SchError::CodedBits(0));
        assert_eq!(bad(|p| p.g = u32::MAX - 1), SchError::CodedBits(u32::MAX - 1));
        assert_eq!(bad(|p| p.tbs_lbrm = Some(0)), SchError::LimitedBuffer(0));
    }
}
