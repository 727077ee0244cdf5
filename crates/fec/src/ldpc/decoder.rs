//! Layered decoding of one code block, columns as vectors of Z lanes.
//!
//! A column is kept in the rotation in which its last layer left it, so a layer reads each column through one unaligned
//! offset (the lanes that wrap are copied behind the column first) and writes it in order.

use super::batch::Batch;
use super::graph::{BaseGraph, Graph, Z_MAX};
use super::kernel::{self, DEGREE_MAX, Extent, GROUP, Kernels, Offsets, Port};
use crate::{Crc, Isa, Llr, bits};

/// Rows that are always used. A bit of parity beyond them lies in one row alone: that it came out wrong says nothing of the others.
pub(super) const CORE: u64 = 0b1111;
/// Columns of the larger base graph.
pub(super) const COLS_MAX: usize = 68;
/// Circulants of the larger base graph.
const EDGES_MAX: usize = 316;
/// Lanes kept for a column: Z, the copy of up to Z wrapped lanes, and a group that may be read past them.
const COL_LEN: usize = 2 * Z_MAX + GROUP;
/// Groups of lanes that a message needs.
const GROUPS_MAX: usize = Z_MAX / GROUP;
/// By the least code rate in per cent: the gain in 1/64 for soft bits of six steps a neper; the mean magnitude that these then have in QPSK where
/// the code starts to work; half of how many times as much they may have, for 256QAM has more than QPSK at the same rate; and the offsets. The
/// highest rates need large sums, which saturate less with a smaller gain. Found by simulation (a block error rate near 0.05, 8 iterations).
const WORKING_POINTS: [(usize, WorkingPoint); 10] = [
    (88, WorkingPoint { gain: 51, mean: 46, spread: 10, offsets: Offsets { near: 2, far: 2 } }),
    (80, WorkingPoint { gain: 51, mean: 36, spread: 10, offsets: Offsets { near: 2, far: 2 } }),
    (70, WorkingPoint { gain: 64, mean: 29, spread: 10, offsets: Offsets { near: 3, far: 2 } }),
    (62, WorkingPoint { gain: 64, mean: 26, spread: 6, offsets: Offsets { near: 3, far: 2 } }),
    (54, WorkingPoint { gain: 64, mean: 21, spread: 4, offsets: Offsets { near: 3, far: 2 } }),
    (46, WorkingPoint { gain: 64, mean: 18, spread: 3, offsets: Offsets { near: 3, far: 2 } }),
    (37, WorkingPoint { gain: 64, mean: 14, spread: 3, offsets: Offsets { near: 3, far: 2 } }),
    (27, WorkingPoint { gain: 64, mean: 12, spread: 3, offsets: Offsets { near: 3, far: 2 } }),
    (22, WorkingPoint { gain: 64, mean: 11, spread: 3, offsets: Offsets { near: 3, far: 2 } }),
    (0, WorkingPoint { gain: 64, mean: 10, spread: 3, offsets: Offsets { near: 3, far: 2 } }),
];

/// Where a code rate works best.
#[derive(Clone, Copy)]
struct WorkingPoint {
    gain: u32,
    mean: u32,
    spread: u32,
    offsets: Offsets,
}

/// A group of lanes, aligned to a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Lanes([i8; GROUP]);

/// When decoding may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The CRC over the first `n_bits` bits (its parity included) is zero; for short CRCs the parity checks of the core must hold as well,
    /// and something must speak for every bit.
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

/// Decodes code blocks; owns its scratch (about 190 kB).
pub struct LdpcDecoder {
    columns: Box<[Lanes]>,
    messages: Box<[Lanes]>,
    rotation: [u16; COLS_MAX],
    pub(super) kernels: Kernels,
    pub(super) batch: Box<Batch>,
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
            batch: Box::new(Batch::new()),
        }
    }

    /// Decodes one code block by layered min-sum with two offsets on 8-bit values.
    ///
    /// Spec: TS 38.212 §5.3.2
    /// - `block`          the soft bits and what is known of them; best in six steps a neper, [`crate::LLR_STEPS_PER_NEPER`]
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
        let mut iteration = 0;
        loop {
            self.iterate(graph, 1, block.rows(), iteration == 0);
            iteration += 1;
            let ok = match block.check {
                Check::Parity => self.parity_holds(graph, block.rows()),
                Check::Crc { crc, n_bits } => {
                    self.harden(graph, info);
                    crc.of_packed(info, n_bits) == 0
                        && (crc.len() >= 24 || self.parity_holds(graph, CORE) && self.is_determined(graph))
                }
            };
            if ok || iteration >= max_iterations {
                if block.check == Check::Parity {
                    self.harden(graph, info);
                }
                return Outcome { ok, iterations: iteration };
            }
        }
    }

    /// Updates the rows in use once, of `width` blocks side by side; `first`: messages count as zero.
    pub(super) fn iterate(&mut self, graph: &Graph, width: usize, rows: u64, first: bool) {
        let offsets = working_point(graph.bg, rows).offsets;
        let extent = Extent { z: graph.z * width, first, offsets };
        for row in graph.order().filter(|&row| rows >> row & 1 == 1) {
            let edges = graph.row(row);
            let mut ports = [Port { column: std::ptr::null_mut(), turn: 0 }; DEGREE_MAX];
            for (port, edge) in ports.iter_mut().zip(edges) {
                *port = self.port(extent.z, edge.col as usize, edge.shift as usize * width);
            }
            let messages = self.messages[graph.row_at(row) * GROUPS_MAX..].as_mut_ptr().cast();
            // Safety: a column has 832 lanes, z + turn rounded up to groups and a group are at most 384 + 384 + 64; the messages of
            // a row of d circulants hold d * 384 lanes; a row has no column twice.
            unsafe { (self.kernels.layer)(&ports[..edges.len()], messages, extent) }
        }
    }

    pub(super) fn column(&mut self, col: usize) -> &mut [i8] {
        let lanes = &mut self.columns[col * COL_LEN / GROUP..(col + 1) * COL_LEN / GROUP];
        // Safety: `Lanes` is a transparent array of i8 by its repr, without padding.
        unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), COL_LEN) }
    }

    /// All columns in the order of the specification.
    pub(super) fn unturn(&mut self) {
        self.rotation = [0; COLS_MAX];
    }

    /// Turns a column of `z` lanes to `shift`, below `z`.
    pub(super) fn port(&mut self, z: usize, col: usize, shift: usize) -> Port {
        let port = self.view(z, col, shift);
        self.rotation[col] = shift as u16;
        port
    }

    /// A column of `z` lanes seen from `shift` on.
    pub(super) fn view(&mut self, z: usize, col: usize, shift: usize) -> Port {
        let turned = self.rotation[col] as usize;
        let turn = if shift >= turned { shift - turned } else { z + shift - turned };
        Port { column: self.column(col).as_mut_ptr(), turn }
    }

    /// Scales the channel values into the columns, sets filler bits to certain zeros and the first two columns to erasures;
    /// false if there is nothing but erasures.
    fn load(&mut self, block: &Block) -> bool {
        let (bg, z) = (block.graph.bg, block.graph.z);
        let Some(gain) = block.gain(&self.kernels) else { return false };
        let scale = self.kernels.scale;
        self.unturn();
        self.column(0)[..z].fill(0);
        self.column(1)[..z].fill(0);
        let mut chunks = block.llrs.chunks(z);
        let rows = block.rows();
        for col in 2..bg.n_cols() {
            let chunk = chunks.next().unwrap_or_default();
            if col >= bg.k_cols() && rows >> (col - bg.k_cols()) & 1 == 0 {
                continue;
            }
            let column = &mut self.column(col)[..z];
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

    /// Whether the hard decisions fulfil every check of the rows in use.
    fn parity_holds(&mut self, graph: &Graph, rows: u64) -> bool {
        let z = graph.z;
        (0..graph.bg.n_rows()).filter(|&row| rows >> row & 1 == 1).all(|row| {
            let mut sums = [0i8; Z_MAX];
            for edge in graph.row(row) {
                let port = self.view(z, edge.col as usize, edge.shift as usize);
                // Safety: as in `iterate`.
                unsafe { (self.kernels.parity)(port, z, &mut sums) }
            }
            sums[..z].iter().fold(0, |any, &sum| any | sum) >= 0
        })
    }

    /// Whether something speaks for every systematic bit. Bits for which nothing does come out as zeros, which every CRC accepts: as of a
    /// redundancy version without systematic bits, received alone.
    fn is_determined(&mut self, graph: &Graph) -> bool {
        (0..graph.bg.k_cols()).all(|col| self.column(col)[..graph.z].iter().all(|&value| value != 0))
    }

    /// Packs the hard decisions of the systematic columns.
    fn harden(&mut self, graph: &Graph, info: &mut [u8]) {
        let z = graph.z;
        if let Some(last) = info.get_mut(graph.bg.k_cols() * z / 8) {
            *last = 0;
        }
        for col in 0..graph.bg.k_cols() {
            let mut packed = [[0u8; 8]; GROUPS_MAX];
            let port = self.view(z, col, 0);
            // Safety: as in `iterate`.
            unsafe { (self.kernels.signs)(port, z, &mut packed) }
            let packed = packed.as_flattened();
            if z.is_multiple_of(8) {
                info[col * z / 8..(col + 1) * z / 8].copy_from_slice(&packed[..z / 8]);
            } else {
                bits::copy(info, col * z, packed, 0, z);
            }
        }
    }
}

/// The working point for the rows in use.
fn working_point(bg: BaseGraph, rows: u64) -> WorkingPoint {
    let percent = 100 * bg.k_cols() / (bg.k_cols() + rows.count_ones() as usize - 2);
    let (_, last) = WORKING_POINTS[WORKING_POINTS.len() - 1];
    WORKING_POINTS.into_iter().find(|(least, _)| percent >= *least).map_or(last, |(_, point)| point)
}

impl Block<'_> {
    /// Bit r: row r is used; the core always is, a row beyond it if its parity column was received.
    pub(crate) fn rows(&self) -> u64 {
        let bg = self.graph.bg;
        let beyond = (self.received >> bg.k_cols()) as u64 & ((1 << bg.n_rows()) - 1);
        beyond | CORE
    }

    /// The gain in 1/64; None if all are erasures.
    ///
    /// Soft bits of six steps a neper need the same gain in every modulation. The mean magnitude only bounds it: where the signal is much stronger than
    /// the code needs, or the scale another, sums would saturate or steps be lost.
    pub(super) fn gain(&self, kernels: &Kernels) -> Option<i16> {
        let point = working_point(self.graph.bg, self.rows());
        // Safety: the kernels were chosen for this machine.
        let (sum, n) = unsafe { (kernels.measure)(self.llrs) };
        let half = (point.mean * 32 * n).checked_div(sum)?;
        let most = half * point.spread;
        let gain = if point.gain > 2 * most { 2 * half } else { point.gain.clamp(half, most) };
        Some(gain.clamp(1, 2048) as i16)
    }
}
