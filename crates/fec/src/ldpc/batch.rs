//! Several small code blocks side by side: lane i of block b stands at i * width + b, so one circulant turns all of them at once.
//!
//! Every lane sees the arithmetic that it would see alone, so the bits are those of [`LdpcDecoder::decode`].

use super::decoder::{Block, COLS_MAX, CORE, Check, LdpcDecoder, Outcome};
use super::graph::{Graph, Z_MAX};
use crate::bits::transpose8;

/// The most blocks side by side.
const WIDTH_MAX: usize = 32;
/// With fewer blocks than this, one after the other is faster.
const BLOCKS_MIN: usize = 3;

/// Scratch of a batch.
pub(super) struct Batch {
    rows: [i8; COLS_MAX * Z_MAX],
    lanes: [i8; COLS_MAX * Z_MAX],
    signs: [u8; 22 * Z_MAX / 8 + 64],
    sorted: [u8; 22 * Z_MAX / 8 + 64],
}

impl Batch {
    pub fn new() -> Self {
        Self {
            rows: [0; COLS_MAX * Z_MAX],
            lanes: [0; COLS_MAX * Z_MAX],
            signs: [0; 22 * Z_MAX / 8 + 64],
            sorted: [0; 22 * Z_MAX / 8 + 64],
        }
    }
}

/// How many blocks of `z` lanes are put side by side if there are `n`; 1 if that does not pay.
fn width(n: usize, z: usize) -> usize {
    let fits = (1..=WIDTH_MAX).rev().find(|width| width.is_power_of_two() && width * z <= Z_MAX).unwrap_or(1);
    if n < BLOCKS_MIN || fits < 8 { 1 } else { n.next_power_of_two().clamp(8, fits) }
}

impl LdpcDecoder {
    /// Decodes several code blocks; neighbours of the same graph with the same rows in use go side by side if their lifting size is small.
    /// The same bits and outcomes as [`LdpcDecoder::decode`] of each.
    ///
    /// Spec: TS 38.212 §5.3.2
    /// - `blocks`         as many as there are `infos` and `outcomes`
    /// - `max_iterations` 0 counts as 1
    /// - `infos`          overwritten as by [`LdpcDecoder::decode`]
    /// - `outcomes`       overwritten
    ///
    /// Panics as [`LdpcDecoder::decode`] does, and if the slices differ in length. No allocation.
    pub fn decode_batch(
        &mut self,
        blocks: &[Block],
        max_iterations: u8,
        infos: &mut [&mut [u8]],
        outcomes: &mut [Outcome],
    ) {
        assert!(blocks.len() == infos.len() && blocks.len() == outcomes.len());
        let mut at = 0;
        while let Some(first) = blocks.get(at) {
            let alike = |block: &&Block| std::ptr::eq(block.graph, first.graph) && block.rows() == first.rows();
            let n = blocks[at..].iter().take(WIDTH_MAX).take_while(alike).count();
            let width = width(n, first.graph.z);
            if width == 1 {
                outcomes[at] = self.decode(first, max_iterations, infos[at]);
                at += 1;
            } else {
                let run = at..at + n.min(width);
                at = run.end;
                self.side_by_side(
                    width,
                    &blocks[run.clone()],
                    max_iterations,
                    &mut infos[run.clone()],
                    &mut outcomes[run],
                );
            }
        }
    }

    fn side_by_side(
        &mut self,
        width: usize,
        blocks: &[Block],
        max_iterations: u8,
        infos: &mut [&mut [u8]],
        outcomes: &mut [Outcome],
    ) {
        let (graph, rows) = (blocks[0].graph, blocks[0].rows());
        // Bit b: block b is still to be decoded.
        let mut open = self.load_batch(width, blocks);
        for (b, (info, outcome)) in infos.iter_mut().zip(outcomes.iter_mut()).enumerate() {
            *outcome = Outcome { ok: false, iterations: 1 };
            if open >> b & 1 == 0 {
                info[..(graph.bg.k_cols() * graph.z).div_ceil(8)].fill(0);
            }
        }
        for iteration in 1..=max_iterations.max(1) {
            if open == 0 {
                return;
            }
            self.iterate(graph, width, rows, iteration == 1);
            let by_crc = |b: usize| matches!(blocks[b].check, Check::Crc { .. });
            let is_open = |open: u64, b: usize| open >> b & 1 == 1;
            if iteration == max_iterations.max(1) || (0..blocks.len()).any(|b| is_open(open, b) && by_crc(b)) {
                self.harden_batch(graph, width, open, infos);
            }
            // Of the core, and of all rows; whoever asks first pays.
            let (mut core, mut all, mut told) = (None, None, None);
            let before = open;
            for (b, block) in blocks.iter().enumerate().filter(|&(b, _)| before >> b & 1 == 1) {
                let ok = match block.check {
                    Check::Parity => is_open(*all.get_or_insert_with(|| self.parity_batch(graph, width, rows)), b),
                    Check::Crc { crc, n_bits } => {
                        crc.of_packed(infos[b], n_bits) == 0
                            && (crc.len() >= 24
                                || is_open(*core.get_or_insert_with(|| self.parity_batch(graph, width, CORE)), b)
                                    && is_open(*told.get_or_insert_with(|| self.determined_batch(graph, width)), b))
                    }
                };
                outcomes[b] = Outcome { ok, iterations: iteration };
                if ok && !by_crc(b) {
                    self.harden_batch(graph, width, 1 << b, infos);
                }
                open &= !(u64::from(ok) << b);
            }
        }
    }

    /// Scales the channel values of all blocks into the columns; the result has bit b set if block b is more than erasures.
    fn load_batch(&mut self, width: usize, blocks: &[Block]) -> u64 {
        let (graph, rows) = (blocks[0].graph, blocks[0].rows());
        let (bg, z) = (graph.bg, graph.z);
        let n_cols = bg.k_cols() + (u64::BITS - rows.leading_zeros()) as usize;
        let len = (n_cols - 2) * z;
        let (kernels, mut open) = (self.kernels, 0);
        let batch = &mut *self.batch;
        let mut values = batch.rows[..len * width].chunks_exact_mut(len);
        for (b, block) in blocks.iter().enumerate() {
            let row = values.next().unwrap_or_default();
            let llrs = &block.llrs[..block.llrs.len().min(len)];
            match block.gain(&kernels) {
                // Safety: the kernels were chosen for this machine.
                Some(gain) => unsafe { (kernels.scale)(llrs, gain, row) },
                None => row.fill(0),
            }
            open |= u64::from(row.iter().any(|&value| value != 0)) << b;
            row[llrs.len()..].fill(0);
            row[block.k_prime.saturating_sub(2 * z)..(bg.k_cols() - 2) * z].fill(127);
        }
        values.for_each(|row| row.fill(0));
        let (mut from, mut to) = (&mut batch.rows[..len * width], &mut batch.lanes[..len * width]);
        for _ in 0..width.trailing_zeros() {
            shuffle(from, to);
            (from, to) = (to, from);
        }
        let in_rows = width.trailing_zeros().is_multiple_of(2);
        self.unturn();
        let z = z * width;
        self.column(0)[..z].fill(0);
        self.column(1)[..z].fill(0);
        for col in 2..n_cols {
            let Self { batch, .. } = self;
            let lanes = if in_rows { &batch.rows } else { &batch.lanes };
            let at = (col - 2) * z;
            let lanes: [i8; Z_MAX] = std::array::from_fn(|i| lanes.get(at + i).copied().unwrap_or(0));
            self.column(col)[..z].copy_from_slice(&lanes[..z]);
        }
        open
    }

    /// Packs the hard decisions of the systematic columns of the blocks that have a bit in `open`.
    fn harden_batch(&mut self, graph: &Graph, width: usize, open: u64, infos: &mut [&mut [u8]]) {
        let (k_cols, z) = (graph.bg.k_cols(), graph.z * width);
        for col in 0..k_cols {
            let mut packed = [[0u8; 8]; Z_MAX / 64];
            let port = self.view(z, col, 0);
            // Safety: as in `iterate`.
            unsafe { (self.kernels.signs)(port, z, &mut packed) }
            self.batch.signs[col * z / 8..(col + 1) * z / 8].copy_from_slice(&packed.as_flattened()[..z / 8]);
        }
        let Batch { signs, sorted, .. } = &mut *self.batch;
        let (k, n_eights) = (k_cols * graph.z, width / 8);
        let (mut from, mut to) = (&mut signs[..k * n_eights], &mut sorted[..k * n_eights]);
        for _ in 0..n_eights.trailing_zeros() {
            unshuffle(from, to);
            (from, to) = (to, from);
        }
        // Now an octet for each lane, in it a bit for each of eight blocks.
        for (eight, octets) in from.chunks_exact(k).enumerate() {
            for (at, lanes) in octets.chunks(8).enumerate() {
                let mut word = [0; 8];
                word[..lanes.len()].copy_from_slice(lanes);
                let bits = transpose8(u64::from_be_bytes(word)).to_be_bytes();
                for (b, (info, byte)) in infos.iter_mut().skip(8 * eight).zip(bits).enumerate() {
                    if open >> (8 * eight + b) & 1 == 1 {
                        info[at] = byte;
                    }
                }
            }
        }
    }

    /// Bit b: something speaks for every systematic bit of block b.
    fn determined_batch(&mut self, graph: &Graph, width: usize) -> u64 {
        let z = graph.z * width;
        let mut told = [true; WIDTH_MAX];
        for col in 0..graph.bg.k_cols() {
            for lanes in self.column(col)[..z].chunks_exact(width) {
                told.iter_mut().zip(lanes).for_each(|(told, &value)| *told &= value != 0);
            }
        }
        told.iter().enumerate().fold(0, |all, (b, &told)| all | u64::from(told) << b)
    }

    /// Bit b: the hard decisions of block b fulfil every check of the rows in use.
    fn parity_batch(&mut self, graph: &Graph, width: usize, rows: u64) -> u64 {
        let z = graph.z * width;
        let mut any = [0i8; WIDTH_MAX];
        for row in (0..graph.bg.n_rows()).filter(|&row| rows >> row & 1 == 1) {
            let mut sums = [0i8; Z_MAX];
            for edge in graph.row(row) {
                let port = self.view(z, edge.col as usize, edge.shift as usize * width);
                // Safety: as in `iterate`.
                unsafe { (self.kernels.parity)(port, z, &mut sums) }
            }
            for lanes in sums[..z].chunks_exact(width) {
                any.iter_mut().zip(lanes).for_each(|(any, &sum)| *any |= sum);
            }
        }
        any.iter().enumerate().fold(0, |holds, (b, &any)| holds | u64::from(any >= 0) << b)
    }
}

/// Puts the two halves of `from` together like a zip.
fn shuffle(from: &[i8], to: &mut [i8]) {
    let (a, b) = from.split_at(from.len() / 2);
    for ((pair, &a), &b) in to.as_chunks_mut::<2>().0.iter_mut().zip(a).zip(b) {
        *pair = [a, b];
    }
}

/// Undoes [`shuffle`].
fn unshuffle(from: &[u8], to: &mut [u8]) {
    let (a, b) = to.split_at_mut(from.len() / 2);
    for ((&[x, y], a), b) in from.as_chunks::<2>().0.iter().zip(a).zip(b) {
        (*a, *b) = (x, y);
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::BaseGraph;
    use super::*;
    use crate::{Crc, Isa};

    #[test] // Spec: TS 38.212 §5.3.2 (blocks side by side decode as they do alone)
    fn a_batch_equals_its_blocks() {
        let mut state = 3u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        let mut decoder = LdpcDecoder::new(Isa::best());
        for (bg, z, n) in [
            (BaseGraph::Bg1, 32, 8),
            (BaseGraph::Bg2, 7, 40),
            (BaseGraph::Bg2, 2, 5),
            (BaseGraph::Bg1, 48, 3),
            (BaseGraph::Bg2, 15, 17),
            (BaseGraph::Bg2, 22, 16),
            (BaseGraph::Bg1, 384, 3),
        ] {
            let (graph, k) = (Graph::get(bg, z).unwrap(), bg.k_cols() * z);
            let n_rows = 4 + random() % (bg.n_rows() - 3);
            let received = ((1u128 << (bg.k_cols() + n_rows)) - 1) & !3;
            // Zeros, the all-zero code word, in noise that some blocks survive; some blocks are erasures.
            let llrs: Vec<Vec<i8>> = (0..n)
                .map(|b| {
                    let spread = 30 + 10 * (b % 12);
                    let soft = |_| (25 + (random() % (2 * spread)) as i32 - spread as i32).clamp(-120, 120) as i8;
                    (0..(bg.k_cols() + n_rows - 2) * z).map(soft).map(|llr| if b % 9 == 4 { 0 } else { llr }).collect()
                })
                .collect();
            let checks = [
                Check::Parity,
                Check::Crc { crc: Crc::Crc16, n_bits: k - 3 },
                Check::Crc { crc: Crc::Crc24A, n_bits: k },
            ];
            let blocks: Vec<Block> = llrs
                .iter()
                .enumerate()
                .map(|(b, llrs)| Block {
                    graph,
                    llrs,
                    k_prime: k - 3,
                    received,
                    check: checks[b % 3 * usize::from(b % 5 > 0)],
                })
                .collect();
            let (mut infos, mut outcomes) =
                (vec![vec![0xa5u8; k.div_ceil(8)]; n], vec![Outcome { ok: true, iterations: 0 }; n]);
            let mut views: Vec<&mut [u8]> = infos.iter_mut().map(|info| &mut info[..]).collect();
            decoder.decode_batch(&blocks, 5, &mut views, &mut outcomes);
            for (b, block) in blocks.iter().enumerate() {
                let mut info = vec![0u8; k.div_ceil(8)];
                let outcome = LdpcDecoder::new(Isa::Scalar).decode(block, 5, &mut info);
                assert_eq!((outcomes[b], &infos[b]), (outcome, &info), "{bg:?} {z} {n_rows} block {b}");
            }
        }
    }

    #[test] // Spec: TS 38.212 §5.1, §5.3.2 (a CRC of 16 bits and the core's checks tell a block; TS 38.104 §8.2.6: a floor of 0.2 % without)
    fn a_wrong_bit_of_outer_parity_refuses_no_block() {
        let (bg, z) = (BaseGraph::Bg2, 22);
        let graph = Graph::get(bg, z).unwrap();
        let (k, n) = (bg.k_cols() * z, bg.n_tx_cols() * z);
        let mut llrs = vec![10i8; n];
        // In the last column, which is in one row only.
        llrs[n - 5] = -120;
        let check = Check::Crc { crc: Crc::Crc16, n_bits: k };
        let block = Block { graph, llrs: &llrs, k_prime: k, received: !3, check };
        let mut decoder = LdpcDecoder::new(Isa::best());
        let mut info = vec![0xa5u8; k.div_ceil(8)];
        assert!(decoder.decode(&block, 1, &mut info).ok && info.iter().all(|byte| *byte == 0));
        assert!(!decoder.decode(&Block { check: Check::Parity, ..block }, 1, &mut info).ok);
        // Within the core it does.
        let mut core = vec![40i8; n];
        core[(bg.k_cols() - 2) * z + 3] = -120;
        core[(bg.k_cols() - 2) * z + 4 * z..].fill(0);
        let core = Block { llrs: &core, received: (1 << (bg.k_cols() + 4)) - 4, ..block };
        let blocks = [block, core, block];
        let mut infos = vec![vec![0xa5u8; k.div_ceil(8)]; 3];
        let mut views: Vec<&mut [u8]> = infos.iter_mut().map(|info| &mut info[..]).collect();
        let mut outcomes = [Outcome { ok: false, iterations: 0 }; 3];
        decoder.decode_batch(&blocks, 8, &mut views, &mut outcomes);
        for (outcome, block) in outcomes.iter().zip(&blocks) {
            assert_eq!(*outcome, LdpcDecoder::new(Isa::Scalar).decode(block, 8, &mut info));
        }
    }

    #[test] // Spec: TS 38.212 §5.1, §5.4.2.1 (a redundancy version without systematic bits, alone and of noise, is no block of zeros)
    fn outer_parity_alone_is_no_block_of_zeros() {
        let (bg, z) = (BaseGraph::Bg2, 22);
        let graph = Graph::get(bg, z).unwrap();
        let (k, n) = (bg.k_cols() * z, bg.n_tx_cols() * z);
        let mut llrs = vec![0i8; n];
        let noise = |i: usize| if (i * i + 7 * i) % 11 < 5 { 9 } else { -13 };
        (n / 2..n).for_each(|i| llrs[i] = noise(i));
        let check = Check::Crc { crc: Crc::Crc16, n_bits: k };
        let received = (0..bg.n_cols()).filter(|c| llrs[(c.max(&2) - 2) * z..][..z].iter().any(|l| *l != 0));
        let received = received.fold(0u128, |mask, c| mask | 1 << c);
        let block = Block { graph, llrs: &llrs, k_prime: k, received, check };
        let mut info = vec![0u8; k.div_ceil(8)];
        assert!(!LdpcDecoder::new(Isa::Scalar).decode(&block, 8, &mut info).ok);
        let mut infos = vec![vec![0u8; k.div_ceil(8)]; 3];
        let mut views: Vec<&mut [u8]> = infos.iter_mut().map(|info| &mut info[..]).collect();
        let mut outcomes = [Outcome { ok: false, iterations: 0 }; 3];
        LdpcDecoder::new(Isa::best()).decode_batch(&[block; 3], 8, &mut views, &mut outcomes);
        assert!(outcomes.iter().all(|o| !o.ok), "{outcomes:?}");
    }
}
