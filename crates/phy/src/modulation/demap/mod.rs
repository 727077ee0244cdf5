//! Max-log soft demapping.
//!
//! Each axis of a square constellation is folded once for each of its bits: the first bit is the sign of `x`, the second the
//! sign of `level/2 - |x|`, and so on. The max-log value of a bit is a convex, piecewise linear function of its folded
//! amplitude: the largest of the lines `4 A m (a - (m - 1) A)`. It is exact, not an approximation of max-log.

#[cfg(target_arch = "x86_64")]
mod avx512;

use super::{LengthMismatch, Modulation, NORM_16, NORM_64, NORM_256, NORM_1024, multiversion};
use dsp::{Cf32, Isa};
use fec::Llr;

/// Steps of an [`Llr`] in one natural unit of log-likelihood: values saturate at 20.
pub const LLR_SCALE: f32 = 6.0;

/// Symbols that are handled in one go: two vectors of 16 for each axis.
const BLOCK: usize = 32;

/// Writes the max-log likelihoods of every bit: `llrs[i * q_m + b]` is bit `b` of symbol `i`, positive means 0.
///
/// `noise_var[i]` is the noise power of symbol `i` (both axes together) for a constellation of unit mean power. Values are in
/// steps of 1/[`LLR_SCALE`] and saturate at +-120; a symbol that is not a number, or a noise power that is negative, infinite
/// or not a number, gives 0. Every instruction set gives the same bits.
///
/// Spec: TS 38.211 §5.1 (inverse). Errors: `LengthMismatch` if the slices do not fit. Cost: O(n * q_m), no allocation.
pub fn demodulate(
    isa: Isa,
    scheme: Modulation,
    symbols: &[Cf32],
    noise_var: &[f32],
    llrs: &mut [Llr],
) -> Result<(), LengthMismatch> {
    if noise_var.len() != symbols.len() {
        return Err(LengthMismatch { expected: symbols.len(), found: noise_var.len() });
    }
    let expected = symbols.len() * scheme.q_m();
    if llrs.len() != expected {
        return Err(LengthMismatch { expected, found: llrs.len() });
    }
    match scheme {
        Modulation::HalfPiBpsk => bpsk(true, symbols, noise_var, llrs),
        Modulation::Bpsk => bpsk(false, symbols, noise_var, llrs),
        Modulation::Qpsk => qpsk(isa, symbols, noise_var, llrs),
        Modulation::Qam16 => qam16(isa, symbols, noise_var, llrs),
        Modulation::Qam64 => {
            let n = wide::<3>(isa, NORM_64, symbols, noise_var, llrs);
            qam64(isa, &symbols[n..], &noise_var[n..], &mut llrs[6 * n..]);
        }
        Modulation::Qam256 => {
            let n = wide::<4>(isa, NORM_256, symbols, noise_var, llrs);
            qam256(isa, &symbols[n..], &noise_var[n..], &mut llrs[8 * n..]);
        }
        Modulation::Qam1024 => qam1024(isa, symbols, noise_var, llrs),
    }
    Ok(())
}

/// Does as many symbols as come in whole wide vectors, where the instruction set has those; returns how many.
fn wide<const BITS: usize>(isa: Isa, norm: f32, symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if isa.effective() == Isa::Avx512 {
        let (inverse_norm, scale) = (1.0 / norm, LLR_SCALE * (4.0 * norm * norm));
        // Not the last: a few bytes past a vector's are written too.
        let n = symbols.len().min(noise_var.len()).min(llrs.len() / (2 * BITS)).saturating_sub(1) / avx512::WIDTH;
        for i in (0..n).map(|i| i * avx512::WIDTH) {
            let (x, noise) = (symbols[i..].as_ptr(), noise_var[i..].as_ptr());
            let to = llrs[2 * BITS * i..].as_mut_ptr();
            // SAFETY: `effective` returns only what the machine has. There are `n` whole vectors of symbols and a symbol more, so there
            // is room for 2 BITS >= 4 bytes past the last vector.
            unsafe { avx512::symbols::<BITS>(inverse_norm, scale, x, noise, to) };
        }
        return n * avx512::WIDTH;
    }
    let _ = (isa, norm, symbols, noise_var, llrs);
    0
}

/// The largest reliability, so that a soft bit before saturation is an integer of 32 bits: a noise power 60 dB below a symbol's.
const W_MAX: f32 = 131_072.0;
/// The largest amplitude in units of half a level's distance.
const A_MAX: f32 = 1000.0;

/// Reliability of one symbol, `scale / noise_var`; zero where the noise power makes no sense.
#[inline(always)]
fn weight(scale: f32, noise_var: f32) -> f32 {
    let w = scale / noise_var;
    let w = if w > W_MAX { W_MAX } else { w };
    if w > 0.0 { w } else { 0.0 }
}

/// 1.5 * 2^23: a small number added keeps its nearest integer in the low bits of the sum.
const MAGIC: f32 = 12_582_912.0;

/// Rounds a number to the nearest integer in -120..=120, in the low byte of what is returned.
#[inline(always)]
fn quantise_bits(x: f32) -> u32 {
    let x = if x > 120.0 { 120.0 } else { x };
    let x = if x < -120.0 { -120.0 } else { x };
    (x + MAGIC).to_bits()
}

#[inline(always)]
fn quantise(x: f32) -> i8 {
    quantise_bits(x) as u8 as i8
}

fn bpsk(half_pi: bool, symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    for (i, ((x, n), llr)) in symbols.iter().zip(noise_var).zip(llrs).enumerate() {
        // The point is (1 + j)/sqrt(2), turned by 90 degrees for odd i in pi/2-BPSK.
        let along = if half_pi && i % 2 == 1 { x.im - x.re } else { x.re + x.im };
        let value = 4.0 * core::f32::consts::FRAC_1_SQRT_2 * along * weight(LLR_SCALE, *n);
        *llr = if value.is_nan() { 0 } else { quantise(value) };
    }
}

/// The largest of the first `N` lines at `a`, with the sign of `a`, in units where A = 1 and 1/noise_var is `w`/4.
///
/// Line m passes line m - 1 where |a| = 2 (m - 1), so the largest is that of m = 1 + floor(|a|/2); where two are equal either will do.
#[inline(always)]
fn lines<const N: usize>(a: f32) -> f32 {
    let b = a.abs();
    let best = match N {
        1 => b,
        2 => {
            let line = 2.0 * (b - 1.0);
            if line > b { line } else { b }
        }
        _ => {
            let h = (b - 1.0) * 0.5;
            let most = (N - 1) as f32;
            let h = if h < most { h } else { most };
            let t = (h + MAGIC) - MAGIC;
            (t + 1.0) * (b - t)
        }
    };
    best.copysign(a)
}

/// The soft bits of one axis of a symbol, `BITS` of them, those of the first four in the bytes of a word, the fifth in a byte of another.
/// Two bits take bytes 0 and 2.
#[inline(always)]
fn axis<const BITS: usize>(x: f32, w: f32) -> (u32, u32) {
    let a = if x < A_MAX { x } else { A_MAX };
    let mut a = if a > -A_MAX { a } else { -A_MAX };
    let first = quantise_bits(
        w * match BITS {
            1 => lines::<1>(a),
            2 => lines::<2>(a),
            3 => lines::<4>(a),
            4 => lines::<8>(a),
            _ => lines::<16>(a),
        },
    );
    let mut words = (first & 0xff, 0);
    let mut place = 8;
    if BITS == 5 {
        a = 16.0 - a.abs();
        words.0 |= (quantise_bits(w * lines::<8>(a)) & 0xff) << place;
        place += 8;
    }
    if BITS >= 4 {
        a = 8.0 - a.abs();
        words.0 |= (quantise_bits(w * lines::<4>(a)) & 0xff) << place;
        place += 8;
    }
    if BITS >= 3 {
        a = 4.0 - a.abs();
        words.0 |= (quantise_bits(w * lines::<2>(a)) & 0xff) << place;
        place += 8;
    }
    if BITS >= 2 {
        let last = quantise_bits(w * (2.0 - a.abs()));
        match BITS {
            2 => words.0 |= (last & 0xff) << 16,
            5 => words.1 = last & 0xff,
            _ => words.0 |= (last & 0xff) << place,
        }
    }
    words
}

/// Bytes of `x` at the even places of a word twice as long.
#[inline(always)]
fn spread(x: u32) -> u64 {
    let x = u64::from(x);
    let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
    (x | x << 8) & 0x00ff_00ff_00ff_00ff
}

/// Symbols taken apart and weighed.
struct Parts {
    re: [f32; BLOCK],
    im: [f32; BLOCK],
    w: [f32; BLOCK],
}

impl Parts {
    #[inline(always)]
    fn fill(&mut self, inverse_norm: f32, scale: f32, symbols: &[Cf32], noise_var: &[f32]) {
        for (((re, im), w), (x, n)) in
            self.re.iter_mut().zip(&mut self.im).zip(&mut self.w).zip(symbols.iter().zip(noise_var))
        {
            (*re, *im) = (x.re * inverse_norm, x.im * inverse_norm);
            // What is no number weighs nothing.
            *w = if re.is_nan() || im.is_nan() { 0.0 } else { weight(scale, *n) };
        }
    }
}

/// Soft bits of [`BLOCK`] symbols: the first eight of each, and the last two of ten.
struct Bits {
    words: [u64; BLOCK],
    tails: [u16; BLOCK],
}

#[inline(always)]
fn block<const BITS: usize>(parts: &Parts, out: &mut Bits) {
    // Words of 32 bits first: a loop that makes longer ones has half the lanes throughout.
    let (mut first, mut second, mut tails) = ([0u32; BLOCK], [0u32; BLOCK], [0u32; BLOCK]);
    for i in 0..BLOCK {
        let (a, b) = (axis::<BITS>(parts.re[i], parts.w[i]), axis::<BITS>(parts.im[i], parts.w[i]));
        if BITS <= 2 {
            first[i] = a.0 | b.0 << 8;
        } else {
            (first[i], second[i]) = (a.0, b.0);
        }
        if BITS == 5 {
            tails[i] = a.1 | b.1 << 8;
        }
    }
    for i in 0..BLOCK {
        out.words[i] = if BITS <= 2 { u64::from(first[i]) } else { spread(first[i]) | spread(second[i]) << 8 };
        if BITS == 5 {
            out.tails[i] = tails[i] as u16;
        }
    }
}

/// Writes the bits of as many symbols as fit.
#[inline(always)]
fn write<const BITS: usize>(bits: &Bits, llrs: &mut [Llr]) {
    if BITS == 3 {
        // Four symbols are three words.
        for (llrs, w) in llrs.chunks_mut(24).zip(bits.words.chunks_exact(4)) {
            let packed = [w[0] | w[1] << 48, w[1] >> 16 | w[2] << 32, w[2] >> 32 | w[3] << 16];
            for (llrs, word) in llrs.chunks_mut(8).zip(packed) {
                let bytes = word.to_le_bytes().map(|b| b as Llr);
                llrs.copy_from_slice(&bytes[..llrs.len()]);
            }
        }
        return;
    }
    let symbols = bits.words.iter().zip(&bits.tails);
    for (llrs, (word, tail)) in llrs.chunks_exact_mut(2 * BITS).zip(symbols) {
        let bytes = word.to_le_bytes().map(|b| b as Llr);
        let len = if BITS == 5 { 8 } else { 2 * BITS };
        llrs[..len].copy_from_slice(&bytes[..len]);
        if BITS == 5 {
            llrs[8..].copy_from_slice(&tail.to_le_bytes().map(|b| b as Llr));
        }
    }
}

#[inline(always)]
fn square<const BITS: usize>(norm: f32, symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    let mut parts = Parts { re: [0.0; BLOCK], im: [0.0; BLOCK], w: [0.0; BLOCK] };
    let mut bits = Bits { words: [0; BLOCK], tails: [0; BLOCK] };
    let (inverse_norm, scale) = (1.0 / norm, LLR_SCALE * (4.0 * norm * norm));
    let (x, n) = (symbols.chunks_exact(BLOCK), noise_var.chunks_exact(BLOCK));
    let (x_rest, n_rest) = (x.remainder(), n.remainder());
    let mut out = llrs.chunks_exact_mut(2 * BITS * BLOCK);
    for ((x, n), llrs) in x.zip(n).zip(&mut out) {
        parts.fill(inverse_norm, scale, &x[..BLOCK], &n[..BLOCK]);
        block::<BITS>(&parts, &mut bits);
        write::<BITS>(&bits, &mut llrs[..2 * BITS * BLOCK]);
    }
    if !x_rest.is_empty() {
        parts.fill(inverse_norm, scale, x_rest, n_rest);
        block::<BITS>(&parts, &mut bits);
        write::<BITS>(&bits, out.into_remainder());
    }
}

#[inline(always)]
fn qpsk_body(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    square::<1>(core::f32::consts::FRAC_1_SQRT_2, symbols, noise_var, llrs);
}
#[inline(always)]
fn qam16_body(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    square::<2>(NORM_16, symbols, noise_var, llrs);
}
#[inline(always)]
fn qam64_body(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    square::<3>(NORM_64, symbols, noise_var, llrs);
}
#[inline(always)]
fn qam256_body(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    square::<4>(NORM_256, symbols, noise_var, llrs);
}
#[inline(always)]
fn qam1024_body(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    square::<5>(NORM_1024, symbols, noise_var, llrs);
}
multiversion!(fn qpsk(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) = qpsk_body);
multiversion!(fn qam16(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) = qam16_body);
multiversion!(fn qam64(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) = qam64_body);
multiversion!(fn qam256(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) = qam256_body);
multiversion!(fn qam1024(symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) = qam1024_body);
