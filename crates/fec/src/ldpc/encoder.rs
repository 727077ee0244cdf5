//! Encoding on packed bits: a rotation by any shift is a byte offset into one of eight pre-shifted copies of a column.

use super::graph::{Graph, Z_MAX};
use crate::bits;

/// Bytes of one pre-shifted copy: twice 384 bits, and room to read 64 bytes from any offset below 48.
const COPY_LEN: usize = 112;
/// Information columns and the four core parity columns.
const COLS: usize = 26;
/// 64-bit words of a column.
const WORDS: usize = Z_MAX / 64;

type Column = [[u8; COPY_LEN]; 8];
/// A column as it lies in memory: the bytes of the bit string, eight to a word.
type Lanes = [u64; WORDS];

/// Encodes code blocks; owns its scratch.
pub struct LdpcEncoder {
    columns: Box<[Column; COLS]>,
}

impl Default for LdpcEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl LdpcEncoder {
    /// Makes an encoder for every base graph and lifting size.
    pub fn new() -> Self {
        Self { columns: Box::new([[[0; COPY_LEN]; 8]; COLS]) }
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
            for (w, word) in lanes.iter_mut().enumerate().take(z.div_ceil(64)) {
                *word = bits::load64(info, col * z + 64 * w).to_be();
            }
            self.expand(col, z, lanes);
        }
        self.core::<W>(graph, codeword);
        for row in 4..n_rows.min(bg.n_rows()) {
            let sum = self.row_sum::<W>(graph, row, 0..k_cols + 4);
            store(codeword, (k_cols + row) * z, &sum, z);
        }
    }

    /// The four parity columns of the double-diagonal core.
    fn core<const W: usize>(&mut self, graph: &Graph, codeword: &mut [u8]) {
        let (k_cols, z) = (graph.bg.k_cols(), graph.z);
        let sums: [Lanes; 4] = std::array::from_fn(|row| self.row_sum::<W>(graph, row, 0..k_cols));
        let total = sums.iter().fold([0; WORDS], xor);
        self.expand(k_cols, z, total);
        let mut first = [0; WORDS];
        self.add::<W>(&mut first, k_cols, (z - graph.core_shift) % z);
        self.expand(k_cols, z, first);
        store(codeword, k_cols * z, &first, z);
        for (row, sum) in sums.iter().enumerate().take(3) {
            let col = k_cols + row + 1;
            let parity = xor(*sum, &self.row_sum::<W>(graph, row, k_cols..col));
            self.expand(col, z, parity);
            store(codeword, col * z, &parity, z);
        }
    }

    /// The sum of the rotated columns of a row that lie in `cols`.
    #[inline]
    fn row_sum<const W: usize>(&self, graph: &Graph, row: usize, cols: std::ops::Range<usize>) -> Lanes {
        let mut acc = [0; WORDS];
        for edge in graph.row(row).iter().filter(|edge| cols.contains(&(edge.col as usize))) {
            self.add::<W>(&mut acc, edge.col as usize, edge.shift as usize);
        }
        acc
    }

    #[inline]
    fn add<const W: usize>(&self, acc: &mut Lanes, col: usize, shift: usize) {
        let window = &self.columns[col][shift % 8][shift / 8..];
        for (word, bytes) in acc[..W].iter_mut().zip(window.as_chunks::<8>().0) {
            *word ^= u64::from_ne_bytes(*bytes);
        }
    }

    /// Writes the eight copies of a column of `z` bits, each bit string twice in a row.
    fn expand(&mut self, col: usize, z: usize, lanes: Lanes) {
        let mut twice = [0u8; COPY_LEN];
        let mut once = [0u8; Z_MAX / 8];
        for (bytes, word) in once.as_chunks_mut::<8>().0.iter_mut().zip(lanes) {
            *bytes = word.to_ne_bytes();
        }
        bits::copy(&mut twice, 0, &once, 0, z);
        bits::copy(&mut twice, z, &once, 0, z);
        for (shift, copy) in self.columns[col].iter_mut().enumerate() {
            for (at, bytes) in copy.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *bytes = bits::load64(&twice, 64 * at + shift).to_be_bytes();
            }
        }
    }
}

fn xor(mut a: Lanes, b: &Lanes) -> Lanes {
    for (x, y) in a.iter_mut().zip(b) {
        *x ^= y;
    }
    a
}

/// Writes `z` bits of a column at bit `at`.
fn store(codeword: &mut [u8], at: usize, lanes: &Lanes, z: usize) {
    let mut bytes = [0u8; Z_MAX / 8];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(lanes) {
        *chunk = word.to_ne_bytes();
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
        let mut encoder = LdpcEncoder::new();
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
