//! Finite impulse responses, and windowed-sinc interpolation between samples.
//!
//! | in the formula | here    | meaning                                                    |
//! | h(t)           | kernel  | Kaiser-windowed sinc, t in input samples                   |
//! | f_c            | cutoff  | cycles per input sample at half amplitude, 0 < f_c <= 0.5  |
//! | T              | n_taps  | taps                                                       |
//!
//! A value between samples: `y(t) = sum_k x[floor(t) + k - T/2 + 1] h(k - T/2 + 1 - frac(t))`.

use crate::lanes::{F4, Lanes};
use crate::{Cf32, Isa, as_floats, as_floats_mut};

/// The most taps that a kernel has.
pub const N_TAPS_MAX: usize = 2048;

/// Phases of the kernel's table between two samples; linear between them, which is wrong by 2e-5 at most.
const PHASES: usize = 256;

/// Writes `out[i] = sum_k taps[k] x[i + k]` for as many `i` as `x` and `out` allow; returns their number.
///
/// Correlation order: reverse the taps for a convolution. No allocation. The same bits on every instruction set.
pub fn filter_real(isa: Isa, x: &[Cf32], taps: &[f32], out: &mut [Cf32]) -> usize {
    let n = out.len().min((x.len() + 1).saturating_sub(taps.len()));
    // SAFETY: the kernel reads 2 (n + taps.len() - 1) floats of x and writes 2 n of out; both were bounded just now.
    unsafe { run::<false>(isa, as_floats(x), taps, &mut as_floats_mut(out)[..2 * n]) };
    n
}

/// Writes `out[i] = sum_k taps[k] x[i + k]` with complex taps, at twice the cost; otherwise as `filter_real`.
pub fn filter_complex(isa: Isa, x: &[Cf32], taps: &[Cf32], out: &mut [Cf32]) -> usize {
    let n = out.len().min((x.len() + 1).saturating_sub(taps.len()));
    // SAFETY: as in `filter_real`.
    unsafe { run::<true>(isa, as_floats(x), as_floats(taps), &mut as_floats_mut(out)[..2 * n]) };
    n
}

unsafe fn run<const COMPLEX: bool>(isa: Isa, x: &[f32], taps: &[f32], out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m256, __m512};
        #[target_feature(enable = "avx2")]
        unsafe fn avx2<const COMPLEX: bool>(x: &[f32], taps: &[f32], out: &mut [f32]) {
            unsafe { body::<__m256, COMPLEX>(x, taps, out) }
        }
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
        unsafe fn avx512<const COMPLEX: bool>(x: &[f32], taps: &[f32], out: &mut [f32]) {
            unsafe { body::<__m512, COMPLEX>(x, taps, out) }
        }
        match isa.effective() {
            // SAFETY: `effective` returns only what the machine has.
            Isa::Avx2 => return unsafe { avx2::<COMPLEX>(x, taps, out) },
            // SAFETY: as above.
            Isa::Avx512 => return unsafe { avx512::<COMPLEX>(x, taps, out) },
            _ => {}
        }
    }
    let _ = isa;
    // SAFETY: the caller's promise.
    unsafe { body::<F4, COMPLEX>(x, taps, out) }
}

/// Four vectors at a time, then one, then pairs of floats.
#[inline(always)]
unsafe fn body<L: Lanes, const COMPLEX: bool>(x: &[f32], taps: &[f32], out: &mut [f32]) {
    let mut at = 0;
    unsafe {
        while at + 4 * L::W <= out.len() {
            strip::<L, 4, COMPLEX>(x.as_ptr().add(at), taps, out.as_mut_ptr().add(at));
            at += 4 * L::W;
        }
        while at + L::W <= out.len() {
            strip::<L, 1, COMPLEX>(x.as_ptr().add(at), taps, out.as_mut_ptr().add(at));
            at += L::W;
        }
        while at < out.len() {
            strip::<f32, 2, COMPLEX>(x.as_ptr().add(at), taps, out.as_mut_ptr().add(at));
            at += 2;
        }
    }
}

/// `N` vectors of outputs, an even number of floats in all.
#[inline(always)]
unsafe fn strip<L: Lanes, const N: usize, const COMPLEX: bool>(x: *const f32, taps: &[f32], out: *mut f32) {
    unsafe {
        let (mut by_re, mut by_im) = ([L::splat(0.0); N], [L::splat(0.0); N]);
        let width = if COMPLEX { 2 } else { 1 };
        for k in 0..taps.len() / width {
            let re = L::splat(*taps.get_unchecked(width * k));
            for v in 0..N {
                by_re[v] = by_re[v].add(re.mul(L::load(x.add(2 * k + v * L::W))));
            }
            if COMPLEX {
                let im = L::splat(*taps.get_unchecked(width * k + 1));
                for v in 0..N {
                    by_im[v] = by_im[v].add(im.mul(L::load(x.add(2 * k + v * L::W))));
                }
            }
        }
        for v in 0..N {
            by_re[v].store(out.add(v * L::W));
        }
        if COMPLEX {
            // i (a + i b) = -b + i a, joined pair by pair.
            let mut crossed = [0.0f32; 64];
            for v in 0..N {
                by_im[v].store(crossed.as_mut_ptr().add(v * L::W));
            }
            for i in (0..N * L::W).step_by(2) {
                *out.add(i) -= crossed[i + 1];
                *out.add(i + 1) += crossed[i];
            }
        }
    }
}

crate::isa::multiversion! {
    /// Writes `out[step_out i] = sum_k taps[k] x[step_in i + k]` for as many `i` as `x` and `out` allow.
    ///
    /// One phase of a rational rate change. No allocation; at most 2048 taps count. The same bits on every instruction set.
    pub fn filter_strided(x: &[Cf32], taps: &[Cf32], step_in: usize, out: &mut [Cf32], step_out: usize) = strided_body
}

#[inline(always)]
fn strided_body(x: &[Cf32], taps: &[Cf32], step_in: usize, out: &mut [Cf32], step_out: usize) {
    const LANES: usize = 16;
    let n_taps = taps.len().min(N_TAPS_MAX);
    let (mut re, mut im) = ([0.0f32; 2 * N_TAPS_MAX], [0.0f32; 2 * N_TAPS_MAX]);
    for (k, tap) in taps[..n_taps].iter().enumerate() {
        re[2 * k..2 * k + 2].fill(tap.re);
        im[2 * k..2 * k + 2].fill(tap.im);
    }
    let (re, im) = (&re[..2 * n_taps], &im[..2 * n_taps]);
    for (i, out) in out.iter_mut().step_by(step_out.max(1)).enumerate() {
        let Some(window) = x.get(step_in * i..step_in * i + n_taps) else { return };
        let (mut by_re, mut by_im) = ([0.0f32; LANES], [0.0f32; LANES]);
        let mut windows = as_floats(window).chunks_exact(LANES);
        let (mut re_chunks, mut im_chunks) = (re.chunks_exact(LANES), im.chunks_exact(LANES));
        for ((x, re), im) in (&mut windows).zip(&mut re_chunks).zip(&mut im_chunks) {
            for lane in 0..LANES {
                by_re[lane] += x[lane] * re[lane];
                by_im[lane] += x[lane] * im[lane];
            }
        }
        let rest = windows.remainder();
        for lane in 0..rest.len() {
            by_re[lane] += rest[lane] * re_chunks.remainder()[lane];
            by_im[lane] += rest[lane] * im_chunks.remainder()[lane];
        }
        let mut sum = Cf32::new(0.0, 0.0);
        for pair in 0..LANES / 2 {
            sum.re += by_re[2 * pair] - by_im[2 * pair + 1];
            sum.im += by_re[2 * pair + 1] + by_im[2 * pair];
        }
        *out = sum;
    }
}

/// A table of windowed-sinc taps for any fractional position.
#[derive(Clone, Debug)]
pub struct Kernel {
    n_taps: usize,
    /// `[phase 0..=PHASES][tap]`
    table: Vec<f32>,
}

impl Kernel {
    /// Makes a kernel of `n_taps` taps (even; clamped to 2..=2048), cut off at `cutoff` cycles per input sample, with Kaiser's `beta`.
    ///
    /// Gain 1 at frequency 0. Allocates and computes 257 `n_taps` values: set-up, not slot path.
    pub fn new(n_taps: usize, cutoff: f64, beta: f64) -> Kernel {
        let n_taps = (n_taps.clamp(2, N_TAPS_MAX) + 1) & !1;
        let half = (n_taps / 2) as f64;
        let window_scale = 1.0 / bessel_i0(beta);
        let mut table = Vec::with_capacity((PHASES + 1) * n_taps);
        let mut taps = vec![0.0f64; n_taps];
        for phase in 0..=PHASES {
            let fraction = phase as f64 / PHASES as f64;
            for (k, tap) in taps.iter_mut().enumerate() {
                let t = k as f64 - (half - 1.0) - fraction;
                *tap = 2.0 * cutoff * sinc(2.0 * cutoff * t) * window_scale * kaiser(t / half, beta);
            }
            let sum: f64 = taps.iter().sum();
            table.extend(taps.iter().map(|tap| (tap / sum) as f32));
        }
        Kernel { n_taps, table }
    }

    /// A kernel to interpolate a signal of `rate_in` samples per second for an output of `rate_out`, flat to 0.83 of the
    /// lower Nyquist frequency and 60 dB down at its images and aliases.
    pub fn for_rates(rate_in: f64, rate_out: f64) -> Kernel {
        let ratio = (rate_out / rate_in).min(1.0);
        let n_taps = libm::ceil(22.0 / ratio) as usize;
        Kernel::new(n_taps, 0.5 * ratio, 5.7)
    }

    /// The number of taps, even.
    pub fn n_taps(&self) -> usize {
        self.n_taps
    }

    /// Writes the taps for `fraction` (0 <= fraction < 1; clamped): `out[k]` weighs sample `floor(t) + k - n_taps/2 + 1`.
    pub fn taps_at(&self, fraction: f64, out: &mut [f32]) {
        let at = fraction.clamp(0.0, 1.0) * PHASES as f64;
        let phase = (at as usize).min(PHASES - 1);
        let weight = (at - phase as f64) as f32;
        let rows = &self.table[phase * self.n_taps..(phase + 2) * self.n_taps];
        let (low, high) = rows.split_at(self.n_taps);
        for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
            *out = low + weight * (high - low);
        }
    }
}

fn sinc(t: f64) -> f64 {
    let x = core::f64::consts::PI * t;
    if x.abs() < 1e-9 { 1.0 } else { libm::sin(x) / x }
}

/// Kaiser's window times I_0(beta).
fn kaiser(t: f64, beta: f64) -> f64 {
    if t.abs() > 1.0 { 0.0 } else { bessel_i0(beta * (1.0 - t * t).sqrt()) }
}

/// The modified Bessel function of order 0 for |x| up to about 10, by its series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..60 {
        term *= quarter / f64::from(k * k);
        sum += term;
        if term < sum * 1e-9 {
            break;
        }
    }
    sum
}
