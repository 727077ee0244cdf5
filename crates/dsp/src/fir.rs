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

/// Complex taps laid out for [`filter_strided`].
#[derive(Clone, Debug)]
pub struct StridedTaps {
    n_taps: usize,
    real: bool,
    /// Each tap's real part twice, then zeros up to a multiple of 16 floats; `im` likewise.
    re: Vec<f32>,
    im: Vec<f32>,
}

impl StridedTaps {
    /// Room for `n_taps` taps (2048 at most), all zero.
    pub fn new(n_taps: usize) -> StridedTaps {
        let n_taps = n_taps.min(N_TAPS_MAX);
        let zeros = vec![0.0; (2 * n_taps).next_multiple_of(LOGICAL_LANES)];
        StridedTaps { n_taps, real: true, re: zeros.clone(), im: zeros }
    }

    /// Takes new taps that are real; those beyond its room are left out, missing ones are zero. No allocation.
    pub fn set_real(&mut self, taps: &[f32]) {
        self.re.fill(0.0);
        if !self.real {
            self.im.fill(0.0);
        }
        for (pair, tap) in self.re.chunks_exact_mut(2).zip(taps.iter().take(self.n_taps)) {
            pair.fill(*tap);
        }
        self.real = true;
    }

    /// Takes new taps; those beyond its room are left out, missing ones are zero. No allocation.
    pub fn set(&mut self, taps: &[Cf32]) {
        self.re.fill(0.0);
        self.im.fill(0.0);
        for (k, tap) in taps.iter().take(self.n_taps).enumerate() {
            self.re[2 * k..2 * k + 2].fill(tap.re);
            self.im[2 * k..2 * k + 2].fill(tap.im);
        }
        self.real = self.im.iter().all(|&im| im == 0.0);
    }
}

/// Writes `out[step_out i] = sum_k taps[k] x[step_in i + k]` for as many `i` as `x` and `out` allow.
///
/// One phase of a rational rate change. No allocation. The same bits on every instruction set.
pub fn filter_strided(isa: Isa, x: &[Cf32], taps: &StridedTaps, step_in: usize, out: &mut [Cf32], step_out: usize) {
    let (step_in, step_out) = (step_in.max(1), step_out.max(1));
    let fit = |len: usize| if x.len() < len { 0 } else { (x.len() - len) / step_in + 1 };
    let wanted = out.len().div_ceil(step_out);
    let n = wanted.min(fit(taps.n_taps));
    let whole = n.min(fit(taps.re.len() / 2));
    // SAFETY: output i < whole reads the padded taps' floats from 2 step_in i on, which x holds, and step_out i lies in out.
    unsafe { strided(isa, as_floats(x), taps, step_in, &mut out[..], step_out, whole) };
    for i in whole..n {
        out[step_out * i] = inner_padded(isa, &x[step_in * i..][..taps.n_taps], taps);
    }
}

/// The inner product at the end of the input, where zeros stand for what the padded taps would weigh by zero.
#[cold]
fn inner_padded(isa: Isa, x: &[Cf32], taps: &StridedTaps) -> Cf32 {
    let mut padded = [Cf32::new(0.0, 0.0); N_TAPS_MAX];
    padded[..x.len()].copy_from_slice(x);
    let mut out = [Cf32::new(0.0, 0.0)];
    // SAFETY: the padded taps are no longer than the padded input, 2 N_TAPS_MAX being a multiple of the lanes.
    unsafe { strided(isa, as_floats(&padded), taps, 1, &mut out, 1, 1) };
    out[0]
}

/// Floats that every instruction set sums side by side.
const LOGICAL_LANES: usize = 16;

/// # Safety
/// For every i < n, x holds the padded taps' floats from 2 step_in i on, and out the sample step_out i.
unsafe fn strided(
    isa: Isa,
    x: &[f32],
    taps: &StridedTaps,
    step_in: usize,
    out: &mut [Cf32],
    step_out: usize,
    n: usize,
) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m256, __m512};
        #[target_feature(enable = "avx2")]
        unsafe fn avx2(x: &[f32], taps: &StridedTaps, steps: [usize; 2], out: &mut [Cf32], n: usize) {
            unsafe { strided_body::<__m256, 2>(x, taps, steps, out, n) }
        }
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
        unsafe fn avx512(x: &[f32], taps: &StridedTaps, steps: [usize; 2], out: &mut [Cf32], n: usize) {
            unsafe { strided_body::<__m512, 1>(x, taps, steps, out, n) }
        }
        match isa.effective() {
            // SAFETY: `effective` returns only what the machine has; the rest is the caller's promise.
            Isa::Avx2 => return unsafe { avx2(x, taps, [step_in, step_out], out, n) },
            // SAFETY: as above.
            Isa::Avx512 => return unsafe { avx512(x, taps, [step_in, step_out], out, n) },
            _ => {}
        }
    }
    let _ = isa;
    // SAFETY: the caller's promise.
    unsafe { strided_body::<F4, 4>(x, taps, [step_in, step_out], out, n) }
}

#[inline(always)]
unsafe fn strided_body<L: Lanes, const N: usize>(
    x: &[f32],
    taps: &StridedTaps,
    [step_in, step_out]: [usize; 2],
    out: &mut [Cf32],
    n: usize,
) {
    for i in 0..n {
        unsafe {
            let x = x.as_ptr().add(2 * step_in * i);
            *out.as_mut_ptr().add(step_out * i) =
                if taps.real { inner::<L, N, false>(x, taps) } else { inner::<L, N, true>(x, taps) };
        }
    }
}

/// The sum of the taps' products, each tap twice in `re` and in `im`; `N` vectors make the logical lanes.
#[inline(always)]
unsafe fn inner<L: Lanes, const N: usize, const COMPLEX: bool>(x: *const f32, taps: &StridedTaps) -> Cf32 {
    unsafe {
        let (mut by_re, mut by_im) = ([L::splat(0.0); N], [L::splat(0.0); N]);
        let mut at = 0;
        while at < taps.re.len() {
            for v in 0..N {
                let at = at + v * L::W;
                let x = L::load(x.add(at));
                by_re[v] = by_re[v].add(x.mul(L::load(taps.re.as_ptr().add(at))));
                if COMPLEX {
                    by_im[v] = by_im[v].add(x.mul(L::load(taps.im.as_ptr().add(at))));
                }
            }
            at += LOGICAL_LANES;
        }
        let re = L::fold_sixteen(&by_re);
        if COMPLEX {
            let im = L::fold_sixteen(&by_im);
            Cf32::new(re[0] - im[1], re[1] + im[0])
        } else {
            Cf32::new(re[0], re[1])
        }
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

    /// A kernel that delays by fractions of a sample at one rate: of all with `n_taps` taps (even; clamped to 2..=64) the
    /// one of least mean square error for a signal within `band` cycles per sample either side of 0 (0 < band < 0.5).
    ///
    /// With 18 taps and 0.418: -58 dB on average, -55 dB at half a sample. Allocates; set-up, not slot path.
    pub fn fractional_delay(n_taps: usize, band: f64) -> Kernel {
        let n_taps = (n_taps.clamp(2, 64) + 1) & !1;
        let lead = (n_taps / 2 - 1) as f64;
        let correlation = |t: f64| 2.0 * band * sinc(2.0 * band * t);
        // The normal equations, with as much white noise as keeps them well conditioned.
        let factor = cholesky(n_taps, |r, c| correlation(r as f64 - c as f64) + if r == c { 1e-6 } else { 0.0 });
        let mut table = Vec::with_capacity((PHASES + 1) * n_taps);
        for phase in 0..=PHASES {
            let fraction = phase as f64 / PHASES as f64;
            let wanted = (0..n_taps).map(|k| correlation(k as f64 - lead - fraction)).collect();
            table.extend(solve(&factor, wanted).into_iter().map(|tap| tap as f32));
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

/// The lower triangle L of A = L L^T by rows, for a positive definite A.
fn cholesky(n: usize, a: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(n);
    for r in 0..n {
        let mut row: Vec<f64> = Vec::with_capacity(r + 1);
        for c in 0..=r {
            let other = if c == r { &row } else { &lower[c] };
            let rest = a(r, c) - row.iter().zip(other).take(c).map(|(x, y)| x * y).sum::<f64>();
            let entry = if c == r { rest.max(1e-300).sqrt() } else { rest / other[c] };
            row.push(entry);
        }
        lower.push(row);
    }
    lower
}

/// The solution x of L L^T x = b.
fn solve(lower: &[Vec<f64>], mut x: Vec<f64>) -> Vec<f64> {
    for r in 0..x.len() {
        let known: f64 = lower[r].iter().zip(&x).take(r).map(|(l, x)| l * x).sum();
        x[r] = (x[r] - known) / lower[r][r];
    }
    for r in (0..x.len()).rev() {
        let known: f64 = (r + 1..x.len()).map(|c| lower[c][r] * x[c]).sum();
        x[r] = (x[r] - known) / lower[r][r];
    }
    x
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
