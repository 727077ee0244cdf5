//! Layered decoding of one code block, columns as vectors of Z lanes.
//!
//! A column is kept in the rotation in which its last layer left it, so a layer reads each column through one unaligned
//! offset (the lanes that wrap are copied behind the column first) and writes it in order.

use super::graph::{Graph, Z_MAX};
use super::kernel::{self, DEGREE_MAX, GROUP, Kernels, Port};
use crate::{Crc, Isa, Llr, bits};

/// Columns of the larger base graph.
const COLS_MAX: usize = 68;
/// Circulants of the larger base graph.
const EDGES_MAX: usize = 316;
/// Lanes kept for a column: Z, the copy of up to Z wrapped lanes, and a group that may be read past them.
const COL_LEN: usize = 2 * Z_MAX + GROUP;
/// Groups of lanes that a message needs.
const GROUPS_MAX: usize = Z_MAX / GROUP;
/// The mean magnitude to which channel values are scaled before decoding, by layers in use: with few of them resolution counts, with many
/// the sums must not saturate. Found by examples/bler.
const MEAN_TARGET: [(u32, u32); 4] = [(8, 28), (16, 20), (28, 14), (u32::MAX, 10)];

/// A group of lanes, aligned to a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Lanes([i8; GROUP]);

/// When decoding may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The CRC over the first `n_bits` bits (its parity included) is zero; for short CRCs all parity checks must hold as well.
    Crc {
        /// The code of the block.
        crc: Crc,
        /// Payload and parity, K'.
        n_bits: usize,
    },
    /// All parity checks of the layers in use hold.
    Parity,
}

/// What became of a code block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The check held.
    pub ok: bool,
    /// Iterations spent, 1..=`max_iterations`.
    pub iterations: u8,
}

/// What to decode.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The lifted graph.
    pub graph: &'static Graph,
    /// Soft bits of the columns from the third on, `n_tx_cols * z` at most; what is missing was not received.
    pub llrs: &'a [Llr],
    /// Bits before the filler bits, K'.
    pub k_prime: usize,
    /// Bit c: something of column c was received; parity columns from the fifth on are used only then.
    pub received: u128,
    /// When to stop.
    pub check: Check,
}

/// Decodes code blocks; owns its scratch (about 180 kB).
pub struct LdpcDecoder {
    columns: Box<[Lanes]>,
    messages: Box<[Lanes]>,
    rotation: [u16; COLS_MAX],
    kernels: Kernels,
}

impl LdpcDecoder {
    /// Makes a decoder for every graph, on one instruction set (scalar if this machine lacks it).
    pub fn new(isa: Isa) -> Self {
        let zero = Lanes([0; GROUP]);
        Self {
            columns: vec![zero; COLS_MAX * COL_LEN / GROUP].into_boxed_slice(),
            messages: vec![zero; EDGES_MAX * GROUPS_MAX].into_boxed_slice(),
            rotation: [0; COLS_MAX],
            kernels: kernel::kernels(isa),
        }
    }

    /// Decodes one code block by layered normalised min-sum (factor 23/32) on 8-bit values.
    ///
    /// Spec: TS 38.212 §5.3.2
    /// - `block`          the soft bits and what is known of them; only the ratio of the soft bits matters
    /// - `max_iterations` 0 counts as 1
    /// - `info`           overwritten, packed, the `k_cols * z` systematic bits, right only if `ok`
    ///
    /// Panics if `info` is shorter than that, or `llrs` longer than the columns. Cost: O(edges * z) an iteration, no allocation.
    pub fn decode(&mut self, block: &Block, max_iterations: u8, info: &mut [u8]) -> Outcome {
        let graph = block.graph;
        if !self.load(block) {
            // Nothing but erasures would decode to zeros, which every CRC accepts.
            info[..(graph.bg.k_cols() * graph.z).div_ceil(8)].fill(0);
            return Outcome { ok: false, iterations: 1 };
        }
        let n_rows = graph.bg.n_rows();
        let in_use = |row: usize| row < 4 || block.received >> (graph.bg.k_cols() + row) & 1 == 1;
        for iteration in 1..=max_iterations.max(1) {
            for row in (0..n_rows).filter(|&row| in_use(row)) {
                self.update(graph, row, iteration == 1);
            }
            let ok = match block.check {
                Check::Parity => (0..n_rows).filter(|&row| in_use(row)).all(|row| self.parity_holds(graph, row)),
                Check::Crc { crc, n_bits } => {
                    self.harden(graph, info);
                    crc.of_packed(info, n_bits) == 0
                        && (crc.len() >= 24
                            || (0..n_rows).filter(|&row| in_use(row)).all(|row| self.parity_holds(graph, row)))
                }
            };
            if ok || iteration >= max_iterations {
                self.harden(graph, info);
                return Outcome { ok, iterations: iteration };
            }
        }
        unreachable!("the loop returns in its last iteration")
    }

    fn column(&mut self, col: usize) -> &mut [i8] {
        let lanes = &mut self.columns[col * COL_LEN / GROUP..(col + 1) * COL_LEN / GROUP];
        // Safety: `Lanes` is a transparent array of i8 by its repr, without padding.
        unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), COL_LEN) }
    }

    /// Scales the channel values into the columns, sets filler bits to certain zeros and the first two columns to erasures;
    /// false if there is nothing but erasures.
    fn load(&mut self, block: &Block) -> bool {
        let (bg, z) = (block.graph.bg, block.graph.z);
        let n_layers = (block.received >> (bg.k_cols() + 4)).count_ones() + 4;
        let target = MEAN_TARGET.iter().find(|(layers, _)| n_layers <= *layers).map_or(10, |(_, target)| *target);
        let Some(gain) = gain(block.llrs, target) else { return false };
        let scale = self.kernels.scale;
        self.rotation = [0; COLS_MAX];
        self.column(0)[..z].fill(0);
        self.column(1)[..z].fill(0);
        let mut chunks = block.llrs.chunks(z);
        for col in 2..bg.n_cols() {
            let column = &mut self.column(col)[..z];
            let chunk = chunks.next().unwrap_or_default();
            // Safety: the kernels were chosen for this machine.
            unsafe { scale(chunk, gain, column) };
            column[chunk.len()..].fill(0);
        }
        for col in block.k_prime / z..bg.k_cols() {
            let from = block.k_prime.saturating_sub(col * z).min(z);
            self.column(col)[from..z].fill(127);
        }
        true
    }

    fn update(&mut self, graph: &Graph, row: usize, first: bool) {
        let (z, edges) = (graph.z, graph.row(row));
        let mut ports = [Port { read: std::ptr::null(), write: std::ptr::null_mut() }; DEGREE_MAX];
        for (port, edge) in ports.iter_mut().zip(edges) {
            *port = self.port(z, edge.col as usize, edge.shift);
        }
        let messages = self.messages[graph.row_at(row) * GROUPS_MAX..].as_mut_ptr().cast();
        // Safety: a port reads at most Z - 1 + 384 lanes into a column of 832 and writes 384; the messages of a row of
        // d circulants hold d * 384 lanes; reads lie at or behind writes; a row has no column twice.
        unsafe { (self.kernels.layer)(&ports[..edges.len()], messages, z.div_ceil(GROUP), first) }
    }

    /// Turns a column to `shift`: the lanes that wrap are copied behind it.
    fn port(&mut self, z: usize, col: usize, shift: u16) -> Port {
        let (shift_to, turned) = (shift as usize, self.rotation[col] as usize);
        let turn = if shift_to >= turned { shift_to - turned } else { z + shift_to - turned };
        self.rotation[col] = shift;
        let column = self.column(col);
        if turn > 0 {
            column.copy_within(0..turn, z);
        }
        let write = column.as_mut_ptr();
        // Safety: turn < Z lies within the column.
        Port { read: unsafe { write.add(turn) }, write }
    }

    /// Whether the hard decisions fulfil every check of a row.
    fn parity_holds(&self, graph: &Graph, row: usize) -> bool {
        let z = graph.z;
        let mut sum = [0i8; Z_MAX];
        for edge in graph.row(row) {
            let col = edge.col as usize;
            let turn = (z + edge.shift as usize - self.rotation[col] as usize) % z;
            let column = self.lanes(col);
            let (tail, head) = (&column[turn..z], &column[..turn]);
            for (s, &value) in sum.iter_mut().zip(tail.iter().chain(head)) {
                *s ^= value;
            }
        }
        sum[..z].iter().all(|&s| s >= 0)
    }

    fn lanes(&self, col: usize) -> &[i8] {
        let lanes = &self.columns[col * COL_LEN / GROUP..(col + 1) * COL_LEN / GROUP];
        // Safety: as in `column`.
        unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), COL_LEN) }
    }

    /// Packs the hard decisions of the systematic columns.
    fn harden(&mut self, graph: &Graph, info: &mut [u8]) {
        let z = graph.z;
        for col in 0..graph.bg.k_cols() {
            let turn = (z - self.rotation[col] as usize) % z;
            let column = self.column(col);
            column.copy_within(0..turn, z);
            let mut packed = [0u8; Z_MAX / 8];
            for (bytes, lanes) in packed.as_chunks_mut::<8>().0.iter_mut().zip(column[turn..].as_chunks::<64>().0) {
                *bytes = signs(lanes);
            }
            if z.is_multiple_of(8) {
                info[col * z / 8..(col + 1) * z / 8].copy_from_slice(&packed[..z / 8]);
            } else {
                bits::copy(info, col * z, &packed, 0, z);
            }
        }
    }
}

/// The signs of 64 lanes, packed, the first lane most significant.
#[inline]
fn signs(lanes: &[i8; 64]) -> [u8; 8] {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_mm_loadu_si128, _mm_movemask_epi8};
        let word = lanes.as_chunks::<16>().0.iter().rev().fold(0, |word: u64, chunk| {
            // Safety: SSE2 is part of x86-64; a chunk has the 16 bytes that are read.
            word << 16 | unsafe { _mm_movemask_epi8(_mm_loadu_si128(chunk.as_ptr().cast())) } as u64
        });
        word.reverse_bits().to_be_bytes()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let mut bytes = [0; 8];
        for (byte, lanes) in bytes.iter_mut().zip(lanes.as_chunks::<8>().0) {
            *byte = lanes.iter().fold(0, |byte, &lane| byte << 1 | u8::from(lane < 0));
        }
        bytes
    }
}

/// The gain in 1/64 that brings the mean magnitude of what was received to `target`; None if all are erasures.
fn gain(llrs: &[Llr], target: u32) -> Option<i16> {
    let (chunks, rest) = llrs.as_chunks::<16>();
    let (mut sum, mut n) = magnitudes(chunks);
    sum += rest.iter().map(|llr| u32::from(llr.unsigned_abs())).sum::<u32>();
    n += rest.iter().filter(|llr| **llr != 0).count() as u32;
    (target * 64 * n).checked_div(sum).map(|gain| gain.clamp(1, 2048) as i16)
}

/// The sum of all magnitudes, and how many are not 0.
#[cfg(target_arch = "x86_64")]
fn magnitudes(chunks: &[[Llr; 16]]) -> (u32, u32) {
    use core::arch::x86_64::*;
    // Safety: SSE2 is part of x86-64; a chunk has the 16 bytes that are read.
    unsafe {
        let zero = _mm_setzero_si128();
        let (mut sums, mut zeros) = (zero, zero);
        for chunk in chunks {
            let values = _mm_loadu_si128(chunk.as_ptr().cast());
            let negative = _mm_cmpgt_epi8(zero, values);
            let magnitudes = _mm_sub_epi8(_mm_xor_si128(values, negative), negative);
            sums = _mm_add_epi64(sums, _mm_sad_epu8(magnitudes, zero));
            let is_zero = _mm_sub_epi8(zero, _mm_cmpeq_epi8(values, zero));
            zeros = _mm_add_epi64(zeros, _mm_sad_epu8(is_zero, zero));
        }
        let total = |x| (_mm_cvtsi128_si64(x) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(x, x))) as u32;
        (total(sums), 16 * chunks.len() as u32 - total(zeros))
    }
}

/// The sum of all magnitudes, and how many are not 0.
#[cfg(not(target_arch = "x86_64"))]
fn magnitudes(chunks: &[[Llr; 16]]) -> (u32, u32) {
    chunks
        .as_flattened()
        .iter()
        .fold((0, 0), |(sum, n), &llr| (sum + u32::from(llr.unsigned_abs()), n + u32::from(llr != 0)))
}
