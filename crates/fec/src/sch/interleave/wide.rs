//! Interleaving for Q_m = 8 where one instruction multiplies matrices of 8 x 8 bits. Spec: TS 38.212 §5.4.2.2

use core::arch::x86_64::*;

/// As [`super::Interleave`]; other modulation orders take the form without these instructions.
///
/// Safety: the machine has GFNI beside what the other form needs.
#[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512dq,avx512vl,gfni")]
pub unsafe fn interleave(q_m: usize, n: usize, e: &[u8], e_at: usize, f: &mut [u8]) {
    if q_m != 8 {
        return super::interleave_avx512(q_m, n, e, e_at, f);
    }
    let columns = n / 8;
    let f = &mut f[..columns];
    for (i, symbols) in f.chunks_mut(512).enumerate() {
        let rows = core::array::from_fn(|row| load(e, e_at + row * columns + 512 * i));
        for (to, squares) in symbols.chunks_mut(64).zip(squares(rows)) {
            // Column j of a square is the square times the vector whose bit j alone is 1.
            let turned = _mm512_gf2p8affine_epi64_epi8::<0>(_mm512_set1_epi64(0x0102_0408_1020_4080), squares);
            // Safety: as many octets are written as `to` has.
            unsafe { _mm512_mask_storeu_epi8(to.as_mut_ptr().cast(), low(to.len()), turned) }
        }
    }
}

/// The lowest `n` of 64 bits, all of them for more.
fn low(n: usize) -> u64 {
    if n < 64 { (1 << n) - 1 } else { u64::MAX }
}

/// 512 bits of a packed string from bit `at` on; what lies behind its end is 0.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn load(e: &[u8], at: usize) -> __m512i {
    let part = |byte: usize| {
        let rest = e.get(byte..).unwrap_or(&[]);
        // Safety: no more octets are read than there are.
        unsafe { _mm512_maskz_loadu_epi8(low(rest.len()), rest.as_ptr().cast()) }
    };
    let fine = at % 8;
    let near = part(at / 8);
    if fine == 0 {
        return near;
    }
    // Rows of the unit matrix, the top one for the top bit: moved up or down they shift each octet.
    const UNIT: u64 = 0x0102_0408_1020_4080;
    let up = _mm512_set1_epi64((UNIT >> (8 * fine)) as i64);
    let down = _mm512_set1_epi64((UNIT << (8 * (8 - fine))) as i64);
    let far = part(at / 8 + 1);
    _mm512_xor_si512(_mm512_gf2p8affine_epi64_epi8::<0>(near, up), _mm512_gf2p8affine_epi64_epi8::<0>(far, down))
}

/// Eight rows of 64 octets as 64 squares in order: a word holds one octet of each row, the first row lowest.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn squares(rows: [__m512i; 8]) -> [__m512i; 8] {
    // Weaving stays within quarters of a vector: pair p of octets has to stand where it ends in vector p / 4, quarter p % 4.
    let mut pairs = [0u16; 32];
    for (place, pair) in pairs.iter_mut().enumerate() {
        *pair = (4 * (place % 8) + place / 8) as u16;
    }
    // Safety: both are 64 octets, and every pattern is valid.
    let pairs = unsafe { core::mem::transmute::<[u16; 32], __m512i>(pairs) };
    let r = rows.map(|row| _mm512_permutexvar_epi16(pairs, row));
    // Rows 2 i and 2 i + 1 by octets: the lower and upper halves of each quarter.
    let low: [__m512i; 4] = core::array::from_fn(|i| _mm512_unpacklo_epi8(r[2 * i], r[2 * i + 1]));
    let high: [__m512i; 4] = core::array::from_fn(|i| _mm512_unpackhi_epi8(r[2 * i], r[2 * i + 1]));
    let mut out = [_mm512_setzero_si512(); 8];
    for (half, octets) in [low, high].into_iter().enumerate() {
        let (a, b) = (_mm512_unpacklo_epi16(octets[0], octets[1]), _mm512_unpacklo_epi16(octets[2], octets[3]));
        let (c, d) = (_mm512_unpackhi_epi16(octets[0], octets[1]), _mm512_unpackhi_epi16(octets[2], octets[3]));
        out[4 * half] = _mm512_unpacklo_epi32(a, b);
        out[4 * half + 1] = _mm512_unpackhi_epi32(a, b);
        out[4 * half + 2] = _mm512_unpacklo_epi32(c, d);
        out[4 * half + 3] = _mm512_unpackhi_epi32(c, d);
    }
    out
}
