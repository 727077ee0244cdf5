//! Block codes for 1 to 11 bits. Spec: TS 38.212 §5.3.3, §5.4.3

use crate::Llr;

/// A coded bit that is always 1 after scrambling, x. Spec: TS 38.211 §6.3.1.1
pub const PLACEHOLDER_ONE: u8 = 2;
/// A coded bit that repeats the scrambled bit before it, y. Spec: TS 38.211 §6.3.1.1
pub const PLACEHOLDER_REPEAT: u8 = 3;

/// The most bits of a block code.
pub const BITS_MAX: usize = 11;

/// Row i of the basis, bit k is M_i,k. Spec: TS 38.212 table 5.3.3.3-1
const BASIS: [u16; 32] = [
    1027, 1543, 1865, 1293, 1167, 1491, 1877, 1433, 1691, 1629, 1765, 1383, 1961, 1707, 1201, 1779, 631, 313, 251, 97,
    1093, 1547, 1425, 1815, 991, 1251, 813, 943, 373, 509, 2047, 1,
];

/// One position of the code word before rate matching.
enum Symbol {
    /// Parity of the payload bits in this mask.
    Parity(u16),
    /// x.
    One,
    /// y.
    Repeat,
}

/// Position `i` of the code for `n_bits` (1..=11) at modulation order `q_m`. Spec: TS 38.212 §5.3.3.1, §5.3.3.2, §5.3.3.3
fn symbol(n_bits: usize, q_m: usize, i: usize) -> Symbol {
    match n_bits {
        1 => match i % q_m {
            0 => Symbol::Parity(1),
            1 => Symbol::Repeat,
            _ => Symbol::One,
        },
        2 => {
            // Pairs c0 c1, c2 c0, c1 c2, each followed by placeholders; q_m 1 is c0 c1 c2.
            let masks = [0b01, 0b10, 0b11];
            let width = q_m.max(2);
            let i = if q_m == 1 { i % 3 } else { i % (3 * q_m) };
            match (q_m, i % width) {
                (1, _) => Symbol::Parity(masks[i]),
                (_, within @ 0..=1) => Symbol::Parity(masks[(i / width * 2 + within) % 3]),
                _ => Symbol::One,
            }
        }
        _ => Symbol::Parity(BASIS[i % 32] & ((1 << n_bits) - 1)),
    }
}

/// Encodes and rate-matches 1 to 11 bits.
///
/// Spec: TS 38.212 §5.3.3, §5.4.3
/// - `bits` one per byte
/// - `q_m`  modulation order, 1, 2, 4, 6 or 8
/// - `out`  overwritten: 0, 1, [`PLACEHOLDER_ONE`] or [`PLACEHOLDER_REPEAT`]; E = its length
///
/// Returns false, and writes nothing, if there are not 1 to 11 bits or `q_m` is none of these.
pub fn encode(bits: &[u8], q_m: usize, out: &mut [u8]) -> bool {
    if !(1..=BITS_MAX).contains(&bits.len()) || ![1, 2, 4, 6, 8].contains(&q_m) {
        return false;
    }
    let word = bits.iter().enumerate().fold(0u16, |word, (k, &bit)| word | u16::from(bit & 1) << k);
    for (i, coded) in out.iter_mut().enumerate() {
        *coded = match symbol(bits.len(), q_m, i) {
            Symbol::Parity(mask) => ((word & mask).count_ones() & 1) as u8,
            Symbol::One => PLACEHOLDER_ONE,
            Symbol::Repeat => PLACEHOLDER_REPEAT,
        };
    }
    true
}

/// Decodes 1 to 11 bits by maximum likelihood.
///
/// Spec: TS 38.212 §5.3.3, §5.4.3 (reversed)
/// - `llrs`  E soft bits. Those of x do not count; that of y must have been descrambled with the scrambling bit of the position
///   before it, whose value it repeats
/// - `bits`  overwritten, one per byte; its length is the number of bits
///
/// Returns the normalised correlation of the likeliest code word, sum(llr c) / sqrt(E sum(llr^2)) over the positions that
/// count: 1 without noise, about sqrt(2 ln(2^A) / E) on noise alone. None if sizes do not fit, as in [`encode`].
/// Cost: O(E + 2^A), no allocation.
pub fn decode(llrs: &[Llr], q_m: usize, bits: &mut [u8]) -> Option<f32> {
    let n_bits = bits.len();
    if !(1..=BITS_MAX).contains(&n_bits) || ![1, 2, 4, 6, 8].contains(&q_m) {
        return None;
    }
    // Soft values by parity mask for 1 and 2 bits, by row of the basis for more.
    let mut sums = [0i32; 32];
    let (mut energy, mut n) = (0u64, 0u32);
    for (i, &llr) in llrs.iter().enumerate() {
        let at = match symbol(n_bits, q_m, i) {
            Symbol::Parity(mask) if n_bits <= 2 => mask as usize,
            Symbol::Parity(_) => i % 32,
            Symbol::Repeat => 1,
            Symbol::One => continue,
        };
        sums[at] += i32::from(llr);
        energy += u64::from(llr.unsigned_abs()).pow(2);
        n += 1;
    }
    let (word, best) = if n_bits <= 2 { best_parity(&sums, n_bits) } else { best_basis(&sums, n_bits) };
    for (k, bit) in bits.iter_mut().enumerate() {
        *bit = (word >> k & 1) as u8;
    }
    Some(if energy == 0 { 0.0 } else { best as f32 / (energy as f32 * n as f32).sqrt() })
}

fn best_parity(sums: &[i32; 32], n_bits: usize) -> (u16, i32) {
    let score = |word: u16| {
        let sign = |mask: u16| 1 - 2 * ((word & mask).count_ones() as i32 & 1);
        (1..1u16 << n_bits).map(|mask| sign(mask) * sums[mask as usize]).sum::<i32>()
    };
    (0..1u16 << n_bits).map(|word| (word, score(word))).rev().max_by_key(|&(_, score)| score).unwrap_or((0, 0))
}

/// The likeliest word: for each choice of bits 6.. a Hadamard transform scores all words of bits 1..=5, bit 0 is the sign.
fn best_basis(sums: &[i32; 32], n_bits: usize) -> (u16, i32) {
    let (mut best, mut best_word) = (i32::MIN, 0);
    let n_inner = n_bits.min(6) - 1;
    for outer in 0..1u16 << n_bits.saturating_sub(6) {
        let mask = outer << 6;
        let mut scores = [0i32; 32];
        for (&sum, &row) in sums.iter().zip(&BASIS) {
            let negative = (row & mask).count_ones() & 1 == 1;
            scores[(row >> 1 & 31) as usize] += if negative { -sum } else { sum };
        }
        hadamard(&mut scores);
        for (inner, &score) in scores[..1 << n_inner].iter().enumerate() {
            if score.abs() > best {
                best = score.abs();
                best_word = mask | (inner as u16) << 1 | u16::from(score < 0);
            }
        }
    }
    (best_word, best)
}

fn hadamard(values: &mut [i32; 32]) {
    let mut half = 1;
    while half < 32 {
        for block in values.chunks_exact_mut(2 * half) {
            let (left, right) = block.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}
