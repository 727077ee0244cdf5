//! Encoding on packed bits: a rotation by any shift is a byte offset into one of eight pre-shifted copies of a column.
//!
//! Within the encoder the first bit of a column is the least significant one of its first byte, so that shifts of little-endian words
//! run through the bytes in order.

use super::graph::{Graph, Z_MAX};
use crate::{Isa, bits};

/// 64-bit words of a column.
const WORDS: usize = Z_MAX / 64;
/// Words of a column written twice.
const TWICE: usize = 2 * WORDS;
/// Information columns and the four core parity columns.
const COLS: usize = 26;

type Lanes = [u64; WORDS];

/// A column written twice in a row, and its copies shifted by 1 to 7 bits, made when first asked for.
#[derive(Clone, Copy)]
struct Column {
    made: u8,
    copies: [[u64; TWICE]; 8],
}

/// Encodes code blocks; owns its scratch (about 20 kB).
pub struct LdpcEncoder {
    columns: Box<[Column; COLS]>,
}

impl Default for LdpcEncoder {
    fn default() -> Self {
        Self::new(Isa::best())
    }
}

impl LdpcEncoder {
    /// Makes an encoder for every base graph and lifting size, on one instruction set; all give the same bits.
    pub fn new(_isa: Isa) -> Self {
        Self { columns: Box::new([Column { made: 0, copies: [[0; TWICE]; 8] }; COLS]) }
    }

    /// Encodes one code block into `k_cols + n_rows` columns of Z bits, the first two (never sent) included.
    ///
    /// Spec: TS 38.212 §5.3.2
    /// - `info`     packed, `k_cols * z` bits, filler bits 0
    /// - `n_rows`   parity columns wanted, 4..=`bg.n_rows()`
    /// - `codeword` overwritten, packed, at least `(k_cols + n_rows) * z` bits
    ///
    /// Panics if a slice is too short. Cost: O(edges of the rows wanted), no allocation.
    pub fn encode(&mut self, graph: &Graph, n_rows: usize, info: &[u8], codeword: &mut [u8]) {
        match graph.z.div_ceil(64) {
            1 => self.encode_words::<1>(graph, n_rows, info, codeword),
            2 => self.encode_words::<2>(graph, n_rows, info, codeword),
            3 | 4 => self.encode_words::<4>(graph, n_rows, info, codeword),
            _ => self.encode_words::<WORDS>(graph, n_rows, info, codeword),
        }
    }

    fn encode_words<const W: usize>(&mut self, graph: &Graph, n_rows: usize, info: &[u8], codeword: &mut [u8]) {
        let (bg, z) = (graph.bg, graph.z);
        let k_cols = bg.k_cols();
        bits::copy(codeword, 0, info, 0, k_cols * z);
        for col in 0..k_cols {
            let mut lanes = [0; WORDS];
            for (w, word) in lanes[..W].iter_mut().enumerate() {
                *word = bits::load64(info, col * z + 64 * w).reverse_bits();
            }
            self.put::<W>(col, z, lanes);
        }
        self.core::<W>(graph, codeword);
        for row in 4..n_rows.min(bg.n_rows()) {
            let sum = self.row_sum::<W>(graph, row, 0, k_cols + 4);
            store::<W>(codeword, (k_cols + row) * z, &sum, z);
        }
    }

    /// The four parity columns of the double-diagonal core.
    fn core<const W: usize>(&mut self, graph: &Graph, codeword: &mut [u8]) {
        let (k_cols, z) = (graph.bg.k_cols(), graph.z);
        let sums: [Lanes; 4] = std::array::from_fn(|row| self.row_sum::<W>(graph, row, 0, k_cols));
        let total = sums.iter().fold([0; WORDS], xor);
        self.put::<W>(k_cols, z, total);
        let mut first = [0; WORDS];
        self.add::<W>(&mut first, k_cols, (z - graph.core_shift) % z);
        self.put::<W>(k_cols, z, first);
        store::<W>(codeword, k_cols * z, &first, z);
        for (row, sum) in sums.iter().enumerate().take(3) {
            let col = k_cols + row + 1;
            let parity = xor(*sum, &self.row_sum::<W>(graph, row, k_cols, col));
            self.put::<W>(col, z, parity);
            store::<W>(codeword, col * z, &parity, z);
        }
    }

    /// The sum of the rotated columns of a row from `first` to `end`.
    #[inline]
    fn row_sum<const W: usize>(&mut self, graph: &Graph, row: usize, first: usize, end: usize) -> Lanes {
        let mut acc = [0; WORDS];
        for edge in graph.row(row) {
            let col = edge.col as usize;
            if (first..end).contains(&col) {
                self.add::<W>(&mut acc, col, edge.shift as usize);
            }
        }
        acc
    }

    /// Adds a column rotated by `shift`.
    #[inline]
    fn add<const W: usize>(&mut self, acc: &mut Lanes, col: usize, shift: usize) {
        let (column, fine) = (&mut self.columns[col], shift % 8);
        if column.made >> fine & 1 == 0 {
            column.make::<W>(fine);
        }
        let copy = &column.copies[fine];
        // Safety: any bytes are valid u8; the view covers the copy.
        let bytes = unsafe { std::slice::from_raw_parts(copy.as_ptr().cast::<u8>(), size_of_val(copy)) };
        for (word, chunk) in acc[..W].iter_mut().zip(bytes[shift / 8..].as_chunks::<8>().0) {
            *word ^= u64::from_le_bytes(*chunk);
        }
    }

    /// Takes in a column of `z` bits; what lies behind them does not count.
    fn put<const W: usize>(&mut self, col: usize, z: usize, mut lanes: Lanes) {
        let (whole, rest) = (z / 64, z % 64);
        if whole < WORDS {
            lanes[whole] &= (1 << rest) - 1;
            lanes[whole + 1..].fill(0);
        }
        let column = &mut self.columns[col];
        column.made = 1;
        let twice = &mut column.copies[0];
        twice[..2 * W].fill(0);
        twice[..W].copy_from_slice(&lanes[..W]);
        for (w, &word) in lanes[..W].iter().enumerate() {
            twice[whole + w] |= word << rest;
            if rest > 0 && whole + w + 1 < TWICE {
                twice[whole + w + 1] |= word >> (64 - rest);
            }
        }
    }
}

impl Column {
    /// Makes the copy shifted by 1 to 7 bits.
    fn make<const W: usize>(&mut self, fine: usize) {
        let (plain, shifted) = self.copies.split_at_mut(fine);
        let (plain, shifted) = (&plain[0][..2 * W], &mut shifted[0][..2 * W]);
        for w in 0..2 * W - 1 {
            shifted[w] = plain[w] >> fine | plain[w + 1] << (64 - fine);
        }
        shifted[2 * W - 1] = plain[2 * W - 1] >> fine;
        self.made |= 1 << fine;
    }
}

fn xor(mut a: Lanes, b: &Lanes) -> Lanes {
    for (x, y) in a.iter_mut().zip(b) {
        *x ^= y;
    }
    a
}

/// Writes `z` bits of a column at bit `at`.
fn store<const W: usize>(codeword: &mut [u8], at: usize, lanes: &Lanes, z: usize) {
    let mut bytes = [0u8; Z_MAX / 8];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(&lanes[..W]) {
        *chunk = word.reverse_bits().to_be_bytes();
    }
    bits::copy(codeword, at, &bytes, 0, z);
}

#[cfg(test)]
mod tests {
    use super::super::graph::{BaseGraph, LIFTING_SIZES};
    use super::*;

    /// Whether a packed codeword fulfils the first `n_rows` rows; slow and simple.
    ///
    /// Spec: TS 38.212 §5.3.2 (H c = 0)
    fn satisfies(graph: &Graph, n_rows: usize, codeword: &[u8]) -> bool {
        let z = graph.z;
        (0..n_rows).all(|row| {
            (0..z).all(|i| {
                let parity = graph.row(row).iter().fold(0, |sum, edge| {
                    sum ^ bits::get(codeword, edge.col as usize * z + (i + edge.shift as usize) % z)
                });
                parity == 0
            })
        })
    }

    #[test] // Spec: TS 38.212 §5.3.2 (H c = 0, both base graphs, every lifting size)
    fn every_graph_encodes_codewords() {
        let mut encoder = LdpcEncoder::default();
        let mut state = 1u32;
        for bg in [BaseGraph::Bg1, BaseGraph::Bg2] {
            for &z in &LIFTING_SIZES {
                let graph = Graph::get(bg, z as usize).unwrap();
                let k = bg.k_cols() * graph.z;
                let mut info = vec![0u8; k.div_ceil(8)];
                for byte in &mut info {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *byte = (state >> 24) as u8;
                }
                let mut codeword = vec![0; (bg.n_cols() * graph.z).div_ceil(8)];
                encoder.encode(graph, bg.n_rows(), &info, &mut codeword);
                assert!((0..k).all(|i| bits::get(&info, i) == bits::get(&codeword, i)));
                assert!(satisfies(graph, bg.n_rows(), &codeword), "{bg:?} {z}");
                bits::set(&mut codeword, 3, 1 ^ bits::get(&info, 3));
                assert!(!satisfies(graph, bg.n_rows(), &codeword));
            }
        }
    }
}
