//! Cyclic redundancy checks. Spec: TS 38.212 §5.1
//!
//! | in the specification | here | meaning | range |
//! | --- | --- | --- | --- |
//! | L | [`Crc::len`] | parity bits | 6, 11, 16, 24 |
//! | g_CRC(D) | [`Crc::polynomial`] | generator without its leading term | |

/// One of the six generator polynomials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Crc {
    /// D^6 + D^5 + 1.
    Crc6,
    /// D^11 + D^10 + D^9 + D^5 + 1.
    Crc11,
    /// D^16 + D^12 + D^5 + 1.
    Crc16,
    /// The 24-bit code of transport blocks.
    Crc24A,
    /// The 24-bit code of code blocks.
    Crc24B,
    /// The 24-bit code of PBCH and DCI.
    Crc24C,
}

/// Remainders of `byte << 24` for each polynomial, kept in the top bits of 32.
type Table = [[u32; 256]; 8];

static TABLES: [Table; 6] = [
    Crc::Crc6.table(),
    Crc::Crc11.table(),
    Crc::Crc16.table(),
    Crc::Crc24A.table(),
    Crc::Crc24B.table(),
    Crc::Crc24C.table(),
];

/// x^128, x^192, x^512 and x^576 modulo each generator (times x^(32 - L)).
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static FOLDS: [[u64; 4]; 6] = [
    Crc::Crc6.folds(),
    Crc::Crc11.folds(),
    Crc::Crc16.folds(),
    Crc::Crc24A.folds(),
    Crc::Crc24B.folds(),
    Crc::Crc24C.folds(),
];

/// Folds blocks of 64 bytes into 16 bytes of the same remainder: a 128-bit part moves on by n bits as its high half times
/// x^(n + 64) plus its low half times x^n, both modulo the generator.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "pclmulqdq,ssse3")]
fn fold(powers: &[u64; 4], blocks: &[[u8; 64]]) -> [u8; 16] {
    use core::arch::x86_64::*;
    let reverse = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let load = |block: &[u8; 64], i: usize| {
        // Safety: 16 bytes from 16 i on lie within the 64.
        _mm_shuffle_epi8(unsafe { _mm_loadu_si128(block.as_ptr().add(16 * i).cast()) }, reverse)
    };
    let advance = |part: __m128i, by: __m128i| {
        _mm_xor_si128(_mm_clmulepi64_si128::<0x00>(part, by), _mm_clmulepi64_si128::<0x11>(part, by))
    };
    let near = _mm_set_epi64x(powers[1] as i64, powers[0] as i64);
    let far = _mm_set_epi64x(powers[3] as i64, powers[2] as i64);
    let mut parts = [_mm_setzero_si128(); 4];
    for block in blocks {
        for (i, part) in parts.iter_mut().enumerate() {
            *part = _mm_xor_si128(advance(*part, far), load(block, i));
        }
    }
    let whole = parts[1..].iter().fold(parts[0], |whole, &part| _mm_xor_si128(advance(whole, near), part));
    let mut bytes = [0; 16];
    // Safety: 16 bytes are written.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm_shuffle_epi8(whole, reverse)) };
    bytes
}

/// As the form for x86-64.
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon,aes")]
fn fold(powers: &[u64; 4], blocks: &[[u8; 64]]) -> [u8; 16] {
    use core::arch::aarch64::vmull_p64;
    let load = |block: &[u8; 64], i: usize| block[16 * i..].first_chunk().map_or(0, |part| u128::from_be_bytes(*part));
    let advance = |part: u128, low: u64, high: u64| vmull_p64(part as u64, low) ^ vmull_p64((part >> 64) as u64, high);
    let mut parts = [0u128; 4];
    for block in blocks {
        for (i, part) in parts.iter_mut().enumerate() {
            *part = advance(*part, powers[2], powers[3]) ^ load(block, i);
        }
    }
    parts[1..].iter().fold(parts[0], |whole, part| advance(whole, powers[0], powers[1]) ^ part).to_be_bytes()
}

impl Crc {
    /// The number of parity bits L.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self) -> usize {
        match self {
            Self::Crc6 => 6,
            Self::Crc11 => 11,
            Self::Crc16 => 16,
            Self::Crc24A | Self::Crc24B | Self::Crc24C => 24,
        }
    }

    /// The generator polynomial without its leading term. Spec: TS 38.212 §5.1
    pub const fn polynomial(self) -> u32 {
        match self {
            Self::Crc6 => 0x21,
            Self::Crc11 => 0x621,
            Self::Crc16 => 0x1021,
            Self::Crc24A => 0x86_4cfb,
            Self::Crc24B => 0x80_0063,
            Self::Crc24C => 0xb2_b117,
        }
    }

    /// The parity bits of packed bytes, in the low L bits, first parity bit most significant; the register starts at 0.
    ///
    /// Spec: TS 38.212 §5.1. Cost: O(n), carry-less multiplication where the machine has it, no allocation.
    pub fn of_bytes(self, bytes: &[u8]) -> u32 {
        self.finish(self.step_bytes(0, bytes))
    }

    /// The parity bits of bits, one per byte (0 or 1), as [`Crc::of_bytes`]. Spec: TS 38.212 §5.1
    pub fn of_bits(self, bits: &[u8]) -> u32 {
        self.of_bits_with_ones(0, bits)
    }

    /// The parity bits of `ones` leading ones followed by `bits`, as DCI wants it. Spec: TS 38.212 §7.3.2
    pub fn of_bits_with_ones(self, ones: usize, bits: &[u8]) -> u32 {
        let mut register = (0..ones % 8).fold(0, |register, _| self.step_bit(register, 1));
        for _ in 0..ones / 8 {
            register = self.step_table(register, &[0xff]);
        }
        let (bytes, rest) = bits.as_chunks::<8>();
        for byte in bytes {
            let byte = byte.iter().fold(0, |byte, bit| byte << 1 | (bit & 1));
            register = self.step_table(register, &[byte]);
        }
        self.finish(rest.iter().fold(register, |register, &bit| self.step_bit(register, bit)))
    }

    /// The parity bits of the first `n_bits` of a packed string.
    ///
    /// Panics if `packed` is too short.
    pub fn of_packed(self, packed: &[u8], n_bits: usize) -> u32 {
        let register = self.step_bytes(0, &packed[..n_bits / 8]);
        let rest = n_bits / 8 * 8..n_bits;
        self.finish(rest.fold(register, |register, idx| self.step_bit(register, crate::bits::get(packed, idx))))
    }

    /// Writes the L parity bits of value `parity`, one per byte.
    ///
    /// Panics if `out` is shorter than L.
    pub fn write_bits(self, parity: u32, out: &mut [u8]) {
        for (i, bit) in out[..self.len()].iter_mut().enumerate() {
            *bit = (parity >> (self.len() - 1 - i) & 1) as u8;
        }
    }

    fn step_bit(self, register: u32, bit: u8) -> u32 {
        let polynomial = self.polynomial() << (32 - self.len());
        let feedback = (register >> 31 ^ u32::from(bit & 1)).wrapping_neg();
        register << 1 ^ (polynomial & feedback)
    }

    fn finish(self, register: u32) -> u32 {
        register >> (32 - self.len())
    }

    fn step_bytes(self, register: u32, bytes: &[u8]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if register == 0
            && bytes.len() >= 128
            && std::arch::is_x86_feature_detected!("pclmulqdq")
            && std::arch::is_x86_feature_detected!("ssse3")
        {
            let (blocks, tail) = bytes.as_chunks::<64>();
            // Safety: the features were detected.
            let folded = unsafe { fold(&FOLDS[self as usize], blocks) };
            return self.step_table(self.step_table(0, &folded), tail);
        }
        #[cfg(target_arch = "aarch64")]
        if register == 0 && bytes.len() >= 128 && std::arch::is_aarch64_feature_detected!("pmull") {
            let (blocks, tail) = bytes.as_chunks::<64>();
            // Safety: the feature was detected.
            let folded = unsafe { fold(&FOLDS[self as usize], blocks) };
            return self.step_table(self.step_table(0, &folded), tail);
        }
        self.step_table(register, bytes)
    }

    /// x^`power` modulo the generator times x^(32 - L).
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    const fn power(self, power: u32) -> u64 {
        let polynomial = self.polynomial() << (32 - self.len());
        // x^32 to begin with
        let mut register = polynomial;
        let mut i = 32;
        while i < power {
            register = if register >> 31 == 1 { register << 1 ^ polynomial } else { register << 1 };
            i += 1;
        }
        register as u64
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    const fn folds(self) -> [u64; 4] {
        [self.power(128), self.power(192), self.power(512), self.power(576)]
    }

    fn step_table(self, mut register: u32, bytes: &[u8]) -> u32 {
        let table = &TABLES[self as usize];
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let head = register ^ u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
            let [a, b, c, d] = head.to_be_bytes();
            register = table[7][a as usize]
                ^ table[6][b as usize]
                ^ table[5][c as usize]
                ^ table[4][d as usize]
                ^ table[3][chunk[4] as usize]
                ^ table[2][chunk[5] as usize]
                ^ table[1][chunk[6] as usize]
                ^ table[0][chunk[7] as usize];
        }
        for &byte in chunks.remainder() {
            register = register << 8 ^ table[0][((register >> 24) as u8 ^ byte) as usize];
        }
        register
    }

    const fn table(self) -> Table {
        let polynomial = self.polynomial() << (32 - self.len());
        let mut table = [[0u32; 256]; 8];
        let mut byte = 0;
        while byte < 256 {
            let mut register = (byte as u32) << 24;
            let mut i = 0;
            while i < 64 {
                register = if register >> 31 == 1 { register << 1 ^ polynomial } else { register << 1 };
                i += 1;
                if i % 8 == 0 {
                    table[i / 8 - 1][byte] = register;
                }
            }
            byte += 1;
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Crc; 6] = [Crc::Crc6, Crc::Crc11, Crc::Crc16, Crc::Crc24A, Crc::Crc24B, Crc::Crc24C];

    #[test] // Spec: TS 38.212 §5.1 (exponents written out again from the clause)
    fn polynomials_have_the_clause_s_terms() {
        let of = |exponents: &[u32]| exponents.iter().fold(0u32, |p, e| p | 1 << e);
        assert_eq!(Crc::Crc24A.polynomial(), of(&[23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0]));
        assert_eq!(Crc::Crc24B.polynomial(), of(&[23, 6, 5, 1, 0]));
        assert_eq!(Crc::Crc24C.polynomial(), of(&[23, 21, 20, 17, 15, 13, 12, 8, 4, 2, 1, 0]));
        assert_eq!(Crc::Crc16.polynomial(), of(&[12, 5, 0]));
        assert_eq!(Crc::Crc11.polynomial(), of(&[10, 9, 5, 0]));
        assert_eq!(Crc::Crc6.polynomial(), of(&[5, 0]));
    }

    #[test] // Spec: TS 38.212 §5.1; CRC-16/XMODEM and CRC-24/LTE-A, LTE-B check values ("123456789")
    fn check_values_are_the_published_ones() {
        assert_eq!(Crc::Crc16.of_bytes(b"123456789"), 0x31c3);
        assert_eq!(Crc::Crc24A.of_bytes(b"123456789"), 0xcde703);
        assert_eq!(Crc::Crc24B.of_bytes(b"123456789"), 0x23ef52);
    }

    #[test] // Spec: TS 38.212 §5.1
    fn bytes_bits_and_packed_agree_and_a_codeword_divides() {
        for crc in ALL {
            for n in (0..40usize).chain([127, 128, 191, 192, 300]) {
                let bytes: Vec<u8> = (0..n).map(|i| (i * 37 + n) as u8).collect();
                let mut bits = vec![0; 8 * n];
                crate::bits::unpack(&bytes, &mut bits);
                let parity = crc.of_bytes(&bytes);
                assert_eq!(parity, crc.of_bits(&bits));
                for cut in 0..8.min(bits.len()) {
                    let len = bits.len() - cut;
                    assert_eq!(crc.of_packed(&bytes, len), crc.of_bits(&bits[..len]));
                }
                let at = bits.len();
                bits.resize(at + crc.len(), 0);
                crc.write_bits(parity, &mut bits[at..]);
                assert_eq!(crc.of_bits(&bits), 0);
            }
        }
    }
}
