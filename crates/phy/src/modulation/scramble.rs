//! Scrambling with a pseudo-random sequence, on packed bits and on soft bits. Spec: TS 38.211 §6.3.1.1, §7.3.1.1

use super::multiversion;
use dsp::Isa;
use fec::Llr;

/// Adds (exclusive or) the packed sequence to packed bits, as many bytes as both have.
pub fn scramble(bits: &mut [u8], sequence: &[u8]) {
    for (b, c) in bits.iter_mut().zip(sequence) {
        *b ^= c;
    }
}

multiversion! {
    /// Turns the sign of each soft bit whose bit in the packed sequence is 1; soft bits past the sequence stay.
    fn turn_signs(llrs: &mut [[Llr; 8]], sequence: &[u8]) = turn_signs_body
}

#[inline(always)]
fn turn_signs_body(llrs: &mut [[Llr; 8]], sequence: &[u8]) {
    for (eight, byte) in llrs.iter_mut().zip(sequence) {
        let word = u64::from_le_bytes(eight.map(|llr| llr as u8));
        // Byte i of the spread word holds bit 7 - i of the sequence's byte, at its own place; then all bits of the byte.
        let bits = (u64::from(*byte) * 0x0101_0101_0101_0101) & 0x0102_0408_1020_4080;
        let ones = ((bits + 0x7f7f_7f7f_7f7f_7f7f) >> 7) & 0x0101_0101_0101_0101;
        let mask = (ones << 8).wrapping_sub(ones);
        // Two's complement in each byte, without a carry into the next.
        let flipped = word ^ mask;
        let sum = (flipped & 0x7f7f_7f7f_7f7f_7f7f) + ones;
        *eight = (sum ^ (flipped & 0x8080_8080_8080_8080)).to_le_bytes().map(|b| b as Llr);
    }
}

/// Turns the sign of each soft bit whose bit in the packed sequence is 1; soft bits past the sequence stay.
pub fn descramble(isa: Isa, llrs: &mut [Llr], sequence: &[u8]) {
    let (eights, rest) = llrs.as_chunks_mut::<8>();
    turn_signs(isa, eights, sequence);
    if let Some(byte) = sequence.get(eights.len()) {
        for (i, llr) in rest.iter_mut().enumerate() {
            if byte >> (7 - i) & 1 == 1 {
                *llr = llr.wrapping_neg();
            }
        }
    }
}
