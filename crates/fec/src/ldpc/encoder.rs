//! Encoding on packed bits: a rotation is a load at a byte offset and a shift within octets.
//!
//! Lifting sizes above 64 are multiples of 8, so that columns start and end with octets; up to 64 a column is a word.

use super::graph::{Graph, Z_MAX};
use crate::{Isa, bits};

/// Information columns and the four core parity columns.
const COLS: usize = 26;
/// Octets of a column written twice, and of the words that are read past them.
const OCTETS: usize = 2 * Z_MAX / 8 + 72;

type Column = [u8; OCTETS];
type Encode = unsafe fn(&mut [Column; COLS], &Graph, usize, &mut [u8]);

/// Encodes code blocks; owns its scratch (about 4 kB).
pub struct LdpcEncoder {
    columns: Box<[Column; COLS]>,
    /// For 2, 4 and 8 words a column.
    encode: [Encode; 3],
}

impl Default for LdpcEncoder {
    fn default() -> Self {
        Self::new(Isa::best())
    }
}

impl LdpcEncoder {
    /// Makes an encoder for every base graph and lifting size, on one instruction set; all give the same bits.
    pub fn new(isa: Isa) -> Self {
        let encode: [Encode; 3] = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 if isa.is_available() => [encode_avx512::<2>, encode_avx512::<4>, encode_avx512::<8>],
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 if isa.is_available() => [encode_avx2::<2>, encode_avx2::<4>, encode_avx2::<8>],
            _ => [encode_body::<2>, encode_body::<4>, encode_body::<8>],
        };
        Self { columns: Box::new([[0; OCTETS]; COLS]), encode }
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
        let (z, n_rows) = (graph.z, n_rows.clamp(4, graph.bg.n_rows()));
        bits::copy(codeword, 0, info, 0, graph.bg.k_cols() * z);
        match z {
            0..=64 => return encode_word(graph, n_rows, codeword),
            _ => assert!(z.is_multiple_of(8) && codeword.len() >= (graph.bg.k_cols() + n_rows) * z / 8),
        }
        let encode = self.encode[match z {
            0..=128 => 0,
            129..=256 => 1,
            _ => 2,
        }];
        // Safety: the form was chosen for this machine.
        unsafe { encode(&mut self.columns, graph, n_rows, codeword) }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn encode_avx2<const W: usize>(columns: &mut [Column; COLS], graph: &Graph, n_rows: usize, codeword: &mut [u8]) {
    encode_body::<W>(columns, graph, n_rows, codeword);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn encode_avx512<const W: usize>(columns: &mut [Column; COLS], graph: &Graph, n_rows: usize, codeword: &mut [u8]) {
    encode_body::<W>(columns, graph, n_rows, codeword);
}

/// Parity of the information columns at the head of `codeword`, for lifting sizes of whole octets and at most W words.
#[inline(always)]
fn encode_body<const W: usize>(columns: &mut [Column; COLS], graph: &Graph, n_rows: usize, codeword: &mut [u8]) {
    let (k_cols, octets) = (graph.bg.k_cols(), graph.z / 8);
    for (col, column) in columns.iter_mut().enumerate().take(k_cols) {
        // Behind the information stand at least four columns of more than W / 2 words.
        put::<W>(column, octets, &codeword[col * octets..col * octets + 8 * W]);
    }
    let mut emit = |row: usize, words: &[u64; W]| {
        // What is written behind a column gives way to the next one.
        let to = &mut codeword[(k_cols + row) * octets..];
        match to.get_mut(..8 * W) {
            Some(to) => to.copy_from_slice(words.octets()),
            None => to[..octets].copy_from_slice(&words.octets()[..octets]),
        }
    };
    // The double-diagonal core: the sum of its four rows is the first parity column, rotated.
    let mut sums = [[0u64; W]; 4];
    for (row, sum) in sums.iter_mut().enumerate() {
        for edge in graph.row(row).iter().take_while(|edge| (edge.col as usize) < k_cols) {
            add(sum, &columns[edge.col as usize], edge.shift as usize);
        }
    }
    let total: [u64; W] = std::array::from_fn(|w| sums[0][w] ^ sums[1][w] ^ sums[2][w] ^ sums[3][w]);
    put::<W>(&mut columns[k_cols], octets, total.octets());
    let mut first = [0; W];
    add(&mut first, &columns[k_cols], (graph.z - graph.core_shift) % graph.z);
    put::<W>(&mut columns[k_cols], octets, first.octets());
    emit(0, &first);
    for (row, sum) in sums.iter_mut().enumerate().take(3) {
        let col = k_cols + row + 1;
        for edge in graph.row(row).iter().filter(|edge| (k_cols..col).contains(&(edge.col as usize))) {
            add(sum, &columns[edge.col as usize], edge.shift as usize);
        }
        put::<W>(&mut columns[col], octets, sum.octets());
        emit(row + 1, sum);
    }
    for row in 4..n_rows {
        let mut sum = [0; W];
        // The last circulant of a row is the identity of its own parity column.
        if let Some((_, edges)) = graph.row(row).split_last() {
            for edge in edges {
                add(&mut sum, &columns[edge.col as usize], edge.shift as usize);
            }
        }
        emit(row, &sum);
    }
}

/// Takes in a column of W words, of which `octets` count, twice.
#[inline(always)]
fn put<const W: usize>(column: &mut Column, octets: usize, bits: &[u8]) {
    let bits = &bits[..8 * W];
    column[..8 * W].copy_from_slice(bits);
    column[octets..octets + 8 * W].copy_from_slice(bits);
}

/// Adds a column rotated by `shift` bits; what comes behind its end does not count.
#[inline(always)]
fn add<const W: usize>(sum: &mut [u64; W], column: &Column, shift: usize) {
    let (at, fine) = (shift / 8, shift % 8);
    let (Some(near), Some(far)) = (column.get(at..at + 8 * W), column.get(at + 1..at + 1 + 8 * W)) else { return };
    let high = u64::from(0xffu8 << fine) * 0x0101_0101_0101_0101;
    for ((sum, near), far) in sum.iter_mut().zip(near.as_chunks::<8>().0).zip(far.as_chunks::<8>().0) {
        *sum ^= u64::from_le_bytes(*near) << fine & high ^ u64::from_le_bytes(*far) >> (8 - fine) & !high;
    }
}

trait Octets {
    fn octets(&self) -> &[u8];
}

impl<const W: usize> Octets for [u64; W] {
    #[inline(always)]
    fn octets(&self) -> &[u8] {
        // Safety: any octets are valid u8; the view covers the words.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), 8 * W) }
    }
}

/// As [`encode_body`] for lifting sizes up to 64: a column is a word, its first bit on top.
fn encode_word(graph: &Graph, n_rows: usize, codeword: &mut [u8]) {
    let (k_cols, z) = (graph.bg.k_cols(), graph.z as u32);
    let mask = u64::MAX << (64 - z);
    // A shift by 64 bits in two steps, for 64 - 0.
    let turn = |x: u64, shift: u32| x << shift | x >> 1 >> (z - 1 - shift);
    let mut columns = [0u64; COLS];
    for (col, column) in columns[..k_cols].iter_mut().enumerate() {
        *column = bits::load64(codeword, col * graph.z) & mask;
    }
    let of_row = |columns: &[u64; COLS], row: usize, first: usize, end: usize| {
        let edges = graph.row(row).iter().filter(|edge| (first..end).contains(&(edge.col as usize)));
        edges.fold(0, |sum, edge| sum ^ turn(columns[edge.col as usize], u32::from(edge.shift))) & mask
    };
    let sums: [u64; 4] = std::array::from_fn(|row| of_row(&columns, row, 0, k_cols));
    let total = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
    columns[k_cols] = turn(total, (z - graph.core_shift as u32) % z) & mask;
    for row in 0..3 {
        columns[k_cols + row + 1] = sums[row] ^ of_row(&columns, row, k_cols, k_cols + row + 1);
    }
    let mut store = |col: usize, word: u64| {
        if z.is_multiple_of(8) {
            codeword[col * graph.z / 8..(col + 1) * graph.z / 8].copy_from_slice(&word.to_be_bytes()[..graph.z / 8]);
        } else {
            bits::copy(codeword, col * graph.z, &word.to_be_bytes(), 0, graph.z);
        }
    };
    (k_cols..k_cols + 4).for_each(|col| store(col, columns[col]));
    for row in 4..n_rows {
        let edges = graph.row(row).split_last().map_or(&[][..], |(_, edges)| edges);
        let sum = edges.iter().fold(0, |sum, edge| sum ^ turn(columns[edge.col as usize], u32::from(edge.shift)));
        store(k_cols + row, sum & mask);
    }
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
        for isa in Isa::available() {
            encodes_codewords(LdpcEncoder::new(isa));
        }
    }

    fn encodes_codewords(mut encoder: LdpcEncoder) {
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
                let mut plain = codeword.clone();
                LdpcEncoder::new(Isa::Scalar).encode(graph, bg.n_rows(), &info, &mut plain);
                assert!(plain == codeword, "{bg:?} {z}");
                assert!((0..k).all(|i| bits::get(&info, i) == bits::get(&codeword, i)));
                assert!(satisfies(graph, bg.n_rows(), &codeword), "{bg:?} {z}");
                bits::set(&mut codeword, 3, 1 ^ bits::get(&info, 3));
                assert!(!satisfies(graph, bg.n_rows(), &codeword));
            }
        }
    }
}
