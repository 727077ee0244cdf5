//! 64QAM and 256QAM, 16 symbols at a time: the arithmetic of [`super::axis`], so the same soft bits.
//!
//! What differs is the end: values are rounded to integers, and saturated when they are packed to bytes, four vectors at once.

use super::{A_MAX, MAGIC, W_MAX};
use core::arch::x86_64::*;
use dsp::Cf32;
use fec::Llr;

/// Symbols in a vector.
pub(super) const WIDTH: usize = 16;

/// Writes the soft bits of [`WIDTH`] symbols, `2 BITS` each.
///
/// # Safety
/// The machine has AVX-512 F, BW, DQ and VL. `BITS` is 3 or 4. `symbols` and `noise_var` hold 16, `llrs` room for `32 BITS` bytes and 4 more.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
pub(super) unsafe fn symbols<const BITS: usize>(
    inverse_norm: f32,
    scale: f32,
    symbols: *const Cf32,
    noise_var: *const f32,
    llrs: *mut Llr,
) {
    // SAFETY: the caller's promise; loads and stores need no alignment.
    unsafe {
        let (a, b) = (_mm512_loadu_ps(symbols.cast()), _mm512_loadu_ps(symbols.add(8).cast()));
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        let by = _mm512_set1_ps(inverse_norm);
        let re = _mm512_mul_ps(_mm512_permutex2var_ps(a, even, b), by);
        let im = _mm512_mul_ps(_mm512_permutex2var_ps(a, odd, b), by);
        let w = _mm512_div_ps(_mm512_set1_ps(scale), _mm512_loadu_ps(noise_var));
        // Of what is no number the second operand comes out: 0 in the end.
        let w = _mm512_max_ps(_mm512_min_ps(_mm512_set1_ps(W_MAX), w), _mm512_setzero_ps());
        let w = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_ORD_Q>(re, im), w);
        let (re, im) = (axis::<BITS>(re, w), axis::<BITS>(im, w));
        store::<BITS>(re, im, llrs);
    }
}

/// The soft bits of an axis as integers.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn axis<const BITS: usize>(x: __m512, w: __m512) -> [__m512i; 4] {
    let b = _mm512_min_ps(_mm512_abs_ps(x), _mm512_set1_ps(A_MAX));
    let round = |v| _mm512_cvtps_epi32(_mm512_mul_ps(w, v));
    let below = |c: f32, b| _mm512_sub_ps(_mm512_set1_ps(c), b);
    if BITS == 4 {
        let first = signed(many_lines(b, 7.0), x);
        let y = below(8.0, b);
        let b = _mm512_abs_ps(y);
        let second = signed(many_lines(b, 3.0), y);
        let y = below(4.0, b);
        let b = _mm512_abs_ps(y);
        [round(first), round(second), round(signed(two_lines(b), y)), round(below(2.0, b))]
    } else {
        let first = signed(many_lines(b, 3.0), x);
        let y = below(4.0, b);
        let b = _mm512_abs_ps(y);
        [round(first), round(signed(two_lines(b), y)), round(below(2.0, b)), _mm512_setzero_si512()]
    }
}

/// `m (b - (m - 1))`, m - 1 = floor(b/2) or `most`.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn many_lines(b: __m512, most: f32) -> __m512 {
    let (one, magic) = (_mm512_set1_ps(1.0), _mm512_set1_ps(MAGIC));
    let h = _mm512_mul_ps(_mm512_sub_ps(b, one), _mm512_set1_ps(0.5));
    let h = _mm512_min_ps(h, _mm512_set1_ps(most));
    let t = _mm512_sub_ps(_mm512_add_ps(h, magic), magic);
    _mm512_mul_ps(_mm512_add_ps(t, one), _mm512_sub_ps(b, t))
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn two_lines(b: __m512) -> __m512 {
    let line = _mm512_sub_ps(b, _mm512_set1_ps(1.0));
    _mm512_max_ps(_mm512_add_ps(line, line), b)
}

/// `v` with the sign of `of`.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn signed(v: __m512, of: __m512) -> __m512 {
    let sign = _mm512_set1_epi32(i32::MIN);
    // sign ? of : v
    let out = _mm512_ternarylogic_epi32::<0xca>(sign, _mm512_castps_si512(of), _mm512_castps_si512(v));
    _mm512_castsi512_ps(out)
}

/// Packs, and writes the bits of a symbol together, real before imaginary.
///
/// # Safety
/// As for [`symbols`].
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
unsafe fn store<const BITS: usize>(re: [__m512i; 4], im: [__m512i; 4], to: *mut Llr) {
    let (most, least) = (_mm512_set1_epi8(120), _mm512_set1_epi8(-120));
    let clamp = |v| _mm512_max_epi8(_mm512_min_epi8(v, most), least);
    // Of each group of four symbols: bytes of real parts, imaginary parts, real and imaginary parts of the next bit.
    let pack = |b: usize| {
        let (first, second) = (_mm512_packs_epi32(re[b], im[b]), _mm512_packs_epi32(re[b + 1], im[b + 1]));
        clamp(_mm512_packs_epi16(first, second))
    };
    let four = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    // Four bytes of each symbol: the first two bits, and the others.
    let (a, b) = (_mm512_shuffle_epi8(pack(0), four), _mm512_shuffle_epi8(pack(2), four));
    let (low, high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    // SAFETY: the caller's promise.
    unsafe {
        if BITS == 4 {
            let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
            let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
            _mm512_storeu_si512(to.cast(), _mm512_permutex2var_epi64(low, first, high));
            _mm512_storeu_si512(to.add(64).cast(), _mm512_permutex2var_epi64(low, second, high));
        } else {
            // Two symbols in 12 bytes; the four bytes that follow are written again by the next.
            let close = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1));
            let (low, high) = (_mm512_shuffle_epi8(low, close), _mm512_shuffle_epi8(high, close));
            _mm_storeu_si128(to.cast(), _mm512_castsi512_si128(low));
            _mm_storeu_si128(to.add(12).cast(), _mm512_castsi512_si128(high));
            _mm_storeu_si128(to.add(24).cast(), _mm512_extracti32x4_epi32::<1>(low));
            _mm_storeu_si128(to.add(36).cast(), _mm512_extracti32x4_epi32::<1>(high));
            _mm_storeu_si128(to.add(48).cast(), _mm512_extracti32x4_epi32::<2>(low));
            _mm_storeu_si128(to.add(60).cast(), _mm512_extracti32x4_epi32::<2>(high));
            _mm_storeu_si128(to.add(72).cast(), _mm512_extracti32x4_epi32::<3>(low));
            _mm_storeu_si128(to.add(84).cast(), _mm512_extracti32x4_epi32::<3>(high));
        }
    }
}
