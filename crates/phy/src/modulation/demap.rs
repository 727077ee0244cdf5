//! Max-log soft demapping.
//!
//! Each axis of a square constellation is folded once for each of its bits: the first bit is the sign of `x`, the second the
//! sign of `level/2 - |x|`, and so on. The max-log value of a bit is a convex, piecewise linear function of its folded
//! amplitude: the largest of the lines `4 A m (a - (m - 1) A)`. It is exact, not an approximation of max-log.

use super::{LengthMismatch, Modulation, NORM_16, NORM_64, NORM_256, NORM_1024, multiversion};
use dsp::{Cf32, Isa};
use fec::Llr;

/// Steps of an [`Llr`] in one natural unit of log-likelihood: values saturate at 20.
pub const LLR_SCALE: f32 = 6.0;

/// Symbols that are handled in one go.
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
        Modulation::Qam64 => qam64(isa, symbols, noise_var, llrs),
        Modulation::Qam256 => qam256(isa, symbols, noise_var, llrs),
        Modulation::Qam1024 => qam1024(isa, symbols, noise_var, llrs),
    }
    Ok(())
}

/// Reliability of one symbol: `LLR_SCALE / noise_var`, zero where the noise power makes no sense.
#[inline(always)]
fn weight(noise_var: f32) -> f32 {
    let w = LLR_SCALE / noise_var;
    let w = if w > 1e30 { 1e30 } else { w };
    if w > 0.0 { w } else { 0.0 }
}

/// Rounds a number to the nearest integer in -120..=120.
#[inline(always)]
fn quantise(x: f32) -> i8 {
    // 1.5 * 2^23: the sum keeps the rounded integer in its low bits.
    const MAGIC: f32 = 12_582_912.0;
    let x = if x > 120.0 { 120.0 } else { x };
    let x = if x < -120.0 { -120.0 } else { x };
    (x + MAGIC).to_bits() as u8 as i8
}

fn bpsk(half_pi: bool, symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    for (i, ((x, n), llr)) in symbols.iter().zip(noise_var).zip(llrs).enumerate() {
        // The point is (1 + j)/sqrt(2), turned by 90 degrees for odd i in pi/2-BPSK.
        let along = if half_pi && i % 2 == 1 { x.im - x.re } else { x.re + x.im };
        let value = 4.0 * core::f32::consts::FRAC_1_SQRT_2 * along * weight(*n);
        *llr = if value.is_nan() { 0 } else { quantise(value) };
    }
}

/// The largest of the first `n_lines` lines at `a`, with the sign of `a`, in units where A = 1 and 1/noise_var is `w`/4.
#[inline(always)]
fn lines<const N: usize>(a: f32) -> f32 {
    let b = a.abs();
    let mut best = b;
    let mut m = 2;
    while m <= N {
        let line = m as f32 * (b - (m - 1) as f32);
        best = if line > best { line } else { best };
        m += 1;
    }
    best.copysign(a)
}

/// One block of up to 32 symbols with `BITS` bits an axis.
#[inline(always)]
fn block<const BITS: usize>(
    inverse_norm: f32,
    x: &[f32; 2 * BLOCK],
    w: &[f32; 2 * BLOCK],
    out: &mut [[i8; 2 * BLOCK]; 5],
) {
    for i in 0..2 * BLOCK {
        let a = x[i] * inverse_norm;
        // What is no number weighs nothing, and nothing below becomes one by itself.
        let w = if a.is_nan() { 0.0 } else { w[i] };
        let a = if a < 1e6 { a } else { 1e6 };
        let mut a = if a > -1e6 { a } else { -1e6 };
        out[0][i] = quantise(
            w * match BITS {
                1 => a,
                2 => lines::<2>(a),
                3 => lines::<4>(a),
                4 => lines::<8>(a),
                _ => lines::<16>(a),
            },
        );
        if BITS == 5 {
            a = 16.0 - a.abs();
            out[1][i] = quantise(w * lines::<8>(a));
        }
        if BITS >= 4 {
            a = 8.0 - a.abs();
            out[BITS - 3][i] = quantise(w * lines::<4>(a));
        }
        if BITS >= 3 {
            a = 4.0 - a.abs();
            out[BITS - 2][i] = quantise(w * lines::<2>(a));
        }
        if BITS >= 2 {
            out[BITS - 1][i] = quantise(w * (2.0 - a.abs()));
        }
    }
}

#[inline(always)]
fn square<const BITS: usize>(norm: f32, symbols: &[Cf32], noise_var: &[f32], llrs: &mut [Llr]) {
    let mut x = [0.0f32; 2 * BLOCK];
    let mut w = [0.0f32; 2 * BLOCK];
    let mut out = [[0i8; 2 * BLOCK]; 5];
    let (inverse_norm, gain) = (1.0 / norm, 4.0 * norm * norm);
    for ((chunk, noise), llrs) in
        symbols.chunks(BLOCK).zip(noise_var.chunks(BLOCK)).zip(llrs.chunks_mut(2 * BITS * BLOCK))
    {
        let floats = dsp::as_floats(chunk);
        x[..floats.len()].copy_from_slice(floats);
        for (pair, n) in w.chunks_exact_mut(2).zip(noise) {
            let value = weight(*n) * gain;
            pair[0] = value;
            pair[1] = value;
        }
        block::<BITS>(inverse_norm, &x, &w, &mut out);
        if BITS == 1 {
            llrs.copy_from_slice(&out[0][..llrs.len()]);
            continue;
        }
        weave::<BITS>(&out, llrs);
    }
}

/// Takes the bits of each symbol together: real and imaginary part are neighbours in `out` already.
#[inline(always)]
fn weave<const BITS: usize>(out: &[[i8; 2 * BLOCK]; 5], llrs: &mut [Llr]) {
    let pair = |b: usize, i: usize| u64::from(u16::from_le_bytes([out[b][2 * i] as u8, out[b][2 * i + 1] as u8]));
    if llrs.len() < 2 * BITS * BLOCK {
        for (i, llr) in llrs.chunks_exact_mut(2 * BITS).enumerate() {
            for b in 0..BITS {
                llr[2 * b] = out[b][2 * i];
                llr[2 * b + 1] = out[b][2 * i + 1];
            }
        }
        return;
    }
    // Four pairs at most make a word; words overlap the next symbol, which is written after.
    let mut woven = [0u8; 10 * BLOCK + 8];
    for i in 0..BLOCK {
        let mut word = 0u64;
        for b in 0..BITS.min(4) {
            word |= pair(b, i) << (16 * b);
        }
        woven[2 * BITS * i..2 * BITS * i + 8].copy_from_slice(&word.to_le_bytes());
        if BITS == 5 {
            woven[10 * i + 8..10 * i + 10].copy_from_slice(&(pair(4, i) as u16).to_le_bytes());
        }
    }
    for (llr, byte) in llrs.iter_mut().zip(&woven[..2 * BITS * BLOCK]) {
        *llr = *byte as i8;
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
