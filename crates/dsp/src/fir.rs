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
    let isa = isa.effective();
    for (i, out) in out.iter_mut().step_by(step_out.max(1)).enumerate() {
        let rest = x.get(step_in * i..).unwrap_or_default();
        if rest.len() < taps.n_taps {
            return;
        }
        *out = match as_floats(rest).get(..taps.re.len()) {
            Some(window) if taps.real => inner::<false>(isa, window, &taps.re, &taps.re),
            Some(window) => inner::<true>(isa, window, &taps.re, &taps.im),
            None => inner_padded(isa, &rest[..taps.n_taps], &taps.re, &taps.im),
        };
    }
}

/// The inner product at the end of the input, where zeros stand for what the padded taps would weigh by zero.
#[cold]
fn inner_padded(isa: Isa, x: &[Cf32], re: &[f32], im: &[f32]) -> Cf32 {
    let mut padded = [0.0f32; 2 * N_TAPS_MAX];
    padded[..2 * x.len()].copy_from_slice(as_floats(x));
    inner::<true>(isa, &padded[..re.len()], re, im)
}

/// Floats that every instruction set sums side by side.
const LOGICAL_LANES: usize = 16;

fn inner<const COMPLEX: bool>(isa: Isa, x: &[f32], re: &[f32], im: &[f32]) -> Cf32 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m256, __m512};
        #[target_feature(enable = "avx2")]
        fn avx2<const COMPLEX: bool>(x: &[f32], re: &[f32], im: &[f32]) -> Cf32 {
            inner_body::<__m256, 2, COMPLEX>(x, re, im)
        }
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
        fn avx512<const COMPLEX: bool>(x: &[f32], re: &[f32], im: &[f32]) -> Cf32 {
            inner_body::<__m512, 1, COMPLEX>(x, re, im)
        }
        match isa {
            // SAFETY: `filter_strided` passes only what the machine has.
            Isa::Avx2 => return unsafe { avx2::<COMPLEX>(x, re, im) },
            // SAFETY: as above.
            Isa::Avx512 => return unsafe { avx512::<COMPLEX>(x, re, im) },
            _ => {}
        }
    }
    let _ = isa;
    inner_body::<F4, 4, COMPLEX>(x, re, im)
}

/// The sum of the taps' products, each tap twice in `re` and in `im`; `N` vectors make the logical lanes.
#[inline(always)]
fn inner_body<L: Lanes, const N: usize, const COMPLEX: bool>(x: &[f32], re: &[f32], im: &[f32]) -> Cf32 {
    let (mut sum_re, mut sum_im) = ([0.0f32; LOGICAL_LANES], [0.0f32; LOGICAL_LANES]);
    let n = x.len().min(re.len()).min(im.len());
    // SAFETY: reads end at the last whole group of lanes within `n` floats; the sums hold N W = 16 floats.
    unsafe {
        let (mut by_re, mut by_im) = ([L::splat(0.0); N], [L::splat(0.0); N]);
        let mut at = 0;
        while at + LOGICAL_LANES <= n {
            for v in 0..N {
                let at = at + v * L::W;
                let x = L::load(x.as_ptr().add(at));
                by_re[v] = by_re[v].add(x.mul(L::load(re.as_ptr().add(at))));
                if COMPLEX {
                    by_im[v] = by_im[v].add(x.mul(L::load(im.as_ptr().add(at))));
                }
            }
            at += LOGICAL_LANES;
        }
        for v in 0..N {
            by_re[v].store(sum_re.as_mut_ptr().add(v * L::W));
            by_im[v].store(sum_im.as_mut_ptr().add(v * L::W));
        }
    }
    let sum_re = fold(sum_re);
    if COMPLEX {
        let sum_im = fold(sum_im);
        Cf32::new(sum_re[0] - sum_im[1], sum_re[1] + sum_im[0])
    } else {
        Cf32::new(sum_re[0], sum_re[1])
    }
}

/// Halves a vector of pairs by addition until one pair is left.
#[inline(always)]
fn fold(x: [f32; LOGICAL_LANES]) -> [f32; 2] {
    let mut eight = [0.0f32; 8];
    for i in 0..8 {
        eight[i] = x[i] + x[i + 8];
    }
    let mut four = [0.0f32; 4];
    for i in 0..4 {
        four[i] = eight[i] + eight[i + 4];
    }
    [four[0] + four[2], four[1] + four[3]]
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
