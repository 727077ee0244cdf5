//! The pseudo-random sequence of length-31 Gold codes. Spec: TS 38.211 §5.2.1
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | c(n) | [`Gold::next32`] | output bit | 0, 1 |
//! | c_init | `c_init` | initial state of the second register | 0..2^31 |
//! | N_C | [`N_C`] | bits that are thrown away | 1600 |
//!
//! Squaring the feedback polynomials (over GF(2), f(D)^2 = f(D^2)) gives recurrences over 62 bits, so 32 bits fall out of
//! one step on a window of 64.

use super::QPSK_AMPLITUDE;
use crate::modulation::multiversion;
use dsp::{Cf32, Isa};

/// Bits that are thrown away before c(0). Spec: TS 38.211 §5.2.1
pub const N_C: usize = 1600;

const MASK31: u32 = (1 << 31) - 1;

/// One bit of the first register: x1(n+31) = x1(n+3) + x1(n).
const fn step_x1(state: u32) -> u32 {
    state >> 1 | ((state >> 3 ^ state) & 1) << 30
}

/// One bit of the second register: x2(n+31) = x2(n+3) + x2(n+2) + x2(n+1) + x2(n).
const fn step_x2(state: u32) -> u32 {
    state >> 1 | ((state >> 3 ^ state >> 2 ^ state >> 1 ^ state) & 1) << 30
}

/// 64 bits of the first register from its 31-bit state on.
const fn window(mut state: u32, second: bool) -> u64 {
    let mut out = 0u64;
    let mut n = 0;
    while n < 64 {
        out |= ((state & 1) as u64) << n;
        state = if second { step_x2(state) } else { step_x1(state) };
        n += 1;
    }
    out
}

/// The first register's window at N_C: the same for every sequence.
const X1_AT_NC: u64 = {
    let mut state = 1;
    let mut n = 0;
    while n < N_C {
        state = step_x1(state);
        n += 1;
    }
    window(state, false)
};

/// The second register's window at N_C for each single bit of c_init; windows add.
const X2_AT_NC: [u64; 31] = {
    let mut table = [0; 31];
    let mut i = 0;
    while i < 31 {
        let mut state = 1u32 << i;
        let mut n = 0;
        while n < N_C {
            state = step_x2(state);
            n += 1;
        }
        table[i] = window(state, true);
        i += 1;
    }
    table
};

/// A running sequence c(n). Spec: TS 38.211 §5.2.1
#[derive(Clone, Debug)]
pub struct Gold {
    /// x1(n..n + 64), least significant first.
    x1: u64,
    /// x2(n..n + 64).
    x2: u64,
}

impl Gold {
    /// The sequence for `c_init`, of which the low 31 bits count, at c(0). Cost: 31 steps, no matter N_C.
    pub fn new(c_init: u32) -> Gold {
        let mut bits = c_init & MASK31;
        let mut x2 = 0;
        while bits != 0 {
            x2 ^= X2_AT_NC[bits.trailing_zeros() as usize];
            bits &= bits - 1;
        }
        Gold { x1: X1_AT_NC, x2 }
    }

    /// The sequence for `c_init` from c(n) on.
    pub fn starting_at(c_init: u32, n: usize) -> Gold {
        let mut gold = Gold::new(c_init);
        gold.skip(n);
        gold
    }

    /// The next 32 bits: bit j, least significant first, is c(n + j).
    #[inline(always)]
    pub fn next32(&mut self) -> u32 {
        let out = (self.x1 ^ self.x2) as u32;
        let (a, b) = (self.x1, self.x2);
        self.x1 = a >> 32 | (a >> 2 ^ a >> 8) << 32;
        self.x2 = b >> 32 | (b >> 2 ^ b >> 4 ^ b >> 6 ^ b >> 8) << 32;
        out
    }

    /// The next `n` <= 32 bits, least significant first.
    #[inline]
    pub fn next(&mut self, n: usize) -> u32 {
        debug_assert!(n <= 32);
        if n == 0 {
            return 0;
        }
        let (a, b) = (self.x1, self.x2);
        let out = (a ^ b) as u32 & (u32::MAX >> (32 - n));
        self.x1 = a >> n | (a >> 2 ^ a >> 8) << (64 - n);
        self.x2 = b >> n | (b >> 2 ^ b >> 4 ^ b >> 6 ^ b >> 8) << (64 - n);
        out
    }

    /// Passes over `n` bits. Cost: O(n / 32).
    pub fn skip(&mut self, n: usize) {
        for _ in 0..n / 32 {
            self.next32();
        }
        self.next(n % 32);
    }

    /// Adds the next `bits.len()` bits of the sequence to `bits`, one per byte.
    pub fn xor_bits(&mut self, bits: &mut [u8]) {
        for chunk in bits.chunks_mut(32) {
            let word = self.next(chunk.len());
            for (j, bit) in chunk.iter_mut().enumerate() {
                *bit ^= (word >> j & 1) as u8;
            }
        }
    }

    /// Adds the sequence to packed bits, most significant bit of each byte first. Whole bytes are consumed.
    ///
    /// Every instruction set gives the same bits. Cost: O(n), no allocation.
    pub fn xor_packed(&mut self, isa: Isa, bytes: &mut [u8]) {
        let rest = if bytes.len() < 3 * BLOCK { bytes } else { self.xor_blocks(isa, bytes) };
        let mut chunks = rest.chunks_exact_mut(4);
        for chunk in &mut chunks {
            let word = self.next32().reverse_bits().to_be_bytes();
            chunk.iter_mut().zip(word).for_each(|(b, w)| *b ^= w);
        }
        for byte in chunks.into_remainder() {
            *byte ^= (self.next(8) as u8).reverse_bits();
        }
    }

    /// Adds the sequence to whole blocks; returns what is left.
    fn xor_blocks<'a>(&mut self, isa: Isa, bytes: &'a mut [u8]) -> &'a mut [u8] {
        let (mut first, mut second) = ([0; WINDOW], [0; WINDOW]);
        let mut ahead = self.clone();
        for (a, b) in first.iter_mut().zip(&mut second) {
            (*a, *b) = (turned(ahead.x1), turned(ahead.x2));
            ahead.next32();
            ahead.next32();
        }
        let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
        add_blocks(isa, &mut first, &mut second, blocks);
        (self.x1, self.x2) = (turned(first[0]), turned(second[0]));
        rest
    }

    /// Overwrites `bytes` with the sequence, most significant bit of each byte first. Whole bytes are consumed.
    pub fn fill_packed(&mut self, isa: Isa, bytes: &mut [u8]) {
        bytes.fill(0);
        self.xor_packed(isa, bytes);
    }

    /// Turns the signs of soft bits where the sequence is 1, which undoes [`Gold::xor_bits`].
    pub fn descramble(&mut self, llrs: &mut [i8]) {
        let mut chunks = llrs.chunks_exact_mut(32);
        for chunk in &mut chunks {
            let word = self.next32();
            for (j, llr) in chunk.iter_mut().enumerate() {
                // -1 where the bit is 1: (x ^ -1) + 1 = -x; wrapping, since a peer may hand us -128.
                let mask = -((word >> j & 1) as i8);
                *llr = (*llr ^ mask).wrapping_sub(mask);
            }
        }
        let rest = chunks.into_remainder();
        let word = self.next(rest.len());
        for (j, llr) in rest.iter_mut().enumerate() {
            let mask = -((word >> j & 1) as i8);
            *llr = (*llr ^ mask).wrapping_sub(mask);
        }
    }

    /// The next `out.len()` QPSK pilots r(m) = (1 - 2 c(2m))/sqrt(2) + j (1 - 2 c(2m+1))/sqrt(2).
    ///
    /// Spec: TS 38.211 §7.4.1.1.1 (and alike for every DM-RS and CSI-RS made of c(n))
    pub fn pilots(&mut self, out: &mut [Cf32]) {
        for chunk in out.chunks_mut(16) {
            let mut word = self.next(2 * chunk.len());
            for pilot in chunk {
                *pilot = qpsk(word);
                word >>= 2;
            }
        }
    }
}

/// Words of 64 bits that decide all later ones, if bits 31 apart are taken 128 apart (f(D)^128 = f(D^128)).
const WINDOW: usize = 62;
/// Bytes that follow from a window without one another: 28 times 128 bits.
const BLOCK: usize = 8 * (WINDOW - 6);

/// Each octet of a word the other way round.
fn turned(word: u64) -> u64 {
    word.reverse_bits().swap_bytes()
}

multiversion! {
    /// Adds both registers' words to `blocks`, and moves the windows on.
    fn add_blocks(first: &mut [u64; WINDOW], second: &mut [u64; WINDOW], blocks: &mut [[u8; BLOCK]]) = add_blocks_body
}

#[inline(always)]
fn add_blocks_body(first: &mut [u64; WINDOW], second: &mut [u64; WINDOW], blocks: &mut [[u8; BLOCK]]) {
    for block in blocks {
        let (a, b) = (*first, *second);
        for (i, octets) in block.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            *octets = (u64::from_le_bytes(*octets) ^ a[i] ^ b[i]).to_le_bytes();
        }
        first[..6].copy_from_slice(&a[WINDOW - 6..]);
        second[..6].copy_from_slice(&b[WINDOW - 6..]);
        for i in 0..WINDOW - 6 {
            first[6 + i] = a[i] ^ a[i + 6];
            second[6 + i] = b[i] ^ b[i + 2] ^ b[i + 4] ^ b[i + 6];
        }
    }
}

/// QPSK of bits 0 (real) and 1 (imaginary) of `word`.
#[inline(always)]
fn qpsk(word: u32) -> Cf32 {
    let amplitude = QPSK_AMPLITUDE.to_bits();
    Cf32::new(f32::from_bits(amplitude | word << 31), f32::from_bits(amplitude | (word & 2) << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clause, word for word.
    fn literal(c_init: u32, n: usize) -> Vec<u8> {
        let len = N_C + n + 31;
        let (mut x1, mut x2) = (vec![0u8; len], vec![0u8; len]);
        x1[0] = 1;
        for (i, bit) in x2.iter_mut().take(31).enumerate() {
            *bit = (c_init >> i & 1) as u8;
        }
        for i in 0..len - 31 {
            x1[i + 31] = x1[i + 3] ^ x1[i];
            x2[i + 31] = x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i];
        }
        (0..n).map(|i| x1[i + N_C] ^ x2[i + N_C]).collect()
    }

    #[test] // Spec: TS 38.211 §5.2.1
    fn jumps_and_windows_equal_the_clause() {
        for c_init in [0, 1, 0x7fff_ffff, 0x1234_5678, 0x4000_0000] {
            let expected = literal(c_init, 5000);
            let mut bits = vec![0; 5000];
            Gold::new(c_init).xor_bits(&mut bits);
            assert_eq!(bits, expected);
            for at in [1, 31, 32, 33, 64, 777, 4000] {
                let mut tail = vec![0; 100];
                Gold::starting_at(c_init, at).xor_bits(&mut tail);
                assert_eq!(tail, expected[at..at + 100]);
            }
        }
    }

    #[test] // Spec: TS 38.211 §5.2.1, §7.3.1.1
    fn packed_bits_and_soft_bits_agree() {
        let expected = literal(99, 8 * 23);
        let mut packed = [0u8; 23];
        Gold::new(99).xor_packed(Isa::best(), &mut packed);
        let mut llrs = [5i8; 8 * 23];
        Gold::new(99).descramble(&mut llrs);
        for (i, bit) in expected.iter().enumerate() {
            assert_eq!(packed[i / 8] >> (7 - i % 8) & 1, *bit);
            assert_eq!(llrs[i], if *bit == 1 { -5 } else { 5 });
        }
    }

    #[test] // Spec: TS 38.211 §5.2.1
    fn long_strings_equal_the_clause_on_every_instruction_set() {
        let expected = literal(0x2bad_cafe, 8 * 5000);
        for isa in Isa::available() {
            for n in [3 * BLOCK - 1, 3 * BLOCK, 3 * BLOCK + 5, 11 * BLOCK + 63] {
                let (mut gold, mut packed) = (Gold::new(0x2bad_cafe), vec![0; n]);
                gold.fill_packed(isa, &mut packed);
                let mut next = [0; 24];
                gold.xor_bits(&mut next);
                let bits = packed.iter().flat_map(|byte| (0..8).map(move |i| byte >> (7 - i) & 1)).chain(next);
                assert!(bits.eq(expected[..8 * n + 24].iter().copied()), "{isa} {n}");
            }
        }
    }

    #[test] // Spec: TS 38.211 §7.4.1.1.1
    fn pilots_are_qpsk_of_bit_pairs() {
        let c = literal(4711, 200);
        let mut r = [Cf32::default(); 100];
        Gold::new(4711).pilots(&mut r);
        for (m, r) in r.iter().enumerate() {
            let part = |b: u8| (1.0 - 2.0 * b as f32) * QPSK_AMPLITUDE;
            assert_eq!(*r, Cf32::new(part(c[2 * m]), part(c[2 * m + 1])));
        }
    }
}
