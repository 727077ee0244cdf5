//! Scrambling with a pseudo-random sequence, on packed bits and on soft bits. Spec: TS 38.211 §6.3.1.1, §7.3.1.1

use fec::Llr;

/// Adds (exclusive or) the packed sequence to packed bits, as many bytes as both have.
pub fn scramble(bits: &mut [u8], sequence: &[u8]) {
    for (b, c) in bits.iter_mut().zip(sequence) {
        *b ^= c;
    }
}

/// Turns the sign of each soft bit whose bit in the packed sequence is 1; soft bits past the sequence stay.
pub fn descramble(llrs: &mut [Llr], sequence: &[u8]) {
    for (eight, byte) in llrs.chunks_mut(8).zip(sequence) {
        let word = SIGNS[*byte as usize];
        for (llr, sign) in eight.iter_mut().zip(word) {
            *llr = (*llr ^ sign).wrapping_sub(sign);
        }
    }
}

/// For each byte its eight bits as 0 or -1, most significant first.
static SIGNS: [[i8; 8]; 256] = {
    let mut table = [[0i8; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut i = 0;
        while i < 8 {
            table[byte][i] = -((byte >> (7 - i) & 1) as i8);
            i += 1;
        }
        byte += 1;
    }
    table
};
