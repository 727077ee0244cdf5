//! Bit interleaving: e_(i E/Q_m + j) becomes f_(i + j Q_m). Spec: TS 38.212 §5.4.2.2

use crate::{Llr, bits};

/// For each even modulation order, the bits of a byte spread `q_m` apart, the first at the top of the word.
static SPREAD: [[u64; 256]; 4] = [spread(2), spread(4), spread(6), spread(8)];

const fn spread(q_m: usize) -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut b = 0;
        while b < 8 {
            table[byte] |= ((byte >> (7 - b) & 1) as u64) << (63 - b * q_m);
            b += 1;
        }
        byte += 1;
    }
    table
}

/// Interleaves `n` packed bits of `e` into `f`; `f` needs 8 bytes to spare behind `n` bits.
///
/// Panics if a slice is too short. Cost: O(n).
pub fn interleave(q_m: usize, n: usize, e: &[u8], f: &mut [u8]) {
    if q_m < 2 {
        f[..n.div_ceil(8)].copy_from_slice(&e[..n.div_ceil(8)]);
        return;
    }
    let (columns, table) = (n / q_m, &SPREAD[q_m / 2 - 1]);
    for first in (0..columns).step_by(64) {
        let mut rows = [0u64; 8];
        for (i, row) in rows[..q_m].iter_mut().enumerate() {
            *row = bits::load64(e, i * columns + first);
        }
        let groups = (columns - first).min(64).div_ceil(8);
        for group in 0..groups {
            let mut word = 0;
            for (i, row) in rows[..q_m].iter().enumerate() {
                word |= table[(row >> (56 - 8 * group) & 0xff) as usize] >> i;
            }
            let at = (first / 8 + group) * q_m;
            f[at..at + 8].copy_from_slice(&word.to_be_bytes());
        }
    }
}

/// Undoes [`interleave`] on soft bits: `e` gets as many as `f` has.
///
/// Panics if `e` is shorter than `f`. Cost: O(n).
pub fn deinterleave(q_m: usize, f: &[Llr], e: &mut [Llr]) {
    match q_m {
        2 => deinterleave_rows::<2>(f, e),
        4 => deinterleave_rows::<4>(f, e),
        6 => deinterleave_rows::<6>(f, e),
        8 => deinterleave_rows::<8>(f, e),
        _ => e[..f.len()].copy_from_slice(f),
    }
}

fn deinterleave_rows<const Q: usize>(f: &[Llr], e: &mut [Llr]) {
    let columns = f.len() / Q;
    let mut rows = e[..columns * Q].chunks_exact_mut(columns.max(1));
    let mut rows: [&mut [Llr]; Q] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    let whole = columns / 16 * 16;
    for first in (0..whole).step_by(16) {
        let turned: [[Llr; 16]; Q] = transpose(&f[first * Q..(first + 16) * Q]);
        for (row, lanes) in rows.iter_mut().zip(turned) {
            row[first..first + 16].copy_from_slice(&lanes);
        }
    }
    for column in whole..columns {
        for (i, row) in rows.iter_mut().enumerate() {
            row[column] = f[column * Q + i];
        }
    }
}

/// Sixteen symbols of Q soft bits to Q rows of sixteen. Interleaving the two halves of 16 Q bytes moves byte p to 2 p modulo
/// 16 Q - 1; done four times, byte Q j + i comes to 16 i + j.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose<const Q: usize>(symbols: &[Llr]) -> [[Llr; 16]; Q] {
    use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8};
    let chunks = symbols.as_chunks::<16>().0;
    // Safety: SSE2 is part of x86-64; a chunk has the 16 bytes that are read.
    let mut lanes: [__m128i; Q] = std::array::from_fn(|i| unsafe { _mm_loadu_si128(chunks[i].as_ptr().cast()) });
    for _ in 0..4 {
        lanes = std::array::from_fn(|i| {
            let (a, b) = (lanes[i / 2], lanes[i / 2 + Q / 2]);
            // Safety: as above.
            unsafe { if i % 2 == 0 { _mm_unpacklo_epi8(a, b) } else { _mm_unpackhi_epi8(a, b) } }
        });
    }
    // Safety: both are 16 bytes, and every pattern is valid.
    lanes.map(|lane| unsafe { core::mem::transmute::<__m128i, [Llr; 16]>(lane) })
}
#[cfg(not(target_arch = "x86_64"))]
fn transpose<const Q: usize>(symbols: &[Llr]) -> [[Llr; 16]; Q] {
    std::array::from_fn(|i| std::array::from_fn(|j| symbols[Q * j + i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.4.2.2
    fn bits_and_soft_bits_move_as_the_clause_says() {
        for q_m in [1, 2, 4, 6, 8] {
            for columns in [1, 3, 7, 8, 63, 64, 65, 200] {
                let n = q_m * columns;
                let e: Vec<u8> = (0..n).map(|i| (i * i / 3 % 7 % 2) as u8).collect();
                let mut expected = vec![0; n];
                for i in 0..q_m {
                    for j in 0..columns {
                        expected[i + j * q_m] = e[i * columns + j];
                    }
                }
                let (mut packed, mut f) = (vec![0; n.div_ceil(8)], vec![0; n.div_ceil(8) + 8]);
                bits::pack(&e, &mut packed);
                interleave(q_m, n, &packed, &mut f);
                let mut found = vec![0; n];
                bits::unpack(&f, &mut found);
                assert_eq!(found, expected, "{q_m} {columns}");
                let soft: Vec<Llr> = expected.iter().map(|&bit| bit as Llr).collect();
                let mut back = vec![0; n];
                deinterleave(q_m, &soft, &mut back);
                assert!(back.iter().zip(&e).all(|(&a, &b)| a as u8 == b));
            }
        }
    }
}
