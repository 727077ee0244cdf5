//! Bit interleaving: e_(i E/Q_m + j) becomes f_(i + j Q_m). Spec: TS 38.212 §5.4.2.2

#[cfg(target_arch = "x86_64")]
mod wide;

use crate::{Isa, Llr, bits};

/// Interleaves `n` packed bits of `e` from bit `e_at` on into `f`; `f` needs 8 bytes to spare behind `n` bits.
///
/// Safety: none beyond the instruction set. Panics if a slice is too short. Cost: O(n).
pub type Interleave = unsafe fn(q_m: usize, n: usize, e: &[u8], e_at: usize, f: &mut [u8]);

/// The form for an instruction set.
pub fn interleave_on(isa: Isa) -> Interleave {
    #[cfg(target_arch = "x86_64")]
    if isa != Isa::Scalar && isa.is_available() && std::arch::is_x86_feature_detected!("bmi2") {
        return match isa {
            Isa::Avx512 if std::arch::is_x86_feature_detected!("gfni") => wide::interleave,
            Isa::Avx512 => interleave_avx512,
            _ => interleave_avx2,
        };
    }
    let _ = isa;
    interleave
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi2")]
fn interleave_avx2(q_m: usize, n: usize, e: &[u8], e_at: usize, f: &mut [u8]) {
    interleave_body(q_m, n, e, e_at, f, |bits, mask| core::arch::x86_64::_pdep_u64(bits, mask));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
fn interleave_avx512(q_m: usize, n: usize, e: &[u8], e_at: usize, f: &mut [u8]) {
    interleave_body(q_m, n, e, e_at, f, |bits, mask| core::arch::x86_64::_pdep_u64(bits, mask));
}

fn interleave(q_m: usize, n: usize, e: &[u8], e_at: usize, f: &mut [u8]) {
    interleave_body(q_m, n, e, e_at, f, |mut bits, mut mask| {
        let mut spread = 0;
        while bits != 0 {
            let lowest = mask & mask.wrapping_neg();
            spread |= lowest & (bits & 1).wrapping_neg();
            (bits, mask) = (bits >> 1, mask ^ lowest);
        }
        spread
    });
}

/// `spread` moves the low bits of its first operand to where the second one has bits.
#[inline(always)]
fn interleave_body(q_m: usize, n: usize, e: &[u8], e_at: usize, f: &mut [u8], spread: impl Fn(u64, u64) -> u64) {
    match q_m {
        2 => spread_rows::<2, 32>(n, e, e_at, f, spread),
        4 => spread_rows::<4, 16>(n, e, e_at, f, spread),
        6 => spread_rows::<6, 8>(n, e, e_at, f, spread),
        8 => turn_rows(n, e, e_at, f),
        10 => spread_rows::<10, 4>(n, e, e_at, f, spread),
        _ => bits::copy(f, 0, e, e_at, n),
    }
}

/// G symbols of Q bits at a time.
#[inline(always)]
fn spread_rows<const Q: usize, const G: usize>(
    n: usize,
    e: &[u8],
    e_at: usize,
    f: &mut [u8],
    spread: impl Fn(u64, u64) -> u64,
) {
    let columns = n / Q;
    let mask = (0..G).fold(0, |mask, j| mask | 1 << (63 - Q * j));
    for first in (0..columns).step_by(64) {
        let mut rows = [0u64; Q];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = bits::load64(e, e_at + i * columns + first);
        }
        for group in 0..(columns - first).min(64).div_ceil(G) {
            let mut word = 0;
            for (i, row) in rows.iter().enumerate() {
                word |= spread(row << (G * group) >> (64 - G), mask >> i);
            }
            let at = (first + group * G) * Q / 8;
            f[at..at + 8].copy_from_slice(&word.to_be_bytes());
        }
    }
}

/// For Q_m = 8, symbols are the columns of squares of 8 x 8 bits.
#[inline(always)]
fn turn_rows(n: usize, e: &[u8], e_at: usize, f: &mut [u8]) {
    let columns = n / 8;
    for first in (0..columns).step_by(64) {
        let mut rows = [0u64; 8];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = bits::load64(e, e_at + i * columns + first);
        }
        let mut squares = turn_octets(rows);
        for square in &mut squares {
            *square = bits::transpose8(*square);
        }
        let to = &mut f[first..];
        let groups = (columns - first).min(64).div_ceil(8);
        for (octets, square) in to.as_chunks_mut::<8>().0.iter_mut().zip(squares).take(groups) {
            *octets = square.to_be_bytes();
        }
    }
}

/// Octet j of word i becomes octet i of word j, the first octet on top.
#[inline(always)]
fn turn_octets(mut words: [u64; 8]) -> [u64; 8] {
    const LOW: [u64; 3] = [0x0000_0000_ffff_ffff, 0x0000_ffff_0000_ffff, 0x00ff_00ff_00ff_00ff];
    for (stage, low) in LOW.into_iter().enumerate() {
        let (apart, by) = (4 >> stage, 32 >> stage);
        let old = words;
        for (i, word) in words.iter_mut().enumerate() {
            let (a, b) = (old[i & !apart], old[i | apart]);
            *word = if i & apart == 0 { a & !low | b >> by & low } else { a << by & !low | b & low };
        }
    }
    words
}

/// Undoes [`Interleave`] on soft bits: `e` gets as many as `f` has.
///
/// Panics if `e` is shorter than `f`. Cost: O(n).
pub fn deinterleave(q_m: usize, f: &[Llr], e: &mut [Llr]) {
    match q_m {
        2 => deinterleave_rows::<2>(f, e),
        4 => deinterleave_rows::<4>(f, e),
        6 => deinterleave_rows::<6>(f, e),
        8 => deinterleave_rows::<8>(f, e),
        10 => deinterleave_rows::<10>(f, e),
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
#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn transpose<const Q: usize>(symbols: &[Llr]) -> [[Llr; 16]; Q] {
    use core::arch::aarch64::{int8x16_t, vld1q_s8, vzip1q_s8, vzip2q_s8};
    let chunks = symbols.as_chunks::<16>().0;
    // Safety: Advanced SIMD is part of the target; a chunk has the 16 bytes that are read.
    let mut lanes: [int8x16_t; Q] = std::array::from_fn(|i| unsafe { vld1q_s8(chunks[i].as_ptr()) });
    for _ in 0..4 {
        lanes = std::array::from_fn(|i| {
            let (a, b) = (lanes[i / 2], lanes[i / 2 + Q / 2]);
            // Safety: as above.
            unsafe { if i % 2 == 0 { vzip1q_s8(a, b) } else { vzip2q_s8(a, b) } }
        });
    }
    // Safety: both are 16 bytes, and every pattern is valid.
    lanes.map(|lane| unsafe { core::mem::transmute::<int8x16_t, [Llr; 16]>(lane) })
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn transpose<const Q: usize>(symbols: &[Llr]) -> [[Llr; 16]; Q] {
    std::array::from_fn(|i| std::array::from_fn(|j| symbols[Q * j + i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.4.2.2
    fn bits_and_soft_bits_move_as_the_clause_says() {
        for q_m in [1, 2, 4, 6, 8, 10] {
            for columns in [1, 3, 7, 8, 63, 64, 65, 200] {
                let n = q_m * columns;
                let e: Vec<u8> = (0..n).map(|i| (i * i / 3 % 7 % 2) as u8).collect();
                let mut expected = vec![0; n];
                for i in 0..q_m {
                    for j in 0..columns {
                        expected[i + j * q_m] = e[i * columns + j];
                    }
                }
                for (isa, e_at) in Isa::available().flat_map(|isa| [(isa, 0), (isa, 11)]) {
                    let (mut packed, mut f) = (vec![0; (n + e_at).div_ceil(8)], vec![0; n.div_ceil(8) + 8]);
                    let before: Vec<u8> = std::iter::repeat_n(1, e_at).chain(e.iter().copied()).collect();
                    bits::pack(&before, &mut packed);
                    // Safety: the form was chosen for this machine.
                    unsafe { interleave_on(isa)(q_m, n, &packed, e_at, &mut f) };
                    let mut found = vec![0; n];
                    bits::unpack(&f, &mut found);
                    assert_eq!(found, expected, "{isa} {q_m} {columns}");
                }
                let soft: Vec<Llr> = expected.iter().map(|&bit| bit as Llr).collect();
                let mut back = vec![0; n];
                deinterleave(q_m, &soft, &mut back);
                assert!(back.iter().zip(&e).all(|(&a, &b)| a as u8 == b));
            }
        }
    }
}
